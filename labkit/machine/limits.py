"""How much the machine may take of its host: what the user asked for, or a sensible part of what there is."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from labkit import errors

MB, GB = 1 << 20, 1 << 30
LEAST_MEMORY, LEAST_DISK = 256 * MB, 512 * MB
MOST_MEMORY, MOST_DISK = 2 * GB, 16 * GB

_UNITS = {"": 1, "K": 1 << 10, "M": MB, "G": GB, "T": 1 << 40}


def read_size(text: str) -> int:
    """Return a size in bytes: ``512M``, ``1.5G``, ``2GiB``.

    Raises:
        MachineError: if it is none.

    >>> read_size("1.5G") == 1536 * MB
    True
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*", text, re.IGNORECASE)
    if not found:
        raise errors.MachineError(f"{text!r} is no size.", "Write it as 512M or 2G.")
    return int(float(found[1]) * _UNITS[found[2].upper()])


def memory(asked: str = "") -> int:
    """Return the guest's memory in bytes: half of what is free to this user, within bounds, or what was asked for.

    Raises:
        MachineError: if a daemon could not run in it.
    """
    size = read_size(asked) if asked else max(LEAST_MEMORY, min(_allowed() // 2, MOST_MEMORY))
    return _check("--memory", asked, size, LEAST_MEMORY)


def disk(folder: Path, asked: str = "") -> int:
    """Return the size of the guest's disk in bytes: half of the room in the folder, within bounds, or what was asked.

    The file grows as it is written to.

    Raises:
        MachineError: if no image would find room in it.
    """
    free = shutil.disk_usage(folder).free
    size = read_size(asked) if asked else min(free // 2, MOST_DISK)
    if not asked and size < LEAST_DISK:
        raise errors.MachineError(
            f"{folder} has {free // MB} MB left; the machine's disk needs at least {2 * LEAST_DISK // MB}.",
            "Make room there, or set XDG_STATE_HOME to a folder with more.",
        )
    return _check("--disk", asked, size, LEAST_DISK)


def _check(option: str, asked: str, size: int, least: int) -> int:
    if size < least:
        raise errors.MachineError(f"{option} {asked} is too little.", f"Give at least {least // MB}M.")
    return size // MB * MB


def _allowed() -> int:
    """Bytes of memory that this process may use: what its cgroups allow, or what the computer has free."""
    available = re.search(r"^MemAvailable: +(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    allowed = [int(available[1]) << 10] if available else []
    for file in _memory_files(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")):
        with contextlib.suppress(OSError, ValueError):  # it is not there, or says "max"
            allowed.append(int(file.read_text()))
    return min(allowed, default=0)


def _memory_files(own: Path, mounted: Path) -> Iterator[Path]:
    """Yield the files that may limit the memory of this process, its own cgroup's and those above: ``cgroups(7)``."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        lines = []
    for _, controllers, path in [("0", "", "/"), *(line.split(":", 2) for line in lines)]:
        place = PurePosixPath(path.strip("/"))
        if not controllers:
            yield from (mounted / above / "memory.max" for above in (place, *place.parents))
        elif "memory" in controllers.split(","):
            yield from (mounted / "memory" / above / "memory.limit_in_bytes" for above in (place, *place.parents))


def has_room(folder: Path, size: int) -> bool:
    """Tell whether a folder has room for that many bytes, and runs what lies in it."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    return found.f_bavail * found.f_frsize >= size and not found.f_flag & os.ST_NOEXEC and os.access(folder, os.W_OK)
