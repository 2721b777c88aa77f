"""How many processes of a container are alive, are zombies, or are stopped, counted over time.

A zombie has ended, and keeps its number until its parent asks for its exit code: ``wait(2)``, Notes. Source of the
counts: ``proc_pid_stat(5)``, which older systems have in ``proc(5)``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from labkit import errors
from labkit.daemon import Daemon
from labkit.host import Host
from labkit.programs import run_program
from labkit.sandbox import Box


@dataclass(frozen=True)
class Sample:
    """How many processes there were at one moment; together they are those that have a number.

    Attributes:
        seconds: from the beginning of the census.
        alive: those that neither have ended nor are stopped.
        zombies: those that have ended, and for which nobody has waited.
        stopped: those that a signal, or a tracer, has stopped.
    """

    seconds: float
    alive: int
    zombies: int
    stopped: int = 0

    @property
    def total(self) -> int:
        """All that have a number."""
        return self.alive + self.zombies + self.stopped

    def __str__(self) -> str:
        if not self.total:
            return "all gone"
        zombies = f"{self.zombies or 'no'} zombie{'' if self.zombies < 2 else 's'}"
        stopped = f", {self.stopped} stopped" if self.stopped else ""
        return f"{self.alive} alive{stopped}, {zombies}"


@dataclass(frozen=True)
class Census:
    """The counts of one container, in order of time; there is at least one."""

    samples: tuple[Sample, ...]

    def __repr__(self) -> str:
        return f"<{len(self.samples)} samples in {self.last.seconds:.1f} s; in the end {self.last}>"

    @property
    def last(self) -> Sample:
        """The last count."""
        return self.samples[-1]


def count_states(host: Host, of: Box | int) -> Sample:
    """Count a container's first process and all that descend from it.

    What ``docker exec`` has started is a child of the shim: who looks that way is not counted.

    Args:
        host: the daemon's host.
        of: the container, or the number of its first process on that host.

    Raises:
        PathMissing: if there is no such process.
        SandboxError: if the container does not run.
    """
    return take_census(host, of, seconds=0).last


def take_census(
    host: Host,
    of: Box | int,
    *,
    seconds: float = 5,
    every: float = 0.1,
    until: Callable[[Sample], bool] = lambda _: False,
) -> Census:
    """Count a container's processes again and again, until its first one is gone, at the latest.

    Args:
        host: the daemon's host.
        of: the container, or the number of its first process on that host.
        seconds: how long.
        every: seconds from one count to the next; more on a host that answers more slowly.
        until: what it ends with, such as ``lambda sample: sample.zombies == 3``.

    Raises:
        PathMissing: if there is no such process to begin with.
        SandboxError: if the container does not run.
    """
    pid = _pid(of)
    samples = []
    for now, processes in _looks(host, seconds, every):
        samples.append(_count(now, processes, pid))
        if not samples[0].total:
            raise errors.PathMissing(f"There is no process {pid}.", "It has ended; ask for `box.pid` again.")
        if not samples[-1].total or until(samples[-1]):
            break
    return Census(tuple(samples))


def take_censuses(daemon: Daemon, host: Host, *runs: str, seconds: float = 4, every: float = 0.1) -> dict[str, Census]:
    """Run several of the course's programs side by side, and count the processes of each; return them by their words.

    Args:
        daemon: where they run.
        host: the daemon's host.
        runs: the words behind ``docker run``, such as ``"orphans"`` or ``"--init orphans"``.
        seconds, every: as for ``take_census()``.

    Raises:
        ImageError: if there is no such program.
        SandboxError: if one does not start, or something else stands among the words.
    """
    with ExitStack() as stack, ThreadPoolExecutor(len(runs) or 1) as pool:
        begun = [pool.submit(_start, daemon, run) for run in runs]
        for future in begun:
            if not future.exception():
                stack.enter_context(future.result())
        pids = {run: future.result().pid for run, future in zip(runs, begun, strict=True)}
        looks = list(_looks(host, seconds, every))
    return {run: Census(tuple(_count(now, found, pid) for now, found in looks)) for run, pid in pids.items()}


def _start(daemon: Daemon, run: str) -> Box:
    *options, name = run.split() or [""]
    if options not in ([], ["--init"]):
        raise errors.SandboxError(
            f"{run!r} is not understood.", 'Name a program, such as "orphans" or "--init orphans".'
        )
    return run_program(daemon, name, what="census", init=bool(options))


def _pid(of: Box | int) -> int:
    if isinstance(of, int):
        return of
    if not (pid := of.pid):
        raise errors.SandboxError(f"{of.name} does not run.", "Start it first: box.start().")
    return pid


Look = Mapping[int, tuple[str, int]]
"""The letter of each process's state, and its parent, by number."""


def _looks(host: Host, seconds: float, every: float) -> Iterator[tuple[float, Look]]:
    """Look at all processes at an even pace; yield when that was, in seconds, and what was seen."""
    begin = time.monotonic()
    while True:
        now = time.monotonic() - begin
        yield now, _look(host)
        behind = time.monotonic() - begin
        if now + every > seconds + every / 2:
            return
        time.sleep(max(now + every - behind, 0))  # a pace, not a wait for something


def _look(host: Host) -> Look:
    pids = [name for name in host.list("/proc") if name.isdecimal()]
    texts = host.read_each([f"/proc/{pid}/stat" for pid in pids])
    # The name of a program, in parentheses, may hold blanks and parentheses too.
    found = ((int(pid), text.rpartition(b")")[2].split()) for pid, text in zip(pids, texts, strict=True))
    return {pid: (words[0].decode(), int(words[1])) for pid, words in found if words}


def _count(now: float, processes: Look, first: int) -> Sample:
    """Count one process, if it is there, and all that descend from it."""
    offspring: dict[int, list[int]] = {}
    for pid, (_, parent) in processes.items():
        offspring.setdefault(parent, []).append(pid)
    family: list[int] = [first] if first in processes else []
    for pid in family:  # grows meanwhile
        family += offspring.get(pid, ())
    states = [processes[pid][0] for pid in family]
    zombies, stopped = _among("ZX", states), _among("Tt", states)
    return Sample(now, len(states) - zombies - stopped, zombies, stopped)


def _among(letters: str, states: Sequence[str]) -> int:
    return sum(state in letters for state in states)
