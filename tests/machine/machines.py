"""A machine as the real tests use it: started by ``labkit.machine.control``, spoken to by the docker command line."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from labkit.machine import control, state
from labkit.machine.places import Places, places
from labkit.machine.state import State
from labkit.machine.status import Status, look
from labkit.oci import BUSYBOX
from labkit.sandbox import wait_until

MEMORY, DISK = "640M", "768M"
"""Of the machines that are tested: enough for a daemon, and soon full."""


@dataclass(frozen=True)
class Machine:
    """One machine, of which nothing is cached: every question goes to its files or its daemon."""

    where: Places

    def up(self, **wishes: Any) -> State:
        """Start it, small, unless it runs; a disk is made where there is none."""
        sizes = {"memory": MEMORY} | ({} if self.where.disk.exists() and not wishes.get("fresh") else {"disk": DISK})
        return control.up(self.where, **sizes | wishes)

    def down(self) -> bool:
        """Power it off."""
        return control.down(self.where)

    @property
    def state(self) -> State:
        """What it says of itself."""
        return state.read(self.where)

    @property
    def status(self) -> Status:
        """What a person is told."""
        return look(self.where)

    def docker(self, *words: str, said: bytes = b"", deadline: float = 60) -> subprocess.CompletedProcess[bytes]:
        """Type a command after ``docker``."""
        environ = os.environ | {"DOCKER_HOST": f"unix://{self.where.socket}"}
        return subprocess.run(
            [control.docker(), *words], input=said, env=environ, capture_output=True, timeout=deadline, check=False
        )

    def run(self, *words: str, deadline: float = 60) -> tuple[int, str]:
        """Run a container that is removed afterwards; options first. Return its status and everything that it said."""
        image = next((place for place, word in enumerate(words) if not word.startswith("-")), len(words))
        done = self.docker("run", "--rm", *words[:image], BUSYBOX, *words[image:], deadline=deadline)
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace")

    def shell(self, script: str) -> str:
        """Run a script on the guest itself, as ``labkit machine shell`` does; return what it prints."""
        words, environ = control.on_the_machine(self.where, ["sh", "-c", script], terminal=False)
        done = subprocess.run(words, env=environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout


def members(supervisor: int) -> set[int]:
    """Return the processes of the session that a supervisor leads: all of a machine's, the guest's among them."""
    found = set()
    for process in psutil.process_iter(["status"]):
        with contextlib.suppress(ProcessLookupError):
            if os.getsid(process.pid) == supervisor and process.info["status"] != psutil.STATUS_ZOMBIE:
                found.add(process.pid)
    return found


def wait_until_nobody(supervisor: int, *, deadline: float = 30) -> None:
    """Wait until no process of a machine is left."""
    wait_until(lambda: not members(supervisor), "nobody of the machine is left", deadline=deadline)


@contextlib.contextmanager
def named(name: str) -> Iterator[Machine]:
    """A second machine, which is down in the end."""
    other = Machine(places(name))
    try:
        yield other
    finally:
        other.down()


@contextlib.contextmanager
def listening(conversation: bytes = b"HTTP/1.0 200 OK\r\n\r\nsecret\n") -> Iterator[int]:
    """A service on the host's loopback that says the same to everybody; yield its port."""
    import socketserver
    import threading

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(conversation)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield int(server.socket.getsockname()[1])
        finally:
            server.shutdown()
            thread.join()


def folders_of(where: Places) -> list[Path]:
    """Return the folders that nobody else may enter."""
    return [where.run, where.state, where.state / "tls"]
