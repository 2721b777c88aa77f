"""The tar of a layer, made from the directory in which overlayfs keeps it: what ``docker commit`` makes of a container.

What overlayfs writes for a removed file, a character device 0,0, becomes the empty file ``.wh.NAME``; a directory that
it calls opaque gets an empty file ``.wh..wh..opq``. So does the daemon with overlay2; with the containerd store it
compares the layers, and writes a whiteout for each name that an opaque directory hides.

Sources: OCI Image Specification, ``layer.md``; the kernel's ``Documentation/filesystems/overlayfs.rst``.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import stat
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from labkit import errors
from labkit.host import Entry, Host, decode, encode
from labkit.inside.entries import OPAQUE, WHITEOUT
from labkit.local import LocalHost
from labkit.oci import replacing

CAPABILITY = "security.capability"
"""The one extended attribute that the daemon keeps, too: ``capabilities(7)``."""

PIECE = 1 << 20
"""Bytes of a file that are asked for at once."""

_TYPES = {
    "-": tarfile.REGTYPE,
    "d": tarfile.DIRTYPE,
    "l": tarfile.SYMTYPE,
    "c": tarfile.CHRTYPE,
    "b": tarfile.BLKTYPE,
    "p": tarfile.FIFOTYPE,
}


def pack_layer(host: Host, directory: str, target: Path | BinaryIO) -> str:
    """Write the tar of a layer's directory; return its digest, which is the layer's diff-id.

    Owners, modes, times in whole seconds, hard links, links and devices are kept; sockets are left out. Capabilities of
    files are kept where the host is looked at directly; the helper cannot read them.

    Args:
        host: the daemon's host.
        directory: the layer, such as a container's upper directory; nobody writes there meanwhile, so that a container
            that runs is stopped or paused.
        target: the file to write.

    Raises:
        PathMissing: if there is no such directory.
        HostError: if it cannot be read, or changed meanwhile, or holds but a reference to another layer.
        ArchiveError: if the tar cannot be written.
    """
    entries = _entries(host, directory)
    with replacing(target) as file:
        hashing = _Hashing(file)
        with tarfile.open(fileobj=hashing, mode="w|", format=tarfile.PAX_FORMAT, encoding="utf-8") as tar:
            for info, entry in _members(host, directory, entries):
                tar.addfile(
                    info, io.BufferedReader(_Contents(host, entry), PIECE) if info.isreg() and info.size else None
                )
        if _entries(host, directory) != entries:
            raise errors.HostError(f"{directory} changed while it was packed.", "Stop or pause the container first.")
    return f"sha256:{hashing.digest.hexdigest()}"


def _entries(host: Host, directory: str) -> list[Entry]:
    """What is in the directory, each folder before what is in it, in the daemon's order."""
    top, *entries = host.walk(directory)
    if top.kind != "d":
        raise errors.HostError(f"{directory} is not a directory.", "The upper directory of a container is one.")
    return sorted(entries, key=lambda entry: encode(entry.path).split(b"/"))


def _members(host: Host, directory: str, entries: Sequence[Entry]) -> Iterator[tuple[tarfile.TarInfo, Entry]]:
    """The members of the tar, each with the file that it is made from."""
    opaque = host.opaque(directory, [_relative(directory, entry) for entry in entries if entry.kind == "d"])
    names: dict[tuple[int, int], str] = {}  # of the inodes that have several
    for entry in entries:
        name = _relative(directory, entry)
        if entry.whiteout:  # before hard links: the kernel may use one inode for all whiteouts
            folder, slash, last = name.rpartition("/")
            yield _empty(f"{folder}{slash}{WHITEOUT}{last}", entry, 0o600), entry
        elif entry.kind != "s":
            info = _info(host, name, entry)
            if entry.links > 1 and entry.kind != "d":
                first = names.setdefault((entry.device, entry.inode), name)
                if first != name:
                    info.type, info.linkname, info.size = tarfile.LNKTYPE, first, 0
            yield info, entry
        if name in opaque:
            yield _empty(f"{name}/{OPAQUE}", entry._replace(mtime=0), entry.mode & 0o777), entry


def _relative(directory: str, entry: Entry) -> str:
    return entry.path.removeprefix(directory.rstrip("/") + "/")


def _empty(name: str, entry: Entry, mode: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.mode, info.uid, info.gid, info.mtime = mode, entry.uid, entry.gid, entry.mtime
    return info


def _info(host: Host, name: str, entry: Entry) -> tarfile.TarInfo:
    """The header of a file; its type, link and attributes are those of the directory entry."""
    info = _empty(name, entry, stat.S_IMODE(entry.mode))
    info.type, info.size = _TYPES[entry.kind], entry.size if entry.kind == "-" else 0
    info.devmajor, info.devminor = entry.major, entry.minor
    info.linkname = host.readlink(entry.path) if entry.kind == "l" else ""
    if entry.kind in "-d" and (value := _capability(host, entry)):
        info.pax_headers = {f"SCHILY.xattr.{CAPABILITY}": decode(value)}
    return info


# --- Extended attributes, xattr(7) --------------------------------------------------------------------------


def _capability(host: Host, entry: Entry) -> bytes | None:
    """A file's capability, where the host tells it.

    Raises:
        HostError: if the file is but a reference to one of another layer, which overlayfs can be told to write.
    """
    if not isinstance(host, LocalHost):
        return None
    for mark in ("redirect", "metacopy"):
        if _attribute(host, entry.path, f"trusted.overlay.{mark}") is not None:
            raise errors.HostError(
                f"{entry.path} is a reference to a file of another layer ({mark}).", "Only `docker commit` resolves it."
            )
    return _attribute(host, entry.path, CAPABILITY)


def _attribute(host: LocalHost, path: str, name: str) -> bytes | None:
    with contextlib.suppress(OSError):
        return os.getxattr(f"{host.root}{path}", name, follow_symlinks=False)
    return None


# --- Files of the host as a stream, and the stream's digest -------------------------------------------------


class _Contents(io.RawIOBase):
    """The contents of a file on the host, as long as it was when it was looked at."""

    def __init__(self, host: Host, entry: Entry) -> None:
        self._host, self._entry, self._place = host, entry, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        count = min(len(buffer), self._entry.size - self._place)
        data = self._host.read(self._entry.path, offset=self._place, limit=count) if count else b""
        if len(data) < count:
            raise errors.HostError(f"{self._entry.path} changed while it was packed.", "Stop or pause the container.")
        buffer[: len(data)] = data
        self._place += len(data)
        return len(data)


class _Hashing(io.RawIOBase):
    """A file whose digest is known as soon as it is written."""

    def __init__(self, file: BinaryIO) -> None:
        self.digest, self._file = hashlib.sha256(), file

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.digest.update(data)
        return self._file.write(data)
