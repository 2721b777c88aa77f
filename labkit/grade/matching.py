"""Find the answers in a learner's cells, however they were copied, split, merged, moved and retyped.

An answer is every cell that has the answer's metadata, else its id, else its name in the first line; else what stands
in the begin or the check cell besides their own text, because merging two cells keeps the metadata of one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from labkit.grade.cells import Cell
from labkit.grade.recognising import HOWS, Seen, Shipped
from labkit.grade.submission import Answer

LONGEST = 100_000
"""Characters of an answer at most. A longer one counts as missing: an answer has some fifteen lines, so this is a paste
or a flood, and a part of it would be another program than the learner's."""

MERGES = 4
"""How often the same cell of the chapter can be merged into an answer, and is cut out of it again."""


@dataclass(frozen=True)
class Matched:
    """What was found.

    Attributes:
        answers: by exercise id.
        used: the numbers of the cells that the answers were taken from, copies among them.
        merged: the numbers of the chapter's cells whose text stood in those, and was cut.
        notes: one sentence for each answer that does not count.
    """

    answers: dict[str, Answer] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)
    merged: set[int] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Piece:
    """An answer, or a part of it: one cell."""

    seen: Seen
    text: str
    notes: tuple[str, ...]
    cut: tuple[Cell, ...]


def match(seen: Iterable[Seen], shipped: Shipped) -> Matched:
    """Return the answers in these cells."""
    matched = Matched()
    pristine = {cell.exercise: trimmed(cell.text) for cell in shipped.marked if cell.role == "answer"}
    by_exercise: dict[str, list[Seen]] = {exercise: [] for exercise in pristine}
    for one in seen:
        if one.shipped and one.shipped.exercise in by_exercise:
            by_exercise[one.shipped.exercise].append(one)
    for exercise, cells in by_exercise.items():
        pieces = _pieces(exercise, cells, shipped.around(exercise), pristine[exercise])
        matched.used.update(piece.seen.cell.number for piece in pieces)
        matched.merged.update(cell.number for piece in pieces for cell in piece.cut)
        _add(matched, exercise, pieces, pristine[exercise])
    return matched


def _add(matched: Matched, exercise: str, pieces: list[_Piece], pristine: str) -> None:
    chosen, notes = _chosen(pieces, pristine)
    text = "\n".join(piece.text for piece in chosen)
    if len(text) > LONGEST:
        size = f"{len(text):,} characters, more than the {LONGEST:,} that are run"
        matched.notes.append(f"The answer to {exercise} has {size}, so it counts as missing.")
    elif chosen:
        own = tuple(dict.fromkeys(note for piece in chosen for note in piece.notes))
        matched.answers[exercise] = Answer(exercise, text, chosen[0].seen.how, own + notes)


def _pieces(exercise: str, cells: list[Seen], around: Sequence[Cell], pristine: str) -> list[_Piece]:
    """Return the cells that are the answer to an exercise, in the order of the notebook.

    A worse way to recognise them counts where the better one found nothing that the learner wrote. The begin and the
    check cell count only where there is no answer cell: a ``print(task)`` in them is no answer.
    """
    untouched: list[_Piece] = []
    for how in HOWS:
        pieces = [_piece(one, around) for one in cells if one.how == how and one.is_of(exercise, "answer")]
        if any(piece.text not in ("", pristine) for piece in pieces):
            return pieces
        untouched = untouched or pieces
    others = [_piece(one, around) for one in cells]
    return untouched or [piece for piece in others if piece.text and any(cell.role for cell in piece.cut)]


def _piece(seen: Seen, around: Sequence[Cell]) -> _Piece:
    cell, notes = seen.cell, []
    if cell.mended:
        notes.append("Characters that no file can hold were replaced.")
    if cell.kind != "code":
        notes.append(f"The answer cell was {'Markdown' if cell.kind == 'markdown' else 'raw text'}.")
    text, cut = _cut(cell.text if cell.kind == "code" else unfenced(cell.text), around)
    for one in cut:
        name = {"setup": "The begin cell", "check": "The check cell"}.get(one.role, "Text of the chapter")
        notes.append(f"It stood in {name.lower()}." if one == seen.shipped else f"{name} was merged into it.")
    return _Piece(seen, text, tuple(notes), tuple(cut))


def _chosen(pieces: list[_Piece], pristine: str) -> tuple[list[_Piece], tuple[str, ...]]:
    """Return the pieces that make the answer, and what to say about those and the others.

    What is empty or as shipped was not written by the learner, and text in a Markdown cell is prose where there is
    code. Of two equal pieces the last one counts, as it does when the notebook is run.
    """
    written = [piece for piece in pieces if piece.text not in ("", pristine)]
    code = [piece for piece in written if piece.seen.cell.kind == "code"]
    untouched = sorted(pieces, key=lambda piece: not piece.text)[:1]
    chosen = list({piece.text: piece for piece in reversed(code or written or untouched)}.values())[::-1]
    prose = len(written) - len(code) if code else 0
    copies = sum(1 for piece in pieces if piece.text) - prose - len(chosen)
    notes = [
        f"Joined from {len(chosen)} cells." if len(chosen) > 1 else "",
        "A copy of it was left out." if copies > 0 else "",
        "What stood in a Markdown cell was left out." if prose else "",
    ]
    return chosen, tuple(filter(None, notes))


def _cut(text: str, around: Sequence[Cell]) -> tuple[str, list[Cell]]:
    """Return the text without the chapter's cells that stand at its beginning and its end, and those cells."""
    text = trimmed(text)
    cut: list[Cell] = []
    known = -1
    while known < len(cut) < MERGES * len(around) and len(text) <= 2 * LONGEST:
        known = len(cut)
        for cell in around:
            rest = _without(text, trimmed(cell.text))
            if rest is not None:
                text = rest
                cut.append(cell)
    return text, cut


def _without(text: str, other: str) -> str | None:
    """Return what is left of a text after other lines at its beginning or its end; None if they are at neither."""
    if text == other:
        return ""
    if text.startswith(other + "\n"):
        return trimmed(text[len(other) :])
    return trimmed(text[: -len(other)]) if text.endswith("\n" + other) else None


def trimmed(text: str) -> str:
    """Return the text without empty lines at its beginning, and without white space at its end."""
    written = len(text) - len(text.lstrip())
    return text[text.rfind("\n", 0, written) + 1 :].rstrip()


def unfenced(text: str) -> str:
    """Return what stands between the fences of a text, if they are its first and its last line; else the text."""
    first, *lines = trimmed(text).split("\n")
    fence = re.match(r"`{3,}|~{3,}", first)
    return "\n".join(lines[:-1]) if fence and lines and lines[-1].strip() == fence[0] else text
