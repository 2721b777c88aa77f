"""A whole class through ``labkit grade``, twice: what must come of each submission, and what of it stays.

``LABKIT_TABLE=FILE`` writes the table of expected beside measured into a file, in Markdown.
"""

from __future__ import annotations

import csv
import json
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from jsonschema import Draft202012Validator

from labkit import images, leftovers, sandbox
from labkit.course.seed import mark
from labkit.daemon import Daemon
from labkit.errors import SandboxError
from labkit.grade.results import Result
from labkit.grade.tables import BOM, read_results, read_schema
from tests.grade import pupils
from tests.grade.pupils import Pupil, measured
from tests.grade.test_pages import Page

pytestmark = [pytest.mark.daemon, pytest.mark.notebook]

COMMAND = [sys.executable, "-c", "from labkit.cli import main; main(prog_name='labkit')", "grade", "--level=self"]


@dataclass(frozen=True)
class Graded:
    """One run of the command, and what it wrote."""

    status: int
    said: str
    out: Path
    results: dict[str, Result]
    made: dict[str, Any]


@dataclass(frozen=True)
class Desk:
    """An instructor with a class, and with things of other people's on the daemon.

    Attributes:
        class_: who handed something in.
        runs: the class graded, graded again, and asked for once more.
        owners: the names under which submissions were run.
        before, after: the state of what was there before the first run, then and after the last.
    """

    class_: list[Pupil]
    runs: list[Graded]
    owners: set[str]
    before: list[Any]
    after: list[Any]


