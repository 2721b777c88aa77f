"""The cells of a notebook that somebody handed in, as plain data: every type checked, every text fit for a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

KINDS = ("code", "markdown", "raw")

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

_BREAK = re.compile(r"\r\n?")


@dataclass(frozen=True)
class Cell:
    r"""One cell.

    Attributes:
        number: which one it is, from 1.
        kind: ``code``, ``markdown`` or ``raw``; empty if it has not the form of a cell.
        text: its source, with ``\n`` between the lines.
        name: what its metadata calls it, such as ``01.ping.answer``.
        role: what its metadata says it is for, such as ``answer``.
        exercise: to which exercise its metadata says it belongs.
        id: its id.
        mended: True if its source has characters that no file can hold.
    """

    number: int
    kind: str = ""
    text: str = field(default="", repr=False)
    name: str = ""
    role: str = ""
    exercise: str = ""
    id: str = ""
    mended: bool = False

    @property
    def blank(self) -> bool:
        """True if nothing is written in it."""
        return not self.text.strip()


def read_cells(items: Iterable[Any]) -> list[Cell]:
    """Return the cells of a notebook's JSON. What has not the form of a cell is one without kind."""
    return [_cell(number, item) for number, item in enumerate(items, 1)]


def _cell(number: int, item: Any) -> Cell:
    if not isinstance(item, dict) or item.get("cell_type") not in KINDS or (source := _source(item)) is None:
        return Cell(number)
    metadata = as_mapping(item.get("metadata"))
    marks = as_mapping(metadata.get("labkit"))
    text = clean(source)
    return Cell(
        number,
        item["cell_type"],
        _BREAK.sub("\n", text),
        as_text(marks.get("cell")),
        as_text(marks.get("role")),
        as_text(marks.get("exercise")),
        as_text(item.get("id", metadata.get("id"))),  # one well-known front end keeps ids in the metadata
        mended=text.count(REPLACEMENT) > source.count(REPLACEMENT),
    )


def _source(item: Mapping[str, Any]) -> str | None:
    source = item.get("source")
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        return "".join(source)
    return source if isinstance(source, str) else None


def as_mapping(value: Any) -> Mapping[str, Any]:
    """Return the value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_text(value: Any) -> str:
    """Return the value if it is a text, else an empty one."""
    return clean(value) if isinstance(value, str) else ""


def clean(text: str) -> str:
    """Return the text with a replacement character for what UTF-8 or Python cannot hold: lone surrogates and NUL.

    Two surrogates that belong together, as JSON may write an emoji, become their character.
    """
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\0", REPLACEMENT)
