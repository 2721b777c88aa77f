"""A nursery in another container, asked over a socket: the judge's side never touches a learner's process.

Questions and answers are one JSON object a line; ``labkit.grade.init`` answers them. Whatever a learner does to the
other side, a question has its answer or its end within a time; then nothing is asked any more, and every kernel there
is as good as dead.
"""

from __future__ import annotations

import contextlib
import json
import socket
import time
from typing import TYPE_CHECKING, Any

from labkit.grade.forked import Fork
from labkit.grade.nursery import Nursery

if TYPE_CHECKING:
    from jupyter_client.connect import KernelConnectionInfo

READY = 45.0
"""Seconds until the other side listens: it was started first, and does that before anything else."""

BETWEEN = 2.0
"""Seconds at most between the name of a socket and somebody who listens there."""

PATIENCE = 60.0
"""Seconds for one answer; the longest is that of a nursery that was killed and imports everything anew."""

LONGEST = 1 << 20
"""Bytes of a line."""

LONGEST_KEY = 200

Message = dict[str, Any]


class Line:
    """A connection on which each side says one JSON object a line.

    Args:
        sock: the connection.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.heard = b""

    def tell(self, message: Message, *, seconds: float = PATIENCE) -> None:
        """Send one message.

        Raises:
            OSError: if the other side does not take it.
        """
        self.sock.settimeout(seconds)
        self.sock.sendall(json.dumps(message).encode() + b"\n")

    def hear(self, *, seconds: float = PATIENCE) -> Message:
        """Return the next message.

        Raises:
            OSError: if none comes in time.
            ValueError: if it is none.
        """
        end = time.monotonic() + seconds
        while b"\n" not in self.heard:
            self.sock.settimeout(max(0.001, end - time.monotonic()))
            if not (more := self.sock.recv(1 << 16)):
                raise ConnectionError("the other side hung up")
            self.heard += more
            if len(self.heard) > LONGEST:
                raise ValueError("a line is too long")
        line, _, self.heard = self.heard.partition(b"\n")
        said = json.loads(line)
        if not isinstance(said, dict):
            raise ValueError(f"{type(said).__name__} is no message")
        return said


class RemoteNursery(Nursery):
    """The nursery of a sandbox, which the first process there keeps.

    Args:
        address: path of the socket at which it answers one caller, the first.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self.line: Line | None = Line(_dial(address))

    def ask(self, do: str, **more: Any) -> Message:
        """Ask one question.

        Raises:
            ConnectionError: if the other side is gone, or did not answer in time once.
        """
        if self.line is None:
            raise ConnectionError("the sandbox is gone")
        try:
            self.line.tell({"do": do} | more)
            return self.line.hear()
        except (OSError, ValueError, RecursionError) as error:
            self._hang_up()
            raise ConnectionError(f"the sandbox is gone: {error}") from None

    def fork(self, **wanted: Any) -> Fork:
        """Start one kernel there.

        Raises:
            ChildProcessError: if the other side cannot.
        """
        try:
            return RemoteFork(self, int(self.ask("fork", wanted=wanted)["pid"]))
        except (ConnectionError, LookupError, TypeError, ValueError) as error:
            raise ChildProcessError(f"No kernel was started in the sandbox: {error}.") from None

    def offspring(self) -> list[Any]:
        """Return the process ids, as they are there, of all that is a learner's doing."""
        with contextlib.suppress(ConnectionError):
            found = self.ask("offspring").get("pids")
            return found if isinstance(found, list) else []
        return []

    def clear(self) -> None:
        """End all of that; return when it is gone."""
        with contextlib.suppress(ConnectionError):
            self.ask("clear")

    def close(self) -> None:
        """Hang up: the sandbox is removed from outside."""
        self._hang_up()

    def _hang_up(self) -> None:
        line, self.line = self.line, None
        if line:
            line.sock.close()


class RemoteFork:
    """A kernel in a sandbox."""

    def __init__(self, nursery: RemoteNursery, pid: int) -> None:
        self.nursery, self.pid = nursery, pid

    def connection(self) -> KernelConnectionInfo | None:
        """Return where it listens, on the loopback that the two containers share; None if it does not yet."""
        with contextlib.suppress(ConnectionError, LookupError, TypeError, ValueError):
            said = self.nursery.ask("connection", pid=self.pid)["connection"]
            return {
                "transport": "tcp",
                "ip": "127.0.0.1",
                "signature_scheme": "hmac-sha256",
                "key": str(said["key"])[:LONGEST_KEY],
                "shell_port": int(said["shell_port"]),
                "iopub_port": int(said["iopub_port"]),
                "stdin_port": int(said["stdin_port"]),
                "control_port": int(said["control_port"]),
                "hb_port": int(said["hb_port"]),
            }
        return None

    def is_alive(self) -> bool:
        """Whether its process is there; one that nobody can ask about is not."""
        with contextlib.suppress(ConnectionError):
            return self.nursery.ask("alive", pid=self.pid).get("yes") is True
        return False

    def has_ended(self, *, within: float) -> bool:
        """Wait for its end for so many seconds; return whether it has ended."""
        with contextlib.suppress(ConnectionError):
            return self.nursery.ask("ended", pid=self.pid, within=within).get("yes") is True
        return True

    def interrupt(self) -> None:
        """Send the signal of Ctrl-C."""
        with contextlib.suppress(ConnectionError):
            self.nursery.ask("interrupt", pid=self.pid)


def _dial(address: str) -> socket.socket:
    """Connect as soon as somebody listens there."""
    end = time.monotonic() + READY
    while True:
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(PATIENCE)
        try:
            sock.connect(address)
            return sock
        except OSError as error:
            sock.close()
            if isinstance(error, ConnectionRefusedError):  # it is there, and nobody behind it: not yet, or no more
                end = min(end, time.monotonic() + BETWEEN)
            if time.monotonic() > end:
                raise
        time.sleep(0.02)
