"""Who grades a class: as many workers as there are jobs, on whatever Docker hosts the level gives them."""

from __future__ import annotations

import contextlib
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.course.exercise import Exercise, exercises
from labkit.errors import DaemonError, LabError, MachineError
from labkit.grade.chapters import Chapter
from labkit.grade.limits import Limits
from labkit.grade.machines import Machines, Shared
from labkit.grade.one import WHOLE, Ticket
from labkit.grade.results import ExerciseResult, Result, Status
from labkit.grade.seeds import Tickets, check_free
from labkit.grade.submission import Submission
from labkit.grade.traces import cleared
from labkit.grade.workers import WorkerFailed, WorkerLost, WorkerProcess

if TYPE_CHECKING:
    from labkit.grade.sandbox import SandboxedWorker

SLACK = 300.0
"""Seconds that a worker has beyond what one submission may take: for what the course itself does, and the judges."""


@dataclass(frozen=True)
class Options:
    """How a class is graded.

    Attributes:
        out: the folder for results; None to keep nothing on disk.
        jobs: how many submissions at once.
        level: of isolation; see ``levels``.
        seed_from: whose values are used; see ``seeds.tickets``.
        timeout: seconds that one cell may run.
        again: grade anew also what was graded before and has not changed.
        modules: ``package.module:function`` to call in each worker, for exercises that are in no chapter of ours.
        docker: whether there is a daemon to ask.
    """

    out: Path | None = None
    jobs: int = 1
    level: str = "self"
    seed_from: str = ""
    timeout: float = 30.0
    again: bool = False
    modules: tuple[str, ...] = ()
    docker: bool = True

    @property
    def shared(self) -> bool:
        """Whether submissions run, one beside the other, on the daemon that the grader finds."""
        return self.docker and self.level == "self"


