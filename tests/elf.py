"""A busybox made by hand: the header of an ELF file (``elf(5)``), its segments, and a table of commands."""

from __future__ import annotations

import struct
from collections.abc import Sequence

LOAD, INTERP = 1, 3
COMMANDS = ("[", "[[", "ash", "cat", "sh", "zcat")


def busybox(
    machine: int = 0x3E,
    *,
    bits: int = 64,
    order: str = "<",
    segments: Sequence[int] = (LOAD,),
    commands: Sequence[str] = COMMANDS,
) -> bytes:
    """Return the bytes of a program for ``machine``, whole to the last byte and without any code in it.

    Args:
        machine: ``e_machine``: 0x3E for amd64, 0xB7 for arm64.
        bits: 32 or 64.
        order: ``<`` for little-endian, ``>`` for big-endian.
        segments: the type of each; ``INTERP`` makes it dynamically linked.
        commands: what the table of commands holds.
    """
    start, size = (64, 56) if bits == 64 else (52, 32)
    body = start + size * len(segments)
    table = b"\0" + b"".join(name.encode() + b"\0" for name in commands) + b"\0"
    ident = b"\x7fELF" + bytes([2 if bits == 64 else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    address = "Q" if bits == 64 else "I"
    counts = (start, size, len(segments), 0, 0, 0)
    header = struct.pack(f"{order}2HI3{address}I6H", 2, machine, 1, 0, start, 0, 0, *counts)
    layout = (f"{order}2I6Q", "type flags offset addr addr length length align")
    if bits == 32:
        layout = (f"{order}8I", "type offset addr addr length length flags align")
    values = {"flags": 5, "offset": body, "addr": 0, "length": len(table), "align": 1}
    entries = [struct.pack(layout[0], *(({"type": t} | values)[w] for w in layout[1].split())) for t in segments]
    return ident + header + b"".join(entries) + table
