"""One connection, followed: where messages end, who hung up, and what is said of what cannot be understood."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.inside.conversation import Conversation, Recording
from tests.inside.test_following import chunked, cut

PING = b"HEAD /_ping HTTP/1.1\r\nHost: docker\r\n\r\n"
PONG = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
CREATE = b"POST /v1.41/containers/create HTTP/1.1\r\nHost: docker\r\nContent-Length: 15\r\n\r\n" + b'{"Image":"web"}'
MADE = b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}"
EVENTS = b"GET /events HTTP/1.1\r\nHost: docker\r\n\r\n"
TOLD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked([b'{"a":1}\n', b'{"b":2}\n'])
UPGRADE = b"Connection: Upgrade\r\nUpgrade: tcp\r\n"
ATTACH = b"POST /containers/web/attach HTTP/1.1\r\nHost: docker\r\n" + UPGRADE + b"\r\n"
UPGRADED = b"HTTP/1.1 101 UPGRADED\r\n" + UPGRADE + b"\r\n"
GONE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}"


def conversation(keep: int = 1000) -> tuple[Conversation, list[Recording]]:
    """A new connection, and the recordings that it will have."""
    recordings: list[Recording] = []
    return Conversation(1, recordings.append, keep), recordings


def told(recordings: list[Recording]) -> list[tuple[str, int, bytes, bytes, bool]]:
    """Of each recording: method, status, both bodies, and whether it is over."""
    return [
        (r.method, r.answer.status_code if r.answer else 0, r.said.text(), r.answered.text(), r.finished)
        for r in recordings
    ]


@given(st.lists(st.integers(0, 10_000), max_size=8), st.lists(st.integers(0, 10_000), max_size=8))
def test_messages_end_where_they_end_however_they_are_cut(asked: list[int], answers: list[int]) -> None:
    """Four exchanges on one connection are four, whatever the pieces are in which their bytes come."""
    follow, recordings = conversation()
    for piece in cut(PING + CREATE + EVENTS + PING, asked):
        follow.said(1.0, piece)
    for piece in cut(PONG + MADE + TOLD + PONG, answers):
        if piece:
            follow.answered(2.0, piece)
    assert told(recordings) == [
        ("HEAD", 200, b"", b"", True),
        ("POST", 201, b'{"Image":"web"}', b"{}", True),
        ("GET", 200, b"", b'{"a":1}\n{"b":2}\n', True),
        ("HEAD", 200, b"", b"", True),
    ]
    assert [r.problem for r in recordings] == [""] * 4
    assert [r.head for r in recordings] == [PING, CREATE[:-15], EVENTS, PING]


@given(st.binary(), st.binary(), st.lists(st.integers(0, 10_000), max_size=5), st.lists(st.integers(0, 10_000)))
def test_nothing_that_is_said_makes_it_raise(said: bytes, answered: bytes, one: list[int], other: list[int]) -> None:
    """Whatever bytes come, following them never fails; with nonsense among them, it is a recording's problem."""
    follow, recordings = conversation()
    for before in (b"", PING, ATTACH, CREATE[:-3]):
        for piece in cut(before + said, one):
            follow.said(1.0, piece)
        for piece in cut(answered, other):
            follow.answered(2.0, piece)
    follow.answered(3.0, b"")
    assert all(recording.finished for recording in recordings)


@pytest.mark.parametrize("cuts", [[], [3], [len(UPGRADED)], [len(UPGRADED) + 4], list(range(60))])
def test_after_an_upgrade_there_is_no_http(cuts: list[int]) -> None:
    """Behind a 101, both sides send bytes that are no messages, even if they look like some."""
    follow, recordings = conversation()
    follow.said(1.0, ATTACH)
    for piece in cut(UPGRADED + PONG, cuts):
        if piece:
            follow.answered(2.0, piece)
    follow.said(3.0, PING)
    (recording,) = recordings
    assert recording.upgraded and not recording.finished
    assert (recording.typed.text(), recording.answered.text()) == (PING, PONG)
    follow.said(4.0, b"")
    follow.answered(5.0, b"")
    assert recording.finished and not recording.problem


def test_what_is_typed_early_belongs_to_the_stream() -> None:
    """Bytes behind a request for an upgrade wait for the answer, for only that tells what they are."""
    follow, recordings = conversation()
    follow.said(1.0, ATTACH + b"typed early")
    follow.answered(2.0, UPGRADED)
    assert [r.typed.text() for r in recordings] == [b"typed early"]


def test_a_refused_upgrade_is_an_answer_like_any_other() -> None:
    """After a 404 to a request for an upgrade, the connection goes on with the next request."""
    follow, recordings = conversation()
    follow.said(1.0, ATTACH + PING)
    follow.answered(2.0, GONE + PONG)
    assert [(r.method, r.upgraded, r.finished, r.problem) for r in recordings] == [
        ("POST", False, True, ""),
        ("HEAD", False, True, ""),
    ]


