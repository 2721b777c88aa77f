"""The chapters as shipped are found, and each knows its exercises and its edition."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from nbformat import NotebookNode

from labkit.course.exercise import exercises
from labkit.errors import CourseError
from labkit.grade import chapters as shipped
from labkit.grade.chapters import EDITION, edition, find_folder, read_chapter, read_chapters, read_imports
from tests import chapters

each = pytest.mark.parametrize("number", chapters.FILES)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation without a checkout around it, and an empty folder to work in."""
    module = tmp_path / "site" / "labkit" / "grade" / "chapters.py"
    monkeypatch.setattr(shipped, "__file__", str(module))
    work = tmp_path / "here"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


def test_the_chapters_are_those_of_the_checkout() -> None:
    """Every chapter is found by its two digits, with its file."""
    assert {number: chapter.path for number, chapter in read_chapters().items()} == chapters.FILES


def test_what_the_cells_import_is_read() -> None:
    """The packages that code cells import are found, whichever form the line has; prose counts for nothing."""
    chapter = copy.deepcopy(read_chapters()["01"])
    chapter.notebook.cells = [
        NotebookNode(
            cell_type="code", source="%matplotlib inline\nimport xml.dom as d\n    from numpy.linalg import inv"
        ),
        NotebookNode(cell_type="markdown", source="import prose"),
    ]
    assert read_imports([chapter]) == ["numpy", "xml"]
    assert "labkit" in read_imports(read_chapters().values())


@each
def test_a_chapter_knows_its_exercises(number: str) -> None:
    """The exercises of a chapter are those that are registered, in the order in which a learner meets them."""
    assert list(read_chapters()[number].exercises) == [exercise.id for exercise in exercises(number)]


@each
def test_a_cell_is_found_by_its_role(number: str) -> None:
    """Each exercise of a chapter has its three cells."""
    chapter = read_chapters()[number]
    for exercise in chapter.exercises:
        names = [chapters.cell_id(chapter.cell(exercise, role)) for role in ("setup", "answer", "check")]
        assert names == [f"{exercise}.{part}" for part in ("begin", "answer", "check")]


def test_where_there_is_no_chapter_that_is_said(tmp_path: Path) -> None:
    """A folder without chapters is named; a submission is no chapter."""
    (tmp_path / "submission-00-ada.ipynb").touch()
    with pytest.raises(CourseError, match=rf"There is no chapter in {tmp_path}\.\nChapters are called"):
        read_chapters(tmp_path)


def test_an_installation_looks_below_the_current_folder(elsewhere: Path) -> None:
    """Where the package lies outside a checkout, the notebooks of the folder that one stands in are taken."""
    with pytest.raises(CourseError, match=r"notebooks/00_start\.ipynb is not in .*site nor in .*here\.\n"):
        find_folder()
    (elsewhere / "notebooks").mkdir()
    (elsewhere / "notebooks" / "00_start.ipynb").touch()
    assert find_folder() == elsewhere / "notebooks"


# --- Editions ------------------------------------------------------------------------------------------------


@each
def test_the_stored_edition_is_current(number: str) -> None:
    """A chapter says in its metadata which one it is, and of which edition: what a learner's copy carries along."""
    chapter = read_chapter(chapters.FILES[number])
    stored = chapter.notebook.metadata.get("labkit")
    assert stored == {"chapter": number, "edition": chapter.edition}, f"run `make outputs`: {chapter.path.name} changed"


def changed(how: str) -> list[NotebookNode]:
    """The cells of chapter 01 with one thing changed."""
    cells: list[NotebookNode] = copy.deepcopy(chapters.chapter("01").cells)
    code = next(cell for cell in cells if cell.cell_type == "code")
    match how:
        case "prose":
            cells[0].source += "\nOne more sentence."
        case "outputs":
            code.outputs, code.execution_count = [], 99
        case "ids and tags":
            code.id, code.metadata["tags"] = "other", ["x"]
        case "code":
            code.source += "\n"
        case "role":
            code.metadata["labkit"]["role"] = "demo"
        case "order":
            cells.reverse()
        case "one less":
            cells.remove(code)
    return cells


@pytest.mark.parametrize("how", ["nothing", "prose", "outputs", "ids and tags"])
def test_what_no_answer_depends_on_leaves_the_edition(how: str) -> None:
    """Prose, outputs, ids and tags can change without making another edition."""
    assert edition(changed(how)) == read_chapters()["01"].edition


@pytest.mark.parametrize("how", ["code", "role", "order", "one less"])
def test_what_an_answer_can_depend_on_makes_another_edition(how: str) -> None:
    """Another text, role, order or number of code cells is another edition."""
    assert edition(changed(how)) != read_chapters()["01"].edition


def test_an_edition_is_short() -> None:
    """An edition is twelve hexadecimal digits, the same whether a source is one text or a list of lines."""
    cell = {"cell_type": "code", "metadata": {}, "source": "a\nb"}
    assert len(edition([cell])) == len(bytes.fromhex(edition([cell]))) * 2 == EDITION
    assert edition([cell]) == edition([cell | {"source": ["a\n", "b"]}])
