"""Real docker commands through the wiretap: nothing is changed on the way, and all of it can be read."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from labkit import images, sandbox
from labkit.daemon import Daemon, connect, current
from labkit.endpoint import Endpoint
from labkit.inside.exchanges import Exchange
from labkit.sandbox import wait_until
from labkit.tap.wiretap import wiretap
from tests.forwarder import forwarded
from tests.tap.tapes import Overheard, Tape, overheard, taped

pytestmark = pytest.mark.daemon

PINGS = 200


@dataclass(frozen=True)
class Desk:
    """Where commands are typed: an image, a container that runs, one that has ended, and a folder to build."""

    image: str
    runs: sandbox.Box
    ended: sandbox.Box
    folder: Path


@pytest.fixture(scope="module")
def desk(daemon: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Two containers, which go afterwards."""
    if not shutil.which("docker"):
        pytest.skip("there is no docker CLI on this computer")
    image, folder = images.ensure(daemon), tmp_path_factory.mktemp("build")
    (folder / "Dockerfile").write_text(f"FROM {image}\nRUN echo built\n")
    with (
        sandbox.run(image, "sleep 600", daemon=daemon, stop_signal="SIGKILL") as runs,
        sandbox.run(image, "echo out; echo err >&2", daemon=daemon) as ended,
    ):
        ended.wait()
        yield Desk(image, runs, ended, folder)


