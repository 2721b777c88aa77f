"""Learners' copies of the real chapters, and what happens to their cells on the way to whoever grades them."""

from __future__ import annotations

import copy
import itertools
import json
from functools import cache
from typing import Any

from labkit.grade.chapters import Chapter, read_chapters
from labkit.grade.compose import read_answers
from labkit.grade.reading import read
from labkit.grade.submission import Submission
from tests.chapters import FILES, SOLUTIONS

Json = dict[str, Any]

ANSWERS = read_answers(SOLUTIONS)
"""The reference answers."""

JUPYTER_ENDS = "\n\n"
"""What JupyterLab puts between two cells that it merges."""


@cache
def chapters() -> dict[str, Chapter]:
    """The chapters as shipped."""
    return read_chapters()


@cache
def _shipped(number: str) -> Json:
    notebook: Json = json.loads(FILES[number].read_text("utf-8"))
    return notebook


def pristine(number: str) -> Json:
    """A copy in which nobody wrote anything."""
    return copy.deepcopy(_shipped(number))


def solved(number: str) -> Json:
    """A copy with the reference answers."""
    notebook = pristine(number)
    for exercise, text in of(number).items():
        cell(notebook, f"{exercise}.answer")["source"] = text
    return notebook


def of(number: str) -> dict[str, str]:
    """The reference answers of a chapter."""
    return {exercise: text for exercise, text in ANSWERS.items() if exercise[:2] == number}


def place(notebook: Json, name: str) -> int:
    """Where the cell with this name stands in the list of cells."""
    names = [cell["metadata"].get("labkit", {}).get("cell") for cell in notebook["cells"]]
    return names.index(name)


def cell(notebook: Json, name: str) -> Json:
    """The cell with this name."""
    found: Json = notebook["cells"][place(notebook, name)]
    return found


def text(notebook: Json, name: str) -> str:
    """The source of a cell."""
    return "".join(cell(notebook, name)["source"])


def code(source: str, **more: Any) -> Json:
    """A code cell of the learner's own."""
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None} | more


def split(notebook: Json, name: str, *ends: int) -> list[Json]:
    """Split a cell as JupyterLab does: each part has the metadata, and loses the empty lines at its ends."""
    at, whole = place(notebook, name), text(notebook, name)
    cuts = [0, *sorted(ends), len(whole)]
    parts = [whole[start:end].strip("\n") for start, end in itertools.pairwise(cuts)]
    marks = notebook["cells"][at]["metadata"]
    cells = [code(part, metadata=copy.deepcopy(marks)) for part in parts]
    notebook["cells"][at : at + 1] = cells
    return cells


def merge(notebook: Json, first: str, last: str, *, keeps: str) -> None:
    """Merge the cells from one to another as JupyterLab does: the metadata of one of them is kept."""
    start, end = place(notebook, first), place(notebook, last) + 1
    whole = JUPYTER_ENDS.join("".join(part["source"]) for part in notebook["cells"][start:end])
    notebook["cells"][start:end] = [code(whole, metadata=cell(notebook, keeps)["metadata"])]


def strip(notebook: Json, *, ids: bool = True) -> Json:
    """Take all metadata off a notebook and its cells, as some tools do, and the ids with it."""
    notebook["metadata"] = {}
    for one in notebook["cells"]:
        one["metadata"] = {}
        if ids:
            one.pop("id", None)
    return notebook


def as_bytes(notebook: object) -> bytes:
    """The file."""
    return json.dumps(notebook).encode()


def handed_in(notebook: object, **how: Any) -> Submission:
    """What is read when this is handed in."""
    return read(as_bytes(notebook), chapters(), **how)


def texts(submission: Submission) -> dict[str, str]:
    """The answers of a submission, only their texts."""
    return {exercise: answer.text for exercise, answer in submission.answers.items()}
