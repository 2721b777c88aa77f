"""The life of one container: what the daemon told of it, and the state that each event led to.

Sources: Engine API, ``SystemEvents`` for the events, ``ContainerInspect`` for the states; signal(7) for the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from labkit import errors
from labkit.inside.events import Event, read_told
from labkit.inside.numbers import signal_name
from labkit.inside.policy import Policy, read_policy
from labkit.sandbox import Box

STATES = ("created", "running", "paused", "restarting", "exited", "removing", "dead", "removed")
"""What ``State.Status`` of ``docker inspect`` can be; ``removed`` is ours, for a container that is no more."""

MEMORY = 256
"""Events that a daemon keeps, of all its containers, networks, images and volumes together; the oldest go first."""

_AFTER = {
    "create": "created",
    "start": "running",
    "pause": "paused",
    "unpause": "running",
    "destroy": "removed",
}
_BEFORE = {"pause": "running", "unpause": "paused", "die": "running", "destroy": "removing"}  # if that is forgotten


@dataclass(frozen=True)
class Step:
    """One event, with the state before and after it.

    Attributes:
        seconds: when, on the daemon's clock, since 1970.
        action: ``"create"``, ``"start"``, ``"die"`` …; ``"no event"`` if the daemon told nothing of what moved it.
        before: the state before; empty if there was none, or if the daemon has forgotten it.
        after: the state after; that of ``before`` for an event that moves nothing, such as ``kill``.
        exit_code: for ``die``: what the first process ended with.
        signal: for ``kill``: the signal's number.
    """

    seconds: float = field(repr=False)
    action: str
    before: str
    after: str
    exit_code: int | None = None
    signal: int | None = None

    @property
    def moved(self) -> bool:
        """Whether the state changed."""
        return self.before != self.after

    def __str__(self) -> str:
        if self.signal is not None:
            return f"{self.action} with {signal_name(self.signal)}"
        if self.exit_code is not None:
            return f"{self.action} with exit code {self.exit_code}"
        return self.action


@dataclass(frozen=True)
class Move:
    """One change of state.

    Attributes:
        step: the event that tells it.
        causes: the events before it that may have caused it: ``kill``, ``oom``.
    """

    step: Step
    causes: tuple[Step, ...] = ()

    def __str__(self) -> str:
        causes = ", ".join(map(str, self.causes)).replace(", kill with", ",")
        return f"{f'{causes}; ' if causes else ''}{self.step} → {self.step.after}"


@dataclass(frozen=True)
class Life:
    """What a container went through, as far as its daemon remembers.

    Attributes:
        name: the name it has, or had at last.
        state: one of ``STATES``: where it is now.
        steps: its events in order; those of processes that were executed beside the first are left out.
        exit_code: what its first process ended with at last, or its start; None while it runs.
        whole: True if the daemon remembers it from its creation on.
    """

    name: str
    state: str
    steps: tuple[Step, ...] = field(default=(), repr=False)
    exit_code: int | None = None
    whole: bool = True

    @property
    def moves(self) -> list[Move]:
        """The changes of its state, in order."""
        moves: list[Move] = []
        causes: list[Step] = []
        for step in self.steps:
            if step.moved:
                moves.append(Move(step, tuple(causes) if step.action == "die" else ()))
                causes = [] if step.action == "die" else causes
            elif step.action in ("kill", "oom"):
                causes.append(step)
        return moves

    @property
    def lost(self) -> str:
        """What the daemon has forgotten of it, as a sentence; empty if nothing."""
        what = "its beginning" if self.moves else "what happened to it"
        return "" if self.whole else f"The daemon, which keeps {MEMORY} events, has forgotten {what}."

    def listed(self, most: int) -> list[str]:
        """Its moves, numbered from 1; of more than ``most`` the first and the last ones."""
        told = [f"{number}  {move}" for number, move in enumerate(self.moves, 1)]
        if len(told) > most:
            told[most // 2 : 1 - (most - most // 2)] = [f"  … {len(told) - most + 1} more …"]
        return told

    def __str__(self) -> str:
        told = "; ".join(words.partition("  ")[2] for words in self.listed(12))
        code = "" if self.exit_code is None else f" with exit code {self.exit_code}"
        failed = f"Its start failed{code}." if code and self.state == "created" else ""
        now = f" is {self.state}{'' if failed else code}"
        return " ".join(filter(None, [f"{self.name}{f': {told}' if told else now}.", failed, self.lost]))


TRIES = 10
"""How often one that changes while it is looked at is looked at again."""


def read_life(box: Box) -> Life:
    """Ask the daemon what it remembers of a container, which may be gone already."""
    found = _inspect(box)
    for _ in range(TRIES):
        told, before = read_told(box.daemon, box.id), found
        found = _inspect(box)
        if found.get("State") == before.get("State"):  # nothing happened between the two answers
            break
    return follow_life(box.name, told, found)


def _inspect(box: Box) -> dict[str, Any]:
    try:
        return box.inspect()
    except errors.SandboxError:
        return {}


def follow_life(name: str, told: Sequence[Event], found: Mapping[str, Any]) -> Life:
    """Follow one container through its events.

    Without what ``docker inspect`` says nobody knows its restart policy: ``restarting`` is then told as ``exited``.

    Args:
        name: its name, for when nothing is told.
        told: its events, in order.
        found: what ``docker inspect`` says; empty if it is gone.
    """
    mine = [event for event in told if event.kind == "container" and not event.action.startswith("exec_")]
    state = dict(found.get("State") or {"Status": "removed"})
    status = str(state["Status"])
    steps = _steps(mine, read_policy(found), status)
    if steps and steps[-1].after not in (status, "removed"):
        steps.append(Step(steps[-1].seconds, "no event", steps[-1].after, status))
    return Life(
        name=mine[-1].name if mine else name,
        state=steps[-1].after if steps else status,
        steps=tuple(steps),
        exit_code=_exit_code(steps, state),
        whole=bool(mine) and mine[0].action == "create",
    )


def _exit_code(steps: Sequence[Step], state: Mapping[str, Any]) -> int | None:
    code, status = int(state.get("ExitCode") or 0), state["Status"]
    if status in ("exited", "restarting", "dead") or (status == "created" and code):
        return code
    codes = [step.exit_code for step in steps if step.exit_code is not None]
    return codes[-1] if codes and status == "removed" else None


def _steps(told: Sequence[Event], policy: Policy, status: str) -> list[Step]:
    """What each event led to; ``status`` is where the last of them left it."""
    steps: list[Step] = []
    moving = [event.action for event in told if event.action in ("die", *_AFTER)]
    now = _BEFORE.get(moving[0], "") if moving else status
    times = 0  # that the daemon has started it again
    asked: list[Event] = []  # since its last start
    for event, behind in zip(told, _behind(told, status), strict=True):
        after = _AFTER.get(event.action, now)
        if event.action == "start":
            times, asked = (times + 1 if now == "restarting" else 0), []
        elif event.action == "die":
            again = behind in ("start", "stop", "restarting") and policy.restarts(event.exit_code, times)
            after = "restarting" if again and not _wanted(asked, behind, policy) else "exited"
        elif event.action == "stop" and now == "restarting":
            after = "exited"
        asked.append(event)
        steps.append(Step(event.seconds, event.action, now, after, event.exit_code, event.signal))
        now = after
    return steps


def _wanted(asked: Sequence[Event], behind: str, policy: Policy) -> bool:
    """Whether it ended because of ``docker stop`` or ``kill``; engines tell ``stop`` before ``die``, or behind it."""
    kills = [event for event in asked if event.action == "kill"]
    stopped = behind == "stop" or any(event.action == "stop" for event in asked)
    return bool(stopped and kills) or any(policy.ends(event.signal) for event in kills)


def _behind(told: Sequence[Event], status: str) -> list[str]:
    """For each event the next one that moves a container; behind the last of them, where it is now."""
    behind: list[str] = []
    for event in reversed(told):
        behind.append(status)
        status = event.action if event.action in ("die", "stop", *_AFTER) else status
    return behind[::-1]
