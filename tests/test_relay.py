"""Two sockets are joined such that each direction ends on its own and nothing is changed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from labkit import relay
from labkit.relay import Plain

LARGE = 3 * relay.CHUNK + 17


async def joined(there: bytes, back: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Send both ways through a relay, each side ending on its own; return what arrived, and what the relay heard."""
    heard: tuple[list[bytes], list[bytes]] = [], []
    client, near = socket.socketpair()
    far, daemon = socket.socketpair()
    with client, near, far, daemon:
        note = [lambda data, log=log: log.append(bytes(data)) for log in heard]
        carrying = asyncio.create_task(relay.carry(Plain(near), Plain(far), said=note[0], answered=note[1]))
        got = await asyncio.gather(_speak(client, there), _speak(daemon, back))
        await carrying
    return got[1], got[0], b"".join(heard[0]), b"".join(heard[1])


async def _speak(sock: socket.socket, words: bytes) -> bytes:
    """Send everything, say that this was all, and return what the other side says until its end."""
    reader, writer = await asyncio.open_unix_connection(sock=sock)
    writer.write(words)
    writer.write_eof()
    said = await reader.read()
    writer.close()
    await writer.wait_closed()
    return said


@given(st.binary(max_size=2000), st.binary(max_size=2000))
def test_both_ways_at_once(there: bytes, back: bytes) -> None:
    """Any bytes arrive as they were sent, and what is heard is what passed."""
    assert asyncio.run(joined(there, back)) == (there, back, there, back)


def test_more_than_one_buffer() -> None:
    """What is larger than the buffer arrives whole, in both directions."""
    there, back = os.urandom(LARGE), os.urandom(LARGE)
    assert asyncio.run(joined(there, back)) == (there, back, there, back)


def test_an_end_that_breaks_ends_the_other() -> None:
    """Where one side is gone in the middle, the other side learns it, and the relay ends."""

    async def broken() -> bytes:
        client, near = socket.socketpair()
        far, daemon = socket.socketpair()
        with client, near, far:
            client.sendall(b"hello")
            daemon.close()
            carrying = asyncio.create_task(relay.carry(Plain(near), Plain(far)))
            client.setblocking(False)
            with contextlib.suppress(ConnectionError):
                ended = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 10), 10)
            client.close()
            await asyncio.wait_for(carrying, 10)
            return ended

    assert asyncio.run(broken()) == b""


def test_the_socket_is_its_owners() -> None:
    """The socket has mode 0600 from its first moment, and takes the place of what lay there."""
    with tempfile.TemporaryDirectory(prefix="lk") as folder:
        place = Path(folder) / "s"
        place.write_text("left by another")
        with relay.listen(place):
            found = place.stat().st_mode
    assert (stat.S_ISSOCK(found), stat.S_IMODE(found)) == (True, 0o600)
