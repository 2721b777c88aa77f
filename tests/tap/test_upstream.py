"""How the daemon is reached: a full queue is waited for, ssh runs docker's own program."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from labkit import errors
from labkit.endpoint import Endpoint
from labkit.tap.upstream import look_up
from labkit.tap.wiretap import wiretap
from tests.tap.daemons import ask, at, dial


def greet(listening: socket.socket, visitors: int) -> None:
    """Say hello to so many, and hang up."""
    for _ in range(visitors):
        with listening.accept()[0] as sock:
            sock.sendall(b"hello")


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels refuse where the queue is full")
def test_a_full_queue_is_waited_for() -> None:
    """A daemon whose queue of connections is full is asked again until it accepts."""
    with tempfile.TemporaryDirectory(prefix="lk") as folder, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"{folder}/s")
        listening.listen(0)
        upstream = look_up(Endpoint(f"unix://{folder}/s", "the test"))
        with socket.socket(socket.AF_UNIX) as first:
            first.connect(f"{folder}/s")
            accepting = threading.Timer(0.2, greet, (listening, 2))
            accepting.start()

            async def hear() -> bytes:
                async with upstream.dial() as end:
                    return bytes(await end.read())

            assert asyncio.run(hear()) == b"hello"
            accepting.join()


FAR = """#!/bin/sh
echo "$@" >>{log}
exec {python} -c '
import socket, sys, os
data = os.read(0, 65536)
assert data.startswith(b"HEAD /_ping")
os.write(1, b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n")
'
"""


def test_ssh_runs_dockers_own_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over ssh, each connection is a `docker system dial-stdio` on the other computer."""
    log = tmp_path / "log"
    (tmp_path / "ssh").write_text(FAR.format(log=log, python=sys.executable))
    (tmp_path / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with wiretap(at("ssh://ada@moon.example.org:2222")) as tap:
        for _ in range(2):
            with dial(tap.url) as sock:
                assert ask(sock).startswith(b"HTTP/1.1 200 OK")
        assert [(e.status, e.problem) for e in tap.exchanges] == [(200, "")] * 2
    assert log.read_text() == "-l ada -p 2222 -- moon.example.org docker system dial-stdio\n" * 2


def test_a_name_that_nobody_knows_is_a_bad_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that cannot be looked up is an error before anything is tapped."""

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(errors.BadAddress, match="Name or service not known"):
        look_up(Endpoint("tcp://moon:2375", "the test"))
