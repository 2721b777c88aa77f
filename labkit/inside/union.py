"""What an overlay of layers shows, computed from their directories alone, as overlayfs does it.

Source: ``Documentation/filesystems/overlayfs.rst`` of the kernel.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from labkit.host import Entry, Host, encode
from labkit.inside.descent import Folder, descend
from labkit.inside.merging import Column, Places, cut, locate, merged_folders, read_columns
from labkit.inside.stack import Stack


class Seen(NamedTuple):
    """One file as a container sees it.

    Attributes:
        path: where it is inside; bytes that are not UTF-8 as surrogates (PEP 383).
        entry: the file that is seen, with its path on the daemon's host.
        layer: the number of the layer that it comes from; of a directory, where its owner and mode come from.
        merged: of a directory, the layers whose contents are seen in it; the lowest first.
        hides: the lower layers that have something at this path which is not seen for it; the lowest first.
    """

    path: str
    entry: Entry
    layer: int
    merged: tuple[int, ...] = ()
    hides: tuple[int, ...] = ()

    def __repr__(self) -> str:
        return f"<{self.entry.permissions} {self.path!r} from layer {self.layer}>"


def read_visible(host: Host, stack: Stack, *, deleted: bool = False) -> Iterator[Seen]:
    """Yield every file that the layers show together, the root first, in the order of the bytes of the names.

    What is in a folder follows right behind it, as in a tar. Never more than some hundred folders are kept at once.

    Args:
        host: where the layers are.
        stack: the layers, of an image or of a container.
        deleted: yield also what is not seen because a whiteout is on top; the whiteout is the entry then.

    Raises:
        PathMissing, PathForbidden: if the uppermost directory is gone, or not shown.
    """
    places = locate(stack)
    numbers = list(places.layers)
    yield Seen("/", host.stat(stack.layers[-1].directory), numbers[-1], tuple(numbers))
    yield from descend(
        Folder[Seen]("", numbers), lambda folders: _fill(host, places, folders, deleted), host.together // 10
    )


def _fill(host: Host, places: Places, folders: list[Folder[Seen]], deleted: bool) -> None:
    """Read what is seen in each of these folders."""
    found: list[tuple[deque[tuple[Seen, Folder[Seen] | None]], str, Column, list[int]]] = []
    for folder, columns in zip(folders, _columns(host, places, folders), strict=True):
        folder.items = deque()
        for name in sorted(columns, key=encode):
            if deleted or not columns[name][-1][1].whiteout:
                merged = merged_folders(columns[name])
                found.append((folder.items, f"{folder.path}/{name}", columns[name], merged))
    cut(host, places, [(path, merged) for _, path, _, merged in found])
    for items, path, column, merged in found:
        items.append((_seen(path, column, merged), Folder(path, merged) if merged else None))


def _columns(host: Host, places: Places, folders: list[Folder[Seen]]) -> Iterator[dict[str, Column]]:
    return read_columns(host, places, [(folder.path, folder.numbers) for folder in folders])


def _seen(path: str, column: Column, merged: list[int]) -> Seen:
    """What is on top of a column, and which of the others it hides: those above the next whiteout."""
    hides: list[int] = []
    for number, entry in reversed(column[:-1]):
        if entry.whiteout:
            break
        if number not in merged:
            hides.insert(0, number)
    number, entry = column[-1]
    return Seen(path, entry, number, tuple(merged), tuple(hides))
