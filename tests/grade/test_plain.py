"""The chapter of plain Python is worth what its class is said to get, without any daemon."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.course import exercise
from labkit.course.exercise import World
from labkit.course.verdict import Verdict
from labkit.grade.chapters import read_chapter
from labkit.grade.compose import identity
from tests.chapters import code_cells, read
from tests.grade import plain

NOBODY: Any = None  # a daemon that no exercise of this chapter asks

each = pytest.mark.parametrize("kind", plain.EXERCISES, ids=lambda kind: kind.id)


def judged(one: plain.Plain, text: str, nonce: str) -> Verdict:
    """Run the text of an answer cell and have its function judged."""
    world, names = World(NOBODY, one.id, "ada", nonce), dict[str, Any]()
    assert one.prepare(world) == {}
    exec(text, names)
    return one.verdict(one.claim(world, names[one.function]), world)


@each
@given(nonce=st.text())
def test_answers_are_worth_what_they_say(kind: type[plain.Plain], nonce: str) -> None:
    """Whatever the judge draws, a perfect answer gets all points, a partial one the first part's, a wrong one none."""
    one = kind()
    reached = [judged(one, one.answer(how), nonce).points for how in plain.KINDS]
    assert reached == [one.points(how) for how in plain.KINDS] == [one.total, one.parts[0].points, 0]


@each
def test_every_part_has_three_cases(kind: type[plain.Plain]) -> None:
    """The judge makes at least three calls for each part, with other values at each check."""
    one = kind()
    first, second = (one.cases(World(NOBODY, one.id, "ada", nonce)) for nonce in "ab")
    assert all(sum(case.part == part.key for case in first) >= 3 for part in one.parts)
    assert [case.arguments for case in first] != [case.arguments for case in second]


@each
def test_three_hints_and_the_first_asks(kind: type[plain.Plain]) -> None:
    """Each exercise has three hints that begin with a question, and something to look at."""
    assert len(kind.hints) == 3 and kind.hints[0].endswith("?") and kind.look_at


def test_the_chapter_has_25_code_cells(tmp_path: Path) -> None:
    """The chapter as shipped has 25 code cells that were never run, each with its own identity, and five exercises."""
    chapter = read_chapter(plain.write_chapter(tmp_path))
    cells = code_cells(chapter.notebook)
    assert len({cell.metadata["labkit"]["cell"] for cell in cells}) == len(cells) == 25
    assert [cell for cell in cells if cell.execution_count or cell.outputs] == []
    assert (chapter.number, chapter.exercises) == ("90", tuple(kind.id for kind in plain.EXERCISES))
    assert cells[0].source == "from labkit import begin, check" and identity(cells[0]) == ("setup", "")


@each
def test_the_chapter_as_shipped_is_no_answer(kind: type[plain.Plain]) -> None:
    """What stands in an answer cell before anybody wrote there is not judged."""
    texts = {identity(cell): cell.source for cell in plain.notebook().cells}
    assert not judged(kind(), texts["answer", kind.id], "").answered


def test_a_class_is_written(tmp_path: Path) -> None:
    """Each learner has a notebook with their own answers, and a class has all, none, and something in between."""
    points = plain.write_class(tmp_path)
    assert sorted(path.parent.name for path in tmp_path.glob("*/90_plain.ipynb")) == sorted(points)
    total = sum(kind().total for kind in plain.EXERCISES)
    assert len(points) == plain.CLASS and {0, total} < set(points.values()) <= set(range(total + 1))
    cells = {identity(cell): cell.source for cell in read(tmp_path / "learner-03" / plain.FILE).cells}
    assert cells["answer", "90.add"] == plain.answers("perfect", 3)["90.add"] and points["learner-03"] == total


def test_registering_twice_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exercises are there once, however often they are installed, and the course keeps its own."""
    before = exercise.exercises()
    assert exercise.exercises("90") == []
    monkeypatch.setattr(exercise, "_registry", {found.id: found for found in before})
    plain.install()
    plain.install()
    assert [found.id for found in exercise.exercises("90")] == [kind.id for kind in plain.EXERCISES]
    assert exercise.exercises()[: len(before)] == before
