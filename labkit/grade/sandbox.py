"""A worker for submissions of people whom nobody knows: for each a fresh pair of containers, and the next one ahead."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from labkit import errors
from labkit.daemon import Daemon, connect
from labkit.grade.chapters import read_chapters
from labkit.grade.journal import judges
from labkit.grade.one import WHOLE, Ticket
from labkit.grade.pair import Pair
from labkit.grade.results import Result
from labkit.grade.submission import Submission
from labkit.grade.tables import fits
from labkit.grade.workers import READY, WorkerFailed, WorkerLost
from labkit.leftovers import LABEL

VARIABLE = "LABKIT_COURSE_IMAGE"
IMAGE = "labkit/course"
"""The course's image; the environment variable names another."""

BUILD = "docker build --tag {} --file binder/Dockerfile ."
"""The command that makes it, in a checkout of the course."""

NOTEBOOKS = "/opt/labkit/course/notebooks"
"""The chapters in the image."""

SPARE = 3600.0
"""Seconds that a pair has beyond twice what a submission may take: it waits for the one before."""


class SandboxedWorker:
    """What asks a ``WorkerProcess`` can ask this, too; no answer comes from containers that were used before.

    Args:
        first: what a worker is told first: see ``labkit.grade.worker``.

    Attributes:
        ready: what the last sandbox said of its Docker host.

    Raises:
        DaemonError: if there is no daemon that can make containers.
        CourseError: if it has no image of the course.
    """

    def __init__(self, first: dict[str, Any]) -> None:
        self.first = first | {"notebooks": NOTEBOOKS, "docker": False, "alone": True}
        chapters = read_chapters(Path(first["notebooks"])).items()
        self.edition = {"judges": judges(), "chapters": {number: chapter.edition for number, chapter in chapters}}
        self.daemon = connect(quiet=True)
        self.image = find_image(self.daemon)
        sweep(self.daemon)
        self.ready = ""
        self.pool = ThreadPoolExecutor(2)
        self.lock = threading.Lock()
        self.ahead: Future[Pair] | None = None
        self.there: set[Pair] = set()
        """Every pair of which something may be left."""
        self.closed = False

    def start(self) -> None:
        """Start a pair, and do not wait: a Docker host has to boot in it."""
        with self.lock:
            if self.ahead is None and not self.closed:
                self.ahead = self.pool.submit(self._open)

    def canary(self, ticket: Ticket) -> Result:
        """Send the canary into a fresh pair; return what came back.

        Raises:
            WorkerLost, WorkerFailed: if nothing did.
            CourseError: if the image was made from another edition of the course.
        """
        with self._fresh() as pair:
            return _canary(pair, ticket)

    def grade(self, submission: Submission, ticket: Ticket, seconds: float) -> Result:
        """Have one submission graded in a fresh pair within these seconds.

        Raises:
            WorkerLost: if that did not come about, or the sandbox did not survive it.
            WorkerFailed: if that was no submission's fault.
        """
        with self._fresh() as pair:
            message = {"do": "grade", "submission": asdict(submission), "ticket": _there(ticket, pair)}
            try:
                result = _ask(pair, message, seconds)
            except WorkerFailed:
                _check_alive(pair)
                raise
            if result.status == "infra-error":
                _check_alive(pair)
            if not _is_of(result, submission):
                raise WorkerLost("its answer was about something else")
            return result

    def close(self) -> None:
        """Remove every container that is left, used or not."""
        self.closed = True
        for wait in (False, True):  # a pair that opens hears of it, and one that was begun meanwhile goes then
            self.pool.shutdown(wait=wait, cancel_futures=True)
            for pair in list(self.there):
                self._remove(pair)

    # --- pairs -----------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _fresh(self) -> Iterator[Pair]:
        """A pair that nobody has used; it goes afterwards, and meanwhile the next one starts."""
        pair = self._next()
        try:
            self._check_edition(pair)
            self.ready = str(pair.said["engine"])
            self.start()
            yield pair
        finally:
            with contextlib.suppress(RuntimeError):  # closed: then it is gone by now
                self.pool.submit(self._remove, pair)

    def _next(self) -> Pair:
        self.start()
        with self.lock:
            ahead, self.ahead = self.ahead, None
        try:
            if ahead:
                return ahead.result()
        except (errors.LabError, OSError, LookupError, ValueError) as error:
            if not self.closed:
                raise WorkerFailed(f"No sandbox could be started: {error}") from error
        except CancelledError:
            pass
        raise WorkerLost("it was closed")

    def _open(self) -> Pair:
        """Open a pair; leave nothing of one that does not open."""
        seconds = 2 * (WHOLE * self.first["limits"]["seconds"] + READY) + SPARE
        pair = Pair(self.daemon, self.image, self.first, seconds)
        with self.lock:
            self.there.add(pair)
        try:
            return pair.open()
        except BaseException:
            self._remove(pair)
            raise

    def _remove(self, pair: Pair) -> None:
        pair.close()
        with self.lock:
            self.there.discard(pair)

    def _check_edition(self, pair: Pair) -> None:
        if self.edition != {name: pair.said[name] for name in self.edition}:
            raise errors.CourseError(
                f"The image {self.image} was made from another edition of the course than the one that grades.",
                f"Make it anew, in the checkout: {BUILD.format(self.image)}",
            )


