"""A process that the daemon starts in a container, with its stdin, stdout and stderr as bytes.

The daemon upgrades the HTTP connection (``101 UPGRADED``) and sends frames on it: one byte that names
the stream, three of padding, four of length, then the data (Engine API, ``ContainerAttach``).
"""

from __future__ import annotations

import contextlib
import socket
import struct
import subprocess
import time
from typing import Any
from urllib.parse import urlsplit

from labkit import errors
from labkit.daemon import Daemon

STDOUT, STDERR = 1, 2
_HEADER = struct.Struct(">BxxxL")
_PATIENCE = 30.0
"""Seconds for the daemon to start the process, and for the process to take in what is sent."""
_LOOK = 0.3
"""Seconds of silence after which the daemon is asked whether the process still runs."""


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

        self._daemon, self._execution = daemon, ""
        self._buffer = bytearray()
        self._socket: Any = None
        self._ssh: subprocess.Popen[bytes] | None = None
        try:
            execution = daemon.client.api.exec_create(container, argv, stdin=True)["Id"]
            self._dial(daemon)
            self._upgrade(f"/v{daemon.api}/exec/{execution}/start")
            self._execution = str(execution)
        except (DockerException, errors.HostError, OSError) as error:
            self.close()
            raise errors.HelperLost(f"no process can be started in {container}: {error}.", _AGAIN) from error
        except BaseException:
            self.close()
            raise

    def _dial(self, daemon: Daemon) -> None:
        """Open a connection of our own: docker-py's may swallow the first frames, and does not stream over ssh."""
        url = daemon.endpoint.url
        if daemon.endpoint.scheme == "ssh":
            self._socket, theirs = socket.socketpair()
            with theirs:
                end = theirs.fileno()
                self._ssh = subprocess.Popen(ssh_words(url), stdin=end, stdout=end, start_new_session=True)
        elif daemon.endpoint.scheme == "npipe":
            from docker import transport

            self._socket = transport.NpipeSocket()
            self._socket.connect(url.removeprefix("npipe://"))
        else:
            self._socket = daemon.endpoint.dial(timeout=_PATIENCE)

    def _upgrade(self, path: str) -> None:
        """Ask for the bare connection; what comes behind the head of the answer is the first frame."""
        body = '{"Detach": false, "Tty": false}'
        self.send(
            f"POST {path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
        )
        end = time.monotonic() + _PATIENCE
        while (length := self._buffer.find(b"\r\n\r\n")) < 0:
            self._more(end)
        first = self._buffer.partition(b"\r\n")[0].decode("latin-1")
        if first.split()[1:2] not in (["101"], ["200"]):
            raise errors.HelperLost(f"the daemon answered {first!r}")
        del self._buffer[: length + 4]

    def send(self, data: bytes) -> None:
        """Write ``data`` to the process's stdin."""
        try:
            self._socket.settimeout(_PATIENCE)
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
            self._more(end)

    def _more(self, end: float) -> None:
        piece, count = bytearray(1 << 16), 0
        try:
            self._socket.settimeout(max(min(end - time.monotonic(), _LOOK), 0.001))
            count = self._socket.recv_into(piece)  # not recv(): a Windows pipe has a deadline only here
        except TimeoutError:
            if self._runs():
                if time.monotonic() < end:
                    return
                raise errors.QuestionTimeout("no answer came before the deadline.", _SLOW) from None
        except OSError as error:
            raise errors.HelperLost(f"the connection broke: {error}.", _AGAIN) from error
        if not count:
            raise errors.HelperLost("the container ended in the middle of a question.", _AGAIN)
        self._buffer += memoryview(piece)[:count]

    def _runs(self) -> bool:
        """Ask the daemon: it may keep the connection open when the whole container ends under the process."""
        try:
            return not self._execution or bool(self._daemon.client.api.exec_inspect(self._execution)["Running"])
        except OSError:  # also what the daemon answers: docker-py's APIError is one
            return False

    def close(self) -> None:
        """Hang up; the process reads the end of its stdin."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
        if self._ssh:
            self._ssh.terminate()
            self._ssh.wait()


def ssh_words(url: str) -> list[str]:
    """The docker CLI's own way through ssh: ``dial-stdio`` joins its stdin and stdout to the daemon's socket."""
    there = urlsplit(url)
    user = ["-l", there.username] if there.username else []
    port = ["-p", str(there.port)] if there.port else []
    return ["ssh", *user, *port, "--", str(there.hostname), "docker system dial-stdio"]


_AGAIN = "Ask again: labkit starts a new one. If it keeps happening, `docker logs` and `labkit doctor` say more."
_SLOW = "Ask for less, or give more time with timeout=…; a path below /proc may also wait for an event."
