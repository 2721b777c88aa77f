"""Offer the machine's TLS port as a unix socket: what Docker's clients expect, and only its owner can open.

Each end may say that it has no more to send while the other goes on: ``echo hello | docker run -i … cat`` needs it.
asyncio's own TLS cannot (``StreamWriter.can_write_eof``), so the records are made here with ``ssl.MemoryBIO``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
from pathlib import Path

from labkit.machine.certificates import CLIENT

CHUNK = 1 << 16


def trust(folder: Path) -> ssl.SSLContext:
    """Return what a client of the machine needs: its authority, and the owner's certificate."""
    authority, certificate, key = (str(folder / name) for name in CLIENT)
    context = ssl.create_default_context(cafile=authority)
    context.load_cert_chain(certificate, key)
    return context


async def serve(place: Path, port: int, context: ssl.SSLContext) -> None:
    """Listen on a unix socket of mode 0600, and carry each connection to that port of the loopback, until cancelled."""
    loop = asyncio.get_running_loop()
    place.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        before = os.umask(0o177)
        try:
            listening.bind(str(place))
        finally:
            os.umask(before)
        listening.listen(128)
        listening.setblocking(False)
        carried = set[asyncio.Task[None]]()
        while True:
            try:
                client, _ = await loop.sock_accept(listening)
            except OSError:  # as many files are open as may be: accept(2); when a connection ends, there is room
                await asyncio.sleep(0.1)
                continue
            task = asyncio.create_task(_carry(client, port, context))
            carried.add(task)
            task.add_done_callback(carried.discard)


async def _carry(client: socket.socket, port: int, context: ssl.SSLContext) -> None:
    loop = asyncio.get_running_loop()
    try:
        with client, socket.socket() as upstream:
            for sock in (client, upstream):
                sock.setblocking(False)
            await loop.sock_connect(upstream, ("127.0.0.1", port))
            upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            records = _Records(upstream, context)
            await records.shake_hands()
            async with asyncio.TaskGroup() as both:  # where one fails, the other ends before the sockets are closed
                both.create_task(_send(client, records))
                both.create_task(_receive(client, records))
    except* OSError:  # one of them hung up: so does the other
        pass


async def _send(client: socket.socket, records: _Records) -> None:
    loop = asyncio.get_running_loop()
    while data := await loop.sock_recv(client, CHUNK):
        await records.write(data)
    await records.end()


async def _receive(client: socket.socket, records: _Records) -> None:
    loop = asyncio.get_running_loop()
    while data := await records.read():
        await loop.sock_sendall(client, data)
    client.shutdown(socket.SHUT_WR)


class _Records:
    """One TLS connection whose two directions end on their own."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        self.sock = sock
        self.loop = asyncio.get_running_loop()
        self.came, self.goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.came, self.goes, server_hostname="127.0.0.1")
        self.sending = asyncio.Lock()
        self.early = b""

    async def shake_hands(self) -> None:
        while True:
            try:
                self.tls.do_handshake()
                return await self._flush()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._more()

    async def write(self, data: bytes) -> None:
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
