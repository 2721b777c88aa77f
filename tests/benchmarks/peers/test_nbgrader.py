"""nbgrader is asked the same as labkit: the same cells, the same points, and scores as its gradebook has them."""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from labkit.grade.compose import identity
from tests.benchmarks.harness import Skip
from tests.benchmarks.peers import nbgrader
from tests.chapters import code_cells
from tests.grade import plain

TABLES = """
    CREATE TABLE submitted_assignment (id, student_id);
    CREATE TABLE submitted_notebook (id, assignment_id);
    CREATE TABLE grade (notebook_id, auto_score);
    INSERT INTO submitted_assignment VALUES (1, 'ada'), (2, 'alan');
    INSERT INTO submitted_notebook VALUES (11, 1), (12, 2);
    INSERT INTO grade VALUES (11, 2.0), (11, 1.0), (12, 0.0);
"""


@pytest.mark.parametrize("one", [kind() for kind in plain.EXERCISES], ids=lambda one: one.id)
@pytest.mark.parametrize("kind", plain.KINDS)
def test_a_grade_cell_gives_the_judges_points(one: plain.Plain, kind: plain.Kind) -> None:
    """The last number of a grade cell is what the judge gives for the same answer."""
    names: dict[str, Any] = {}
    exec(one.answer(kind), names)
    cell, _, last = nbgrader.assertions(one).rpartition("\n")
    exec(cell, names)
    assert eval(last, names) == one.points(kind)


def test_the_cells_are_the_chapters() -> None:
    """The instructor's notebook has the chapter's 25 code cells, with what is shown outside exercises unchanged."""
    theirs, ours = code_cells(nbgrader.source()), code_cells(plain.notebook())
    assert [cell.id for cell in theirs] == [cell.id for cell in ours] and len(theirs) == 25
    assert all(a.source == b.source for a, b in zip(theirs, ours, strict=True) if identity(b)[0] == "demo")
    marks = [cell.metadata["nbgrader"] for cell in theirs if "nbgrader" in cell.metadata]
    assert [mark["solution"] for mark in marks] == [True, False] * 5
    assert [mark.get("points", 0) for mark in marks[1::2]] == [kind().total for kind in plain.EXERCISES]


def test_scores_are_added_up(tmp_path: Path) -> None:
    """A learner's points are the sum over the grade cells of their notebook."""
    with closing(sqlite3.connect(tmp_path / "gradebook.db")) as connection:
        connection.executescript(TABLES)
    assert nbgrader.scores(tmp_path / "gradebook.db") == {"ada": 3.0, "alan": 0.0}


def test_what_cannot_be_installed_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nbgrader cannot be installed, the row is skipped, and the reason is what pip said last."""
    monkeypatch.setattr(sys, "executable", str(_program(tmp_path / "python", "echo first >&2; echo why >&2")))
    with pytest.raises(Skip, match=r"^nbgrader 0\.9\.6 cannot be installed to compare with: why$"):
        nbgrader.install(tmp_path / "none")


def test_a_command_that_fails_says_why(tmp_path: Path) -> None:
    """A command of nbgrader that fails is an error with the end of what it said."""
    (tmp_path / nbgrader.COURSE).mkdir()
    command = _program(tmp_path / "nbgrader", "echo no such assignment >&2")
    with pytest.raises(RuntimeError, match="nbgrader autograde plain failed: no such assignment"):
        nbgrader.run(command, tmp_path, "autograde", "plain")


def _program(path: Path, script: str) -> Path:
    if os.name != "posix":
        pytest.skip("the stand-in for a program is a shell script")
    path.write_text(f"#!/bin/sh\n{script}\nexit 1\n")
    path.chmod(0o755)
    return path
