"""A whole class: everybody gets a result, nobody is graded twice, and what fails is never the learner's fault."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import nbformat
import pytest

from labkit.course import exercise
from labkit.errors import CourseError
from labkit.grade import staff as staff_module
from labkit.grade import tables
from labkit.grade.batch import Options, grade
from labkit.grade.chapters import Chapter
from labkit.grade.collecting import collect
from labkit.grade.compose import compose
from labkit.grade.journal import NAME, key
from labkit.grade.reading import read
from labkit.grade.results import Batch, Result
from labkit.grade.submission import Submission
from labkit.grade.workers import WorkerFailed, WorkerLost
from tests.grade import plain
from tests.grade.conftest import handed_in
from tests.grade.pretend import EXERCISES, Staff

RIGHT = {one.id: one.answer("perfect") for one in EXERCISES}
NAMES = "ada", "alan", "grace", "edsger"

LOST, FAILED = WorkerLost("it ended"), WorkerFailed("The daemon hung up.")

Grade = Callable[..., Batch]


@pytest.fixture
def staff(monkeypatch: pytest.MonkeyPatch) -> Staff:
    """Workers without a process."""
    staff = Staff()
    monkeypatch.setattr(staff_module, "WorkerProcess", staff.hire)
    return staff


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exercises of chapter 90 are registered in this process too, as a chapter's of the course are."""
    before = {one.id: one for one in exercise.exercises()}
    monkeypatch.setattr(exercise, "_registry", before | {one.id: one for one in EXERCISES})


@pytest.fixture
def graded(short: Chapter, known: None) -> Grade:
    """Grade these submissions of the short chapter, without a daemon."""

    def run(
        submissions: Iterable[Submission],
        step: Callable[[Result], None] = lambda _: None,
        say: Callable[[str], None] = lambda _: None,
        **wanted: Any,
    ) -> Batch:
        given: dict[str, Any] = {"docker": False, "modules": (plain.INSTALL,)} | wanted
        return grade(list(submissions), {"90": short}, Options(**given), step=step, say=say)

    return run


def many(*names: str) -> list[Submission]:
    """A right submission of each."""
    return [handed_in(RIGHT, name) for name in names or NAMES]


def by_name(found: Batch) -> dict[str, tuple[str, int | None]]:
    """Status and points, by learner."""
    return {result.learner: (result.status, result.points) for result in found.results}


# --- everybody gets a result ------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 2, 16])
def test_everybody_has_a_result_in_the_same_order(graded: Grade, staff: Staff, jobs: int) -> None:
    """Each submission has one result, in the order in which they were read, and each is told of as soon as it is."""
    told: list[str] = []
    found = graded(many(), lambda result: told.append(result.learner), jobs=jobs)
    assert tuple(result.learner for result in found.results) == NAMES
    assert sorted(told) == sorted(staff.graded) == sorted(NAMES)
    assert by_name(found) == dict.fromkeys(NAMES, ("pass", 4))


def test_a_journal_that_cannot_be_written_is_said_once(graded: Grade, staff: Staff, tmp_path: Path) -> None:
    """Where no room is left for what was graded so far, a sentence says so as soon as it happens, and once."""
    (tmp_path / NAME).mkdir()  # nobody can write lines into a folder
    said: list[str] = []
    assert by_name(graded(many(), out=tmp_path, say=said.append)) == dict.fromkeys(NAMES, ("pass", 4))
    assert len(said) == 1 and NAME in said[0] and "if it is interrupted" in said[0]


def test_a_batch_says_how_it_was_made(graded: Grade, staff: Staff) -> None:
    """The batch names the level with its sentence, the daemon, the version, and a time with its zone."""
    found = graded(many("ada"), level="self")
    assert found.level == "self" and "your daemon" in found.isolation and found.engine == "a pretended daemon"
    assert found.made[10] == "T" and found.made[-6] in "+-" and found.labkit


