"""The two processes of a machine, started so that neither outlives the supervisor, and the kernel's is confined."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labkit.machine import landlock, slirp
from labkit.machine.build import HOST, ROOT_IMAGE
from labkit.machine.layout import LOADER, through_loader
from labkit.machine.limits import MB, has_room
from labkit.machine.places import Places

DEATH_SIGNAL, SUBREAPER = 1, 36
"""``prctl(2)``."""

_libc = ctypes.CDLL(None)


@dataclass(frozen=True)
class Paths:
    """What the two need beside the machine's own folders.

    Attributes:
        parts: the built parts.
        memory: a folder for the file that is the guest's memory, which has no name.
    """

    parts: Path
    memory: Path


def choose_memory(where: Places, size: int) -> Path:
    """Return a folder for the guest's memory: on a tmpfs with room for all of it, else among the machine's own."""
    for folder in (Path("/dev/shm"), where.run):
        if has_room(folder, size + size // 8) and (folder != where.run or _is_tmpfs(folder)):
            return folder
    return where.state


def start_network(where: Places, paths: Paths, log: int) -> tuple[subprocess.Popen[bytes], int]:
    """Start slirp4netns; return it, and the end of a pipe that keeps it alive while it is open."""
    listens, keeps = os.pipe()
    host = paths.parts / HOST
    words = slirp.command(Path(LOADER), where.run / "line", where.run / "network", exit_fd=listens)[1:]
    command = through_loader(host, "slirp4netns", *words)
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[listens], preexec_fn=_mortal
    )
    os.close(listens)
    return process, keeps


def start_kernel(where: Places, paths: Paths, memory: int, log: int, *, confined: bool) -> subprocess.Popen[bytes]:
    """Start the user-mode kernel in a process group of its own."""
    host, root = paths.parts / HOST, paths.parts / ROOT_IMAGE
    environ = {"PATH": os.defpath, "HOME": str(where.run), "TMPDIR": str(paths.memory)}
    command = [str(host / "linux"), *_kernel_line(where, root, memory)]
    readable = [host, root, Path("/proc"), Path("/dev"), Path("/sys/fs/cgroup")]
    writable = [
        where.run,
        where.changes,
        where.disk,
        paths.memory,
        Path("/dev/null"),
        Path("/dev/ptmx"),
        Path("/dev/pts"),
    ]

    def prepare() -> None:
        os.setpgid(0, 0)
        _mortal()
        if confined:
            landlock.confine(filter(Path.exists, readable), filter(Path.exists, writable))

    return subprocess.Popen(
        command,
        env=environ,
        cwd=where.run,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        preexec_fn=prepare,
    )


def _kernel_line(where: Places, root: Path, memory: int) -> list[str]:
    """The words that tell the kernel what it has: Linux's ``kernel-parameters``, and its own ``--help``."""
    disks = [f"ubd0={where.changes / COW},{root}", f"ubd1r={where.run / 'told.tar'}", f"ubd2={where.disk}"]
    consoles = ["con=null", "con0=null,fd:1", "con1=null", "ssl=null", "quiet"]
    network = f"vec0:transport=bess,dst={where.run / 'line'},depth=128,gro=1"
    names = [f"uml_dir={where.run}/", f"umid={CONSOLE}"]
    return [
        f"mem={memory // MB}M",
        *disks,
        "root=/dev/ubda",
        "rw",
        "init=/init",
        *consoles,
        "seccomp=auto",
        network,
        *names,
    ]


COW = "cow"
"""The file of what the guest has changed of its root, in a folder of its own: the kernel makes it itself."""

CONSOLE = "kernel"
"""The folder of the kernel's console, below ``run``."""


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process, with all of its group where it leads one."""
    try:
        if os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except ProcessLookupError:
        pass
    process.wait()


def become_reaper() -> None:
    """Be the parent of whatever is orphaned below: the guest's processes are processes of the host, too."""
    _libc.prctl(SUBREAPER, 1, 0, 0, 0)


def _mortal() -> None:
    """End with the process that started this one."""
    _libc.prctl(DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def _is_tmpfs(folder: Path) -> bool:
    try:
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    except OSError:
        return False
    around = [fields for fields in mounts if folder.is_relative_to(fields[1])]
    return bool(around) and max(around, key=lambda fields: len(fields[1]))[2] == "tmpfs"
