"""The offline kit: the course's images in one file, for a room without a network.

The file is what ``docker save`` writes, so ``docker load -i`` reads it too.
"""

from __future__ import annotations

import json
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from labkit import errors, images
from labkit.daemon import Daemon
from labkit.leftovers import LABEL
from labkit.oci import replacing

_MAKE_ONE = "Make a kit with `labkit images pack KIT.tar`, on a computer with this daemon's processor."


def pack(daemon: Daemon, target: Path) -> list[str]:
    """Write the course's images into one file; return their tags.

    Raises:
        ImageError: if it cannot be written; what was there before is still there then.
        PartMissing: if there is no image yet and no local part to make it from.
    """
    images.ensure(daemon)
    tags = [tag for tag, *_ in images.listing(daemon) if tag.startswith(f"{LABEL}/")]
    with replacing(target, errors.ImageError) as file:
        for chunk in _save(daemon, tags):
            file.write(chunk)
    return tags


def _save(daemon: Daemon, tags: list[str]) -> Iterator[bytes]:
    """``GET /images/get``, which docker-py offers for a single image only."""
    api = daemon.client.api
    with api.get(f"{api.base_url}/v{daemon.api}/images/get", params={"names": tags}, stream=True) as answer:
        answer.raise_for_status()
        yield from answer.iter_content(1 << 20)


def load(daemon: Daemon, source: Path) -> list[str]:
    """Give the daemon the images of a kit; return their tags.

    Raises:
        ImageError: if the file is missing, is no whole kit, or is for another processor; nothing is loaded then.
    """
    for architecture, labels in _read(source):
        if LABEL not in labels:
            raise errors.ImageError(f"{source} holds images that are not the course's.", _MAKE_ONE)
        if architecture != daemon.architecture:
            raise errors.ImageError(
                f"{source} holds images for {architecture}; this daemon is {daemon.architecture}.", _MAKE_ONE
            )
    with source.open("rb") as file:
        return sorted(tag for image in images.load(daemon, file, str(source)) for tag in image.tags)


def _read(source: Path) -> list[tuple[str, dict[str, str]]]:
    """The processor and the labels of each image in a kit, once it is certain that its layers are whole.

    Not every engine looks: with the containerd store, Docker 28 loads a kit without its layers and is content.
    """
    try:
        with tarfile.open(source) as tar:
            if not (entries := json.loads(_member(tar, "manifest.json"))):
                raise ValueError("it holds no image")
            configs = [json.loads(_member(tar, entry["Config"])) for entry in entries]
            for entry, config in zip(entries, configs, strict=True):
                for layer, wanted in zip(entry["Layers"], config["rootfs"]["diff_ids"], strict=True):
                    digest = images.digest(_member(tar, layer))
                    # A compressed layer is another file than its diff-id says, and has its own digest as its name.
                    if digest not in (wanted, f"sha256:{PurePosixPath(layer).name}"):
                        raise ValueError(f"the layer {layer} is damaged")
            return [(config["architecture"], config["config"].get("Labels") or {}) for config in configs]
    except (tarfile.TarError, EOFError, zlib.error, LookupError, TypeError, ValueError, AttributeError) as error:
        raise errors.ImageError(f"{source} is not a whole kit: {error}.", _MAKE_ONE) from error
    except OSError as error:
        raise errors.ImageError(f"{source} cannot be read: {error.strerror or error}.", _MAKE_ONE) from error


def _member(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(name)
    return file.read() if file else b""