def docker(url: str, *words: str, terminal: bool = False) -> tuple[int, bytes]:
    """Type a docker command for the daemon at an address; return its exit status, and what it printed."""
    environ = os.environ | {"DOCKER_HOST": url, "DOCKER_BUILDKIT": "0", "DOCKER_TLS_VERIFY": ""}
    command = ["docker", *words]
    if terminal:
        return at_a_terminal(command, environ)
    done = subprocess.run(command, env=environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    return done.returncode, done.stdout + done.stderr


def at_a_terminal(command: list[str], environ: dict[str, str]) -> tuple[int, bytes]:
    """The same with a terminal of its own: ``pty(7)``."""
    ours, theirs = os.openpty()
    with subprocess.Popen(command, env=environ, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        with contextlib.suppress(OSError):  # EIO: nobody has the other end open any more
            while data := os.read(ours, 4096):
                said += data
    os.close(ours)
    return process.returncode, said


Say = Callable[[Desk], list[str]]

COMMANDS: dict[str, tuple[Say, list[str]]] = {
    "run -it": (
        lambda desk: ["run", "--rm", "-it", "--label=labkit=test", desk.image, "tty"],
        ["POST /containers/create", "POST /containers/{id}/attach", "POST /containers/{id}/wait"],
    ),
    "ps -a": (lambda _: ["ps", "-a"], ["GET /containers/json"]),
    "logs -f": (lambda desk: ["logs", "-f", desk.ended.id], ["GET /containers/{id}/json", "GET /containers/{id}/logs"]),
    "exec": (
        lambda desk: ["exec", desk.runs.id, "sh", "-c", "seq 20000; echo err >&2"],
        ["POST /containers/{id}/exec", "POST /exec/{id}/start", "GET /exec/{id}/json"],
    ),
    "cp": (
        lambda desk: ["cp", f"{desk.runs.id}:/bin/busybox", "-"],
        ["GET /containers/{id}/archive"],
    ),
    "build": (lambda desk: ["build", "--label=labkit=test", "--no-cache", str(desk.folder)], ["POST /build"]),
    "events": (
        lambda desk: ["events", "--since=0", "--until=1s", f"--filter=container={desk.ended.id}"],
        ["GET /events"],
    ),
    "stats": (lambda desk: ["stats", "--no-stream", desk.runs.id], ["GET /containers/{id}/stats"]),
}


def run(name: str, desk: Desk, heard: Overheard) -> tuple[bytes, list[Exchange]]:
    """Type one of the commands; return what it printed and what the wiretap heard."""
    status, said = docker(heard.url, *COMMANDS[name][0](desk), terminal="-it" in name)
    assert status == 0, said
    return said, heard.tap.exchanges


@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_is_changed_and_all_is_understood(name: str, desk: Desk, daemon: Daemon) -> None:
    """What one side of the wiretap sent is what the other got, byte for byte, and each request has its answer."""
    with overheard(daemon) as heard:
        _, exchanges = run(name, desk, heard)
    assert heard.differences() == []
    assert [exchange.problem for exchange in exchanges] == [""] * len(exchanges)
    asked = [exchange.template for exchange in exchanges]
    assert [line for line in COMMANDS[name][1] if line not in asked] == []
    assert all(exchange.status in (101, 200, 201, 204) for exchange in exchanges)


def test_a_client_receives_the_same_without_the_wiretap(desk: Desk, daemon: Daemon) -> None:
    """Four commands, with the wiretap and then without: equal output, and equal in every byte received but the date."""
    box = desk.ended.id
    scenario = [["logs", box], ["inspect", box], ["cp", f"{box}:/etc/passwd", "-"], ["diff", box]]
    with overheard(daemon) as heard:
        tapped = [docker(heard.url, *words) for words in scenario]
    with taped(daemon.endpoint.dial) as (url, tapes):
        direct = [docker(url, *words) for words in scenario]
    assert tapped == direct and [status for status, _ in direct] == [0] * len(scenario)
    assert [undated(tape) for tape in heard.before] == [undated(tape) for tape in tapes]
    assert b"out\n" in b"".join(map(undated, tapes))


def undated(tape: Tape) -> bytes:
    """What was answered, without the lines of the heads that say when."""
    return re.sub(rb"\r\nDate: [^\r]+", b"", bytes(tape.answered))


def test_what_a_terminal_shows_is_what_the_raw_stream_had(desk: Desk, daemon: Daemon) -> None:
    """With a terminal there are no frames: the bytes of the raw stream are the bytes on the screen."""
    with overheard(daemon) as heard:
        said, exchanges = run("run -it", desk, heard)
    [attached] = [exchange for exchange in exchanges if exchange.upgraded]
    shown = b"".join(frame.data for frame in attached.frames if frame.stream == "tty")
    assert attached.status == 101
    assert b"/dev/pts/" in shown
    assert shown in said


def test_frames_tell_the_two_outputs_apart(desk: Desk, daemon: Daemon) -> None:
    """Without a terminal each frame says which of the two outputs it belongs to, for exec and for logs."""
    with overheard(daemon) as heard:
        run("exec", desk, heard)
        _, exchanges = run("logs -f", desk, heard)
    lines = "POST /exec/{id}/start", "GET /containers/{id}/logs"
    told = [next(exchange for exchange in exchanges if exchange.template == line) for line in lines]
    outputs = [{s: b"".join(f.data for f in e.frames if f.stream == s) for s in ("stdout", "stderr")} for e in told]
    count = "".join(f"{number}\n" for number in range(1, 20001)).encode()
    assert outputs == [{"stdout": count, "stderr": b"err\n"}, {"stdout": b"out\n", "stderr": b"err\n"}]


def test_the_environment_leads_there_and_back(desk: Desk, daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside the block DOCKER_HOST names the wiretap and TLS is off; afterwards all is as before, after errors too."""
    before = {"DOCKER_HOST": "unix:///nowhere", "DOCKER_TLS_VERIFY": "1"}
    for name, value in before.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(KeyError), wiretap(daemon) as tap:
        assert os.environ["DOCKER_HOST"] == tap.url
        assert "DOCKER_TLS_VERIFY" not in os.environ
        said = subprocess.run(["docker", "ps", "-aq", "--no-trunc"], capture_output=True, text=True, check=True).stdout
        assert desk.runs.id in said.split()
        raise KeyError
    assert {name: os.environ[name] for name in before} == before
    assert not Path(tap.url.removeprefix("unix://")).exists()


def test_a_request_can_be_sent_again(desk: Desk, daemon: Daemon) -> None:
    """A request is repeated byte by byte, and its answer is the daemon's of now."""
    with wiretap(daemon) as tap:
        docker(tap.url, "ps", "-aq")
        [asked] = [exchange for exchange in tap.exchanges if exchange.path == "/containers/json"]
        again = tap.replay(asked.number)
    assert (again.request_line, again.status, again.number) == (asked.request_line, 200, asked.number)
    assert desk.ended.id in again.answer


def test_the_table_says_what_went_over(desk: Desk, daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    """One line for each request, and only those asked for, with what is unusual about it."""
    with wiretap(daemon) as tap:
        docker(tap.url, "exec", desk.runs.id, "true")
    tap.table("/exec", times=False)
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.split() == ["request", "status", "sent", "received", "note"]
    assert ["/exec/" in line for line in lines] == [True] * 2
    assert "101  " in lines[0] and "101 UPGRADED, 0 frames" in lines[0]


def test_behind_tcp(desk: Desk, daemon: Daemon) -> None:
    """In front of a daemon behind a TCP port, the same is heard as in front of its socket."""
    with forwarded(daemon) as url, overheard(replace(daemon, endpoint=replace(daemon.endpoint, url=url))) as heard:
        run("exec", desk, heard)
    assert heard.differences() == []


def test_two_hundred_at_once(daemon: Daemon) -> None:
    """Two hundred connections that all wait for their answers are served, and each is heard."""
    request = b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n"
    with wiretap(daemon) as tap, contextlib.ExitStack() as open_:
        socks = [open_.enter_context(Endpoint(tap.url, "a test").dial(timeout=30)) for _ in range(PINGS)]
        for sock in socks:
            sock.sendall(request)
        answers = [b"".join(iter(lambda sock=sock: sock.recv(4096), b"")) for sock in socks]  # type: ignore[misc]
        wait_until(lambda: all(exchange.status for exchange in tap.exchanges), "all are heard")
        exchanges = tap.exchanges
    assert [answer.endswith(b"\r\n\r\nOK") for answer in answers] == [True] * PINGS
    assert [(e.template, e.status, e.problem) for e in exchanges] == [("GET /_ping", 200, "")] * PINGS
    assert len({exchange.connection for exchange in exchanges}) == PINGS


def test_a_client_that_hangs_up(daemon: Daemon) -> None:
    """A client that leaves in the middle of a stream leaves the daemon, too, and the exchange says so."""
    with overheard(daemon) as heard:
        with Endpoint(heard.url, "a test").dial() as sock:
            sock.sendall(b"GET /events HTTP/1.1\r\nHost: docker\r\n\r\n")
            assert sock.recv(17) == b"HTTP/1.1 200 OK\r\n"
        wait_until(lambda: heard.tap.exchanges[0].problem, "the wiretap knows")
        [exchange] = heard.tap.exchanges
    assert (exchange.status, exchange.problem) == (200, "the client hung up before the answer ended")


def test_connect_inside_goes_through_it(daemon: Daemon) -> None:
    """A client that is opened inside the block is heard; afterwards the notebook's daemon is who it was."""
    before = current()
    with wiretap(daemon) as tap:
        inside = connect(quiet=True)
        inside.client.ping()
        asked = [exchange.path for exchange in tap.exchanges]
        inside.client.close()
    assert (inside.endpoint.url, asked[-1], "/info" in asked) == (tap.url, "/_ping", True)
    assert current() is before
