"""Which namespaces a process is in, and who shares them.

A namespace is a kernel's answer to "what is there?" for those who are in it. ``/proc/<pid>/ns`` has one link for each
kind, such as ``net -> net:[4026531833]``; two processes are in the same namespace if the numbers are equal.

Sources: ``namespaces(7)``, and ``proc_pid_ns(5)``, which older systems have in ``proc(5)``.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from labkit import errors
from labkit.host import Host
from labkit.hosts import open_host
from labkit.inside.processes import read_process, read_processes
from labkit.sandbox import Box

KINDS = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")
"""The kinds of namespaces, by the names of their links; ``cgroup`` came with Linux 4.6, ``time`` with 5.6."""


class _TheHost:
    """The type of ``HOST``."""

    name = "host"

    def __repr__(self) -> str:
        return "HOST"


HOST: Final = _TheHost()
"""The daemon's host, where a container could stand: ``same_namespace("net", HOST, web)``."""


def read_namespaces(host: Host, pid: int) -> dict[str, int]:
    """Return the number of each namespace that a process is in, by kind: those kinds that the host's kernel has.

    Raises:
        PathMissing: if there is no such process, or it has ended: a zombie has left its namespaces.
        PathForbidden: if the kernel refuses, as it does for processes that a user may not trace (``ptrace(2)``).
    """
    folder = f"/proc/{pid}/ns"
    there = host.list(folder)
    return {kind: _number(host.readlink(f"{folder}/{kind}")) for kind in KINDS if kind in there}


def _number(link: str) -> int:
    """The number of ``net:[4026531833]``: the inode, by which the kernel calls the namespace."""
    found = re.fullmatch(r"\w+:\[(\d+)\]", link)
    if not found:
        raise errors.HostError(f"{link!r} is not a namespace.", "namespaces(7) says how their links look.")
    return int(found[1])


# --- The host's own ------------------------------------------------------------------------------------------


def host_process(host: Host, *pids: int) -> int:
    """Return a process that is in the host's own namespaces: in those that ``docker run --network host`` means.

    These are the daemon's. The first of the following whose namespaces can be read is taken:

    1. What started the containers, where some are named: the shim is not in a container, but beside the daemon.
    2. Process 1 of the host. The kernel may refuse to show it, even to root, if it has more rights than we.
    3. The oldest process that is called ``dockerd``. Of several daemons on a host it may be another's, and one
       that runs in a container counts as little as any other process there.
    4. ``kthreadd``, which the kernel has started itself: a thread of the kernel is in its first namespaces.

    On most hosts all of them are in the same namespaces. They are not where the daemon itself lives in a container
    or in a network namespace; only the first answer is sure then.

    Args:
        host: the daemon's host.
        pids: processes that the daemon has started, ``Box.pid``.

    Raises:
        PathForbidden: if no process can be read that is known to be there.
    """
    for pid in _candidates(host, pids):
        with contextlib.suppress(errors.PathMissing, errors.PathForbidden):
            host.readlink(f"/proc/{pid}/ns/mnt")
            return pid
    raise errors.PathForbidden(
        "no process can be read that is known to be in the host's namespaces.",
        "Set LABKIT_HOST=helper: the helper container may read what it shares with the host.",
    )


def _candidates(host: Host, pids: Iterable[int]) -> Iterator[int]:
    """The processes to try, best first; 0 stands for one that is not seen from here."""
    for pid in pids:
        with contextlib.suppress(errors.PathMissing, errors.PathForbidden):
            yield read_process(host, pid).parent
    yield 1
    processes = sorted(read_processes(host).values(), key=lambda process: process.started)
    yield from (process.pid for process in processes if process.name == "dockerd" and process.depth == 0)
    yield from (process.pid for process in processes if process.name == "kthreadd" and process.parent == 0)


# --- Who shares what -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """Who is in which namespace.

    Attributes:
        names: those who are compared, ``"host"`` first.
        ids: for each kind the numbers of their namespaces, in the order of ``names``.
    """

    names: tuple[str, ...]
    ids: Mapping[str, tuple[int, ...]]

    def shared(self, one: str, other: str) -> list[str]:
        """Return the kinds of which two have the same namespace.

        Raises:
            ValueError: if one of them is not compared here.
        """
        first, second = self.names.index(one), self.names.index(other)
        return [kind for kind, ids in self.ids.items() if ids[first] == ids[second]]

    def groups(self, kind: str) -> list[tuple[str, ...]]:
        """Return the names, those together who share a namespace of this kind, in order of appearance.

        Raises:
            KeyError: if the host's kernel has no such kind.
        """
        together: dict[int, tuple[str, ...]] = {}
        for name, number in zip(self.names, self.ids[kind], strict=True):
            together[number] = (*together.get(number, ()), name)
        return list(together.values())

    def __str__(self) -> str:
        """A table: a letter for each namespace, the same letter for the same one in a row; ``a`` is the host's."""
        wide = [max(len(name), 1) for name in self.names]
        head = " ".join(["      ", *(name.ljust(width) for name, width in zip(self.names, wide, strict=True))])
        return "\n".join([head.rstrip(), *(self._row(kind, wide) for kind in self.ids)])

    def _row(self, kind: str, wide: list[int]) -> str:
        groups = self.groups(kind)
        letters = [next(chr(97 + n) for n, group in enumerate(groups) if name in group) for name in self.names]
        cells = (letter.ljust(width) for letter, width in zip(letters, wide, strict=True))
        return " ".join([f"{kind:6}", *cells]).rstrip()


def compare_namespaces(host: Host, *boxes: Box) -> Comparison:
    """Compare the namespaces of running containers with the host's and with each other's.

    Args:
        host: the daemon's host.
        boxes: the containers; of each, its first process is looked at.

    Raises:
        SandboxError: if one of them does not run, or is gone.
        PathForbidden: if the namespaces of one, or those of the host, cannot be read.
    """
    pids = [_pid(box) for box in boxes]
    columns = [read_namespaces(host, pid) for pid in (host_process(host, *pids), *pids)]
    kinds = [kind for kind in KINDS if all(kind in column for column in columns)]
    return Comparison(
        ("host", *(box.name for box in boxes)), {kind: tuple(column[kind] for column in columns) for kind in kinds}
    )


def _pid(box: Box) -> int:
    if pid := box.pid:
        return pid
    raise errors.SandboxError(f"{box.name} does not run.", "Only processes are in namespaces: start it first.")


def same_namespace(kind: str, one: Box | _TheHost, other: Box | _TheHost) -> bool:
    """Tell whether two containers, or a container and ``HOST``, share the namespace of a kind.

    Args:
        kind: one of ``KINDS``.
        one, other: running containers of the same daemon, or ``HOST``.

    Raises:
        ValueError: if the host's kernel has no such kind, or no container is named.
        SandboxError: if one of them does not run, or is gone.
        PathForbidden: if the namespaces of one, or those of the host, cannot be read.
    """
    boxes = [box for box in (one, other) if isinstance(box, Box)]
    if not boxes:
        raise ValueError("the host shares every namespace with itself: name a container")
    host = open_host(boxes[0].daemon)
    try:
        ids = compare_namespaces(host, *boxes).ids
    finally:
        host.close()
    if kind not in ids:
        raise ValueError(f"{kind!r} is none of this kernel's namespaces: {', '.join(ids)}")
    return ids[kind][-2] == ids[kind][-1]
