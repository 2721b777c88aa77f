"""Chapter 10, Signals, sixth part: a container that stands still, and knows nothing of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from labkit import errors, sandbox
from labkit.course.claims import Claim
from labkit.course.copies import take
from labkit.course.exercise import Exercise, World, register
from labkit.course.verdict import Finding, Part, found
from labkit.images import Item
from labkit.inside.processes import read_process

SCRIPT = """\
#!/bin/sh
trap 'echo "heard CONT"' CONT
trap 'echo "heard TERM"; exit 0' TERM
number=0
while sleep 0.2; do
    number=$((number + 1))
    echo "$number" >/srv/count
done
"""


@register
class Still(Exercise):
    """Make a container stand still without its program noticing."""

    id = "10.still"
    title = "stand still"
    kind = "state"
    brief = "The container counts in /srv/count, and has been at it for a while:"
    parts = (
        Part("still", 1, "its first process is still the same, and gets no time"),
        Part("unnoticed", 1, "no signal was needed for it"),
        Part("goes on", 1, "let go, it counts on from where it was, and has noticed nothing"),
    )
    hints = (
        "A signal can stop a process, and another one lets it go on. Can its program notice one of the two?",
        "Which state of chapter 03 has a process, and no time? The kernel has a mechanism for whole groups of "
        "processes that sends nothing to anybody.",
        "docker pause, and then docker top or the process's State: it is in the freezer.",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Start the counter."""
        image = world.image("counter", {"bin/counter": Item(SCRIPT.encode(), mode=0o755), "srv/": ""})
        box = world.run(["counter"], "box", image=image)
        sandbox.wait_until(lambda: count(box), f"{box.name} counts")
        return {"container": box.name}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Look at the process; if it is frozen, let it go on for a moment, and freeze it again."""
        box = world.find("box")
        if box is None:
            return
        state = box.inspect()["State"]
        letter = read_process(world.host, state["Pid"]).state if state["Pid"] else ""
        held, ended = state["Paused"] or letter == "T", not state["FinishedAt"].startswith("0001-")
        saw = f"{state['Status']}{f', and its process is in state {letter}' if letter else ''}"
        why = _ENDED if ended else _INSIDE if not held else ""
        wanted, look_at = "a process that is there, and gets no time", "docker ps -a, and /proc/<pid>/status"
        yield found("still", held and not ended, expected=wanted, saw=saw, look_at=look_at, why=why)
        if not held or ended:
            return
        heard = box.logs().strip()
        calm = bool(state["Paused"]) and not heard and letter != "T"
        saw, look_at = f"state {letter}; its log says {heard!r}", f"docker logs {box.name}"
        yield found("unnoticed", calm, expected="no signal", saw=saw, look_at=look_at, why=_SIGNAL)
        if calm:
            yield _let_go(world, box)


_ENDED = "Its process has ended, and all that it had in memory is gone: a new one counts from the beginning."
_INSIDE = "It gets its time as before. From inside nobody stops number 1, not even with SIGSTOP."
_SIGNAL = (
    "Pause is not SIGSTOP. A stopped process sees SIGCONT when it shall go on, and its parent is told as well; "
    "who is frozen sees nothing."
)
_LOST = "It did not count on from where it was."


def count(box: sandbox.Box) -> int:
    """How far it has counted; 0 while it writes."""
    return int(take(box, "/srv/count") or 0)


def _let_go(world: World, box: sandbox.Box) -> Finding:
    """Let it count on, and freeze it again."""
    before, api = count(box), world.daemon.client.api
    api.unpause(box.id)
    try:
        with contextlib.suppress(errors.SandboxError):
            sandbox.wait_until(lambda: count(box) > before, f"{box.name} counts on", deadline=5)
        after, heard = count(box), box.logs().strip()
    finally:
        api.pause(box.id)
    right = before < after < before + 50 and not heard
    saw, look_at = f"{before}, then {after}; its log says {heard!r}", "docker unpause, and /srv/count"
    return found("goes on", right, expected="the next numbers, and an empty log", saw=saw, look_at=look_at, why=_LOST)
