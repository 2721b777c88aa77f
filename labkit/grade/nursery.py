"""The nursery: one process that has imported what chapters import, and forks a fresh kernel whenever it is asked to.

Starting Python and importing ipykernel, matplotlib and docker-py takes longer than most submissions run. A fork
takes milliseconds, and shares nothing that a learner's cell changes: ``fork(2)`` copies memory as it is written.
One kernel is always ahead: it has opened its sockets, and waits to be told whose it is.

``python -m labkit.grade.nursery`` reads one JSON object a line and answers each with one. It is the reaper of
everything that its kernels leave behind (``PR_SET_CHILD_SUBREAPER`` of ``prctl(2)``), so that a process which has
left its session is still found below it, and ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import random
import resource
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from labkit.grade.forked import Fork, LocalFork
from labkit.grade.limits import room_for
from labkit.grade.warm import warm

SUBREAPER, DEATH_SIGNAL = 36, 1  # prctl(2)

FILE_SIZE = 1 << 30
"""Bytes that one file of a learner's can have."""


class Nursery:
    """The process that forks kernels, seen from the worker that owns it. One that was killed is started again.

    Args:
        environ: its environment; kernels get their own.
        root: the process below which everything is the kernels' doing; by default the nursery itself.
        imports: what the chapters' cells import, so that kernels find it there; what is missing is left to the cells.
    """

    def __init__(self, environ: dict[str, str], *, root: int = 0, imports: Iterable[str] = ("labkit",)) -> None:
        self.root = root
        self.imports = list(imports)
        self.folder = tempfile.TemporaryDirectory(prefix="labkit-nursery-", ignore_cleanup_errors=True)
        self.environ = environ | dict.fromkeys(("HOME", "IPYTHONDIR", "TMPDIR"), self.folder.name)
        self.process = self._start()
        self.ahead = 0
        """The kernel that waits: nobody's yet."""

    def _start(self) -> subprocess.Popen[str]:
        # -P: what lies in the folder that the grader was called from is no module of ours
        command = [sys.executable, "-P", "-m", "labkit.grade.nursery", self.folder.name, *self.imports]
        pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
        return subprocess.Popen(command, env=self.environ, stdin=pipe, stdout=pipe, stderr=nothing, text=True)

    def fork(self, **wanted: Any) -> Fork:
        """Start one kernel.

        Args:
            wanted: ``cwd``, ``env``, and the limits ``memory`` (bytes) and ``processes`` (that it may add).

        Raises:
            ChildProcessError: if the nursery ends whenever it is started.
        """
        wanted["processes"] = self.room_for(wanted["processes"])
        for _ in range(2):
            with contextlib.suppress(OSError, ValueError):  # it was killed: no pipe, or an empty line
                said = self._ask(wanted)
                self.ahead = said["ahead"]
                return LocalFork(said["pid"], said["file"])
            self.process.kill()
            self.process.communicate()
            self.process = self._start()
        raise ChildProcessError("The process that starts kernels ended twice.")

    def room_for(self, more: int) -> int:
        """Return the limit of processes with which a kernel can add so many."""
        return room_for(more)

    def _ask(self, wanted: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        self.process.send_signal(signal.SIGCONT)  # an answer may have stopped it
        self.process.stdin.write(json.dumps(wanted) + "\n")
        self.process.stdin.flush()
        said: dict[str, Any] = json.loads(self.process.stdout.readline())
        return said

    def offspring(self) -> list[Any]:
        """Return every process that is a kernel or was started by one, as psutil's, also from another session."""
        import psutil

        with contextlib.suppress(psutil.NoSuchProcess):
            below = psutil.Process(self.root or self.process.pid).children(recursive=True)
            return [process for process in below if process.pid not in (self.process.pid, self.ahead)]
        return []

    def clear(self) -> None:
        """End every kernel and everything that they started; return when all are gone."""
        import psutil

        end = time.monotonic() + 10
        while (left := self.offspring()) and time.monotonic() < end:
            for process in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(left, timeout=0.2)

    def close(self) -> None:
        """End the nursery, and everything below it first."""
        self.ahead = 0
        self.clear()
        self.process.kill()
        self.process.communicate()
        self.folder.cleanup()


def main() -> None:
    """Import, then make a kernel somebody's for each line that comes in."""
    become_reaper()
    folder, out = Path(sys.argv[1]), sys.stdout
    sys.stdout = sys.stderr  # what an import prints is no answer
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    warm(sys.argv[2:])
    gc.freeze()  # forks share what no collection touches
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps: wait(2)
    ahead = _Unborn(folder)
    for line in sys.stdin:
        while not ahead.told(line):  # somebody has ended it
            ahead = _Unborn(folder)
        said, ahead = {"pid": ahead.pid, "file": ahead.file}, _Unborn(folder)
        print(json.dumps(said | {"ahead": ahead.pid}), file=out, flush=True)


class _Unborn:
    """A fork that has opened its sockets, written its connection file, and waits to be told whose kernel it is."""

    def __init__(self, folder: Path) -> None:
        self.file = str(folder / f"{secrets.token_hex(8)}.json")
        hears, self.tells = os.pipe()
        if (pid := os.fork()) == 0:
            _become_kernel(self.file, hears)
        os.close(hears)
        self.pid = pid

    def told(self, line: str) -> bool:
        """Tell it; return whether it was there to hear."""
        Path(self.file).parent.mkdir(parents=True, exist_ok=True)  # an answer may have removed it
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)  # or stopped the fork
        try:
            with open(self.tells, "w") as tells:
                tells.write(line)
        except BrokenPipeError:
            return False
        return True


def become_reaper() -> None:
    """Be the parent of whatever is orphaned below this process; end together with the process that started it."""
    set_own(SUBREAPER, 1)
    set_own(DEATH_SIGNAL, signal.SIGKILL)


def _become_kernel(file: str, hears: int) -> None:
    """Turn this fork into an IPython kernel of its own session, within its limits; never return."""
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        set_own(DEATH_SIGNAL, signal.SIGKILL)
        os.setsid()
        _close_everything(hears)
        before = dict(os.environ)
        app = _make_app(file)
        added = {name: value for name, value in os.environ.items() if before.get(name) != value}
        with open(hears) as told:
            wanted = json.loads(told.read())
        app.write_connection_file()  # once more: it may be gone
        os.chdir(wanted["cwd"])
        os.environ.clear()
        os.environ.update(wanted["env"] | added)
        random.seed()
        _limit(wanted["memory"], wanted["processes"])
        app.start()
        status = 0
    finally:
        os._exit(status)


def _close_everything(but: int) -> None:
    """Leave the fork no file of the nursery's but the one on which it listens."""
    sys.stdin.close()
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.closerange(3, but)
    os.closerange(but + 1, 1024)


def _make_app(file: str) -> Any:
    from ipykernel.kernelapp import IPKernelApp

    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    app: Any = IPKernelApp.instance()
    options = {"outstream_class": "labkit.grade.outstream.QuickOutStream", "log_level": "50", "ip": "127.0.0.1"}
    words = [f"--IPKernelApp.{name}={value}" for name, value in options.items()]
    app.initialize(["-f", file, "--HistoryManager.enabled=False", "--Kernel._execute_sleep=0", *words])
    return app


def _limit(memory: int, processes: int) -> None:
    """Set the limits that the system itself keeps: ``getrlimit(2)``. Root is not held to a number of processes."""
    for what, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, FILE_SIZE),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, processes),
    ):
        hard = resource.getrlimit(what)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(what, (value, value))


def set_own(option: int, value: int) -> None:
    """Call ``prctl(2)`` where there is one."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main()
