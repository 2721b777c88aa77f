"""The course's images, made on the spot from local parts. No registry is asked.

An image is written as the tar that ``docker load`` reads: blobs named by their sha256, with the index of
the OCI layout for new engines and ``manifest.json`` for old ones (OCI Image Specification, ``image-layout.md``).
Times, owners and order are fixed, so the same parts give the same image id.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit import errors, parts
from labkit.daemon import Daemon
from labkit.sandbox import LABEL, create

BUSYBOX = "labkit/busybox:latest"
OFFICIAL = "busybox:1.36.1-musl@sha256:3c6ae8008e2c2eedd141725c30b20d9c36b026eb796688f88205845ef17aa213"
"""What ``--pull`` fetches, where no local part exists and the learner agreed: static, all processors."""

_EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Item:
    """One entry of a layer: a file's contents, a link's target, or neither for a directory."""

    data: bytes | None = None
    link: str = ""
    mode: int = 0o644


def ensure(daemon: Daemon, tag: str = BUSYBOX) -> str:
    """Make the image ``tag`` unless the daemon has it; return the tag.

    Raises:
        PartMissing: if there is no local part to make it from.
    """
    from docker.errors import ImageNotFound

    try:
        daemon.client.images.get(tag)
    except ImageNotFound:
        build(daemon)
    return tag


def build(daemon: Daemon, *, pull: bool = False) -> str:
    """Make ``labkit/busybox`` for the daemon's processor; return the image id.

    Args:
        daemon: who gets the image.
        pull: where no local part exists, fetch the pinned official image and take its busybox.
    """
    try:
        part = parts.find(daemon.architecture)
    except errors.PartMissing:
        if not pull:
            raise
        part = _pull(daemon)
    return _load(daemon, write(BUSYBOX, busybox_files(part), architecture=part.architecture))


def busybox_files(part: parts.Busybox) -> dict[str, Item]:
    """The files of ``labkit/busybox``: the program, a link for each of its commands, three users."""
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
    settings = {"Env": ["PATH=/bin"], "Cmd": ["sh"], "Labels": {LABEL: "image"}} | config
    image = {
        "architecture": architecture,
        "config": settings,
        "created": _EPOCH,
        "history": [{"created": _EPOCH, "created_by": f"labkit: {tag.partition(':')[0]} from local parts"}],
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
    }
    return _archive(tag, _json(image), [layer])


def write_layer(files: Mapping[str, Item]) -> bytes:
    """Return a layer as a tar: sorted, owned by root, dated 1970."""
    folders = {str(parent): Item(mode=0o755) for path in files for parent in Path(path).parents if parent.name}
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


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _blob(data: bytes) -> str:
    return "blobs/" + _digest(data).replace(":", "/")


def _descriptor(kind: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": _digest(data), "size": len(data)}


def _load(daemon: Daemon, archive: bytes) -> str:
    loaded = daemon.client.images.load(archive)
    return str(loaded[0].id)


def _pull(daemon: Daemon) -> parts.Busybox:
    """Fetch the pinned official image and take the one file that is needed out of it."""
    from docker.errors import APIError

    try:
        daemon.client.images.pull(OFFICIAL)
    except APIError as error:
        raise errors.ImageError(f"{OFFICIAL} cannot be pulled: {error.explanation}.", parts.REMEDY) from error
    with create(OFFICIAL, daemon=daemon) as box:
        chunks, _ = daemon.client.containers.get(box.id).get_archive("/bin/busybox")
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            file = tar.extractfile(tar.getmembers()[0])
            return parts.read(file.read() if file else b"")


def listing(daemon: Daemon) -> list[tuple[str, str, int]]:
    """The course's images on the daemon: tag, id, size in bytes."""
    found = daemon.client.images.list(filters={"label": LABEL})
    return sorted((tag, str(image.id), int(image.attrs["Size"])) for image in found for tag in image.tags)


def pack(daemon: Daemon, target: Path) -> list[str]:
    """Write the course's images into one file for a room without network; return their tags.

    The file is what ``docker save`` writes, so ``docker load -i`` reads it too.
    """
    ensure(daemon)
    tags = [tag for tag, *_ in listing(daemon) if tag.startswith(f"{LABEL}/")]
    part = target.with_name(target.name + ".part")
    try:
        with part.open("wb") as file:
            for chunk in daemon.client.api.get_image(tags):  # type: ignore[arg-type]
                file.write(chunk)
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise errors.ImageError(f"{target} cannot be written: {error.strerror}.", "Choose another folder.") from error
    return tags


def load(daemon: Daemon, source: Path) -> list[str]:
    """Give the daemon the images of a kit; return their tags.

    Raises:
        ImageError: if the file is missing, is no kit, or is for another processor.
    """
    from docker.errors import APIError, ImageLoadError

    try:
        with source.open("rb") as file:
            loaded = daemon.client.images.load(file)
    except (OSError, APIError, ImageLoadError) as error:
        raise errors.ImageError(
            f"{source} cannot be loaded: {error}.", "Make a kit with `labkit images pack KIT.tar`."
        ) from error
    for image in loaded:
        if image.attrs["Architecture"] != daemon.architecture:
            raise errors.ImageError(
                f"{source} holds images for {image.attrs['Architecture']}; this daemon is {daemon.architecture}.",
                "Make the kit on a computer with that processor.",
            )
    return sorted(tag for image in loaded for tag in image.tags)
