"""Processes as ``/proc`` shows them, inside and outside of containers, and whose children they are.

Sources: ``proc(5)``, which newer systems split into ``proc_pid_status(5)``, ``proc_pid_stat(5)``,
``proc_pid_cmdline(5)`` and ``proc_pid_exe(5)``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from labkit import errors
from labkit.host import Host, decode

STATES = {
    "R": "running",
    "S": "sleeping",
    "D": "waiting for a disk",
    "T": "stopped",
    "t": "stopped by a tracer",
    "Z": "zombie",
    "X": "dead",
    "I": "idle kernel thread",
}
"""What the letter after ``State:`` stands for (``proc_pid_status(5)``)."""

SHIM = "containerd-shim"
"""The name of the process that stands between containerd and a container; the kernel keeps 15 letters of a name."""


@dataclass(frozen=True)
class Process:
    """One process, as the daemon's host sees it.

    Attributes:
        pid: its number on the host.
        pids: its numbers in all PID namespaces that it is in, from the host's to its own (``NSpid``, Linux 4.1).
        parent: the number of its parent on the host; 0 where the parent is the kernel, or outside of what we see.
        name: the first 15 letters of its program's name, or what it calls itself (``Name``).
        words: its command line; empty for a zombie and for a thread of the kernel.
        state: a letter of ``STATES``.
        uids, gids: real, effective, saved and file system id of user and group.
        started: clock ticks from the boot of the kernel to its start; a number that was used twice differs here.
    """

    pid: int
    pids: tuple[int, ...]
    parent: int
    name: str
    words: tuple[str, ...] = ()
    state: str = field(default="S", repr=False)
    uids: tuple[int, ...] = field(default=(0, 0, 0, 0), repr=False)
    gids: tuple[int, ...] = field(default=(0, 0, 0, 0), repr=False)
    started: int = field(default=0, repr=False)

    @property
    def inside(self) -> int:
        """Its number in its own PID namespace: what it would call itself."""
        return self.pids[-1]

    @property
    def depth(self) -> int:
        """How many PID namespaces deep it lives below the host's."""
        return len(self.pids) - 1

    @property
    def command(self) -> str:
        """Its command line as ``ps`` shows it: where there is none, the name in brackets; always one line."""
        return _printable(" ".join(self.words) or f"[{self.name}]")


def read_process(host: Host, pid: int) -> Process:
    """Read the facts of one process.

    Raises:
        PathMissing: if there is no such process, or it has ended.
        PathForbidden: if the host hides other users' processes (``hidepid``, ``proc(5)``).
    """
    if found := parse_process(*map(decode, host.read_each(_files(pid)))):
        return found
    host.read(f"/proc/{pid}/status")  # says why
    raise errors.PathMissing(f"/proc/{pid} could not be read as a whole.", "The process ended meanwhile: look again.")


def read_processes(host: Host) -> dict[int, Process]:
    """Read all processes, by their numbers on the host, in two questions, however many there are.

    What ends meanwhile is left out, and so is what the host hides (``hidepid``, ``proc(5)``).
    """
    pids = sorted(int(name) for name in host.list("/proc") if name.isdecimal())
    texts = map(decode, host.read_each([file for pid in pids for file in _files(pid)]))
    found = (parse_process(*three) for three in zip(texts, texts, texts, strict=True))
    return {process.pid: process for process in found if process}


def _files(pid: int) -> list[str]:
    return [f"/proc/{pid}/{name}" for name in ("status", "stat", "cmdline")]


def parse_process(status: str, stat: str, cmdline: str) -> Process | None:
    """Make a process from the texts of its files; None where it ended before the first two were read.

    Args:
        status: lines of a name, a colon, a tab and values.
        stat: one line; the 22nd field is the start. The name in it may hold blanks and parentheses.
        cmdline: the words, each ended by a zero byte.
    """
    fields = dict(line.split(":\t", 1) for line in status.split("\n") if ":\t" in line)
    numbers = stat.rpartition(")")[2].split()
    if not fields or not numbers:
        return None
    return Process(
        pid=int(fields["Pid"]),
        pids=_numbers(fields.get("NSpid") or fields["Pid"]),
        parent=int(fields["PPid"]),
        name=_unescaped(fields["Name"]),
        words=tuple(cmdline.removesuffix("\0").split("\0")) if cmdline else (),
        state=fields["State"][0],
        uids=_numbers(fields["Uid"]),
        gids=_numbers(fields["Gid"]),
        started=int(numbers[19]),
    )


