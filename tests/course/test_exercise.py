"""Exercises, their register, and the world in which one happens."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, cast

import pytest

from labkit import errors
from labkit.course import exercise
from labkit.course.claims import Claim
from labkit.course.exercise import World, exercises, find, register
from labkit.daemon import Daemon
from labkit.local import LocalHost
from tests.course.samples import Box, Double, Fruit, Shelf


def world(of: str = "90.fruit", learner: str = "ada", nonce: str = "") -> World:
    """A world without a daemon."""
    return World(cast(Daemon, None), of, learner, nonce)


def test_an_id_belongs_to_one_exercise(samples: None) -> None:
    """A second exercise with the same id is refused."""
    with pytest.raises(ValueError, match=r"two exercises 90\.fruit"):
        register(Fruit)


def test_exercises_are_found_by_chapter(samples: None) -> None:
    """Exercises are listed in the order in which they were registered, by chapter or all."""
    assert [found.id for found in exercises("90")] == ["90.fruit", "90.double"]
    assert [found.id for found in exercises()] == ["90.fruit", "90.double", "91.box"]
    assert exercises("99") == []


def test_an_exercise_is_found_by_its_id(samples: None) -> None:
    """find() returns the one exercise of that id."""
    assert isinstance(find("91.box"), Box)


@pytest.mark.parametrize("wrong", ["90.fruits", "fruit", "90-fruit", "9.fruit"])
def test_near_ids_are_named(samples: None, wrong: str) -> None:
    """An id that does not exist is answered with the nearest that do."""
    with pytest.raises(errors.CourseError, match=r"Did you mean: .*90\.fruit"):
        find(wrong)


@pytest.mark.parametrize("wrong", ["?", "", 3])
def test_a_hopeless_id_gets_them_all(samples: None, wrong: Any) -> None:
    """Where nothing is near, all ids are named."""
    with pytest.raises(errors.CourseError, match=r"90\.fruit, 90\.double, 91\.box"):
        find(wrong)


def test_chapter_and_total_follow_from_id_and_parts() -> None:
    """The chapter is what stands before the dot; the total is the sum of the parts."""
    assert (Fruit().chapter, Fruit().total) == ("90", 3)


def test_names_are_the_learners_own(home: object) -> None:
    """A name has label, exercise, the learner's word and the thing; two learners never share one."""
    name = world("01.by-hand").name("box")
    assert name.startswith("labkit-01-by-hand-")
    assert name.endswith("-box")
    assert len({world(learner=str(n)).name("box") for n in range(500)}) == 500


def test_no_exercise_clears_another(home: object) -> None:
    """The name of one exercise's world begins no other's, even where one id begins the other."""
    names = [world(of).name() for of in ("01.by", "01.by-hand", "01.by-hand.2")]
    assert [(a, b) for a in names for b in names if a != b and b.startswith(a)] == []


def test_a_secret_takes_the_learners_place(home: object) -> None:
    """Values drawn from a secret are not the learner's, and the names of things stay the learner's."""
    hidden = World(cast(Daemon, None), "90.fruit", "ada", secret="x")
    assert hidden.seed.word("x") != world().seed.word("x")
    assert hidden.name("box") == world().name("box")


def test_the_judge_draws_anew(home: object) -> None:
    """The judge's draws differ from the learner's values and from check to check."""
    worlds = [world(nonce=nonce) for nonce in ("", "a", "b")]
    drawn = [one.draws.word("x") for one in worlds] + [one.seed.word("x") for one in worlds[:1]]
    assert len(set(drawn)) == 4
    assert world(nonce="a").draws.word("x") == drawn[1]


def test_clearing_says_what_stays(box_world: World, shelf: Shelf) -> None:
    """A world that cannot be cleared is an error that names what stays and why."""
    shelf.names += [box_world.name("box"), box_world.name("data"), "somebody-elses"]
    shelf.stuck = {box_world.name("data")}
    with pytest.raises(errors.CourseError, match=f"{box_world.name('data')} of an earlier try .* in use"):
        box_world.clear()
    assert shelf.names == [box_world.name("data"), "somebody-elses"]


def test_the_host_is_opened_when_asked_and_closed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A world that was asked nothing has nothing to hang up; another hangs up."""
    closed: list[str] = []
    monkeypatch.setattr(exercise, "open_host", lambda _: LocalHost())
    monkeypatch.setattr(LocalHost, "close", lambda _: closed.append("closed"))
    here = world()
    here.close()
    assert closed == []
    assert here.host is here.host
    here.close()
    assert closed == ["closed"]


def test_an_answer_that_is_not_there_is_not_judged(home: object) -> None:
    """The judge of a value is not asked about None; the judge of a state always is."""
    assert not Fruit().verdict(Claim(None), world()).answered
    box = Box().verdict(Claim(None), World(cast(Daemon, Shelf()), "91.box", "ada"))
    assert box.answered


def test_a_program_is_called_with_every_input(home: object) -> None:
    """The judge's inputs go through the learner's function, and its outputs earn the points."""
    here = world("90.double", nonce="n")
    verdict = Double().verdict(Double().claim(here, lambda n: 2 * n), here)
    assert verdict.solved


@pytest.mark.parametrize(
    ("answer", "points"), [(lambda n: 2.0 * n, 0), (lambda n: n, 0), (lambda n: 2 * n if n < 10**9 else 0, 1)]
)
def test_a_wrong_program_gets_its_parts(home: object, answer: object, points: int) -> None:
    """A function earns the parts whose cases it gets right, types included."""
    here = world("90.double", nonce="n")
    assert Double().verdict(Double().claim(here, answer), here).points == points


@pytest.mark.parametrize("answer", [6, [6, 8], [{"returned": 6, "raised": ""}], "double", {"n": 6}])
def test_data_is_no_program(home: object, answer: object) -> None:
    """Where a function is asked for, data gets nothing, even data that looks like outputs."""
    here = world("90.double")
    verdict = Double().verdict(Double().claim(here, answer), here)
    assert (verdict.points, verdict.answered) == (0, True)
    assert "is not a function" in verdict.findings["small"].saw


@pytest.mark.parametrize("answer", [None, ..., lambda n: None, lambda n: ...])
def test_a_stub_is_no_answer(home: object, answer: object) -> None:
    """None, ``...`` and a function that returns only these are not judged."""
    here = world("90.double")
    assert not Double().verdict(Double().claim(here, answer), here).answered


def test_leaving_does_not_pass(home: object) -> None:
    """A function that calls sys.exit() fails every part, and the check goes on to say so."""
    here = world("90.double")
    verdict = Double().verdict(Double().claim(here, exit), here)
    assert (verdict.points, verdict.answered) == (0, True)
    assert verdict.findings["large"].saw.startswith("SystemExit")


def test_the_stage_is_taken_down_after_an_interrupt(home: object) -> None:
    """What a judge set up for the calls is taken down even if the learner interrupts them."""
    seen: list[str] = []

    class Staged(Double):
        @contextlib.contextmanager
        def stage(self, world: World) -> Iterator[list[tuple[Any, ...]]]:
            try:
                yield [(1,)]
            finally:
                seen.append("down")

    def interrupt(_: object) -> object:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Staged().claim(world("90.double"), interrupt)
    assert seen == ["down"]
