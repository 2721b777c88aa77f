"""A whole class: submissions in, results out, by one or several workers, and never the same work twice."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labkit.course.exercise import Exercise, exercises
from labkit.errors import DaemonError
from labkit.grade import levels
from labkit.grade.chapters import Chapter
from labkit.grade.journal import Journal, key
from labkit.grade.limits import Limits
from labkit.grade.one import WHOLE, Ticket
from labkit.grade.results import Batch, ExerciseResult, Result, Status
from labkit.grade.seeds import Tickets, check_free, tickets, whose
from labkit.grade.submission import Submission
from labkit.grade.traces import cleared
from labkit.grade.workers import WorkerFailed, WorkerLost, WorkerProcess
from labkit.version import __version__

SLACK = 300.0
"""Seconds that a worker has beyond what one submission may take: for what the course itself does, and the judges."""


@dataclass(frozen=True)
class Options:
    """How a class is graded.

    Attributes:
        out: the folder for results; None to keep nothing on disk.
        jobs: how many submissions at once.
        level: of isolation: ``self``, ``class`` or ``sandbox``.
        seed_from: whose values are used; see ``seeds.tickets``.
        timeout: seconds that one cell may run.
        again: grade anew also what was graded before and has not changed.
        modules: ``package.module:function`` to call in each worker, for exercises that are in no chapter of ours.
        docker: whether there is a daemon to ask.
    """

    out: Path | None = None
    jobs: int = 1
    level: str = "class"
    seed_from: str = ""
    timeout: float = 30.0
    again: bool = False
    modules: tuple[str, ...] = ()
    docker: bool = True


Step = Callable[[Result], None]


def grade(
    submissions: Sequence[Submission],
    chapters: Mapping[str, Chapter],
    options: Options,
    *,
    step: Step = lambda _: None,
) -> Batch:
    """Grade them all; return the results in the same order.

    Args:
        submissions: as they were read.
        chapters: as shipped, by number.
        options: how.
        step: is called with each result as soon as it is there.

    Raises:
        CourseError: if the options ask for what cannot be.
    """
    level, chosen = levels.choose(options.level), tickets(options.seed_from)
    journal, how = Journal(options.out, again=options.again), (options.level, options.timeout)
    wanted = [(submission, key(submission, chapters, *how, whose(chosen(submission)))) for submission in submissions]
    results: dict[int, Result] = {}
    for number, (submission, mark) in enumerate(wanted):
        if (known := _without_grading(submission, mark, journal)) is not None:
            results[number] = known
            step(known)
    todo = [number for number in range(len(wanted)) if number not in results]
    with _Workers(options, chapters, chosen, len(todo)) as workers:
        engine = workers.check([wanted[number][0] for number in todo])
        for number, result in workers.run([(number, *wanted[number]) for number in todo]):
            results[number] = result
            journal.add(result)
            step(result)
    ordered = _noting_doubles([results[number] for number in range(len(wanted))])
    made = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
    return Batch(tuple(ordered), level.name, level.sentence, made, __version__, engine)


def _without_grading(submission: Submission, mark: str, journal: Journal) -> Result | None:
    if submission.problem:
        return ungraded(submission, "unreadable", submission.problem)
    return journal.find(mark)


def ungraded(submission: Submission, status: Status, sentence: str, known: Sequence[Exercise] = ()) -> Result:
    """Return the result of a submission that was not run: 0 points, or none where that is not the learner's fault."""
    points = None if status == "infra-error" else 0
    rows = tuple(ExerciseResult(e.id, e.title, status, points, e.total, sentence) for e in known)
    total = sum(row.total for row in rows)
    whole = Result(
        submission.file, submission.learner, submission.chapter, submission.sha256, status, points, total, sentence
    )
    return replace(whole, exercises=rows, ignored=submission.ignored, notes=submission.notes)


