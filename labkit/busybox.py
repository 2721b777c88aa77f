"""The image that everything in the course is made from: one program, and its many names.

Times, owners and order are fixed, so the same parts give the same id.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from labkit import parts
from labkit.oci import EPOCH, LABEL, Draft, Item, write_archive, write_layer


def busybox_files(part: parts.Busybox) -> dict[str, Item]:
    """The files of ``labkit/busybox``: the program, a link for each of its commands, two users."""
    links = {f"bin/{name}": Item(link="busybox") for name in part.applets if name != "busybox"}
    return links | {
        "bin/busybox": Item(part.data, mode=0o755),
        "etc/passwd": Item(b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"),
        "etc/group": Item(b"root:x:0:\nnobody:x:65534:\n"),
        "root": Item(mode=0o700),
        "tmp": Item(mode=0o1777),
        "var": Item(mode=0o755),
    }


def write(tag: str, files: Mapping[str, Item], *, architecture: str, **config: Any) -> bytes:
    """Return the tar that ``docker load`` reads, for an image of one layer.

    Args:
        tag: ``name:tag``.
        files: path without leading slash → entry; directories on the way are made.
        architecture: as Docker writes it: ``amd64``, ``arm64``.
        config: further fields of the image configuration, such as ``Cmd=["sh"]``.
    """
    settings = {"Env": ["PATH=/bin"], "Cmd": ["sh"]} | config
    settings["Labels"] = {LABEL: "image"} | config.get("Labels", {})
    image = {
        "architecture": architecture,
        "config": settings,
        "created": EPOCH,
        "history": [{"created": EPOCH, "created_by": f"labkit: {tag.partition(':')[0]} from local parts"}],
    }
    buffer = io.BytesIO()
    write_archive(buffer, Draft(image, [write_layer(files)], [tag]))
    return buffer.getvalue()