def test_what_cannot_be_read_passes_through(graded: Grade, staff: Staff, tmp_path: Path) -> None:
    """A submission with a problem has the status, its sentence and no points; no worker ever sees it."""
    broken = replace(handed_in({}, "ada"), chapter="", problem="It is empty: hand it in again.", notes=("old",))
    (found,) = graded([broken], out=tmp_path).results
    assert (found.status, found.points, found.sentence) == ("unreadable", 0, broken.problem)
    assert (found.file, found.sha256, found.notes) == (broken.file, broken.sha256, broken.notes)
    assert (staff.hired, staff.canaries) == ([], 0) and not (tmp_path / NAME).exists()


def test_there_may_be_nothing_to_do(graded: Grade, staff: Staff) -> None:
    """An empty class is a batch without results, and nobody is hired for it."""
    assert graded([]).results == () and staff.hired == []


def test_what_a_worker_is_told_first(graded: Grade, staff: Staff, short: Chapter) -> None:
    """Each worker knows where the chapters are, its limits, and whether it is alone on the daemon."""
    graded(many("ada"), timeout=7.0)
    graded(many("ada"), jobs=2)
    first, second = staff.hired[0], staff.hired[-1]
    assert (first["notebooks"], first["docker"], first["modules"]) == (str(short.path.parent), False, (plain.INSTALL,))
    assert (first["limits"]["seconds"], first["alone"], second["alone"]) == (7.0, True, False)


@pytest.mark.parametrize(("wanted", "problem"), [({"level": "?"}, "no level"), ({"seed_from": "x.csv"}, "no table")])
def test_what_cannot_be_is_said_before_anything_runs(
    graded: Grade, staff: Staff, wanted: dict[str, str], problem: str
) -> None:
    """Options that cannot be followed are an error before anybody is hired."""
    with pytest.raises(CourseError, match=problem):
        graded(many(), **wanted)
    assert staff.hired == []


@pytest.mark.parametrize("jobs", [1, 3])
def test_no_more_workers_than_jobs(graded: Grade, staff: Staff, jobs: int) -> None:
    """There are at most as many workers as jobs, the canary's included, and all are let go."""
    graded(many(), jobs=jobs)
    assert 1 <= len(staff.hired) <= jobs and len(staff.closed) == len(staff.hired)


# --- nobody is graded twice -------------------------------------------------------------------------------


def test_a_second_run_grades_nothing_again(graded: Grade, staff: Staff, tmp_path: Path) -> None:
    """What was graded and has not changed is taken from the first run, equal in every field, and told of again."""
    told: list[str] = []
    first = graded(many(), out=tmp_path)
    second = graded(many(), lambda result: told.append(result.learner), out=tmp_path)
    assert second.results == first.results and tuple(told) == NAMES
    assert (len(staff.graded), second.engine) == (len(NAMES), "nothing was graded anew")


def test_results_of_a_finished_run_are_enough(graded: Grade, staff: Staff, tmp_path: Path) -> None:
    """Where the journal is gone, results.json says the same."""
    first = graded(many(), out=tmp_path)
    tables.write_results(first, tmp_path / "results.json")
    (tmp_path / NAME).unlink()
    assert graded(many(), out=tmp_path).results == first.results and len(staff.graded) == len(NAMES)


def test_again_grades_everything_anew(graded: Grade, staff: Staff, tmp_path: Path) -> None:
    """Where it is asked for, everything is graded once more, and that is what the third run finds."""
    first, second = graded(many(), out=tmp_path), graded(many(), out=tmp_path, again=True)
    assert len(staff.graded) == 2 * len(NAMES)
    assert all(a.seconds != b.seconds for a, b in zip(first.results, second.results, strict=True))
    assert graded(many(), out=tmp_path).results == second.results


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    # what of the submission is another, and what of the options
    "the file": ({"sha256": "other digits"}, {}),
    "the place": ({"file": "another.ipynb"}, {}),
    "the time": ({}, {"timeout": 31.0}),
    "the level": ({}, {"level": "class"}),
    "the values": ({}, {"seed_from": "grace"}),
}


