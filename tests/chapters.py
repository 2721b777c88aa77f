"""The course's notebooks as the tests see them: which there are, what is in their cells, where they are run."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from labkit.grade.compose import compose, identity, read_answers

ROOT = Path(__file__).parents[1]
SOLUTIONS = ROOT / "tests" / "solutions"
WRONG = ROOT / "tests" / "wrong"
FILES = {path.name[:2]: path for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))}
"""The chapters: their two digits → their files."""

STARTED_WITH = dict(os.environ)
"""The environment before any test had ``connect()`` write its choice of a daemon into it."""


def read(path: Path) -> NotebookNode:
    """Return a notebook."""
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    return notebook


@cache
def chapter(number: str) -> NotebookNode:
    """Return the notebook of a chapter; do not change it."""
    return read(FILES[number])


def solved(number: str) -> NotebookNode:
    """Return a chapter with the reference answers, of which nbval compares every cell that stands as it was shipped."""
    answers = read_answers(SOLUTIONS)
    notebook = compose(chapter(number), {name: text for name, text in answers.items() if name.startswith(number)})
    for cell in code_cells(notebook):
        if identity(cell)[0] in ("answer", "check"):  # what is stored is what the unanswered exercise prints
            cell.metadata["tags"] = [*cell.metadata.get("tags", []), "nbval-ignore-output"]
    return notebook


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the code cells, in order."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def cell_id(cell: NotebookNode) -> str:
    """Return the name of a code cell, such as ``01.ping.begin``; empty if it has none."""
    return str(cell.metadata.get("labkit", {}).get("cell", ""))


def source(exercise_id: str, role: str) -> str:
    """Return the text of an exercise's answer or check cell."""
    cells = code_cells(chapter(exercise_id[:2]))
    return str(next(cell.source for cell in cells if identity(cell) == (role, exercise_id)))


def names_before(exercise_id: str) -> dict[str, Any]:
    """Return what the chapter has imported and defined above the answer cell of an exercise."""
    names: dict[str, Any] = {}
    for node in _statements(exercise_id):
        if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef):
            exec(compile(ast.Module([node], []), f"chapter {exercise_id[:2]}", "exec"), names)
    return names


def _statements(exercise_id: str) -> Iterator[ast.stmt]:
    for cell in code_cells(chapter(exercise_id[:2])):
        if identity(cell)[0] not in ("answer", "check"):
            yield from ast.parse(cell.source).body
        elif identity(cell) == ("answer", exercise_id):
            return


def environment(learner: str, home: Path, **more: str) -> dict[str, str]:
    """Return the environment of one run: this learner, with files of their own in ``home``.

    Everything else is as it was when the tests began, so that the daemon is found as a learner finds it.
    """
    ours = ("LABKIT_", "PYTEST_", "JPY_", "JUPYTER_")
    kept = {name: value for name, value in STARTED_WITH.items() if not name.startswith(ours)}
    return (
        kept
        | {
            "LABKIT_LEARNER": learner,
            "LABKIT_HOME": str(home),
            "IPYTHONDIR": str(home / "ipython"),
            "JUPYTER_PREFER_ENV_PATH": "1",
        }
        | more
    )
