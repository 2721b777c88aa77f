"""A process that the daemon starts in a container, with its stdin, stdout and stderr as bytes.

The daemon upgrades the HTTP connection (``101 UPGRADED``) and sends frames on it: one byte that names
the stream, three of padding, four of length, then the data (Engine API, ``ContainerAttach``).
"""

from __future__ import annotations

import contextlib
import struct
import time
from typing import Any

from labkit import errors
from labkit.daemon import Daemon

STDOUT, STDERR = 1, 2
_HEADER = struct.Struct(">BxxxL")


class Stream:
    """One exec'd process, held open. Closing it ends the process's stdin.

    Args:
        daemon: who starts the process.
        container: id or name of a running container.
        argv: program and arguments.

    Raises:
        HelperLost: if the container does not run.
    """

    def __init__(self, daemon: Daemon, container: str, argv: list[str]) -> None:
        from docker.errors import DockerException

        api: Any = daemon.client.api
        try:
            execution = api.exec_create(container, argv, stdin=True)["Id"]
            self._kept = api.exec_start(execution, socket=True)  # keeps the HTTP response alive
        except (DockerException, OSError) as error:
            raise errors.HelperLost(f"no process can be started in {container}: {error}.", _AGAIN) from error
        self._socket: Any = getattr(self._kept, "_sock", self._kept)
        self._buffer = bytearray()

    def send(self, data: bytes) -> None:
        """Write ``data`` to the process's stdin."""
        try:
            self._socket.settimeout(None)
            self._socket.sendall(data)
        except OSError as error:
            raise errors.HelperLost(f"the process in the container is gone: {error}.", _AGAIN) from error

    def receive(self, end: float) -> tuple[int, bytes]:
        """Return the next frame: which stream (``STDOUT``, ``STDERR``) and its bytes.

        Args:
            end: the deadline, on ``time.monotonic()``'s clock.

        Raises:
            QuestionTimeout: if nothing came before the deadline.
            HelperLost: if the process, its container or the daemon ended.
        """
        self._fill(_HEADER.size, end)
        channel, length = _HEADER.unpack_from(self._buffer)
        self._fill(_HEADER.size + length, end)
        data = bytes(self._buffer[_HEADER.size : _HEADER.size + length])
        del self._buffer[: _HEADER.size + length]
        return int(channel), data

    def _fill(self, size: int, end: float) -> None:
        while len(self._buffer) < size:
            try:
                self._socket.settimeout(max(end - time.monotonic(), 0.001))
                data = self._socket.recv(1 << 18)
            except TimeoutError:
                raise errors.QuestionTimeout("no answer came before the deadline.", _SLOW) from None
            except OSError as error:
                raise errors.HelperLost(f"the connection broke: {error}.", _AGAIN) from error
            if not data:
                raise errors.HelperLost("the container ended in the middle of a question.", _AGAIN)
            self._buffer += data

    def close(self) -> None:
        """Hang up; the process reads the end of its stdin."""
        for thing in (self._socket, self._kept):
            with contextlib.suppress(Exception):
                thing.close()


_AGAIN = "Ask again: labkit starts a new one. If it keeps happening, `docker logs` and `labkit doctor` say more."
_SLOW = "Ask for less, or give more time with timeout=…; a path below /proc may also wait for an event."
