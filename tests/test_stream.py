"""One process in a container as bytes: the frames, what goes wrong with them, and every way to a daemon."""

from __future__ import annotations

import dataclasses
import json
import struct
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from labkit import errors, images, sandbox
from labkit.daemon import Daemon
from labkit.endpoint import Endpoint
from labkit.sandbox import Box, wait_until
from labkit.stream import STDERR, STDOUT, Stream
from tests.fakes import issue, server
from tests.forwarder import forwarded, pumps

# --- Recorded bytes ---------------------------------------------------------------------------------------

HEAD = (  # what dockerd 20.10 says when a process has started
    b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
    b"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
)


class Wire:
    """In place of a socket: hears the request, says these pieces, then ends, or stays silent."""

    def __init__(self, *pieces: bytes, silent: bool = False) -> None:
        self.heard, self.closed = b"", False
        self.rest, self.silent = [bytearray(piece) for piece in pieces if piece], silent

    def settimeout(self, seconds: float) -> None:
        """Deadlines are the test's own."""
        assert seconds > 0

    def sendall(self, data: bytes) -> None:
        """Hear."""
        self.heard += data

    def recv_into(self, buffer: bytearray) -> int:
        """Say the next piece, or as much of it as fits."""
        if not self.rest and self.silent:
            raise TimeoutError
        if not self.rest:
            return 0
        said = self.rest[0][: len(buffer)]
        buffer[: len(said)] = said
        del self.rest[0][: len(said)]
        self.rest = [piece for piece in self.rest if piece]
        return len(said)

    def close(self) -> None:
        """Hang up."""
        self.closed = True


def stream(wire: Wire, *, runs: bool = True) -> Stream:
    """A stream over this wire, of a process that runs or has ended."""
    api = SimpleNamespace(
        exec_create=lambda *args, **options: {"Id": "e1"}, exec_inspect=lambda execution: {"Running": runs}
    )
    endpoint = SimpleNamespace(scheme="unix", url="unix:///x", dial=lambda timeout: wire)
    daemon: Daemon = SimpleNamespace(api="1.41", client=SimpleNamespace(api=api), endpoint=endpoint)  # type: ignore
    return Stream(daemon, "box", ["true"])


def frame(channel: int, data: bytes) -> bytes:
    """A frame as the Engine API describes it."""
    return struct.pack(">BxxxL", channel, len(data)) + data


def soon() -> float:
    """A deadline that no test reaches unless something is wrong."""
    return time.monotonic() + 10


frames = st.lists(st.tuples(st.sampled_from([STDOUT, STDERR]), st.binary(max_size=300)), max_size=6)


@given(frames, st.lists(st.integers(0, 3000), max_size=12))
def test_frames_arrive_however_the_bytes_are_cut(these: list[tuple[int, bytes]], places: list[int]) -> None:
    """Each frame is told once, in order and in full, wherever the pieces from the wire begin."""
    data = HEAD + b"".join(frame(*one) for one in these)
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    heard = stream(Wire(*(data[begin:end] for begin, end in pairwise(edges))))
    assert [heard.receive(soon()) for _ in these] == these


def test_what_a_process_says_at_once_is_not_lost() -> None:
    """A frame that comes in one piece with the head of the answer is the first frame."""
    assert stream(Wire(HEAD + frame(STDERR, b"at once"))).receive(soon()) == (STDERR, b"at once")


def test_a_frame_may_be_larger_than_a_piece() -> None:
    """A frame of a megabyte is told as one."""
    assert stream(Wire(HEAD + frame(STDOUT, bytes(1 << 20)))).receive(soon()) == (STDOUT, bytes(1 << 20))


def test_the_request_asks_for_the_bare_connection() -> None:
    """The process is started over HTTP with an upgrade, for the exec that the daemon made, and what is sent follows."""
    wire = Wire(HEAD)
    stream(wire).send(b"words")
    head, _, body = wire.heard.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /v1.41/exec/e1/start HTTP/1.1\r\n")
    assert {b"Connection: Upgrade", b"Upgrade: tcp"} <= set(head.split(b"\r\n"))
    assert json.loads(body.removesuffix(b"words")) == {"Detach": False, "Tty": False}


@pytest.mark.parametrize("end", [b"", frame(STDOUT, b"cut")[:5], frame(STDOUT, b"cut")[:9]], ids=["", "head", "data"])
def test_an_end_in_the_middle_is_a_lost_helper(end: bytes) -> None:
    """When the connection ends before, in the head or in the data of a frame, the helper was lost."""
    heard = stream(Wire(HEAD + frame(STDOUT, b"whole") + end))
    assert heard.receive(soon()) == (STDOUT, b"whole")
    with pytest.raises(errors.HelperLost) as caught:
        heard.receive(soon())
    assert caught.value.remedy


def test_silence_ends_at_the_deadline() -> None:
    """When nothing comes, the question is over at its deadline, and the error says how to get more time."""
    heard = stream(Wire(HEAD, silent=True))
    with pytest.raises(errors.QuestionTimeout) as caught:
        heard.receive(time.monotonic())
    assert "timeout=" in caught.value.remedy


def test_silence_of_the_dead_is_a_lost_helper() -> None:
    """When nothing comes and the process has ended, though the connection has not, the helper was lost."""
    heard = stream(Wire(HEAD + frame(STDOUT, b"last"), silent=True), runs=False)
    assert heard.receive(soon()) == (STDOUT, b"last")
    with pytest.raises(errors.HelperLost):
        heard.receive(soon())


