"""Workers without a process: what a batch does with them can be tried in no time, and they can fail to order."""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from labkit.grade.one import Ticket
from labkit.grade.results import ExerciseResult, Result, Status, summed
from labkit.grade.submission import Submission
from tests.grade import plain

Happens = Exception | Status | Callable[[], object]
"""What happens instead of grading, or before it: an error, a result with that status, or anything else."""

EXERCISES = (plain.Add(), plain.Words())


class Staff:
    """Everybody whom a batch hires.

    Attributes:
        graded: the learners, in the order in which they were asked for.
        tickets: under which each was run.
        hired: what each worker was told first.
        closed: who was let go.
        canaries: how many were sent.
        script: what happens to a learner's submission, or to the canary, the first times that it comes.
        busy: how many are asked something at the moment, under each name.
        crowd: the most that were, under each name.
        on_close: is called when one is let go.
    """

    def __init__(self) -> None:
        self.graded: list[str] = []
        self.tickets: list[Ticket] = []
        self.hired: list[Mapping[str, Any]] = []
        self.closed: set[Pretend] = set()
        self.canaries = 0
        self.script: defaultdict[str, list[Happens]] = defaultdict(list)
        self.busy: defaultdict[str, int] = defaultdict(int)
        self.crowd: defaultdict[str, int] = defaultdict(int)
        self.on_close: Callable[[], object] = lambda: None
        self.seconds = itertools.count(1)
        self.lock = threading.Lock()

    def hire(self, first: Mapping[str, Any]) -> Pretend:
        """Stand in for ``WorkerProcess``."""
        self.hired.append(first)
        return Pretend(self)

    def happens(self, name: str) -> Status:
        """Let happen what the script has next; return the status of the result."""
        todo = self.script[name]
        what: Happens = todo.pop(0) if todo else "pass"
        if isinstance(what, Exception):
            raise what
        if callable(what):
            what()
            return "pass"
        return what


class Pretend:
    """One worker."""

    ready = "a pretended daemon"

    def __init__(self, staff: Staff) -> None:
        self.staff = staff

    def start(self) -> None:
        """Nothing: there is no process."""

    def canary(self, ticket: Ticket) -> Result:
        """Pass, unless the script says otherwise."""
        self.staff.canaries += 1
        status = self.staff.happens("canary")
        row = ExerciseResult("canary", "", status, None, 0, "The canary fell silent.")
        return Result("canary", "canary", "canary", "", status, None, 0, exercises=(row,))

    def grade(self, submission: Submission, ticket: Ticket, seconds: float) -> Result:
        """Give full points for each answer, unless the script says otherwise; no two results have equal seconds."""
        staff = self.staff
        with staff.lock:
            staff.graded.append(submission.learner)
            staff.tickets.append(ticket)
            staff.busy[ticket.learner] += 1
            staff.crowd[ticket.learner] = max(staff.crowd[ticket.learner], staff.busy[ticket.learner])
        try:
            status = staff.happens(submission.learner)
        finally:
            staff.busy[ticket.learner] -= 1
        return replace(result(submission, status), seconds=float(next(staff.seconds)))

    def close(self) -> None:
        """Go."""
        self.staff.closed.add(self)
        self.staff.on_close()


def result(submission: Submission, status: Status) -> Result:
    """What a submission is worth if each of its answers has this status."""
    rows = []
    for one in EXERCISES:
        state: Status = status if one.id in submission.answers else "missing"
        points = None if state == "infra-error" else one.total if state == "pass" else 0
        rows.append(ExerciseResult(one.id, one.title, state, points, one.total))
    whole = Result(submission.file, submission.learner, submission.chapter, submission.sha256, "fail", None, 0)
    return replace(summed(replace(whole, exercises=tuple(rows))), notes=submission.notes)
