"""The course's images, made on the spot from local parts. No registry is asked unless the learner agrees."""

from __future__ import annotations

import io
import json
import secrets
import tarfile
from collections.abc import Mapping
from typing import Any, BinaryIO

from labkit import errors, parts, sandbox
from labkit.busybox import busybox_files as busybox_files
from labkit.busybox import write as write
from labkit.daemon import Daemon
from labkit.leftovers import remove_one
from labkit.oci import BUSYBOX as BUSYBOX
from labkit.oci import EPOCH, LABEL, Draft, write_archive
from labkit.oci import Item as Item
from labkit.oci import digest as digest
from labkit.oci import read_saved as read_saved
from labkit.oci import write_layer as write_layer

OFFICIAL = "busybox:1.36.1-musl@sha256:3c6ae8008e2c2eedd141725c30b20d9c36b026eb796688f88205845ef17aa213"
"""What ``--pull`` fetches, where no local part exists and the learner agreed: static, all processors."""


def ensure(daemon: Daemon) -> str:
    """Make ``labkit/busybox`` unless the daemon has it, for its own processor; return the tag.

    Raises:
        PartMissing: if there is no local part to make it from.
    """
    from docker.errors import ImageNotFound

    try:
        found = daemon.client.images.get(BUSYBOX).attrs["Architecture"]
    except ImageNotFound:
        found = ""
    if found != daemon.architecture:
        build(daemon)
    return BUSYBOX


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
    return str(load(daemon, write(BUSYBOX, busybox_files(part), architecture=part.architecture), BUSYBOX)[0].id)


Files = Mapping[str, str | bytes | Item | None]
"""What a layer changes: path without leading slash → contents, or an ``Item`` where the mode matters. None removes what
the layers below have there; a path that ends in a slash is a directory, and with None one that hides what they have."""


def stack(
    daemon: Daemon,
    *layers: Files,
    base: str = BUSYBOX,
    tag: str = "",
    what: str = "demo",
    labels: Mapping[str, str] | None = None,
    shared: bool = False,
    **config: Any,
) -> str:
    """Make an image: the layers of ``base``, byte for byte, and these on top; return its tag.

    The same layers have the same digests, whenever and wherever they are made. The daemon is sent all of them, as
    with any ``docker load``, and keeps what it has not got.

    Args:
        daemon: who gets it.
        layers: what each of them changes, the lowest first.
        base: an image to start from; an empty text for nothing.
        tag: ``name:tag``; default ``labkit-<what>-<four digits>:latest``.
        what: the label's value.
        labels: further labels; all are inherited by what is made from the image.
        shared: whether it is everybody's on this daemon: no label says whose, and its id too is always the same.
        config: fields of the image configuration, such as ``Cmd=["sh"]``: each is a line of the history without files.

    Raises:
        ImageError: if the daemon refuses it, or has no such base.
        PartMissing: if there is no local part to make the course's own image from.
    """
    draft = read_saved(_save(daemon, base)) if base else Draft({}, [])
    marks = ({LABEL: what} if shared else sandbox.labels(what)) | dict(labels or {})
    settings = (draft.config.get("config") or {}) | config | {"Labels": marks}
    history = [
        *(draft.config.get("history") or ()),
        *({"created": EPOCH, "created_by": f"ADD {' '.join(files)}"} for files in layers),
        *(
            {"created": EPOCH, "created_by": f"{key.upper()} {json.dumps(config[key])}", "empty_layer": True}
            for key in config
        ),
    ]
    image = {"architecture": daemon.architecture, "created": EPOCH, "config": settings, "history": history}
    tag, tar = tag or f"{LABEL}-{what}-{secrets.token_hex(2)}:latest", io.BytesIO()
    write_archive(tar, Draft(image, [*draft.layers, *(write_layer(_items(files)) for files in layers)], [tag]))
    load(daemon, tar.getvalue(), tag)
    return tag


def _save(daemon: Daemon, image: str) -> bytes:
    """``docker save``; the course's own image is made first, if need be."""
    from docker.errors import ImageNotFound

    if image == BUSYBOX:
        ensure(daemon)
    try:
        return b"".join(daemon.client.images.get(image).save())
    except ImageNotFound:
        raise errors.ImageError(f"the daemon has no image {image!r}.", "`docker images` shows those it has.") from None


def _items(files: Files) -> dict[str, Item]:
    """The entries of a layer's tar: what is removed is an empty file there (OCI Image Specification, ``layer.md``)."""
    items: dict[str, Item] = {}
    for path, data in files.items():
        folder, slash, name = path.rpartition("/")
        if not name:
            items |= {folder: Item(mode=0o755)} | ({f"{path}.wh..wh..opq": Item(b"")} if data is None else {})
        elif data is None:
            items[f"{folder}{slash}.wh.{name}"] = Item(b"")
        else:
            items[path] = data if isinstance(data, Item) else Item(data.encode() if isinstance(data, str) else data)
    return items


def load(daemon: Daemon, archive: bytes | BinaryIO, source: str) -> list[Any]:
    """``docker load``; return the images as docker-py's ``Image``.

    Args:
        daemon: who gets them.
        archive: the tar.
        source: what to call it in an error.

    Raises:
        ImageError: if the daemon refuses it.
    """
    from docker.errors import APIError, ImageLoadError

    try:
        return list(daemon.client.images.load(archive))
    except (APIError, ImageLoadError) as error:
        reason = getattr(error, "explanation", "") or error
        raise errors.ImageError(
            f"{source} cannot be loaded: {reason}.", "`labkit doctor` looks at the daemon."
        ) from error


def listing(daemon: Daemon) -> list[tuple[str, str, int]]:
    """The course's images on the daemon: tag, id, size in bytes as ``docker image ls`` counts it."""
    found = daemon.client.api.images(filters={"label": [LABEL]})
    return sorted((tag, image["Id"], image["Size"]) for image in found for tag in image["RepoTags"] or ())


def _pull(daemon: Daemon) -> parts.Busybox:
    """Fetch the pinned official image, take the one file that is needed out of it, and give the image back."""
    from docker.errors import APIError, ImageNotFound

    images, ours = daemon.client.images, False
    try:
        try:
            images.get(OFFICIAL)
        except ImageNotFound:
            images.pull(OFFICIAL)
            ours = True
        return _take(daemon, OFFICIAL)
    except APIError as error:
        raise errors.ImageError(f"{OFFICIAL} cannot be pulled: {error.explanation}.", parts.REMEDY) from error
    finally:
        if ours:
            remove_one(daemon, "image", OFFICIAL)


def _take(daemon: Daemon, image: str) -> parts.Busybox:
    """Read ``/bin/busybox`` out of an image: a container that never starts shows it."""
    with sandbox.create(image, daemon=daemon) as box:
        chunks, _ = daemon.client.containers.get(box.id).get_archive("/bin/busybox")
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            file = tar.extractfile(tar.getmembers()[0])
            return parts.read(file.read() if file else b"")