@pytest.mark.parametrize(
    "answer",
    [
        b'HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\n{"',
        b"HTTP/1.1 404 Not Found\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"\r\n\r\n",
        b"HTTP/1.1 101 UPG",
        b"",
    ],
)
def test_a_daemon_that_does_not_upgrade_starts_nothing(answer: bytes) -> None:
    """Any answer but an upgrade is a lost helper, with the daemon's own words, and the connection is closed."""
    wire = Wire(answer)
    with pytest.raises(errors.HelperLost, match="no process can be started in box"):
        stream(wire)
    assert wire.closed


# --- Real processes ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def box(daemon: Daemon) -> Iterator[Box]:
    """A container to start processes in."""
    with sandbox.run(images.ensure(daemon), "sleep 3600", what="test", daemon=daemon) as made:
        yield made


def converse(daemon: Daemon, box: Box) -> bytes:
    """Say a word to a `cat` in the container; return what comes back."""
    one = Stream(daemon, box.id, ["cat"])
    one.send(b"\0a word\xff\n")
    try:
        return one.receive(soon())[1]
    finally:
        one.close()


@pytest.mark.daemon
def test_a_process_has_two_outputs_and_an_input(daemon: Daemon, box: Box) -> None:
    """Stdout and stderr of a process come apart, and it reads what is sent."""
    script = "echo out; read word; echo $word >&2; read end; echo end"
    one = Stream(daemon, box.id, ["sh", "-c", script])
    assert one.receive(soon()) == (STDOUT, b"out\n")
    one.send(b"word\n")
    assert one.receive(soon()) == (STDERR, b"word\n")
    one.send(b"\n")
    assert one.receive(soon()) == (STDOUT, b"end\n")
    with pytest.raises(errors.HelperLost):
        one.receive(soon())
    one.close()


@pytest.mark.daemon
def test_a_process_that_ends_at_once_is_still_heard(daemon: Daemon, box: Box) -> None:
    """The only word of a process is told, though it may have ended before anybody listened."""
    for _ in range(10):
        one = Stream(daemon, box.id, ["echo", "hi"])
        assert one.receive(soon()) == (STDOUT, b"hi\n")
        one.close()


@pytest.mark.daemon
def test_hanging_up_ends_the_input(daemon: Daemon, box: Box) -> None:
    """When the stream is closed the process reads the end of its stdin, and may then end."""
    one = Stream(daemon, box.id, ["cat"])
    top = daemon.client.api.top
    wait_until(lambda: len(top(box.id)["Processes"]) > 1, "the process has started")
    one.close()
    one.close()
    wait_until(lambda: len(top(box.id)["Processes"]) == 1, "the process has ended")


@pytest.mark.daemon
@pytest.mark.parametrize("container", ["labkit-no-such-container", "stopped", "paused"])
def test_only_a_running_container_starts_processes(daemon: Daemon, container: str) -> None:
    """A container that is missing, stopped or paused is a lost helper, with its name and the daemon's reason."""
    with sandbox.run(images.ensure(daemon), "sleep 3600", what="test", daemon=daemon, stop_signal="KILL") as made:
        if container == "stopped":
            daemon.client.api.kill(made.id)
        if container == "paused":
            daemon.client.api.pause(made.id)
        name = made.name if container in ("stopped", "paused") else container
        with pytest.raises(errors.HelperLost, match=name):
            Stream(daemon, name, ["true"])
        if container == "paused":
            daemon.client.api.unpause(made.id)


# --- Every way to a daemon --------------------------------------------------------------------------------


def at(daemon: Daemon, url: str, certificates: Path | None = None) -> Daemon:
    """The same daemon, dialled at another address."""
    there = Endpoint(url, "a test", str(certificates) if certificates else None)
    return dataclasses.replace(daemon, endpoint=there)


@pytest.mark.daemon
def test_a_process_is_heard_over_tcp(daemon: Daemon, box: Box) -> None:
    """Over tcp:// the bytes are the same."""
    with forwarded(daemon) as url:
        assert converse(at(daemon, url), box) == b"\0a word\xff\n"


@pytest.mark.daemon
def test_a_process_is_heard_over_tls(daemon: Daemon, box: Box, ca: trustme.CA, tmp_path: Path) -> None:
    """Over tcp:// with certificates the bytes are the same."""
    with server(pumps(daemon.dial), tls=issue(ca, tmp_path)) as url:
        assert converse(at(daemon, url, tmp_path), box) == b"\0a word\xff\n"


SSH = """#!{python}
import os, socket, sys, threading
assert sys.argv[1:] == ["-l", "ada", "-p", "2222", "--", "far.example", "docker system dial-stdio"], sys.argv
sock = socket.create_connection(("127.0.0.1", {port}))
def listen():
    while data := sock.recv(65536):
        os.write(1, data)
threading.Thread(target=listen, daemon=True).start()
while data := os.read(0, 65536):
    sock.sendall(data)
"""


@pytest.mark.daemon
def test_a_process_is_heard_over_ssh(daemon: Daemon, box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over ssh:// the ssh program carries the bytes, called as the docker CLI calls it."""
    with forwarded(daemon) as url:
        (tmp_path / "ssh").write_text(SSH.format(python=sys.executable, port=url.rpartition(":")[2]))
        (tmp_path / "ssh").chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        assert converse(at(daemon, "ssh://ada@far.example:2222"), box) == b"\0a word\xff\n"


def test_without_ssh_the_helper_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no ssh program is installed, the error is labkit's and not Python's."""
    monkeypatch.setenv("PATH", str(tmp_path))
    api = SimpleNamespace(exec_create=lambda *args, **options: {"Id": "e1"})
    there = Endpoint("ssh://far.example", "a test")
    daemon: Daemon = SimpleNamespace(api="1.41", client=SimpleNamespace(api=api), endpoint=there)  # type: ignore
    with pytest.raises(errors.HelperLost, match="ssh"):
        Stream(daemon, "box", ["true"])
