"""What is in a tar, told from its headers: one block of 512 bytes before the bytes of each member.

Python's ``tarfile`` reads honest tars well; a stranger's may claim any size, nest its headers without end, or stop in
the middle, which it takes for the end. Here each of these is an error, and nothing is unpacked.

Sources: ``tar(5)``; POSIX.1-2017, ``pax``, for the records that precede a header.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import BinaryIO, NamedTuple

from labkit import errors
from labkit.host import decode
from labkit.inside.windows import DAMAGED

BLOCK = 512

EXTENSION = 1 << 20
"""Bytes of records that may precede one header: a long name, a capability."""

_KINDS = {b"0": "-", b"\0": "-", b"7": "-", b"1": "h", b"2": "l", b"3": "c", b"4": "b", b"5": "d", b"6": "p"}
_RECORDS = {b"path": "name", b"linkpath": "link", b"size": "size", b"uid": "uid", b"gid": "gid", b"mtime": "mtime"}


class Header(NamedTuple):
    """One member of a tar as its header describes it.

    Attributes:
        name: without ``./`` or ``/`` before it and ``/`` behind it; bytes that are not UTF-8 as surrogates (PEP 383).
        kind: ``-`` file, ``d`` directory, ``l`` symbolic link, ``h`` hard link, ``c``, ``b``, ``p``: the letter that
            ``tar -tv`` shows.
        size: bytes of its contents.
        offset: where these begin.
        link: for a link, its target; empty for everything else.
        mode, uid, gid, mtime: as in ``inode(7)``; the time in whole seconds since 1970.
        major, minor: for a device.
        xattrs: extended attributes, by name.
    """

    name: str
    kind: str
    size: int
    offset: int
    link: str
    mode: int
    uid: int
    gid: int
    mtime: int
    major: int
    minor: int
    xattrs: Mapping[str, bytes]


def read_headers(file: BinaryIO, what: str, most: int) -> Iterator[Header]:
    """Yield the headers of a tar, from its beginning; others may read in the file meanwhile.

    Args:
        file: the tar, not packed.
        what: what to call it in an error.
        most: members that are looked at.

    Raises:
        ArchiveError: if it is cut off, damaged, has more members, or one whose name leads out of it.
    """
    place = count = spent = 0
    records: dict[bytes, bytes] = {}
    while block := _block(file, what, place):
        kind, size = block[156:157], _number(block[124:136], what)
        place += BLOCK
        if kind in (b"x", b"g", b"L", b"K"):
            spent += size
            records |= _extension(file, what, kind, place, size, EXTENSION - spent)
        else:
            header = _header(block, records, what, place)
            records, count, spent, size = {}, count + 1, 0, header.size
            if count > most:
                raise errors.ArchiveError(
                    f"{what} has more than {most} members, which is all that is looked at.", "Look into a smaller one."
                )
            if size and not _reaches(file, place, size):
                raise errors.ArchiveError(
                    f"{what} is cut off: {shown(header.name)} claims {size} bytes, and it ends before.", DAMAGED
                )
            yield header
        place += -(-size // BLOCK) * BLOCK
    if records:
        raise errors.ArchiveError(f"{what} is cut off: records, and no member behind them.", DAMAGED)


def _reaches(file: BinaryIO, place: int, size: int) -> bool:
    """Tell whether a file has so many bytes behind a place; it is not asked for its size, for it may be packed."""
    if not 0 < size < 1 << 62:  # more than a file can have
        return False
    file.seek(place + size - 1)
    return bool(file.read(1))


def _block(file: BinaryIO, what: str, place: int) -> bytes:
    """The header at a place; nothing at the end, which is a block of zeros, or the end of the file."""
    file.seek(place)
    block = file.read(BLOCK)
    if not block.strip(b"\0"):
        return b""
    if len(block) < BLOCK:
        raise errors.ArchiveError(f"{what} is cut off in the middle of a header, at byte {place}.", DAMAGED)
    digits = block[148:156].strip(b" \0")
    if digits.lstrip(b"0") != b"%o" % (sum(block) - sum(block[148:156]) + 8 * ord(" ")):
        raise errors.ArchiveError(f"{what} is no tar at byte {place}: the sum of the header is wrong.", DAMAGED)
    return block


def _number(field: bytes, what: str) -> int:
    """A number in octal digits, or, where its first bit is set, in binary."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if not digits.isdigit() or b"8" in digits or b"9" in digits:
        if not digits:
            return 0
        raise errors.ArchiveError(f"{what} has a header with {field!r} in place of a number.", DAMAGED)
    return int(digits, 8)


