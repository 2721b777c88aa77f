"""An image as the tar that ``docker load`` reads, written from files in memory: no daemon, no registry.

Blobs are named by their sha256, with the index of the OCI layout for new engines and ``manifest.json`` for old ones
(OCI Image Specification, ``image-layout.md``). Times, owners and order are fixed, so the same parts give the same id.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from labkit import parts

LABEL = "labkit"
"""Everything that the course makes carries it."""

BUSYBOX = "labkit/busybox:latest"

_EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Item:
    """One entry of a layer: a file's contents, a link's target, or neither for a directory."""

    data: bytes | None = None
    link: str = ""
    mode: int = 0o644


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
    layer = write_layer(files)
    settings = {"Env": ["PATH=/bin"], "Cmd": ["sh"]} | config
    settings["Labels"] = {LABEL: "image"} | config.get("Labels", {})
    image = {
        "architecture": architecture,
        "config": settings,
        "created": _EPOCH,
        "history": [{"created": _EPOCH, "created_by": f"labkit: {tag.partition(':')[0]} from local parts"}],
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
    }
    return _archive(tag, _json(image), [layer])


def write_layer(files: Mapping[str, Item]) -> bytes:
    """Return a layer as a tar: sorted, owned by root, dated 1970."""
    folders = {str(parent): Item(mode=0o755) for path in files for parent in PurePosixPath(path).parents if parent.name}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, item in sorted((folders | dict(files)).items()):
            info = tarfile.TarInfo(path)
            info.mode, info.linkname, info.size = item.mode, item.link, len(item.data or b"")
            info.type = tarfile.SYMTYPE if item.link else tarfile.DIRTYPE if item.data is None else tarfile.REGTYPE
            tar.addfile(info, io.BytesIO(item.data or b""))
    return buffer.getvalue()


def _archive(tag: str, config: bytes, layers: list[bytes]) -> bytes:
    """Put the blobs, the OCI index and the older ``manifest.json`` into one tar."""
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _descriptor("application/vnd.oci.image.config.v1+json", config),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar", layer) for layer in layers],
        }
    )
    names = {"io.containerd.image.name": f"docker.io/{tag}", "org.opencontainers.image.ref.name": tag.split(":")[1]}
    entry = _descriptor("application/vnd.oci.image.manifest.v1+json", manifest) | {"annotations": names}
    older = {"Config": _blob(config), "RepoTags": [tag], "Layers": [_blob(layer) for layer in layers]}
    blobs = {_blob(data): Item(data) for data in (config, manifest, *layers)}
    return write_layer(
        blobs
        | {
            "index.json": Item(_json({"schemaVersion": 2, "manifests": [entry]})),
            "manifest.json": Item(_json([older])),
            "oci-layout": Item(_json({"imageLayoutVersion": "1.0.0"})),
        }
    )


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest(data: bytes) -> str:
    """Return how images name bytes: ``sha256:`` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _blob(data: bytes) -> str:
    return "blobs/" + digest(data).replace(":", "/")


def _descriptor(kind: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": digest(data), "size": len(data)}
