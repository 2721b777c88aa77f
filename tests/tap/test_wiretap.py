"""The wiretap before servers of the test's own: environment, records, hang-ups, many at once, TCP and TLS."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import threading
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from labkit import errors
from labkit.inside.conversation import Conversation
from labkit.sandbox import wait_until
from labkit.tap import recorder
from labkit.tap.wiretap import VARIABLES, wiretap
from tests import fakes
from tests.tap.daemons import ask, at, dial, fake, pongs

PING = b"HEAD /_ping HTTP/1.1\r\nHost: docker\r\n\r\n"


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which a learner had set everything."""
    for name in VARIABLES:
        monkeypatch.setenv(name, f"the learner's {name}")


@pytest.mark.parametrize("error", [None, KeyError, KeyboardInterrupt])
def test_the_environment_is_as_before(environ: None, error: type[BaseException] | None) -> None:
    """DOCKER_HOST leads to the wiretap inside the block, no other variable contradicts it, and all return after it."""
    before = dict(os.environ)
    with fake(pongs) as daemon, contextlib.suppress(KeyError, KeyboardInterrupt), wiretap(daemon) as tap:
        assert {name: os.environ[name] for name in VARIABLES if name in os.environ} == {"DOCKER_HOST": tap.url}
        if error:
            raise error
    assert dict(os.environ) == before


def test_what_was_not_set_is_not_set_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that did not exist before the block does not exist after it."""
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    with fake(pongs) as daemon, wiretap(daemon):
        pass
    assert "DOCKER_HOST" not in os.environ


def test_the_socket_is_the_owners_and_goes() -> None:
    """The socket has mode 0600 in a folder of mode 0700, has a short path, and is gone after the block."""
    with fake(pongs) as daemon, wiretap(daemon) as tap:
        place = Path(tap.url.removeprefix("unix://"))
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
        assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
        assert len(str(place)) < 100
    assert not place.parent.exists()


def test_exchanges_are_there_as_soon_as_they_are_over() -> None:
    """What a client has had an answer to is in the list at once, in the order in which it was asked."""
    with fake(pongs) as daemon, wiretap(daemon) as tap:
        for count in range(1, 30):
            with dial(tap.url) as sock:
                ask(sock, f"/v1.41/{count}")
                assert [e.path for e in tap.exchanges] == [f"/{n}" for n in range(1, count + 1)]
        assert [e.number for e in tap.exchanges] == [e.connection for e in tap.exchanges] == list(range(1, 30))
        assert {(e.status, e.problem, e.version) for e in tap.exchanges} == {(200, "", "1.41")}
        assert all(0 < e.started <= e.answered <= e.ended for e in tap.exchanges)
    assert len(tap.exchanges) == 29


def test_the_list_stays_as_it_is() -> None:
    """The list of exchanges does not change when more comes; finished exchanges are the same objects each time."""
    with fake(pongs) as daemon, wiretap(daemon) as tap, dial(tap.url) as sock:
        ask(sock)
        first = tap.exchanges
        ask(sock)
        assert (len(first), len(tap.exchanges)) == (1, 2)
        assert tap.exchanges[0] is first[0]
        assert repr(tap) == f"<wiretap of {daemon.endpoint.url}, 2 exchanges>"


def test_many_at_once() -> None:
    """Two hundred connections that are open at the same time each get their own answers, and all are recorded."""
    with fake(pongs) as daemon, wiretap(daemon) as tap, contextlib.ExitStack() as open_:
        socks = [open_.enter_context(dial(tap.url)) for _ in range(200)]
        for number, sock in enumerate(socks):
            sock.sendall(PING.replace(b"_ping", b"%d" % number))
        assert {sock.recv(1000)[:15] for sock in socks} == {b"HTTP/1.1 200 OK"}
        assert {e.path for e in tap.exchanges} == {f"/{number}" for number in range(200)}
        assert {(e.status, e.problem) for e in tap.exchanges} == {(200, "")}
        assert sorted(e.connection for e in tap.exchanges) == list(range(1, 201))


@given(st.lists(st.binary(min_size=1, max_size=2000), min_size=1, max_size=5))
def test_what_is_no_http_passes_too(pieces: list[bytes]) -> None:
    """Bytes that are no HTTP reach the daemon and come back unchanged; the recording says so."""

    def echo(sock: socket.socket, over: threading.Event) -> None:
        while data := sock.recv(1 << 16):
            sock.sendall(data)

    sent = b"\0" + b"".join(pieces)
    with fake(echo) as daemon, wiretap(daemon) as tap:
        with dial(tap.url) as sock:
            for piece in (b"\0", *pieces):
                sock.sendall(piece)
            sock.shutdown(socket.SHUT_WR)
            assert b"".join(iter(lambda: sock.recv(1 << 16), b"")) == sent
        (found,) = tap.exchanges
        assert found.problem


def test_a_recording_that_fails_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where following the messages raises an error, the client has its answer, and the problem is told."""

    def breaks(*_: object) -> memoryview:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(Conversation, "_say_head", breaks)
    with fake(pongs) as daemon, wiretap(daemon) as tap, dial(tap.url) as sock:
        assert ask(sock).startswith(b"HTTP/1.1 200 OK")
        assert ask(sock).startswith(b"HTTP/1.1 200 OK")
        assert "a mistake of ours" in tap.exchanges[0].problem


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LINE = b'8\r\n{"a":1}\n\r\n'


