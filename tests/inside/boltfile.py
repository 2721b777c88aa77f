"""Files of bolt, written by the test: small, and damaged where it wishes."""

from __future__ import annotations

import io
import struct
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BRANCH, LEAF, META = 1, 2, 4


def recorded() -> dict[str, bytes]:
    """What engine 28.5 left, with an image of 127 layers, one of the classic builder, and two containers.

    ``metadata.db`` is the snapshotter's; ``ls.txt`` and ``mounts.txt`` are what ``ctr snapshots`` said of it then.
    """
    with tarfile.open(Path(__file__).with_name("snapshots.tar.xz")) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def page(number: int, kind: int, count: int, rest: bytes, more: int = 0) -> bytes:
    """A page with its head; not filled up to its size."""
    return struct.pack("<QHHI", number, kind, count, more) + rest


def leaf(items: Mapping[bytes, Any], number: int = 0, more: int = 0) -> bytes:
    """A page of keys with values, or with further items, which become a bucket inside."""
    table, data = b"", b""
    for place, (key, item) in enumerate(sorted(items.items())):
        value = item if isinstance(item, bytes) else struct.pack("<QQ", 0, 0) + leaf(item)
        position = 16 * (len(items) - place) + len(data)
        table += struct.pack("<IIII", not isinstance(item, bytes), position, len(key), len(value))
        data += key + value
    return page(number, LEAF, len(items), table + data, more)


def branch(numbers: list[int], number: int) -> bytes:
    """A page that leads to others, without their keys."""
    return page(number, BRANCH, len(numbers), b"".join(struct.pack("<IIQ", 0, 0, below) for below in numbers))


def meta(number: int, root: int, txid: int, size: int = 4096) -> bytes:
    """A page that says where the tree begins."""
    text = struct.pack("<IIIIQQQQQ", 0xED0CDAED, 2, size, 0, root, 0, 0, 0, txid)
    total = 14695981039346656037
    for byte in text:
        total = ((total ^ byte) * 1099511628211) & (2**64 - 1)
    return page(number, META, 0, text + struct.pack("<Q", total))


def database(*pages: bytes, root: int = 2, txids: tuple[int, int] = (6, 7), size: int = 4096) -> bytes:
    """The two first pages, and these behind them."""
    file = io.BytesIO()
    for start in [meta(0, root, txids[0], size), meta(1, root, txids[1], size), *pages]:
        file.write(start + b"\0" * (-len(start) % size))
    return file.getvalue()
