"""One connection to the daemon, read while it goes on: who said what, and where a message ends.

Feed it every byte with its time. It never raises: what it does not understand is the ``problem`` of an exchange.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import h11

from labkit.inside.following import Body, Log, for_answers, for_requests, read_framing, read_head

KEEP = 1 << 18
"""Bytes of a body that are kept, in each direction."""

RAW_STREAM = (b"application/vnd.docker.raw-stream", b"application/vnd.docker.multiplexed-stream")


@dataclass(eq=False, repr=False)
class Recording:
    """A request and its answer as they came; ``labkit.inside.reading.read_exchange`` makes an ``Exchange`` of it.

    Attributes:
        said: the request's body.
        answered: the answer's body, or what came on the raw stream.
        typed: what the client sent on the raw stream.
    """

    connection: int
    started: float
    said: Log
    answered: Log
    typed: Log
    head: bytes = b""
    request: h11.Request | None = None
    answer: h11.Response | h11.InformationalResponse | None = None
    answered_at: float | None = None
    ended: float = 0.0
    chunked: bool = False
    upgraded: bool = False
    finished: bool = False
    problem: str = ""

    @property
    def kept(self) -> int:
        """Bytes that it holds, apart from its heads."""
        return self.said.kept + self.answered.kept + self.typed.kept

    def keep_nothing(self) -> None:
        """Only measure what comes."""
        self.said.keep = self.answered.keep = self.typed.keep = 0

    @property
    def method(self) -> str:
        """``"GET"``; empty if the request was not understood."""
        return self.request.method.decode("latin-1") if self.request else ""


@dataclass(eq=False, repr=False)
class Conversation:
    """Follow one connection.

    Args:
        number: which connection it is.
        begun: told of each request when its first byte has come.
        keep: bytes of each body that are kept.
    """

    number: int
    begun: Callable[[Recording], None]
    keep: int = KEEP
    open: list[Recording] = field(default_factory=list)
    hung_up: bool = False
    lost: bool = False

    def __post_init__(self) -> None:
        self._asking: h11.Connection | None = None
        self._asked: tuple[Recording, Body] | None = None
        self._held = bytearray()  # said behind a request for an upgrade that has no answer yet
        self._answers: h11.Connection | None = None
        self._body: Body | None = None

    def said(self, seconds: float, data: bytes) -> None:
        """The client sent ``data``; nothing: it has no more to send."""
        if not data:
            self.hung_up = True
        self._try(self._say, seconds, data)

    def answered(self, seconds: float, data: bytes) -> None:
        """The daemon sent ``data``; nothing: it has no more to send."""
        self._try(self._answer, seconds, data)
        if not data:
            self._end(seconds)

    def _try(self, follow: Callable[[float, memoryview], None], seconds: float, data: bytes) -> None:
        if self.lost or not data:
            return
        try:
            follow(seconds, memoryview(data))
        except Exception as error:  # whatever it is: the recording fails, not the command
            self.lost = True
            if not self.open:
                self._begin(seconds)
            for recording in self.open:
                recording.problem = f"not understood: {error}"
                recording.ended, recording.finished = seconds, True

    def _end(self, seconds: float) -> None:
        """The daemon's side is over, and with it every exchange."""
        for recording in self.open:
            whole = recording.upgraded or (self._body and self._body.kind == Body.UNTIL_CLOSE)
            if not whole and not recording.finished:
                who = "the client hung up" if self.hung_up else "the daemon hung up"
                recording.problem = f"{who} before the answer {'ended' if recording.answer else 'came'}"
            recording.finished = True
        self.open.clear()

    def failed(self, seconds: float, why: str) -> None:
        """Nobody answers at the daemon's end: what the client asks is not heard by anyone."""
        recording = self._begin(seconds)
        recording.problem, recording.finished, self.lost = why, True, True
        self.open.clear()

    def stopped(self, seconds: float) -> None:
        """Nobody listens any more."""
        for recording in self.open:
            recording.problem = recording.problem or "the wiretap ended before the answer did"
            recording.ended, recording.finished = seconds, True
        self.open.clear()

    # --- The client's side -------------------------------------------------------------------------------

    def _begin(self, seconds: float) -> Recording:
        recording = Recording(self.number, seconds, Log(self.keep), Log(self.keep), Log(self.keep), ended=seconds)
        self.open.append(recording)
        self.begun(recording)
        return recording

    def _say(self, seconds: float, data: memoryview) -> None:
        while data:
            if self.open and self.open[-1].upgraded:
                self.open[-1].typed.add(seconds, data)
                self.open[-1].ended = seconds
                return
            if self._asked:
                data = self._say_body(seconds, data)
            elif self.open and _may_upgrade(self.open[-1]):
                self._held += data
                return
            else:
                data = self._say_head(seconds, data)

    def _say_head(self, seconds: float, data: memoryview) -> memoryview:
        if self._asking is None:
            self._asking = for_requests()
            self._begin(seconds)
        recording = self.open[-1]
        recording.head += data
        recording.ended = seconds
        self._asking.receive_data(data)  # type: ignore[arg-type]
        head = read_head(self._asking)
        if not isinstance(head, h11.Request):
            return data[:0]
        rest = self._asking.trailing_data[0]
        recording.request, self._asking = head, None
        recording.head = recording.head[: len(recording.head) - len(rest)]
        body = Body(read_framing(head))
        self._asked = None if body.done else (recording, body)
        return memoryview(rest)

    def _say_body(self, seconds: float, data: memoryview) -> memoryview:
        assert self._asked
        recording, body = self._asked  # it may have its answer already: a daemon that refuses need not read on
        pieces, rest = body.take(data)
        for piece in pieces:
            recording.said.add(seconds, piece)
        recording.ended = seconds
        if body.done:
            self._asked = None
        return rest

    # --- The daemon's side -------------------------------------------------------------------------------

    def _answer(self, seconds: float, data: memoryview) -> None:
        while data:
            if not self.open:
                raise ValueError("the daemon spoke without being asked")
            recording = self.open[0]  # the oldest without an end: answers come in the order of the requests
            recording.ended = seconds
            if recording.upgraded:
                recording.answered.add(seconds, data)
                return
            data = self._answer_body(seconds, data) if self._body else self._answer_head(seconds, data)

    def _answer_head(self, seconds: float, data: memoryview) -> memoryview:
        recording = self.open[0]
        assert recording.request
        if self._answers is None:
            self._answers = for_answers(recording.method, upgrade=_wants_upgrade(recording.request))
        self._answers.receive_data(data)  # type: ignore[arg-type]
        head = read_head(self._answers)
        while isinstance(head, h11.InformationalResponse) and head.status_code != 101:
            head = read_head(self._answers)  # 100 Continue is no answer yet
        if not isinstance(head, h11.Response | h11.InformationalResponse):
            return data[:0]
        rest = self._answers.trailing_data[0]
        recording.answer, recording.answered_at, self._answers = head, seconds, None
        self._answered_head(recording, head, seconds)
        return memoryview(rest)

    def _answered_head(self, recording: Recording, head: h11.Response | h11.InformationalResponse, now: float) -> None:
        if isinstance(head, h11.Response):
            body = Body(read_framing(head, recording.method))
            recording.chunked = body.kind == Body.CHUNKED
            kind = dict(head.headers).get(b"content-type")
            recording.upgraded = body.kind == Body.UNTIL_CLOSE and kind in RAW_STREAM
            self._body = None if recording.upgraded else body
            if body.done:
                self._finish(recording)
        else:
            recording.upgraded = True
        held, self._held = bytes(self._held), bytearray()
        if held:
            self._say(now, memoryview(held))

    def _answer_body(self, seconds: float, data: memoryview) -> memoryview:
        assert self._body
        recording = self.open[0]
        pieces, rest = self._body.take(data)
        for piece in pieces:
            recording.answered.add(seconds, piece)
        if self._body.done:
            self._finish(recording)
        return rest

    def _finish(self, recording: Recording) -> None:
        recording.finished, self._body = True, None
        self.open.remove(recording)


def _may_upgrade(recording: Recording) -> bool:
    """Whether only the answer will tell if what the client says next is HTTP."""
    return recording.request is not None and recording.answer is None and _wants_upgrade(recording.request)


def _wants_upgrade(request: h11.Request) -> bool:
    return any(name == b"upgrade" for name, _ in request.headers)