def test_a_client_that_hangs_up_ends_the_stream() -> None:
    """When a client goes in the middle of a stream, the daemon is told, and the exchange says so."""
    ended = threading.Event()

    def streams(sock: socket.socket, over: threading.Event) -> None:
        sock.recv(1 << 16)
        sock.sendall(CHUNKED + LINE)
        while sock.recv(1 << 16):
            pass
        ended.set()

    with fake(streams) as daemon, wiretap(daemon) as tap:
        with dial(tap.url) as sock:
            ask(sock, "/events", "GET")
        assert ended.wait(20)
        (found,) = tap.exchanges
        assert found.problem == "the client hung up before the answer ended"
        assert [text for _, text in found.chunks] == ['{"a":1}']


def test_a_daemon_that_dies_ends_the_stream() -> None:
    """When the daemon goes in the middle of a stream, the client has what was sent, then the end; others go on."""

    def dies(sock: socket.socket, over: threading.Event) -> None:
        if b"/events" in sock.recv(1 << 16, socket.MSG_PEEK):
            sock.recv(1 << 16)
            sock.sendall(CHUNKED + LINE)
            sock.sendall(b"8\r\n{")
        else:
            pongs(sock, over)

    with fake(dies) as daemon, wiretap(daemon) as tap, dial(tap.url) as other:
        with dial(tap.url) as sock:
            sock.sendall(b"GET /events HTTP/1.1\r\nHost: docker\r\n\r\n")
            assert b"".join(iter(lambda: sock.recv(1 << 16), b"")) == CHUNKED + LINE + b"8\r\n{"
        assert ask(other).startswith(b"HTTP/1.1 200 OK")
        events, ping = tap.exchanges
        assert (events.status, events.problem) == (200, "the daemon hung up before the answer ended")
        assert (ping.status, ping.problem) == (200, "")


def test_a_daemon_that_is_gone_hangs_up() -> None:
    """Where nobody listens any more, the client reads the end at once, and the exchange says why."""
    with fake(pongs) as daemon:
        pass
    with wiretap(daemon) as tap:
        for _ in range(3):
            with dial(tap.url) as sock, contextlib.suppress(ConnectionResetError, BrokenPipeError):
                assert ask(sock) == b""
        wait_until(lambda: len(tap.exchanges) == 3, "every attempt is recorded")
        assert {e.status for e in tap.exchanges} == {0}
        assert all("the daemon cannot be reached" in e.problem for e in tap.exchanges)


def test_what_goes_on_is_waited_for() -> None:
    """At the end of the block, an answer that is on its way still arrives."""
    with fake(slowly(0.3)) as daemon:
        with wiretap(daemon) as tap:
            sock = dial(tap.url)
            sock.sendall(PING)
        with sock:
            assert sock.recv(1000).startswith(b"HTTP/1.1 200 OK")
        assert [(e.status, e.problem) for e in tap.exchanges] == [(200, "")]


def slowly(pause: float) -> fakes.Conversation:
    """Answer one request after so many seconds."""

    def converse(sock: socket.socket, over: threading.Event) -> None:
        sock.recv(1 << 16)
        over.wait(pause)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        over.wait()

    return converse


