"""An image as the tar that ``docker load`` reads, written from layers or from files: no daemon, no registry.

Blobs are named by their sha256, with the index of the OCI layout for new engines and ``manifest.json`` for old ones
(OCI Image Specification, ``image-layout.md``). Times, owners and order are fixed, so the same parts give the same id.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from labkit import errors

LABEL = "labkit"
"""Everything that the course makes carries it."""

BUSYBOX = "labkit/busybox:latest"

EPOCH = "1970-01-01T00:00:00Z"
"""When everything that the course makes was made, so that the same parts give the same digests."""

_OCI = "application/vnd.oci.image"


@dataclass(frozen=True)
class Item:
    """One entry of a layer: a file's contents, a link's target, or neither for a directory."""

    data: bytes | None = None
    link: str = ""
    mode: int = 0o644


def write_layer(files: Mapping[str, Item]) -> bytes:
    """Return a layer as a tar: sorted, owned by root, dated 1970."""
    folders = {str(parent): Item(mode=0o755) for path in files for parent in PurePosixPath(path).parents if parent.name}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, item in sorted((folders | dict(files)).items()):
            _add(tar, path, item)
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, path: str, item: Item) -> None:
    info = tarfile.TarInfo(path)
    info.mode, info.linkname, info.size = item.mode, item.link, len(item.data or b"")
    info.type = tarfile.SYMTYPE if item.link else tarfile.DIRTYPE if item.data is None else tarfile.REGTYPE
    tar.addfile(info, io.BytesIO(item.data or b""))


# --- Whole images ---------------------------------------------------------------------------------------------

Source = bytes | Path | Callable[[], AbstractContextManager[BinaryIO]]
"""Where the bytes of a layer are: in memory, in a file, or in whatever is opened when they are needed."""


@dataclass(frozen=True)
class Draft:
    """An image that is still to be written.

    Attributes:
        config: the image configuration (OCI Image Specification, ``config.md``); its ``rootfs`` is left out or not
            believed: the diff-ids are computed from the layers.
        layers: their tars, the lowest first, packed with gzip or not.
        tags: ``name:tag`` of each; may be none.
    """

    config: Mapping[str, Any] = field(repr=False)
    layers: Sequence[Source] = field(repr=False)
    tags: Sequence[str] = ()


@dataclass(frozen=True)
class _Blob:
    """Bytes that a descriptor describes; ``diff_id`` is their digest before they were packed."""

    source: Source
    kind: str
    digest: str
    size: int
    diff_id: str = ""

    @property
    def name(self) -> str:
        return "blobs/" + self.digest.replace(":", "/")

    @property
    def descriptor(self) -> dict[str, Any]:
        return {"mediaType": self.kind, "digest": self.digest, "size": self.size}


def write_archive(target: Path | BinaryIO, *drafts: Draft) -> list[str]:
    """Write the tar that ``docker load`` reads, old engines and new; return the digest of each configuration.

    That digest is the image's id, except with the containerd store, where the manifest's is.

    Args:
        target: the file; one that was there before stays as it was unless all goes well.
        drafts: the images.

    Raises:
        ArchiveError: if a layer cannot be read or unpacked, or the tar not be written.
    """
    blobs: dict[str, _Blob] = {}
    entries, older, ids = [], [], []
    for draft in drafts:
        layers = [_layer(source) for source in draft.layers]
        rootfs = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
        config = _text("config", {"os": "linux", **draft.config, "rootfs": rootfs})
        content = {"config": config.descriptor, "layers": [layer.descriptor for layer in layers]}
        manifest = _text("manifest", {"schemaVersion": 2, "mediaType": f"{_OCI}.manifest.v1+json", **content})
        blobs |= {blob.name: blob for blob in (*layers, config, manifest)}
        entries += [manifest.descriptor | names for names in map(_names, draft.tags)] or [manifest.descriptor]
        older.append({"Config": config.name, "RepoTags": [*draft.tags], "Layers": [layer.name for layer in layers]})
        ids.append(config.digest)
    _write(target, blobs, {"schemaVersion": 2, "manifests": entries}, older)
    return ids


def read_saved(archive: bytes) -> Draft:
    """Return the one image that the learner's own daemon saved; ``labkit.inside.archive`` reads a stranger's tar."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:

        def member(name: str) -> bytes:
            file = tar.extractfile(name)
            return file.read() if file else b""

        [entry] = json.loads(member("manifest.json"))
        layers = [member(name) for name in entry["Layers"]]
        return Draft(json.loads(member(entry["Config"])), layers, entry["RepoTags"] or ())


