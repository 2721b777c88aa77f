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
_PT_INTERP = 3
_PROCESSORS = {
    (0x3E, 64, "<"): "amd64",
    (0xB7, 64, "<"): "arm64",
    (0x28, 32, "<"): "arm",
    (0x03, 32, "<"): "386",
    (0x15, 64, "<"): "ppc64le",
    (0x16, 64, ">"): "s390x",
    (0xF3, 64, "<"): "riscv64",
}
"""``e_machine``, bits and byte order → the name that Docker has for it."""
_LAYOUTS = {1: (32, "18xH8x2I6x4H", "2I8xI"), 2: (64, "18xH12x2Q6x4H", "I4xQ16xQ")}
"""The file's class → bits; where the header has the fields that ``_header`` names; the same in a segment's."""


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
        PartMissing: if it is not an ELF file for Linux, not whole, not static, or not busybox.
    """
    if data[:4] != b"\x7fELF":
        raise errors.PartMissing("not an ELF file", REMEDY)
    try:
        machine, segments = _header(data)
    except (LookupError, OverflowError, struct.error):
        raise errors.PartMissing("a damaged ELF file", REMEDY) from None
    if machine not in _PROCESSORS:
        raise errors.PartMissing("for an unknown processor (ELF machine {}, {} bits, {!r})".format(*machine), REMEDY)
    if _PT_INTERP in segments:
        raise errors.PartMissing("dynamically linked", REMEDY)
    return Busybox(data, _PROCESSORS[machine], _applets(data))


def _header(data: bytes) -> tuple[tuple[int, int, str], set[int]]:
    """What kind of machine a program is for, and the types of its segments.

    Raises:
        LookupError, OverflowError, struct.error: if the file ends before what its header promises.
    """
    (bits, header, segment), order = _LAYOUTS[data[4]], {1: "<", 2: ">"}[data[5]]
    machine, start, sections, size, count, *section = struct.unpack_from(order + header, data)
    found = [struct.unpack_from(order + segment, data, start + size * index) for index in range(count)]
    ends = [sections + section[0] * section[1], *(offset + length for _, offset, length in found)]
    if max(ends) > len(data):
        raise IndexError
    return (machine, bits, order), {kind for kind, *_ in found}


def _applets(data: bytes) -> tuple[str, ...]:
    """The commands, from the sorted table of names that busybox searches: ``[``, ``[[``, … ``zcat``."""
    start = data.find(b"[\0[[\0")
    table = data[start : start + 8192].split(b"\0") if start >= 0 else []
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
