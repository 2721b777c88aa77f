"""What every exercise brings along: points, hints, a reference answer, wrong answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.course.exercise import exercises, find
from tests import chapters
from tests.attempts import reference, wrong_answers

IDS = [exercise.id for exercise in exercises()]

each = pytest.mark.parametrize("exercise_id", IDS)


@each
def test_an_exercise_is_complete(exercise_id: str) -> None:
    """Every exercise has points, a time budget, a reference answer and at least two wrong ones."""
    exercise = find(exercise_id)
    assert exercise.total > 0 and all(part.points > 0 for part in exercise.parts)
    assert 0 < exercise.seconds <= 60
    assert find(exercise_id).reference() == reference(exercise_id).strip() != ""
    assert len(wrong_answers(exercise_id)) >= 2


@each
def test_hints_begin_with_a_question(exercise_id: str) -> None:
    """Every exercise has at least three hints of at most 50 words, and the first one asks."""
    hints = find(exercise_id).hints
    assert len(hints) >= 3
    assert [hint for hint in hints if len(hint.split()) > 50] == []
    assert "?" in hints[0]


@pytest.mark.parametrize("file", [*chapters.SOLUTIONS.glob("*.py"), *chapters.WRONG.glob("*.py")], ids=lambda f: f.stem)
def test_no_answer_is_left_over(file: Path) -> None:
    """Every file of answers is named after an exercise that there is."""
    assert ".".join(file.name.split(".")[:2]) in IDS