class _Workers:
    """As many workers as there are jobs, each in a thread of its own."""

    def __init__(self, options: Options, chapters: Mapping[str, Chapter], chosen: Tickets, count: int) -> None:
        self.options, self.chapters, self.chosen = options, chapters, chosen
        jobs = min(options.jobs, count)
        self.pool = ThreadPoolExecutor(max(1, jobs))
        self.all = [WorkerProcess(self._first()) for _ in range(jobs)]
        self.idle = list(self.all)
        self.names: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self.down = ""
        """Why nothing can be graded any more."""

    def __enter__(self) -> _Workers:
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

    def check(self, submissions: Sequence[Submission]) -> str:
        """Send the canary before the first submission; return what the daemon is."""
        if not submissions:
            return "nothing was graded anew"
        if self.options.seed_from and self.options.docker:
            from labkit.daemon import connect

            tickets = [self.chosen(submission) for submission in submissions]
            check_free(connect(quiet=True), [ticket.learner for ticket in tickets if not ticket.secret])
        with self._one_idle() as worker:
            self.down = _canary(worker)
            return worker.ready or "no daemon that works"

    def run(self, todo: Sequence[tuple[int, Submission, str]]) -> Iterator[tuple[int, Result]]:
        """Yield each number with its result, as they come."""
        waiting = {self.pool.submit(self._one, submission): (number, mark) for number, submission, mark in todo}
        for done in as_completed(waiting):
            number, mark = waiting[done]
            yield number, replace(done.result(), key=mark)

    @contextlib.contextmanager
    def _one_idle(self) -> Iterator[WorkerProcess]:
        """A worker that nobody uses meanwhile: there are as many as threads."""
        worker = self.idle.pop()
        try:
            yield worker
        finally:
            self.idle.append(worker)

    def _first(self) -> dict[str, Any]:
        folder = next(iter(self.chapters.values())).path.parent
        return {
            "notebooks": str(folder),
            "modules": self.options.modules,
            "docker": self.options.docker,
            "limits": asdict(Limits(seconds=self.options.timeout)),
            "alone": self.options.jobs == 1,
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
                self.down = self.down or _canary(worker)
                if self.down:
                    return result
        if lost == 2:  # the same twice, and the canary lives: it is this notebook that does it
            why = "It ended, or blocked, the process that graded it: twice."
            return self._not_graded(submission, "kernel-died", why)
        return result

    def _try(self, worker: WorkerProcess, submission: Submission) -> Result:
        ticket = self.chosen(submission)
        try:
            with self.names[ticket.learner]:
                return worker.grade(submission, ticket, WHOLE * self.options.timeout + SLACK)
        except WorkerFailed as error:
            return self._not_graded(submission, "infra-error", error.problem)
        except WorkerLost:
            self._clear(ticket)
            raise

    def _clear(self, ticket: Ticket) -> None:
        """Remove what a lost worker could not."""
        if self.options.docker:
            from labkit.daemon import connect

            with contextlib.suppress(OSError, DaemonError), cleared(connect(quiet=True), ticket.learner, alone=False):
                pass

    def _not_graded(self, submission: Submission, status: Status, why: str) -> Result:
        known = {exercise.id: exercise for exercise in exercises()}
        chapter = self.chapters[submission.chapter]
        return ungraded(submission, status, why, [known[e] for e in chapter.exercises if e in known])


def _canary(worker: WorkerProcess) -> str:
    """Return why nothing can be graded; empty if all is well."""
    try:
        result = worker.canary()
    except (WorkerLost, WorkerFailed) as error:
        return f"The grader does not work here: {error}"
    if result.status == "pass":
        return ""
    said = [part.truth for row in result.exercises for part in row.parts if part.state != "pass"]
    sentences = [row.sentence for row in result.exercises if row.sentence]
    return f"The grader does not work here: {' '.join(sentences) or 'not so: ' + '; '.join(said)}"


def _noting_doubles(results: list[Result]) -> list[Result]:
    """Say so where one learner handed in more than one notebook of a chapter; each was graded."""
    whose = [(result.learner, result.chapter) for result in results]
    many = {who: count for who, count in Counter(whose).items() if count > 1 and who[1]}
    noted = []
    for result, who in zip(results, whose, strict=True):
        note = f"{result.learner} handed in {many.get(who)} notebooks of chapter {result.chapter}; each was graded."
        fresh = tuple(n for n in result.notes if not n.endswith("each was graded."))
        noted.append(replace(result, notes=(*fresh, note) if who in many else fresh))
    return noted
