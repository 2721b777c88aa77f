"""Processes to send signals to, each in a PID namespace made for it or joined: what the kernel does with them.

Needs root on Linux; ``unshare(2)`` and ``setns(2)`` come to Python with 3.12, so they are
taken from the C library.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from labkit.local import LocalHost

T = TypeVar("T")

WAYS = ("nothing", "catches", "ignores", "blocks", "fetches")
"""What a target does with its signal."""

NEWPID = 0x20000000  # <sched.h>
PING = signal.SIGRTMIN if hasattr(signal, "SIGRTMIN") else 34


def _call(name: str, *words: int) -> None:
    """Call a function of the C library that returns 0 where all went well."""
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*words):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _soon(condition: Callable[[], T | None], what: str) -> T:
    """Ask ``condition`` until it holds, more often than ``wait_until()``: here a thousand processes are waited for."""
    end = time.monotonic() + 60
    while not (value := condition()):
        assert time.monotonic() < end, f"waited in vain until {what}"
        os.sched_yield()
    return value


def _fork(run: Callable[[], None]) -> int:
    """Start a process that runs a function, and nothing of pytest."""
    if pid := os.fork():
        return pid
    try:
        run()
    finally:
        os._exit(0)


def fork_new(run: Callable[[], None]) -> int:
    """Start the first process of a new PID namespace."""
    with _children_elsewhere(lambda: _call("unshare", NEWPID)):
        return _fork(run)


def fork_into(pid: int, run: Callable[[], None]) -> int:
    """Start a process in the PID namespace of another, as ``docker exec`` does."""

    def join() -> None:
        with open(f"/proc/{pid}/ns/pid", "rb") as namespace:
            _call("setns", namespace.fileno(), NEWPID)

    with _children_elsewhere(join):
        return _fork(run)


@contextlib.contextmanager
def _children_elsewhere(move: Callable[[], None]) -> Iterator[None]:
    """Let the next children be born in another PID namespace."""
    with open("/proc/self/ns/pid", "rb") as own:
        try:
            move()
            yield
        finally:
            _call("setns", own.fileno(), NEWPID)


@dataclass
class Target:
    """A process that does something with one signal, and tells what reaches it.

    Attributes:
        pid: its number here.
        fetches: whether it waits for the signal, and not for a line.
    """

    pid: int
    fetches: bool
    _ask: int = field(repr=False)
    _told: int = field(repr=False)

    def send(self, number: int, *, inside: bool) -> None:
        """Send it a signal, from here or from its own PID namespace; it is sent when this returns."""
        if not inside:
            return os.kill(self.pid, number)
        with open(f"/proc/{self.pid}/status") as status:
            own = int(next(line for line in status if line.startswith("NSpid:")).split()[-1])
        os.waitpid(fork_into(self.pid, lambda: os.kill(own, number)), 0)
        return None

    def outcome(self, *, stopped: bool = False) -> tuple[str, int | None]:
        """Tell what a signal did that was sent before, and the exit code of one that is no more.

        A letter behind the signal is the proof that nothing more will come: who answers it got the signal before.
        """
        if stopped and self._state() == "T":
            return "nothing", None
        with contextlib.suppress(BrokenPipeError, ProcessLookupError):
            os.kill(self.pid, PING) if self.fetches else os.write(self._ask, b"?")
        ended, letters = _soon(self._news, f"process {self.pid} answers, stops or ends")
        if ended and os.WIFSIGNALED(ended):
            self.pid = 0
            return "ends", 128 + os.WTERMSIG(ended)
        if ended:
            return "stops", None
        return "continues" if stopped else "handler" if b"h" in letters else "nothing", None

    def _news(self) -> tuple[int, bytes] | None:
        """What has become of it, as soon as that is settled."""
        if select.select([self._told], [], [], 0.001)[0]:  # something is said, or nobody is left to say something
            self._heard += os.read(self._told, 100)
        pid, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
        if pid:
            return status, b""
        return (0, self._heard) if b"!" in self._heard else None

    _heard: bytes = field(default=b"", repr=False)

    def stop(self) -> None:
        """Stop it, and wait until it is."""
        os.kill(self.pid, signal.SIGSTOP)
        os.waitpid(self.pid, os.WUNTRACED)

    def _state(self) -> str:
        return LocalHost().text(f"/proc/{self.pid}/stat").rpartition(") ")[2][0]

    def ready(self) -> None:
        """Wait until it sleeps, with all its masks as they will be."""
        os.read(self._told, 1)
        _soon(lambda: self._state() == "S", "the target sleeps")

    def close(self) -> None:
        """End it."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._ask)
        os.close(self._told)


@contextlib.contextmanager
def target(way: str, number: int, *, beside: int = 0, orphaned: bool = True) -> Iterator[Target]:
    """A target that is ready; it is the first process of its PID namespace unless it is born beside another.

    Args:
        way: one of ``WAYS``.
        number: its signal.
        beside: a process of the namespace that it goes into.
        orphaned: whether its process group is, because it is in a session of its own.
    """
    (asked, ask), (told, tell) = os.pipe(), os.pipe()

    def run() -> None:
        os.close(ask)
        os.close(told)
        os.setsid() if orphaned else os.setpgid(0, 0)
        _live(way, number, asked, tell)

    made = Target(fork_into(beside, run) if beside else fork_new(run), way == "fetches", ask, told)
    os.close(asked)
    os.close(tell)
    try:
        made.ready()
        yield made
    finally:
        made.close()


def _live(way: str, number: int, asked: int, tell: int) -> None:
    """The life of a target."""
    import resource  # which Windows has not

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for other in set(range(1, 32)) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(other, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [number, PING] if way == "fetches" else [number][: way == "blocks"])
    if way in ("catches", "ignores"):
        signal.signal(number, signal.SIG_IGN if way == "ignores" else lambda *_: os.write(tell, b"h") and None)
    os.write(tell, b"r")
    while way == "fetches":
        os.write(tell, b"h" if signal.sigwait([number, PING]) == number else b"!")
    while os.read(asked, 1):
        os.write(tell, b"!")
