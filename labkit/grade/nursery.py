"""The nursery: one process that has imported everything, and forks a fresh kernel whenever it is asked to.

Starting Python and importing ipykernel, matplotlib and docker-py takes longer than most submissions run. A fork
takes milliseconds, and shares nothing that a learner's cell changes: ``fork(2)`` copies memory as it is written.

``python -m labkit.grade.nursery`` reads one JSON object a line and answers each with one: ``{"pid": …}``. It is the
reaper of everything that its kernels leave behind (``PR_SET_CHILD_SUBREAPER`` of ``prctl(2)``), so that a process
which has left its session is still found below it, and ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from typing import Any

SUBREAPER, DEATH_SIGNAL = 36, 1  # prctl(2)

WARM = (  # noqa: SIM905 - words read better than twenty quotes
    "ipykernel.kernelapp ipykernel.ipkernel ipykernel.zmqshell ipykernel.debugger "
    "matplotlib.pyplot matplotlib_inline.backend_inline IPython.core.completer "
    "docker requests labkit.hosts labkit.helper labkit.images labkit.terminal labkit.draw labkit.course.desk "
    "labkit.inside.events labkit.inside.permissions labkit.inside.route"
).split()
"""What a chapter's cells will want; a module that is missing is imported, or not, by the cell that wants it."""

FILE_SIZE = 1 << 30
"""Bytes that one file of a learner's can have."""


class Nursery:
    """The process that forks kernels, seen from the worker that owns it. One that was killed is started again.

    Args:
        environ: its environment; kernels get their own.
        root: the process below which everything is the kernels' doing; by default the nursery itself.
    """

    def __init__(self, environ: dict[str, str], *, root: int = 0) -> None:
        self.environ, self.root = environ, root
        self.process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "labkit.grade.nursery"]
        pipe, nothing = subprocess.PIPE, subprocess.DEVNULL
        return subprocess.Popen(command, env=self.environ, stdin=pipe, stdout=pipe, stderr=nothing, text=True)

    def fork(self, **wanted: Any) -> int:
        """Start one kernel; return its process id.

        Raises:
            ChildProcessError: if the nursery ends whenever it is started.
        """
        for _ in range(2):
            with contextlib.suppress(OSError, ValueError):  # it was killed: no pipe, or an empty line
                return self._ask(wanted)
            self.process.kill()
            self.process.communicate()
            self.process = self._start()
        raise ChildProcessError("The process that starts kernels ended twice.")

    def _ask(self, wanted: dict[str, Any]) -> int:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(wanted) + "\n")
        self.process.stdin.flush()
        return int(json.loads(self.process.stdout.readline())["pid"])

    def offspring(self) -> list[Any]:
        """Return every process that is a kernel or was started by one, as psutil's, also from another session."""
        import psutil

        with contextlib.suppress(psutil.NoSuchProcess):
            below = psutil.Process(self.root or self.process.pid).children(recursive=True)
            return [process for process in below if process.pid != self.process.pid]
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
        self.clear()
        self.process.kill()
        self.process.communicate()


def main() -> None:
    """Import, then fork a kernel for each line that comes in."""
    become_reaper()
    out, sys.stdout = sys.stdout, sys.stderr  # what an import prints is no answer
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    for name in WARM:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps: wait(2)
    for line in sys.stdin:
        wanted = json.loads(line)
        if (pid := os.fork()) == 0:
            _become_kernel(wanted)
        print(json.dumps({"pid": pid}), file=out, flush=True)


def become_reaper() -> None:
    """Be the parent of whatever is orphaned below this process; end together with the process that started it."""
    _prctl(SUBREAPER, 1)
    _prctl(DEATH_SIGNAL, signal.SIGKILL)


def _become_kernel(wanted: dict[str, Any]) -> None:
    """Turn this fork into an IPython kernel of its own session, within its limits; never return."""
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        _prctl(DEATH_SIGNAL, signal.SIGKILL)
        os.setsid()
        os.chdir(wanted["cwd"])
        os.environ.clear()
        os.environ.update(wanted["env"])
        random.seed()
        _close_everything()
        _limit(wanted["memory"], wanted["processes"])
        _run_kernel(wanted["connection_file"])
        status = 0
    finally:
        os._exit(status)


def _close_everything() -> None:
    """Leave the fork no file of the nursery's."""
    sys.stdin.close()
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.closerange(3, 1024)


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


def room_for(more: int) -> int:
    """Return how many processes this user may have, so that ``more`` can be added: the limit counts all of a user's."""
    import psutil

    mine = [p for p in psutil.process_iter(["uids"]) if p.info["uids"] and p.info["uids"].real == os.getuid()]
    threads = 0
    for process in mine:
        with contextlib.suppress(psutil.Error):
            threads += process.num_threads()
    return threads + 4 * more


def _run_kernel(connection_file: str) -> None:
    from ipykernel.kernelapp import IPKernelApp

    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    app: Any = IPKernelApp.instance()
    app.initialize(["-f", connection_file, "--HistoryManager.enabled=False", "--IPKernelApp.log_level=50"])
    app.start()


def _prctl(option: int, value: int) -> None:
    """Call ``prctl(2)`` where there is one."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main()
