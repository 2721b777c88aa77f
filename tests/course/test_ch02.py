"""Chapter 02's judges know what they say: requests as the wiretap hears them, frames as the daemon sends them."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest

from labkit import images, sandbox
from labkit.course.ch02_requests import commands, frame, plain, requests
from labkit.course.ch02_shim import names
from labkit.course.exercise import World
from labkit.daemon import Daemon
from labkit.inside.processes import read_process
from labkit.sandbox import wait_until
from labkit.tap.wiretap import wiretap


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("POST /containers/create?name=heron", "POST /containers/create?name=heron"),
        ("post  /v1.41/containers/create?platform=&name=heron", "POST /containers/create?name=heron"),
        (f"POST /containers/{'0f' * 32}/start", "POST /containers/ID/start"),
        ("POST /containers/0f0f0f0f0f0f/start", "POST /containers/ID/start"),
        ("POST /containers/{id}/start", "POST /containers/ID/start"),
        ("POST /containers/<id>/start", "POST /containers/ID/start"),
        ("POST /containers/old/exec", "POST /containers/ID/exec"),
        ("POST /containers/older/exec", "POST /containers/older/exec"),
        ("DELETE /containers/old?force=1", "DELETE /containers/ID"),
        ("GET /containers/json?all=1", ""),
        ("HEAD /_ping", ""),
        ("POST /containers/old/wait?condition=next-exit", ""),
        ("POST /containers/old/attach?stream=1", ""),
        ("POST /exec/ID/resize?h=24", ""),
        (None, "NONE "),
        (7, "7 "),
    ],
)
def test_a_request_is_read_as_it_is_meant(said: object, meant: str) -> None:
    """Versions, ids, queries and what changes nothing make no difference between an answer and the truth."""
    assert plain(said, "old") == meant


@pytest.mark.daemon
@pytest.mark.parametrize("learner", ["ada", "grace", "linus", "ken", "radia", "vint"])
def test_the_commands_make_these_requests(daemon: Daemon, learner: str) -> None:
    """What the judge expects is what a wiretap hears while the docker command of this computer runs the lines."""
    if not shutil.which("docker"):
        pytest.skip("no docker command to listen to")
    world = World(daemon, "02.requests", f"test-{learner}")
    try:
        with world.run("sleep 600", "old", stop_signal="KILL"), wiretap(daemon) as tap:
            for line in commands(world):
                subprocess.run(line, shell=True, check=True, capture_output=True)
        heard = [plain(asked.request_line, world.name("old")) for asked in tap.exchanges]
        assert [line for line in heard if line] == [plain(line, world.name("old")) for line in requests(world)]
    finally:
        world.clear()


@pytest.mark.daemon
def test_the_frames_are_the_daemons(daemon: Daemon) -> None:
    """A frame as the judge makes it is, byte by byte, what the daemon sends for the same words."""
    script = "echo out; sleep 0.1; echo err >&2"
    with sandbox.run(images.ensure(daemon), script, what="test", daemon=daemon) as box:
        box.wait()
        with daemon.dial() as sock:
            sock.sendall(f"GET /containers/{box.id}/logs?stdout=1&stderr=1 HTTP/1.0\r\n\r\n".encode())
            said = b"".join(iter(lambda: sock.recv(1 << 16), b"")).partition(b"\r\n\r\n")[2]
    assert said == frame(1, "out\n") + frame(2, "err\n")


@pytest.mark.daemon
def test_the_parent_is_the_shim(daemon: Daemon) -> None:
    """The parent that the judge finds is the same that ``docker top`` names, and it is called a shim."""
    world = World(daemon, "02.parent", "test-ada")
    api: Any = daemon.client.api
    try:
        with world.run("sleep 600", "box", stop_signal="KILL") as box:
            wait_until(lambda: box.status == "running", "it runs")
            said = api.top(box.id, "-eo pid,ppid")
            [row] = [dict(zip(said["Titles"], row, strict=True)) for row in said["Processes"]]
            found = read_process(world.host, box.pid).parent
            assert (int(row["PID"]), int(row["PPID"])) == (box.pid, found)
            assert {name[:15] for name in names(read_process(world.host, found))} >= {"containerd-shim"}
    finally:
        world.close()
        world.clear()
