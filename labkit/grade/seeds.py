"""Under which name, and with which values, each submission is run."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from labkit import errors, leftovers
from labkit.course.seed import mark
from labkit.daemon import Daemon
from labkit.grade.one import Ticket
from labkit.grade.submission import Submission
from labkit.sandbox import plain_name

Tickets = Callable[[Submission], Ticket]


def tickets(seed_from: str) -> Tickets:
    """Return what gives each submission its name and values.

    Args:
        seed_from: empty for values that nobody has seen before, drawn anew for each run. A learner's name: everybody
            gets the values that this learner had. A file: a table (CSV) with the columns ``learner`` and ``seed``;
            each learner gets the values of the name beside them.

    Raises:
        CourseError: if the file is no such table.
    """
    if not seed_from:
        return lambda _: Ticket()
    if not _is_file(Path(seed_from)):
        return lambda _: _had_by(seed_from)
    table = read_table(Path(seed_from))

    def of_learner(submission: Submission) -> Ticket:
        return _had_by(table[submission.learner]) if submission.learner in table else Ticket()

    return of_learner


def noting_who_has_none(submissions: Sequence[Submission], chosen: Tickets, seed_from: str) -> list[Submission]:
    """Return the submissions, with a note on those whose learner is not in the table of seeds."""
    note = f"{seed_from} has no seed for this learner, so the values were drawn anew."
    return [replace(one, notes=(*one.notes, note)) if seed_from and chosen(one).secret else one for one in submissions]


def _is_file(path: Path) -> bool:
    """Whether a table is meant: also where it is not there, so that no typing mistake becomes a name."""
    with contextlib.suppress(OSError):  # longer than a path can be: a name
        return path.is_file() or len(path.parts) > 1 or path.suffix.lower() == ".csv"
    return False


def _had_by(learner: str) -> Ticket:
    """Return the ticket of somebody's own values: their owner's name is what they were drawn from."""
    return Ticket(plain_name(learner), "")


def whose(ticket: Ticket) -> str:
    """Return whose values a ticket is for; empty where they are nobody's, and drawn anew for each run."""
    return "" if ticket.secret else ticket.learner


def read_table(file: Path) -> dict[str, str]:
    """Return learner → name whose values they had.

    Raises:
        CourseError: if the file cannot be read as such a table.
    """
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
        table = {row["learner"]: row["seed"] for row in rows if row["seed"]}
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, TypeError) as error:
        problem = f"{file} is no table of seeds: {type(error).__name__}: {error}."
        raise errors.CourseError(problem, "It is a CSV file with the columns learner and seed.") from None
    if not table:
        raise errors.CourseError(f"{file} names nobody.", "It is a CSV file with the columns learner and seed.")
    return table


def check_free(daemon: Daemon, names: Iterable[str]) -> None:
    """Make sure that nothing on the daemon is called as what will be made, and removed, under these names.

    Raises:
        CourseError: if something is.
    """
    for name in sorted(set(names)):
        theirs = [t for t in leftovers.things(daemon) if t.owner == name or (not t.owner and mark(name) in t.name)]
        if theirs:
            raise errors.CourseError(
                f"The daemon has {len(theirs)} things of {name}, such as the {theirs[0].kind} {theirs[0].name}.",
                f"Grading with the values of {name} would replace them. "
                "Have them removed first (`labkit clean`), or grade without --seed-from.",
            )