@pytest.mark.parametrize(("changes", "wanted"), CHANGES.values(), ids=CHANGES)
def test_what_has_changed_is_graded_anew(
    graded: Grade, staff: Staff, tmp_path: Path, changes: dict[str, Any], wanted: dict[str, Any]
) -> None:
    """A submission that is another, or is graded otherwise, is graded anew; the one that is as it was, is not."""
    ada, alan = many("ada", "alan")
    graded([ada, alan], out=tmp_path)
    graded([replace(ada, **changes), alan], out=tmp_path, **wanted)
    assert sorted(staff.graded[2:]) == (["ada", "alan"] if wanted else ["ada"])


def test_a_table_with_other_seeds_is_another(graded: Grade, staff: Staff, tmp_path: Path) -> None:
    """Where the table says other values for a learner, that learner is graded anew, and nobody else."""
    for seed in ("edsger", "barbara"):
        (tmp_path / "seeds.csv").write_text(f"learner,seed\nada,{seed}\nalan,alan\n")
        graded(many("ada", "alan"), out=tmp_path, seed_from=str(tmp_path / "seeds.csv"))
    assert sorted(staff.graded) == ["ada", "ada", "alan"]
    assert [ticket.learner for ticket in staff.tickets].count("barbara") == 1


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupted_run_goes_on_where_it_was(graded: Grade, staff: Staff, tmp_path: Path, jobs: int) -> None:
    """A run that is ended after two results grades nothing more, and the next one grades what is left."""
    over, done = threading.Event(), itertools.count(1)
    staff.script |= {name: [lambda: over.wait(30)] for name in NAMES[2:]}
    staff.on_close = over.set

    def step(_: Result) -> None:
        if next(done) == 2:
            raise KeyboardInterrupt

    names = [*NAMES, *"bcdefgh"]
    with pytest.raises(KeyboardInterrupt):
        graded(many(*names), step, out=tmp_path, jobs=jobs)
    assert over.is_set() and len(staff.graded) <= 2 + jobs and len(staff.closed) == len(staff.hired)
    before = len(staff.graded)
    assert by_name(graded(many(*names), out=tmp_path)) == dict.fromkeys(names, ("pass", 4))
    assert sorted(staff.graded[before:]) == sorted({*names} - {"ada", "alan"})


# --- doubles ----------------------------------------------------------------------------------------------

TWICE = "ada handed in 2 notebooks of chapter 90; each was graded."


def test_two_notebooks_of_one_learner_are_noted(graded: Grade, staff: Staff, tmp_path: Path) -> None:
    """Who hands in two notebooks of one chapter has a note in both, once, however often they are graded."""
    twice = [replace(one, file=f"{n}.ipynb", notes=("old",)) for n, one in enumerate(many("ada", "ada", "alan"))]
    for _ in range(2):
        found = graded(twice, out=tmp_path)
        assert [result.notes for result in found.results] == [("old", TWICE), ("old", TWICE), ("old",)]
        tables.write_results(found, tmp_path / "results.json")
    alone = graded(twice[1:], out=tmp_path)
    assert [result.notes for result in alone.results] == [("old",)] * 2 and len(staff.graded) == 3


def test_one_notebook_of_each_chapter_is_no_double(graded: Grade, staff: Staff) -> None:
    """What has no chapter, because nobody could read it, is no second notebook of one."""
    broken = replace(handed_in({}, "ada"), chapter="", problem="Broken.")
    assert [result.notes for result in graded([*many("ada"), broken, broken]).results] == [()] * 3


# --- what fails -------------------------------------------------------------------------------------------


def test_what_failed_once_is_tried_again(graded: Grade, staff: Staff) -> None:
    """A worker that was lost or failed, or an outage, costs nothing where the second try succeeds; the canary flies."""
    staff.script |= {"ada": [LOST], "alan": [FAILED], "grace": ["infra-error"]}
    assert by_name(graded(many())) == dict.fromkeys(NAMES, ("pass", 4))
    assert staff.graded == ["ada", "ada", "alan", "alan", "grace", "grace", "edsger"]
    assert staff.canaries == 1 + 3 and len({ticket.learner for ticket in staff.tickets}) == 7


