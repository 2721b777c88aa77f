"""Give a program the one address that it will run at, as ``prelink(8)`` did: nothing is left to patch at its start.

Debian's dockerd can run at any address, so that the loader writes 330 964 pointers into it before it begins: 4 000
pages are read, copied and kept, at each start, and a page fault is dear in a user-mode kernel. Here it is done once,
into the file. (The price: its code lies at the same place each time.)

Source: ``elf(5)``, and the System V ABI's supplement for x86-64, on relocations.
"""

from __future__ import annotations

import struct

BASE = 0x400000
"""Where programs that cannot move lie."""

_EXEC, _DYN = 2, 3
"""What a file is."""

_LOAD, _DYNAMIC, _GNU_STACK = 1, 2, 0x6474E551
"""What a segment is."""

_RELATIVE, _JUMP_SLOT = 8, 7
"""What the loader adds its base to; the second only if it puts off looking for the symbol."""

_BY_NAME = {1, 5, 6, 18}
"""64, COPY, GLOB_DAT, TPOFF64: relocations that ask for a symbol."""

_PLTRELSZ, _STRTAB, _SYMTAB, _RELA, _RELASZ, _JMPREL, _RELR = 2, 5, 6, 7, 8, 23, 36
_FLAGS_1, _RELACOUNT, _PIE = 0x6FFFFFFB, 0x6FFFFFF9, 0x08000000
_LATER = {0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFC, 0x6FFFFFFE}
_ADDRESSES = {3, 4, _STRTAB, _SYMTAB, _RELA, 12, 13, _JMPREL, 25, 26, 32} | _LATER
"""The entries of the dynamic section that are addresses."""

_STT_TLS = 6
"""The type of a symbol whose value is no address."""

_ENTRY, _SECTIONS = 24, 40
"""Where the header says where to begin, and where the table of sections is."""


class CannotPrelink(ValueError):
    """The program is another than those that are understood here; the text says how."""


def prelink(program: bytes) -> bytes:
    """Return a program, as linked for any address, for ``BASE`` alone.

    Raises:
        CannotPrelink: if it is no such program, or has more than the plainest relocations.
    """
    if program[:6] != b"\x7fELF\2\1" or struct.unpack_from("<HH", program, 16) != (_DYN, 0x3E):
        raise CannotPrelink("it is no position-independent program for x86-64")
    made = _Program(bytearray(program))
    made.relocate()
    made.move()
    return bytes(made.data)


class _Program:
    def __init__(self, data: bytearray) -> None:
        self.data = data
        place, size, number = struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54)
        self.headers = [place + size * index for index in range(number)]
        segments = [struct.unpack_from("<IIQQQQ", data, header) for header in self.headers]
        self.loaded: list[tuple[int, int, int]] = [
            (address, size, offset) for kind, _, offset, address, _, size in segments if kind == _LOAD
        ]
        [(self.dynamic, length), *_] = [(offset, size) for kind, _, offset, _, _, size in segments if kind == _DYNAMIC]
        entries = struct.iter_unpack("<QQ", data[self.dynamic : self.dynamic + length])
        self.entries: dict[int, tuple[int, int]] = {
            tag: (index, value) for index, (tag, value) in enumerate(entries) if tag
        }

    def offset(self, address: int) -> int:
        """Where in the file lies what will be at an address."""
        for start, size, offset in self.loaded:
            if start <= address < start + size:
                return address - start + offset
        raise CannotPrelink(f"nothing lies at {address:#x}")

    def value(self, tag: int) -> int:
        """What an entry of the dynamic section says."""
        return self.entries.get(tag, (0, 0))[1]

    def say(self, tag: int, value: int) -> None:
        """Change what an entry of the dynamic section says."""
        index, _ = self.entries[tag]
        self.entries[tag] = index, value
        struct.pack_into("<Q", self.data, self.dynamic + 16 * index + 8, value)

    def relocate(self) -> None:
        """Write what the loader would write; leave it what other files define."""
        if _RELR in self.entries or self.value(_STRTAB) <= self.value(_SYMTAB):
            raise CannotPrelink("its tables are laid out in another way")
        if not (count := self.value(_RELACOUNT)):
            raise CannotPrelink("it has no relative relocations, or does not count them")
        table = self.offset(self.value(_RELA))
        for address, kind, addend in struct.iter_unpack("<QQq", bytes(self.data[table : table + 24 * count])):
            if kind != _RELATIVE:
                raise CannotPrelink(f"a relocation of type {kind & 0xFFFFFFFF} stands among the relative ones")
            struct.pack_into("<Q", self.data, self.offset(address), BASE + addend)
        for place in range(table + 24 * count, table + self.value(_RELASZ), 24):
            self.move_relocation(place, _BY_NAME)
        jumps = self.offset(self.value(_JMPREL)) if _JMPREL in self.entries else 0
        for place in range(jumps, jumps + self.value(_PLTRELSZ), 24):
            self.add(self.offset(self.move_relocation(place, {_JUMP_SLOT})))
        self.say(_RELA, self.value(_RELA) + 24 * count)
        self.say(_RELASZ, self.value(_RELASZ) - 24 * count)
        self.say(_RELACOUNT, 0)

    def move_relocation(self, place: int, expected: set[int]) -> int:
        """Move one that is left; return the address that it is about."""
        address, kind, symbol = struct.unpack_from("<QII", self.data, place)
        if kind not in expected or not symbol:
            raise CannotPrelink(f"a relocation of type {kind} is left")
        self.add(place)
        return int(address)

    def move(self) -> None:
        """Add the base to all that is said of addresses, and say that they hold."""
        symbols, names = self.offset(self.value(_SYMTAB)), self.offset(self.value(_STRTAB))
        for symbol in range(symbols, names, 24):
            info, _, section = struct.unpack_from("<BBH", self.data, symbol + 4)
            if section and info & 0xF != _STT_TLS:
                self.add(symbol + 8)
        for tag, (index, _) in self.entries.items():
            if tag in _ADDRESSES:
                self.add(self.dynamic + 16 * index + 8)
        if _FLAGS_1 in self.entries:
            self.say(_FLAGS_1, self.value(_FLAGS_1) & ~_PIE)
        for header in self.headers:
            if struct.unpack_from("<I", self.data, header)[0] != _GNU_STACK:
                self.add(header + 16)
                self.add(header + 24)
        self.add(_ENTRY)
        struct.pack_into("<H", self.data, 16, _EXEC)
        struct.pack_into("<Q", self.data, _SECTIONS, 0)  # sections are for debuggers, and would still say the old
        struct.pack_into("<HH", self.data, 60, 0, 0)

    def add(self, place: int) -> None:
        """Add the base to an address in the file."""
        struct.pack_into("<Q", self.data, place, struct.unpack_from("<Q", self.data, place)[0] + BASE)
