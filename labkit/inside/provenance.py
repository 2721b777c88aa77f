"""Which layer each visible file comes from, and what became of the others that have something at the same path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from labkit import errors
from labkit.host import Host, Names, check_path
from labkit.inside.merging import Merged, Places, cut, locate, merge_names
from labkit.inside.stack import Stack

Folder = tuple[str, list[int]]
"""A path inside, without a slash at the end, and the layers whose directories are merged there, the lowest first."""


def read_provenance(host: Host, stack: Stack) -> Iterator[tuple[str, int]]:
    """Return every path inside and the number of the layer it is seen from: ``dict(read_provenance(host, image))``.

    Only names and types are read. The order is that of the reading: a folder comes before what is in it.

    Args:
        host: where the layers are.
        stack: the layers.
    """
    return chain.from_iterable(_pieces(host, locate(stack)))


def _pieces(host: Host, places: Places) -> Iterator[Iterable[tuple[str, int]]]:
    """What is in each folder, in one piece, so that no file costs a step of a generator."""
    waiting: list[Folder] = [("", list(places.layers))]
    yield [("/", max(places.layers))]
    while waiting:
        batch = _take(waiting, host.together)
        below = list[Folder]()
        for (path, _), (files, folders) in zip(batch, _merged(host, places, batch), strict=True):
            head = f"{path}/"
            yield zip([head + name for name in files], files.values(), strict=True)
            if folders:
                inner = [(head + name, numbers) for name, numbers in folders.items()]
                yield [(path, numbers[-1]) for path, numbers in inner]
                below += inner
        cut(host, places, below)
        waiting += below


def _take(waiting: list[Folder], most: int) -> list[Folder]:
    """Take folders from the end: at least one, and so many that at most ``most`` directories have to be read."""
    batch = [waiting.pop()]
    count = len(batch[0][1])
    while waiting and (count := count + len(waiting[-1][1])) <= most:
        batch.append(waiting.pop())
    return batch


def _merged(host: Host, places: Places, batch: list[Folder]) -> Iterator[Merged]:
    base, layers = places
    listed = host.names(base, [layers[n] + path for path, numbers in batch for n in numbers])
    for _, numbers in batch:
        yield merge_names(numbers, listed)


# --- One path -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Hider:
    """What hides everything below it.

    Attributes:
        kind: ``"whiteout"``, ``"opaque"`` for a directory with that mark, ``"file"``, or ``"folder"`` for a directory
            that lies over a file.
        layer: the number of the layer that has it.
        path: where it is inside: the path that was asked for, or one above.
    """

    kind: str
    layer: int
    path: str


@dataclass(frozen=True)
class Provenance:
    """What all layers have at one path.

    Attributes:
        path: where it is inside.
        layer: the number of the layer that it is seen from; None where it is not seen.
        merged: of a directory that is seen, the layers whose contents are seen in it; the lowest first.
        hidden: the layers that have something there which is not seen, and what hides it; the lowest first. Where
            several things would do, it is the nearest whiteout, or else the uppermost.
        removed: what removed it, where it is not seen.
    """

    path: str
    layer: int | None
    merged: tuple[int, ...] = ()
    hidden: dict[int, Hider] = field(default_factory=dict)
    removed: Hider | None = None


def provenance(host: Host, stack: Stack, path: str) -> Provenance:
    """Say which layer a path comes from, what it hides, or what hides it: ``provenance(host, stack, "/etc/motd")``.

    Links are not followed.

    Args:
        host: where the layers are.
        stack: the layers.
        path: an absolute path inside.

    Raises:
        HostError: if the path is not absolute.
        PathMissing: if no layer has anything there.
    """
    check_path(path)
    places = locate(stack)
    found = Provenance("/", max(places.layers), tuple(places.layers))
    for name in (part for part in path.split("/") if part):
        here = _step(host, places, found, name)
        if here is None:
            raise errors.PathMissing(f"No layer of {stack.name} has {path}.", "read_visible() yields what there is.")
        found = here
    return found


def _step(host: Host, places: Places, around: Provenance, name: str) -> Provenance | None:
    """Go from a folder to something in it; None if no layer has it."""
    path = f"{around.path.rstrip('/')}/{name}"
    kinds = _kinds(host, places, around, name)
    hidden = {n: by for n, by in around.hidden.items() if kinds[n] in ("file", "folder")}
    opaque = _opaque(host, places, [n for n in around.merged if kinds[n] == "folder"], path)
    layer, merged = None, list[int]()
    closed, removed = None, around.removed if hidden else None
    for n in reversed(around.merged):
        kind = kinds[n]
        if closed and kind in ("file", "folder"):
            hidden[n] = closed
        elif kind == "file" and layer:  # a directory lies over it
            hidden[n] = closed = Hider("folder", layer, path)
        elif kind in ("file", "folder"):
            layer = layer or n
            merged += [n] * (kind == "folder")
        if kind == "whiteout" or (not closed and (kind == "file" or n in opaque)):
            closed = Hider("opaque" if n in opaque else kind, n, path)
            removed = removed or closed
    if not (layer or hidden or removed):
        return None
    above = removed or hidden[max(hidden)] if not layer else None
    return Provenance(path, layer, tuple(merged[::-1]), dict(sorted(hidden.items())), above)


def _kinds(host: Host, places: Places, around: Provenance, name: str) -> dict[int, str]:
    """What each layer that has a folder has in it under a name: a file, a folder, a whiteout, or nothing."""
    numbers = [*around.merged, *around.hidden]
    listed = host.names(places.base, [places.layers[n] + around.path.rstrip("/") for n in numbers])
    return {n: _kind(names, name) for n, names in zip(numbers, listed, strict=True)}


def _kind(names: Names, name: str) -> str:
    found = [kind for kind, here in zip(("folder", "whiteout", "file"), names, strict=True) if name in here]
    return found[0] if found else ""


def _opaque(host: Host, places: Places, numbers: list[int], path: str) -> set[int]:
    """Those of these layers in which a folder is opaque; the lowest is not asked for, since it hides nothing."""
    asked = {places.layers[n] + path: n for n in numbers[1:]}
    return {asked[place] for place in host.opaque(places.base, list(asked))} if asked else set()
