"""The judge's side of the window: who is answered, what may be handed in, and that no verdict comes back."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import socket
import threading
from collections.abc import Iterator
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit import errors, sandbox
from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, Program, World, exercises
from labkit.course.verdict import Finding, Verdict
from labkit.grade import window as module
from labkit.grade.window import FAILED, NOTHING, ROOM, TWICE, Window
from tests.course.samples import Box, Double, Fruit, Shelf

NOBODY: Any = None  # a daemon that nobody asks

PROGRAMS = [exercise.id for exercise in exercises() if isinstance(exercise, Program)]


class Line:
    """A kernel's line to the window, without the client that a kernel has."""

    def __init__(self, window: Window, key: bytes | None = None) -> None:
        place = json.loads(window.place)
        self.line = Client(place["address"], authkey=key or bytes.fromhex(place["key"]))

    def tell(self, data: bytes) -> None:
        """Send these bytes."""
        self.line.send_bytes(data)

    def hear(self) -> Any:
        """Return the next message."""
        return json.loads(self.line.recv_bytes())

    def ask(self, **message: object) -> Any:
        """Send a message; return what comes back."""
        self.tell(json.dumps(message).encode())
        return self.hear()


class Broken(Exercise):
    """An exercise whose judge's side fails where it is told to."""

    id = "92.broken"
    title = "fail"
    kind = "value"
    brief = "It fails."
    parts = Fruit.parts
    fails = ""

    def met(self, where: str) -> None:
        """Fail here."""
        if where == self.fails:
            raise ZeroDivisionError(where)

    def prepare(self, world: World) -> dict[str, Any]:
        """Fail, or return nothing."""
        self.met("prepare")
        return {}

    @contextlib.contextmanager
    def stage(self, world: World) -> Iterator[None]:
        """Fail before or after the claim, or not."""
        self.met("stage")
        yield
        self.met("stage's end")

    def gather(self, claim: Claim, world: World) -> Claim:
        """Fail, or add nothing."""
        self.met("gather")
        return claim

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Fail, or find nothing."""
        self.met("judge")
        yield from ()


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """The daemon behind the window: a list."""
    shelf = Shelf()
    monkeypatch.setattr(sandbox, "clean", shelf.clean)
    return shelf


@pytest.fixture
def worlds() -> list[World]:
    """Every world that the window asked for."""
    return []


@pytest.fixture
def window(shelf: Any, worlds: list[World]) -> Iterator[Window]:
    """A window for four exercises that are in no chapter."""

    def make_world(exercise: str, nonce: str) -> World:
        worlds.append(World(shelf, exercise, "grade-ada", nonce, secret="a secret"))
        return worlds[-1]

    window = Window({one.id: one for one in (Fruit(), Double(), Box(), Broken())}, make_world)
    yield window
    window.close()


def begin(window: Window, exercise: str) -> Any:
    """Ask for a clean world, as the cell above an answer does."""
    return Line(window).ask(ask="begin", exercise=exercise)


def hand_in(window: Window, exercise: str, value: object, problem: str = "") -> Any:
    """Hand a value in, as a check cell does; return all that was said."""
    line = Line(window)
    said = line.ask(ask="check", exercise=exercise)
    return [said] if "calls" not in said else [said, line.ask(ask="claim", value=value, problem=problem)]


def judged(window: Window, exercise: str, value: object) -> Verdict | str:
    """Begin, open the check, hand in, and close it."""
    begin(window, exercise)
    window.open_check(exercise)
    hand_in(window, exercise, value)
    return window.verdict()


# --- who is answered --------------------------------------------------------------------------------------


def test_a_wrong_key_is_refused_and_the_next_is_served(window: Window) -> None:
    """Whoever does not know the key gets nothing, and keeps nobody who does from being answered."""
    with pytest.raises(AuthenticationError):
        Line(window, b"guessed")
    assert begin(window, "90.fruit")["brief"] == "Your fruit:"


@pytest.mark.parametrize("key", [True, False], ids=["knows the key", "says nothing"])
def test_who_hangs_keeps_nobody_waiting(window: Window, key: bool) -> None:
    """A connection on which nothing comes, before or after the key, leaves the window to others."""
    place = json.loads(window.place)
    with Client(place["address"], authkey=bytes.fromhex(place["key"]) if key else None):
        assert "values" in begin(window, "90.fruit")


def test_a_closed_window_answers_nobody(window: Window) -> None:
    """After close() nobody listens any more, no thread waits, and closing once more is no error."""
    window.close()
    assert not window.door.is_alive()
    with pytest.raises(OSError):
        Line(window)
    window.close()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        b"7" * 10_000,
        b"[" * 100_000,
        b'{"ask": "begin", "exercise": []}',
        b'{"ask": {}, "exercise": "90.fruit"}',
        b'{"ask": "verdict", "exercise": "90.fruit"}',
        b'{"ask": "begin", "exercise": "01.ping"}',
    ],
)
def test_what_makes_no_sense_is_answered_with_what_there_is(window: Window, data: bytes) -> None:
    """A message that is no question gets a sentence with the chapter's exercises, and the window goes on."""
    line = Line(window)
    line.tell(data)
    assert line.hear()["problem"].endswith("in this chapter: 90.fruit, 90.double, 91.box, 92.broken.")
    assert "values" in begin(window, "90.fruit")


