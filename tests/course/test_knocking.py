"""Listeners that answer as daemons do, and outlive every kind of caller."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.course import knocking
from labkit.course.knocking import WAITED, Listener, Manner, complaint, listeners
from labkit.daemon import Daemon

GOOD = b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n"
OPEN = b"GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Listeners with little patience; after the test no thread of theirs is left."""
    monkeypatch.setattr(knocking, "PATIENCE", 0.3)
    before = set(threading.enumerate())
    yield
    assert [thread for thread in threading.enumerate() if thread not in before and thread.is_alive()] == []


@contextlib.contextmanager
def dial(listener: Listener) -> Iterator[socket.socket]:
    """A connection to a listener."""
    family, address = listener.address
    with socket.socket(family) as sock:
        sock.settimeout(10)
        sock.connect(address)  # type: ignore[arg-type]
        yield sock


def rest(sock: socket.socket) -> list[bytes]:
    """Everything that still comes, as it comes."""
    return list(iter(lambda: sock.recv(65536), b""))


def ask(listener: Listener, request: bytes = GOOD) -> list[bytes]:
    """Send a request; return the pieces of the answer."""
    with dial(listener) as sock:
        sock.sendall(request)
        return rest(sock)


@pytest.mark.parametrize(
    ("manner", "answer"),
    [
        (
            Manner("1.41"),
            b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nOK",
        ),
        (
            Manner("1.52", status=503, lower=True),
            b"HTTP/1.1 503 Not Today\r\napi-version: 1.52\r\ncontent-length: 2\r\ncontent-type: text/plain\r\n\r\nOK",
        ),
    ],
)
def test_each_manner_has_its_bytes(manner: Manner, answer: bytes) -> None:
    """The answer has the status, the version and the letters that its manner says, and arrives byte by byte."""
    assert manner.answer() == answer
    with listeners([manner]) as (one,):
        assert b"".join(ask(one)) == answer
    assert one.heard == GOOD.decode()


@pytest.mark.parametrize("pieces", [1, 2, 9])
def test_pieces_arrive_one_by_one(monkeypatch: pytest.MonkeyPatch, pieces: int) -> None:
    """An answer in pieces is read in that many, by somebody who reads at once."""
    monkeypatch.setattr(knocking, "GAP", 0.1)  # a busy computer may be slow to read
    with listeners([Manner("1.41", pieces=pieces)]) as (one,):
        arrived = ask(one)
    assert len(arrived) == pieces
    assert b"".join(arrived) == one.manner.answer()


def test_listeners_are_independent() -> None:
    """Each listener answers in its own manner, in whatever order they are called."""
    with listeners([Manner("1.30"), Manner("1.31"), Manner("1.32")]) as waiting:
        heard = {one.manner.version: b"".join(ask(one)) for one in reversed(waiting)}
    assert all(f"Api-Version: {version}".encode() in answer for version, answer in heard.items())


def test_without_unix_sockets_a_port_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no unix sockets, as on Windows, the listener is on the loopback address."""
    monkeypatch.delattr(socket, "AF_UNIX")
    with listeners([Manner("1.41", pieces=2)]) as (one,):
        family, address = one.address
        assert (family, address[0]) == (socket.AF_INET, "127.0.0.1")  # type: ignore[index]
        assert b"".join(ask(one)) == one.manner.answer()


def test_a_long_temporary_folder_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the path is too long for a unix socket's address, a port is used."""
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    with listeners([Manner("1.41")]) as (one,):
        assert one.address[0] == socket.AF_INET
        assert ask(one)


# --- Callers ----------------------------------------------------------------------------------------------


def test_nobody_needs_to_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Listeners that nobody called end without waiting for a caller, and have heard nothing."""
    monkeypatch.setattr(knocking, "PATIENCE", 60)
    start = time.monotonic()
    with listeners([Manner("1.41")] * 4) as waiting:
        pass
    assert time.monotonic() - start < 30
    assert [one.heard for one in waiting] == [""] * 4


def test_a_caller_that_never_speaks() -> None:
    """A caller that only connects is answered after the listener's patience."""
    with listeners([Manner("1.41")]) as (one,), dial(one) as sock:
        assert b"".join(rest(sock)) == one.manner.answer()
    assert one.heard == ""


def test_a_caller_that_is_forgotten() -> None:
    """A caller that is still connected when the judge has done does not hold the listener."""
    with contextlib.ExitStack() as open_still:
        with listeners([Manner("1.41")]) as (one,):
            open_still.enter_context(dial(one))
        assert not one.thread.is_alive()


@pytest.mark.parametrize("request_", [b"", b"GET /_ping HT", GOOD, OPEN])
def test_a_caller_that_hangs_up(request_: bytes) -> None:
    """A caller that hangs up without reading, whatever it sent before, does no harm, and what it sent is heard."""
    with listeners([Manner("1.41", pieces=9)]) as (one,), dial(one) as sock:
        sock.sendall(request_)
        sock.close()
    assert one.heard == request_.decode()


def test_a_caller_that_floods() -> None:
    """Of a request without end the listener reads a part, answers, and goes."""
    with listeners([Manner("1.41")]) as (one,), dial(one) as sock, contextlib.suppress(OSError):
        for _ in range(100):
            sock.sendall(b"x" * 65536)
    assert not one.thread.is_alive()
    assert knocking.LIMIT < len(one.heard) < 2 * knocking.LIMIT


def test_a_caller_that_drips() -> None:
    """A request that comes byte by byte is read for as long as the patience lasts, not longer."""
    with listeners([Manner("1.41")]) as (one,), dial(one) as sock, contextlib.suppress(OSError):
        start = time.monotonic()
        while one.thread.is_alive() and time.monotonic() - start < 60:
            sock.sendall(b"x")
            time.sleep(0.05)
    assert not one.thread.is_alive()


