"""Daemons that a wiretap can listen to without Docker: servers of the test's own, and a value that leads to them."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from labkit.daemon import Daemon
from labkit.endpoint import Endpoint
from tests import fakes

PONG = b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\n"


def at(url: str, certificates: str | None = None) -> Daemon:
    """A daemon at an address; it has no docker-py client, which the wiretap does not need."""
    return Daemon(Endpoint(url, "the test", certificates), None, (), {"ServerVersion": "0", "Driver": "none"})  # type: ignore[arg-type]


@contextlib.contextmanager
def fake(conversation: fakes.Conversation) -> Iterator[Daemon]:
    """A daemon on a unix socket that has this conversation with everybody."""
    with (
        tempfile.TemporaryDirectory(prefix="lk") as folder,
        fakes.server(conversation, at=Path(folder) / "docker.sock") as url,
    ):
        yield at(url)


def pongs(sock: socket.socket, over: threading.Event) -> None:
    """Answer every request that has no body with OK."""
    buffer = b""
    while data := sock.recv(1 << 16):
        buffer += data
        while b"\r\n\r\n" in buffer:
            head, _, buffer = buffer.partition(b"\r\n\r\n")
            sock.sendall(PONG if head.startswith(b"HEAD") else PONG + b"OK")


def dial(url: str) -> socket.socket:
    """A connection to a unix socket."""
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(20)
    sock.connect(url.removeprefix("unix://"))
    return sock


def ask(sock: socket.socket, path: str = "/_ping", method: str = "HEAD") -> bytes:
    """Send one request without a body; return the head of the answer."""
    sock.sendall(f"{method} {path} HTTP/1.1\r\nHost: docker\r\n\r\n".encode())
    answer = b""
    while b"\r\n\r\n" not in answer:
        data = sock.recv(1 << 16)
        if not data:
            break
        answer += data
    return answer
