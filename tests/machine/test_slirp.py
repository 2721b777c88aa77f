"""How slirp4netns is started and asked, against a console that answers as it is told."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit.errors import MachineError
from labkit.machine import slirp


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name."""
    folder = Path(tempfile.mkdtemp(prefix="lk"))
    yield folder
    shutil.rmtree(folder)


@contextlib.contextmanager
def console(folder: Path, *answers: object) -> Iterator[list[dict[str, Any]]]:
    """The socket ``network`` with one answer for each question; yield the questions."""
    asked: list[dict[str, Any]] = []
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "network"))
        listening.listen()

        def serve() -> None:
            for answer in answers:
                sock, _ = listening.accept()
                with sock:
                    asked.append(json.loads(b"".join(iter(lambda sock=sock: sock.recv(4096), b""))))  # type: ignore[misc]
                    sock.sendall(json.dumps(answer).encode())

        thread = threading.Thread(target=serve)
        thread.start()
        yield asked
        thread.join()


def test_it_is_started_with_a_wall_before_the_loopback() -> None:
    """The command keeps the guest from the host's loopback, and ties its life to a pipe."""
    words = slirp.command(Path("/p/slirp4netns"), Path("/r/line"), Path("/r/network"), exit_fd=7)
    assert (words[0], words[-1]) == ("/p/slirp4netns", "/r/line")
    assert {"--disable-host-loopback", "--exit-fd=7", "--api-socket=/r/network", "--target-type=bess"} <= set(words)


def test_only_the_loopback_is_forwarded(folder: Path) -> None:
    """A forwarded port listens on the host's loopback alone, and leads to the guest."""
    with console(folder, {"return": {"id": 1}}) as asked:
        assert slirp.forward(folder / "network", 4711, 2376) == 1
    ports = {"host_addr": "127.0.0.1", "host_port": 4711, "guest_addr": "10.0.2.100", "guest_port": 2376}
    assert asked == [{"execute": "add_hostfwd", "arguments": {"proto": "tcp"} | ports}]


def test_a_port_is_withdrawn_by_its_number(folder: Path) -> None:
    """What was forwarded is withdrawn by the number that came back, another protocol and address included."""
    with console(folder, {"return": {"id": 7}}, {"return": {}}) as asked:
        number = slirp.forward(folder / "network", 53, 53, protocol="udp", guest="127.0.0.1")
        slirp.withdraw(folder / "network", number)
    first, second = asked
    assert (first["arguments"]["proto"], first["arguments"]["guest_addr"]) == ("udp", "127.0.0.1")
    assert second == {"execute": "remove_hostfwd", "arguments": {"id": 7}}


def test_a_refusal_is_said(folder: Path) -> None:
    """The error has the port, and the reason in slirp4netns's own words."""
    with (
        console(folder, {"error": {"desc": "bad request: add_hostfwd: slirp_add_hostfwd failed"}}),
        pytest.raises(MachineError, match="does not forward port 4711: bad request: add_hostfwd"),
    ):
        slirp.forward(folder / "network", 4711, 2376)


def test_another_port_is_tried(folder: Path) -> None:
    """Where somebody else was faster with a port, the next one is taken."""
    with console(folder, {"error": {"desc": "taken"}}, {"return": {}}) as asked:
        port = slirp.forward_any(folder / "network", 2376)
    assert [question["arguments"]["host_port"] for question in asked][1:] == [port]


def test_after_five_ports_it_is_an_error(folder: Path) -> None:
    """Five refusals are an error."""
    with console(folder, *[{"error": {"desc": "no"}}] * 5) as asked, pytest.raises(MachineError):
        slirp.forward_any(folder / "network", 2376)
    assert len(asked) == 5


def test_who_waits_for_a_guest_is_dismissed(folder: Path) -> None:
    """A process that still waits at the line gets a connection that ends; where nobody waits, nothing happens."""
    slirp.dismiss(folder / "line")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(str(folder / "line"))
        listening.listen()
        slirp.dismiss(folder / "line")
        with listening.accept()[0] as sock:
            assert sock.recv(10) == b""
