"""Images of a few bytes, in both layouts of ``docker save``: to look at, and to read as an exercise.

Sources: Docker Image Specification v1.2 for engines before 25, OCI Image Specification, ``image-layout.md``, for those
since.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.oci import Item, digest, write_layer


@dataclass(frozen=True)
class Specimen:
    """An image to be put into a tar.

    Attributes:
        tags: its names.
        layers: the tars of its layers, the lowest first.
        packed: whether they are stored packed with gzip.
        config: further fields of its configuration.
    """

    tags: tuple[str, ...]
    layers: tuple[bytes, ...]
    packed: bool = False
    config: Mapping[str, Any] | None = None

    @property
    def stored(self) -> list[bytes]:
        """The layers as they are in the tar."""
        return [gzip.compress(layer, mtime=0) if self.packed else layer for layer in self.layers]

    @property
    def newest(self) -> str:
        """The diff-id of the layer on top."""
        return digest(self.layers[-1])


def specimen(tag: str, *files: str) -> Specimen:
    """An image with a small file in each of its packed layers, the lowest first."""
    layers = tuple(write_layer({file: Item(b"x")}) for file in files)
    lines = [{"created": "1970-01-01T00:00:00Z", "created_by": f"COPY {file}"} for file in files]
    return Specimen((tag,), layers, packed=True, config={"history": lines})


# --- The two layouts ------------------------------------------------------------------------------------------


def docker_members(*specimens: Specimen) -> dict[str, bytes]:
    """The files of a tar as engines before 25 write it: a folder for each layer (Docker Image Specification v1.2)."""
    files: dict[str, bytes] = {}
    entries = []
    for image in specimens:
        config, names = _config(image), []
        for number, layer in enumerate(image.layers):
            folder = digest(config + bytes([number]))[7:]
            files |= {f"{folder}/VERSION": b"1.0", f"{folder}/layer.tar": layer}
            names.append(f"{folder}/layer.tar")
        files[f"{digest(config)[7:]}.json"] = config
        entries.append({"Config": f"{digest(config)[7:]}.json", "RepoTags": image.tags, "Layers": names})
    return files | {"manifest.json": _json(entries)}


def oci_members(*specimens: Specimen) -> dict[str, bytes]:
    """The files of a tar as engines write it since 25: blobs by their digests (OCI Image Specification)."""
    files: dict[str, bytes] = {}
    entries, index = [], []
    for image in specimens:
        config, kind = _config(image), "layer.v1.tar" + "+gzip" * image.packed
        content = {
            "config": _described("config.v1+json", config),
            "layers": [_described(kind, d) for d in image.stored],
        }
        manifest = _json({"schemaVersion": 2, "mediaType": f"{_OCI}.manifest.v1+json", **content})
        files |= {_blob(data): data for data in (*image.stored, config, manifest)}
        index += [
            _described("manifest.v1+json", manifest) | {"annotations": {"io.containerd.image.name": f"docker.io/{tag}"}}
            for tag in image.tags
        ]
        entries.append(
            {"Config": _blob(config), "RepoTags": image.tags, "Layers": [_blob(data) for data in image.stored]}
        )
    return files | {
        "oci-layout": _json({"imageLayoutVersion": "1.0.0"}),
        "index.json": _json({"schemaVersion": 2, "manifests": index}),
        "manifest.json": _json(entries),
    }


def pack(files: Mapping[str, bytes], order: Sequence[str] = ()) -> bytes:
    """Write a tar of files, in an order that may be any."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name in order or files:
            info = tarfile.TarInfo(name)
            info.size = len(files[name])
            tar.addfile(info, io.BytesIO(files[name]))
    return buffer.getvalue()


_OCI = "application/vnd.oci.image"


def _config(image: Specimen) -> bytes:
    rootfs = {"type": "layers", "diff_ids": [digest(layer) for layer in image.layers]}
    return _json({"architecture": "amd64", "os": "linux", **(image.config or {}), "rootfs": rootfs})


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


def _blob(data: bytes) -> str:
    return "blobs/" + digest(data).replace(":", "/")


def _described(kind: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": f"{_OCI}.{kind}", "digest": digest(data), "size": len(data)}
