"""Images out of a saved tar, to be written again: as they are, or without one of their layers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, BinaryIO

from labkit import errors
from labkit.inside.archive import Archive, SavedImage, open_member
from labkit.inside.windows import opened
from labkit.oci import Draft


def redraft(archive: Archive, image: SavedImage) -> Draft:
    """Return an image of a tar as a draft that ``labkit.oci.write_archive`` writes: its layers are read then."""
    return Draft(image.config, [partial(_opened, archive, layer.name) for layer in image.layers], image.tags)


@contextlib.contextmanager
def _opened(archive: Archive, name: str) -> Iterator[BinaryIO]:
    with opened(archive.source) as file:
        yield open_member(file, archive, name)


def without_layer(archive: Archive, number: int, *, tag: str = "") -> Draft:
    """Return an image without one of its layers: with the others' diff-ids, and without its line in the history.

    The layers above stay as they are; if they need files of the one that is gone, nobody sees it before they are used.

    Args:
        archive: the tar.
        number: the layer, counted from below; -1 is the newest.
        tag: which image, if the tar has several.

    Raises:
        ArchiveError: if there is no such layer, or no other.
    """
    image = archive.image(tag)
    gone = image.layer(number).number
    if len(image.layers) == 1:
        raise errors.ArchiveError(f"{image.name} has one layer only.", "The daemon saves no image without layers.")
    whole = redraft(archive, image)
    layers = [source for place, source in enumerate(whole.layers, 1) if place != gone]
    return replace(whole, config=_forget(image.config, gone, len(image.layers)), layers=layers)


def _forget(config: Mapping[str, Any], number: int, count: int) -> dict[str, Any]:
    """The configuration without a layer's line in the history; without history, if that has no line for each layer."""
    lines = config.get("history") or []
    made = [place for place, line in enumerate(lines) if not line.get("empty_layer")]
    if len(made) != count:
        return {key: value for key, value in config.items() if key != "history"}
    return {**config, "history": [line for place, line in enumerate(lines) if place != made[number - 1]]}
