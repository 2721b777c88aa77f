"""What a container has changed in its image: the answer of ``docker diff``, from its own layer and those below."""

from __future__ import annotations

import stat
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from labkit import errors
from labkit.answers import BATCH
from labkit.host import Entry, Host, encode
from labkit.inside.descent import Folder, descend
from labkit.inside.merging import Column, Places, cut, locate, merged_folders, read_columns
from labkit.inside.stack import Stack


class Change(NamedTuple):
    """One line of ``docker diff``.

    Attributes:
        kind: ``"A"`` for what was added, ``"C"`` for what was changed, ``"D"`` for what was deleted.
        path: where it is inside.
    """

    kind: str
    path: str

    def __str__(self) -> str:
        return f"{self.kind} {self.path}"


def read_changes(host: Host, stack: Stack) -> Iterator[Change]:
    """Yield what ``docker diff`` says of a container, running or not, in the order of the paths.

    Docker compares what is seen with the container's own layer with what is seen without it: type, mode, owner and
    device, and of what is no directory size and time. A directory in which something has changed counts as changed;
    of one that was added, everything in it; of one that was deleted, nothing. (Docker prints what is in one directory
    in random order.) A change of a file's capabilities alone (``capabilities(7)``) is not found here.

    Args:
        host: where the layers are.
        stack: the layers of a container.

    Raises:
        HostError: if they are an image's: that has no layer of its own.
    """
    if stack.own is None:
        raise errors.HostError(f"{stack.name} is an image.", "A container has changes: read_layers(host, box).")
    comparison = _Comparison(host, locate(stack), stack.own.number)
    unchanged: list[str] = []  # the folders around, which change with the first thing in them
    for kind, path in descend(Folder("", list(comparison.places.layers)), comparison.fill, host.together // 10):
        while unchanged and not path.startswith(f"{unchanged[-1]}/"):
            unchanged.pop()
        if kind:
            yield from (Change("C", folder) for folder in unchanged)
            unchanged.clear()
            yield Change(kind, path)
        else:
            unchanged.append(path)


class _Pair(NamedTuple):
    """What is at one path with the container's own layer, and without it; None where nothing is seen.

    Attributes:
        path: where it is inside.
        new, old: with and without.
        merged: the lower layers whose directories are merged there without it; the lowest first.
    """

    path: str
    new: Entry | None
    old: Entry | None
    merged: list[int]


Item = tuple[str, str]
"""The kind of a change and its path; no kind for a directory in which something may have changed."""


class _Comparison:
    """One run through a container's own layer.

    Attributes:
        own: its number.
        closed: the directories in it through which nothing shows from below, though there is something.
    """

    def __init__(self, host: Host, places: Places, own: int) -> None:
        self.host = host
        self.places = places
        self.own = own
        self.closed: set[str] = set()

    def fill(self, folders: list[Folder[Item]]) -> None:
        """Read what has changed in each of these folders."""
        asked = [(folder.path, folder.numbers) for folder in folders]
        listed = zip(folders, read_columns(self.host, self.places, asked), strict=True)
        found = [(folder, list(self._pairs(folder.path, columns))) for folder, columns in listed]
        pairs = [pair for _, here in found for pair in here]
        cut(self.host, self.places, [(pair.path, pair.merged) for pair in pairs if pair.merged])
        self._close([pair.path for pair in pairs if pair.merged and pair.new and pair.new.kind == "d"])
        moments = _moments(self.host, [pair for pair in pairs if pair.new and pair.old and _is_tie(pair.old, pair.new)])
        for folder, here in found:
            folder.items = deque(item for pair in here for item in self._items(pair, moments))

    def _pairs(self, folder: str, columns: dict[str, Column]) -> Iterator[_Pair]:
        """What may have changed in a folder, in order: what the own layer has, and in a closed one, all."""
        for name in sorted(columns, key=encode):
            column = columns[name]
            new = column.pop()[1] if column[-1][0] == self.own else None
            if new or folder in self.closed:
                old = column[-1][1] if column and not column[-1][1].whiteout else None
                seen = None if new is None or new.whiteout else new
                yield _Pair(f"{folder}/{name}", seen, old, merged_folders(column))

    def _close(self, paths: list[str]) -> None:
        """Note which of these directories are opaque in the own layer, themselves or for one around them."""
        top = self.places.layers[self.own]
        inside = {path for path in paths if path.rpartition("/")[0] in self.closed}
        asked = [top + path for path in paths if path not in inside]
        self.closed |= inside | {path.removeprefix(top) for path in self.host.opaque(self.places.base, asked)}

    def _items(self, pair: _Pair, moments: dict[str, str]) -> Iterator[tuple[Item, Folder[Item] | None]]:
        path, new, old, merged = pair
        if new is None:
            if old:
                yield ("D", path), None
            return
        kind = "A" if old is None else "C" if _differ(old, new, moments) else ""
        inner = Folder[Item](path, [*merged, self.own]) if stat.S_ISDIR(new.mode) else None
        if kind or inner:
            yield (kind, path), inner


def _has_time(entry: Entry) -> bool:
    """Whether Docker looks at a size and a time: it asks for one bit, which sockets and block devices have, too."""
    return not entry.mode & stat.S_IFDIR


def _is_tie(old: Entry, new: Entry) -> bool:
    """Whether two files can only differ in a fraction of a second."""
    return _has_time(old) and not _differ(old, new, {})


def _differ(old: Entry, new: Entry, moments: dict[str, str]) -> bool:
    """Whether Docker takes a file for changed; of two times, a fraction counts only where both have one."""
    if any(getattr(old, name) != getattr(new, name) for name in ("mode", "uid", "gid", "major", "minor")):
        return True
    before, after = moments.get(old.path, ""), moments.get(new.path, "")
    apart = old.mtime != new.mtime or bool(before and after and before != after)
    return _has_time(old) and (apart or old.size != new.size)


def _moments(host: Host, pairs: list[_Pair]) -> dict[str, str]:
    """Path on the host → the digits behind the second of a file's time, of both files of each pair; none if all are 0.

    The host's own ``stat`` is asked; where it has none, two times in the same second count as the same.
    """
    paths = [entry.path for pair in pairs for entry in (pair.old, pair.new) if entry]
    found: dict[str, str] = {}
    for start in range(0, len(paths), BATCH):
        ran = host.run("stat", "-c", "%y", *paths[start : start + BATCH])
        digits = (line.split(" ")[1].partition(".")[2].rstrip("0") for line in ran.out.splitlines())
        found.update(zip(paths[start : start + BATCH], digits, strict=False))
    return found
