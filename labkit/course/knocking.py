"""Listeners that answer ``GET /_ping`` as daemons do, each in its own manner, for a judge to send learners to."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = 2.0
"""Seconds that a listener waits for a request, and keeps a connection open that nobody asked to close."""

GAP = 0.02
"""Seconds between two pieces of an answer."""


@dataclass(frozen=True)
class Manner:
    """How one listener answers.

    Attributes:
        version: the API version in its headers.
        status: its status code.
        lower: True if header names come in small letters.
        pieces: in how many pieces the answer is sent.
    """

    version: str
    status: int = 200
    lower: bool = False
    pieces: int = 1

    def answer(self) -> bytes:
        """The bytes of the whole answer."""
        reason = "OK" if self.status == 200 else "Not Today"
        headers = f"Api-Version: {self.version}\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n"
        if self.lower:
            headers = headers.lower()
        return f"HTTP/1.1 {self.status} {reason}\r\n{headers}\r\nOK".encode()


@dataclass
class Listener:
    """One socket that waits for one knock.

    Attributes:
        manner: how it answers.
        address: family and address, as ``socket`` wants them.
        heard: the request as text, with ``(waited)`` behind it where the caller waited for an end in vain.
    """

    manner: Manner
    address: tuple[int, object]
    sock: socket.socket
    heard: str = ""
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError), self.sock, self.sock.accept()[0] as caller:
            caller.settimeout(PATIENCE)
            request = _read_request(caller)
            self.heard = request
            data = self.manner.answer()
            size = -(-len(data) // self.manner.pieces)
            for start in range(0, len(data), size):
                caller.sendall(data[start : start + size])
                threading.Event().wait(GAP)
            if _keeps_open(request) and _stays(caller):
                self.heard += WAITED


WAITED = "(waited)"


def _read_request(caller: socket.socket) -> str:
    data = b""
    with contextlib.suppress(TimeoutError):
        while b"\r\n\r\n" not in data and b"\n\n" not in data and (more := caller.recv(4096)):
            data += more
    return data.decode("latin-1")


def _keeps_open(request: str) -> bool:
    """HTTP/1.1 keeps a connection open unless the request asks to close it (RFC 9112, section 9.3)."""
    return "HTTP/1.1" in request and "connection: close" not in request.lower()


def _stays(caller: socket.socket) -> bool:
    """Whether the caller is still there after all our patience."""
    try:
        return bool(caller.recv(1))
    except TimeoutError:
        return True


@contextlib.contextmanager
def listeners(manners: list[Manner]) -> Iterator[list[Listener]]:
    """Open one listener for each manner, on unix sockets where the system has them, else on loopback."""
    with tempfile.TemporaryDirectory() as folder:
        waiting = []
        for number, manner in enumerate(manners):
            sock, address = _bind(Path(folder) / f"{number}.sock")
            sock.settimeout(30)
            waiting.append(Listener(manner, address, sock))
        try:
            yield waiting
        finally:
            for listener in waiting:
                listener.sock.close()
                listener.thread.join(PATIENCE + 1)


def _bind(path: Path) -> tuple[socket.socket, tuple[int, object]]:
    if hasattr(socket, "AF_UNIX"):
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(str(path))
        sock.listen()
        return sock, (int(socket.AF_UNIX), str(path))
    sock = socket.create_server(("127.0.0.1", 0))
    return sock, (int(socket.AF_INET), sock.getsockname()[:2])


def complaint(heard: str) -> str:
    """Say what a daemon would not understand in a request; an empty text if it would."""
    request = heard.removesuffix(WAITED)
    if not request:
        return "Nothing was sent before the connection was read or closed."
    if "\r\n" not in request:
        return "Lines of HTTP end with \\r\\n; a plain \\n is not the end of a line."
    if not request.endswith("\r\n\r\n"):
        return "The empty line is missing that says 'this is the whole request'; a daemon would wait for more."
    first, *headers = request.split("\r\n")
    method, path, version = [*first.split(" "), "", "", ""][:3]
    if method != "GET" or path.rpartition("/")[2] != "_ping" or not version.startswith("HTTP/1."):
        return f"The first line is {first!r}; it wants a method, the path /_ping, and a version of HTTP."
    if version == "HTTP/1.1" and not any(line.lower().startswith("host:") for line in headers):
        return "HTTP/1.1 wants a Host header; without it a daemon answers 400 Bad Request."
    if heard.endswith(WAITED):
        return (
            "You wait for the end of a connection that HTTP/1.1 keeps open: a daemon would let you wait for ever. "
            "Ask with Connection: close, or stop when Content-Length is reached."
        )
    return ""