def test_a_request_in_pieces_is_one_request() -> None:
    """A request that arrives in several pieces is heard whole."""
    with listeners([Manner("1.41")]) as (one,), dial(one) as sock:
        for start in range(0, len(GOOD), 10):
            sock.sendall(GOOD[start : start + 10])
            time.sleep(0.01)
        assert rest(sock)
    assert one.heard == GOOD.decode()


def test_waiting_for_an_end_that_does_not_come_is_heard() -> None:
    """A caller that leaves the connection open and waits for its end is noted as one that waited."""
    with listeners([Manner("1.41")]) as (one,):
        assert b"".join(ask(one, OPEN)) == one.manner.answer()
    assert one.heard == OPEN.decode() + WAITED


@pytest.mark.parametrize("close", [b"Connection: close", b"connection:close", b"CONNECTION:   Close"])
def test_asking_to_close_is_understood(close: bytes) -> None:
    """A request that asks to close, in whatever letters, is not one that waits."""
    with listeners([Manner("1.41")]) as (one,):
        ask(one, OPEN[:-2] + close + b"\r\n\r\n")
    assert complaint(one.heard) == ""


def test_reading_to_the_length_is_understood() -> None:
    """A caller that stops where Content-Length says, and hangs up, did not wait in vain."""
    with listeners([Manner("1.41")]) as (one,), dial(one) as sock:
        sock.sendall(OPEN)
        answer = b""
        while not answer.endswith(b"\r\n\r\nOK"):
            answer += sock.recv(100)
    assert complaint(one.heard) == ""


def test_talking_on_is_not_waiting() -> None:
    """A caller that says more than its request and then leaves did not wait."""
    with listeners([Manner("1.41")]) as (one,), dial(one) as sock:
        sock.sendall(OPEN + b"more")
        sock.recv(100)
        sock.sendall(b"and more")
    assert one.heard.startswith(OPEN.decode())
    assert WAITED not in one.heard


# --- Complaints -------------------------------------------------------------------------------------------

HOST = "Host: x\r\n\r\n"
UNDERSTOOD = [
    GOOD.decode(),
    OPEN.decode(),
    "GET /_ping HTTP/1.0\r\n\r\n",
    f"GET /v1.41/_ping HTTP/1.1\r\n{HOST}",
    f"GET /_ping?a=1 HTTP/1.1\r\n{HOST}",
    f"GET http://docker/_ping HTTP/1.1\r\n{HOST}",
    "GET /_ping HTTP/1.1\r\nhost:\r\n\r\n",
    "GET /_ping HTTP/1.1\r\nA: b\r\nHOST:x\r\n\r\n",
]
MISUNDERSTOOD = [
    ("GET /_ping HTTP/1.1\r\nHost: x\r\n", "empty line is missing"),
    ("hello", "empty line is missing"),
    ("GET /_ping HTTP/1.1\r\n\r\n", "wants a Host header"),
    ("GET /_ping HTTP/1.1\r\nHostess: x\r\n\r\n", "wants a Host header"),
    ("GET /_ping HTTP/1.1\r\nHost x\r\n\r\n", "A header is a name and a colon"),
    ("GET /_ping HTTP/1.1\r\nHost : x\r\n\r\n", "A header is a name and a colon"),
    ("GET /_ping\r\n\r\n", "The first line is 'GET /_ping'"),
    (f"get /_ping HTTP/1.1\r\n{HOST}", "The first line is"),
    (f"GET /ping HTTP/1.1\r\n{HOST}", "The first line is"),
    (f"GET /x/_ping HTTP/1.1\r\n{HOST}", "The first line is"),
    (f"GET _ping HTTP/1.1\r\n{HOST}", "The first line is"),
    (f"GET  /_ping HTTP/1.1\r\n{HOST}", "The first line is"),
    (f"GET /_ping HTTP/1.1 x\r\n{HOST}", "The first line is"),
    (f"\r\nGET /_ping HTTP/1.1\r\n{HOST}", "The first line is ''"),
]


@pytest.mark.parametrize("heard", UNDERSTOOD)
def test_there_is_no_complaint_about_a_good_request(heard: str) -> None:
    """A request that a daemon understands is not complained of."""
    assert complaint(heard) == ""


@pytest.mark.parametrize(("heard", "words"), MISUNDERSTOOD)
def test_a_bad_request_is_explained(heard: str, words: str) -> None:
    """What a daemon would not understand in a request is named."""
    assert words in complaint(heard)


def test_silence_plain_newlines_and_waiting_are_explained() -> None:
    """Three more habits are named that a daemon forgives or cannot see."""
    assert "Nothing was sent" in complaint("")
    assert "Docker forgives" in complaint("GET /_ping HTTP/1.1\nHost: x\n\n")
    assert "keeps open" in complaint(OPEN.decode() + WAITED)


def test_a_long_first_line_is_cut() -> None:
    """The complaint about a flood is itself short."""
    assert len(complaint("x" * 100_000 + "\r\n\r\n")) < 400


@pytest.mark.daemon
@pytest.mark.parametrize("heard", UNDERSTOOD + [heard for heard, _ in MISUNDERSTOOD])
def test_the_daemon_agrees(daemon: Daemon, heard: str) -> None:
    """The real daemon answers 200 to exactly those requests that are not complained of."""
    with daemon.dial() as sock:
        sock.settimeout(1 if "empty line" in complaint(heard) else 20)  # the daemon waits for more, or answers
        sock.sendall(heard.encode())
        try:
            first = sock.recv(65536).split(b"\r\n")[0]
        except TimeoutError:
            first = b""
    assert (b" 200 " in first) == (complaint(heard) == "")
