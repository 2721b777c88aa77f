"""What a run leaves on the daemon, and its removal: what carries the run's name, and what nobody's name is on."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from labkit import errors, leftovers
from labkit.course.seed import mark
from labkit.daemon import Daemon
from labkit.leftovers import LABEL, Thing


@contextlib.contextmanager
def cleared(daemon: Daemon | None, learner: str, *, alone: bool) -> Iterator[list[str]]:
    """Remove, at the end, everything labelled that this run made; yield a list that then says what had to stay.

    Args:
        daemon: where; None if nothing is made anywhere.
        learner: under whose name the run is.
        alone: whether what has no owner, and was not there before, can only be this run's. Such things are made by
            hand from the course's images, which hand their label on, but no name.

    Raises:
        DaemonError: if the daemon is gone. An answer that failed for it has not failed, though no judge asked.
    """
    left: list[str] = []
    if daemon is None:
        yield left
        return
    before = {thing.id for thing in nameless(daemon)} if alone else None
    try:
        yield left
    except BaseException:
        with contextlib.suppress(OSError):  # what happened first says more
            left += _clear(daemon, learner, before)
        raise
    try:
        left += _clear(daemon, learner, before)
    except OSError as error:
        problem = f"The daemon was gone when this submission was done: {error}."
        raise errors.DaemonError(problem, "When it is back, grade again: who has a score keeps it.") from error


def _clear(daemon: Daemon, learner: str, before: set[str] | None) -> list[str]:
    found = [thing for thing in leftovers.things(daemon) if is_of(thing, learner)]
    if before is not None:
        found += [thing for thing in nameless(daemon) if thing.id not in before and thing not in found]
    return [f"The {t.kind} {t.name} is still there: {t.left}" for t in leftovers.remove(daemon, found) if t.left]


def is_of(thing: Thing, learner: str) -> bool:
    """Whether a run made it: its label says so, or its name."""
    return thing.owner == learner or (not thing.owner and mark(learner) in thing.name)


def nameless(daemon: Daemon) -> list[Thing]:
    """Return the labelled things that have no owner, but for the course's own images: those stay for next time."""
    return [thing for thing in leftovers.things(daemon, whose="") if not thing.name.startswith(f"{LABEL}/")]
