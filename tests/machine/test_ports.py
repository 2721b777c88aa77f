"""Published ports at this computer's loopback: read, forwarded and withdrawn; pretended first, then real ones."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import socket
import ssl
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit.errors import MachineError
from labkit.machine import certificates, engine, ports, proxy, slirp
from labkit.machine.places import Places
from labkit.machine.ports import Board, Port, follow, read, why_not
from labkit.oci import BUSYBOX
from labkit.sandbox import wait_until
from tests.machine.machines import Machine, listening

ONE, TWO = Port(80, "tcp"), Port(53, "udp", "127.0.0.1")


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    """A port of the loopback that nobody listens at."""
    with socket.socket(type=kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


# --- What the daemon says -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ([], []),
        ([{"PrivatePort": 80, "Type": "tcp"}], []),
        ([{"IP": "0.0.0.0", "PublicPort": 80, "Type": "tcp"}, {"IP": "::", "PublicPort": 80, "Type": "tcp"}], [ONE]),
        ([{"IP": "127.0.0.1", "PublicPort": 53, "Type": "udp"}], [TWO]),
        ([{"IP": "0.0.0.0", "PublicPort": 9, "Type": "sctp"}], []),
        ([{"IP": "::1", "PublicPort": 9, "Type": "tcp"}], []),
    ],
)
def test_only_what_is_published_is_read(said: list[dict[str, Any]], found: list[Port]) -> None:
    """A port that is only exposed is left out, one for both kinds of addresses counts once, and SCTP is nobody's."""
    assert read(said) == found


# --- What is forwarded --------------------------------------------------------------------------------------


@pytest.fixture
def where(tmp_path: Path) -> Places:
    """Folders of a machine that does not run."""
    where = Places("x", tmp_path, tmp_path / "run")
    where.run.mkdir()
    return where


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What slirp4netns is asked; it refuses port 81."""
    asked = list[tuple[Any, ...]]()

    def forward(console: Path, host: int, port: int, *, protocol: str, guest: str) -> int:
        if host == 81:
            raise MachineError("no", "")
        asked.append((host, port, protocol, guest))
        return len(asked)

    monkeypatch.setattr(slirp, "forward", forward)
    monkeypatch.setattr(slirp, "withdraw", lambda console, number: asked.append((-number,)))
    monkeypatch.setattr(ports, "why_not", lambda port: ports.TAKEN)
    return asked


def test_a_port_is_forwarded_while_its_container_runs(where: Places, asked: list[tuple[Any, ...]]) -> None:
    """What starts is forwarded, what ends is withdrawn by its number, and what published nothing changes nothing."""
    board = Board(where)
    board.start("web", [ONE, TWO])
    board.start("quiet", [])
    assert board.as_text() == {"53/udp": "", "80/tcp": ""}
    board.end("quiet")
    board.end("web")
    assert asked == [(80, 80, "tcp", slirp.GUEST), (53, 53, "udp", "127.0.0.1"), (-1,), (-2,)]
    assert board.as_text() == {}


def test_a_port_that_is_refused_is_said(where: Places, asked: list[tuple[Any, ...]]) -> None:
    """The reason stands in what is told, and as one line in the machine's log; nothing is withdrawn later."""
    board = Board(where)
    board.start("web", [Port(81, "tcp")])
    assert board.as_text() == {"81/tcp": "taken on this computer"}
    assert where.log.read_text() == "ports: port 81/tcp: taken on this computer\n"
    board.end("web")
    assert asked == []


def test_after_a_pause_only_what_runs_is_forwarded(where: Places, asked: list[tuple[Any, ...]]) -> None:
    """What ended while nobody listened is withdrawn, what started is forwarded, and the rest is left alone."""
    board = Board(where)
    board.start("gone", [ONE])
    board.start("stays", [TWO])
    asked.clear()
    board.only({"stays": [TWO], "new": [Port(8080, "tcp")]})
    assert asked == [(-1,), (8080, 8080, "tcp", slirp.GUEST)]


def test_a_taken_port_is_told_from_a_free_one() -> None:
    """A port where somebody listens is taken; of one that is free, the reason is another."""
    with listening() as port:
        assert why_not(Port(port, "tcp")) == ports.TAKEN
    assert why_not(Port(free_port(), "udp")) == "slirp4netns does not open it"


def test_a_port_of_root_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the kernel keeps a port for root, the reason says so."""

    class Forbidding(socket.socket):
        def bind(self, address: Any) -> None:
            raise PermissionError

    monkeypatch.setattr(socket, "socket", Forbidding)
    assert why_not(ONE) == ports.NOT_OURS


# --- Whom it listens to -------------------------------------------------------------------------------------


def test_events_are_followed_one_after_the_other(
    where: Places, asked: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What runs is forwarded first, then what starts, until it ends; where the daemon hangs up, it is called again."""
    certificates.make(where.state / "tls")
    running = {"old": [{"IP": "0.0.0.0", "PublicPort": 80, "Type": "tcp"}]}
    web = [{"IP": "", "PublicPort": 8080, "Type": "tcp"}]
    monkeypatch.setattr(engine, "published", lambda port, context, container="": {"web": web} if container else running)
    monkeypatch.setattr(ports, "AGAIN", 0.01)
    told, calls = list[dict[str, str]](), list[bytes]()
    events = [("start", "web"), ("die", "web"), ("die", "old")]
    lines = [json.dumps({"Action": action, "Actor": {"ID": container}}) + "\n" for action, container in events]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + "".join(lines).encode())
        writer.close()

    async def run() -> None:
        here = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        here.load_cert_chain(where.state / "tls" / "server-cert.pem", where.state / "tls" / "server-key.pem")
        async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=here) as server:
            port = server.sockets[0].getsockname()[1]
            task = asyncio.create_task(follow(where, port, proxy.trust(where.state / "tls"), told.append))
            while len(calls) < 2:
                await asyncio.sleep(0.01)
            task.cancel()

    asyncio.run(run())
    assert calls[0].startswith(b"GET /events?filters=") and b" HTTP/1.0\r\n" in calls[0]
    assert told[:4] == [{"80/tcp": ""}, {"80/tcp": "", "8080/tcp": ""}, {"80/tcp": ""}, {}]


