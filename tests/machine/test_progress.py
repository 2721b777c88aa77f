"""How far a build or a start is, as it is shown in a terminal, in a notebook, and where nobody watches."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labkit.machine import build, progress
from labkit.machine.progress import Building, Drawing, Notebook, Sentences, Terminal, moving
from labkit.sandbox import wait_until


class Output:
    """What IPython returns for an output that changes; keeps what was shown in it."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def display(self, what: Any, *, display_id: bool) -> Output:
        assert display_id
        self.update(what)
        return self

    def update(self, what: Any) -> None:
        self.seen.append(what._repr_mimebundle_()["text/plain"])


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Output:
    """A notebook's kernel, as far as it is asked, and the one output of its cell."""
    output = Output()
    kernel = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setitem(sys.modules, "IPython", kernel)
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=output.display))
    monkeypatch.setattr(progress, "TICK", 0.001)
    return output


def test_the_way_fits_the_place(output: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel gets an output that changes, a terminal a bar, and everything else sentences."""
    assert type(progress.choose(print)) is Notebook
    monkeypatch.delitem(sys.modules, "IPython")
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert type(progress.choose(print)) is Sentences
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    way = progress.choose(print)
    way.clear()
    assert type(way) is Terminal


def test_a_notebook_keeps_one_sentence(output: Output) -> None:
    """In a notebook the bar moves in one output, and the sentence at the end takes its place."""
    with moving(print, lambda seconds: ("boil", min(1.0, len(output.seen) / 5), "x")) as bar:
        wait_until(lambda: len(output.seen) >= 6, "the bar has moved five times")
        bar.end("Tea is ready.")
    assert output.seen[0].startswith("░") and "█" in output.seen[4] and output.seen[4].endswith("boil · x")
    assert output.seen[-1] == "Tea is ready."
    assert not any(seen.startswith("Tea") for seen in output.seen[:-1])


def test_a_failure_leaves_no_bar(output: Output) -> None:
    """Where the block fails, the last thing shown says which task was not finished."""
    with pytest.raises(OSError, match="no tea"), moving(print, lambda seconds: ("boil", 0.5, "")):
        raise OSError("no tea")
    assert output.seen[-1] == "boil: not finished."


def test_elsewhere_each_task_is_said_once() -> None:
    """Where nobody watches, a task is one sentence however often somebody looks."""
    said = list[str]()
    tasks = ["boil", "boil", "pour", "pour"]
    way = Sentences(said.append)
    for task in tasks:
        way.show(task, 0.5, "1 s")
    way.finish("Tea is ready.")
    assert said == ["  boil …", "  pour …", "Tea is ready."]


def test_a_terminal_keeps_the_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal the line with the bar shows task and note, and the sentence is what remains."""
    said, terminal = list[str](), io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    way = Terminal(said.append)
    way.show("boil", 0.5, "53 MB")
    way.bar.refresh()
    way.finish("Tea is ready.")
    assert "boil" in terminal.getvalue() and "53 MB" in terminal.getvalue()
    assert said == ["Tea is ready."]


def test_a_drawing_is_safe_and_readable() -> None:
    """A page gets its own bar with a name; what is written beside it is text, not markup."""
    page = Drawing("a <b>", 0.25, "1 < 2")._repr_mimebundle_()["text/html"]
    assert 'value="0.250"' in page and 'aria-label="a &lt;b&gt;"' in page
    assert "a &lt;b&gt; · 1 &lt; 2" in page


def test_a_build_is_seen_by_bytes_then_by_tasks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The bar of a build grows with what was fetched, then with time, then with each task, and never goes back."""
    monkeypatch.setenv("LABKIT_MACHINE_PARTS", str(tmp_path / "parts"))
    archives = tmp_path / "parts.building" / "packages/var/cache/apt/archives"
    (archives / "partial").mkdir(parents=True)
    building = Building()
    seen = [building.look(1)]
    for place, seconds in (("partial/a_1.deb", 2), ("b_1.deb", 3)):
        (archives / place).write_bytes(bytes(3 << 20))
        seen.append(building.look(seconds))
    assert [note for _, _, note in seen] == ["reading the mirror's lists, 1 s", "3 MB so far, 2 s", "6 MB so far, 3 s"]
    assert not building.step("  I: extracting archives...")
    seen += [building.look(4), building.look(9)]
    assert seen[-1][2] == "unpacking, 9 s"
    for task in build.TASKS[1:]:
        assert building.step(task)
        seen.append(building.look(10))
    shares = [share for _, share, _ in seen]
    assert shares == sorted(shares) and shares[0] >= 0 and shares[-1] < 1
    assert [task for task, _, _ in seen[-3:]] == list(build.TASKS[1:])