def test_a_raw_stream_without_an_upgrade() -> None:
    """Old clients do not ask for an upgrade: the answer's type says that a raw stream begins."""
    follow, recordings = conversation()
    follow.said(1.0, ATTACH.replace(UPGRADE, b""))
    follow.answered(2.0, b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nhello")
    follow.said(3.0, b"typed")
    assert [(r.upgraded, r.typed.text(), r.answered.text()) for r in recordings] == [(True, b"typed", b"hello")]


def test_a_continue_is_no_answer() -> None:
    """100 Continue comes before the answer, which is the next head."""
    follow, recordings = conversation()
    follow.said(1.0, CREATE)
    follow.answered(2.0, b"HTTP/1.1 100 Continue\r\n\r\n" + MADE)
    assert told(recordings) == [("POST", 201, b'{"Image":"web"}', b"{}", True)]


def test_an_answer_may_come_before_the_request_is_over() -> None:
    """A daemon that refuses a long body at once has answered, and what still comes of the body is counted."""
    follow, recordings = conversation()
    follow.said(1.0, CREATE[:-10])
    follow.answered(2.0, GONE)
    follow.said(3.0, CREATE[-10:] + PING)
    follow.answered(4.0, PONG)
    assert told(recordings) == [("POST", 404, b'{"Image":"web"}', b"{}", True), ("HEAD", 200, b"", b"", True)]


@pytest.mark.parametrize(
    ("said", "answered", "first", "problem"),
    [
        (EVENTS, TOLD[:-5], "client", "the client hung up before the answer ended"),
        (EVENTS, TOLD[:-5], "daemon", "the daemon hung up before the answer ended"),
        (EVENTS, b"", "daemon", "the daemon hung up before the answer came"),
        (EVENTS[:20], b"", "client", "the client hung up before the answer came"),
        (CREATE[:-1], b"", "client", "the client hung up before the answer came"),
        (EVENTS, TOLD, "client", ""),
        (EVENTS, b"HTTP/1.1 200 OK\r\n\r\nall that there is", "daemon", ""),
        (ATTACH, UPGRADED + b"out", "daemon", ""),
    ],
)
def test_an_early_end_is_told(said: bytes, answered: bytes, first: str, problem: str) -> None:
    """Where a connection ends in the middle of an exchange, the exchange says who hung up."""
    follow, recordings = conversation()
    follow.said(1.0, said)
    if answered:
        follow.answered(2.0, answered)
    if first == "client":
        follow.said(3.0, b"")
    follow.answered(4.0, b"")
    assert [(r.finished, r.problem) for r in recordings] == [(True, problem)]


@pytest.mark.parametrize(
    ("said", "answered", "words"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"", "Host"),
        (b"hello\r\n\r\n", b"", "not understood"),
        (b"", b"220 mail.example.org ESMTP\r\n", "without being asked"),
        (PING, b"220 mail.example.org ESMTP\r\n\r\n", "not understood"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * (1 << 20), b"", "not understood"),
        (EVENTS, TOLD.replace(b"\r\n8\r\n", b"\r\nzz\r\n"), "not understood"),
    ],
)
def test_what_is_no_http_is_a_problem(said: bytes, answered: bytes, words: str) -> None:
    """What cannot be understood is said in a recording, and what follows on that connection is left alone."""
    follow, recordings = conversation()
    follow.said(1.0, said)
    follow.answered(2.0, answered)
    follow.said(3.0, os.urandom(100))
    (recording,) = recordings
    assert words in recording.problem
    assert recording.finished


def test_memory_is_bounded() -> None:
    """Of a long body the beginning is kept, and all of it is counted."""
    follow, recordings = conversation(keep=100)
    follow.said(1.0, EVENTS)
    follow.answered(2.0, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(1000):
        follow.answered(3.0, b"400\r\n" + bytes(1024) + b"\r\n")
    follow.answered(4.0, b"0\r\n\r\n")
    (recording,) = recordings
    assert (recording.answered.size, recording.kept, recording.finished) == (1000 * 1024, 100, True)


def test_times_are_those_of_the_bytes() -> None:
    """An exchange begins with its first byte, is answered with the head of the answer, and ends with its last byte."""
    follow, recordings = conversation()
    for seconds, piece in ((1.0, EVENTS[:5]), (2.0, EVENTS[5:])):
        follow.said(seconds, piece)
    for seconds, piece in ((3.0, TOLD[:10]), (4.0, TOLD[10:60]), (5.0, TOLD[60:-1]), (6.0, TOLD[-1:])):
        follow.answered(seconds, piece)
    (recording,) = recordings
    assert (recording.started, recording.answered_at, recording.ended) == (1.0, 4.0, 6.0)
