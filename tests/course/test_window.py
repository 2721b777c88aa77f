"""The learner's side of the window: begin and check where somebody grades, without a daemon and without a verdict."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from multiprocessing.connection import Listener
from pathlib import Path
from typing import Any, ClassVar

import pytest

from labkit import errors
from labkit.course import desk, window
from labkit.course.desk import begin, check
from labkit.course.exercise import World
from labkit.course.verdict import Verdict
from labkit.course.window import Handout
from labkit.grade.window import FAILED, TWICE, Window
from tests.course.samples import Double, Fruit

NOBODY: Any = None  # a daemon that nobody asks


class Odd(Fruit):
    """Values and arguments of kinds that JSON does not know."""

    id = "90.odd"
    calls: ClassVar[list[tuple[Any, ...]] | None] = None

    def prepare(self, world: World) -> dict[str, Any]:
        """Return a pair."""
        return {"pair": (1, {2: "two"})}


class OddDouble(Double):
    """A function that gets bytes, a set and a tuple."""

    id = "90.kinds"
    given: ClassVar[tuple[Any, ...]] = (b"\x00\xff", {1, 2}, (3, None), "ü\ud800", 1e-9)

    def inputs(self, world: World) -> list[tuple[Any, ...]]:
        """One call."""
        return [self.given]


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[Window]:
    """A judge behind the window, and no daemon on this side."""
    exercises = {one.id: one for one in (Fruit(), Double(), Odd(), OddDouble())}
    judge = Window(exercises, lambda of, nonce: World(NOBODY, of, "grade", nonce, secret="a secret"))
    monkeypatch.setenv(window.VARIABLE, judge.place)
    monkeypatch.setattr(desk, "current", lambda: pytest.fail("the kernel asked for a daemon"))
    yield judge
    judge.close()


def points(judge: Window) -> int:
    """What the judge gives for what was handed in."""
    verdict = judge.verdict()
    assert isinstance(verdict, Verdict)
    return verdict.points


# --- Handout ----------------------------------------------------------------------------------------------


def test_a_handout_has_its_values_as_attributes() -> None:
    """The values are attributes that completion finds; another name is answered with those that there are."""
    task = Handout("90.fruit", {"fruit": "pear", "weight": 3})
    assert (task.fruit, task.weight) == ("pear", 3) and {"fruit", "weight", "id"} <= set(dir(task))
    with pytest.raises(AttributeError, match="no 'vegetable'; it has fruit, weight"):
        _ = task.vegetable


def test_a_handout_without_values_says_so() -> None:
    """Where there are no values, there is nothing to print, and asking for one says so."""
    task = Handout("90.double", {})
    assert repr(task) == ""
    with pytest.raises(AttributeError, match="it has no values"):
        _ = task.fruit


def test_a_handout_prints_one_value_a_line() -> None:
    """Printing it lists the values under the names by which the task has them, in one column."""
    assert repr(Handout("90.x", {"a": 1, "bcd": "e"})).splitlines() == ["  task.a    1", "  task.bcd  'e'"]


# --- begin and check where somebody grades ----------------------------------------------------------------


@pytest.mark.parametrize(("place", "graded"), [(None, False), ("", False), ("{}", True)])
def test_grading_is_told_by_the_environment(monkeypatch: pytest.MonkeyPatch, place: str | None, graded: bool) -> None:
    """A notebook is graded where the environment names a window."""
    monkeypatch.delenv(window.VARIABLE, raising=False)
    if place is not None:
        monkeypatch.setenv(window.VARIABLE, place)
    assert window.is_open() is graded


def test_begin_asks_at_the_window(judge: Window, capsys: pytest.CaptureFixture[str]) -> None:
    """begin() prints the brief and the judge's values as ever, and what it returns has no world and no exercise."""
    task = begin("90.fruit")
    assert capsys.readouterr().out == f"Your fruit:\n  task.fruit  {task.fruit!r}\n"
    assert task.fruit == Fruit().prepare(World(NOBODY, "90.fruit", "a secret"))["fruit"]
    assert type(task) is Handout and vars(task) == {"id": "90.fruit", "values": {"fruit": task.fruit}}


@pytest.mark.parametrize(("answer", "worth"), [("{} ripe", 3), ("{}", 2), ("leek", 0)])
def test_check_hands_in_and_tells_nothing(
    judge: Window, home: Path, capsys: pytest.CaptureFixture[str], answer: str, worth: int
) -> None:
    """check() says the same of a right and a wrong answer, raises for neither, and notes nothing."""
    task = begin("90.fruit")
    capsys.readouterr()
    judge.open_check("90.fruit")
    check(task, answer.format(task.fruit))
    assert capsys.readouterr().out == "90.fruit: handed in.\n"
    assert not home.exists() and points(judge) == worth


