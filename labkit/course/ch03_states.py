"""Chapter 03, A container is a process, third part: in which states containers are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from labkit import sandbox
from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, World, register
from labkit.course.verdict import Finding, Part, found

STATES = ("running", "paused", "exited", "created")


@register
class Count(Exercise):
    """Count containers by their states."""

    id = "03.count"
    title = "why does ps not show them?"
    kind = "value"
    brief = "Several containers of this exercise exist. Their names begin with:"
    parts = (
        Part("ps", 1, "the rows that docker ps has of them are counted"),
        Part("ps -a", 1, "the rows that docker ps -a has of them are counted"),
        Part("states", 2, "they are counted by their states"),
        Part("newest", 1, "the newest is named, the one that docker ps -l would show"),
    )
    hints = (
        "Which states does docker ps leave out, and does a paused container have a process?",
        "--filter name=… leaves out everybody else's. The column STATUS begins with the state, in other words.",
        "sh(f\"docker ps -a --filter name={task.prefix} --format '{{{{.Names}}}} {{{{.State}}}}'\") prints a line "
        "for each, the newest first.",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Make the containers in one order and start them in another."""
        drawn = states(world)
        boxes = [make(world, number, state) for number, state in enumerate(drawn)]
        for box, state in reversed(list(zip(boxes, drawn, strict=True))):
            if state != "created":
                box.start()
            if state == "paused":
                world.daemon.client.api.pause(box.id)
            if state == "exited":
                box.wait()
        return {"prefix": world.name("")}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Count what the daemon has now; all that was prepared must be there."""
        there = [box for number in range(len(states(world))) if (box := world.find(str(number)))]
        if len(there) < len(states(world)):
            return
        counts = Counter(box.status for box in there)
        value = claim.value if isinstance(claim.value, dict) else {}
        alive = counts["running"] + counts["paused"]
        for key, truth in (("ps", alive), ("ps -a", len(there))):
            said, why = value.get(key), _why_rows(key, value, counts)
            right, look_at = type(said) is int and said == truth, f"docker {key} --filter name=…"
            yield found(key, right, expected="a number of rows", saw=repr(said), look_at=look_at, why=why)
        said = {state: value.get(state) for state in STATES}
        right = all(type(said[state]) is int and said[state] == counts[state] for state in STATES)
        wanted, look_at, why = f"a number for each of {', '.join(STATES)}", "docker ps -a, STATUS", _why_states(said)
        yield found("states", right, expected=wanted, saw=repr(said), look_at=look_at, why=why)
        newest = there[-1].name
        said, why = value.get("newest"), _why_newest(value.get("newest"), there)
        yield found("newest", said == newest, expected="a name", saw=repr(said), look_at="docker ps -l", why=why)


def states(world: World) -> list[str]:
    """The states of this learner's containers, in the order of their creation."""
    how_many = {"running": (1, 2), "paused": (1, 2), "exited": (2, 3), "created": (1, 3)}
    drawn = [state for state, (low, high) in how_many.items() for _ in range(world.seed.number(state, low, high))]
    world.seed.stream("order").shuffle(drawn)
    return drawn


def make(world: World, number: int, state: str) -> sandbox.Box:
    """Create one container that will be able to come into a state."""
    command = "true" if state == "exited" else "sleep 3600"
    return world.run(command, str(number), start=False, stop_signal="SIGKILL")


def _why_rows(key: str, value: dict[str, Any], counts: Counter[str]) -> str:
    """Name the misunderstanding behind a wrong number of rows, where it is a usual one."""
    if not value:
        return _FORM
    said, alive = value.get(key), counts["running"] + counts["paused"]
    match key:
        case "ps" if said == counts["running"]:
            return "A paused container still has its process: it gets no time, but it is there, and docker ps shows it."
        case "ps" if said == counts.total():
            return "Those are all that exist. docker ps shows only those that have a process now."
        case "ps -a" if said == alive + counts["exited"]:
            return "What was created and never started exists too: docker ps -a shows it."
        case "ps -a" if said == alive:
            return "Those are the ones with a process. -a shows also those that had one, and those that never did."
    return ""


_FORM = 'Hand in a dictionary: answer = {"ps": …, "ps -a": …, "running": …, …, "newest": …}.'


def _why_states(said: dict[str, Any]) -> str:
    if said["created"] in (0, None):
        return "A container that was never started is neither running nor exited: its state is created."
    if said["paused"] in (0, None):
        return "Paused is a state of its own, although docker ps calls it Up."
    return ""


def _why_newest(said: object, there: list[sandbox.Box]) -> str:
    if said in [box.id for box in there] + [box.id[:12] for box in there]:
        return "Hand in its name, not its id."
    if said in [box.name for box in there]:
        return "The newest is the one created last. When it was started, or whether at all, does not count."
    return ""
