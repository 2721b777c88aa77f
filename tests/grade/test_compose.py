"""Answers go into a pristine notebook, and nothing else that a learner wrote does."""

from __future__ import annotations

import copy
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbval.plugin import find_comment_markers

from labkit.errors import CourseError
from labkit.grade.compose import compose, identity, neutralise, read_answers

MARKERS = ("NBVAL_SKIP", "NBVAL_RAISES_EXCEPTION", "NBVAL_IGNORE_OUTPUT", "PYTEST_VALIDATE_IGNORE_OUTPUT")


def code(source: str, role: str, exercise: str = "", *tags: str) -> NotebookNode:
    """A code cell that has been run."""
    marks = {"cell": f"{exercise or '01'}.{role}", "role": role} | ({"exercise": exercise} if exercise else {})
    outputs = [new_output("stream", text="said\n")]
    metadata = {"labkit": marks, "tags": list(tags)}
    cell: NotebookNode = new_code_cell(source, metadata=metadata, outputs=outputs, execution_count=1)
    return cell


@pytest.fixture
def pristine() -> NotebookNode:
    """A notebook with two exercises."""
    cells = [new_markdown_cell("# 01 Sums"), code("print('said')", "demo")]
    for exercise, truth in (("01.one", 1), ("01.two", 2)):
        cells.append(code("answer = None  # TODO", "answer", exercise))
        cells.append(code(f"assert answer == {truth}", "check", exercise, "raises-exception"))
    notebook: NotebookNode = new_notebook(cells=cells)
    return notebook


def test_an_answer_stands_in_its_own_cell(pristine: NotebookNode) -> None:
    """Only the answer cell of that exercise gets the text; the pristine notebook stays as it was."""
    before = copy.deepcopy(pristine)
    sources = [cell.source for cell in compose(pristine, {"01.two": "answer = 2"}).cells]
    assert sources == [cell.source if n != 4 else "answer = 2" for n, cell in enumerate(before.cells)]
    assert pristine == before


def test_the_check_of_an_answer_must_pass(pristine: NotebookNode) -> None:
    """Checks of answered exercises lose the tag that lets them fail; the others keep it."""
    checks = [cell for cell in compose(pristine, {"01.one": "answer = 1"}).cells if identity(cell)[0] == "check"]
    assert [cell.metadata.tags for cell in checks] == [[], ["raises-exception"]]


def test_stored_outputs_of_exercises_are_dropped(pristine: NotebookNode) -> None:
    """Answer and check cells count as not run; what the chapter shows is kept."""
    ran = [
        identity(cell)[0] for cell in compose(pristine, {}).cells if cell.get("execution_count") or cell.get("outputs")
    ]
    assert ran == ["demo"]


def test_an_answer_to_nothing_is_an_error(pristine: NotebookNode) -> None:
    """An answer to an exercise of another notebook is refused, and those that there are are named."""
    with pytest.raises(CourseError, match=r"no exercise 01\.three\.\nIt has: 01\.one, 01\.two\."):
        compose(pristine, {"01.one": "answer = 1", "01.three": "answer = 3"})


@pytest.mark.parametrize("marker", MARKERS)
@pytest.mark.parametrize("line", ["# {}", "#{}", "  ## {}  ", "x = 1\n# {}\n", "x\x0c# {}", "x\u2028# {}\r\n", "#\t{}"])
def test_no_marker_survives(marker: str, line: str) -> None:
    """A comment by which nbval would skip or excuse a cell becomes an ordinary comment, wherever nbval sees a line."""
    text = line.format(marker)
    assert list(find_comment_markers(text)) != []
    assert list(find_comment_markers(neutralise(text))) == []


@given(st.text(st.sampled_from("# NBVAL_SKIP\n\r\x0b\x0c\x1c\u2028\t'x")) | st.text())
def test_other_text_is_left_alone(text: str) -> None:
    """Whatever the text, nbval finds no order in it afterwards, and a text without one is not changed."""
    marked = list(find_comment_markers(text))
    assert list(find_comment_markers(neutralise(text))) == []
    assert marked or neutralise(text) == text


def test_answers_are_read_from_files(tmp_path: Path) -> None:
    """Each file is an answer, named after its exercise; other files are none."""
    (tmp_path / "01.one.py").write_text("answer = 'ä'\n", "utf-8")
    (tmp_path / "notes.txt").write_text("not an answer")
    assert read_answers(tmp_path) == {"01.one": "answer = 'ä'"}


ATTEMPTS = {
    "untouched": {},
    "right": {"01.one": "answer = 1", "01.two": "answer = 2"},
    "wrong": {"01.one": "answer = 1", "01.two": "answer = 3"},
    "sly": {"01.one": "# NBVAL_SKIP\nanswer = 5\n# NBVAL_RAISES_EXCEPTION"},
}


@pytest.mark.notebook
def test_nbval_sees_what_is_wrong(pristine: NotebookNode, tmp_path: Path) -> None:
    """Under nbval an untouched exercise is excused, a right answer passes, a wrong one fails, whatever it says."""
    for name, answers in ATTEMPTS.items():
        nbformat.write(compose(pristine, answers), tmp_path / f"{name}.ipynb")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval", "--nbval-current-env"]
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False)
    failed = re.findall(r"(\w+)\.ipynb::Cell (\d)", done.stdout.partition("short test summary")[2])
    assert sorted(failed) == [("sly", "2"), ("wrong", "4")], done.stdout
    assert done.stdout.splitlines()[-1].startswith("2 failed, 18 passed in ")