@pytest.mark.parametrize("opened", [False, True], ids=["question", "claim"])
def test_too_long_a_message_ends_the_talk(window: Window, opened: bool) -> None:
    """Where more is sent than any claim can hold, the window hangs up; that was no answer, and others are served."""
    begin(window, "90.fruit")
    window.open_check("90.fruit")
    line = Line(window)
    if opened:
        assert "calls" in line.ask(ask="check", exercise="90.fruit")
    with pytest.raises((EOFError, OSError)):
        line.tell(b"[" + b" " * ROOM + b"]")
        line.hear()
    assert "values" in begin(window, "90.fruit")
    assert window.verdict() == NOTHING


# --- begin ------------------------------------------------------------------------------------------------


def test_values_are_drawn_from_the_secret(window: Window, worlds: list[World]) -> None:
    """What begin() gives out is drawn from what only the grader knows, and the same when it is asked again."""
    first, second = (begin(window, "90.fruit")["values"] for _ in range(2))
    assert first == second == Fruit().prepare(World(NOBODY, "90.fruit", "a secret"))
    assert {world.nonce for world in worlds} == {""}


def test_begin_clears_the_world_first(window: Window, shelf: Shelf) -> None:
    """What an earlier begin() of this exercise made is gone after the next; what is somebody else's stays."""
    shelf.names.append("somebody-elses")
    begin(window, "91.box")
    assert shelf.names == ["somebody-elses", begin(window, "91.box")["values"]["box"]]


# --- one claim for one check ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("begun", "opened"),
    [("90.fruit", ""), ("", "90.fruit"), ("90.fruit", "90.double"), ("90.double", "90.fruit")],
    ids=["no check is open", "nothing was begun", "the check is another's", "another was begun"],
)
def test_out_of_turn_nothing_is_taken(window: Window, begun: str, opened: str) -> None:
    """An exercise is handed in while its own check is open, after it was begun, and at no other time."""
    if begun:
        begin(window, begun)
    if opened:
        window.open_check(opened)
    (said,) = hand_in(window, "90.fruit", "apple ripe")
    assert list(said) == ["refused"] and "nothing was handed in" in said["refused"]
    assert not opened or window.verdict() == NOTHING


def test_a_check_is_over_when_it_was_judged(window: Window) -> None:
    """After the verdict nothing is open: the same answer is refused, and asking for another verdict is an error."""
    assert isinstance(judged(window, "90.fruit", "leek"), Verdict)
    assert "refused" in hand_in(window, "90.fruit", "apple")[0]
    with pytest.raises(errors.CourseError, match="No check was open"):
        window.verdict()


