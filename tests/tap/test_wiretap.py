"""The wiretap in front of daemons of every temper: it passes on what it cannot understand, and says what it heard."""

from __future__ import annotations

import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from labkit.endpoint import Endpoint
from labkit.errors import LabError
from labkit.sandbox import wait_until
from labkit.tap.wiretap import Tap, wiretap
from tests.fakes import Conversation, docker, hang_up, server
from tests.tap.tapes import at

ASKS = b"GET /events HTTP/1.1\r\nHost: docker\r\n\r\n"
PING = b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n"
TOLD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n" + b'{"a":1}\n' + b"\r\n"


def read_all(sock: socket.socket) -> bytes:
    """Return everything until the other side has no more."""
    return b"".join(iter(lambda: sock.recv(1 << 16), b""))


def dial(tap: Tap) -> socket.socket:
    """Connect to a wiretap."""
    return Endpoint(tap.url, "a test").dial(timeout=20)


def ask(tap: Tap, request: bytes) -> bytes:
    """Send a request through a wiretap, say that this was all, and return all that is answered."""
    with dial(tap) as sock:
        sock.sendall(request)
        sock.shutdown(socket.SHUT_WR)
        return read_all(sock)


def reversing(sock: socket.socket, over: threading.Event) -> None:
    """Read to the end, and only then send everything back in reverse: each direction ends on its own."""
    sock.sendall(read_all(sock)[::-1] + b"!")


@pytest.fixture(scope="module")
def mirror() -> Iterator[Tap]:
    """A wiretap in front of one who is no daemon at all."""
    with server(reversing) as url, wiretap(at(url)) as tap:
        yield tap


@given(st.lists(st.binary(min_size=1, max_size=3000), min_size=1, max_size=5))
def test_any_bytes_pass_unchanged(mirror: Tap, pieces: list[bytes]) -> None:
    """Whatever is said, HTTP or not and however it is cut, arrives as it was sent, also after one side's end."""
    with dial(mirror) as sock:
        for piece in pieces:
            sock.sendall(piece)
        sock.shutdown(socket.SHUT_WR)
        assert read_all(sock) == b"".join(pieces)[::-1] + b"!"


def test_what_is_not_understood_is_said(mirror: Tap) -> None:
    """Bytes that are no HTTP pass, and stand in the list with a problem."""
    before = len(mirror.exchanges)
    ask(mirror, b"EHLO docker\r\n\r\n")
    wait_until(lambda: len(mirror.exchanges) > before, "it is heard")
    assert "not understood" in mirror.exchanges[-1].problem


def test_a_recorder_that_fails_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the reading of a message raises whatever it likes, the command has its answer all the same."""

    def fails(*_: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr("labkit.inside.conversation.Conversation._say", fails)
    with server(docker()) as url, wiretap(at(url)) as tap:
        assert ask(tap, PING).endswith(b'"OK"')
        assert "too deep" in tap.exchanges[0].problem


def dies(sock: socket.socket, over: threading.Event) -> None:
    """Begin a stream, and be gone."""
    sock.recv(4096)
    sock.sendall(TOLD)


@pytest.mark.parametrize(
    ("conversation", "got", "problem"),
    [
        (dies, TOLD, "the daemon hung up before the answer ended"),
        (hang_up, b"", "the daemon hung up before the answer came"),
    ],
)
def test_a_daemon_that_dies(conversation: Conversation, got: bytes, problem: str) -> None:
    """A client gets what was said until then and the end, and the exchange says who hung up."""
    with server(conversation) as url, wiretap(at(url)) as tap, dial(tap) as sock:
        sock.sendall(ASKS)
        assert read_all(sock) == got
        wait_until(lambda: tap.exchanges[0].problem, "it is heard")
        assert tap.exchanges[0].problem == problem


def test_a_daemon_that_is_gone(tmp_path: Path) -> None:
    """Where nobody listens any more, the client is hung up on, and the exchange says that nobody was reached."""
    with wiretap(at(f"unix://{tmp_path}/gone.sock")) as tap:
        with dial(tap) as sock:
            assert sock.recv(10) == b""
        wait_until(lambda: tap.exchanges, "it is heard")
        assert tap.exchanges[0].problem.startswith("the daemon cannot be reached: ")


def test_behind_tls(ca: trustme.CA, tmp_path: Path) -> None:
    """In front of a daemon that wants certificates, the client speaks plain HTTP, and the wiretap shows them."""
    ca.cert_pem.write_to_path(tmp_path / "ca.pem")
    mine = ca.issue_cert("labkit")
    mine.private_key_pem.write_to_path(tmp_path / "key.pem")
    mine.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    with server(docker(), tls=context) as url, wiretap(at(url, certificates=str(tmp_path))) as tap:
        with dial(tap) as sock:
            sock.sendall(PING)
            assert read_all(sock).endswith(b'"OK"')
        assert [(e.request_line, e.status, e.problem) for e in tap.exchanges] == [("GET /_ping", 200, "")]


def test_the_socket_is_its_owners() -> None:
    """Nobody else may connect, and nothing is left of it afterwards."""
    with server(docker()) as url, wiretap(at(url)) as tap:
        place = Path(tap.url.removeprefix("unix://"))
        assert (place.stat().st_mode & 0o777, place.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        assert str(place).startswith(tempfile.gettempdir())
    assert not place.parent.exists()


def upgrades(sock: socket.socket, over: threading.Event) -> None:
    """Begin a raw stream on which nothing is said."""
    sock.recv(4096)
    sock.sendall(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")


def test_what_cannot_be_sent_again() -> None:
    """A number that is none, a secret, and a stream that has begun are refused with a reason."""
    secret = PING.replace(b"Host", b"X-Registry-Auth: c2VjcmV0\r\nHost")
    attach = b"POST /containers/x/attach HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    with server(docker()) as url, wiretap(at(url)) as tap:
        ask(tap, secret)
        with pytest.raises(LabError, match="it carries a secret"):
            tap.replay(1)
        with pytest.raises(LabError, match="there is no exchange 2: the wiretap heard 1"):
            tap.replay(2)
    with server(upgrades) as url, wiretap(at(url)) as tap:
        ask(tap, attach)
        wait_until(lambda: tap.exchanges[0].upgraded, "it is heard")
        with pytest.raises(LabError, match="it began a raw stream"):
            tap.replay(1)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """After so many requests the next ones are passed on without a recording, and the table says how many."""
    monkeypatch.setattr("labkit.tap.recorder.MOST", 3)
    asked: Callable[[Tap], bytes] = lambda tap: ask(tap, PING)  # noqa: E731
    with server(docker()) as url, wiretap(at(url)) as tap:
        assert all(asked(tap).endswith(b'"OK"') for _ in range(5))
        assert len(tap.exchanges) == 3
        assert tap._recorder.passed_over == 2
