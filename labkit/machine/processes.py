"""The two processes of a machine, started so that neither outlives the supervisor, and the kernel's is confined."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import signal
import subprocess
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
        memory: a folder of its own for the file that is the guest's memory, which has no name.
    """

    parts: Path
    memory: Path


def choose_memory(where: Places, size: int) -> Path:
    """Return a folder for the guest's memory: on a tmpfs with room for all of it, else among the machine's own."""
    for folder in (Path("/dev/shm"), where.run):
        if has_room(folder, size + size // 8) and (folder != where.run or _is_tmpfs(folder)):
            return folder
    return where.state


def start_network(where: Places, parts: Path, log: int) -> tuple[subprocess.Popen[bytes], int]:
    """Start slirp4netns; return it, and the end of a pipe that keeps it alive while it is open."""
    listens, keeps = os.pipe()
    host = parts / HOST
    words = slirp.command(Path(LOADER), where.run / "line", where.run / "network", exit_fd=listens)[1:]
    command = through_loader(host, "slirp4netns", *words)
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[listens], preexec_fn=_lead
    )
    os.close(listens)
    return process, keeps


def start_kernel(where: Places, paths: Paths, memory: int, log: int, *, confined: bool) -> subprocess.Popen[bytes]:
    """Start the user-mode kernel."""
    host, root = paths.parts / HOST, paths.parts / ROOT_IMAGE
    environ = {"PATH": os.defpath, "HOME": str(where.run), "TMPDIR": str(paths.memory)}
    command = [str(host / "linux"), *_kernel_line(where, root, memory)]
    readable = [host, root, where.run / "told.tar", Path("/proc/cpuinfo"), Path("/dev/random")]
    own = where.run / GUEST
    own.mkdir(mode=0o700)
    writable = [own, where.changes, where.disk, paths.memory, Path("/dev/null"), Path("/dev/ptmx")]

    def prepare() -> None:
        _lead()
        _stay_on_one_processor()
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
    names = [f"uml_dir={where.run / GUEST}/", "umid=kernel"]
    return [
        f"mem={memory // MB}M",
        *disks,
        "root=/dev/ubda",
        "rw",
        "init=/init",
        QUICK,
        LOOPBACK,
        *consoles,
        "seccomp=auto",
        network,
        *names,
    ]


QUICK = "initcall_blacklist=raid6_init"
"""Leave out the race of RAID's arithmetics, for disks that the machine does not have: it took 0.85 s of a start."""

LOOPBACK = "sysctl.net.ipv4.conf.vec0.route_localnet=1"
"""Let the network lead to the guest's loopback: that is where ``docker run -p 127.0.0.1:8080:80`` publishes."""

COW = "cow"
"""The file of what the guest has changed of its root, in a folder of its own: the kernel makes it itself."""

GUEST = "guest"
"""The folder below ``run`` that is the kernel's: a root user of the guest can write there."""

CONSOLE = f"{GUEST}/kernel/mconsole"
"""The socket of the kernel's console, below ``run``."""


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process, with all of the group that it leads."""
    with contextlib.suppress(ProcessLookupError):  # the group may be there when its leader is not
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def become_reaper() -> None:
    """Be the parent of whatever is orphaned below: the guest's processes are processes of the host, too."""
    _libc.prctl(SUBREAPER, 1, 0, 0, 0)


def _stay_on_one_processor() -> None:
    """Keep the kernel and the guest's processes on one processor, by chance: ``sched_setaffinity(2)``.

    Each page fault and system call of the guest goes to the kernel's process and back, and the guest has one
    processor anyway. Where the two sit on different ones, each way wakes another: twice as slow, as measured.
    """
    os.sched_setaffinity(0, {random.choice(sorted(os.sched_getaffinity(0)))})


def _lead() -> None:
    """Lead a process group, and end with the process that started this one."""
    os.setpgid(0, 0)
    _libc.prctl(DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)


def _is_tmpfs(folder: Path) -> bool:
    try:
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    except OSError:
        return False
    around = [fields for fields in mounts if folder.is_relative_to(fields[1])]
    return bool(around) and max(around, key=lambda fields: len(fields[1]))[2] == "tmpfs"
