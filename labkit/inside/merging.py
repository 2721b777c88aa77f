"""How overlayfs puts the directories of many layers together, name by name.

Source: ``Documentation/filesystems/overlayfs.rst`` of the kernel: of two files with one name, the upper one is seen;
two directories are merged, unless the upper one is opaque; a whiteout is not seen, nor what lies below it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from labkit.host import Entry, Host, Names
from labkit.inside.stack import Stack

Column = list[tuple[int, Entry]]
"""What the layers have under one path: number and entry, the lowest first."""


class Places(NamedTuple):
    """Where the layers of a stack are.

    Attributes:
        base: a folder above all of them.
        layers: number → the layer's directory as seen from there, the lowest first.
    """

    base: str
    layers: dict[int, str]


def locate(stack: Stack) -> Places:
    """Say where the layers are in the words of ``Host.names()``."""
    base = os.path.commonpath([os.path.dirname(layer.directory) for layer in stack.layers])
    return Places(base, {layer.number: os.path.relpath(layer.directory, base) for layer in stack.layers})


# --- Names and types ------------------------------------------------------------------------------------------


class Merged(NamedTuple):
    """What is seen in one folder.

    Attributes:
        files: name → number of the layer that it is seen from.
        folders: name → numbers of the layers whose directories of this name are merged, the lowest first.
    """

    files: dict[str, int]
    folders: dict[str, list[int]]


def merge_names(numbers: Sequence[int], listed: Iterator[Names]) -> Merged:
    """Put the listings of one folder together, as if no folder in it were opaque.

    Args:
        numbers: the layers that have the folder, the lowest first.
        listed: what is in it there; as many are taken as there are numbers.
    """
    files, folders = merged = Merged({}, {})
    for number in numbers:
        inner, whiteouts, others = next(listed)
        for name in whiteouts:
            files.pop(name, None)
            folders.pop(name, None)
        for name in inner:
            if files.pop(name, None) is None and name in folders:
                folders[name].append(number)
            else:
                folders[name] = [number]
        for name in folders.keys() & others if folders else ():
            del folders[name]
        files.update(dict.fromkeys(others, number))
    return merged


# --- Entries --------------------------------------------------------------------------------------------------


def read_columns(
    host: Host, places: Places, folders: Sequence[tuple[str, Sequence[int]]]
) -> Iterator[dict[str, Column]]:
    """Yield what the layers have in each of many folders, by name.

    Args:
        host: where the layers are.
        places: where there.
        folders: a path and the numbers of the layers to look into, the lowest first.
    """
    listed = host.entries(places.base, [places.layers[n] + path for path, numbers in folders for n in numbers])
    for _, numbers in folders:
        columns: dict[str, Column] = {}
        for number in numbers:
            for entry in next(listed):
                columns.setdefault(entry.path.rpartition("/")[2], []).append((number, entry))
        yield columns


def merged_folders(column: Column) -> list[int]:
    """The layers whose directories are merged under a path, the lowest first, as if none of them were opaque."""
    found: list[int] = []
    for number, entry in reversed(column):
        if not stat.S_ISDIR(entry.mode):
            break
        found.insert(0, number)
    return found


def cut(host: Host, places: Places, folders: Sequence[tuple[str, list[int]]]) -> None:
    """Take out of each folder's numbers the layers below one where it is opaque.

    Args:
        host: where the layers are.
        places: where there.
        folders: path and numbers, as ``Merged.folders`` has them; the numbers are changed.
    """
    asked = {places.layers[n] + path: (numbers, n) for path, numbers in folders for n in numbers[1:]}
    for numbers, n in map(asked.__getitem__, host.opaque(places.base, list(asked)) if asked else ()):
        if n in numbers:
            del numbers[: numbers.index(n)]
