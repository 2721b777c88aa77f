"""Each learner's values: the same in every process, different for every learner, exercise and name."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.course.seed import BIRDS, Seed, learner, mark

WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
PLACES = st.tuples(WORDS, WORDS, WORDS)


def drawn(who: str = "ada", exercise: str = "01.ping", name: str = "x") -> tuple[object, ...]:
    """One value of every sort."""
    seed = Seed(who, exercise)
    return seed.word(name), seed.number(name, 0, 10**9), seed.pick(name, BIRDS), mark(who)


@pytest.mark.parametrize("hashseed", ["0", "1", "random"])
def test_other_processes_draw_the_same(hashseed: str) -> None:
    """A learner's values do not depend on the process, nor on how it hashes its strings."""
    code = "from tests.course.test_seed import drawn; print(drawn())"
    env = os.environ | {"PYTHONHASHSEED": hashseed}
    folder = Path(__file__).parents[2]
    out = subprocess.run([sys.executable, "-c", code], cwd=folder, env=env, capture_output=True, check=True, text=True)
    assert out.stdout.strip() == str(drawn())


def test_values_stay_as_they_are() -> None:
    """The values that learners already have do not change from one version of labkit to the next."""
    assert drawn() == GOLDEN


GOLDEN = ("lark-3a4d", 327395817, "lark", "osprey-e360")


@given(PLACES, PLACES)
def test_each_place_has_its_own_stream(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    """Two streams are equal only if learner, exercise and name all are."""
    (who, exercise, name), (who2, exercise2, name2) = one, other
    same = Seed(who, exercise).stream(name).random() == Seed(who2, exercise2).stream(name2).random()
    assert same == (one == other)


def test_neighbours_have_different_words() -> None:
    """Among five hundred learners no two share a word."""
    assert len({Seed(f"learner{n}", "00.word").word("box") for n in range(500)}) == 500


def test_asking_for_one_value_does_not_move_another() -> None:
    """A value is the same whatever else was drawn before it."""
    seed = Seed("ada", "01.ping")
    before = seed.word("a")
    seed.number("b", 1, 100)
    assert seed.word("a") == before


def test_a_seed_may_be_any_bytes() -> None:
    """A learner's name that is not UTF-8 draws values too."""
    odd = os.fsdecode(b"\xff\xfe")
    assert drawn(odd) == drawn(odd) != drawn("ada")


@given(WORDS, st.integers(-(10**6), 10**6), st.integers(0, 3))
def test_a_number_is_between_its_bounds(name: str, low: int, width: int) -> None:
    """A number is at least the lower bound and at most the upper."""
    assert low <= Seed("ada", "01.ping").number(name, low, low + width) <= low + width


def test_both_bounds_are_reached() -> None:
    """Both bounds of a number belong to it."""
    assert {Seed("ada", "x").number(str(n), 1, 3) for n in range(100)} == {1, 2, 3}


@given(WORDS, WORDS)
def test_a_word_fits_into_a_name(who: str, name: str) -> None:
    """A word can be part of a container's or an image's name: small letters, digits and hyphens."""
    assert re.fullmatch(r"[a-z]+-[0-9a-f]{4}", Seed(who, "x").word(name))


def test_birds_are_distinct() -> None:
    """No bird is twice as likely as another."""
    assert len(set(BIRDS)) == len(BIRDS)


def test_the_learner_is_who_owns_the_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Values are drawn for the one whose name is on the labels."""
    monkeypatch.setenv("LABKIT_LEARNER", "ada")
    assert learner() == "ada"
