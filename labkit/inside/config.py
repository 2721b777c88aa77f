"""What an image says of its layers: the digest of each, the name of each together with those below, who made it.

Source: OCI Image Specification, ``config.md``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from labkit import errors

if TYPE_CHECKING:
    from labkit.daemon import Daemon


@dataclass(frozen=True)
class Config:
    """The part of an image's configuration that is about layers.

    Attributes:
        id: the image's id: the digest of its configuration (overlay2), or of its manifest (containerd).
        diff_ids: the digest of each layer's tar, the lowest first.
        commands: the line of the history that made it, for each layer; empty words where the history does not tell.
    """

    id: str
    diff_ids: tuple[str, ...] = field(default=(), repr=False)
    commands: tuple[str, ...] = field(default=(), repr=False)


def chain_ids(diff_ids: Sequence[str]) -> list[str]:
    """Return the chain-id of each layer: the digest that names it together with all layers below.

    That of the lowest is its diff-id; each further one is the SHA-256 of the chain-id below, a blank, and its diff-id.
    """
    chain: list[str] = []
    for diff_id in diff_ids:
        chain.append(f"sha256:{hashlib.sha256(f'{chain[-1]} {diff_id}'.encode()).hexdigest()}" if chain else diff_id)
    return chain


def read_config(daemon: Daemon, image: str, blob: Callable[[str], bytes]) -> Config:
    """Ask the daemon for an image's layers, and its store for the history.

    ``docker history`` would not do: it does not tell an empty layer from a line that made none.

    Args:
        daemon: whose image it is.
        image: its name or id.
        blob: returns what lies in the daemon's store under a digest.

    Raises:
        ImageError: if the daemon has no such image.
    """
    found = inspect_image(daemon, image)
    diff_ids = tuple((found.get("RootFS") or {}).get("Layers") or ())
    documents = (document for document in read_documents(found["Id"], blob) if read_diff_ids(document) == diff_ids)
    return Config(found["Id"], diff_ids, read_commands(next(documents, {}), len(diff_ids)))


def inspect_image(daemon: Daemon, image: str) -> dict[str, Any]:
    """``docker image inspect``, asked anew each time.

    Raises:
        ImageError: if the daemon has no such image.
    """
    api: Any = daemon.client.api
    try:
        return dict(api.inspect_image(image))
    except Exception as error:  # of docker-py's, which this room does not import
        if getattr(error, "status_code", 0) not in (400, 404):
            raise
        raise errors.ImageError(
            f"the daemon has no image {image!r}.", "`docker image ls` shows those it has."
        ) from None


def read_commands(document: Any, count: int) -> tuple[str, ...]:
    """Return the line of the history for each of ``count`` layers.

    A history that tells of more layers or of fewer says of none which line made it: all are empty then.

    Args:
        document: an image's configuration.
        count: the number of its layers.
    """
    lines = [line.get("created_by") or "" for line in document.get("history") or () if not line.get("empty_layer")]
    return tuple(lines) if len(lines) == count else ("",) * count


def read_diff_ids(document: Any) -> tuple[str, ...]:
    """Return the diff-ids of an image's configuration; none of another document."""
    return tuple((document.get("rootfs") or {}).get("diff_ids") or ())


def read_documents(digest: str, blob: Callable[[str], bytes], *, depth: int = 2) -> Iterator[Any]:
    """Yield the document of a digest and those that it names: an index names manifests, and these configurations.

    Args:
        digest: an image's id, in either store.
        blob: returns what lies in the store under a digest.
        depth: how many documents lead to the last one.
    """
    with contextlib.suppress(errors.PathMissing):  # an index also names what was made for other processors
        document = json.loads(blob(digest))
        yield document
        parts = [*(document.get("manifests") or ()), document.get("config") or {}]  # overlay2's has no digest in it
        for part in parts if depth else ():
            if "digest" in part:
                yield from read_documents(part["digest"], blob, depth=depth - 1)
