"""One forked kernel, for whoever watches it: where it listens, whether it is there, and the signal of Ctrl-C."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from jupyter_client.connect import KernelConnectionInfo

SMALL = 1 << 16
"""Bytes of a connection file at most."""


class Fork(Protocol):
    """A kernel that the nursery forked, here or in another container.

    Attributes:
        pid: its process id, as the nursery sees it.
    """

    pid: int

    def connection(self) -> KernelConnectionInfo | None:
        """Return what its connection file says; None if it has not written one yet."""

    def is_alive(self) -> bool:
        """Whether its process is there, and no zombie."""

    def has_ended(self, *, within: float) -> bool:
        """Wait for its end for so many seconds; return whether it has ended."""

    def interrupt(self) -> None:
        """Send the signal of Ctrl-C, also to what it has started in its session."""


class LocalFork:
    """A kernel whose process is on this computer.

    Args:
        pid: its process id.
        file: its connection file.
    """

    def __init__(self, pid: int, file: str) -> None:
        import psutil

        self.pid, self.file = pid, file
        try:
            self.process: psutil.Process | None = psutil.Process(pid)
        except psutil.NoSuchProcess:
            self.process = None

    def connection(self) -> KernelConnectionInfo | None:
        """Return what its connection file says; None if it is not there, or half written."""
        with contextlib.suppress(OSError, ValueError):
            said: KernelConnectionInfo = json.loads(read_small(self.file))
            return said
        return None

    def is_alive(self) -> bool:
        """Whether its process is there, and no zombie."""
        import psutil

        with contextlib.suppress(psutil.NoSuchProcess):
            return bool(self.process and self.process.is_running() and self.process.status() != psutil.STATUS_ZOMBIE)
        return False

    def has_ended(self, *, within: float) -> bool:
        """Wait for its end for so many seconds; return whether it has ended."""
        import psutil

        return self.process is None or bool(psutil.wait_procs([self.process], timeout=within)[0])

    def interrupt(self) -> None:
        """Send the signal of Ctrl-C to the session that it leads."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGINT)


def read_small(file: str) -> bytes:
    """Return the content of a file that an answer may have replaced, by a pipe that nobody writes to for example.

    Raises:
        OSError: if it is no file, or larger than a connection file is.
    """
    opened = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode) or found.st_size > SMALL:
            raise OSError(f"{file} is no connection file")
        return os.read(opened, SMALL)
    finally:
        os.close(opened)
