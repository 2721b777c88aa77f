"""Read what ``docker save`` wrote: which images are in the tar, and which of its members belong to them.

Both layouts are read, that of engines before 25 and that since, and nothing is unpacked: a tar is a stranger's, so
whatever it claims has a limit. What is told here is what the tar says of itself; ``digests.py`` looks whether it is so.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from labkit import errors
from labkit.inside.anatomy import Archive as Archive
from labkit.inside.anatomy import Member as Member
from labkit.inside.anatomy import SavedImage as SavedImage
from labkit.inside.anatomy import SavedLayer as SavedLayer
from labkit.inside.manifests import LAYER, LINKS, Manifest, Texts, blob, checked, linked, mapping, maps, strings, text
from labkit.inside.tars import Header, read_headers, shown
from labkit.inside.windows import DAMAGED, Window, is_packed, measure, opened, unpacked

MEMBERS = 20_000
"""Members of one tar at most: forty for each of five hundred images."""

LAYERS = 1_000
"""Layers of one image at most; the daemon itself takes 127."""

_OTHERS = {
    "VERSION": "version of the layout of a layer's folder",
    "json": "configuration of one layer, for engines before 1.10",
    "repositories": "tags and their newest layer, for engines before 1.10",
}


def read_archive(source: Path | BinaryIO) -> Archive:
    """Read what is in a tar that ``docker save`` wrote.

    Packed layers are unpacked once to learn their size, a piece at a time.

    Args:
        source: the file; an open one must be able to go back.

    Raises:
        ArchiveError: if it is cut off, damaged or not as specified, has a name, link or device that has no business
            there, or claims more than is read.
    """
    with opened(source) as file:
        if is_packed(file):
            raise errors.ArchiveError("The tar is packed as a whole.", "Unpack it first: `gzip -d FILE`.")
        texts = Texts(file, _headers(file))
        layout = "oci" if "oci-layout" in texts.headers else "docker"
        manifests = {manifest.config: manifest for manifest in (texts.manifests() if layout == "oci" else ())}
        images = tuple(_images(file, texts, manifests))
        return Archive(source, layout, images, tuple(_member(header, texts) for header in texts.headers.values()))


def _headers(file: BinaryIO) -> dict[str, Header]:
    """The files and links of the tar, by name; there is nothing else in an honest one."""
    found: dict[str, Header] = {}
    for header in read_headers(file, "The tar", MEMBERS):
        if header.kind == "d":
            continue
        if header.kind in "cbp":
            raise errors.ArchiveError(
                f"The tar has {shown(header.name)}, a device or pipe.", "Unpack it nowhere: ask who made it."
            )
        if header.name in found:
            raise errors.ArchiveError(
                f"The tar has {shown(header.name)} twice, and programs differ in which of them counts.", DAMAGED
            )
        if header.kind in "lh":
            linked(header)
        found[header.name] = header
    return found


def _images(file: BinaryIO, texts: Texts, manifests: Mapping[str, Manifest]) -> Iterator[SavedImage]:
    """The images, from Docker's own list; from the index where another program wrote the tar."""
    if "manifest.json" in texts.headers:
        for entry in maps(texts.read("manifest.json", "list of the images, for docker load"), "", "manifest.json"):
            name, layers = text(entry, "Config", "manifest.json"), strings(entry, "Layers", "manifest.json")
            digest = checked(f"sha256:{name.rpartition('/')[2].removesuffix('.json')}", "manifest.json")
            tags = strings(entry, "RepoTags", "manifest.json")
            yield _image(file, texts, name, layers, tags, manifests.get(digest) or Manifest("", digest, (), ""))
    elif manifests:
        for manifest in manifests.values():
            layers = tuple(blob(digest) for digest, _ in manifest.layers)
            tags = (manifest.name.removeprefix("docker.io/"),) if manifest.name else ()
            yield _image(file, texts, blob(manifest.config), layers, tags, manifest)
    else:
        raise errors.ArchiveError("The tar holds no image.", "`docker save -o FILE IMAGE` writes one that does.")


def _image(
    file: BinaryIO, texts: Texts, name: str, layers: tuple[str, ...], tags: tuple[str, ...], manifest: Manifest
) -> SavedImage:
    config = texts.read(name, "image configuration")
    diff_ids = strings(mapping(config, "rootfs", name), "diff_ids", name)
    if len(diff_ids) != len(layers) or len(layers) > LAYERS:
        raise errors.ArchiveError(
            f"{shown(name)} has {len(diff_ids)} diff-ids for {len(layers)} layers; {LAYERS} are read at most.",
            "Each layer needs its diff-id: ask who made it.",
        )
    commands = _commands(config, name, len(layers))
    found = [
        replace(_layer(file, texts, layer, dict(manifest.layers)), number=number, diff_id=checked(diff_id, name))
        for number, (layer, diff_id) in enumerate(zip(layers, diff_ids, strict=True), 1)
    ]
    found = [
        replace(layer, digest=layer.digest or layer.diff_id, command=command)
        for layer, command in zip(found, commands, strict=True)
    ]
    return SavedImage(tags, config, manifest.config, manifest.digest, tuple(found), name)


def _layer(file: BinaryIO, texts: Texts, name: str, types: Mapping[str, str]) -> SavedLayer:
    """What a layer's member tells of it."""
    header = texts.find(name, "layer")
    window: BinaryIO = Window(file, header.offset, header.size)  # type: ignore[assignment]
    packed = is_packed(window)
    unpacked_size = measure(unpacked(window, shown(name)))[1] if packed else header.size
    folder, _, last = header.name.rpartition("/")
    digest = checked(f"sha256:{last}", name) if folder == "blobs/sha256" else ""
    media_type = types.get(digest) or LAYER + "+gzip" * packed
    return SavedLayer(0, "", digest, header.size, unpacked_size, name, media_type)


def _commands(config: Mapping[str, Any], name: str, count: int) -> list[str]:
    """The lines of the history that made a layer; empty ones where it does not tell of each."""
    lines = [entry for entry in maps(config, "history", name) if not entry.get("empty_layer")]
    if len(lines) != count:
        return [""] * count
    return [line if isinstance(line := entry.get("created_by"), str) else "" for entry in lines]


def _member(header: Header, texts: Texts) -> Member:
    last = header.name.rpartition("/")[2]
    role = texts.roles.get(header.name) or _OTHERS.get(last) or "nothing that was read leads to it"
    return Member(header.name, header.size, role, linked(header) if header.kind in "lh" else "", header.offset)


def open_member(file: BinaryIO, archive: Archive, name: str) -> BinaryIO:
    """Return the bytes of a member, links followed, as a file in the open tar.

    Raises:
        ArchiveError: if there is no such member.
    """
    members = {member.name: member for member in archive.members}
    asked, found = name, members.get(posixpath.normpath(name))
    for _ in range(LINKS):
        if found and found.link:
            found = members.get(found.link)
    if found is None or found.link:
        raise errors.ArchiveError(f"The tar has no file {shown(asked)}.", "Print the archive: it shows what there is.")
    return Window(file, found.offset, found.size)  # type: ignore[return-value]
