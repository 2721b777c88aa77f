"""Grade one submission: compose, run with nbval in a fresh kernel, ask the judge, clear up, and say what came of it."""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from labkit.course.exercise import Exercise, World
from labkit.course.verdict import Verdict
from labkit.course.window import VARIABLE
from labkit.grade import traces
from labkit.grade.chapters import Chapter
from labkit.grade.compose import compose
from labkit.grade.results import ExerciseResult, PartResult, Result, Status, summed
from labkit.grade.submission import Submission

if TYPE_CHECKING:
    from labkit.daemon import Daemon
    from labkit.grade.limits import Limits
    from labkit.grade.nursery import Nursery
    from labkit.grade.plugin import Ran, Run

PASSED_ON = (  # noqa: SIM905 - words read better than ten quotes
    "PATH LANG LC_ALL LC_CTYPE TZ LABKIT_HOST DOCKER_HOST DOCKER_CERT_PATH DOCKER_TLS_VERIFY DOCKER_TLS"
).split()
"""What a kernel gets of the grader's environment; everything else may hold secrets."""

UNUSED = (  # noqa: SIM905 - words read better than twenty quotes
    "cacheprovider logging capture doctest junitxml pastebin recwarn setuponly setupplan stepwise subtests "
    "threadexception unittest unraisableexception warnings faulthandler monkeypatch tmpdir python debugging"
).split()
"""What pytest has for Python's own tests; looking for lost exceptions alone took a third of the time."""

WHOLE = 10
"""A whole submission may take this many times the limit of one cell."""


@dataclass(frozen=True)
class Desk:
    """What a worker grades with.

    Attributes:
        daemon: the witness; None only where no exercise asks one.
        nursery: who starts the kernels.
        limits: what one submission may use.
        alone: whether nobody else grades on this daemon meanwhile.
    """

    daemon: Daemon
    nursery: Nursery
    limits: Limits
    alone: bool = True


@dataclass(frozen=True)
class Ticket:
    """Under which name and with which values one submission is run.

    Attributes:
        learner: whose name the things on the daemon carry.
        secret: what the values are drawn from; empty for the learner's own values.
    """

    learner: str = field(default_factory=lambda: f"grade-{secrets.token_hex(4)}")
    secret: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)


def grade_one(
    submission: Submission, chapter: Chapter, exercises: Mapping[str, Exercise], desk: Desk, ticket: Ticket
) -> Result:
    """Return what one submission is worth.

    Args:
        submission: what was handed in, for this chapter.
        chapter: as shipped.
        exercises: the chapter's, by id.
        desk: what to grade with.
        ticket: under which name.
    """
    started = time.monotonic()
    with _world(desk, ticket) as (folder, notes), _run(submission, chapter, exercises, desk, ticket, folder) as run:
        _run_nbval(run, folder / "composed.ipynb")
    results = tuple(_result(submission, exercises[exercise], run) for exercise in chapter.exercises)
    whole = Result(submission.file, submission.learner, chapter.number, submission.sha256, "fail", None, 0)
    return replace(
        summed(replace(whole, exercises=results)),
        ignored=submission.ignored,
        notes=(*submission.notes, *run.notes, *notes),
        seconds=round(time.monotonic() - started, 3),
    )


@contextlib.contextmanager
def _world(desk: Desk, ticket: Ticket) -> Iterator[tuple[Path, list[str]]]:
    """A folder, and a daemon on which nothing of this run is left afterwards; yield also what there is to say of it."""
    notes: list[str] = []
    before, mine = os.environ.get("LABKIT_LEARNER"), {"LABKIT_LEARNER": ticket.learner}
    os.environ |= mine  # the owner of what the judge makes
    try:
        with tempfile.TemporaryDirectory(prefix="labkit-grade-", ignore_cleanup_errors=True) as folder:
            with traces.cleared(desk.daemon, ticket.learner, alone=desk.alone) as left:
                yield Path(folder), notes
            notes += left
    finally:
        os.environ.pop("LABKIT_LEARNER")
        os.environ |= {"LABKIT_LEARNER": before} if before is not None else {}


@contextlib.contextmanager
def _run(
    submission: Submission,
    chapter: Chapter,
    exercises: Mapping[str, Exercise],
    desk: Desk,
    ticket: Ticket,
    folder: Path,
) -> Iterator[Run]:
    """The composed notebook in its folder, a window, and an end to every process afterwards."""
    import nbformat

    from labkit.grade.plugin import Run
    from labkit.grade.window import Window

    answers = {answer.exercise: answer.text for answer in submission.answers.values()}
    nbformat.write(compose(chapter.notebook, answers), folder / "composed.ipynb")
    (home := folder / "home").mkdir()

    def make_world(exercise: str, nonce: str) -> World:
        return World(desk.daemon, exercise, ticket.learner, nonce, secret=ticket.secret)

    window = Window({exercise: exercises[exercise] for exercise in chapter.exercises}, make_world)
    environ = environment(ticket.learner, home) | {VARIABLE: window.place}
    try:
        yield Run(home, environ, desk.limits, desk.nursery, window, WHOLE * desk.limits.seconds)
    finally:
        window.close()
        desk.nursery.clear()


