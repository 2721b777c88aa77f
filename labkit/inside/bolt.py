"""Read a file of bolt, the key-value database in which containerd keeps its records; nothing is locked or written.

The file is made of pages of one size. Page 0 and page 1 each say where the newest tree of pages begins; a writer fills
pages that neither tree uses and then overwrites the older of the two, so the newer one is whole at any time. A page is
a leaf with keys and values, or a branch with keys and pages. A value may be a bucket: keys and values again, in pages
of its own, or, if they are few, right there ("inline").

Source: go.etcd.io/bbolt, ``db.go``, ``page.go`` and ``bucket.go``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from labkit import errors
from labkit.host import Host

Bucket: TypeAlias = "dict[bytes, bytes | Bucket]"
"""What is in a bucket, by key: values and further buckets."""

LIMIT = 1 << 26
"""Bytes of the largest file that is read: some hundred thousand records of containerd."""

TRIES = 5
"""How often a file that is written while it is read is read again."""

DEPTH = 32
"""How deep pages and buckets may lie in each other; containerd's lie four deep."""

_HEAD = struct.Struct("<QHHI")  # of each page: its number, its kind, its elements, further pages that belong to it
_META = struct.Struct("<IIIIQQQQQQ")  # magic, version, page size, flags, root, sequence, free list, end, txid, checksum
_BRANCH = struct.Struct("<IIQ")  # where the key lies, its size, the page
_LEAF = struct.Struct("<IIII")  # flags, where the key lies, its size, the size of the value behind it
_ELEMENTS = {1: _BRANCH, 2: _LEAF}  # by the kind of the page
_MAGIC, _VERSION, _IS_BUCKET = 0xED0CDAED, 2, 1
_SIZES = [1 << bits for bits in range(9, 17)]


def read_bolt(host: Host, path: str) -> Bucket:
    """Read a whole database, as it was at one moment, also while its owner writes it.

    Raises:
        PathMissing, PathForbidden: if there is no such file, or it is not shown.
        HostError: if it is no such database, is damaged, or is never left alone long enough.
    """
    for _ in range(TRIES):
        data = host.read(path, limit=LIMIT + 1)
        if len(data) > LIMIT:
            raise errors.HostError(f"{path} holds more than {LIMIT} bytes.", "It is no database of a daemon's layers.")
        meta = _newest(path, data)
        if meta == _newest(path, host.read(path, limit=2 * _SIZES[-1])):
            return parse_bolt(data, path)
    raise errors.HostError(f"{path} is written all the time.", "Read again when the daemon makes or removes less.")


def parse_bolt(data: bytes, path: str = "the database") -> Bucket:
    """Read the bytes of a database.

    Args:
        data: the whole file.
        path: what to call it in an error.

    Raises:
        HostError: if it is no such database, or is damaged.
    """
    meta = _newest(path, data)
    return dict(_Pages(path, data, meta.page_size).tree(meta.root, 0))


# --- Where it begins ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Meta:
    page_size: int
    root: int
    txid: int


def _newest(path: str, data: bytes) -> _Meta:
    """The newer of the two pages that say where the tree begins; of one that was half written the sum is wrong."""
    first = _meta(data, 0)
    sizes = [first.page_size] if first else _SIZES  # the second page is found without the first
    second = next((meta for size in sizes if (meta := _meta(data, size)) and meta.page_size == size), None)
    found = [meta for meta in (first, second) if meta]
    if not found:
        raise errors.HostError(
            f"{path} is not a database of bolt, or its first two pages are damaged.", "Its owner cannot open it either."
        )
    return max(found, key=lambda meta: meta.txid)


def _meta(data: bytes, start: int) -> _Meta | None:
    start += _HEAD.size
    if len(data) < start + _META.size:
        return None
    magic, version, size, _, root, _, _, _, txid, checksum = _META.unpack_from(data, start)
    if (magic, version) != (_MAGIC, _VERSION) or size not in _SIZES:
        return None
    good = checksum == _fnv1a(data[start : start + _META.size - 8])
    return _Meta(size, root, txid) if good else None


def _fnv1a(data: bytes) -> int:
    """The 64-bit sum of Fowler, Noll and Vo, variant 1a."""
    found = 0xCBF29CE484222325
    for byte in data:
        found = (found ^ byte) * 0x100000001B3 % (1 << 64)
    return found


# --- Pages ----------------------------------------------------------------------------------------------------

Items: TypeAlias = Iterator[tuple[bytes, "bytes | Bucket"]]


@dataclass(frozen=True)
class _Pages:
    """The pages of a file. None is read twice, nor more of one than it holds: a damaged file has an end, too."""

    path: str
    data: bytes
    size: int
    seen: set[int] = field(default_factory=set)

    def tree(self, number: int, depth: int) -> Items:
        """What is in a page and in those below it."""
        start = number * self.size
        own, _, _, more = self.head(self.data[start : start + self.size])
        end = start + (1 + more) * self.size
        if own != number or end > len(self.data):
            raise self.damaged(f"page {number} is not there as a whole")
        numbers = range(number, number + 1 + more)
        if not self.seen.isdisjoint(numbers):
            raise self.damaged(f"page {number} has two places")
        self.seen.update(numbers)
        yield from self.page(self.data[start:end], depth)

    def page(self, page: bytes, depth: int) -> Items:
        """What is in the bytes of a page, and in those below it; an inline bucket's page lies in a value."""
        _, kind, count, _ = self.head(page)
        table = page[_HEAD.size : _HEAD.size + 16 * count]
        if kind not in _ELEMENTS or len(table) != 16 * count or depth > DEPTH:
            raise self.damaged(f"a page of kind {kind} with {count} elements lies {depth} deep")
        if _ELEMENTS[kind] is _BRANCH:
            for _, _, number in _BRANCH.iter_unpack(table):
                yield from self.tree(number, depth + 1)
        else:
            for flags, key, value in self.pairs(page, table):
                yield key, dict(self.bucket(value, depth + 1)) if flags & _IS_BUCKET else value

    def pairs(self, page: bytes, table: bytes) -> Iterator[tuple[int, bytes, bytes]]:
        """Flags, key and value of each element of a leaf."""
        left = len(page) - _HEAD.size - len(table)
        for number, (flags, pos, key_size, value_size) in enumerate(_LEAF.iter_unpack(table)):
            key = _HEAD.size + number * _LEAF.size + pos  # counted from the element itself
            value, end = key + key_size, key + key_size + value_size
            left -= key_size + value_size
            if end > len(page) or left < 0:
                raise self.damaged("an element reaches beyond its page")
            yield flags, page[key:value], page[value:end]

    def bucket(self, value: bytes, depth: int) -> Items:
        """What is in a bucket, whose value is the number of its page, a counter, and the page itself if that is 0."""
        root = int.from_bytes(value[:8], "little")
        return self.tree(root, depth) if root else self.page(value[16:], depth)

    def head(self, page: bytes) -> tuple[int, int, int, int]:
        """Number, kind, elements and further pages of a page."""
        if len(page) < _HEAD.size:
            raise self.damaged("a page is cut off")
        number, kind, count, more = _HEAD.unpack_from(page)
        return number, kind, count, more

    def damaged(self, what: str) -> errors.HostError:
        """The error for what its owner did not write."""
        return errors.HostError(
            f"{self.path} is damaged: {what}.", "Read it again; if it stays so, its owner cannot read it either."
        )
