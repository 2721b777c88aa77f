"""`labkit compose` writes a chapter with answers from files, or says why it cannot."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner, Result

from labkit.errors import CourseError
from labkit.grade.compose import compose, identity
from labkit.grade.composing import compose_chapter, compose_command
from tests import chapters


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    """A folder with an answer to one exercise of chapter 01, and to one of another chapter."""
    folder = tmp_path / "answers"
    folder.mkdir()
    (folder / "01.mode.py").write_text("def may_connect(*who):\n    return 'ä'\n", "utf-8")
    (folder / "99.other.py").write_text("answer = 1")
    return folder


def run(*words: str | Path) -> Result:
    """Type the command; an error fails the test."""
    return CliRunner().invoke(compose_command, [str(word) for word in words], catch_exceptions=False)


def test_a_solved_chapter_is_written(tmp_path: Path) -> None:
    """With the reference answers, the notebook is what the tests compose, and one line says what was done."""
    for number, path in chapters.FILES.items():
        target = tmp_path / "solved.ipynb"
        done = run(number, "--answers", chapters.SOLUTIONS, "-o", target)
        texts = {p.stem: p.read_text("utf-8") for p in chapters.SOLUTIONS.glob(f"{number}.*.py")}
        assert done.output == f"{path.name} with {len(texts)} of {len(texts)} answers: {target}\n"
        mine = {exercise: text.rstrip("\n") for exercise, text in texts.items()}
        assert chapters.read(target) == compose(chapters.chapter(number), mine)
        nbformat.validate(chapters.read(target))


def test_what_is_not_answered_stays(tmp_path: Path, answers: Path) -> None:
    """Exercises without a file stay as they are shipped, and answers to other chapters are left alone."""
    target = tmp_path / "some.ipynb"
    assert run("01", "--answers", answers, "--output", target).output.startswith("01_socket.ipynb with 1 of 5 answers:")
    cells = {identity(one): one.source for one in chapters.read(target).cells}
    assert cells["answer", "01.mode"] == "def may_connect(*who):\n    return 'ä'"
    assert cells["answer", "01.ping"] == chapters.source("01.ping", "answer")


def test_an_unknown_chapter_is_said(tmp_path: Path, answers: Path) -> None:
    """A chapter that does not exist is refused, and those that do are named."""
    with pytest.raises(CourseError, match=r"There is no chapter 1\.\nThere are: 00, 01"):
        compose_chapter("1", answers, tmp_path / "x.ipynb")


def test_no_answer_is_said(tmp_path: Path, answers: Path) -> None:
    """A folder without an answer to the chapter is refused, and the files' names are told; nothing is written."""
    with pytest.raises(CourseError, match=r"No file in .*answers answers an exercise of chapter 00\.\n.*00\.word\.py"):
        compose_chapter("00", answers, tmp_path / "x.ipynb")
    assert list(tmp_path.iterdir()) == [answers]


@pytest.mark.parametrize("name", ["01.mod.py", "01-mode.py", "01.mode.txt.py"])
def test_an_answer_to_nothing_is_said(tmp_path: Path, answers: Path, name: str) -> None:
    """A file that begins with the chapter's digits and names none of its exercises is refused, not forgotten."""
    (answers / name).touch()
    with pytest.raises(CourseError, match=rf"no exercise {name[:-3]}\.\nIt has: 01\.mode, 01\.group"):
        compose_chapter("01", answers, tmp_path / "x.ipynb")


def test_an_answer_that_cannot_be_read_is_said(tmp_path: Path, answers: Path) -> None:
    """A file that is no text, or none at all, is refused with the folder's name."""
    (answers / "01.ping.py").write_bytes(b"\xff\xfe")
    with pytest.raises(CourseError, match=r"An answer in .*answers is not text in UTF-8"):
        compose_chapter("01", answers, tmp_path / "x.ipynb")
    (answers / "01.ping.py").unlink()
    (answers / "01.ping.py").mkdir()
    with pytest.raises(CourseError, match=r"01\.ping\.py cannot be read: .+"):
        compose_chapter("01", answers, tmp_path / "x.ipynb")


def test_a_target_that_cannot_be_written_is_said(tmp_path: Path, answers: Path) -> None:
    """Where the notebook cannot be written, its name and the reason are told."""
    with pytest.raises(CourseError, match=r"nowhere.x\.ipynb cannot be written: .+\nName a file in a folder"):
        compose_chapter("01", answers, tmp_path / "nowhere" / "x.ipynb")


def test_the_chapter_itself_is_no_target(answers: Path) -> None:
    """The chapter as shipped is never written over."""
    before = chapters.FILES["01"].read_bytes()
    with pytest.raises(CourseError, match=r"01_socket\.ipynb is the chapter itself\."):
        compose_chapter("01", answers, chapters.FILES["01"])
    assert chapters.FILES["01"].read_bytes() == before


@pytest.mark.parametrize("words", [["01"], ["01", "--answers", "nowhere", "-o", "x"], ["01", "-o", "x"]])
def test_what_is_missing_is_asked_for(words: list[str]) -> None:
    """Without a folder of answers that exists, or without an output, the usage is shown."""
    done = CliRunner().invoke(compose_command, words)
    assert (done.exit_code, done.output.startswith("Usage: ")) == (2, True)