def environment(learner: str, home: Path) -> dict[str, str]:
    """Return the whole environment of a kernel: a home of its own, and nothing that its cells need not know."""
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    places = dict.fromkeys(("HOME", "TMPDIR", "LABKIT_HOME", "IPYTHONDIR"), str(home))
    return kept | places | {"LABKIT_LEARNER": learner}


def _run_nbval(run: Run, notebook: Path) -> None:
    """Run the notebook in this process: one pytest for as many submissions as the worker lives."""
    import pytest

    from labkit.grade.plugin import GradePlugin

    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # whatever else is installed here, only nbval is wanted
    own = [
        "-c",
        os.devnull,
        "--rootdir",
        str(notebook.parent),
        "--confcutdir",
        str(notebook.parent),
        "--noconftest",
        "--nbval-current-env",
        "--color=no",
    ]
    words = [str(notebook), "-q", "-p", "nbval.plugin", *own, *(f"-pno:{name}" for name in UNUSED)]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = pytest.main(words, plugins=[GradePlugin(run)])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        raise RuntimeError(f"pytest ended with status {status}: {said.getvalue()[-2000:]}")


# --- what came of it -------------------------------------------------------------------------------


def _result(submission: Submission, exercise: Exercise, run: Run) -> ExerciseResult:
    answer = submission.answers.get(exercise.id)
    status, sentence, verdict = _outcome(exercise.id, answer is None, run)
    ran = _ran(run, exercise.id, "answer")
    return ExerciseResult(
        exercise.id,
        exercise.title,
        status,
        None if status == "infra-error" else verdict.points if verdict else 0,
        exercise.total,
        sentence,
        parts=_parts(exercise, verdict),
        traceback=ran.said if ran.how in ("error", "timeout") else "",
        matched=answer.matched if answer else "",
        notes=answer.notes if answer else (),
        seconds=round(run.spent.get(exercise.id, 0.0), 3),
    )


def _ran(run: Run, exercise: str, role: str) -> Ran:
    from labkit.grade.plugin import Ran

    return run.cells.get((exercise, role), Ran())


def _outcome(exercise: str, absent: bool, run: Run) -> tuple[Status, str, Verdict | None]:
    """Return status and sentence of one exercise, and the verdict where there is one."""
    found = run.verdicts.get(exercise)
    if isinstance(found, Exception):
        return "infra-error", _infra(found), None
    if isinstance(found, Verdict):
        status, sentence = _judged(found, absent, run)
        return status, sentence, found
    cells = [_ran(run, exercise, role) for role in ("setup", "answer", "check")]
    for how, status in _UNJUDGED.items():
        if ran := next((ran for ran in cells if ran.how == how), None):
            return status, " ".join([_SAYS[status], ran.said.splitlines()[-1] if ran.said else ""]).strip(), None
    if run.remaining() <= 0:
        return "timeout", f"The whole notebook took longer than {run.seconds:g} s; this was not reached.", None
    if isinstance(found, str):
        return "fail", found, None
    return "not-reached", _SAYS["not-reached"], None


_UNJUDGED: dict[str, Status] = {"died": "kernel-died", "timeout": "timeout", "error": "error"}
_SAYS: dict[Status, str] = {
    "kernel-died": "",
    "timeout": "The cell took too long and was interrupted.",
    "error": "The cell failed, and nothing was handed in.",
    "not-reached": "An earlier cell kept this exercise from being run.",
    "missing": "There is no answer.",
}


def _judged(verdict: Verdict, absent: bool, run: Run) -> tuple[Status, str]:
    if verdict.solved:
        return "pass", ""
    if absent:
        return "missing", "The notebook has no answer cell for this exercise."
    ran = _ran(run, verdict.exercise, "answer")
    if ran.how == "timeout":
        return "timeout", f"The answer took longer than {run.limits.seconds:g} s and was interrupted."
    if ran.how == "error":
        return "error", "The answer cell raised an exception; what it had done by then was judged."
    if not verdict.answered:
        return "missing", "The answer cell gives no answer yet."
    return "fail", ""


def _infra(error: Exception) -> str:
    return f"The grader or its daemon failed: {type(error).__name__}: {error}"[:500]


def _parts(exercise: Exercise, verdict: Verdict | None) -> tuple[PartResult, ...]:
    if verdict is None or not verdict.answered:
        return tuple(PartResult(part.key, part.truth, 0, part.points, "not reached") for part in exercise.parts)
    rows = []
    for part in exercise.parts:
        state, found = verdict.state(part), verdict.findings.get(part.key)
        said = (found.expected, found.saw, found.look_at, found.why) if found else ()
        rows.append(PartResult(part.key, part.truth, part.points if state == "pass" else 0, part.points, state, *said))
    return tuple(rows)
