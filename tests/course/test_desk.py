"""The learner's side: begin, check, hint, solution, progress, tidy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from labkit import errors, images, sandbox
from labkit.course import desk, exercise, progress
from labkit.course.desk import begin, check, hint, judge, solution, tidy
from labkit.course.exercise import World
from labkit.daemon import Daemon
from tests.course.samples import Box, Fruit, Shelf

each_begun = pytest.mark.parametrize("of", ["90.fruit", "90.double", "91.box"])


def fail(of: str = "90.fruit", *answers: object) -> None:
    """Check wrong answers to an exercise, each of which must be refused."""
    task = begin(of)
    for answer in answers:
        with pytest.raises(errors.NotSolved):
            check(task, answer)


# --- begin ------------------------------------------------------------------------------------------------


def test_begin_prints_the_learners_values(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    """begin() prints the brief and each value under the name by which the task has it."""
    task = begin("90.fruit")
    assert capsys.readouterr().out == f"Your fruit:\n  task.fruit  {task.fruit!r}\n"


def test_a_brief_without_values_stands_alone(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    """An exercise without values prints its brief and nothing else."""
    begin("90.double")
    assert capsys.readouterr().out == "The judge calls your function.\n"


def test_a_task_knows_its_values(shelf: Shelf) -> None:
    """The values are attributes that completion finds; another name is answered with those that there are."""
    task = begin("90.fruit")
    assert "fruit" in dir(task)
    with pytest.raises(AttributeError, match="no 'vegetable'; it has fruit"):
        _ = task.vegetable


def test_beginning_twice_gives_a_clean_world(shelf: Shelf) -> None:
    """The second begin() removes what the first one made, and nothing else."""
    shelf.names.append("somebody-elses")
    begin("91.box")
    task = begin("91.box")
    assert shelf.names == ["somebody-elses", task.box]


def test_an_unknown_exercise_is_not_begun(shelf: Shelf) -> None:
    """begin() of an id that does not exist names the nearest that do."""
    with pytest.raises(errors.CourseError, match=r"no exercise '91\.bax'.\nDid you mean: 91\.box"):
        begin("91.bax")


@pytest.mark.parametrize("error", [ValueError("half-way"), KeyboardInterrupt()], ids=repr)
def test_a_begin_that_fails_leaves_nothing(shelf: Shelf, error: BaseException) -> None:
    """A begin() that fails or is interrupted half-way removes what it made, and its own error is seen."""
    exercise._registry["91.box"].fails = error  # type: ignore[attr-defined]
    with pytest.raises(type(error)):
        begin("91.box")
    assert shelf.names == []


def test_the_first_error_is_the_one_to_see(shelf: Shelf) -> None:
    """Where cleaning up fails too, the error that began it is raised."""
    shelf.stuck = {World(cast(Daemon, shelf), "91.box", "ada").name("box")}
    exercise._registry["91.box"].fails = ValueError("half-way")  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="half-way"):
        begin("91.box")


def test_a_world_that_stays_is_no_clean_one(shelf: Shelf) -> None:
    """begin() does not pretend: where the earlier world cannot be removed, it says what is in the way."""
    shelf.stuck = {begin("91.box").box}
    with pytest.raises(errors.CourseError, match="in use"):
        begin("91.box")


# --- check ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["90.fruit", None, ..., 5])
def test_a_check_wants_a_task(shelf: Shelf, task: Any) -> None:
    """check() without what begin() returned says which cell to run."""
    with pytest.raises(errors.CourseError, match=r"is not a task\.\nRun the cell with begin"):
        check(task, "apple")


def test_a_right_answer_raises_nothing(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    """A solved exercise shows its points, is noted, and lets the notebook go on."""
    task = begin("90.fruit")
    check(task, f"{task.fruit} ripe")
    assert "90.fruit   3 of 3 points" in capsys.readouterr().out
    assert progress.read()["90.fruit"].solved


def test_missing_points_raise_after_the_verdict(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    """An exercise that is not solved shows its verdict and raises with the points."""
    task = begin("90.fruit")
    with pytest.raises(errors.NotSolved, match=r"90\.fruit: 2 of 3 points\."):
        check(task, task.fruit)
    assert "✓ it is the fruit" in capsys.readouterr().out


@each_begun
def test_the_notebook_as_shipped_is_not_solved(shelf: Shelf, of: str) -> None:
    """No exercise passes without an answer, and only a state counts as tried."""
    task = begin(of)
    with pytest.raises(errors.NotSolved):
        check(task, None)
    record = progress.read().get(of, progress.Record())
    assert (record.points, record.attempts) == (0, int(of == "91.box"))


def test_a_judge_sees_the_world_as_it_is(shelf: Shelf) -> None:
    """A state is judged by what is there now: wrong before, right after."""
    task = begin("91.box")
    with pytest.raises(errors.NotSolved):
        check(task)
    shelf.names.remove(task.box)
    check(task)


def test_a_program_meets_new_inputs_at_each_check(shelf: Shelf) -> None:
    """The judge's inputs are other ones at every check."""
    task, seen = begin("90.double"), set()

    def double(n: int) -> int:
        seen.add(n)
        return 2 * n

    check(task, double)
    check(task, double)
    assert len(seen) == 4


