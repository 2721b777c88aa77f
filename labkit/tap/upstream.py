"""The daemon's end of a tapped connection, however the daemon is reached: a unix socket, TCP, TLS, ssh."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass

from labkit import errors, relay
from labkit.endpoint import Endpoint
from labkit.stream import ssh_words

PATIENCE = 20.0
"""Seconds for the daemon to accept a connection, and for TLS to come about."""


@dataclass(frozen=True)
class Upstream:
    """Where to connect to, looked up once.

    Attributes:
        endpoint: the daemon's.
        family, address: what ``socket`` wants; nothing for ssh.
        trust: for TLS.
    """

    endpoint: Endpoint
    family: int = 0
    address: str | tuple[str, int] = ""
    trust: ssl.SSLContext | None = None

    @contextlib.asynccontextmanager
    async def dial(self) -> AsyncIterator[relay.End]:
        """Open one more connection, for the length of an ``async with`` block."""
        if self.endpoint.scheme == "ssh":
            async with _through_ssh(self.endpoint.url) as end:
                yield end
            return
        with socket.socket(self.family, socket.SOCK_STREAM) as sock:
            sock.setblocking(False)
            async with asyncio.timeout(PATIENCE):
                end = await self._join(sock)
            yield end

    async def _join(self, sock: socket.socket) -> relay.End:
        await _connect(sock, self.address)
        if sock.family != getattr(socket, "AF_UNIX", None):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.trust is None:
            return relay.Plain(sock)
        records = relay.Records(sock, self.trust, self.endpoint.host_and_port()[0])
        await records.shake_hands()
        return records


def look_up(endpoint: Endpoint) -> Upstream:
    """Return how to connect to an endpoint.

    Raises:
        BadAddress: for what only Windows can open.
        TLSFailed: if the certificates cannot be read.
    """
    if endpoint.scheme == "ssh":
        return Upstream(endpoint)
    try:
        family, address = endpoint.address()
    except OSError as error:
        raise errors.BadAddress(f"{endpoint.url}: {error}.", "`labkit doctor` looks at the address.") from error
    return Upstream(endpoint, family, address, endpoint.trust() if endpoint.certificates else None)


async def _connect(sock: socket.socket, address: str | tuple[str, int]) -> None:
    """``connect(2)``; on a unix socket, EAGAIN is a full queue, which asyncio takes for a connection on its way."""
    if isinstance(address, tuple):
        return await asyncio.get_running_loop().sock_connect(sock, address)
    while True:
        try:
            return sock.connect(address)
        except BlockingIOError:
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def _through_ssh(url: str) -> AsyncIterator[relay.End]:
    """The docker CLI's own way: a program there joins its stdin and stdout to the daemon's socket."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            end = theirs.fileno()
            process = subprocess.Popen(
                ssh_words(url), stdin=end, stdout=end, stderr=subprocess.DEVNULL, start_new_session=True
            )
        try:
            yield relay.Plain(ours)
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait)
