"""Carry bytes between two sockets, such that each direction ends on its own and nothing is changed on the way.

Each end may say that it has no more to send while the other goes on: ``echo hello | docker run -i … cat`` needs it.
asyncio's own TLS cannot (``StreamWriter.can_write_eof``), so the records are made here with ``ssl.MemoryBIO``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol

CHUNK = 1 << 17
"""Bytes that are read at once, at most."""

Heard = Callable[[bytes | memoryview], None]
"""Told of every piece that one side sent, after it was passed on; of an empty one at that side's end."""


class End(Protocol):
    """One of the two connections that are joined."""

    async def read(self) -> bytes | memoryview:
        """Return what came next; nothing at the end. It is valid until the next call."""

    async def write(self, data: bytes | memoryview) -> None:
        """Send everything."""

    async def end(self) -> None:
        """Say that nothing more is sent."""

    def stop(self) -> None:
        """Take in no more: whoever sends learns that nobody reads."""


def ignore(data: bytes | memoryview) -> None:
    """Hear nothing."""


def listen(place: Path) -> socket.socket:
    """Return a unix socket at ``place`` to which only this user may connect: mode 0600 from its first moment."""
    place.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        listening.bind(str(place))
        listening.listen(1024)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    finally:
        os.umask(before)
    return listening


async def serve(listening: socket.socket, meet: Callable[[socket.socket], Coroutine[Any, Any, None]]) -> None:
    """Let ``meet`` have each connection, as a task of its own, until cancelled; close ``listening`` then."""
    loop = asyncio.get_running_loop()
    carried = set[asyncio.Task[None]]()
    with listening:
        while True:
            try:
                client, _ = await loop.sock_accept(listening)
            except OSError:  # as many files are open as may be: accept(2); when a connection ends, there is room
                await asyncio.sleep(0.1)
                continue
            task = asyncio.create_task(meet(client))
            carried.add(task)
            task.add_done_callback(carried.discard)


async def carry(near: End, far: End, *, said: Heard = ignore, answered: Heard = ignore) -> None:
    """Join two ends until neither has more to say.

    Args:
        near: the client.
        far: the daemon.
        said: told of what the client sent.
        answered: told of what the daemon sent.
    """
    await asyncio.gather(_pour(near, far, said), _pour(far, near, answered))


async def _pour(source: End, drain: End, heard: Heard) -> None:
    """Pass on what ``source`` sends; an end that breaks is an end like any other, for the other direction goes on."""
    with contextlib.suppress(OSError):
        while data := await source.read():
            try:
                await drain.write(data)
            except OSError:
                source.stop()
                raise
            heard(data)
    heard(b"")
    with contextlib.suppress(OSError):
        await drain.end()


class Plain:
    """A connection whose bytes are what is said: a unix socket, or TCP."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.sock, self.loop = sock, asyncio.get_running_loop()
        self.room = memoryview(bytearray(CHUNK))

    async def read(self) -> memoryview:
        """Return what came next, in the one buffer that this end has."""
        size = await self.loop.sock_recv_into(self.sock, self.room)
        if size == CHUNK:  # there is more, and it might never end: the other connections come first
            await asyncio.sleep(0)
        return self.room[:size]

    async def write(self, data: bytes | memoryview) -> None:
        """``send(2)`` until everything is gone."""
        await self.loop.sock_sendall(self.sock, data)

    async def end(self) -> None:
        """``shutdown(2)`` of the direction that leads away."""
        self.sock.shutdown(socket.SHUT_WR)

    def stop(self) -> None:
        """``shutdown(2)`` of the direction that leads here: ``unix(7)`` lets the other side's next write fail."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RD)


class Records:
    """One TLS connection whose two directions end on their own."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, name: str) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.loop = asyncio.get_running_loop()
        self.came, self.goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.came, self.goes, server_hostname=name)
        self.sending = asyncio.Lock()
        self.early = b""

    async def shake_hands(self) -> None:
        """Agree with the other side on keys, each showing its certificate."""
        while True:
            try:
                self.tls.do_handshake()
                return await self._flush()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._more()

    async def write(self, data: bytes | memoryview) -> None:
        """Encrypt and send everything."""
        self.tls.write(data)
        await self._flush()

    async def read(self) -> bytes:
        """Return what came next; nothing at the end."""
        while True:
            if self.early:
                early, self.early = self.early, b""
                return early
            try:
                return self.tls.read(CHUNK)
            except ssl.SSLWantReadError:
                await self._flush()
                if not await self._more():
                    return b""
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    async def end(self) -> None:
        """Say that nothing more is sent: ``close_notify`` of RFC 8446, 6.1, which leaves the other direction open."""
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError, ssl.SSLEOFError):
            while data := self.tls.read(CHUNK):  # what is here already: unwrap() would lose it
                self.early += data
        with contextlib.suppress(ssl.SSLError):  # the other side's close_notify is not here yet
            self.tls.unwrap()
        await self._flush()

    def stop(self) -> None:
        """Read no more; TLS has no word for it, so the other side learns it when the connection is closed."""

    async def _more(self) -> bool:
        data = await self.loop.sock_recv(self.sock, CHUNK)
        if data:
            self.came.write(data)
        else:
            self.came.write_eof()
        return bool(data)

    async def _flush(self) -> None:
        async with self.sending:
            if data := self.goes.read():
                await self.loop.sock_sendall(self.sock, data)
