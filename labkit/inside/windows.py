"""Bytes that lie in a larger file, read where they are: a member of a tar, and a packed one as if it were unpacked.

Nothing is written, and never more than a piece is in memory. Source of the packed form: RFC 1952, ``gzip``.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from labkit import errors

PIECE = 1 << 18
"""Bytes that are read at once."""

FREE = 1 << 30
"""Bytes to which anything may unpack, however small it is: files of zeros are packed to a thousandth."""

RATIO = 100
"""Beyond ``FREE``: how many times its packed size something may have when it is unpacked."""

GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
"""How packed bytes begin; the daemon, too, looks at them and at no name."""


@contextlib.contextmanager
def opened(source: Path | BinaryIO) -> Iterator[BinaryIO]:
    """A file to read in, for the length of a ``with`` block; one that was open stays open.

    Raises:
        ArchiveError: if it is no file, cannot be read, or only forwards.
    """
    if not isinstance(source, Path):
        if not source.seekable():
            raise errors.ArchiveError("The tar can only be read forwards.", "Save it to a file, and name that.")
        yield source
        return
    try:
        if not stat.S_ISREG(source.stat().st_mode):  # to open a pipe would wait until somebody writes
            raise errors.ArchiveError(f"{source} is not a file.", "Name the file that `docker save -o` wrote.")
        file = source.open("rb")
    except OSError as error:
        raise errors.ArchiveError(
            f"{source} cannot be read: {error.strerror or error}.", "`docker save -o FILE IMAGE` writes one."
        ) from error
    with file:
        yield file


class Window(io.RawIOBase):
    """A part of a file as a file of its own.

    Args:
        file: the larger file, which others may read in meanwhile.
        start: where the part begins.
        size: bytes that it has; where the file ends earlier, so does the part.
    """

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        self._file, self._start, self.size, self._place = file, start, size, 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read from any place on."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place; return it."""
        self._place = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.size}[whence])
        return self._place

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill a buffer from here on; return how many bytes that were."""
        count = min(len(buffer), max(0, self.size - self._place))
        self._file.seek(self._start + self._place)
        data = self._file.read(count)
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)


class Unpacked(io.RawIOBase):
    """What a gzip file holds, unpacked while it is read, up to a limit.

    Args:
        file: the packed bytes.
        name: what to call them in an error.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._most = max(FREE, RATIO * file.seek(0, io.SEEK_END))
        file.seek(0)
        self._gzip, self._name = gzip.GzipFile(fileobj=file, mode="rb"), name

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read from any place on; to go back is to unpack from the beginning."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, as far as there is one; return it."""
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("nobody knows where it ends")
        if offset < self._gzip.tell():
            self._gzip.seek(0)
        while (missing := offset - self._gzip.tell()) > 0 and self.read(min(missing, PIECE)):
            pass
        return self._gzip.tell()

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Fill a buffer from here on; return how many bytes that were."""
        try:
            data = self._gzip.read(len(buffer))
        except (OSError, EOFError, zlib.error) as error:
            raise errors.ArchiveError(f"{self._name} cannot be unpacked: {error}.", DAMAGED) from error
        if self._gzip.tell() > self._most:
            raise errors.ArchiveError(
                f"{self._name} unpacks to more than {self._most} bytes, {RATIO} times what it is packed.",
                "Nothing grows so much by honest means: ask who made it.",
            )
        buffer[: len(data)] = data
        return len(data)


DAMAGED = "It is damaged, or was not copied to its end: save or download it again."
"""What to do about bytes that are not what they should be."""


def unpacked(file: BinaryIO, name: str) -> BinaryIO:
    """Return a file as it is before it is packed; the file itself if it is not.

    Raises:
        ArchiveError: if it is packed in a way that is not read here.
    """
    file.seek(0)
    begin = file.read(4)
    file.seek(0)
    if begin == ZSTD:
        raise errors.ArchiveError(f"{name} is packed with zstd.", "Save the image from an engine that packs with gzip.")
    return Unpacked(file, name) if begin[:2] == GZIP else file  # type: ignore[return-value]


def is_packed(file: BinaryIO) -> bool:
    """Tell whether a file is packed with gzip."""
    file.seek(0)
    return file.read(2) == GZIP


def measure(file: BinaryIO) -> tuple[str, int]:
    """Return the digest of a file's bytes, ``sha256:`` and 64 hexadecimal digits, and how many they are."""
    digest, size = hashlib.sha256(), 0
    file.seek(0)
    while data := file.read(PIECE):
        digest.update(data)
        size += len(data)
    return f"sha256:{digest.hexdigest()}", size
