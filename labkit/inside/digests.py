"""Recompute every digest that a saved tar names, and tell which of them are not those of its bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO

from labkit.inside.archive import Archive, SavedLayer, open_member
from labkit.inside.tars import shown
from labkit.inside.windows import is_packed, measure, opened, unpacked


@dataclass(frozen=True)
class Mismatch:
    """Something in the tar that is not what it is said to be.

    Attributes:
        name: the member.
        what: what is said of it: ``"digest"``, ``"diff-id"``, ``"size"``.
        said: the value that is said.
        found: the value that its bytes have.
    """

    name: str
    what: str
    said: str
    found: str

    def __str__(self) -> str:
        return f"{shown(self.name)}: its {self.what} is said to be {self.said}, and is {self.found}"


def verify(archive: Archive) -> tuple[Mismatch, ...]:
    """Return what in a tar is not what the tar says: nothing, if all is well.

    Looked at are each blob's name, each configuration's, the digest of each layer as it is stored, and its diff-id,
    which is that of the bytes before they are packed. The names of the folders in the older layout are digests of
    texts that are not in the tar; nobody can recompute them.

    Raises:
        ArchiveError: if a layer cannot be unpacked, or unpacks to more than is read.
    """
    with opened(archive.source) as file:
        return tuple(dict.fromkeys(_mismatches(file, archive)))


def _mismatches(file: BinaryIO, archive: Archive) -> Iterator[Mismatch]:
    stored = cache(lambda name: measure(open_member(file, archive, name))[0])
    for member in archive.members:
        if said := _said(member.name):
            yield from _differing(member.name, "digest", said, stored(member.name))
    for image in archive.images:
        yield from _differing(image.config_name, "digest", image.config_digest, stored(image.config_name))
        for layer in image.layers:
            yield from _differing(
                layer.name, "diff-id", layer.diff_id, _diff_id(file, archive, layer) or stored(layer.name)
            )


def _said(name: str) -> str:
    """The digest that a member's name says it has; empty if it says none."""
    found = re.fullmatch(r"(?:blobs/sha256/)?([0-9a-f]{64})(?:\.json)?", name)
    return f"sha256:{found[1]}" if found else ""


def _diff_id(file: BinaryIO, archive: Archive, layer: SavedLayer) -> str:
    """The digest of a layer's bytes before they were packed; empty if they are not."""
    member = open_member(file, archive, layer.name)
    return measure(unpacked(member, shown(layer.name)))[0] if is_packed(member) else ""


def _differing(name: str, what: str, said: str, found: str) -> Iterator[Mismatch]:
    if said != found:
        yield Mismatch(name, what, said, found)
