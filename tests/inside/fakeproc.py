"""A folder that looks like ``/proc``, and hosts on which the kernel refuses something."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from labkit.host import explain
from labkit.local import LocalHost

NAMESPACES = {"cgroup": 35, "ipc": 39, "mnt": 32, "net": 33, "pid": 36, "time": 34, "user": 37, "uts": 38}
"""The namespaces of a host, by numbers of our own."""

STAT = "{pid} ({name}) {state} {parent}" + " 0" * 17 + " {started} 0 0\n"
STATUS = """Name:\t{name}
Umask:\t0022
State:\t{state} (somehow)
Tgid:\t{pid}
Pid:\t{pid}
PPid:\t{parent}
TracerPid:\t0
Uid:\t0\t1\t2\t3
Gid:\t4\t5\t6\t7
{inside}VmPeak:\t    2268 kB
"""


def add_process(
    root: Path,
    pid: int,
    parent: int = 0,
    name: bytes = b"sleep",
    words: Iterable[bytes] = (),
    *,
    state: str = "S",
    inside: str | None = None,
    started: int = 0,
) -> None:
    """Make the files of one process.

    Args:
        root: the folder that plays ``/``.
        pid, parent, state, started: as in ``Process``.
        name: up to 15 bytes; in ``status`` as the kernel's ``proc_task_name()`` writes it, in ``stat`` as it is.
        words: the command line.
        inside: the rest of ``NSpid``; None on a kernel that has none.
    """
    folder = root / "proc" / str(pid)
    folder.mkdir(parents=True, exist_ok=True)
    escaped = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")
    numbers = "" if inside is None else f"NSpid:\t{pid}\t{inside}\n"
    facts = {"pid": pid, "parent": parent, "state": state, "started": started, "inside": numbers}
    status = STATUS.format(name=os.fsdecode(escaped), **facts)
    (folder / "status").write_bytes(os.fsencode(status))
    (folder / "stat").write_bytes(os.fsencode(STAT.format(name=os.fsdecode(name), **facts)))
    (folder / "cmdline").write_bytes(b"".join(word + b"\0" for word in words))


def add_namespaces(root: Path, pid: int, numbers: Mapping[str, int]) -> None:
    """Make the links in ``/proc/<pid>/ns``, those to the namespaces of future children too."""
    folder = root / "proc" / str(pid) / "ns"
    folder.mkdir(parents=True)
    for kind, number in numbers.items():
        (folder / kind).symlink_to(f"{kind}:[{number}]")
        if kind in ("pid", "time"):
            (folder / f"{kind}_for_children").symlink_to(f"{kind}:[{number}]")


class Guarded(LocalHost):
    """A host whose kernel does not let us read what is below some paths."""

    def __init__(self, root: Path, *closed: str) -> None:
        super().__init__(root)
        self.closed = closed

    def _open(self, path: str) -> None:
        if path.startswith(self.closed):
            raise explain(path, errno.EACCES, os.strerror(errno.EACCES))

    def read(self, path: str, *, offset: int = 0, limit: int | None = None) -> bytes:
        """Read it, or be refused."""
        self._open(path)
        return super().read(path, offset=offset, limit=limit)

    def readlink(self, path: str) -> str:
        """Follow it, or be refused."""
        self._open(path)
        return super().readlink(path)
