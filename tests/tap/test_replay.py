"""A request sent again: the same bytes, a new answer, and what cannot be sent again."""

from __future__ import annotations

import json
import socket
import threading

import pytest

from labkit import errors
from labkit.tap.wiretap import wiretap
from tests import fakes
from tests.inside.test_conversation import ATTACH, UPGRADED
from tests.inside.test_following import chunked
from tests.tap.daemons import at, dial, fake


class Counting:
    """A daemon that keeps what is asked, and counts its answers."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    def __call__(self, sock: socket.socket, over: threading.Event) -> None:
        """Answer what came in one piece with its number."""
        while data := sock.recv(1 << 20):
            self.asked.append(data)
            body = str(len(self.asked)).encode()
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))


GET = b"GET /v1.41/containers/json?all=1 HTTP/1.1\r\nHost: docker\r\nX-Odd:  two\r\n\r\n"
POST = b"POST /containers/create HTTP/1.1\r\nHost: docker\r\nContent-Length: 2\r\n\r\n{}"
PUT = b"PUT /build HTTP/1.1\r\nHost: docker\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("request_", "again"),
    [
        (GET, GET),
        (POST, POST),
        (PUT + chunked([b"one ", b"piece"]), PUT + chunked([b"one piece"])),
        (PUT + chunked([]), PUT + chunked([])),
    ],
    ids=["get", "post", "chunks", "no chunk"],
)
def test_the_same_is_asked_and_answered_anew(request_: bytes, again: bytes) -> None:
    """Replaying sends head and body again; the exchange has the new answer and the old number."""
    daemon = Counting()
    with fake(daemon) as where:
        with wiretap(where) as tap:
            with dial(tap.url) as sock:
                sock.sendall(request_)
                assert sock.recv(1000).endswith(b"1")
            found = tap.replay(1)
        assert daemon.asked == [request_, again]
        assert (found.number, found.status, found.answer) == (1, 200, "2")
        assert found.request_line == tap.exchanges[0].request_line
        assert [e.answer for e in tap.exchanges] == ["1"]
        assert tap.replay(1).answer == "3"  # the wiretap is over, the daemon is still there


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (GET.replace(b"X-Odd", b"X-Registry-Auth"), "it carries a secret"),
        (POST.replace(b"2\r\n\r\n{}", b"17\r\n\r\n" + b'{"password": "x"}'), "it carries a secret"),
        (GET.replace(b"?all=1", b"?buildargs=%7B%22TOKEN%22%3A%22x%22%7D"), "it carries a secret"),
        (POST.replace(b"2\r\n\r\n{}", b"300000\r\n\r\n" + b"x" * 300000), "only the beginning of its body was kept"),
        (b"no http at all\r\n\r\n", "it was not understood"),
    ],
    ids=["header", "body", "query", "long", "no http"],
)
def test_what_is_not_known_is_not_sent_again(request_: bytes, why: str) -> None:
    """A request whose bytes are secret, incomplete or no HTTP is refused, with the reason."""
    with fake(Counting()) as where, wiretap(where) as tap:
        with dial(tap.url) as sock:
            sock.sendall(request_)
            sock.recv(1000)
        with pytest.raises(errors.LabError, match=why):
            tap.replay(1)


def test_a_raw_stream_is_not_begun_again() -> None:
    """A request that was upgraded is refused: nobody would sit at the stream's other end."""

    def upgrades(sock: socket.socket, over: threading.Event) -> None:
        sock.recv(1 << 16)
        sock.sendall(UPGRADED)

    with fake(upgrades) as where, wiretap(where) as tap:
        with dial(tap.url) as sock:
            sock.sendall(ATTACH)
            sock.recv(1000)
        with pytest.raises(errors.LabError, match=r"request 1, POST /containers/web/attach, .* raw stream"):
            tap.replay(1)


@pytest.mark.parametrize("number", [0, 2, -1])
def test_there_is_no_such_exchange(number: int) -> None:
    """A number that is not in the table is refused, and the error says how many there are."""
    with fake(Counting()) as where, wiretap(where) as tap:
        with dial(tap.url) as sock:
            sock.sendall(GET)
            sock.recv(1000)
        with pytest.raises(errors.LabError, match="the wiretap heard 1"):
            tap.replay(number)


def test_an_answer_without_an_end_is_returned_as_far_as_it_came() -> None:
    """After the timeout, what came of a stream is returned, and its problem says that it still went on."""

    def streams(sock: socket.socket, over: threading.Event) -> None:
        sock.recv(1 << 16)
        line = json.dumps({"a": 1}).encode() + b"\n"
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked([line])[:-5])
        over.wait()

    with fake(streams) as where, wiretap(where) as tap:
        with dial(tap.url) as sock:
            sock.sendall(GET)
            sock.recv(1000)
        found = tap.replay(1, timeout=0.2)
    assert [text for _, text in found.chunks] == ['{"a": 1}']
    assert found.problem == "it still went on after 0.2 s"


def test_a_daemon_that_is_gone_cannot_be_asked() -> None:
    """When the daemon is gone meanwhile, replaying is an error that says so."""
    with fakes.server(Counting()) as url, wiretap(at(url)) as tap, dial(tap.url) as sock:
        sock.sendall(GET)
        sock.recv(1000)
    with pytest.raises(errors.LabError, match="cannot be asked again"):
        tap.replay(1)