def test_who_loses_the_worker_twice_has_done_it(graded: Grade, staff: Staff) -> None:
    """A submission that ends its worker twice, while the canary lives, is worth 0, and says so for each exercise."""
    staff.script["alan"] = [LOST, LOST]
    found = graded(many())
    assert by_name(found) == dict.fromkeys(NAMES, ("pass", 4)) | {"alan": ("kernel-died", 0)}
    alan = found.results[1]
    assert alan.sentence == "It ended, or blocked, the process that graded it: twice."
    assert [(row.exercise, row.status, row.points, row.total) for row in alan.exercises] == [
        (one.id, "kernel-died", 0, one.total) for one in EXERCISES
    ]
    assert alan.total == sum(one.total for one in EXERCISES)


@pytest.mark.parametrize(
    ("happens", "says"),
    [
        ([FAILED, FAILED], "The daemon hung up."),
        ([LOST, FAILED], "The daemon hung up."),
        ([FAILED, LOST], "The process that graded it was lost: it ended."),
        (["infra-error"] * 2, ""),
    ],
    ids=["failed", "lost and failed", "failed and lost", "outage"],
)
def test_what_is_nobodys_fault_has_no_score(graded: Grade, staff: Staff, happens: list[Any], says: str) -> None:
    """What fails twice, and not by ending its worker twice, has no score, and says why; the others have theirs."""
    staff.script["ada"] = happens
    found = graded(many())
    assert by_name(found) == dict.fromkeys(NAMES, ("pass", 4)) | {"ada": ("infra-error", None)}
    ada = found.results[0]
    assert ada.sentence == says and [row.points for row in ada.exercises] == [None] * 2 and ada.total == 4


def test_an_outage_is_graded_again_next_time(graded: Grade, staff: Staff, tmp_path: Path) -> None:
    """What had no score is not kept: the next run grades it, and only it."""
    staff.script["alan"] = [FAILED, FAILED]
    first = graded(many(), out=tmp_path)
    tables.write_results(first, tmp_path / "results.json")
    before = len(staff.graded)
    assert by_name(graded(many(), out=tmp_path)) == dict.fromkeys(NAMES, ("pass", 4))
    assert staff.graded[before:] == ["alan"]


@pytest.mark.parametrize("happens", [LOST, FAILED, "infra-error", "fail"], ids=repr)
@pytest.mark.parametrize("jobs", [1, 2])
def test_without_a_canary_nobody_is_graded(graded: Grade, staff: Staff, happens: Any, jobs: int) -> None:
    """Where the canary does not come back well, no submission is run, and none has a score."""
    staff.script["canary"] = [happens]
    found = graded(many(), jobs=jobs)
    assert (staff.graded, staff.canaries) == ([], 1)
    assert by_name(found) == dict.fromkeys(NAMES, ("infra-error", None))
    sentences = {result.sentence for result in found.results}
    reason = str(happens) if isinstance(happens, Exception) else "The canary fell silent."
    assert sentences == {f"The grader does not work here: {reason}"}


def test_a_canary_that_falls_silent_in_the_middle_ends_it(graded: Grade, staff: Staff, tmp_path: Path) -> None:
    """Where the daemon dies in the middle, what was graded before keeps its score, and the rest is not tried."""
    staff.script |= {"alan": [FAILED], "canary": ["pass", FAILED]}
    found = by_name(graded(many(), out=tmp_path))
    assert found == dict.fromkeys(NAMES, ("infra-error", None)) | {"ada": ("pass", 4)}
    assert staff.graded == ["ada", "alan"] and staff.canaries == 2
    assert len((tmp_path / NAME).read_text().split()) > 0 and "alan" not in (tmp_path / NAME).read_text()


