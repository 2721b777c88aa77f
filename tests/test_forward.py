"""Connections carried into a container: every byte, both ends, and everybody who may hang up."""

from __future__ import annotations

import dataclasses
import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme

from labkit import images, sandbox
from labkit.daemon import Daemon
from labkit.endpoint import Endpoint
from labkit.forward import Forward
from labkit.sandbox import Box, wait_until
from labkit.stream import Stream
from tests.fakes import issue, server
from tests.forwarder import pumps

pytestmark = pytest.mark.daemon

ECHO, COUNT, GREET, NOBODY = 7, 8, 9, 10
SERVERS = f"""
nc -ll -p {ECHO} -e cat &
nc -ll -p {COUNT} -e wc -c &
nc -ll -p {GREET} -e echo hello &
wait
"""


@pytest.fixture(scope="module")
def box(daemon: Daemon) -> Iterator[Box]:
    """A container in which somebody repeats, somebody counts, and somebody says a word and hangs up."""
    with sandbox.run(images.ensure(daemon), SERVERS, what="test", daemon=daemon, stop_signal="KILL") as made:
        wait_until(lambda: made.sh("netstat -tln").count("LISTEN") >= 3, "all listen")
        yield made


@pytest.fixture
def over_tls(daemon: Daemon, box: Box, ca: trustme.CA, tmp_path: Path) -> Iterator[Box]:
    """The same container, of a daemon that is reached through TLS."""
    with server(pumps(daemon.dial), tls=issue(ca, tmp_path)) as url:
        there = Endpoint(url, "a test", str(tmp_path))
        yield dataclasses.replace(box, daemon=dataclasses.replace(daemon, endpoint=there))


class Pipe:
    """A connection as Windows' named pipes are: nobody can ask the kernel whether something came."""

    def __init__(self, sock: socket.socket) -> None:
        self.settimeout, self.sendall, self.recv_into, self.close = (
            sock.settimeout,
            sock.sendall,
            sock.recv_into,
            sock.close,
        )


@pytest.fixture
def over_a_pipe(box: Box, monkeypatch: pytest.MonkeyPatch) -> Box:
    """The same container, of a daemon that is reached through a pipe."""
    as_it_is = Stream._dial

    def dialled(self: Stream, daemon: Daemon) -> None:
        as_it_is(self, daemon)
        self._socket = Pipe(self._socket)

    monkeypatch.setattr(Stream, "_dial", dialled)
    return box


def dial(forward: Forward) -> socket.socket:
    """A connection to a forwarded port."""
    return socket.create_connection(("127.0.0.1", forward.port), timeout=20)


def rest(sock: socket.socket) -> bytes:
    """Everything that still comes; one that breaks off has said all."""
    try:
        return b"".join(iter(lambda: sock.recv(1 << 16), b""))
    except ConnectionResetError:
        return b""


def repeated(forward: Forward, data: bytes) -> bytes:
    """Send data to the one who repeats; return as many bytes as were sent."""
    with dial(forward) as sock, ThreadPoolExecutor(1) as writer:
        writer.submit(sock.sendall, data)
        heard = b""
        while len(heard) < len(data):
            heard += sock.recv(1 << 16)
        return heard


def test_every_byte_arrives(box: Box) -> None:
    """What is sent comes back from the container, all 256 kinds of bytes and two megabytes of them."""
    with Forward(box, ECHO) as forward:
        assert repeated(forward, bytes(range(256))) == bytes(range(256))
        data = os.urandom(1 << 21)
        assert repeated(forward, data) == data


def test_every_byte_arrives_through_tls(over_tls: Box) -> None:
    """The same where the daemon itself is reached through TLS, by one thread for both directions."""
    with Forward(over_tls, ECHO) as forward:
        data = os.urandom(1 << 20)
        assert repeated(forward, data) == data


def test_every_byte_arrives_through_a_pipe(over_a_pipe: Box) -> None:
    """The same where nobody can wait for the daemon's end and for the client's at once."""
    with Forward(over_a_pipe, ECHO) as forward:
        data = os.urandom(1 << 17)
        assert repeated(forward, data) == data


def test_an_end_is_passed_on_and_the_answer_still_comes(box: Box) -> None:
    """Who has said everything says so, and the one in the container who waited for that answers."""
    with Forward(box, COUNT) as forward, dial(forward) as sock:
        sock.sendall(b"x" * 1000)
        sock.shutdown(socket.SHUT_WR)
        assert rest(sock) == b"1000\n"


def test_an_end_in_the_container_is_an_end_here(box: Box) -> None:
    """Where the one in the container says a word and hangs up, the word arrives and then the end."""
    with Forward(box, GREET) as forward, dial(forward) as sock:
        assert rest(sock) == b"hello\n"


def test_many_are_carried_at_once(box: Box) -> None:
    """Eight connections get their own bytes back, whatever the others say."""
    said = [os.urandom(1 << 15) for _ in range(8)]
    with Forward(box, ECHO) as forward, ThreadPoolExecutor(8) as callers:
        assert list(callers.map(lambda data: repeated(forward, data), said)) == said


def test_where_nobody_listens_the_connection_ends(box: Box) -> None:
    """A port in the container that nobody has opened hangs up, without a word."""
    with Forward(box, NOBODY) as forward, dial(forward) as sock:
        assert rest(sock) == b""


def test_without_its_container_the_connection_ends(box: Box) -> None:
    """A container that is gone is a connection that ends, not one that hangs."""
    gone = dataclasses.replace(box, id="0" * 64)
    with Forward(gone, ECHO) as forward, dial(forward) as sock:
        assert rest(sock) == b""


def test_closing_hangs_up_on_everybody(box: Box) -> None:
    """After close, an open connection ends, nobody listens any more, and no process is left in the container."""
    with Forward(box, ECHO) as forward:
        sock = dial(forward)
        sock.sendall(b"word")
        assert sock.recv(4) == b"word"
    with sock:
        assert rest(sock) == b""
    with pytest.raises(ConnectionRefusedError):
        dial(forward)
    forward.close()
    wait_until(lambda: "nc 127.0.0.1" not in box.sh("ps -o args"), "its processes have ended")


def test_only_this_computer_may_connect(box: Box) -> None:
    """The port is open at the loopback address and at no other; its repr says where it leads."""
    with Forward(box, ECHO) as forward:
        assert forward.url == f"tcp://127.0.0.1:{forward.port}"
        assert forward._listener.getsockname()[0] == "127.0.0.1"
        assert repr(forward) == f"<127.0.0.1:{forward.port} leads to port {ECHO} in {box.name}>"
