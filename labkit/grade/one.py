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
from labkit.course.window import VARIABLE
from labkit.grade import traces
from labkit.grade.chapters import Chapter
from labkit.grade.compose import compose
from labkit.grade.results import Result, summed
from labkit.grade.submission import Submission

if TYPE_CHECKING:
    from labkit.daemon import Daemon
    from labkit.grade.limits import Limits
    from labkit.grade.nursery import Nursery
    from labkit.grade.plugin import Run

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
        docker: address of the daemon that it is run on; empty for the worker's own.
    """

    learner: str = field(default_factory=lambda: f"grade-{secrets.token_hex(4)}")
    secret: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    docker: str = ""


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
    from labkit.grade.outcome import exercise_result

    with _world(desk, ticket) as (folder, notes), _run(submission, chapter, exercises, desk, ticket, folder) as run:
        _run_nbval(run, folder / "composed.ipynb")
    results = tuple(exercise_result(submission, exercises[exercise], run) for exercise in chapter.exercises)
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
