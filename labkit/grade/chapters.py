"""The chapters as shipped, found beside the package: what every submission is measured against."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit import errors

if TYPE_CHECKING:
    from nbformat import NotebookNode

EDITION = 12
"""Hexadecimal digits of an edition."""


@dataclass(frozen=True)
class Chapter:
    """One chapter as shipped.

    Attributes:
        number: its two digits.
        path: its file.
        notebook: its content; do not change it.
        exercises: the ids of its exercises, in the order of the notebook.
        edition: the fingerprint of everything that an answer can depend on.
    """

    number: str
    path: Path
    notebook: NotebookNode = field(repr=False)
    exercises: tuple[str, ...]
    edition: str

    def cell(self, exercise: str, role: str) -> NotebookNode:
        """Return the cell of an exercise: ``setup``, ``answer`` or ``check``."""
        from labkit.grade.compose import identity

        found: NotebookNode = next(cell for cell in self.notebook.cells if identity(cell) == (role, exercise))
        return found


def read_chapters(folder: Path | None = None) -> dict[str, Chapter]:
    """Return the chapters of a folder by their two digits; by default those of the checkout.

    Raises:
        CourseError: if no chapter is there.
    """
    folder = folder or find_folder()
    chapters = [read_chapter(path) for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))]
    if not chapters:
        raise errors.CourseError(f"There is no chapter in {folder}.", "Chapters are called 01_socket.ipynb and so on.")
    return {chapter.number: chapter for chapter in chapters}


def find_folder() -> Path:
    """Return the folder of the course's notebooks: beside the package, or below the current folder.

    Raises:
        CourseError: if it is in neither place.
    """
    folders = [Path(__file__).resolve().parents[2] / "notebooks", Path.cwd() / "notebooks"]
    for folder in folders:
        if (folder / "00_start.ipynb").is_file():
            return folder
    places = " nor in ".join(str(folder.parent) for folder in dict.fromkeys(folders))
    raise errors.CourseError(
        f"notebooks/00_start.ipynb is not in {places}.",
        "The chapters are in the course's repository, not in the package: go to its folder and try again.",
    )


def read_chapter(path: Path) -> Chapter:
    """Return one chapter."""
    import nbformat

    from labkit.grade.compose import identity

    notebook: NotebookNode = nbformat.read(path, as_version=4)
    roles = [identity(cell) for cell in notebook.cells]
    exercises = tuple(exercise for role, exercise in roles if role == "answer")
    return Chapter(path.name[:2], path, notebook, exercises, edition(notebook.cells))


def read_imports(chapters: Iterable[Chapter]) -> list[str]:
    """Return the packages that the cells of these chapters import, sorted."""
    code = "\n".join(cell.source for chapter in chapters for cell in chapter.notebook.cells if cell.cell_type == "code")
    return sorted(set(re.findall(r"^\s*(?:import|from) +(\w+)", code, re.MULTILINE)))


def edition(cells: Iterable[Any]) -> str:
    """Return the fingerprint of a chapter: its code cells' roles and texts. Prose and outputs do not count."""
    marked = [
        [cell["metadata"].get("labkit", {}), "".join(cell["source"])] for cell in cells if cell["cell_type"] == "code"
    ]
    return hashlib.sha256(json.dumps(marked, sort_keys=True).encode()).hexdigest()[:EDITION]