def find_image(daemon: Daemon) -> str:
    """Return the name of the course's image.

    Raises:
        CourseError: if the daemon has none.
    """
    name = os.environ.get(VARIABLE) or IMAGE
    if not daemon.client.images.list(name):
        raise errors.CourseError(
            f"Level sandbox needs the course's image, and {daemon.endpoint.url} has no {name}.",
            f"Make it once, in a checkout of the course: {BUILD.format(name)}",
        )
    return name


def sweep(daemon: Daemon, *, older: float = 60.0) -> None:
    """Remove containers that were made and never started: their grader was killed between the two.

    Args:
        daemon: where.
        older: seconds that one has been waiting for its start, so that nobody else's are meant.
    """
    before = time.time() - older
    for found in daemon.client.api.containers(all=True, filters={"label": f"{LABEL}=sandbox", "status": "created"}):
        if found["Created"] < before:
            with contextlib.suppress(OSError):  # docker-py's errors are: somebody else was faster
                daemon.client.api.remove_container(found["Id"], v=True, force=True)


def _there(ticket: Ticket, pair: Pair) -> dict[str, Any]:
    return asdict(replace(ticket, docker=str(pair.said["docker"])))


def _ask(pair: Pair, message: dict[str, Any], seconds: float) -> Result:
    """Ask the desk; take what it says as data.

    Raises:
        WorkerLost, WorkerFailed: if there is no result.
    """
    try:
        said = pair.ask(message, seconds)
        if "failed" in said:
            raise WorkerFailed(str(said["failed"])[:2000])
        return Result.from_json(said["result"])
    except errors.HostError as error:
        raise WorkerLost(error.problem.removesuffix(".")) from error
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise WorkerLost(f"its answer made no sense: {error}") from error


def _canary(pair: Pair, ticket: Ticket) -> Result:
    return _ask(pair, {"do": "canary", "ticket": _there(ticket, pair)}, READY)


def _check_alive(pair: Pair) -> None:
    """Make sure that a sandbox in which the judge met an error still works: else the submission has ended that.

    Raises:
        WorkerLost: if it does not.
    """
    with contextlib.suppress(WorkerLost, WorkerFailed):
        if _canary(pair, Ticket()).status == "pass":
            return
    raise WorkerLost("its sandbox did not survive the submission")


def _is_of(result: Result, submission: Submission) -> bool:
    """Whether a result is what it should be, by its form and by what it says it is about."""
    names = ("file", "learner", "chapter", "sha256")
    return fits(result) and all(getattr(result, name) == getattr(submission, name) for name in names)