def test_what_was_not_graded_may_be_of_a_chapter_that_is_not_ours(staff: Staff, short: Chapter) -> None:
    """Where an exercise is not registered in this process, its result is missing, and nothing else."""
    staff.script["canary"] = [FAILED]
    found = grade(many("ada"), {"90": short}, Options(docker=False))
    assert by_name(found) == {"ada": ("infra-error", None)} and found.results[0].exercises == ()


# --- whose values -----------------------------------------------------------------------------------------


def test_values_that_nobody_has_seen(graded: Grade, staff: Staff) -> None:
    """Every submission runs under a name of its own and with its own secret."""
    graded(many())
    assert len({ticket.learner for ticket in staff.tickets}) == len({t.secret for t in staff.tickets}) == len(NAMES)
    assert all(ticket.secret for ticket in staff.tickets)


def test_one_name_is_on_the_daemon_once(graded: Grade, staff: Staff) -> None:
    """Where everybody gets one learner's values, no two submissions run at the same time under that name."""
    barrier = threading.Barrier(2)

    def meets() -> None:
        with pytest.raises(threading.BrokenBarrierError):
            barrier.wait(0.2)

    staff.script["ada"] = [meets]
    staff.script["alan"] = [meets]
    graded(many(), jobs=4, seed_from="grace")
    assert staff.crowd == {"grace": 1} and {ticket.secret for ticket in staff.tickets} == {""}