def test_a_function_is_called_in_the_kernel(judge: Window) -> None:
    """A function runs on this side, with the arguments that the judge drew; only what it returned goes over."""
    here = threading.current_thread()

    def double(n: int) -> int:
        assert threading.current_thread() is here
        return 2 * n

    task = begin("90.double")
    judge.open_check("90.double")
    check(task, double)
    assert points(judge) == 2


def test_values_come_as_json(judge: Window) -> None:
    """Values go over as JSON: a pair arrives as a list, a number that was a key as a text."""
    assert begin("90.odd").pair == [1, {"2": "two"}]


def test_arguments_come_as_they_are(judge: Window) -> None:
    """A function gets its arguments in their own types, also those that JSON does not know."""
    seen: list[tuple[Any, ...]] = []
    judge.open_check("90.kinds")
    check(begin("90.kinds"), lambda *arguments: seen.append(arguments))
    assert seen == [OddDouble.given]
    assert not isinstance(judge.verdict(), str)


@pytest.mark.parametrize(
    ("answer", "saw"),
    [
        (object(), "object is not data"),
        ("x" * 1_000_001, "more than the 1000000 characters"),
        (float("nan"), "float is not data that can be handed in"),
    ],
    ids=["object", "long", "nan"],
)
def test_what_is_no_data_is_a_problem_not_a_value(judge: Window, answer: object, saw: str) -> None:
    """What cannot be handed in arrives as the reason why, and no line breaks over it."""
    judge.open_check("90.fruit")
    check(begin("90.fruit"), answer)
    assert judge.check and judge.check.claim
    assert judge.check.claim.value is None and saw in judge.check.claim.problem


def test_the_longest_answer_goes_through(judge: Window) -> None:
    """An answer of as many characters as there is room for arrives whole, whatever characters they are."""
    answer = "\x00" * 166_666  # each six characters long as JSON
    judge.open_check("90.fruit")
    check(begin("90.fruit"), answer)
    assert judge.check and judge.check.claim and judge.check.claim.value == answer


def test_an_early_check_is_told_so(judge: Window, capsys: pytest.CaptureFixture[str]) -> None:
    """check() in the answer cell hands nothing in and says so; the check cell then counts alone."""
    task = begin("90.fruit")
    check(task, "leek")
    assert "nothing was handed in" in capsys.readouterr().out
    judge.open_check("90.fruit")
    check(task, f"{task.fruit} ripe")
    assert points(judge) == 3


def test_checking_twice_is_no_answer(judge: Window) -> None:
    """A check cell that checks twice has handed nothing in that counts."""
    task = begin("90.fruit")
    judge.open_check("90.fruit")
    check(task, "leek")
    check(task, f"{task.fruit} ripe")
    assert judge.verdict() == TWICE


def test_a_task_from_nowhere_is_none(judge: Window) -> None:
    """check() without what begin() returned says which cell to run, also where somebody grades."""
    with pytest.raises(errors.CourseError, match="Run the cell with begin"):
        check("90.fruit", "leek")  # type: ignore[arg-type]


# --- errors -----------------------------------------------------------------------------------------------


def test_an_unknown_exercise_is_the_learners_error(judge: Window) -> None:
    """begin() of what the chapter does not have raises with what it has."""
    with pytest.raises(errors.CourseError, match=r"no exercise '90\.fig' in this chapter: 90\.fruit"):
        begin("90.fig")


@pytest.mark.parametrize("method", ["prepare", "inputs"])
def test_a_failure_of_the_judge_is_said_to_be_his(judge: Window, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """Where the judge's side fails, the cell raises a sentence that says whose fault it is, and no verdict is made."""
    task = begin("90.double")
    judge.open_check("90.double")
    monkeypatch.setattr(Double, method, lambda *_: 1 / 0)
    with pytest.raises(errors.CourseError, match=FAILED):
        begin("90.double") if method == "prepare" else check(task, abs)
    with pytest.raises(ZeroDivisionError):
        judge.verdict()


@pytest.mark.parametrize("act", [lambda: begin("90.fruit"), lambda: check(Handout("90.fruit", {}), "leek")])
def test_nobody_behind_the_window(judge: Window, act: Any) -> None:
    """Where the judge is gone, begin() and check() say that nobody is there."""
    judge.close()
    with pytest.raises(errors.CourseError, match="Nobody is behind the window"):
        act()


def test_a_wrong_key_is_nobodys_window(judge: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    """With another key than the judge's there is no conversation."""
    place = json.loads(judge.place) | {"key": "00"}
    monkeypatch.setenv(window.VARIABLE, json.dumps(place))
    with pytest.raises(errors.CourseError, match="Nobody is behind the window"):
        begin("90.fruit")


def test_a_window_that_closes_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the judge hangs up in the middle of a question, that is what the cell raises."""
    with Listener(authkey=b"key") as listener:
        monkeypatch.setenv(window.VARIABLE, json.dumps({"address": listener.address, "key": b"key".hex()}))
        threading.Thread(target=lambda: listener.accept().close(), daemon=True).start()
        with pytest.raises(errors.CourseError, match="closed in the middle"):
            begin("90.fruit")
