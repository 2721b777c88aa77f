"""The learner's notebook is found wherever it runs, and what is saved in it is read, whatever it is."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.course import saved
from labkit.course.saved import find_notebook, read_saved, source, write_whole
from labkit.errors import CourseError
from tests import chapters
from tests.course.copies import cell, chapter, kernel, write

pytestmark = pytest.mark.usefixtures("samples", "folder")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the learner works in; nobody says which notebook runs."""
    folder = tmp_path / "course"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    return folder


# --- Finding it ----------------------------------------------------------------------------------------------


def test_a_name_is_taken_as_it_is() -> None:
    """A notebook that was named is the one, also below the home folder."""
    assert find_notebook("x/90_fruit.ipynb") == Path("x/90_fruit.ipynb")
    assert find_notebook("~/90.ipynb") == Path.home() / "90.ipynb"


@pytest.mark.parametrize("named", ["{}/90_a.ipynb", "90_a.ipynb", "path/on/the/server/90_a.ipynb"])
def test_jupyter_says_which_it_is(folder: Path, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The session that Jupyter's server names is the one, by its path or by its name in the kernel's folder."""
    for name in ("90_a.ipynb", "90_b.ipynb"):
        chapter(folder / name)
    monkeypatch.setenv("JPY_SESSION_NAME", named.format(folder))
    assert find_notebook().resolve() == (folder / "90_a.ipynb").resolve()


def test_vs_code_says_which_it_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What VS Code says goes before the session, whose name there is made up; what is not there does not count."""
    one, other = chapter(folder / "one.ipynb"), chapter(folder / "other.ipynb")
    monkeypatch.setenv("JPY_SESSION_NAME", str(one))
    kernel(monkeypatch, __vsc_ipynb_file__=str(other))
    assert find_notebook() == other
    other.unlink()
    assert find_notebook() == one


def test_the_only_chapter_is_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody says which, the only chapter of the folder is the one; a console's session says nothing."""
    for name in ("notes.ipynb", "90_fruit.ipynb", "submission-90-ada.ipynb"):
        chapter(folder / name)
    monkeypatch.setenv("JPY_SESSION_NAME", f"{folder}/console-1")
    assert find_notebook().name == "90_fruit.ipynb"


@pytest.mark.parametrize(("names", "said"), [((), "no chapter"), (("90_a", "91_b"), "90_a.ipynb, 91_b.ipynb")])
def test_nobody_knows_which_it_is(folder: Path, names: tuple[str, ...], said: str) -> None:
    """Where it could be none or several, those are named, and how to pass one."""
    for name in names:
        chapter(folder / f"{name}.ipynb")
    with pytest.raises(CourseError, match=rf"(?s)in .*course there is {said}\..*submit\(\"01_socket\.ipynb\"\)"):
        find_notebook()


def test_a_renamed_notebook_is_not_guessed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If what the session names is gone, no other notebook takes its place."""
    chapter(folder / "90_mine.ipynb")
    monkeypatch.setenv("JPY_SESSION_NAME", f"{folder}/90_fruit.ipynb")
    with pytest.raises(CourseError, match=r"90_fruit\.ipynb is not there any more: was it renamed\?\nPass the"):
        find_notebook()


# --- Reading it ----------------------------------------------------------------------------------------------


def test_a_copy_knows_what_it_was_made_from(folder: Path) -> None:
    """Chapter, edition and answers are read from the file; of the answers, what is in them."""
    found = read_saved(chapter(folder / "mine.ipynb", fruit="answer = 'pear'"))
    assert (found.chapter, found.edition) == ("90", "0123456789ab")
    assert [source(one) for one in found.answers("90.fruit")] == ["answer = 'pear'"]


CELLS: dict[str, list[Any]] = {
    "metadata": [cell("1", "90.fruit"), cell("2", id="90-fruit-answer"), cell("# 90.fruit\n3")],
    "split": [cell("1", "90.fruit"), cell("x = 0"), cell("2", "90.fruit")],
    "id": [cell("# 90.fruit\n3"), cell("2", id="90-fruit-answer")],
    "comment": [cell("\n# Exercise 90.FRUIT: mine\n3"), cell("# 90.fruity\n4"), cell("# 90.fruit", kind="markdown")],
    "text": [cell("1", "90.fruit", kind="markdown")],
    "one text": [cell("", "90.fruit", source="1")],
    "not it": [cell("1", "90.fruit", role="check", id="90-fruit-answer"), cell("2", "90.double"), cell("3")],
    "odd": [cell("", "90.fruit", source=["1", 2]), cell("", "90.fruit", source=None), 7, {"metadata": []}, {}],
}
ANSWERS = dict(
    zip(CELLS, (["1"], ["1", "2"], ["2"], ["\n# Exercise 90.FRUIT: mine\n3"], ["1"], ["1"], [], ["1", ""]), strict=True)
)


@pytest.mark.parametrize("name", CELLS)
def test_an_answer_is_recognised(folder: Path, name: str) -> None:
    """Answers are told by their metadata, else by their id, else by their first line; all of the best kind count."""
    found = read_saved(write(folder / "mine.ipynb", *CELLS[name], chapter="90"))
    assert [source(one) for one in found.answers("90.fruit")] == ANSWERS[name]


@pytest.mark.parametrize("number", chapters.FILES)
def test_the_chapters_are_recognised(number: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each answer of the real chapters is found, also by its id alone."""
    real = chapters.chapter(number)
    answers = [found for found in chapters.code_cells(real) if found.metadata.labkit.role == "answer"]
    bare = [{**answer, "metadata": {}} for answer in answers]
    for cells in (answers, bare):
        copy = saved.Saved(Path("x"), number, "", tuple(cells))
        assert [len(copy.answers(answer.metadata.labkit.exercise)) for answer in answers] == [1] * len(answers)


def test_a_copy_without_marks_is_told_by_its_answers(folder: Path) -> None:
    """A tool that drops the notebook's own metadata leaves the chapter known and the edition empty."""
    found = read_saved(write(folder / "mine.ipynb", cell("1"), cell("2", "91.box")))
    assert (found.chapter, found.edition) == ("91", "")


BROKEN = {
    "": "there is no JSON in it",
    "hello": "there is no JSON in it",
    "[" * 100_000: "there is no JSON in it",
    "[]": "not a notebook of format 4",
    '{"nbformat": 3, "worksheets": []}': "not a notebook of format 4",
    '{"nbformat": 4, "cells": {}}': "not a notebook of format 4",
    '{"nbformat": 4, "cells": []}': "is not a chapter: no cell in it answers an exercise",
    '{"nbformat": 4, "cells": [], "metadata": {"labkit": {"chapter": "9"}}}': "no exercises of that chapter",
    '{"nbformat": 4, "cells": [], "metadata": {"labkit": {"learner": "ada"}}}': "is a submission already",
}


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_chapter_is_said(folder: Path, text: str) -> None:
    """A file that is no learner's copy of a chapter is refused with its name, what it is, and what to do."""
    (folder / "mine.ipynb").write_text(text)
    with pytest.raises(CourseError, match=rf"^mine\.ipynb.*{BROKEN[text]}.*\n.+\.$"):
        read_saved(Path("mine.ipynb"))


def test_what_is_not_there_is_said(folder: Path) -> None:
    """A missing file is named with the folder that was looked in; a folder is no file."""
    with pytest.raises(CourseError, match=r"no file nix\.ipynb\.\nNames are looked for in .*course\. Pass"):
        read_saved(Path("nix.ipynb"))
    with pytest.raises(CourseError, match=r"course cannot be read: .+\.\nPass"):
        read_saved(folder)


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["labkit", "role", "id"]), inner),
    max_leaves=8,
)
PARTS = ["cell_type", "metadata", "source", "id"]


