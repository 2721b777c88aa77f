"""`make outputs` stores what a chapter prints, the same each time, and nothing where something is wrong."""

from __future__ import annotations

import secrets
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from labkit.daemon import Daemon
from labkit.grade.chapters import edition
from tests import chapters, outputs

pytestmark = [pytest.mark.daemon, pytest.mark.notebook]


def code(source: str, role: str, *tags: str) -> NotebookNode:
    """A code cell that has never run."""
    marks = {"cell": f"01.{role}", "role": role}
    cell: NotebookNode = new_code_cell(source, id=role, metadata={"labkit": marks, "tags": list(tags)})
    return cell


@pytest.fixture
def chapter(daemon: Daemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file for a small chapter, and a reader of this test's own."""
    reader = f"reader-{secrets.token_hex(4)}"
    monkeypatch.setattr(outputs, "READER", reader)
    monkeypatch.setenv("LABKIT_LEARNER", reader)  # so that it is put back after the test
    return tmp_path / "01_small.ipynb"


def write(path: Path, *cells: NotebookNode) -> bytes:
    """Write a notebook of these cells; return the file's bytes."""
    metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    nbformat.write(new_notebook(cells=list(cells), metadata=metadata), path)
    return path.read_bytes()


def test_what_is_stored_is_what_a_reader_sees(chapter: Path) -> None:
    """Outputs and counts are stored, those of exercises are not, and a second run stores the same bytes."""
    setup, demo = code("import os", "setup"), code("os.environ['LABKIT_LEARNER'] == 'root'", "demo")
    write(chapter, setup, code("answer = 1", "answer"), code("1 / 0", "check", "raises-exception"), demo)
    outputs.store(chapter)
    stored, cells = chapter.read_bytes(), chapters.read(chapter).cells
    assert [(cell.execution_count, len(cell.outputs)) for cell in cells] == [(1, 0), (None, 0), (None, 0), (4, 1)]
    assert cells[3].outputs[0].data == {"text/plain": "False"}
    assert "version" not in chapters.read(chapter).metadata.language_info
    assert chapters.read(chapter).metadata.labkit == {"chapter": "01", "edition": edition(cells)}
    outputs.store(chapter)
    assert chapter.read_bytes() == stored


def test_a_cell_that_fails_is_shown_and_nothing_is_written(chapter: Path) -> None:
    """An error without the tag stops the run; the text has the cell, and the file stays as it was."""
    before = write(chapter, code("print('fine')", "setup"), code("1 / 0  # here", "demo"))
    with pytest.raises(outputs.NotStored, match=r"(?s)01_small.*1 / 0  # here.*ZeroDivisionError"):
        outputs.store(chapter)
    assert chapter.read_bytes() == before


def test_a_folder_of_this_machine_is_not_stored(chapter: Path) -> None:
    """An output that names the checkout or the interpreter's folder is refused, with the cell's name."""
    before = write(chapter, code("import sys; print(sys.prefix)", "demo"))
    with pytest.raises(outputs.NotStored, match=r"the output of 01\.demo names /"):
        outputs.store(chapter)
    assert chapter.read_bytes() == before