def _printable(text: str) -> str:
    """Return a text that any terminal shows in one line: a question mark for each letter that would move it."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _numbers(words: str) -> tuple[int, ...]:
    return tuple(map(int, words.split()))


def _unescaped(name: str) -> str:
    r"""In ``status`` a name's newline is written ``\n`` and its backslash ``\\``."""
    return re.sub(r"\\(n|\\)", lambda found: "\n" if found[1] == "n" else "\\", name)


def read_program(host: Host, pid: int) -> str:
    """Return the path of the program that a process executes, as its own mount namespace calls it.

    Raises:
        PathMissing: if it has ended, or is a thread of the kernel: that executes no file.
        PathForbidden: if the kernel refuses, as it does for processes that a user may not trace.
    """
    return host.readlink(f"/proc/{pid}/exe")


# --- Whose children they are ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tree:
    """A process with all that descend from it; ``print`` draws it with lines, and marks a container's border.

    Attributes:
        process: the one at the top.
        children: those that it started, or that were given to it when their parent ended, oldest first.
    """

    process: Process
    children: tuple[Tree, ...] = ()

    def __iter__(self) -> Iterator[Process]:
        """Go through all processes of the tree, parents before children."""
        yield self.process
        for child in self.children:
            yield from child

    def __str__(self) -> str:
        return "\n".join(_lines(self, "", ""))

    def crosses(self, child: Tree) -> bool:
        """Whether a container's border lies between this process and a child of it."""
        return _is_shim(self.process) or child.process.depth > self.process.depth


def _is_shim(process: Process) -> bool:
    """Whether a process starts containers; inside of one, a name means nothing."""
    return process.name.startswith(SHIM) and process.depth == 0


def _lines(tree: Tree, before: str, below: str) -> Iterator[str]:
    """The lines of a tree; ``before`` leads the first of them, ``below`` the others."""
    process = tree.process
    inside = f", inside {process.inside}" if process.depth else ""
    yield f"{before}{process.command if process.depth else _printable(process.name)} ({process.pid}{inside})"
    for child in tree.children:
        corner, line = ("└", " ") if child is tree.children[-1] else ("├", "│")
        arm = "═╪" if tree.crosses(child) else "──"
        yield from _lines(child, f"{below}{corner}{arm} ", f"{below}{line}   ")


def grow_tree(processes: Mapping[int, Process], pid: int) -> Tree:
    """Return the tree that begins with process ``pid``, out of all processes, by their numbers.

    Raises:
        PathMissing: if there is no such process.
    """
    if pid not in processes:
        raise errors.PathMissing(f"There is no process {pid}.", "It has ended; read the processes again.")
    offspring = dict[int, list[Process]]()
    for process in sorted(processes.values(), key=lambda process: (process.started, process.pid)):
        if process.pid != pid:  # where a number was used again meanwhile, one may seem to descend from itself
            offspring.setdefault(process.parent, []).append(process)

    def grown(process: Process) -> Tree:
        return Tree(process, tuple(map(grown, offspring.get(process.pid, ()))))

    return grown(processes[pid])


def find_ancestors(processes: Mapping[int, Process], pid: int) -> list[Process]:
    """Return a process's parent, grandparent, and so on, as far as they are seen."""
    found = [processes[pid]] if pid in processes else []
    while found and (above := processes.get(found[-1].parent)) and above not in found:
        found.append(above)
    return found[1:]


def container_tree(processes: Mapping[int, Process], pid: int) -> Tree:
    """Return a container's processes below all that stand above them on the host, from the top down.

    What else descends from those above is left out; what ``docker exec`` has started is a child of the same shim.
    With ``--pid container:…``, what lost its parent is given to the other container's first process, and is there.

    Args:
        processes: all that there are, by number.
        pid: the container's first process, ``State.Pid`` of ``docker inspect``.

    Raises:
        PathMissing: if there is no such process.
    """
    above = find_ancestors(processes, pid)
    start = above[0].pid if above and _is_shim(above[0]) else pid
    found = grow_tree(processes, start)
    for process in find_ancestors(processes, start):
        found = Tree(process, (found,))
    return found


def read_tree(host: Host, pid: int) -> Tree:
    """Read the processes of a container and those above them: ``print(read_tree(host, box.pid))``.

    Raises:
        PathMissing: if there is no such process.
    """
    return container_tree(read_processes(host), pid)
