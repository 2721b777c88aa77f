"""The local part that every image of the course is made from: a static busybox for Linux.

The file is judged by its own contents (``elf(5)``), never by running it, so that a part for the daemon's
processor can lie on a computer with another one.
"""

from __future__ import annotations

import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from labkit import errors

PLACES = ("/bin/busybox", "/usr/bin/busybox", "/usr/lib/busybox/bin/busybox", "/bin/busybox.static")
_MACHINES = {0x3E: "amd64", 0xB7: "arm64", 0x28: "arm", 0x03: "386", 0x15: "ppc64le", 0x16: "s390x", 0xF3: "riscv64"}
_PT_INTERP = 3


@dataclass(frozen=True)
class Busybox:
    """A static busybox: its bytes, the processor it runs on, and the commands it knows."""

    data: bytes
    architecture: str
    applets: tuple[str, ...]

    def __repr__(self) -> str:
        return f"<busybox for {self.architecture}, {len(self.applets)} commands, {len(self.data)} bytes>"


def find(architecture: str) -> Busybox:
    """Return the first static busybox for ``architecture`` on this computer.

    ``LABKIT_BUSYBOX`` names a file to look at first.

    Raises:
        PartMissing: if there is none; the reason for each file that was looked at is in the text.
    """
    wanted = os.environ.get("LABKIT_BUSYBOX")
    reasons = []
    for place in [wanted, *PLACES] if wanted else PLACES:
        try:
            part = read(Path(place).read_bytes())
        except (OSError, errors.PartMissing) as error:
            reasons.append(f"{place}: {error.strerror if isinstance(error, OSError) else error.problem}")
            continue
        if part.architecture == architecture:
            return part
        reasons.append(f"{place}: for {part.architecture}")
    raise errors.PartMissing(
        f"There is no static busybox for {architecture} on this computer ({'; '.join(reasons)}).", REMEDY
    )


def read(data: bytes) -> Busybox:
    """Read a busybox from the bytes of its file.

    Raises:
        PartMissing: if it is not an ELF file for Linux, not static, or not busybox.
    """
    if data[:4] != b"\x7fELF":
        raise errors.PartMissing("not an ELF file", REMEDY)
    machine = struct.unpack_from(_order(data) + "H", data, 18)[0]
    if machine not in _MACHINES:
        raise errors.PartMissing(f"for an unknown processor (ELF machine {machine})", REMEDY)
    if _PT_INTERP in _segments(data):
        raise errors.PartMissing("dynamically linked", REMEDY)
    return Busybox(data, _MACHINES[machine], _applets(data))


def _order(data: bytes) -> str:
    return "<" if data[5] == 1 else ">"


def _segments(data: bytes) -> list[int]:
    """The types of the program headers: ``e_phoff``, ``e_phentsize`` and ``e_phnum`` say where they are."""
    wide = data[4] == 2
    order = _order(data)
    start = struct.unpack_from(order + ("Q" if wide else "I"), data, 32 if wide else 28)[0]
    size, count = struct.unpack_from(order + "HH", data, 54 if wide else 42)
    return [struct.unpack_from(order + "I", data, start + size * index)[0] for index in range(count)]


def _applets(data: bytes) -> tuple[str, ...]:
    """The commands, from the sorted table of names that busybox searches: ``[``, ``[[``, … ``zcat``."""
    start = data.find(b"\0[\0[[\0")
    table = data[start + 1 : start + 8192].split(b"\0") if start >= 0 else []
    names: list[str] = []
    for name in table:
        if not re.fullmatch(rb"[\[a-z0-9_.+-]+", name):
            break
        names.append(name.decode())
    if "sh" not in names:
        raise errors.PartMissing("not a busybox with a shell", REMEDY)
    return tuple(names)


REMEDY = (
    "On Debian or Ubuntu: `sudo apt install busybox-static`. "
    "Without network: `labkit images load KIT.tar`, with a kit that somebody made by `labkit images pack KIT.tar`. "
    "From the registry, if you agree to a download of 1 MB: `labkit images build --pull`."
)
