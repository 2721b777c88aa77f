"""A worker as its parent sees it: a process that is asked, may die, and is then replaced."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict
from typing import IO, Any, NoReturn

from labkit.errors import LabError
from labkit.grade.one import Ticket
from labkit.grade.results import Result
from labkit.grade.submission import Submission

READY = 120.0
"""Seconds until a worker is ready."""

LONGEST = 8 << 20
"""Bytes of an answer at most."""

GOODBYE = 15.0
"""Seconds that a worker has to end when nothing more is asked."""


class WorkerLost(Exception):
    """The worker ended, or did not answer in time, while it was asked something."""


class WorkerFailed(LabError):
    """The worker is there, and could not do what it was asked for; that is never a learner's fault."""


class WorkerProcess:
    """One worker process; it is started when it is first asked, if not before, and again after it was lost.

    Args:
        first: what it is told first: see ``labkit.grade.worker``.

    Attributes:
        ready: what it said of its daemon.
    """

    def __init__(self, first: dict[str, Any]) -> None:
        self.first = first
        self.ready = ""
        self.process: subprocess.Popen[bytes] | None = None
        self.folder: tempfile.TemporaryDirectory[str] | None = None
        """For its temporary files: a worker that was lost removes none."""
        self.listening = threading.Lock()

    def canary(self, ticket: Ticket) -> Result:
        """Send the canary; return what came back.

        Raises:
            WorkerLost, WorkerFailed: if nothing did.
        """
        return self._result({"do": "canary", "ticket": asdict(ticket)}, READY)

    def grade(self, submission: Submission, ticket: Ticket, seconds: float) -> Result:
        """Have one submission graded within these seconds.

        Raises:
            WorkerLost, WorkerFailed: if that did not come about.
        """
        return self._result({"do": "grade", "submission": asdict(submission), "ticket": asdict(ticket)}, seconds)

    def close(self) -> None:
        """Let it end; end it if it does not."""
        if process := self.process:
            assert process.stdin
            with contextlib.suppress(OSError):
                process.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(GOODBYE)
        self._end()

    def _result(self, message: dict[str, Any], seconds: float) -> Result:
        if self.process is None or self.process.poll() is not None:
            self.start()
        self._await_ready()
        return Result.from_json(self._ask(message, seconds)["result"])

    def start(self) -> None:
        """Start the process, and do not wait: it has a second's worth of modules to import."""
        self._end()
        command = [sys.executable, "-P", "-m", "labkit.grade.worker"]
        self.folder = tempfile.TemporaryDirectory(prefix="labkit-", ignore_cleanup_errors=True)
        environ = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TMPDIR": self.folder.name}
        pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
        self.process = subprocess.Popen(command, env=environ, stdin=pipe, stdout=pipe, stderr=nothing, bufsize=0)
        self.ready = ""
        self._tell(self.process, self.first)

    def _await_ready(self) -> None:
        try:
            self.ready = self.ready or self._hear(self.process, READY)["ready"]
        except WorkerFailed:
            self._end()  # it does that itself, but nobody knows when
            raise

    def _ask(self, message: dict[str, Any], seconds: float) -> dict[str, Any]:
        asked = self.process
        self._tell(asked, message)
        return self._hear(asked, seconds)

    def _tell(self, asked: subprocess.Popen[bytes] | None, message: dict[str, Any]) -> None:
        assert asked and asked.stdin
        try:
            with self.listening:
                asked.stdin.write(json.dumps(message).encode() + b"\n")
        except (OSError, ValueError) as error:
            self._lose(error)

    def _hear(self, asked: subprocess.Popen[bytes] | None, seconds: float) -> dict[str, Any]:
        assert asked and asked.stdout
        try:
            with self.listening:
                said: dict[str, Any] = json.loads(_line(asked.stdout, seconds))
        except (OSError, ValueError) as error:
            self._lose(error)
        if "failed" in said:
            raise WorkerFailed(said["failed"])
        return said

    def _lose(self, error: Exception) -> NoReturn:
        self._end()
        raise WorkerLost(str(error)) from None

    def _end(self) -> None:
        """End it, and first all that it and its kernels have started, as far as it lives to lead there."""
        ended, self.process = self.process, None  # once, though it be closed while another thread asks it
        if ended:
            _end_below(ended.pid)
            ended.kill()
            ended.wait()
            with self.listening:  # who listens in another thread hears that it ended, and nothing of a closed file
                for stream in (ended.stdin, ended.stdout):
                    with contextlib.suppress(OSError):
                        stream.close()  # type: ignore[union-attr]  # both are pipes
        if self.folder:
            _remove(self.folder)


def _end_below(pid: int) -> None:
    """Stop a process, and end everything below it: what is stopped neither answers nor starts another meanwhile."""
    import psutil

    end = time.monotonic() + 5
    with contextlib.suppress(psutil.NoSuchProcess):
        stopped = psutil.Process(pid)
        stopped.suspend()
        while (left := list(filter(_lives, stopped.children(recursive=True)))) and time.monotonic() < end:
            for process in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(left, timeout=0.1)


def _lives(process: Any) -> bool:
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def _remove(folder: tempfile.TemporaryDirectory[str]) -> None:
    """Remove a folder: what a worker that was killed leaves behind ends a moment later, and may write until then."""
    end = time.monotonic() + 2
    folder.cleanup()
    while os.path.exists(folder.name) and time.monotonic() < end:
        time.sleep(0.02)
        folder.cleanup()


def _line(stream: IO[bytes], seconds: float) -> bytes:
    """Return the next line that a worker says.

    Raises:
        OSError: if none comes.
        ValueError: if it does not end.
    """
    end, line = time.monotonic() + seconds, b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            left = end - time.monotonic()  # who never ends a line always has something to read
            if left <= 0 or not selector.select(left):
                raise TimeoutError(f"it did not answer within {seconds:g} s")
            more = os.read(stream.fileno(), 1 << 16)
            if not more:
                raise ConnectionError("it ended")
            line += more
            if len(line) > LONGEST:
                raise ValueError(f"it said more than {LONGEST >> 20} MB")
    return line
