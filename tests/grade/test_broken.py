"""What breaks around the grader: a daemon that dies, a disk that is full, a folder that takes nothing."""

from __future__ import annotations

import csv
import os
import secrets
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from click.testing import Result as Typed

from labkit import leftovers
from labkit.cli import main
from labkit.daemon import Daemon
from labkit.grade import chapters
from labkit.grade.compose import compose
from labkit.grade.results import Result
from labkit.grade.tables import read_results
from labkit.sandbox import wait_until
from tests.forwarder import forwarded
from tests.grade.copies import ANSWERS
from tests.grade.test_attacks import short
from tests.grade.test_class import owners

pytestmark = [pytest.mark.daemon, pytest.mark.notebook]

IDS = "00.word", "01.mode"
"""The exercises of the short chapter: one whose answer asks the daemon, one whose answer does not."""

WAITING = """from pathlib import Path
Path("{0}/waits").touch()
while Path("{0}/gate").exists():
    pass
"""
"""Before an answer: as long as there is a gate, say that it is waited for, and wait."""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """A folder with a short chapter, and a class of three in ``class``; the chapter's order can be a parameter."""
    notebook = short(*getattr(request, "param", IDS))
    for name in ("notebooks", "class", "graded"):
        (tmp_path / name).mkdir()
    nbformat.write(notebook, tmp_path / "notebooks" / "10_short.ipynb")
    monkeypatch.setattr(chapters, "find_folder", lambda: tmp_path / "notebooks")
    notebook.metadata["labkit"] = {"chapter": "10"}
    for name in ("1-ada", "2-alan", "3-grace"):
        answers = {one: ANSWERS[one] for one in IDS}
        if name == "2-alan":
            answers[IDS[0]] = WAITING.format(tmp_path) + answers[IDS[0]]
        nbformat.write(compose(notebook, answers), tmp_path / "class" / f"{name}.ipynb")
    return tmp_path


def grade(desk: Path, *words: str) -> Typed:
    """Type the command."""
    return CliRunner().invoke(
        main, ["grade", "--level=self", str(desk / "class"), "--out", str(desk / "graded"), *words]
    )


def written(desk: Path) -> dict[str, Result]:
    """What is in results.json, by learner."""
    return {result.learner: result for result in read_results(desk / "graded" / "results.json")[0]}


# --- the daemon -------------------------------------------------------------------------------------------


@pytest.fixture
def left(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Those in whose names a test grades; what is left of them is removed afterwards."""
    run = f"broken-{secrets.token_hex(4)}"
    monkeypatch.setenv("LABKIT_RUN", run)
    with owners(daemon, run) as names:
        yield names
    things = leftovers.remove(daemon, [thing for thing in leftovers.things(daemon) if thing.owner in names])
    assert names and [thing for thing in things if thing.left] == []


@pytest.mark.parametrize("desk", [IDS, IDS[::-1]], indirect=True, ids=["in the middle", "in the last answer"])
def test_a_daemon_that_dies_is_nobodys_fault(
    desk: Path, daemon: Daemon, left: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was graded by then keeps the score; nobody else has one, the status is 3, and the next time all have."""
    first = _grade_while_it_dies(desk, daemon, monkeypatch)
    ada, alan, grace = written(desk).values()
    assert first.exit_code == 3 and (ada.status, ada.points) == ("pass", 6)
    assert [(one.status, one.points) for one in (alan, grace)] == [("infra-error", None)] * 2
    assert {exercise.points for one in (alan, grace) for exercise in one.exercises} == {None}
    assert alan.sentence.startswith("The daemon was gone when this submission was done: ")
    assert grace.sentence.startswith("The grader does not work here: ")
    second = grade(desk)
    assert second.exit_code == 0, second.output
    assert [(one.status, one.points) for one in written(desk).values()] == [("pass", 6)] * 3
    assert written(desk)["1-ada"] == ada


def _grade_while_it_dies(desk: Path, daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Grade at a daemon that is no longer reached as soon as the second learner's answer runs."""
    (desk / "gate").touch()
    with ExitStack() as reachable, monkeypatch.context() as patch:
        patch.setenv("DOCKER_HOST", reachable.enter_context(forwarded(daemon)))

        def die() -> None:
            wait_until((desk / "waits").exists, "the second answer runs", deadline=120)
            reachable.close()
            (desk / "gate").unlink()

        killer = threading.Thread(target=die)
        killer.start()
        typed = grade(desk)
        killer.join()
    return typed


# --- the disk ---------------------------------------------------------------------------------------------


@pytest.fixture
def small(desk: Path) -> Iterator[Path]:
    """The folder of results on a disk of its own, with room for next to nothing."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system")
    folder = desk / "graded"
    command = ["mount", "-t", "tmpfs", "-o", "size=16k", "labkit-test", str(folder)]
    if subprocess.run(command, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def table(typed: Typed) -> dict[str, str]:
    """The points by learner, from the table that was printed."""
    rows = csv.DictReader(line for line in typed.stdout.splitlines() if "," in line)
    return {row["learner"]: row["total"] for row in rows}


def test_without_room_the_table_is_printed(desk: Path, small: Path) -> None:
    """Where nothing can be written, the command says so, prints what it found out, and leaves no half of a file."""
    filler = small / "filler"
    with filler.open("wb", buffering=0) as stream, pytest.raises(OSError):
        while True:
            stream.write(bytes(4096))
    typed = grade(desk)
    assert typed.exit_code == 1 and "could not be written: No space left on device." in typed.stderr
    assert "Make room there, or name another folder with --out" in typed.stderr
    assert table(typed) == {"1-ada": "6", "2-alan": "6", "3-grace": "6"}
    assert {file.name for file in small.iterdir()} - {"results.partial.jsonl"} == {"filler"}


def test_a_disk_that_is_read_only_is_like_a_full_one(desk: Path, small: Path) -> None:
    """Where the folder is there and takes nothing, the command says so, and prints what it found out."""
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    typed = grade(desk)
    assert typed.exit_code == 1 and "Read-only file system" in typed.stderr
    assert table(typed) in ({}, {"1-ada": "6", "2-alan": "6", "3-grace": "6"})


@pytest.mark.parametrize("name", ["graded/file", "graded/file/deeper"])
def test_a_folder_that_cannot_be_made_is_said_at_once(desk: Path, name: str) -> None:
    """Where a file stands in the folder's place, nothing is graded, and the command says what to do."""
    (desk / "graded" / "file").write_text("a file")
    words = ["grade", "--level=self", str(desk / "class"), "--out", str(desk / name)]
    typed = CliRunner().invoke(main, words)
    assert typed.exit_code in (1, 2) and "file" in typed.stderr and typed.stdout == ""
    assert (desk / "graded" / "file").read_text() == "a file" and not (desk / "waits").exists()
