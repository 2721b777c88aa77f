"""The texts in a saved tar that say what belongs together: the index, the manifests, Docker's own list, the roles.

Sources: OCI Image Specification, ``image-index.md``, ``manifest.md``, ``descriptor.md``; Docker Image Specification
v1.2 for ``manifest.json`` and ``repositories``.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

from labkit import errors
from labkit.inside.tars import Header, shown
from labkit.inside.windows import DAMAGED, Window

TEXT = 1 << 20
"""Bytes of one JSON text at most; a configuration has some thousands."""

TEXTS = 16 << 20
"""Bytes of all JSON texts of one tar that are read."""

LINKS = 8
"""Links that may follow one another."""

NESTED = 4
"""Indexes that may lie in one another."""

INDEX = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
LAYER = "application/vnd.oci.image.layer.v1.tar"
IMAGE_NAME, REF_NAME = "io.containerd.image.name", "org.opencontainers.image.ref.name"


class Manifest(NamedTuple):
    """An image manifest in an OCI layout.

    Attributes:
        digest: its digest, as the index says.
        config: the digest of the configuration that it names.
        layers: digest and media type of each layer, the lowest first.
        name: what the index calls the image, with its registry; empty if it is not named.
    """

    digest: str
    config: str
    layers: tuple[tuple[str, str], ...]
    name: str


class Texts:
    """The members of a tar, by name, and the JSON texts among them.

    Attributes:
        headers: the files and links in the tar, by name.
        roles: what the members are for, as far as something that was read says it.
    """

    def __init__(self, file: BinaryIO, headers: Mapping[str, Header]) -> None:
        self.headers, self._file, self._left = headers, file, TEXTS
        self.roles: dict[str, str] = {}

    def find(self, name: str, role: str) -> Header:
        """Return the file of a name, links followed, and note what it is for.

        Raises:
            ArchiveError: if there is none, or only links.
        """
        asked, name = name, posixpath.normpath(name)
        for _ in range(LINKS + 1):
            header = self.headers.get(name)
            if header is None:
                raise errors.ArchiveError(f"The tar has no {shown(name)}, its {role}.", DAMAGED)
            self.roles.setdefault(name, role)
            if header.kind == "-":
                return header
            name = linked(header)
        raise errors.ArchiveError(
            f"{shown(asked)} is a link to a link, more than {LINKS} times.", "They may go round in a circle: look."
        )

    def read(self, name: str, role: str) -> Any:
        """Return what a JSON text says.

        Raises:
            ArchiveError: if it is missing, too large, or no JSON.
        """
        header = self.find(name, role)
        self._left -= header.size
        if header.size > TEXT or self._left < 0:
            size, most = (header.size, TEXT) if header.size > TEXT else (TEXTS - self._left, TEXTS)
            raise errors.ArchiveError(
                f"With {shown(name)} there are {size} bytes of JSON, more than the {most} that are read.",
                "Ask who made it: a configuration has some thousands.",
            )
        try:
            return json.loads(Window(self._file, header.offset, header.size).read())
        except (ValueError, RecursionError) as error:
            raise errors.ArchiveError(f"{shown(name)}, the {role}, is no JSON: {error}.", DAMAGED) from error

    def manifests(self) -> Iterator[Manifest]:
        """Yield the image manifests that ``index.json`` leads to; those of attestations are none."""
        self.find("oci-layout", "mark of an OCI image layout")
        yield from self._index("index.json", "", NESTED)

    def _index(self, name: str, image: str, depth: int) -> Iterator[Manifest]:
        if depth == 0:
            raise errors.ArchiveError(f"{NESTED} indexes lie in one another, and {shown(name)} in them.", DAMAGED)
        for entry in maps(self.read(name, "image index"), "manifests", name):
            digest = self._described(entry, name)
            there = blob(digest)
            if there not in self.headers:  # an index may tell of other platforms that were not saved
                continue
            notes = entry.get("annotations")
            notes = notes if isinstance(notes, dict) else {}
            called = image or next(
                (text for key in (IMAGE_NAME, REF_NAME) if isinstance(text := notes.get(key), str)), ""
            )
            if entry.get("mediaType") in INDEX:
                yield from self._index(there, called, depth - 1)
            elif "vnd.docker.reference.type" in notes:
                self._attestation(there)
            else:
                yield self._manifest(there, digest, called)

    def _manifest(self, name: str, digest: str, called: str) -> Manifest:
        content = self.read(name, "image manifest")
        config = mapping(content, "config", name)
        layers = [
            (self._described(entry, name), str(entry.get("mediaType", LAYER)))
            for entry in maps(content, "layers", name)
        ]
        return Manifest(digest, self._described(config, name), tuple(layers), called)

    def _attestation(self, name: str) -> None:
        """Note what belongs to an attestation, which tells how an image was built."""
        content = self.read(name, "attestation manifest")
        for entry in [mapping(content, "config", name), *maps(content, "layers", name)]:
            self.roles.setdefault(blob(self._described(entry, name)), "attestation: how an image was built")

    def _described(self, entry: Mapping[str, Any], name: str) -> str:
        """The digest in a descriptor, if the bytes that are there are as many as it says."""
        digest = checked(text(entry, "digest", name), name)
        there = self.headers.get(blob(digest))
        if there and there.kind == "-" and entry.get("size") != there.size:
            said = shown(str(entry.get("size")))
            raise errors.ArchiveError(
                f"{shown(name)} says that {there.name} has {said} bytes; it has {there.size}.", DAMAGED
            )
        return digest


def linked(header: Header) -> str:
    """The name of the member that a link stands for: a hard link's is told from the tar's root.

    Raises:
        ArchiveError: if it leads out of the tar.
    """
    folder = posixpath.dirname(header.name) if header.kind == "l" else ""
    target = posixpath.normpath(posixpath.join(folder, header.link))
    if target.startswith(("/", "..")):
        raise errors.ArchiveError(
            f"{shown(header.name)} is a link to {shown(header.link)}, out of the tar.",
            "Unpack it nowhere: ask who made it.",
        )
    return target


# --- What the texts say, if they are as specified ---------------------------------------------------------


def mapping(value: Any, key: str, name: str) -> dict[str, Any]:
    """The object at a key of a text."""
    if isinstance(value, dict) and isinstance(found := value.get(key), dict):
        return found
    raise _unspecified(name, key, "an object")


def maps(value: Any, key: str, name: str) -> list[dict[str, Any]]:
    """The list of objects at a key of a text; nothing where it says ``null``; without a key the text itself."""
    found = value if not key else value.get(key) if isinstance(value, dict) else 0
    if isinstance(found, list | None) and all(isinstance(item, dict) for item in found or ()):
        return found or []
    raise _unspecified(name, key, "a list of objects")


def strings(value: Mapping[str, Any], key: str, name: str) -> tuple[str, ...]:
    """The list of texts at a key; nothing where it says ``null``."""
    found = value.get(key)
    if isinstance(found, list | None) and all(isinstance(item, str) for item in found or ()):
        return tuple(found or ())
    raise _unspecified(name, key, "a list of texts")


def text(value: Mapping[str, Any], key: str, name: str) -> str:
    """The text at a key."""
    if isinstance(found := value.get(key), str):
        return found
    raise _unspecified(name, key, "a text")


def checked(digest: str, name: str) -> str:
    """A digest, if it is one that can be computed here."""
    if re.fullmatch(r"sha256:[0-9a-f]{64}", digest):
        return digest
    raise errors.ArchiveError(
        f"{shown(name)} names {shown(digest)}, which is no sha256 digest.", "Other digests are not read here."
    )


def blob(digest: str) -> str:
    """The name of the member that holds the bytes of a digest."""
    return "blobs/" + digest.replace(":", "/")


def _unspecified(name: str, key: str, wanted: str) -> errors.ArchiveError:
    what = f"{key!r} of {shown(name)}" if key else shown(name)
    return errors.ArchiveError(f"{what} is not {wanted}.", "The specification wants it: ask who made it.")