def _extension(file: BinaryIO, what: str, kind: bytes, place: int, size: int, left: int) -> dict[bytes, bytes]:
    """What precedes a header: pax's records, or GNU's long names; ``left`` is how much more may."""
    if left < 0:
        raise errors.ArchiveError(
            f"{what} has a header with more than {EXTENSION} bytes of records.", "No name is so long: ask who made it."
        )
    file.seek(place)
    data = file.read(size)
    if len(data) < size:
        raise errors.ArchiveError(f"{what} is cut off in the middle of a header's records.", DAMAGED)
    if kind == b"x":
        return dict(_pax(data, what))
    # A global record would be for all that follow; Docker heeds none, and neither do we.
    return {} if kind == b"g" else {b"path" if kind == b"L" else b"linkpath": data.partition(b"\0")[0]}


def _pax(data: bytes, what: str) -> Iterator[tuple[bytes, bytes]]:
    r"""Records such as ``30 mtime=1350244992.023960108\n``; the number counts the whole record."""
    place = 0
    while place < len(data):
        blank = data.find(b" ", place, place + 9)
        length = data[place:blank]
        end = place + int(length) if blank > 0 and length.isdigit() else 0
        key, equals, value = data[blank + 1 : end].partition(b"=")
        if not (equals and blank < end <= len(data) and value.endswith(b"\n")):
            raise errors.ArchiveError(f"{what} has a header with a record that is none.", DAMAGED)
        yield key, value[:-1]
        place = end


def _header(block: bytes, records: Mapping[bytes, bytes], what: str, offset: int) -> Header:
    """One header, and the records that precede it, which count more."""
    fields = {ours: records[theirs] for theirs, ours in _RECORDS.items() if theirs in records}
    name = fields.get("name") or _text(block[:100])
    if "name" not in fields and block[257:263] == b"ustar\0" and block[345:500].strip(b"\0"):
        name = _text(block[345:500]) + b"/" + name
    kind = _KINDS.get(block[156:157], "")
    if not kind or any(key.startswith(b"GNU.sparse.") for key in records):
        raise errors.ArchiveError(
            f"{what} has {shown(decode(name))} in a form that Docker never writes: {block[156:157]!r}, or with holes.",
            "Ask who made it, and by which program.",
        )
    if block[156:157] == b"\0" and name.endswith(b"/"):  # how directories were told before POSIX
        kind = "d"
    size = _decimal(fields["size"], what) if "size" in fields else _number(block[124:136], what)
    return Header(
        name=_inside(decode(name), what),
        kind=kind,
        size=size if kind == "-" else 0,  # whatever a link or a directory claims: nothing follows it
        offset=offset,
        link=decode(fields.get("link") or _text(block[157:257])) if kind in "lh" else "",
        mode=_number(block[100:108], what) & 0o7777,
        uid=_decimal(fields["uid"], what) if "uid" in fields else _number(block[108:116], what),
        gid=_decimal(fields["gid"], what) if "gid" in fields else _number(block[116:124], what),
        mtime=_decimal(fields["mtime"], what) if "mtime" in fields else _time(block[136:148], what),
        major=_number(block[329:337], what) if kind in "cb" else 0,
        minor=_number(block[337:345], what) if kind in "cb" else 0,
        xattrs={decode(key[13:]): value for key, value in records.items() if key.startswith(b"SCHILY.xattr.")},
    )


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _decimal(value: bytes, what: str) -> int:
    """A record's number; the parts of a second are left out."""
    digits = value.partition(b".")[0]
    if not digits.removeprefix(b"-").isdigit() or len(digits) > 20:
        raise errors.ArchiveError(f"{what} has a header with {value[:20]!r} in place of a number.", DAMAGED)
    return int(digits)


def _time(field: bytes, what: str) -> int:
    """A time; before 1970 it is negative, and in binary."""
    return int.from_bytes(field, "big", signed=True) if field[0] == 0xFF else _number(field, what)


def _inside(name: str, what: str) -> str:
    """A name as one reads it; the daemon, too, leaves out the slash before it."""
    if ".." in name.split("/"):
        raise errors.ArchiveError(
            f"{what} has {shown(name)}, whose name leads out of it.", "Unpack it nowhere: ask who made it."
        )
    return posixpath.normpath(name.lstrip("/") or ".")


def shown(text: str) -> str:
    """A stranger's text as it can be printed: at most 100 characters, none of which moves the cursor."""
    plain = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text[:101])
    return plain if len(text) <= 100 else f"{plain[:99]}…"
