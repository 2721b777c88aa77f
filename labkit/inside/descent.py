"""A way through a tree of folders in the order of its paths, which reads ahead where a question has its price."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Generic, TypeVar

T = TypeVar("T")


class Folder(Generic[T]):
    """One folder on the way.

    Attributes:
        path: where it is inside, without a slash at the end: the root is the empty text.
        numbers: the layers to look into, the lowest first.
        items: what is in it, in order, each with its folder if it is one; None before it is read.
    """

    __slots__ = ("items", "numbers", "path")

    def __init__(self, path: str, numbers: list[int]) -> None:
        self.path = path
        self.numbers = numbers
        self.items: deque[tuple[T, Folder[T] | None]] | None = None


def descend(top: Folder[T], read: Callable[[list[Folder[T]]], None], ahead: int) -> Iterator[T]:
    """Yield the items of all folders, what is in a folder right behind it; what was yielded is forgotten.

    Args:
        top: where to begin.
        read: gives each of these folders its items.
        ahead: how many folders may be read before they are needed.
    """
    way, held = [top], 0
    read([top])
    while way:
        if not way[-1].items:
            way.pop()
            continue
        item, inner = way[-1].items.popleft()
        yield item
        if inner:
            if inner.items is None:
                batch = list(islice(chain([inner], _unread(way)), max(1, ahead - held)))
                read(batch)
                held += len(batch)
            held -= 1
            way.append(inner)


def _unread(way: list[Folder[T]]) -> Iterator[Folder[T]]:
    """Those that will be needed next, in their order."""
    for folder in reversed(way):
        for _, inner in folder.items or ():
            if inner and inner.items is None:
                yield inner
            elif inner:
                yield from _unread([inner])
