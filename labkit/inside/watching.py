"""Look at the processes of a container again and again, and keep when each of their states was first seen.

Sources: ``proc_pid_stat(5)`` for the states, ``cgroups(7)`` for who belongs to a container, and the kernel's
``freezer-subsystem.rst`` (version 1) and ``cgroup-v2.rst`` (``cgroup.events``) for whether it is frozen.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from labkit import errors
from labkit.host import Host, decode
from labkit.inside.moments import Moment, Span, Track
from labkit.inside.mounts import parse_mounts
from labkit.inside.processes import Process, read_process

GONE = "gone"

_STATES = {"T": "stopped", "t": "stopped", "Z": "zombie", "X": "zombie"}
_WORDS = {
    "alive": "runs again",
    "stopped": "is stopped",
    "frozen": "is frozen",
    "zombie": "is a zombie",
    GONE: "is gone",
}


@dataclass(frozen=True)
class Group:
    """A container's cgroup, where its processes are listed and frozen.

    Attributes:
        folder: where it is on the daemon's host.
        version: of the cgroup file system: 1 or 2.
    """

    folder: str
    version: int

    @property
    def files(self) -> tuple[str, str]:
        """The file that lists its processes, and the one that tells whether they are frozen."""
        return f"{self.folder}/cgroup.procs", f"{self.folder}/{('freezer.state', 'cgroup.events')[self.version - 1]}"


def find_group(host: Host, pid: int) -> Group | None:
    """Find the cgroup in which a process may be frozen; None where it is not seen from here.

    On a host with both versions the freezer is where the first has one.
    """
    found, lines = host.read_each(["/proc/self/mountinfo", f"/proc/{pid}/cgroup"])
    mounts = parse_mounts(found)
    paths = dict(line.split(":", 2)[1:] for line in decode(lines).splitlines())
    for mount in sorted((it for it in mounts if it.fstype in ("cgroup", "cgroup2")), key=lambda it: it.fstype):
        path = paths.get("freezer" if mount.fstype == "cgroup" else "", "/..")
        if mount.fstype == "cgroup2" or "freezer" in mount.super_options:
            group = Group(mount.target + path.removeprefix(mount.root.rstrip("/")), 1 + (mount.fstype == "cgroup2"))
            with contextlib.suppress(errors.HostError):
                host.read(group.files[1])
                return group
    return None


@dataclass(frozen=True)
class Change:
    """A state that a process was first seen in.

    Attributes:
        seconds: when, on this computer's clock since 1970.
        state: one of ``moments.LIVING``, or ``GONE``.
        within: it came at most so many seconds before: since the last look that saw another.
    """

    seconds: float
    state: str
    within: float


@dataclass
class Seen:
    """What was seen of one process so far."""

    process: Process
    name: str
    changes: list[Change] = field(default_factory=list)

    def note(self, state: str, begin: float, end: float) -> None:
        """Keep a state that a look between ``begin`` and ``end`` found, if it is another than before."""
        if not self.changes or self.changes[-1].state != state:
            self.changes.append(Change(end, state, end - begin))

    def track(self, zero: float, last: float) -> Track:
        """Return its spans, in seconds since ``zero``, until ``last`` if it was not gone before."""
        ends = [change.seconds for change in self.changes[1:]] + [last]
        spans = [Span(it.seconds - zero, end - zero, it.state) for it, end in zip(self.changes, ends, strict=True)]
        return Track(self.process.inside, self.name, tuple(span for span in spans if span.state != GONE))


class Watch:
    """Watches the processes of a container: ``look(host, [watch])`` again and again.

    Args:
        host: the daemon's host.
        pid: the container's first process there.

    Raises:
        PathMissing: if there is no such process.
    """

    def __init__(self, host: Host, pid: int) -> None:
        self.host = host
        self.group = find_group(host, pid)
        process = read_process(host, pid)
        self.first = Seen(process, process.name)
        self.seen = [self.first]
        self._alive = {pid: self.first}
        self.longest = 0.0  # between two looks
        self.begin = self.end = time.time()  # of the last look
        look(host, [self])
        self.started = self.begin

    def files(self) -> list[str]:
        """Return what is to be read of all its processes, those that it does not know yet included."""
        files = self.group.files if self.group else ()
        return [*files, *(f"/proc/{pid}/stat" for pid in self._alive)]

    def take(self, texts: Sequence[str], begin: float, end: float) -> None:
        """Take in what was read of ``files()`` between two instants, and look at processes that are new."""
        before, self.begin, self.end = self.begin, begin, end
        self.longest = max(self.longest, end - before)
        listed, frozen, *stats = texts if self.group else ("", "", *texts)
        for (pid, seen), stat in zip(list(self._alive.items()), stats, strict=True):
            self._note(pid, seen, stat, frozen, before)
        for pid in {*map(int, listed.split())} - self._alive.keys():
            self._meet(pid, frozen, before)

    def _note(self, pid: int, seen: Seen, stat: str, frozen: str, before: float) -> None:
        name, _, rest = stat.partition("(")[2].rpartition(") ")
        words = rest.split()
        if not words or int(words[19]) != seen.process.started:
            seen.note(GONE, before, self.end)
            del self._alive[pid]
        else:
            seen.name = name
            seen.note(read_state(words[0], frozen), before, self.end)

    def _meet(self, pid: int, frozen: str, before: float) -> None:
        """Begin to watch a process that is new; what only helps to start another is not in the PID namespace yet."""
        with contextlib.suppress(errors.HostError):
            process = read_process(self.host, pid)
            if process.depth >= self.first.process.depth:
                seen = self._alive[pid] = Seen(process, process.name)
                seen.note(read_state(process.state, frozen), before, time.time())
                self.seen.append(seen)

    # --- what came of it --------------------------------------------------------------------------

    @property
    def gone(self) -> bool:
        """Whether the first process is no more."""
        return self.first.changes[-1].state == GONE

    @property
    def resolution(self) -> float:
        """Seconds: the largest uncertainty of a change that was seen; without any, the longest between two looks."""
        return max((it.within for seen in self.seen for it in seen.changes[1:]), default=self.longest)

    def tracks(self, zero: float) -> tuple[Track, ...]:
        """Return what was seen of each process, the first one first, in seconds since ``zero``."""
        return tuple(seen.track(zero, self.end) for seen in self.seen)

    def moments(self, zero: float) -> list[Moment]:
        """Return the changes of the first process as moments, in seconds since ``zero``."""
        who = f"PID {self.first.process.inside}"
        changes = self.first.changes[1:]
        return [Moment(it.seconds - zero, "state", f"{who} {_WORDS[it.state]}", it.within) for it in changes]


def look(host: Host, watches: Sequence[Watch]) -> None:
    """Look once at all that several watch, in one question."""
    begin, files = time.time(), [watch.files() for watch in watches]
    found = iter(host.read_each([file for some in files for file in some]))
    end = time.time()
    for watch, some in zip(watches, files, strict=True):
        watch.take([decode(next(found)) for _ in some], begin, end)


def read_state(letter: str, frozen: str) -> str:
    """Say what a process is, in one of the words of ``moments.LIVING``.

    Args:
        letter: its state in ``/proc``, where a frozen one seems to wait for a disk, or to sleep.
        frozen: the text of the cgroup's file: ``FROZEN`` alone (version 1), or a line ``frozen 1``.
    """
    if (state := _STATES.get(letter, "alive")) == "zombie":
        return state
    return "frozen" if {"FROZEN", "frozen 1"} & set(frozen.splitlines()) else state
