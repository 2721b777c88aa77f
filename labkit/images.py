"""The course's images, made on the spot from local parts. No registry is asked unless the learner agrees."""

from __future__ import annotations

import io
import tarfile
from typing import Any, BinaryIO

from labkit import errors, parts
from labkit.daemon import Daemon
from labkit.leftovers import remove_one
from labkit.oci import BUSYBOX as BUSYBOX
from labkit.oci import LABEL
from labkit.oci import Item as Item
from labkit.oci import busybox_files as busybox_files
from labkit.oci import digest as digest
from labkit.oci import write as write
from labkit.oci import write_layer as write_layer
from labkit.sandbox import create

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
    with create(image, daemon=daemon) as box:
        chunks, _ = daemon.client.containers.get(box.id).get_archive("/bin/busybox")
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            file = tar.extractfile(tar.getmembers()[0])
            return parts.read(file.read() if file else b"")