@given(st.lists(JSON | st.dictionaries(st.sampled_from(PARTS), JSON), max_size=4), JSON)
def test_odd_cells_are_no_trouble(cells: list[object], metadata: object) -> None:
    """Whatever stands where cells and metadata should be, reading it ends in a copy or in a sentence."""
    path = Path("odd.ipynb")
    good = cell("# 90.fruit")  # recognised last of all
    path.write_text(json.dumps({"nbformat": 4, "cells": [*cells, good], "metadata": {"labkit": metadata}}))
    try:
        assert [source(one) for one in read_saved(path).answers("90.fruit")][-1:] == ["# 90.fruit"]
    except CourseError as error:
        assert error.remedy


# --- Writing -------------------------------------------------------------------------------------------------


def test_a_file_is_written_whole(folder: Path) -> None:
    """The new text takes the place of the old one, and nothing else is left in the folder."""
    for text in ("old", "ä" * 100_000):
        write_whole(folder / "x.txt", text, remedy="")
    assert (folder / "x.txt").read_text("utf-8") == "ä" * 100_000
    assert os.listdir(folder) == ["x.txt"]


@pytest.mark.parametrize("place", ["nowhere/x.txt", "file/x.txt", "there"])
def test_a_place_that_takes_no_file_is_said(folder: Path, place: str) -> None:
    """Where a file cannot be written, its name, the system's reason and the remedy are told, and nothing is left."""
    (folder / "file").touch()
    (folder / "there").mkdir()
    with pytest.raises(CourseError, match=rf"^{place} cannot be written: .+\.\nElsewhere\.$"):
        write_whole(Path(place), "text", remedy="Elsewhere.")
    assert sorted(os.listdir(folder)) == ["file", "there"]
