"""Follow the messages on one connection from border to border, whatever the pieces are in which the bytes come.

``h11`` reads the heads. The bodies are only measured (RFC 9112, 6.3 and 7.1), and their beginning is kept: an image
of a gigabyte goes by at the speed of a search for the end of a line.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import h11

LONGEST_HEAD = 1 << 20
"""Bytes: ``X-Registry-Config`` holds a credential for every registry that the user knows."""


class Body:
    """A body of a known length, in chunks (``length`` is -1), or as long as the connection lasts (-2)."""

    CHUNKED, UNTIL_CLOSE = -1, -2

    def __init__(self, length: int) -> None:
        self.kind = length
        self.left = max(length, 0)  # bytes of the body, or of the chunk
        self.line = b""  # of what frames the chunks: the part of a line that is here already
        self.state = "size" if length == self.CHUNKED else "data"
        self.done = length == 0

    def take(self, data: memoryview) -> tuple[list[memoryview], memoryview]:
        """Return the pieces of ``data`` that belong to the body, and what comes behind its end."""
        if self.kind == self.UNTIL_CLOSE:
            return [data], data[:0]
        pieces = []
        while data and not self.done:
            if self.state == "data":
                pieces.append(data[: self.left])
                data = data[len(pieces[-1]) :]
                self.left -= len(pieces[-1])
                if not self.left:
                    self.done, self.state = self.kind >= 0, "rest"
            else:
                data = self._frame(data)
        return pieces, data

    def _frame(self, data: memoryview) -> memoryview:
        """Read a line of what frames the chunks: the size, what follows the data, or the trailers."""
        head = bytes(data[:4096])
        end = head.find(b"\n") + 1
        self.line += head[: end or len(head)]
        if len(self.line) > LONGEST_HEAD:
            raise ValueError("a line between two chunks has no end")
        if end:
            line, self.line = self.line.strip(), b""
            if self.state == "size":
                self.left = int(line.partition(b";")[0], 16)
                self.state = "data" if self.left else "trailers"
            elif self.state == "rest":
                self.state = "size"
            else:
                self.done = not line
        return data[end or len(head) :]


@dataclass(repr=False)
class Log:
    """The beginning of a body or a raw stream, with times; of the rest only the size."""

    keep: int
    size: int = 0
    pieces: list[tuple[float, bytes]] = field(default_factory=list)
    kept: int = 0

    def add(self, seconds: float, data: memoryview) -> None:
        """Count ``data``, and keep as much of it as there is room for."""
        self.size += len(data)
        if part := data[: self.keep - self.kept]:
            self.pieces.append((seconds, bytes(part)))
            self.kept += len(part)

    @property
    def whole(self) -> bool:
        """Whether everything was kept."""
        return self.size == self.kept

    def text(self) -> bytes:
        """What was kept."""
        return b"".join(data for _, data in self.pieces)


def read_framing(head: h11.Request | h11.Response, method: str = "") -> int:
    """Return how long the body behind a head is, in the words of ``Body``.

    Args:
        head: of the request, or of the answer.
        method: for an answer: what was asked, since the answer to HEAD has no body.
    """
    headers = dict(head.headers)
    if isinstance(head, h11.Response) and (method == "HEAD" or head.status_code in (204, 304)):
        return 0
    if b"transfer-encoding" in headers:  # h11 lets no other coding pass
        return Body.CHUNKED
    if b"content-length" in headers:
        return int(headers[b"content-length"])
    return Body.UNTIL_CLOSE if isinstance(head, h11.Response) else 0


def read_head(parser: h11.Connection) -> h11.Request | h11.Response | h11.InformationalResponse | None:
    """Return the next head that ``parser`` has the whole of, or None."""
    event = parser.next_event()
    if isinstance(event, h11.Request | h11.Response | h11.InformationalResponse):
        return event
    return None


def for_requests() -> h11.Connection:
    """A parser that reads what clients send."""
    return h11.Connection(h11.SERVER, LONGEST_HEAD)


def for_answers(method: str, *, upgrade: bool) -> h11.Connection:
    """A parser that reads what a daemon says to a request."""
    parser = h11.Connection(h11.CLIENT, LONGEST_HEAD)
    more = [("Connection", "Upgrade"), ("Upgrade", "tcp")] if upgrade else []
    parser.send(h11.Request(method=method, target="/", headers=[("Host", "docker"), *more]))
    return parser
