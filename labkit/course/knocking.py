"""Listeners that answer ``GET /_ping`` as daemons do, each in its own manner, for a judge to send learners to."""

from __future__ import annotations

import contextlib
import re
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE = 2.0
"""Seconds that a listener waits for a request, and keeps a connection open that nobody asked to close."""

GAP = 0.02
"""Seconds between two pieces of an answer."""

LIMIT = 1 << 16
"""Bytes of a request that a listener reads at most."""


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
            self.heard = request = _read_request(caller)
            data = self.manner.answer()
            size = -(-len(data) // self.manner.pieces)
            caller.settimeout(PATIENCE)
            for start in range(0, len(data), size):
                caller.sendall(data[start : start + size])
                time.sleep(GAP)
            if _keeps_open(request) and _stays(caller):
                self.heard += WAITED

    def end(self) -> None:
        """Wake the listener if nobody called, and wait until it is done."""
        with contextlib.suppress(OSError), socket.socket(self.address[0]) as knock:
            knock.settimeout(PATIENCE)
            knock.connect(self.address[1])  # type: ignore[arg-type]  # as the family wants it
        self.thread.join(3 * PATIENCE)
        self.sock.close()


WAITED = "(waited)"


def _read_request(caller: socket.socket) -> str:
    data = b""
    for more in _pieces(caller):
        data += more
        if b"\r\n\r\n" in data or b"\n\n" in data or len(data) > LIMIT:
            break
    return data.decode("latin-1")


def _pieces(caller: socket.socket) -> Iterator[bytes]:
    """Yield what a caller sends, until our patience ends; an empty piece says that the caller is gone."""
    end, more = time.monotonic() + PATIENCE, b"."
    while more and (left := end - time.monotonic()) > 0:
        caller.settimeout(left)
        try:
            more = caller.recv(4096)
        except TimeoutError:
            return
        except OSError:  # it broke off
            more = b""
        yield more


def _keeps_open(request: str) -> bool:
    """HTTP/1.1 keeps a connection open unless the request asks to close it (RFC 9112, section 9.3)."""
    return "HTTP/1.1" in request and not re.search(r"^connection:\s*close\b", request, re.IGNORECASE | re.MULTILINE)


def _stays(caller: socket.socket) -> bool:
    """Whether the caller is still there after all our patience, whatever else it sends."""
    return all(_pieces(caller))


@contextlib.contextmanager
def listeners(manners: list[Manner]) -> Iterator[list[Listener]]:
    """Open one listener for each manner, on unix sockets where the system has them, else on loopback."""
    with tempfile.TemporaryDirectory() as folder:
        waiting: list[Listener] = []
        try:
            for number, manner in enumerate(manners):
                waiting.append(Listener(manner, *_bind(Path(folder) / f"{number}.sock")))
            yield waiting
        finally:
            for listener in waiting:
                listener.end()


def _bind(path: Path) -> tuple[tuple[int, object], socket.socket]:
    if hasattr(socket, "AF_UNIX") and len(str(path)) < 100:  # the address has room for 107 bytes: unix(7)
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(str(path))
        sock.listen()
        return (int(socket.AF_UNIX), str(path)), sock
    sock = socket.create_server(("127.0.0.1", 0))
    return (int(socket.AF_INET), sock.getsockname()[:2]), sock


_FIRST = re.compile(r"GET (http://[^/ ]*)?(/v1\.\d+)?/_ping(\?\S*)? HTTP/1\.[01]")


def complaint(heard: str) -> str:
    """Say what a daemon would not understand in a request; an empty text if it would."""
    request = heard.removesuffix(WAITED)
    if not request:
        return "Nothing was sent before the connection was read or closed."
    if "\r\n" not in request and "\n" in request:
        return "Lines of HTTP end with \\r\\n. Docker forgives a plain \\n, but HTTP asks no server to."
    if "\r\n\r\n" not in request:
        return "The empty line is missing that says 'this is the whole request'; a daemon would wait for more."
    first, *headers = request.partition("\r\n\r\n")[0].split("\r\n")
    if not _FIRST.fullmatch(first):
        return f"The first line is {first!r:.200}; it wants GET, the path /_ping, and a version of HTTP."
    if bad := [line for line in headers if not re.match(r"[^\s:]+:", line)]:
        return f"A header is a name and a colon; to {bad[0]!r:.200} a daemon answers 400 Bad Request."
    if first.endswith("1.1") and not any(line.lower().startswith("host:") for line in headers):
        return "HTTP/1.1 wants a Host header; without it a daemon answers 400 Bad Request."
    if heard.endswith(WAITED):
        return (
            "You wait for the end of a connection that HTTP/1.1 keeps open: a daemon would let you wait for ever. "
            "Ask with Connection: close, or stop when Content-Length is reached."
        )
    return ""
