"""One request and its answer on the daemon's socket, in a form that can be read.

Sources: RFC 9112 (HTTP/1.1); Engine API, ``ContainerAttach`` for the frames of a raw stream.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_ID = re.compile(r"(sha256:)?\b([0-9a-f]{64})\b")


@dataclass(frozen=True)
class Frame:
    """One piece of a raw stream.

    Attributes:
        seconds: when its last byte came, on the clock of its exchange.
        stream: ``"stdin"``, ``"stdout"``, ``"stderr"``; ``"tty"`` where a terminal has made one of the last two.
        data: the bytes.
    """

    seconds: float = field(repr=False)
    stream: str
    data: bytes


@dataclass(frozen=True)
class Exchange:
    """A request and its answer.

    Attributes:
        number: 1, 2, 3 … in the order in which the requests began.
        connection: which connection it came on, counted in the same way.
        method: ``"GET"``, ``"POST"`` …
        path: without the version in front, such as ``"/containers/create"``.
        version: the version of the API that stood in front, such as ``"1.41"``; may be empty.
        query: what stands behind the question mark, decoded; of a name that occurs twice, all values.
        headers: the request's, their names in lower case.
        body: the request's: JSON in indented lines, text, or a note such as ``"<tar, 10240 bytes>"``.
        status: the answer's number; 0 if none came.
        answer_headers: the answer's, their names in lower case.
        answer: the answer's body, in the form of ``body``.
        sent: bytes that followed the request's head, as body or on an upgraded connection.
        received: the same of the answer; what frames the chunks (RFC 9112, 7.1) is not counted.
        started: seconds from the start of the recording to the request's first byte.
        answered: … to the last byte of the answer's head; of ``ended`` if none came.
        ended: … to the last byte so far.
        chunks: of an answer in chunks, each line with the seconds at which it was complete.
        upgraded: whether HTTP ended with this answer, and a raw stream began.
        frames: the pieces of the raw stream, also where it came in chunks (``docker logs``).
        problem: what could not be recorded, or how it ended early; usually empty.
    """

    number: int
    connection: int
    method: str
    path: str
    version: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    status: int = 0
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    answer: str = ""
    sent: int = 0
    received: int = 0
    started: float = 0.0
    answered: float = 0.0
    ended: float = 0.0
    chunks: tuple[tuple[float, str], ...] = ()
    upgraded: bool = False
    frames: tuple[Frame, ...] = ()
    problem: str = ""

    @property
    def request_line(self) -> str:
        """Method, path and query, such as ``"GET /containers/json?all=1"``; percent signs are decoded."""
        query = "&".join(f"{name}={value}" for name, value in self.query.items())
        return f"{self.method} {self.path}" + (f"?{query}" if query else "")

    @property
    def brief(self) -> str:
        """The request line with ids of twelve digits, as ``docker ps`` shows them."""
        return _ID.sub(lambda found: found.group(2)[:12], self.request_line)

    @property
    def template(self) -> str:
        """Method and path as the Engine API reference writes them: ``"POST /containers/{id}/start"``."""
        return f"{self.method} {_ID.sub('{id}', self.path)}"

    @property
    def note(self) -> str:
        """What is unusual about it: ``"101 UPGRADED, 3 frames"``, ``"chunked, 4 events"``, or the problem."""
        frames = f"{len(self.frames)} frame{'s'[: len(self.frames) != 1]}"
        events = f"{len(self.chunks)} event{'s'[: len(self.chunks) != 1]}"
        words = []
        if self.upgraded:
            protocol = self.answer_headers.get("upgrade", "tcp")
            switched = "101 UPGRADED" if self.status == 101 else "raw stream"
            words.append(f"{switched}, {frames}" if protocol.lower() == "tcp" else f"{switched} to {protocol}")
        elif self.frames:
            words.append(f"chunked, {frames}")
        elif len(self.chunks) > 1:
            words.append(f"chunked, {events}")
        return "; ".join([*words, *([self.problem] if self.problem else [])])

    def __repr__(self) -> str:
        line = self.brief if len(self.brief) <= 60 else f"{self.brief[:59]}…"
        return f"<{self.number}: {line} → {self.status or 'no answer'}>"