def _names(tag: str) -> dict[str, Any]:
    """What the index calls an image: with its registry, for containerd, and by its tag alone."""
    full = tag if ":" in tag.rpartition("/")[2] else f"{tag}:latest"
    host, slash, _ = full.partition("/")
    if not slash:
        full = f"docker.io/library/{full}"
    elif not (set(".:") & set(host) or host == "localhost"):
        full = f"docker.io/{full}"
    tag = full.rpartition(":")[2]
    return {"annotations": {"io.containerd.image.name": full, "org.opencontainers.image.ref.name": tag}}


def _text(kind: str, value: object) -> _Blob:
    data = _json(value)
    return _Blob(data, f"{_OCI}.{kind}.v1+json", digest(data), len(data))


def _layer(source: Source) -> _Blob:
    """Measure a layer: one time as it is, and if it is packed, another time as it was before."""
    try:
        with _open(source) as file:
            packed = file.read(2) == b"\x1f\x8b"
            stored, size = _measure(file)
            diff_id = _measure(gzip.GzipFile(fileobj=file))[0] if packed else stored
    except (OSError, EOFError, zlib.error) as error:
        raise errors.ArchiveError(
            f"a layer cannot be read: {error}.", "It is a tar, or one packed with gzip."
        ) from error
    return _Blob(source, f"{_OCI}.layer.v1.tar{'+gzip' if packed else ''}", stored, size, diff_id)


def _open(source: Source) -> AbstractContextManager[BinaryIO]:
    if isinstance(source, Path):
        return source.open("rb")
    return io.BytesIO(source) if isinstance(source, bytes) else source()


def _measure(file: BinaryIO | gzip.GzipFile) -> tuple[str, int]:
    """The digest and the length of a file that may be larger than the memory; it is at its beginning afterwards."""
    found, size = hashlib.sha256(), 0
    file.seek(0)
    while data := file.read(1 << 18):
        found.update(data)
        size += len(data)
    file.seek(0)
    return f"sha256:{found.hexdigest()}", size


def _write(target: Path | BinaryIO, blobs: Mapping[str, _Blob], index: object, older: object) -> None:
    """Put the blobs, the OCI index and the older ``manifest.json`` into one tar."""
    texts = {"index.json": index, "manifest.json": older, "oci-layout": {"imageLayoutVersion": "1.0.0"}}
    files = dict(blobs) | {name: _text(name, value) for name, value in texts.items()}
    with replacing(target) as file, tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for folder in ("blobs", "blobs/sha256"):
            _add(tar, folder, Item(mode=0o755))
        for name, blob in sorted(files.items()):
            info = tarfile.TarInfo(name)
            info.size = blob.size
            with _open(blob.source) as source:
                tar.addfile(info, source)


@contextlib.contextmanager
def replacing(target: Path | BinaryIO, error: type[errors.LabError] = errors.ArchiveError) -> Iterator[BinaryIO]:
    """A file to write to that takes the place of ``target`` at the end of the ``with`` block, if all goes well."""
    if not isinstance(target, Path):
        yield target
        return
    part = target.with_name(target.name + ".part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(target)
    except OSError as cause:
        raise error(f"{target} cannot be written: {cause.strerror or cause}.", "Choose another folder.") from cause
    finally:
        with contextlib.suppress(OSError):
            part.unlink()


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest(data: bytes) -> str:
    """Return how images name bytes: ``sha256:`` and 64 hexadecimal digits."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
