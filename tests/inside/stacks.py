"""Images of any shape, as the tar that ``docker load`` reads: many layers, empty ones, any history, any names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from labkit.images import Item, digest, write_layer

Files = Mapping[str, Item]


def diff_ids(layers: Sequence[Files]) -> list[str]:
    """The digests of the layers' tars."""
    return [digest(write_layer(files)) for files in layers]


def archive(
    layers: Sequence[Files],
    *,
    tags: Sequence[str] = (),
    history: Sequence[dict[str, Any]] | None = None,
    architecture: str = "amd64",
) -> bytes:
    """An image of these layers; the configuration has no history where none is given."""
    tars = [write_layer(files) for files in layers]
    document: dict[str, Any] = {
        "architecture": architecture,
        "os": "linux",
        "config": {"Labels": {"labkit": "image"}},
        "rootfs": {"type": "layers", "diff_ids": [digest(tar) for tar in tars]},
    }
    if history is not None:
        document["history"] = list(history)
    text = json.dumps(document).encode()
    names = [f"{digest(tar).partition(':')[2]}.tar" for tar in tars]
    name = f"{digest(text).partition(':')[2]}.json"
    entry = {"Config": name, "RepoTags": list(tags) or None, "Layers": names}
    files = {path: Item(tar) for path, tar in zip(names, tars, strict=True)}
    return write_layer(files | {name: Item(text), "manifest.json": Item(json.dumps([entry]).encode())})
