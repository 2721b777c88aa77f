"""nbgrader on the chapter of plain Python, used as an instructor uses it: its commands, its folders, its gradebook.

The notebook has the same 25 code cells. Answers stand in its solution cells, and the judge's cases in its grade
cells, as asserts that add up to the same points: nbgrader takes a cell's last number for partial credit.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from labkit.course.exercise import World
from labkit.grade.compose import identity
from tests import chapters
from tests.benchmarks.harness import Skip
from tests.grade import plain

VERSION = "0.9.6"
FOLDER = chapters.ROOT / "build" / "nbgrader"
"""An environment of its own, made when it is first needed."""

COURSE, ASSIGNMENT = "course", "plain"
"""A folder, and nbgrader's name for one chapter in it."""

SCORES = """
    SELECT submitted_assignment.student_id, sum(grade.auto_score)
    FROM grade
    JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
    JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
    GROUP BY submitted_assignment.student_id
"""

NOBODY: Any = None  # a daemon that no exercise of this chapter asks


def install(folder: Path = FOLDER) -> Path:
    """Return nbgrader's command; install it first if it is not there.

    Raises:
        Skip: if it cannot be installed; the text says why.
    """
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    if not (command := programs / "nbgrader").exists():
        _said(sys.executable, "-m", "venv", str(folder))
        _said(str(programs / "python"), "-m", "pip", "install", "--quiet", f"nbgrader=={VERSION}")
    return command


def _said(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().rpartition("\n")[2]
        raise Skip(f"nbgrader {VERSION} cannot be installed to compare with: {last}")


def run(command: Path, home: Path, *words: str) -> None:
    """Run a command of nbgrader in the course's folder below ``home``, in its environment, without anybody's settings.

    Raises:
        RuntimeError: if it fails; the end of what it said.
    """
    places = {f"JUPYTER_{name}_DIR": str(home / "jupyter" / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    path = os.pathsep.join([str(command.parent), os.environ["PATH"]])  # it calls alembic from there
    environ = chapters.environment("bench", home, PATH=path, **places)
    done = subprocess.run(
        [str(command), *words], cwd=home / COURSE, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"nbgrader {' '.join(words)} failed: {done.stderr[-500:]}")


# --- The same exercises -----------------------------------------------------------------------------------


def source() -> NotebookNode:
    """Return the instructor's notebook: the chapter, with solutions and hidden tests."""
    notebook = plain.notebook()
    known = {kind.id: kind() for kind in plain.EXERCISES}
    for cell in chapters.code_cells(notebook):
        role, exercise = identity(cell)
        if not exercise:
            cell.source = cell.source if role == "demo" else "import sys"
        elif role == "setup":
            cell.source = f"print({known[exercise].brief!r})"
        elif role == "answer":
            cell.source = solution(known[exercise])
            cell.metadata = _marks(cell.id, solution=True)
        else:
            cell.source = assertions(known[exercise])
            cell.metadata = _marks(cell.id, grade=True, locked=True, points=known[exercise].total)
    return notebook


def _marks(grade_id: str, **more: Any) -> dict[str, Any]:
    marks = {"schema_version": 3, "grade_id": grade_id, "grade": False, "solution": False, "locked": False}
    return {"nbgrader": marks | {"task": False} | more}


def solution(one: plain.Plain) -> str:
    """Return the text of a solution cell: nbgrader cuts out what is between the marks."""
    head, _, body = one.reference().partition("\n")
    return f"{head}\n    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION"


def assertions(one: plain.Plain) -> str:
    """Return the text of a grade cell: an assert for each of the judge's cases, and the points of the parts."""
    cases = one.cases(World(NOBODY, one.id, "nbgrader", "once"))
    lines = ["reached = 0", "### BEGIN HIDDEN TESTS"]
    for part in one.parts:
        lines.append("try:")
        for case in (case for case in cases if case.part == part.key):
            lines.append(f"    assert {one.function}({', '.join(map(repr, case.arguments))}) == {case.truth!r}")
        lines += [f"    reached += {part.points}", "except Exception:", "    pass"]
    return "\n".join([*lines, "### END HIDDEN TESTS", "reached"])


# --- The same class ---------------------------------------------------------------------------------------


def write_course(command: Path, home: Path, answers: Mapping[str, Mapping[str, str]]) -> None:
    """Make the assignment and put everybody's notebook into ``submitted/``.

    Args:
        command: from ``install()``.
        home: a folder that is ours; the course is one below it.
        answers: learner → exercise id → the text of the answer cell.
    """
    course = home / COURSE
    (course / "source" / ASSIGNMENT).mkdir(parents=True)
    nbformat.write(source(), course / "source" / ASSIGNMENT / plain.FILE)
    run(command, home, "generate_assignment", ASSIGNMENT)
    for learner, texts in answers.items():
        release = chapters.read(course / "release" / ASSIGNMENT / plain.FILE)
        for cell in chapters.code_cells(release):
            if cell.metadata.get("nbgrader", {}).get("solution"):
                cell.source = texts[_exercise(cell)]
        (course / "submitted" / learner / ASSIGNMENT).mkdir(parents=True)
        nbformat.write(release, course / "submitted" / learner / ASSIGNMENT / plain.FILE)


def _exercise(cell: NotebookNode) -> str:
    number, name, _ = cell.metadata["nbgrader"]["grade_id"].split("-")
    return f"{number}.{name}"


def autograde(command: Path, home: Path) -> tuple[float, dict[str, float]]:
    """Grade the class in a copy of the course, as on the first time; return the seconds, and everybody's points."""
    with tempfile.TemporaryDirectory(prefix="labkit-") as folder:
        copy = Path(folder)
        shutil.copytree(home, copy, dirs_exist_ok=True)
        begun = time.perf_counter()
        run(command, copy, "autograde", ASSIGNMENT)
        return time.perf_counter() - begun, scores(copy / COURSE / "gradebook.db")


def scores(gradebook: Path) -> dict[str, float]:
    """Return what the gradebook says: learner → points."""
    with closing(sqlite3.connect(gradebook)) as connection:
        return dict(connection.execute(SCORES))
