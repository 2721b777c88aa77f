"""Two disposable containers for one submission: the sandbox in which its code runs, and the judge's desk beside it.

Both are made of the course's image and have no capability, no network, and nothing of the grader's. They share a
loopback, which nobody else has, and a folder for sockets; they do not share processes.
"""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass, field
from typing import Any

from labkit import errors, sandbox
from labkit.daemon import Daemon
from labkit.grade.attached import Attached
from labkit.sandbox import Box

SHARED = "/run/labkit"
"""The folder that both containers have; its path is short, because sockets lie in it."""

NURSERY = f"{SHARED}/nursery.sock"

PRIVATE = "/tmp"
"""The folder in which each may write, and the other cannot look."""

MB = 1 << 20
ROOM = {"sandbox": 2048 * MB, "desk": 1024 * MB}
"""Memory of each container, files included: neither has a disk."""

SHARE, DISK = 256 * MB, 1536 * MB
"""How much of that files can take: in the folder that both have, and in each one's own."""

PROCESSES = {"sandbox": 512, "desk": 128}
PROCESSORS = 2

READY = 600.0
"""Seconds until both are ready: a Docker host boots, which takes minutes where many boot on a busy machine."""

LONGEST = 8 * MB
"""Bytes of an answer."""


@dataclass(eq=False)
class Pair:
    """A sandbox and a desk, which nobody has used before.

    Args:
        daemon: the grader's, which makes them.
        image: the course's.
        first: what the worker at the desk is told first.
        seconds: after which both end, whatever happens.

    Attributes:
        said: what the sandbox said of its Docker host and of its edition of the course.
    """

    daemon: Daemon
    image: str
    first: dict[str, Any]
    seconds: float
    said: dict[str, Any] = field(default_factory=dict)
    boxes: list[Box] = field(default_factory=list)
    lines: list[Attached] = field(default_factory=list)
    closed: bool = False

    def open(self) -> Pair:
        """Start both; return when they are ready.

        Raises:
            LabError: if they cannot be made, end, or say why they are not ready.
            ValueError: if what they say makes no sense.
        """
        number = secrets.token_hex(4)
        user = str(self.daemon.client.images.get(self.image).attrs["Config"].get("User") or "0")
        first = ["labkit.grade.init", NURSERY, f"{self.seconds:g}"]
        there = self._start(
            f"{sandbox.LABEL}-sandbox-{number}", first, "sandbox", mounts=[_shared(user)], network_mode="none"
        )
        its = {"network_mode": f"container:{self.boxes[0].id}", "volumes_from": [self.boxes[0].id]}
        desk = self._start(f"{sandbox.LABEL}-desk-{number}", ["labkit.grade.worker"], "desk", **its)
        desk.tell(self.first | {"nursery": NURSERY})
        self.said = _expect(there.hear(READY), "ready")
        _expect(desk.hear(READY), "ready")
        return self

    def ask(self, message: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Ask the worker at the desk one thing; return its answer.

        Raises:
            HostError: if it ends, or does not answer in time.
            ValueError: if its answer makes no sense.
        """
        self.lines[1].tell(message)
        return self.lines[1].hear(seconds)

    def close(self) -> None:
        """Remove both containers, and with them the folder that they shared; also while another thread opens them."""
        self.closed = True
        for line in self.lines:
            line.close()
        for box in reversed(self.boxes):
            with contextlib.suppress(errors.SandboxError, OSError):
                box.remove()

    def _start(self, name: str, words: list[str], role: str, **more: Any) -> Attached:
        command = ["-P", "-m", *words]
        more |= {"nano_cpus": min(PROCESSORS, int(self.daemon.info["NCPU"])) * 10**9}
        box = sandbox.create(self.image, command, name=name, what="sandbox", daemon=self.daemon, **_wall(role), **more)
        self.boxes.append(box)
        self.lines.append(Attached(box, longest=LONGEST))
        if self.closed:
            self.close()
        box.start()
        return self.lines[-1]


def _wall(role: str) -> dict[str, Any]:
    """What a container may not do, and how much it may take: options of ``docker create``."""
    environ = {"HOME": PRIVATE, "XDG_STATE_HOME": f"{PRIVATE}/state", "XDG_RUNTIME_DIR": SHARED}
    return {
        "entrypoint": ["python3"],
        "environment": environ | ({"TMPDIR": SHARED} if role == "desk" else {}),
        "working_dir": PRIVATE,
        "stdin_open": True,
        "auto_remove": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "read_only": True,
        "tmpfs": {PRIVATE: f"exec,mode=1777,size={DISK}"},
        "mem_limit": ROOM[role],
        "memswap_limit": ROOM[role],
        "pids_limit": PROCESSES[role],
        "log_config": {"Type": "none", "Config": {}},
    }


def _shared(user: str) -> dict[str, Any]:
    """A volume without a name, in memory: it goes with the last container that has it."""
    options = {"type": "tmpfs", "device": "tmpfs", "o": f"size={SHARE},mode=0700,uid={user.partition(':')[0]}"}
    driver = {"Name": "local", "Options": options}
    more = {"NoCopy": True, "Labels": sandbox.labels("sandbox"), "DriverConfig": driver}
    return {"Type": "volume", "Target": SHARED, "VolumeOptions": more}


def _expect(said: dict[str, Any], key: str) -> Any:
    if "failed" in said:
        raise errors.SandboxError(f"A sandbox did not start: {said['failed']}")
    return said[key]