def test_two_claims_are_none(window: Window) -> None:
    """Two answers to one check, one after the other, count as no answer, though the second is right."""
    fruit = begin(window, "90.fruit")["values"]["fruit"]
    window.open_check("90.fruit")
    hand_in(window, "90.fruit", "leek")
    hand_in(window, "90.fruit", f"{fruit} ripe")
    assert window.verdict() == TWICE


def test_two_claims_at_once_are_none(window: Window) -> None:
    """Two that hand in at the same time are noticed, whichever says its answer first."""
    begin(window, "90.double")
    window.open_check("90.double")
    lines = [Line(window), Line(window)]
    assert all("calls" in line.ask(ask="check", exercise="90.double") for line in lines)
    assert all(line.ask(ask="claim", value=None) == {"taken": True} for line in reversed(lines))
    assert window.verdict() == TWICE


def test_many_claims_at_once_are_none(window: Window) -> None:
    """Sixteen threads that all hand the right answer in do not get it judged."""
    fruit = begin(window, "90.fruit")["values"]["fruit"]
    window.open_check("90.fruit")
    threads = [threading.Thread(target=hand_in, args=(window, "90.fruit", f"{fruit} ripe")) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert window.verdict() == TWICE


def test_a_claim_that_comes_late_is_nobodys(window: Window) -> None:
    """A claim that comes when its check is closed changes neither that verdict nor the next one."""
    fruit = begin(window, "90.fruit")["values"]["fruit"]
    window.open_check("90.fruit")
    line = Line(window)
    line.ask(ask="check", exercise="90.fruit")
    assert window.verdict() == NOTHING
    window.open_check("90.fruit")
    assert line.ask(ask="claim", value=f"{fruit} ripe") == {"taken": True}
    assert window.verdict() == NOTHING


def test_who_hangs_up_before_the_claim_has_handed_nothing_in(window: Window) -> None:
    """Asking to hand in and then going away is no answer, and no failure of the grader's."""
    begin(window, "90.fruit")
    window.open_check("90.fruit")
    line = Line(window)
    line.ask(ask="check", exercise="90.fruit")
    line.line.close()
    assert window.verdict() == NOTHING


@pytest.mark.parametrize("data", [b"", b"{", b"[1]", b"[" * 100_000, b'{"problem": []}', b"null"])
def test_a_claim_that_makes_no_sense_is_no_answer(window: Window, data: bytes) -> None:
    """What is no claim is judged as an answer that is not there."""
    begin(window, "90.fruit")
    window.open_check("90.fruit")
    line = Line(window)
    line.ask(ask="check", exercise="90.fruit")
    line.tell(data)
    assert line.hear() == {"taken": True}
    verdict = window.verdict()
    assert isinstance(verdict, Verdict) and not verdict.answered


def test_each_check_has_draws_of_its_own(window: Window, worlds: list[World]) -> None:
    """The judge's inputs are other ones at every check, and no nonce comes twice."""
    begin(window, "90.double")
    seen = set()
    for _ in range(3):
        window.open_check("90.double")
        seen.add(hand_in(window, "90.double", None)[0]["calls"])
        window.verdict()
    assert len(seen) == len({world.nonce for world in worlds[1:]}) == 3


# --- the verdict ------------------------------------------------------------------------------------------


def test_claims_are_judged(window: Window) -> None:
    """A right answer gets all points, a half right one some, a wrong one none."""
    fruit = begin(window, "90.fruit")["values"]["fruit"]
    found = [judged(window, "90.fruit", answer) for answer in (f"{fruit} ripe", fruit, "leek")]
    assert [verdict.points for verdict in found if isinstance(verdict, Verdict)] == [3, 2, 0]


def test_a_state_is_judged_by_what_is_there(window: Window, shelf: Shelf) -> None:
    """What is handed in for a state counts nothing: the judge looks himself."""
    left = judged(window, "91.box", "the box is gone")
    window.open_check("91.box")
    shelf.names.clear()
    hand_in(window, "91.box", None)
    gone = window.verdict()
    assert isinstance(left, Verdict) and isinstance(gone, Verdict)
    assert (left.points, gone.points) == (0, 3)


@pytest.mark.parametrize("exercise", ["90.fruit", "90.double", "91.box"])
def test_nothing_that_comes_back_tells_right_from_wrong(window: Window, shelf: Shelf, exercise: str) -> None:
    """What the kernel hears after a right answer is word for word what it hears after a wrong one."""
    values = begin(window, exercise)["values"]
    heard, points = [], []
    for right in (True, False):
        window.open_check(exercise)
        line = Line(window)
        calls = line.ask(ask="check", exercise=exercise)["calls"]
        if exercise == "91.box":
            shelf.names = [] if right else [values["box"]]
        heard.append(line.ask(ask="claim", value=answer(exercise, values, calls, right)))
        verdict = window.verdict()
        assert isinstance(verdict, Verdict)
        points.append(verdict.points)
    assert heard == [{"taken": True}, {"taken": True}] and points[0] > points[1] == 0


def answer(exercise: str, values: dict[str, Any], calls: str, right: bool) -> object:
    """A right or wrong answer to one of the exercises."""
    if exercise == "90.double":
        return [{"returned": n * (2 if right else 3), "raised": ""} for (n,) in ast.literal_eval(calls)]
    return f"{values.get('fruit', '')} ripe" if right else "leek"


@pytest.mark.parametrize("where", ["prepare", "stage", "stage's end", "gather", "judge"])
def test_what_fails_behind_the_window_is_the_judges_own(window: Window, where: str) -> None:
    """An exception of the judge's side comes out of verdict() itself: it is no answer of the learner's."""
    exercise: Any = window.exercises["92.broken"]
    begin(window, "92.broken")
    exercise.fails = where
    begin(window, "92.broken")
    window.open_check("92.broken")
    said = hand_in(window, "92.broken", 1)[-1]
    assert said == ({"taken": True} if where in ("gather", "judge") else {"problem": FAILED})
    with pytest.raises(ZeroDivisionError, match=where):
        window.verdict()


def test_a_failure_of_one_exercise_is_not_the_nexts(window: Window) -> None:
    """The kernel is told that it is not to blame, and the other exercises are judged as ever."""
    broken: Any = window.exercises["92.broken"]
    broken.fails = "prepare"
    assert begin(window, "92.broken") == {"problem": FAILED}
    assert list(window.broken) == ["92.broken"]
    assert isinstance(judged(window, "90.fruit", "leek"), Verdict)


def test_a_window_closes_though_somebody_took_its_place(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket that an answer has put where the window was, and from which nobody takes calls, does not hold it up."""
    monkeypatch.setattr(module, "GOODBYE", 0.1)
    place = str(window.address)
    os.unlink(place)
    with socket.socket(socket.AF_UNIX) as theirs, socket.socket(socket.AF_UNIX) as waiting:
        theirs.bind(place)
        theirs.listen(0)
        waiting.connect(place)  # the queue is full
        window.close()
    assert window.closed and window.door.is_alive()


# --- the real course --------------------------------------------------------------------------------------


@pytest.mark.parametrize("exercise", PROGRAMS)
@given(nonce=st.text())
def test_arguments_survive_the_window(exercise: str, nonce: str) -> None:
    """The arguments of every program's calls are the same after repr() and literal_eval(): the kernel gets them so."""
    world = World(NOBODY, exercise, "ada", nonce)
    with find(exercise).stage(world) as calls:
        assert ast.literal_eval(repr(calls)) == calls != []


def find(exercise: str) -> Exercise:
    """Return the exercise of the real course."""
    return next(one for one in exercises() if one.id == exercise)


claims = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["returned", "raised"]), inner),
)


@pytest.mark.parametrize("exercise", PROGRAMS)
@given(value=claims)
def test_no_claim_breaks_a_judge(exercise: str, value: object) -> None:
    """Whatever is handed in past the course's own client, a program's judge finds points in it or none."""
    one, world = find(exercise), World(NOBODY, exercise, "ada", "n")
    assert one.verdict(one.gather(Claim(value), world), world).points < one.total
