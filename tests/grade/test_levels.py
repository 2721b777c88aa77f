"""The levels of isolation: which there are, what each says of itself, and that none pretends."""

from __future__ import annotations

import pytest

from labkit import errors
from labkit.grade.commands import LEVELS as OFFERED
from labkit.grade.levels import LEVELS, Level, choose

each = pytest.mark.parametrize("level", LEVELS.values(), ids=LEVELS)


def test_the_command_offers_the_levels_that_there_are() -> None:
    """What can be written after --level is what the levels are called."""
    assert tuple(LEVELS) == OFFERED == tuple(level.name for level in LEVELS.values())


@each
def test_a_report_says_for_whom_what_and_what_not(level: Level) -> None:
    """The sentence of a level names it, says whom it is for, what it keeps apart, and what it does not."""
    assert level.sentence.startswith(f"Level {level.name}, for {level.who}.")
    assert level.keeps in level.sentence and level.sentence.endswith(level.leaves) and level.leaves


@pytest.mark.parametrize("name", ["self", "class", "sandbox"])
def test_a_level_that_is_there_can_be_chosen(name: str) -> None:
    """The levels are returned by their names."""
    assert choose(name) is LEVELS[name]


def test_class_says_what_remains_possible() -> None:
    """The level for a trusted class has a Docker host for each, and says that files can be read."""
    sentence = choose("class").sentence
    assert "a Docker host of its own" in sentence and "read the grader's files" in sentence


def test_self_says_what_a_daemon_is_worth() -> None:
    """The level without any wall says that who speaks to the daemon is as good as root."""
    assert "as good as being root" in choose("self").sentence


def test_the_sandbox_says_what_can_be_lied_about() -> None:
    """The level for everybody else says that there is no way to the grader, and what its learner can still do."""
    sentence = choose("sandbox").sentence
    assert "without network" in sentence and "tell the judge lies about its containers" in sentence


@pytest.mark.parametrize("name", ["", "Class", "none"])
def test_an_unknown_level_is_refused(name: str) -> None:
    """Another name is refused with those that there are."""
    with pytest.raises(errors.CourseError, match="There are: self, class, sandbox"):
        choose(name)