def test_a_name_that_is_taken_is_said_first(graded: Grade, staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a daemon is asked, it must have nothing of the learner whose values are used."""
    asked: list[str] = []

    def check_free(_: object, names: Iterable[str]) -> None:
        asked.extend(names)
        raise CourseError("The daemon has 3 things of grace.")

    monkeypatch.setattr("labkit.daemon.connect", lambda **_: None)
    monkeypatch.setattr(staff_module, "check_free", check_free)
    with pytest.raises(CourseError, match="3 things of grace"):
        graded(many("ada"), seed_from="grace", docker=True)
    assert (asked, staff.graded) == (["grace"], [])


# --- with real workers ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Real:
    """A class that was really graded.

    Attributes:
        submissions: as read from the files.
        points: what each learner must get.
        out: where its results are kept.
        chapters: the chapter as shipped.
        found: what came of it.
    """

    submissions: list[Submission]
    points: dict[str, int]
    out: Path
    chapters: dict[str, Chapter]
    found: Batch

    def again(self, **wanted: Any) -> Batch:
        """Grade the same once more."""
        options: dict[str, Any] = {"docker": False, "modules": (plain.INSTALL,), "timeout": 20.0} | wanted
        return grade(self.submissions, self.chapters, Options(**options))


FORGED = """
import json, pathlib
journal = pathlib.Path(OUT) / "results.partial.jsonl"
found = [json.loads(line) | {"points": 99} for line in journal.read_text().splitlines() if line]
journal.write_text("".join(json.dumps(one) + "\\n" for one in found))
journal.with_name("results.json").write_text(json.dumps({"version": 1, "results": found}))
add = None
"""
"""An answer that gives everybody 99 points where results are kept."""

FIRST = "killer", "partial", "perfect"
"""Who is graded before that."""

KILLER = "import psutil\nfor one in reversed(psutil.Process().parents()[:2]): one.kill()"
"""One that ends the worker, and then the nursery, with which its own kernel ends."""


@pytest.fixture(scope="module")
def real(short: Chapter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    """Three ordinary learners, one who forges results, one who ends the process that grades, and a broken file."""
    folder, out = tmp_path_factory.mktemp("handed-in"), tmp_path_factory.mktemp("graded")
    answered = {"killer": {"90.add": KILLER}, "trickster": {"90.add": FORGED.replace("OUT", repr(str(out)))}}
    answered |= {kind: {one.id: one.answer(kind) for one in EXERCISES} for kind in plain.KINDS}
    for name, answers in answered.items():
        (folder / name).mkdir()
        nbformat.write(compose(short.notebook, answers), folder / name / plain.FILE)
    (folder / "broken").mkdir()
    (folder / "broken" / plain.FILE).write_text("{")
    chapters = {"90": short}
    submissions = [read(one, chapters) for one in collect([folder])]
    points = dict.fromkeys([*answered, "broken"], 0)
    points |= {kind: sum(one.points(kind) for one in EXERCISES) for kind in plain.KINDS}
    bare = Real(submissions, points, out, chapters, NONE)
    with pytest.MonkeyPatch.context() as patch:
        before = {one.id: one for one in exercise.exercises()}
        patch.setattr(exercise, "_registry", before | {one.id: one for one in EXERCISES})
        yield replace(bare, found=bare.again(out=out))


NONE = Batch((), "", "", "", "", "")


@pytest.mark.notebook
def test_everybody_gets_what_the_answers_are_worth(real: Real) -> None:
    """A whole class, read from files and graded by a real worker, gets the points that its answers are worth."""
    found = {result.learner: result.points for result in real.found.results}
    assert found == real.points and real.found.engine == "no daemon"


@pytest.mark.notebook
def test_who_ends_the_grader_harms_nobody_else(real: Real) -> None:
    """A submission that kills its worker twice is told to; the others have their results, whatever came before."""
    status = {result.learner: result.status for result in real.found.results}
    assert status == {
        "perfect": "pass",
        "partial": "fail",
        "wrong": "fail",
        "trickster": "fail",
        "killer": "kernel-died",
        "broken": "unreadable",
    }


@pytest.mark.notebook
def test_forged_results_change_nothing(real: Real) -> None:
    """What an answer writes where results are kept is in no result of the run, and gone when they are written."""
    forged = json.loads((real.out / "results.json").read_text())["results"]
    assert {result["learner"]: result["points"] for result in forged} == dict.fromkeys(FIRST, 99)
    assert {result.learner: result.points for result in real.found.results} == real.points
    tables.write_results(real.found, real.out / "results.json")
    assert tables.read_results(real.out / "results.json")[0] == list(real.found.results)


@pytest.mark.notebook
def test_two_jobs_find_the_same(real: Real) -> None:
    """Two jobs at once give everybody the same points and status, in the same order, as one."""
    with_two = real.again(jobs=2)
    ones, twos = (
        [(r.learner, r.status, r.points, r.total) for r in found.results] for found in (real.found, with_two)
    )  # not the sentence: how soon it is noticed that an answer has killed its grader decides who says so
    assert ones == twos


@pytest.mark.notebook
def test_what_really_was_graded_is_found_again(real: Real, tmp_path: Path) -> None:
    """The results of a real run are kept: the second run is equal to the first to the last digit of its seconds."""
    tables.write_results(real.found, tmp_path / "results.json")
    second = real.again(out=tmp_path)
    assert second.results == real.found.results and second.engine == "nothing was graded anew"
    assert all(result.seconds > 0 for result in second.results if result.status in ("pass", "fail"))


@pytest.mark.notebook
def test_without_a_daemon_everything_waits(real: Real, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where DOCKER_HOST leads nowhere, nothing is graded, nobody has a score, and the reason is the socket's."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nowhere.sock")
    found = real.again(docker=True, out=tmp_path)
    kept = {result.learner: (result.status, result.points) for result in found.results}
    assert kept == dict.fromkeys(real.points, ("infra-error", None)) | {"broken": ("unreadable", 0)}
    assert "nowhere.sock" in found.results[-1].sentence and found.engine == "no daemon that works"
    assert not (tmp_path / NAME).exists()


def test_the_key_of_a_result_is_its_submissions(graded: Grade, staff: Staff, short: Chapter) -> None:
    """Each result carries the key of what was graded, so that it can be found again."""
    found = graded(many("ada", "alan"))
    assert len({result.key for result in found.results}) == 2 and all(len(r.key) == 64 for r in found.results)
    assert found.results[0].key != key(many("ada")[0], {})
