"""Handing in writes one file with the answers, and says what is in it before anybody else reads it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbclient import NotebookClient

from labkit.course import progress, window
from labkit.course.exercise import find
from labkit.course.saved import Saved, read_saved
from labkit.course.submit import report, submission, submit
from labkit.course.verdict import Verdict, failed, passed
from labkit.errors import CourseError
from tests import chapters
from tests.course.copies import UNTOUCHED, cell, chapter, kernel, write


@pytest.fixture
def folder(samples: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that ada works in, in which chapter 90 is the only one."""
    folder = tmp_path / "course"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.delenv(window.VARIABLE, raising=False)
    chapter(folder / "90_fruit.ipynb", fruit="answer = task.fruit")
    return folder


def handed_in(folder: Path, name: str = "submission-90-ada.ipynb") -> Any:
    """What was written."""
    return nbformat.read(folder / name, as_version=nbformat.NO_CONVERT)


# --- The file ------------------------------------------------------------------------------------------------


def test_one_file_is_written_beside_the_notebook(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """submit() needs no argument, writes one file, returns nothing, and says what it wrote and from what."""
    submit()
    assert sorted(os.listdir(folder)) == ["90_fruit.ipynb", "submission-90-ada.ipynb"]
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "submission-90-ada.ipynb is the file to hand in."
    assert said[1] == "It has your answers from 90_fruit.ipynb as it was saved just now."
    assert said[3] == "1 of 2 exercises are answered:"


def test_it_is_a_notebook_of_answers(folder: Path) -> None:
    """The file is a valid notebook: under each exercise's title its answer as it was saved, without what it printed."""
    submit()
    found = handed_in(folder)
    nbformat.validate(found)
    assert [one.source.partition("\n")[0] for one in found.cells if one.cell_type == "markdown"] == [
        "# Chapter 90: the answers of ada",
        "## 90.fruit — name a fruit",
        "## 90.double — double a number",
    ]
    answers = chapters.code_cells(found)
    assert [one.source for one in answers] == ["answer = task.fruit", UNTOUCHED["90.double"]]
    assert [(one.outputs, one.execution_count) for one in answers] == [([], None)] * 2
    assert [one.id for one in answers] == ["90-fruit-answer", "90-double-answer"]
    assert [chapters.cell_id(one) for one in answers] == ["90.fruit.answer", "90.double.answer"]


def test_it_says_whose_it_is_and_of_which_edition(folder: Path) -> None:
    """The file names the learner, the chapter, the edition of the learner's own copy, and the time."""
    submit()
    marks = handed_in(folder).metadata.labkit
    assert (marks.chapter, marks.edition, marks.learner) == ("90", "0123456789ab", "ada")
    assert marks.made.endswith("+00:00")


def test_a_later_one_takes_its_place(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Handing in again replaces the file, and says so."""
    submit()
    assert "takes the place" not in capsys.readouterr().out
    chapter(folder / "90_fruit.ipynb", fruit="answer = other")
    submit()
    assert "It takes the place of the earlier one." in capsys.readouterr().out
    assert chapters.code_cells(handed_in(folder))[0].source == "answer = other"


def test_it_can_be_written_elsewhere(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The notebook and the folder can be named; the file's folder is then said too."""
    notebook = (folder / "90_fruit.ipynb").rename(tmp_path / "mine.ipynb")
    submit(notebook, folder=folder)
    assert capsys.readouterr().out.startswith("submission-90-ada.ipynb is the file")
    submit(str(notebook), folder=str(tmp_path))
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'submission-90-ada.ipynb'} is the file")


def test_a_folder_that_takes_no_file_is_said(folder: Path) -> None:
    """Where the file cannot be written, the remedy is to name another folder."""
    with pytest.raises(CourseError, match=r"nowhere.submission-90-ada\.ipynb cannot be written: .*\n.*submit\(folder="):
        submit(folder="nowhere")


@pytest.mark.parametrize("name", ["../Zoë 🦊", "a/b\nc", "x" * 300, "=cmd()"])
def test_any_learner_has_a_file(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a learner is called, the file lies in the folder, and its name has only plain letters."""
    monkeypatch.setenv("LABKIT_LEARNER", name)
    submit()
    [written] = set(os.listdir(folder)) - {"90_fruit.ipynb"}
    assert set(written) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
    nbformat.validate(handed_in(folder, written))


@pytest.mark.parametrize("age", [(90, "1 minute"), (7300, "2 hours"), (86400 * 3 + 60, "3 days")], ids=lambda a: a[1])
def test_the_age_of_what_is_saved_is_said(
    folder: Path, age: tuple[int, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A learner reads how long ago the notebook was saved, in a whole number of the largest unit."""
    then = time.time() - age[0]
    os.utime(folder / "90_fruit.ipynb", (then, then))
    submit()
    assert f"as it was saved {age[1]} ago." in capsys.readouterr().out


def test_while_graded_nothing_is_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A submit() inside an answer disturbs no grading."""
    monkeypatch.setenv(window.VARIABLE, "{}")
    submit()
    assert capsys.readouterr().out == "This notebook is being graded already.\n"
    assert os.listdir(folder) == ["90_fruit.ipynb"]


IDS = st.none() | st.integers() | st.text() | st.sampled_from(["about", "90-fruit-title", "90-fruit-answer"])


@given(st.lists(st.tuples(IDS, st.sampled_from(["code", "markdown", "raw", "x"]), st.text()), max_size=4))
def test_whatever_was_saved_makes_a_valid_notebook(cells: list[tuple[Any, str, str]]) -> None:
    """Split, copied and retyped cells, with ids twice or none, become a notebook that follows nbformat's schema."""
    answers = [cell(text, "00.word", kind=kind, id=cell_id, source=text) for cell_id, kind, text in cells]
    made = submission(Saved(Path("00_start.ipynb"), "00", "", tuple(answers)))
    nbformat.validate(nbformat.reads(json.dumps(made), as_version=4))
    told = [one for one in made["cells"] if one["metadata"]]
    assert ["".join(one["source"]) for one in told] == [text for _, _, text in cells]
    assert len({one["id"] for one in made["cells"]}) == len(made["cells"])


@pytest.mark.parametrize("number", chapters.FILES)
def test_the_real_chapters_can_be_handed_in(number: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of each chapter as shipped becomes a submission that has its edition and all of its answer cells."""
    monkeypatch.setenv("LABKIT_LEARNER", "ada")
    made = submission(read_saved(chapters.FILES[number]))
    assert made["metadata"]["labkit"]["edition"] == chapters.chapter(number).metadata.labkit.edition
    texts = ["".join(one["source"]) for one in made["cells"] if one["cell_type"] == "code"]
    shipped = [
        one.source for one in chapters.code_cells(chapters.chapter(number)) if one.metadata.labkit.role == "answer"
    ]
    assert texts == shipped


# --- What is said about it -----------------------------------------------------------------------------------


def told(folder: Path, *cells: object, ran: tuple[str, ...] = (), number: str = "90") -> str:
    """The report on a notebook of these cells."""
    return report(read_saved(write(folder / "mine.ipynb", *cells, chapter=number)), ["", *ran] if ran else [])


FRUIT, DOUBLE = cell("answer = task.fruit", "90.fruit"), cell("def double(n):\n    return 2 * n", "90.double")


def test_each_exercise_has_a_line(folder: Path) -> None:
    """A line says whether an exercise is answered, and what its checks said so far; all well, nothing more is said."""
    parts = find("90.fruit").parts
    progress.note(Verdict.of("90.fruit", parts, [passed("kind"), failed("ripe", expected="", saw="", look_at="")]))
    assert told(folder, FRUIT, DOUBLE).splitlines() == [
        "2 of 2 exercises are answered:",
        "  90.fruit    answered          best check: 2 of 3 points",
        "  90.double   answered          never checked",
    ]


def test_what_is_not_answered_is_no_mistake(folder: Path) -> None:
    """A cell as shipped is not answered yet; that is said and not complained of."""
    lines = told(folder, *(cell(text, name) for name, text in UNTOUCHED.items())).splitlines()
    assert lines == ["0 of 2 exercises are answered:", *(f"  {name:<12}not answered yet" for name in UNTOUCHED)]


def test_a_missing_cell_is_complained_of(folder: Path) -> None:
    """An exercise without an answer cell is named, with the comment that brings it back; the comment does."""
    said = told(folder, FRUIT)
    assert "  90.double   no answer cell" in said
    assert "Look at 90.double: there is no answer cell." in said
    assert "such as # 90.double." in said
    assert "Look at" not in told(folder, FRUIT, cell("# 90.double\ndef double(n): return n + n"))


def test_an_answer_in_a_text_cell_is_complained_of(folder: Path) -> None:
    """An answer that became text is named, with the key that makes it code again."""
    assert "Look at 90.double: an answer stands in a text cell" in told(folder, FRUIT, DOUBLE | {"cell_type": "raw"})


def test_a_fixed_value_is_complained_of(folder: Path) -> None:
    """Answers that only hold a value are named; a program, and what brings about a state, may hold constants."""
    fixed = cell("answer = 'plum'  # TODO", "90.fruit")
    said = told(folder, fixed, cell("def double(n): return 'heron-3f07'", "90.double"))
    assert "Look at 90.fruit: it repeats what you read on your screen." in said
    assert "Look" not in told(folder, cell("answer = [1]", "91.box"), number="91")
    assert "Look at 91.box: it repeats" in told(folder, cell("sh('rm heron-3f07')", "91.box"), number="91")


def test_a_state_is_lost_only_if_it_had_points(folder: Path) -> None:
    """Running all cells checks a state that nobody changed; only points tell of an answer that is not saved."""
    empty = cell("# TODO: remove the box", "91.box")
    gone = find("91.box").parts
    progress.note(Verdict.of("91.box", gone, [failed("gone", expected="", saw="", look_at="")]))
    assert "Look" not in told(folder, empty, number="91")
    progress.note(Verdict.of("91.box", gone, [passed("gone")]))
    assert "Look at 91.box: you had an answer checked, and the file has none." in told(folder, empty, number="91")


def test_an_answer_that_was_not_run_is_complained_of(folder: Path) -> None:
    """What is saved and was never run in this kernel is named; what ran, and what is empty, is not."""
    ran = ("answer = task.fruit", "submit()")
    said = told(folder, FRUIT | {"execution_count": 1}, DOUBLE, ran=ran)
    assert "Look at 90.double: what is saved there was not run since this kernel started." in said
    untouched = cell(UNTOUCHED["90.double"], "90.double")
    assert "Look" not in told(folder, FRUIT | {"execution_count": 1}, untouched, ran=ran)


def test_an_answer_that_was_not_saved_is_complained_of(folder: Path) -> None:
    """If something ran after the notebook was saved, the learner is told to save it, once."""
    saved = (FRUIT | {"execution_count": 1}, cell(UNTOUCHED["90.double"], "90.double"))
    said = told(folder, *saved, ran=("answer = task.fruit", "def double(n): return n + n", "submit()"))
    assert said.count("save the notebook (Ctrl+S)") == 1
    assert "the notebook on your screen is newer than its file" in said


def test_the_history_is_the_kernels(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """submit() looks at what ran in the kernel that it is called in."""
    kernel(monkeypatch, "answer = 'not saved'", "submit()")
    submit()
    assert "newer than its file" in capsys.readouterr().out


def test_no_line_is_broken_in_a_word(folder: Path) -> None:
    """No sentence is longer than what JupyterLab shows in a line, where one exercise is named."""
    said = told(folder, cell("answer = 1", "90.fruit", kind="raw"), ran=("x", "submit()")).splitlines()
    assert len(said) > 10
    assert max(map(len, said)) <= 92


# --- In a kernel ---------------------------------------------------------------------------------------------


@pytest.mark.notebook
def test_a_notebook_hands_itself_in(tmp_path: Path) -> None:
    """In a real kernel, named as Jupyter's server does it, submit() finds its notebook, and sees that it was saved."""
    notebook, path = chapters.read(chapters.FILES["01"]), tmp_path / "mine.ipynb"
    answer = next(one for one in chapters.code_cells(notebook) if chapters.cell_id(one) == "01.mode.answer")
    answer.source = "def may_connect(*who):\n    return True"
    notebook.cells = [answer, nbformat.v4.new_code_cell("from labkit import submit; submit()")]
    environ = chapters.environment("ada", tmp_path, JPY_SESSION_NAME=str(path), PYTHONPATH=str(chapters.ROOT))
    said = []
    for _ in range(2):
        nbformat.write(notebook, path)  # the second time, after it has run
        NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}, timeout=60).execute(env=environ)
        said.append(notebook.cells[1].outputs[0].text)
    assert ["newer than its file" in one for one in said] == [False, False]
    assert "  01.mode     answered          never checked" in said[1]
    assert "Look at 01.group, 01.ping, 01.by-hand, 01.events: there is no answer cell." in said[1]
    assert handed_in(tmp_path, "submission-01-ada.ipynb").metadata.labkit.learner == "ada"
