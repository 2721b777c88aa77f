"""Carry connections from a port of this computer into a container, as ``kubectl port-forward`` does.

A container's own address can be reached from its neighbours, seldom from the notebook: the daemon may run in a
virtual machine, in another network namespace, or behind a network. Where it answers at all, it starts processes. So
each connection is carried by one: ``nc 127.0.0.1 PORT``, started by ``docker exec`` with its input and output here.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
import time

from labkit import errors
from labkit.daemon import Daemon
from labkit.sandbox import Box
from labkit.stream import STDOUT, Stream

CHUNK = 1 << 16
PATIENCE = 5.0
"""Seconds of silence after which somebody looks whether the carrying process still runs."""
TURN = 0.02
"""Seconds for one look at a connection that ``select(2)`` cannot wait for, or that has only a part of a record."""


class Forward:
    """A port at 127.0.0.1 that leads to a port at the loopback of a container. Close it, or use ``with``.

    Args:
        box: a running container that has a busybox.
        port: where a process in it listens.

    Attributes:
        port: of this computer; the kernel chose it.
    """

    def __init__(self, box: Box, port: int) -> None:
        self.box, self.target = box, port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: set[socket.socket] = set()
        self._door = threading.Thread(target=self._accept, daemon=True)
        self._door.start()

    def __repr__(self) -> str:
        return f"<127.0.0.1:{self.port} leads to port {self.target} in {self.box.name}>"

    def __enter__(self) -> Forward:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """The address as in ``DOCKER_HOST``, where what listens there is a Docker daemon."""
        return f"tcp://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Listen no more, and hang up on everybody; nothing happens the second time."""
        for sock in (self._listener, *self._open):
            with contextlib.suppress(OSError):  # ends the wait in accept(2) and recv(2)
                sock.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.add(client)
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        try:
            with client, contextlib.suppress(errors.HostError, OSError):  # one of them hung up: so does the other
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with contextlib.closing(_Carrier(self.box.daemon, self.box.id, self.target)) as carrier:
                    carrier.carry(client)
        finally:
            self._open.discard(client)


class _Carrier(Stream):
    """The process in the container, and the two directions in one thread: TLS may not be used by two."""

    def __init__(self, daemon: Daemon, container: str, port: int) -> None:
        super().__init__(daemon, container, ["/bin/busybox", "nc", "127.0.0.1", str(port)])

    def carry(self, client: socket.socket) -> None:
        """Carry bytes both ways until one side has ended."""
        talking = True
        while True:
            asked, told = self._wait(client if talking else None)
            if asked:
                if data := client.recv(CHUNK):
                    self.send(data)
                elif self._has_halves():
                    self._socket.shutdown(socket.SHUT_WR)
                    talking = False
                else:
                    return
            if told:
                for channel, data in self._frames():
                    if channel == STDOUT:
                        client.sendall(data)

    def _wait(self, client: socket.socket | None) -> tuple[bool, bool]:
        """Wait until the client or the process says something; return who did."""
        listening = [client] if client else []
        if not hasattr(self._socket, "fileno"):  # a named pipe of Windows
            return bool(listening and select.select(listening, [], [], TURN)[0]), True
        if self._pending():
            return bool(listening and select.select(listening, [], [], 0)[0]), True
        came = select.select([*listening, self._socket], [], [], PATIENCE)[0]
        if not came and not self._runs():
            raise errors.HelperLost("the container ended while it carried a connection.")
        return client in came, self._socket in came

    def _pending(self) -> bool:
        """Whether there are frames, or bytes that TLS has already unpacked: select(2) does not see either."""
        waiting = getattr(self._socket, "pending", int)
        return self._whole() or bool(waiting())

    def _whole(self) -> bool:
        """Whether a whole frame has come."""
        return len(self._buffer) >= 8 and len(self._buffer) >= 8 + int.from_bytes(self._buffer[4:8], "big")

    def _frames(self) -> list[tuple[int, bytes]]:
        """Read once; return the frames that are whole now."""
        frames = []
        if not self._whole():
            with contextlib.suppress(errors.QuestionTimeout):
                self._more(time.monotonic() + TURN)
        while self._whole():
            frames.append(self.receive(time.monotonic()))
        return frames

    def _has_halves(self) -> bool:
        """Whether the process can be told that no more comes and still be heard: not through TLS, nor a pipe."""
        return isinstance(self._socket, socket.socket) and not isinstance(self._socket, ssl.SSLSocket)
