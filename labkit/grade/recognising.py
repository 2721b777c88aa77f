"""Which cell of the chapter a learner's cell is: by its metadata, else by its id, else by its first line.

Its place says nothing. Metadata survives splitting and copying, ids survive some tools that drop metadata, and a
comment survives everything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from labkit.grade.cells import Cell, read_cells
from labkit.grade.chapters import Chapter

COMMENT = re.compile(r"\s*#+\s*(?:exercise\s+)?(\d\d\.[a-z0-9-]+)(?:\.answer)?(?![\w.])", re.IGNORECASE)
"""A first line such as ``# 01.ping``, ``# Exercise 01.ping`` or ``# 01.ping.answer``."""

WIDTH = 200
"""Characters of a first line that are looked at."""

HOWS = ("metadata", "id", "comment")
"""The ways to recognise a cell, the best one first."""


@dataclass(frozen=True)
class Seen:
    """A learner's cell, recognised or not.

    Attributes:
        cell: the learner's.
        shipped: the cell of the chapter that it is, or was made from; None if it is the learner's own.
        how: one of ``HOWS``; empty if it is the learner's own.
    """

    cell: Cell
    shipped: Cell | None = None
    how: str = ""

    def is_of(self, exercise: str, *roles: str) -> bool:
        """True if it is a cell of this exercise with one of these roles."""
        return self.shipped is not None and self.shipped.exercise == exercise and self.shipped.role in roles


class Shipped:
    """The cells of a chapter as shipped.

    Args:
        chapter: the chapter.
    """

    def __init__(self, chapter: Chapter) -> None:
        self.cells = read_cells(chapter.notebook.cells)
        self.marked = [cell for cell in self.cells if cell.role]
        self._by_role = {(cell.role, cell.exercise): cell for cell in self.marked if cell.exercise}
        self._by_name = {cell.name: cell for cell in self.marked if cell.name}
        self._by_id = {cell.id: cell for cell in self.marked if cell.id}

    def cell(self, exercise: str, role: str) -> Cell | None:
        """Return a cell of an exercise, if it has one."""
        return self._by_role.get((role, exercise))

    def around(self, exercise: str) -> list[Cell]:
        """Return what stands around an answer, from the begin cell to the check: what can be merged into it."""
        own = [cell.number for cell in self.marked if cell.exercise == exercise]
        between = self.cells[min(own) - 1 : max(own)] if own else []
        return [cell for cell in between if not cell.blank and _surrounds(cell, exercise)]

    def recognise(self, cells: Iterable[Cell]) -> list[Seen]:
        """Return each of the learner's cells with the cell of the chapter that it is."""
        return [self._recognise(cell) for cell in cells]

    def _recognise(self, cell: Cell) -> Seen:
        marked = self._by_role.get((cell.role, cell.exercise)) or self._by_name.get(cell.name)
        if marked:
            return Seen(cell, marked, "metadata")
        if found := self._by_id.get(cell.id):
            return Seen(cell, found, "id")
        if found := self.cell(commented(cell), "answer"):
            return Seen(cell, found, "comment")
        return Seen(cell)


def _surrounds(cell: Cell, exercise: str) -> bool:
    return cell.kind == "markdown" or (cell.exercise == exercise and cell.role != "answer")


def commented(cell: Cell) -> str:
    """Return the exercise that the first line of a code cell names; empty if it names none."""
    if cell.kind != "code":
        return ""  # "# Exercise 01.ping" is a heading there, and not the learner's
    found = COMMENT.match(first_line(cell.text)[:WIDTH])
    return found[1].lower() if found else ""


def first_line(text: str) -> str:
    """Return the first line in which something is written."""
    return text.lstrip().partition("\n")[0]
