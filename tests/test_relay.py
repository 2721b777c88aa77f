"""Two sockets joined: every byte arrives as it was sent, and each direction ends on its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit import relay

TIMEOUT = 20


@contextlib.contextmanager
def joined() -> Iterator[tuple[socket.socket, socket.socket, list[tuple[str, bytes]]]]:
    """A client's and a daemon's socket with the relay between them, and what it heard."""
    client, near = socket.socketpair()
    daemon, far = socket.socketpair()
    heard: list[tuple[str, bytes]] = []

    async def carry() -> None:
        with near, far:
            said, answered = (lambda data, who=who: heard.append((who, bytes(data))) for who in ("client", "daemon"))
            await relay.carry(relay.Plain(near), relay.Plain(far), said=said, answered=answered)

    thread = threading.Thread(target=lambda: asyncio.run(carry()))
    thread.start()
    with client, daemon:
        client.settimeout(TIMEOUT)
        daemon.settimeout(TIMEOUT)
        yield client, daemon, heard
    thread.join(TIMEOUT)
    assert not thread.is_alive()


def read_all(sock: socket.socket) -> bytes:
    """Return everything until the other side has no more."""
    return b"".join(iter(lambda: sock.recv(1 << 16), b""))


def send(sock: socket.socket, pieces: list[bytes]) -> threading.Thread:
    """Send the pieces one by one, then end that direction, in a thread."""

    def run() -> None:
        for piece in pieces:
            sock.sendall(piece)
        sock.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


@given(st.lists(st.binary(min_size=1)), st.lists(st.binary(min_size=1)))
def test_any_bytes_pass_unchanged(there: list[bytes], back: list[bytes]) -> None:
    """However the bytes of both directions are split, each side gets what the other sent, and so does who listens."""
    with joined() as (client, daemon, heard):
        threads = send(client, there), send(daemon, back)
        assert read_all(daemon) == b"".join(there)
        assert read_all(client) == b"".join(back)
        for thread in threads:
            thread.join(TIMEOUT)
    for who, sent in (("client", there), ("daemon", back)):
        pieces = [data for speaker, data in heard if speaker == who]
        assert b"".join(pieces) == b"".join(sent)
        assert [data for data in pieces if not data] == pieces[-1:] == [b""]


@pytest.mark.parametrize("megabytes", [1, 20])
def test_a_lot_passes_in_both_directions_at_once(megabytes: int) -> None:
    """Megabytes pass in both directions at the same time, though neither side reads while it sends."""
    data = os.urandom(megabytes << 20)
    with joined() as (client, daemon, _):
        threads = send(client, [data]), send(daemon, [data])
        assert read_all(daemon) == data
        assert read_all(client) == data
        for thread in threads:
            thread.join(TIMEOUT)


def test_an_end_is_passed_on_and_leaves_the_other_direction() -> None:
    """After one side's end, the other side may still speak, in both roles."""
    for turn in (0, 1):
        with joined() as (client, daemon, _):
            first, second = (client, daemon) if turn else (daemon, client)
            first.sendall(b"all")
            first.shutdown(socket.SHUT_WR)
            assert read_all(second) == b"all"
            second.sendall(b"still")
            assert first.recv(100) == b"still"
            second.shutdown(socket.SHUT_WR)
            assert read_all(first) == b""


def test_an_answer_survives_that_nobody_reads_the_question() -> None:
    """A daemon that answers and goes before the question is over is heard to its end, and the client's writes fail."""
    with joined() as (client, daemon, _):
        client.sendall(bytes(1 << 16))
        daemon.recv(10)
        daemon.sendall(b"413 too large")
        daemon.close()
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            for _ in range(1000):
                client.sendall(bytes(1 << 16))
        assert client.recv(100) == b"413 too large"


def test_who_hangs_up_is_noticed_by_who_speaks() -> None:
    """When a client is gone, the daemon's next writes fail, as they would without the relay."""
    with joined() as (client, daemon, _):
        client.close()
        assert read_all(daemon) == b""
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            for _ in range(1000):
                daemon.sendall(bytes(1 << 16))


def test_the_socket_is_the_owners(tmp_path: Path) -> None:
    """A listening socket has mode 0600, also where a file of that name was left."""
    place = tmp_path / "s"
    place.write_text("left")
    with relay.listen(place):
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
        assert stat.S_ISSOCK(place.stat().st_mode)


def test_a_path_that_is_too_long_leaves_nothing_open(tmp_path: Path) -> None:
    """Where no socket can be made, the kernel's reason is raised."""
    with pytest.raises(OSError, match="too long"):
        relay.listen(tmp_path / ("x" * 200))