def test_the_same_function_is_one_attempt(shelf: Shelf) -> None:
    """Checking the same wrong function again and again earns no more hints, though each time it fails elsewhere."""
    task = begin("90.double")

    def triple(n: int) -> int:
        return 3 * n

    for answer in (triple, triple, triple, lambda n: n):
        with pytest.raises(errors.NotSolved):
            check(task, answer)
    assert progress.read()["90.double"].attempts == 2


def test_a_verdict_is_seen_even_if_it_cannot_be_saved(
    shelf: Shelf, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A home that takes no file costs the learner neither the verdict nor the hint."""
    home.write_text("a file where a folder should be")
    fail("90.fruit", "leek", "carrot")
    out = capsys.readouterr().out
    assert "cannot be saved" in out
    assert "saw       carrot" in out
    assert "Hint 2 of 3" in out


def test_judging_shows_and_notes_nothing(shelf: Shelf, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """judge() returns the verdict and does nothing else."""
    task = begin("90.fruit")
    capsys.readouterr()
    assert judge(cast(desk.Task, task), task.fruit).points == 2
    assert capsys.readouterr().out == ""
    assert not home.exists()


def gone(quiet: bool) -> Daemon:
    """What connect() does when no daemon answers."""
    raise errors.NoDaemon("No Docker daemon was found.", "Start it.")


@pytest.mark.parametrize("act", [lambda task: check(task, "leek"), lambda task: begin("90.fruit")])
def test_a_dead_daemon_is_no_attempt(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, act: Callable[[Any], object]
) -> None:
    """Where the daemon has gone, begin() and check() say so as connect() does; nobody is judged."""
    task = begin("90.fruit")
    shelf.alive = False
    monkeypatch.setattr(desk, "connect", gone)
    with pytest.raises(errors.NoDaemon, match="Start it"):
        act(task)
    assert progress.read() == {}


def test_a_daemon_that_came_back_is_used(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where another daemon answers now, begin() works there."""
    shelf.alive, other = False, Shelf()
    monkeypatch.setattr(desk, "connect", lambda *, quiet: other)
    assert begin("91.box").box in other.names


def test_a_widget_is_shown_on_request(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """With widget=True the verdict comes with buttons, and a failure is raised all the same."""
    shown: list[Any] = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    task = begin("90.fruit")
    with pytest.raises(errors.NotSolved):
        check(task, "leek", widget=True)
    assert [type(widget).__name__ for widget in shown] == ["VBox"]


# --- hint, solution, progress -----------------------------------------------------------------------------


def test_hints_are_earned_one_by_one(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    """hint() shows no hint at first, and one more after each failed attempt."""
    seen = []
    for answer in (None, "leek", "leek", "carrot"):
        fail("90.fruit", answer)
        capsys.readouterr()
        hint("90.fruit")
        seen.append(capsys.readouterr().out.count("Hint "))
    assert seen == [0, 1, 1, 2]


@pytest.mark.parametrize("ask", [hint, solution])
def test_hints_belong_to_exercises(shelf: Shelf, ask: Callable[[str], None]) -> None:
    """hint() and solution() of an id that does not exist name the nearest that do."""
    with pytest.raises(errors.CourseError, match=r"Did you mean: .*90\.fruit"):
        ask("90.fruits")


def test_the_solution_is_refused_before_three_attempts(shelf: Shelf) -> None:
    """Before the third attempt that differs, solution() says how many are missing."""
    fail("90.fruit", "leek", "leek", "carrot", "carrot")
    with pytest.raises(errors.CourseError, match=r"after 3 different attempts\.\n1 to go"):
        solution("90.fruit")


@pytest.mark.parametrize("answers", [("leek", "carrot", "pea"), (None,)], ids=["tried", "solved"])
def test_the_solution_is_given_when_earned(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answers: tuple[str, ...]
) -> None:
    """After three different attempts, or when the exercise is solved, the reference answer is printed."""
    monkeypatch.setattr(exercise.Exercise, "reference", lambda self: f"the answer to {self.id}")
    fail("90.fruit", *answers)
    if len(answers) == 1:
        task = begin("90.fruit")
        check(task, f"{task.fruit} ripe")
    solution("90.fruit")
    assert capsys.readouterr().out.endswith("the answer to 90.fruit\n")


def test_a_reference_answer_may_be_elsewhere() -> None:
    """Where the course's repository is not there, the error says where the answer is."""
    with pytest.raises(errors.CourseError, match=r"90\.fruit\.py is not on this computer.*\n.*tests/solutions"):
        Fruit().reference()


def test_reference_answers_are_utf8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference answer is read as UTF-8, whatever the computer's own encoding is."""
    monkeypatch.setattr(exercise, "__file__", str(tmp_path / "labkit" / "course" / "exercise.py"))
    (tmp_path / "tests" / "solutions").mkdir(parents=True)
    (tmp_path / "tests" / "solutions" / "90.fruit.py").write_bytes('answer = "π"\n'.encode())
    monkeypatch.setattr("locale.getpreferredencoding", lambda *_: "ascii")
    assert Fruit().reference() == 'answer = "π"'


def test_progress_lists_a_chapter(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    """progress() prints a line for each exercise of a chapter, or of all."""
    desk.progress("90")
    assert len(capsys.readouterr().out.splitlines()) == 2
    desk.progress()
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_progress_knows_its_chapters(shelf: Shelf) -> None:
    """progress() of a chapter that does not exist names those that do."""
    with pytest.raises(errors.CourseError, match=r"no chapter '13' with exercises\.\nThere are: 90, 91"):
        desk.progress("13")


# --- On a real daemon -------------------------------------------------------------------------------------


class Real(Box):
    """A box that is a container."""

    def prepare(self, world: World) -> dict[str, Any]:
        """Start it, and fail if asked to."""
        box = world.run("sleep 600", "box", stop_signal="SIGKILL")
        if self.fails:
            raise self.fails
        return {"box": box}


@pytest.fixture
def real(samples: None, daemon: Daemon, world: str, monkeypatch: pytest.MonkeyPatch) -> Real:
    """The exercise of the box, on the daemon that is there."""
    made = exercise._registry["91.box"] = Real()
    monkeypatch.setattr(desk, "current", lambda: daemon)
    return made


@pytest.mark.daemon
def test_a_second_box_is_another_container(real: Real, daemon: Daemon) -> None:
    """Beginning again on a real daemon gives a new container of the same name, and only that."""
    one, other = begin("91.box").box, begin("91.box").box
    assert (one.name, one.id == other.id) == (other.name, False)
    assert [thing.id for thing in sandbox.things(daemon) if thing.kind == "container"] == [other.id]


@pytest.mark.daemon
def test_half_a_world_is_removed(real: Real, daemon: Daemon) -> None:
    """A begin() that fails leaves no container on a real daemon."""
    real.fails = ValueError("half-way")
    with pytest.raises(ValueError, match="half-way"):
        begin("91.box")
    assert [thing for thing in sandbox.things(daemon) if thing.kind == "container"] == []


@pytest.mark.daemon
def test_tidying_takes_mine_and_leaves_yours(
    real: Real, daemon: Daemon, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """tidy() removes this learner's containers, and neither a neighbour's nor the course's images."""
    begin("91.box")
    monkeypatch.setenv("LABKIT_LEARNER", "bob")
    theirs = begin("91.box").box
    monkeypatch.setenv("LABKIT_LEARNER", "ada")
    tidy()
    assert [thing.id for thing in sandbox.things(daemon) if thing.kind == "container"] == [theirs.id]
    assert "Nothing of yours is left" in capsys.readouterr().out
    assert [thing for thing in sandbox.things(daemon) if thing.kind == "image"]


@pytest.mark.daemon
def test_tidying_takes_my_images(real: Real, daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """Images that carry my label go, also without a name; a neighbour's stay."""
    monkeypatch.setenv("LABKIT_LEARNER", "bob")
    theirs = images.stack(daemon, {"whose": "bob"}, base="")
    monkeypatch.setenv("LABKIT_LEARNER", "ada")
    mine = images.stack(daemon, {"whose": "ada"}, base="")
    images.stack(daemon, {"whose": "ada, again"}, base="", tag=mine)  # the first has no name now
    tidy()
    found = sandbox.things(daemon)
    assert [thing.name for thing in found if thing.kind == "image" and thing.owner] == [theirs]


@pytest.mark.daemon
def test_tidying_says_what_stays(real: Real, daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be removed is named with the reason, and nothing is said to be gone."""
    with sandbox.volume(daemon) as mine:
        user = daemon.client.containers.create(images.ensure(daemon), volumes=[f"{mine.name}:/data"])
        tidy()
        user.remove()
    out = capsys.readouterr().out
    assert f"The volume {mine.name} is still there: " in out
    assert "Nothing of yours" not in out
