"""What is in one layer: files that it adds or changes, and whiteouts, which say what it removes.

A whiteout is an empty file: ``.wh.NAME`` hides NAME of the layers below, ``.wh..wh..opq`` all that they have in its
directory. Source: OCI Image Specification, ``layer.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import BinaryIO

from labkit import errors
from labkit.inside.archive import Archive, SavedImage, SavedLayer, open_member
from labkit.inside.tars import Header, read_headers, shown
from labkit.inside.windows import Window, opened, unpacked

ENTRIES = 200_000
"""Entries of one layer at most; an image with a whole desktop has less than half of that."""

CONTENTS = 16 << 20
"""Bytes of one file that are read at most."""

WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"


@dataclass(frozen=True)
class LayerEntry:
    """One entry of a layer.

    Attributes:
        name: its path from the image's root, without a slash before it; of a whiteout, what it removes.
        kind: ``-`` file, ``d`` directory, ``l`` symbolic link, ``h`` hard link, ``c``, ``b`` device, ``p`` pipe;
            ``w`` whiteout: the layers below no longer show ``name``; ``o`` opaque: ``name`` is a directory, and shows
            nothing of what the layers below have in it.
        size: bytes of a file; 0 for everything else.
        link: where a link leads.
        mode, uid, gid, mtime: as in ``inode(7)``; the time in seconds since 1970.
    """

    name: str
    kind: str
    size: int
    link: str = field(default="", repr=False)
    mode: int = field(default=0, repr=False)
    uid: int = field(default=0, repr=False)
    gid: int = field(default=0, repr=False)
    mtime: int = field(default=0, repr=False)

    @property
    def removes(self) -> bool:
        """Whether it is there to hide something of the layers below."""
        return self.kind in "wo"


@dataclass(frozen=True)
class Found:
    """Which layer decides what an image has at a path.

    Attributes:
        layer: the topmost layer that says something of the path.
        entry: what it says: the file itself; or what hides that of the layers below: a whiteout, an opaque directory,
            or a file where the path needs a directory.
        visible: whether a container sees something at the path.
    """

    layer: SavedLayer = field(repr=False)
    entry: LayerEntry
    visible: bool

    def __str__(self) -> str:
        what = "has it" if self.visible else "removes it"
        return f"layer {self.layer.number} {what}: {self.entry.kind} {shown(self.entry.name)}"


def read_layer(archive: Archive, layer: SavedLayer) -> list[LayerEntry]:
    """Return the entries of a layer, in the order of its tar.

    Raises:
        ArchiveError: if it is damaged, or has more than ``ENTRIES``.
    """
    with opened(archive.source) as file:
        return [_entry(header) for header in _headers(file, archive, layer)]


def find_file(archive: Archive, image: SavedImage, path: str) -> Found | None:
    """Return the topmost layer that says something of a path, and what; None if none does.

    Links are not followed: of ``/bin/sh``, where ``/bin`` is a link to ``/usr/bin``, a layer has nothing to say.

    Args:
        archive: the tar.
        image: one of its images.
        path: from the image's root, with or without a slash before it.

    Raises:
        ArchiveError: if a layer is damaged.
    """
    wanted = PurePosixPath("/", path)
    with opened(archive.source) as file:
        for layer in reversed(image.layers):
            hiding = None
            for header in _headers(file, archive, layer):
                entry = _entry(header)
                here = PurePosixPath("/", entry.name)
                if here == wanted and not entry.removes:
                    return Found(layer, entry, visible=True)
                if _hides(entry, here, wanted):
                    hiding = hiding or entry
            if hiding:
                return Found(layer, hiding, visible=False)
    return None


def _hides(entry: LayerEntry, here: PurePosixPath, wanted: PurePosixPath) -> bool:
    """Tell whether an entry hides what the layers below have at ``wanted``."""
    above = here in wanted.parents
    return (entry.kind == "w" and (above or here == wanted)) or (above and entry.kind != "d")


def read_contents(archive: Archive, layer: SavedLayer, name: str) -> bytes:
    """Return the contents of a file in a layer.

    Args:
        archive: the tar.
        layer: one of its layers.
        name: the path of a file, as ``read_layer`` has it.

    Raises:
        ArchiveError: if the layer has no such file, or it has more than ``CONTENTS`` bytes.
    """
    with opened(archive.source) as file:
        for header in _headers(file, archive, layer):
            if header.name == name and header.kind == "-":
                if header.size > CONTENTS:
                    raise errors.ArchiveError(
                        f"{shown(name)} has {header.size} bytes, more than the {CONTENTS} that are read.",
                        "Load the image, and take it out with `docker cp`.",
                    )
                tar = _open(file, archive, layer)
                return Window(tar, header.offset, header.size).read()
    raise errors.ArchiveError(f"Layer {layer.number} has no file {shown(name)}.", "read_layer() shows what it has.")


def _open(file: BinaryIO, archive: Archive, layer: SavedLayer) -> BinaryIO:
    return unpacked(open_member(file, archive, layer.name), f"Layer {layer.number}")


def _headers(file: BinaryIO, archive: Archive, layer: SavedLayer) -> Iterator[Header]:
    return read_headers(_open(file, archive, layer), f"Layer {layer.number}", ENTRIES)


def _entry(header: Header) -> LayerEntry:
    folder, slash, last = header.name.rpartition("/")
    name, kind = header.name, header.kind
    if last == OPAQUE:
        name, kind = folder or ".", "o"
    elif last.startswith(WHITEOUT):
        name, kind = f"{folder}{slash}{last.removeprefix(WHITEOUT)}", "w"
    return LayerEntry(name, kind, header.size, header.link, header.mode, header.uid, header.gid, header.mtime)
