"""What is in a learner's notebook and does not count, one line for each cell, so that nobody wonders where it went."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from labkit.grade.matching import Matched, trimmed
from labkit.grade.recognising import Seen, Shipped
from labkit.grade.texts import one_line

MOST = 50
"""Lines at most; the rest is counted."""

WIDTH = 60
"""Characters of a learner's line that are shown."""


def ignored(seen: Sequence[Seen], shipped: Shipped, matched: Matched) -> tuple[str, ...]:
    """Return a line for each cell that is the learner's own, and for each of the chapter's that was changed or deleted.

    Prose and empty cells are not listed.
    """
    lines = [*_changed(seen, matched), *_deleted(seen, shipped, matched)]
    more = len(lines) - MOST
    return (*lines[:MOST], f"… and {more} more") if more > 0 else tuple(lines)


def _changed(seen: Sequence[Seen], matched: Matched) -> Iterator[str]:
    told = set()
    for one in seen:
        if one.cell.number in matched.used:
            continue
        line = _line(one)
        if line and line not in told:
            told.add(line)
            yield line


def _line(seen: Seen) -> str:
    """Return what is to say about a cell that is no answer; empty if nothing is."""
    cell, shipped = seen.cell, seen.shipped
    if not cell.kind:
        return f"cell {cell.number}: it has not the form of a cell"
    if shipped and cell.kind == shipped.kind and trimmed(cell.text) == trimmed(shipped.text):
        return ""
    if shipped and shipped.role != "answer":
        return f"{shipped.name}: changed; the shipped one is used"
    if cell.role == "answer" and not shipped:
        return f"cell {cell.number}: it answers {_short(cell.exercise or cell.name)}, which the chapter does not have"
    return "" if cell.kind != "code" or cell.blank else f"cell {cell.number} (yours): {_short(cell.text)}"


def _short(text: str) -> str:
    """Return the first line, cut; "…" says that there is more."""
    text = text.strip()
    first = one_line(text.partition("\n")[0][: 4 * WIDTH])
    cut = first if len(first) <= WIDTH else first[: WIDTH - 1].rstrip()
    return cut + "…" * (cut != first or "\n" in text)


def _deleted(seen: Sequence[Seen], shipped: Shipped, matched: Matched) -> Iterator[str]:
    """Yield a line for each cell of the chapter that is gone; none for a file that has nothing but answers."""
    others = [cell for cell in shipped.marked if cell.role != "answer"]
    there = {one.shipped.number for one in seen if one.shipped} | matched.merged
    if there.isdisjoint(cell.number for cell in others):
        return
    yield from (f"{cell.name}: deleted; the shipped one is used" for cell in others if cell.number not in there)