def test_what_goes_on_for_ever_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream that does not end with the block is cut, and the exchange says so."""

    def streams(sock: socket.socket, over: threading.Event) -> None:
        sock.recv(1 << 16)
        sock.sendall(CHUNKED + LINE)
        over.wait()

    monkeypatch.setattr(recorder, "PATIENCE", 0.1)
    with fake(streams) as daemon:
        with wiretap(daemon) as tap:
            sock = dial(tap.url)
            ask(sock, "/events", "GET")
        with sock:
            assert sock.recv(100) == b""
        (found,) = tap.exchanges
        assert found.problem == "the wiretap ended before the answer did"


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """After so many exchanges, requests are passed on and only counted; after so many bytes, bodies are not kept."""
    monkeypatch.setattr(recorder, "MOST", 5)
    monkeypatch.setattr(recorder, "KEEP_ALL", 4)
    with fake(pongs) as daemon, wiretap(daemon) as tap, dial(tap.url) as sock:
        for _ in range(8):
            sock.sendall(PING.replace(b"HEAD", b"GET"))
            wait_until(lambda: sock.recv(1000).endswith(b"OK"), "the answer is there")
        assert [(e.received, e.answer) for e in tap.exchanges] == [
            *[(2, "OK")] * 3,
            *[(2, "… (2 bytes in all)")] * 2,
        ]
        assert "2 requests" not in repr(tap.exchanges)


def test_the_table_tells_what_was_passed_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Requests that were not recorded are counted below the table; paths choose its lines."""
    monkeypatch.setattr(recorder, "MOST", 2)
    with fake(pongs) as daemon, wiretap(daemon) as tap, dial(tap.url) as sock:
        for path in ("/a", "/b", "/c"):
            ask(sock, path)
        tap.table("/b", "/nowhere", times=False)
    assert capsys.readouterr().out == (
        "   request  status  sent  received  note\n"
        "2  HEAD /b     200     0         0\n"
        "1 request more was passed on without being recorded.\n"
    )


def test_verbose_prints_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    """With verbose=True, the table is printed at the end of the block."""
    with fake(pongs) as daemon, wiretap(daemon, verbose=True) as tap, dial(tap.url) as sock:
        ask(sock)
        assert capsys.readouterr().out == ""
    assert "HEAD /_ping" in capsys.readouterr().out


# --- Other ways to the daemon -----------------------------------------------------------------------------


def test_a_daemon_on_tcp() -> None:
    """A daemon on a TCP port is listened to like any other."""
    with fakes.server(pongs) as url, wiretap(at(url)) as tap, dial(tap.url) as sock:
        assert ask(sock).startswith(b"HTTP/1.1 200 OK")
        assert [e.status for e in tap.exchanges] == [200]


def test_a_daemon_with_tls(tmp_path: Path, ca: trustme.CA) -> None:
    """The wiretap shows the client's certificate to a daemon that wants one; its own client needs none."""
    tls = fakes.issue(ca, tmp_path)
    with fakes.server(pongs, tls=tls) as url, wiretap(at(url, str(tmp_path))) as tap, dial(tap.url) as sock:
        assert ask(sock).startswith(b"HTTP/1.1 200 OK")
        assert [(e.status, e.problem) for e in tap.exchanges] == [(200, "")]


def test_a_daemon_that_is_not_who_it_says(tmp_path: Path, ca: trustme.CA) -> None:
    """A daemon whose certificate is for another name is not spoken to, and the exchange says why."""
    tls = fakes.issue(ca, tmp_path, "moon.example.org")
    with fakes.server(pongs, tls=tls) as url, wiretap(at(url, str(tmp_path))) as tap, dial(tap.url) as sock:
        with contextlib.suppress(ConnectionResetError, BrokenPipeError):
            assert ask(sock) == b""
        wait_until(lambda: tap.exchanges, "the attempt is recorded")
        assert "certificate verify failed" in tap.exchanges[0].problem


@pytest.mark.parametrize("url", ["npipe:////./pipe/docker_engine", "tcp://", "unix://relative"])
def test_an_address_that_cannot_be_opened_is_said_at_once(url: str) -> None:
    """An address that no socket can open is an error before the block begins, and the environment stays."""
    before = dict(os.environ)
    with pytest.raises(errors.BadAddress), wiretap(at(url)):
        pytest.fail("the block began")
    assert dict(os.environ) == before


def test_spoilt_certificates_are_said_at_once(tmp_path: Path, ca: trustme.CA) -> None:
    """Certificates that cannot be read are a TLSFailed before the block begins."""
    fakes.issue(ca, tmp_path)
    (tmp_path / "key.pem").write_text("no key")
    with pytest.raises(errors.TLSFailed), wiretap(at("tcp://127.0.0.1:9", str(tmp_path))):
        pytest.fail("the block began")
