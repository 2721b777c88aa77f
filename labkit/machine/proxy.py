"""Offer the machine's TLS port as a unix socket: what Docker's clients expect, and only its owner can open."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import socket
import ssl
from pathlib import Path

from labkit import relay
from labkit.machine.certificates import CLIENT


def trust(folder: Path) -> ssl.SSLContext:
    """Return what a client of the machine needs: its authority, and the owner's certificate."""
    authority, certificate, key = (str(folder / name) for name in CLIENT)
    context = ssl.create_default_context(cafile=authority)
    context.load_cert_chain(certificate, key)
    return context


async def serve(place: Path, port: int, context: ssl.SSLContext) -> None:
    """Listen on a unix socket of mode 0600, and carry each connection to that port of the loopback, until cancelled."""
    await relay.serve(relay.listen(place), functools.partial(_meet, port=port, context=context))


async def _meet(client: socket.socket, *, port: int, context: ssl.SSLContext) -> None:
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError), client, socket.socket() as upstream:  # one hung up: so does the other
        upstream.setblocking(False)
        await loop.sock_connect(upstream, ("127.0.0.1", port))
        upstream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        records = relay.Records(upstream, context, "127.0.0.1")
        await records.shake_hands()
        await relay.carry(relay.Plain(client), records)
