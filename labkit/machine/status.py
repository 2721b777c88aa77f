"""What a machine is and uses at this moment, for a person and as data."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from labkit.machine import state
from labkit.machine.build import manifest
from labkit.machine.mode import PTRACE
from labkit.machine.places import Places
from labkit.machine.state import State

MB = 1 << 20

MODES = {PTRACE: "ptrace: slow, as seccomp filters are forbidden here"}
"""What a person is told of the way in which the guest's processes are run."""


@dataclass(frozen=True)
class Status:
    """One machine.

    Attributes:
        name: what it is called.
        phase: ``up``, ``starting``, ``down`` or ``failed``.
        why: what went wrong, where something did.
        socket: where its daemon answers.
        engine: the daemon's version.
        kernel: the version of the user-mode kernel's package.
        store: which image store.
        age: seconds since it was started.
        memory: bytes that the guest has.
        resident: bytes that all of its processes have in memory.
        cpu: seconds of processor time that they took.
        disk: bytes that its disk can hold.
        on_disk: bytes that the disk's file takes on the host.
        mode: how the guest's processes are run.
        confined: in words.
        owner: the process that it ends with; 0 for none.
        ports: what containers publish → why 127.0.0.1 does not lead there; empty where it does.
        remedy: what to do about what went wrong, where that is known.
    """

    name: str
    phase: str
    why: str
    socket: str
    engine: str
    kernel: str
    store: str
    age: float
    memory: int
    resident: int
    cpu: float
    disk: int
    on_disk: int
    mode: str
    confined: str
    owner: int
    ports: dict[str, str] = field(default_factory=dict)
    remedy: str = ""

    def lines(self) -> list[tuple[str, str]]:
        """Return label and value of each line that a person reads."""
        if self.phase != "up":
            reasons = [("why", self.why), ("what to do", self.remedy)]
            return [("machine", f"{self.name} is {self.phase}"), *(line for line in reasons if line[1])]
        owner = f"process {self.owner}" if self.owner else "nobody: `labkit machine down` ends it"
        return [
            ("machine", f"{self.name} is up for {_duration(self.age)}"),
            (
                "engine",
                f"Docker {self.engine}, {self.store}, on Linux {self.kernel} ({MODES.get(self.mode, self.mode)})",
            ),
            ("memory", f"{self.resident // MB} MB of this computer's; the guest may use {self.memory // MB} MB"),
            ("processor", f"{self.cpu:.1f} s so far"),
            ("disk", f"{self.on_disk // MB} MB of {self.disk // MB} MB"),
            ("confined", self.confined),
            *_ports(self.ports),
            ("ends with", owner),
            ("socket", self.socket),
        ]


def look(where: Places) -> Status:
    """Look at a machine: what it says of itself, and what the host's kernel counts for its processes."""
    now = state.read(where)
    resident, cpu = _used(now)
    packages = manifest().get("packages", {})
    return Status(
        where.name,
        now.phase if manifest() else "not built",
        now.why,
        str(where.socket) if now.phase == "up" else "",
        now.engine,
        packages.get("user-mode-linux", "").partition("um")[0],
        now.store,
        time.time() - now.since if now.since else 0.0,
        now.memory,
        resident,
        cpu,
        now.disk,
        where.disk.stat().st_blocks * 512 if where.disk.exists() else 0,
        now.mode,
        _confined(now.confined),
        now.owner,
        now.ports,
        now.remedy,
    )


def _used(now: State) -> tuple[int, float]:
    """Bytes in memory, shared pages counted once (``smaps_rollup`` in ``proc(5)``), and seconds of processor time."""
    import psutil

    memory, seconds = 0, 0.0
    try:
        leader = psutil.Process(now.supervisor) if now.supervisor else None
        for process in [leader, *leader.children(recursive=True)] if leader else []:
            memory += process.memory_full_info().pss
            times = process.cpu_times()
            seconds += times.user + times.system
    except psutil.Error:  # it ended meanwhile
        pass
    return memory, seconds


def _ports(published: dict[str, str]) -> list[tuple[str, str]]:
    """A line for the ports that this computer leads to the guest, and one for each that it does not."""
    open_here = [f"127.0.0.1:{port}" for port, why_not in published.items() if not why_not]
    lines = [f"published at {', '.join(open_here)}"] if open_here else []
    lines += [f"port {port}: {why_not}" for port, why_not in published.items() if why_not]
    return [("ports", line) for line in lines]


def _confined(version: int) -> str:
    if version:
        return f"to its own files, by Landlock (version {version})"
    return "NOT confined: this kernel has no Landlock (Linux 5.13 has); a root user in the guest can read your files"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
