"""What ``docker save`` writes, as values: the members of the tar, the images in them, and the layers of these.

Sources: OCI Image Specification, ``image-layout.md``, ``manifest.md`` and ``config.md``, for what engines write since
25; Docker Image Specification v1.2, "Combined Image JSON + Filesystem Changeset Format", for those before.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from labkit import errors
from labkit.inside.tars import shown

LAYOUTS = {
    "docker": "a folder for each layer, as engines before 25 write it",
    "oci": "an OCI image layout, as engines write it since 25",
}


@dataclass(frozen=True)
class Member:
    """One file in the tar.

    Attributes:
        name: its name.
        size: bytes of it; 0 for a link.
        role: what it is for: ``"layer"``, ``"image configuration"``, ``"image manifest"``, ``"image index"`` …
        link: the name of the member that it stands for; empty unless it is a link.
        offset: where its bytes begin in the tar.
    """

    name: str
    size: int
    role: str
    link: str = field(default="", repr=False)
    offset: int = field(default=0, repr=False)


@dataclass(frozen=True)
class SavedLayer:
    """One layer of an image in a tar.

    Attributes:
        number: its place, counted from below; the lowest is 1.
        diff_id: the digest of the layer's tar before it is packed, as the configuration says.
        digest: the digest of the bytes that are stored, as the manifest or the name says; in a folder for each layer
            nobody says it, and it is the diff-id.
        size: bytes that are stored.
        unpacked: bytes of its tar before it is packed.
        name: the name of the member, as the manifest says; that may be a link.
        media_type: what is stored, in words of the specification.
        command: the line of the image's history that made it; empty where the history does not tell.
    """

    number: int
    diff_id: str
    digest: str = field(repr=False)
    size: int
    unpacked: int = field(repr=False)
    name: str = field(repr=False)
    media_type: str = field(repr=False)
    command: str = field(default="", repr=False)

    @property
    def packed(self) -> bool:
        """Whether it is stored packed: then its digest is another than its diff-id."""
        return self.media_type.endswith("gzip")


@dataclass(frozen=True)
class SavedImage:
    """One image in a tar.

    Attributes:
        tags: its names, ``"app:1"``; none if it was saved by its id.
        config: the image configuration, as it is in the tar.
        config_digest: its digest, as the manifest or the name says; the image's id with the overlay2 store.
        manifest_digest: that of the image manifest, the image's id with the containerd store; empty if there is none.
        layers: the lowest first.
        config_name: the name of the configuration's member.
    """

    tags: tuple[str, ...]
    config: Mapping[str, Any] = field(repr=False)
    config_digest: str = field(repr=False)
    manifest_digest: str = field(repr=False)
    layers: tuple[SavedLayer, ...] = field(repr=False)
    config_name: str = field(repr=False)

    @property
    def name(self) -> str:
        """Its tags in one line, or the beginning of its configuration's digest."""
        return ", ".join(map(shown, self.tags)) or self.config_digest[:19]

    def layer(self, number: int) -> SavedLayer:
        """Return one layer, counted from below; negative numbers count from above: -1 is the newest.

        Raises:
            ArchiveError: if it has none of this number.
        """
        place = number - 1 if number > 0 else number
        if number == 0 or not -len(self.layers) <= place < len(self.layers):
            raise errors.ArchiveError(
                f"{self.name} has no layer {number}.", f"Its layers are 1 to {len(self.layers)}; -1 is the newest."
            )
        return self.layers[place]


@dataclass(frozen=True)
class Archive:
    """A tar that ``docker save`` wrote; print it to see what is in it.

    Attributes:
        source: the tar.
        layout: ``"docker"``: a folder for each layer; ``"oci"``: an OCI image layout.
        images: in the order of the tar's own list.
        members: the files and links in the tar, in its order; folders are left out.
    """

    source: Path | BinaryIO = field(repr=False)
    layout: str
    images: tuple[SavedImage, ...]
    members: tuple[Member, ...] = field(repr=False)

    def image(self, tag: str = "") -> SavedImage:
        """Return the image of a tag; without one, the only image.

        Raises:
            ArchiveError: if there is no such image, or no tag is given and there are several.
        """
        found = [image for image in self.images if tag in image.tags] if tag else list(self.images)
        if len(found) != 1:
            what = f"no image {shown(tag)}" if tag else f"{len(found)} images, not one"
            raise errors.ArchiveError(
                f"The tar has {what}.", f"Its images are {'; '.join(image.name for image in self.images)}."
            )
        return found[0]

    def __str__(self) -> str:
        """The images with their layers, then the kinds of members; no digests, for these differ from day to day."""
        return "\n".join([f"layout  {LAYOUTS[self.layout]}", *self._images(), *self._roles()])

    def _images(self) -> list[str]:
        lines = []
        for image in self.images:
            lines.append(f"image   {image.name}")
            for layer in image.layers:
                others = [other.name for other in self.images if other is not image and _has(other, layer)]
                shared = f"  also in {'; '.join(others)}" if others else ""
                form = "tar+gzip" if layer.packed else "tar"
                lines.append(f"  layer {layer.number}  {form:8}  {shown(layer.command)[:60]}{shared}".rstrip())
        return lines

    def _roles(self) -> list[str]:
        kinds = Counter((_pattern(member.name), member.role) for member in self.members)
        wide = max(len(pattern) for pattern, _ in kinds)
        rows = sorted((pattern, count, role) for (pattern, role), count in kinds.items())
        return ["members", *(f"  {count:3}  {pattern.ljust(wide)}  {role}" for pattern, count, role in rows)]


def _has(image: SavedImage, layer: SavedLayer) -> bool:
    return any(layer.diff_id == other.diff_id for other in image.layers)


def _pattern(name: str) -> str:
    """A member's name without what differs from image to image: ``blobs/sha256/…``."""
    return shown(re.sub(r"[0-9a-f]{64}", "…", name))
