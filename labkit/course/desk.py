"""The learner's side of an exercise: begin, check, hint, solution, progress, tidy."""

from __future__ import annotations

import contextlib
import secrets
from typing import Any

from labkit import errors, sandbox
from labkit.course import progress as records
from labkit.course import show, window
from labkit.course.claims import fingerprint
from labkit.course.exercise import Exercise, World, exercises, find
from labkit.course.seed import learner, mark
from labkit.course.verdict import Verdict
from labkit.course.window import Handout
from labkit.daemon import Daemon, connect, current


class Task(Handout):
    """An exercise that has begun, with the world that its judge will look at."""

    def __init__(self, exercise: Exercise, world: World, values: dict[str, Any]) -> None:
        super().__init__(exercise.id, values)
        self.exercise = exercise
        self.world = world


def begin(exercise_id: str) -> Handout:
    """Make a clean world for this exercise and print this learner's values.

    Args:
        exercise_id: as in the heading above the cell, such as ``"01.ping"``.

    Raises:
        CourseError: if there is no such exercise, or what an earlier try left cannot be removed.
        DaemonError: if the daemon does not answer.
    """
    brief, task = window.begin(exercise_id) if window.is_open() else _begin(exercise_id)
    print(brief, task, sep="\n" if task.values else "")
    return task


def _begin(exercise_id: str) -> tuple[str, Task]:
    exercise = find(exercise_id)
    world = World(_present(current()), exercise.id, learner())
    return exercise.brief, Task(exercise, world, prepare(exercise, world))


def prepare(exercise: Exercise, world: World) -> dict[str, Any]:
    """Make a clean world for an exercise; return its values. Where that fails, nothing of it is left."""
    world.clear()
    try:
        return exercise.prepare(world)
    except BaseException:
        with contextlib.suppress(Exception):  # why it failed says more
            world.clear()
        raise
    finally:
        world.close()


def _present(daemon: Daemon) -> Daemon:
    """Return this daemon if it still answers; else the one that ``connect()`` finds now, or its error."""
    try:
        daemon.client.ping()
    except OSError:  # whatever docker-py raises here is one
        return connect(quiet=True)
    return daemon


def check(task: Handout, answer: object = None, *, widget: bool = False) -> None:
    """Ask the judge, show the verdict, and raise unless every point was reached.

    Where somebody grades, the answer is handed in instead, and the verdict is the grader's to tell.

    Args:
        task: what ``begin`` returned.
        answer: the value or function of the answer cell; nothing where the daemon's state is the answer.
        widget: show buttons for hints and the reference answer instead of a static table.

    Raises:
        NotSolved: if points are missing.
        CourseError: if ``begin`` was not run.
        DaemonError: if the daemon does not answer; no attempt is counted.
    """
    if isinstance(task, Handout) and window.is_open():
        print(window.hand_in(task.id, answer))
        return
    if not isinstance(task, Task):
        raise errors.CourseError(f"{task!r} is not a task.", "Run the cell with begin(…) above first.")
    verdict = judge(task, answer)
    record = records.note(verdict, answer=fingerprint(answer))
    show.show(verdict, task.exercise, record, widget=widget)
    if not verdict.solved:
        raise errors.NotSolved(show.summary(verdict))


def judge(task: Task, answer: object) -> Verdict:
    """Return the verdict on an answer, with inputs that nobody knew before; nothing is shown or noted."""
    world = World(_present(task.world.daemon), task.exercise.id, task.world.learner, secrets.token_hex(8))
    try:
        return task.exercise.verdict(task.exercise.claim(world, answer), world)
    finally:
        world.close()


def hint(exercise_id: str) -> None:
    """Print the hints that were earned so far: one for each failed attempt."""
    exercise = find(exercise_id)
    print(show.hints(exercise, records.read().get(exercise.id, records.Record())))


def solution(exercise_id: str) -> None:
    """Print the reference answer, once the exercise is solved or was tried three times."""
    exercise = find(exercise_id)
    record = records.read().get(exercise.id, records.Record())
    if not record.offered:
        left = records.PATIENCE - record.attempts
        raise errors.CourseError(
            f"The reference answer of {exercise.id} is offered after {records.PATIENCE} different attempts.",
            f"{left} to go; hint({exercise.id!r}) shows what you have earned so far.",
        )
    print(exercise.reference())


def progress(chapter: str = "") -> None:
    """Print where the learner stands, exercise by exercise; of one chapter, such as ``"01"``, or of all."""
    known = records.read()
    if not (mine := exercises(chapter)):
        there = ", ".join(sorted({exercise.chapter for exercise in exercises()}))
        raise errors.CourseError(f"There is no chapter {chapter!r} with exercises.", f"There are: {there}.")
    for exercise in mine:
        print(show.progress_line(exercise, known.get(exercise.id, records.Record())))


def tidy() -> None:
    """Remove what is labelled as this learner's; the course's images are nobody's, and stay for next time."""
    daemon = current()
    mine = [t for t in sandbox.things(daemon, whose=learner()) if t.owner or mark(learner()) in t.name]
    left = [thing for thing in sandbox.remove(daemon, mine) if thing.left]
    for thing in left:
        print(f"The {thing.kind} {thing.name} is still there: {thing.left}")
    if not left:
        print("Nothing of yours is left on the daemon but the course's images.")