@pytest.fixture(scope="module")
def desk(daemon: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The whole class, graded twice by two workers; the third time nothing is left to do."""
    here, run = tmp_path_factory.mktemp("class"), f"class-{secrets.token_hex(4)}"
    paths, everybody = pupils.write_class(here)
    with somebody_elses(daemon) as boxes, owners(daemon, run) as seen:
        before = [_state(box) for box in boxes]
        words = [*map(str, paths), "--jobs", "2", "--timeout", "10", "--out", str(here / "graded")]
        runs = [grade(run, *words, "--junit"), grade(run, *words, "--again"), grade(run, *words)]
        found = Desk(everybody, runs, seen, before, [_state(box) for box in boxes])
    if table := os.environ.get("LABKIT_TABLE"):
        Path(table).write_text(as_table(found), "utf-8")
    yield found


def grade(run: str, *words: str) -> Graded:
    """Type the command; read what it wrote."""
    environ = os.environ | {"LABKIT_RUN": run, "LABKIT_LEARNER": run}
    done = subprocess.run([*COMMAND, *words], env=environ, capture_output=True, text=True)
    out = Path(words[words.index("--out") + 1])
    made = json.loads((out / "results.json").read_text("utf-8"))
    return Graded(done.returncode, done.stdout, out, {r.file: r for r in read_results(out / "results.json")[0]}, made)


@contextmanager
def somebody_elses(daemon: Daemon) -> Iterator[list[sandbox.Box]]:
    """Two running containers: one of another owner, and one that was made by hand from the course's image."""
    name, image = f"somebody-{secrets.token_hex(4)}", images.ensure(daemon)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABKIT_LEARNER", name)
        theirs = sandbox.run(image, "sleep 3600", name=name, daemon=daemon, stop_signal="SIGKILL")
    made: Any = daemon.client.containers.run(image, "sleep 3600", name=f"{name}-by-hand", detach=True)
    with theirs, sandbox.Box(f"{name}-by-hand", str(made.id), daemon) as nameless:
        assert f"{leftovers.LABEL}.owner" not in nameless.inspect()["Config"]["Labels"]
        yield [theirs, nameless]


def _state(box: sandbox.Box) -> dict[str, Any]:
    """What would differ if somebody had touched it; nothing if it is gone."""
    with suppress(SandboxError):
        facts = box.inspect()
        return {key: facts[key] for key in ("Id", "Name", "State", "RestartCount")}
    return {}


@contextmanager
def owners(daemon: Daemon, run: str) -> Iterator[set[str]]:
    """Everybody in whose name a container of this run is created, read in the daemon's diary."""
    seen: set[str] = set()
    chosen = {"type": "container", "event": "create", "label": f"{leftovers.LABEL}.run={run}"}
    diary: Any = daemon.client.events(filters=chosen, decode=True)

    def read() -> None:
        seen.update(event["Actor"]["Attributes"][f"{leftovers.LABEL}.owner"] for event in diary)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield seen
    finally:
        diary.close()
        reader.join()


# --- what comes of it -------------------------------------------------------------------------------------


def test_each_submission_gets_what_it_must(desk: Desk) -> None:
    """The table of expected beside measured has no difference: learner, file, every exercise, the whole, status."""
    expected = {one.file: one.row for one in desk.class_}
    assert {file: measured(result) for file, result in desk.runs[0].results.items()} == expected


def test_a_second_time_it_is_the_same(desk: Desk) -> None:
    """Graded anew, with other values and in another order, everybody has the same points and the same status."""
    first, second, _ = ({file: measured(result) for file, result in run.results.items()} for run in desk.runs)
    assert first == second


def test_what_is_graded_is_not_graded_again(desk: Desk) -> None:
    """Asked for once more, the command takes every result as it is, down to the seconds that it took."""
    assert desk.runs[2].results == desk.runs[1].results != desk.runs[0].results
    assert desk.runs[2].made["engine"] == "nothing was graded anew"


def test_every_kind_has_its_sentence(desk: Desk) -> None:
    """What was wrong with a file, a cell or an answer is said, so that learner and instructor know."""
    unsaid = [one.kind for one in desk.class_ if one.says not in _words(desk.runs[0].results[one.file])]
    assert unsaid == []


def _words(result: Result) -> str:
    """Everything that a report says about one submission."""
    said = [result.sentence, *result.notes, *result.ignored]
    for one in result.exercises:
        said += [one.sentence, one.traceback, *one.notes, *(part.why for part in one.parts)]
    return "\n".join(said)


def test_it_ends_well(desk: Desk) -> None:
    """Whatever was handed in, the command ends with status 0, and names each file that it could not read."""
    assert [run.status for run in desk.runs] == [0, 0, 0]
    unreadable = [one.file for one in desk.class_ if one.status == "unreadable"]
    assert all(f"unreadable   {file!a}: " in run.said for run in desk.runs for file in unreadable)


# --- what of it stays -------------------------------------------------------------------------------------


def test_every_submission_had_a_name_of_its_own(desk: Desk) -> None:
    """Each submission was run under a name that no other had, and so was the canary of each run."""
    graded = sum(1 for one in desk.class_ if one.exercises)
    assert len(desk.owners) == 2 * (graded + 1)


def test_nothing_of_the_runs_is_left_on_the_daemon(desk: Desk, daemon: Daemon) -> None:
    """No container, network, volume or image is left that carries the name of a run."""
    marks = [mark(owner) for owner in desk.owners]
    left = [t for t in leftovers.things(daemon) if t.owner in desk.owners or any(word in t.name for word in marks)]
    assert desk.owners and left == []


def test_nothing_of_the_runs_is_left_running(desk: Desk) -> None:
    """A process that an answer started in another session is gone, with everything else that it had started."""
    left = [process.info["cmdline"] for process in psutil.process_iter(["cmdline"])]
    assert desk.runs and ["sleep", pupils.STAYS] not in left


def test_what_others_have_is_untouched(desk: Desk) -> None:
    """Another owner's container, and one without an owner that was there before, run on as if nothing had been."""
    assert [state["State"]["Running"] for state in desk.before] == [True, True]
    assert desk.after == desk.before


# --- what is written --------------------------------------------------------------------------------------


def test_the_results_are_as_their_schema_says(desk: Desk) -> None:
    """results.json is valid, and the journal that stood in for it is gone."""
    for run in desk.runs:
        Draft202012Validator(read_schema()).validate(run.made)
    assert not list(desk.runs[0].out.glob("*.jsonl"))


def test_the_table_is_one(desk: Desk) -> None:
    """grades.csv has one row of equal length for each submission, and no cell that a spreadsheet would run."""
    text = (desk.runs[0].out / "grades.csv").read_bytes().decode("utf-8")
    head, *rows = csv.reader(text.removeprefix(BOM).splitlines())
    assert len(rows) == len(desk.class_) and {len(row) for row in rows} == {len(head)}
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
    totals = {row[head.index("sha256")]: row[head.index("total")] for row in rows}
    assert totals == {r.sha256: str(r.points) for r in desk.runs[2].results.values()}


def test_the_pages_are_whole(desk: Desk) -> None:
    """The class's page leads to a page for each submission, and all of them are well-formed."""
    out = desk.runs[0].out
    links = [
        link for link in Page((out / "report.html").read_text("utf-8")).attributes("a", "href") if "reports" in link
    ]
    there = sorted(f"reports/{page.name}" for page in (out / "reports").iterdir())
    assert len(there) == len(desk.class_) and set(there) <= set(links)
    assert all(Page((out / page).read_text("utf-8")).text for page in there)


def as_table(desk: Desk) -> str:
    """Return expected beside measured, in Markdown."""
    first, second, _ = (run.results for run in desk.runs)
    head = ["kind", "learner", "expected", "measured", "measured again", "same"]
    rows = [head, ["---"] * len(head)]
    for one in desk.class_:
        cells = [_short(row) for row in (one.row, measured(first[one.file]), measured(second[one.file]))]
        rows.append([one.kind, repr(one.learner), *cells, "yes" if len(set(cells)) == 1 else "NO"])
    seconds = [sum(result.seconds for result in run.values()) for run in (first, second)]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([*lines, "", f"Seconds of work: {seconds[0]:.0f}, then {seconds[1]:.0f}.", ""])


def _short(row: pupils.Row) -> str:
    _, _, found, total, status = row
    each = ", ".join(f"{one} {points} {said}" for one, (points, said) in found.items())
    return f"{each or 'nothing to grade'} → {total} {status}"
