"""The proxy carries bytes both ways, lets each direction end on its own, and opens its socket to nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import ssl
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labkit.machine import certificates, proxy
from labkit.sandbox import wait_until

Conversation = Callable[[ssl.SSLSocket], None]


@pytest.fixture(scope="module")
def tls() -> Iterator[Path]:
    """A folder with certificates, and a short path for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="lk"))
    certificates.make(folder)
    yield folder
    shutil.rmtree(folder)


@contextlib.contextmanager
def upstream(tls: Path, conversation: Conversation) -> Iterator[int]:
    """A TLS server that asks for the client's certificate, as dockerd does; yield its port."""
    ca, certificate, key = (str(tls / name) for name in certificates.SERVER)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ca)
    context.load_cert_chain(certificate, key)
    context.verify_mode = ssl.CERT_REQUIRED

    def converse(sock: socket.socket) -> None:
        sock.settimeout(20)
        with contextlib.suppress(OSError), sock, context.wrap_socket(sock, server_side=True) as wrapped:
            conversation(wrapped)

    def accept(listening: socket.socket) -> None:
        with contextlib.suppress(OSError):  # closed: the test is over
            while True:
                thread = threading.Thread(target=converse, args=(listening.accept()[0],))
                threads.append(thread)
                thread.start()

    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0), backlog=200) as listening:
        accepting = threading.Thread(target=accept, args=(listening,))
        accepting.start()
        yield int(listening.getsockname()[1])
        listening.shutdown(socket.SHUT_RDWR)
    accepting.join()
    for thread in threads:
        thread.join(timeout=20)


@contextlib.contextmanager
def proxied(tls: Path, port: int) -> Iterator[Path]:
    """The proxy before a port; yield its socket."""
    place = tls / "s"
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = []

    async def serve() -> None:
        task = asyncio.create_task(proxy.serve(place, port, proxy.trust(tls)))
        running.append((asyncio.get_running_loop(), task))
        with contextlib.suppress(asyncio.CancelledError):
            await task

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        wait_until(lambda: answers(place), "the proxy listens")
        yield place
    finally:
        [(loop, task)] = running
        loop.call_soon_threadsafe(task.cancel)
        thread.join()


def answers(place: Path) -> bool:
    """Tell whether a connection there is accepted, and carried to its end."""
    with socket.socket(socket.AF_UNIX) as sock:
        if sock.connect_ex(str(place)):
            return False
        sock.shutdown(socket.SHUT_WR)
        read_all(sock)
        return True


def connect(place: Path) -> socket.socket:
    """Return a connection to the proxy."""
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(20)
    sock.connect(str(place))
    return sock


def read_all(sock: socket.socket) -> bytes:
    """Return everything until the other side has no more."""
    return b"".join(iter(lambda: sock.recv(1 << 16), b""))


def echo(sock: ssl.SSLSocket) -> None:
    """Send back what comes, until there is no more; then say so with one more word."""
    while data := sock.recv(1 << 16):
        sock.sendall(data)
    sock.sendall(b"END")
    sock.unwrap()


def count(sock: ssl.SSLSocket) -> None:
    """Say how many bytes came, when there are no more."""
    sock.sendall(str(sum(len(data) for data in iter(lambda: sock.recv(1 << 16), b""))).encode())
    sock.unwrap()


@pytest.mark.parametrize("size", [0, 1, 100_000, 5_000_000])
def test_the_client_may_end_first(tls: Path, size: int) -> None:
    """A client that has no more to send still gets everything that is on the way, and what is said after its end."""
    data = os.urandom(size)
    with upstream(tls, echo) as port, proxied(tls, port) as place, connect(place) as sock:

        def send() -> None:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)

        sending = threading.Thread(target=send)
        sending.start()
        assert read_all(sock) == data + b"END"
        sending.join()


def test_a_slow_reader_loses_nothing(tls: Path) -> None:
    """A client that ends its side while records wait unread gets them all."""
    data = os.urandom(3_000_000)
    over = threading.Event()

    def pour(sock: ssl.SSLSocket) -> None:
        sock.sendall(data)
        over.set()
        count(sock)

    with upstream(tls, pour) as port, proxied(tls, port) as place, connect(place) as sock:
        sock.sendall(b"four")
        first = sock.recv(10)
        sock.shutdown(socket.SHUT_WR)
        assert first + read_all(sock) == data + b"4"
        assert over.is_set()


def test_the_server_may_end_first(tls: Path) -> None:
    """When the server has no more to say, the client reads the end of it, and can go on sending."""
    came: list[bytes] = []

    def say_and_listen(sock: ssl.SSLSocket) -> None:
        sock.sendall(b"done")
        with contextlib.suppress(ssl.SSLError, TimeoutError):
            sock.settimeout(0.2)
            sock.unwrap()  # sends close_notify, then waits for the client's
        came.append(b"waited")

    with upstream(tls, say_and_listen) as port, proxied(tls, port) as place, connect(place) as sock:
        assert read_all(sock) == b"done"
        sock.sendall(b"more")
        wait_until(lambda: len(came) == 2, "the server waited, as it did for who looked whether it is there")


def test_many_at_once(tls: Path) -> None:
    """A hundred connections at the same time each get their own bytes."""
    with upstream(tls, echo) as port, proxied(tls, port) as place, contextlib.ExitStack() as stack:
        socks = [stack.enter_context(connect(place)) for _ in range(100)]
        for number, sock in enumerate(socks):
            sock.sendall(str(number).encode() * 1000)
            sock.shutdown(socket.SHUT_WR)
        said = [read_all(sock) for sock in socks]
    assert said == [str(number).encode() * 1000 + b"END" for number in range(100)]


def test_a_gone_upstream_hangs_up(tls: Path) -> None:
    """Where nobody listens any more, the client reads the end at once, and the next one is served as before."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with proxied(tls, port) as place:
        for _ in range(3):
            with connect(place) as sock:
                assert read_all(sock) == b""


def test_an_upstream_that_breaks_off_hangs_up(tls: Path) -> None:
    """When the server is killed in the middle, its client reads the end, and others are served as before."""

    def break_off(sock: ssl.SSLSocket) -> None:
        if sock.recv(10) == b"die":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # the end is a reset: socket(7)
            os.close(sock.detach())
        else:
            echo(sock)

    with upstream(tls, break_off) as port, proxied(tls, port) as place, connect(place) as other:
        for _ in range(3):
            with connect(place) as sock:
                sock.sendall(b"die")
                assert read_all(sock) == b""
        other.sendall(b"live")
        other.sendall(b"on")
        other.shutdown(socket.SHUT_WR)
        assert read_all(other).endswith(b"END")


def test_without_a_certificate_nothing_is_served(tls: Path) -> None:
    """The same server refuses a client that shows no certificate: it is the proxy's that opens."""
    context = ssl.create_default_context(cafile=str(tls / "ca.pem"))
    with upstream(tls, echo) as port:
        door = ("127.0.0.1", port)
        with (
            pytest.raises(OSError, match=r"(?i)certificate.required|EOF|reset|broken pipe"),  # what comes first
            socket.create_connection(door, timeout=10) as sock,
            context.wrap_socket(sock, server_hostname="127.0.0.1") as wrapped,
        ):
            wrapped.sendall(b"hello")
            wrapped.recv(10)


def test_the_socket_is_the_owners(tls: Path) -> None:
    """The socket has mode 0600 from its first moment, also where a file of that name was left."""
    (tls / "s").unlink(missing_ok=True)
    (tls / "s").write_text("left")
    with proxied(tls, 1) as place:
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
        assert stat.S_ISSOCK(place.stat().st_mode)