# --- On a real machine --------------------------------------------------------------------------------------

SERVE = "mkdir /w; echo hello from the guest >/w/index.html; exec httpd -f -p 80 -h /w"


@pytest.fixture
def published(machine: Machine) -> Iterator[Any]:
    """Run a small web server with these options; return its name. What was started is removed afterwards."""
    names = list[str]()

    def start(*options: str, script: str = SERVE) -> str:
        names.append(f"web-{secrets.token_hex(3)}")
        done = machine.docker("run", "--detach", "--name", names[-1], *options, BUSYBOX, "sh", "-c", script)
        assert done.returncode == 0, done.stderr
        return names[-1]

    yield start
    machine.docker("rm", "--force", *names)


def ask(port: int) -> str:
    """Return what the web server at the loopback says; empty if nobody answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with contextlib.suppress(OSError), opener.open(f"http://127.0.0.1:{port}/", timeout=5) as answer:
        return str(answer.read().decode())
    return ""


@pytest.mark.machine
@pytest.mark.parametrize("address", ["", "127.0.0.1:"])
def test_a_published_port_answers_on_this_computer(machine: Machine, published: Any, address: str) -> None:
    """What a container publishes, also on the guest's loopback alone, is reached here while it runs, and not after."""
    port = free_port()
    name = published(f"--publish={address}{port}:80")
    wait_until(lambda: ask(port) == "hello from the guest\n", "the port answers")
    assert machine.status.ports == {f"{port}/tcp": ""}
    assert ("ports", f"published at 127.0.0.1:{port}/tcp") in machine.status.lines()
    machine.docker("stop", "--time=0", name)
    wait_until(lambda: machine.status.ports == {}, "nothing is published")
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=5):
        pass


@pytest.mark.machine
def test_a_published_port_is_on_the_loopback_only(machine: Machine, published: Any) -> None:
    """Whatever addresses a container asks for, no other computer reaches it: only 127.0.0.1 listens."""
    port = free_port()
    published(f"--publish=0.0.0.0:{port}:80")
    wait_until(lambda: ask(port), "the port answers")
    rows = [line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:] if line.split()[3] == "0A"]
    assert [row for row in rows if row.endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]


@pytest.mark.machine
def test_datagrams_arrive(machine: Machine, published: Any) -> None:
    """A datagram to a published UDP port of the loopback arrives in the container, whose kernel counts it."""
    port = free_port(socket.SOCK_DGRAM)
    name = published(f"--publish={port}:9/udp", script="sleep 1000")
    wait_until(lambda: machine.status.ports == {f"{port}/udp": ""}, "it is forwarded")

    def counted() -> int:
        with socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.sendto(b"hello", ("127.0.0.1", port))
        found = machine.docker("exec", name, "grep", "Udp:", "/proc/net/snmp").stdout.split(b"\n")[1]
        return int(found.split()[2])  # NoPorts: it came, and nobody listened

    assert wait_until(counted, "a datagram has come")


@pytest.mark.machine
def test_a_port_that_is_taken_is_said(machine: Machine, published: Any) -> None:
    """Where this computer uses the port itself, the container runs, and log and status say so; later it works."""
    with listening() as port:
        name = published(f"--publish={port}:80")
        sentence = f"port {port}/tcp: taken on this computer"
        wait_until(lambda: ("ports", sentence) in machine.status.lines(), "status says so")
        assert machine.where.log.read_text(errors="replace").count(f"ports: {sentence}\n") == 1
    machine.docker("restart", "--time=0", name)
    wait_until(lambda: ask(port) == "hello from the guest\n", "the port answers after a restart")


@pytest.mark.machine
def test_nothing_is_asked_between_events(machine: Machine, published: Any) -> None:
    """While a published port is idle, the supervisor's processor time stays next to nothing, and it starts nobody."""
    port = free_port()
    published(f"--publish={port}:80")
    wait_until(lambda: ask(port), "the port answers")

    def used() -> float:
        fields = Path(f"/proc/{machine.state.supervisor}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before, begun = used(), time.monotonic()
    wait_until(lambda: time.monotonic() - begun > 3, "three seconds have passed")
    assert used() - before < 0.05 * (time.monotonic() - begun)
    assert re.search(r"published at 127\.0\.0\.1:\d+/tcp", str(machine.status.lines()))