class Staff:
    """As many workers as there are jobs, each in a thread of its own.

    Args:
        options: how to grade.
        chapters: as shipped, by number.
        chosen: gives each submission its name and values.
        count: how many submissions there are.
    """

    def __init__(self, options: Options, chapters: Mapping[str, Chapter], chosen: Tickets, count: int) -> None:
        self.options, self.chapters, self.chosen = options, chapters, chosen
        jobs = min(options.jobs, count)
        apart = options.docker and options.level == "class" and count > 0
        self.hosts = Machines(jobs, count + 1) if apart else Shared()  # one more: the canary's
        self.pool = ThreadPoolExecutor(max(1, jobs))
        self.all = [self._hire() for _ in range(jobs)]
        self.idle = list(self.all)
        self.names: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self.down = ""
        """Why nothing can be graded any more."""

    def __enter__(self) -> Staff:
        for worker in self.all:
            with contextlib.suppress(WorkerLost):  # who asks it next starts it again, or hears why that fails
                worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Begin nothing more, which matters where grading was interrupted, and let them end."""
        self.down = self.down or "Grading was interrupted."
        for wait in (False, True):  # nobody waits for one that is at work; one that was begun meanwhile ends then
            self.pool.shutdown(wait=wait, cancel_futures=True)
            for worker in self.all:
                worker.close()
        self.hosts.close()

    def check(self, submissions: Sequence[Submission]) -> str:
        """Send the canary before the first submission; return what the daemon is."""
        if not submissions:
            return "nothing was graded anew"
        if self.options.seed_from and self.options.shared:
            from labkit.daemon import connect

            tickets = [self.chosen(submission) for submission in submissions]
            check_free(connect(quiet=True), [ticket.learner for ticket in tickets if not ticket.secret])
        with self._one_idle() as worker:
            self.down = self._canary(worker)
            return self.hosts.engine or worker.ready or "no daemon that works"

    def run(self, todo: Sequence[tuple[int, Submission, str]]) -> Iterator[tuple[int, Result]]:
        """Yield each number with its result, as they come."""
        waiting = {self.pool.submit(self._one, submission): (number, mark) for number, submission, mark in todo}
        for done in as_completed(waiting):
            number, mark = waiting[done]
            yield number, replace(done.result(), key=mark)

    @contextlib.contextmanager
    def _one_idle(self) -> Iterator[WorkerProcess | SandboxedWorker]:
        """A worker that nobody uses meanwhile: there are as many as threads."""
        worker = self.idle.pop()
        try:
            yield worker
        finally:
            self.idle.append(worker)

    def _hire(self) -> WorkerProcess | SandboxedWorker:
        if self.options.level != "sandbox":
            return WorkerProcess(self._first())
        from labkit.grade.sandbox import SandboxedWorker

        return SandboxedWorker(self._first())

    def _first(self) -> dict[str, Any]:
        folder = next(iter(self.chapters.values())).path.parent
        return {
            "notebooks": str(folder),
            "modules": self.options.modules,
            "docker": self.options.shared,
            "limits": asdict(Limits(seconds=self.options.timeout)),
            "alone": self.options.jobs == 1 or self.options.level != "self",
            "patience": 60,
        }

    def _one(self, submission: Submission) -> Result:
        """Grade one; where that fails through no fault of the learner's, once more; else say that it was not graded."""
        lost, result = 0, self._not_graded(submission, "infra-error", self.down)
        with self._one_idle() as worker:
            for _ in range(0 if self.down else 2):
                try:
                    result = self._try(worker, submission)
                except WorkerLost as error:
                    lost, why = lost + 1, f"The process that graded it was lost: {error}."
                    result = self._not_graded(submission, "infra-error", why)
                if result.status != "infra-error":
                    return result
                self.down = self.down or self._canary(worker)
                if self.down:
                    return result
        if lost == 2:  # the same twice, and the canary lives: it is this notebook that does it
            why = "It ended, or blocked, the process that graded it: twice."
            return self._not_graded(submission, "kernel-died", why)
        return result

    def _try(self, worker: WorkerProcess | SandboxedWorker, submission: Submission) -> Result:
        ticket = self.chosen(submission)
        try:
            with self.names[ticket.learner], self.hosts.fresh() as address:
                return worker.grade(submission, replace(ticket, docker=address), WHOLE * self.options.timeout + SLACK)
        except (WorkerFailed, MachineError) as error:
            return self._not_graded(submission, "infra-error", error.problem)
        except WorkerLost:
            self._clear(ticket)
            raise

    def _canary(self, worker: WorkerProcess | SandboxedWorker) -> str:
        """Return why nothing can be graded; empty if all is well."""
        try:
            with self.hosts.fresh() as address:
                return _what_it_lacks(worker.canary(Ticket(docker=address)))
        except (WorkerLost, LabError) as error:
            return f"The grader does not work here: {error}"

    def _clear(self, ticket: Ticket) -> None:
        """Remove what a lost worker could not."""
        if self.options.shared:
            from labkit.daemon import connect

            with contextlib.suppress(OSError, DaemonError), cleared(connect(quiet=True), ticket.learner, alone=False):
                pass

    def _not_graded(self, submission: Submission, status: Status, why: str) -> Result:
        known = {exercise.id: exercise for exercise in exercises()}
        chapter = self.chapters[submission.chapter]
        return ungraded(submission, status, why, [known[e] for e in chapter.exercises if e in known])


def ungraded(submission: Submission, status: Status, sentence: str, known: Sequence[Exercise] = ()) -> Result:
    """Return the result of a submission that was not run: 0 points, or none where that is not the learner's fault."""
    points = None if status == "infra-error" else 0
    rows = tuple(ExerciseResult(e.id, e.title, status, points, e.total, sentence) for e in known)
    total = sum(row.total for row in rows)
    whole = Result(
        submission.file, submission.learner, submission.chapter, submission.sha256, status, points, total, sentence
    )
    return replace(whole, exercises=rows, ignored=submission.ignored, notes=submission.notes)


def _what_it_lacks(result: Result) -> str:
    """Return what a canary that came back says is wrong; empty if nothing is."""
    if result.status == "pass":
        return ""
    said = [part.truth for row in result.exercises for part in row.parts if part.state != "pass"]
    sentences = [row.sentence for row in result.exercises if row.sentence]
    return f"The grader does not work here: {' '.join(sentences) or 'not so: ' + '; '.join(said)}"
