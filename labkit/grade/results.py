"""What grading found out, from one part of one exercise up to a whole class: plain data that is JSON and back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

Status = Literal[
    "pass", "fail", "error", "timeout", "kernel-died", "not-reached", "missing", "unreadable", "infra-error"
]
"""The vocabulary, for one exercise and for a whole submission:

- ``pass``: all points. ``fail``: judged, and points are missing.
- ``error``: the answer raised an exception, and points are missing.
- ``timeout``: a cell took longer than its limit. ``kernel-died``: the answer ended Python, or broke a limit.
- ``not-reached``: an exercise that could not be run because of what happened before.
- ``missing``: there is no answer. ``unreadable``: there is no notebook that could be graded.
- ``infra-error``: the grader or its daemon failed. It is never the learner's fault, and there is no score.
"""

STATUSES: tuple[Status, ...] = get_args(Status)

VERSION = 1
"""Of the form of ``results.json``; ``results.schema.json`` describes it."""


@dataclass(frozen=True)
class PartResult:
    """One part of an exercise: what must be true, whether it is, and what a learner reads if not.

    Attributes:
        key: which part.
        truth: what must be true.
        points: reached.
        total: that there are.
        state: ``"pass"``, ``"fail"`` or ``"not reached"``.
        expected, saw, look_at, why: empty where there is nothing to say.
    """

    key: str
    truth: str
    points: int
    total: int
    state: str
    expected: str = ""
    saw: str = ""
    look_at: str = ""
    why: str = ""


@dataclass(frozen=True)
class ExerciseResult:
    """One exercise of one submission.

    Attributes:
        exercise: its id.
        title: its title.
        status: see ``Status``.
        points: reached; None where there is no score.
        total: that there are.
        sentence: what happened, where it is more than the parts say.
        parts: each part.
        traceback: the last lines of what the answer raised, without colour codes.
        matched: by what the answer cell was recognised; empty if there is none.
        notes: what was put right in the answer.
        seconds: how long its cells ran.
    """

    exercise: str
    title: str
    status: Status
    points: int | None
    total: int
    sentence: str = ""
    parts: tuple[PartResult, ...] = ()
    traceback: str = ""
    matched: str = ""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Result:
    """One submission.

    Attributes:
        file, learner, chapter, sha256: as in ``Submission``.
        status: see ``Status``.
        points: reached; None where there is no score.
        total: that there are.
        sentence: what happened, where it is more than the exercises say.
        exercises: each exercise of the chapter, in its order.
        ignored: the learner's cells that did not count.
        notes: what an instructor should know.
        seconds: how long it took, from its kernel's start to its last verdict.
        key: what was graded, by whom and how; equal keys need not be graded again.
    """

    file: str
    learner: str
    chapter: str
    sha256: str
    status: Status
    points: int | None
    total: int
    sentence: str = ""
    exercises: tuple[ExerciseResult, ...] = ()
    ignored: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    key: str = ""

    def as_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Result:
        """The inverse of ``as_json``.

        Raises:
            KeyError, TypeError: if the data has another form.
        """
        return cls(**_tuples(data) | {"exercises": tuple(_exercise(item) for item in data["exercises"])})


def _exercise(data: dict[str, Any]) -> ExerciseResult:
    return ExerciseResult(**_tuples(data) | {"parts": tuple(PartResult(**part) for part in data["parts"])})


def _tuples(data: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}


_WORST: tuple[Status, ...] = ("infra-error", "unreadable", "kernel-died", "timeout", "error", "not-reached")


def summed(result: Result) -> Result:
    """Return the result with the status and the points that its exercises come to.

    An exercise without a score leaves the whole without one: a sum that lacks a part would look like a low mark.
    """
    states = [exercise.status for exercise in result.exercises]
    points = [exercise.points for exercise in result.exercises if exercise.points is not None]
    worst = next((status for status in _WORST if status in states), None)
    whole = bool(states) and all(status == "pass" for status in states)
    return replace(
        result,
        status=worst or ("pass" if whole else "fail"),
        points=sum(points) if len(points) == len(states) else None,
        total=sum(exercise.total for exercise in result.exercises),
    )


@dataclass(frozen=True)
class Batch:
    """Everything that one ``labkit grade`` found out.

    Attributes:
        results: every submission, in the order in which they were found.
        level: ``self``, ``class`` or ``sandbox``.
        isolation: what that level keeps apart, and what it does not: the sentences printed in every report.
        made: when, as ISO 8601 with the time zone.
        labkit: the version of the package.
        engine: the daemon, in words.
    """

    results: tuple[Result, ...]
    level: str
    isolation: str
    made: str
    labkit: str
    engine: str

    def as_json(self) -> dict[str, Any]:
        """The content of ``results.json``."""
        return {"version": VERSION, **asdict(self)}
