"""A kernel that somebody else's code runs in: forked by the nursery, watched while it runs, ended with all it made.

nbval asks a kernel for a cell's reply and then for its output. Ours does what nbval does not: it notices at once that
the kernel is dead, reads the output while the cell runs, and ends what goes beyond a limit.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from pathlib import Path
from queue import Empty
from typing import Any

from nbval.kernel import RunningKernel

from labkit.grade.limits import Limits as Limits
from labkit.grade.nursery import Nursery

POLL = 0.05
"""Seconds between two looks at a running cell."""

GRACE = 3.0
"""Seconds that an interrupted cell has to end."""

MESSAGE = 200
"""Bytes that a message counts, however little it carries."""

START = 60.0
"""Seconds that a kernel may take until it answers."""


ENDED = "Python itself ended while the cell ran."
DEAF = "It did not stop when it was interrupted."
NOT_STARTED = "The kernel did not start."


class KernelDied(Exception):
    """The kernel is gone, or was ended because it went beyond a limit; the text says which."""


class GradedKernel(RunningKernel):  # type: ignore[misc]  # nbval has no types
    """A kernel as nbval knows it, on a fork of the nursery.

    Args:
        nursery: who forks.
        folder: where its cells work.
        environ: its whole environment.
        limits: what it may use.
    """

    def __init__(self, nursery: Nursery, folder: Path, environ: dict[str, str], limits: Limits) -> None:
        self.nursery, self.folder, self.environ, self.limits = nursery, folder, environ, limits
        self.held: deque[dict[str, Any]] = deque()
        self.too_much = f"It printed more than {limits.output / (1 << 20):g} MB in one cell."
        self.printed = 0
        """Bytes that the running cell has printed."""
        self.deadline = 0.0
        """When an interrupted cell must be done; 0 while none is."""
        self._start()

    def _start(self) -> None:
        import zmq
        from jupyter_client.blocking.client import BlockingKernelClient

        self.held.clear()
        self.deadline, self.printed = 0.0, 0
        for place in (self.folder.parent, self.folder):
            make_usable(place)
        self.fork = self.nursery.fork(
            cwd=str(self.folder),
            env=self.environ,
            memory=self.limits.memory,
            processes=self.limits.processes,
        )
        self.kc = BlockingKernelClient()
        self._await_connection()
        self.kc.context.setsockopt(zmq.MAXMSGSIZE, self.limits.output + (1 << 20))
        self.kc.start_channels(hb=False, stdin=False, control=False)
        self.hung_up = self.kc.iopub_channel.socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        try:
            self._await_first_answer()
        except KernelDied:
            self.kc.stop_channels()
            raise KernelDied(NOT_STARTED) from None

    def _await_connection(self) -> None:
        """Wait until the kernel has written where it listens."""
        end = time.monotonic() + START
        while time.monotonic() < end and self.is_alive():
            if place := self.fork.connection():
                return self.kc.load_connection_info(place)
            time.sleep(POLL / 10)
        raise KernelDied(NOT_STARTED)

    def _await_first_answer(self) -> None:
        """Ask until the kernel answers on both channels: what it says before we listen is lost."""
        end = time.monotonic() + START
        while time.monotonic() < end and self.is_alive():
            question = self.kc.kernel_info()
            with contextlib.suppress(Empty):
                self.await_reply(question, timeout=end - time.monotonic())
                self.await_idle(question, POLL / 2)
                return
        raise KernelDied(NOT_STARTED)

    def is_alive(self) -> bool:
        """Whether its process is there, and no zombie."""
        return self.fork.is_alive()

    def execute_cell_input(self, cell_input: str, allow_stdin: bool | None = None) -> str:
        """Send one cell; return the id of the request."""
        self.held.clear()
        self.deadline, self.printed = 0.0, 0
        return str(super().execute_cell_input(cell_input, allow_stdin))

    def interrupt(self) -> None:
        """Send the signal of Ctrl-C; the cell then has a few seconds to end."""
        self.deadline = time.monotonic() + GRACE
        self.fork.interrupt()

    def stop(self) -> None:
        """End it, with everything that it started."""
        self.kc.stop_channels()
        self.nursery.clear()

    def restart(self) -> None:
        """End it, and begin with a fresh one."""
        self.stop()
        self._start()

    def run_quietly(self, source: str, seconds: float) -> None:
        """Run a cell for what it defines; what it prints, and whether it fails, is nobody's concern."""
        request = self.execute_cell_input(source, allow_stdin=False)
        try:
            self.await_reply(request, timeout=max(0.1, seconds))
        except Empty:
            self.interrupt()
        with contextlib.suppress(Empty):
            self.await_idle(request, GRACE)

    # --- while a cell runs ------------------------------------------------------------------------

    def await_reply(self, msg_id: str, timeout: float | None = None) -> None:
        """Wait for the reply to one request, and look after the kernel meanwhile.

        Raises:
            Empty: after ``timeout`` seconds, as nbval expects it.
            KernelDied: if it dies, or goes beyond a limit.
        """
        end = time.monotonic() + (timeout or START)
        while time.monotonic() < end:
            self._drain(end)
            try:
                reply = self._receive("shell", POLL)
            except Empty:
                self._look_after()
                continue
            if reply["parent_header"].get("msg_id") == msg_id:
                return self._check_stays(reply["content"])
        raise Empty

    def _check_stays(self, reply: dict[str, Any]) -> None:
        """Make sure that the cell did not call ``exit()``: the kernel would end at any moment after its reply."""
        if any(payload.get("source") == "ask_exit" for payload in reply.get("payload", ())):
            self._end(ENDED)

    def get_message(self, stream: str, timeout: float | None = None) -> dict[str, Any]:
        """Return the next message; of the output, first what was read while the cell ran.

        Raises:
            Empty: after ``timeout`` seconds.
            KernelDied: if nothing more can come.
        """
        end = time.monotonic() + (START if timeout is None else timeout)
        while True:
            if self.deadline and time.monotonic() > self.deadline:
                self._end(DEAF)
            if stream == "iopub" and self.held:
                return self.held.popleft()
            try:
                message = self._receive(stream, POLL)  # nbval's own way prints each message for a log
                self._count(message)
                return message
            except Empty:
                self._check_there()
                if not self.deadline and time.monotonic() > end:
                    raise

    def _drain(self, end: float) -> None:
        """Take what was printed so far, unless that is too much; a cell can print faster than we read."""
        with contextlib.suppress(Empty):
            while time.monotonic() < end:
                message = self._receive("iopub", 0)
                self._count(message)
                self.held.append(message)

    def _receive(self, stream: str, timeout: float) -> dict[str, Any]:
        """Return the next message of a channel, without the event loop that jupyter_client runs for each."""
        socket = getattr(self.kc, f"{stream}_channel").socket
        message: dict[str, Any] | None = self.kc.session.recv(socket)[1] if socket.poll(1000 * timeout) else None
        if message is None:
            raise Empty
        return message

    def _count(self, message: dict[str, Any]) -> None:
        self.printed += _size(message)
        if self.printed > self.limits.output:
            self._end(self.too_much)

    def _check_there(self) -> None:
        """Make sure that it lives, and that the line for its output holds: one message can be too long for that."""
        if not self.is_alive():
            raise KernelDied(ENDED)
        if self.hung_up.poll(0):  # it does that too when it ends
            if self.fork.has_ended(within=1):
                raise KernelDied(ENDED)
            self._end(self.too_much)

    def _look_after(self) -> None:
        self._check_there()
        if (count := len(self.nursery.offspring())) > self.limits.processes:
            self._end(f"It had {count} processes at once; {self.limits.processes} are allowed.")

    def _end(self, why: str) -> None:
        self.nursery.clear()
        raise KernelDied(why)


def make_usable(place: Path) -> None:
    """Make sure that a folder is there and can be worked in, whatever an earlier answer has done to it."""
    if place.is_symlink() or not place.is_dir():
        place.unlink(missing_ok=True)
        place.mkdir(parents=True)
    elif not os.access(place, os.R_OK | os.W_OK | os.X_OK):
        place.chmod(0o700)


def _size(message: dict[str, Any]) -> int:
    """How much one message counts: all that it carries, and something for itself, as a million empty ones are many."""
    return MESSAGE + len(repr(message["content"])) + sum(len(buffer) for buffer in message["buffers"])
