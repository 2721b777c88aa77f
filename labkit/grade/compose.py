"""Put answers into a notebook. Grading, tests and solved notebooks all do it here, and nowhere else.

What surrounds an answer comes from the pristine notebook, so nothing that a learner changed elsewhere counts.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from labkit import errors

if TYPE_CHECKING:
    from nbformat import NotebookNode

ALLOWED_TO_FAIL = "raises-exception"
"""The tag by which Jupyter and nbval go on past a cell that raises."""


def compose(pristine: NotebookNode, answers: Mapping[str, str]) -> NotebookNode:
    """Return a copy of a notebook with these answers in its answer cells; the checks behind them must then pass.

    Args:
        pristine: the notebook as shipped; it is not changed.
        answers: exercise id → the text of its answer cell. Exercises without one stay as they are.

    Raises:
        CourseError: if there is an answer to an exercise that the notebook does not have.
    """
    composed = copy.deepcopy(pristine)
    judged = [(cell, *identity(cell)) for cell in composed.cells if identity(cell)[0] in ("answer", "check")]
    _check_known(answers, [exercise for _, role, exercise in judged if role == "answer"])
    for cell, role, exercise in judged:
        cell.outputs, cell.execution_count = [], None
        if exercise in answers:
            cell.metadata["tags"] = [tag for tag in cell.metadata.get("tags", []) if tag != ALLOWED_TO_FAIL]
            if role == "answer":
                cell.source = neutralise(answers[exercise])
    return composed


def identity(cell: NotebookNode) -> tuple[str, str]:
    """Return a cell's role and its exercise; both empty where its metadata says nothing."""
    marks = cell.metadata.get("labkit", {})
    return marks.get("role", ""), marks.get("exercise", "")


def _check_known(answers: Mapping[str, str], known: list[str]) -> None:
    if unknown := [exercise for exercise in answers if exercise not in known]:
        raise errors.CourseError(
            f"This notebook has no exercise {', '.join(unknown)}.", f"It has: {', '.join(known) or 'none'}."
        )


def neutralise(text: str) -> str:
    """Return the text with nbval's comment markers made ordinary comments: ``# NBVAL_SKIP`` skips nothing here.

    The lines are cut as nbval cuts them, so a form feed or a line separator hides no marker.
    """
    from nbval.plugin import find_comment_markers

    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        if any(True for _ in find_comment_markers(line)):
            words = line.splitlines()[0]
            lines[number] = words + " (only a comment here)" + line[len(words) :]
    return "".join(lines)


def read_answers(folder: Path) -> dict[str, str]:
    """Return the answers in a folder: exercise id → text, from the files ``<exercise id>.py``."""
    return {file.stem: file.read_text("utf-8").rstrip("\n") for file in sorted(folder.glob("*.py"))}
