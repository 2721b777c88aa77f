"""Chapter 10, Signals, fourth part: what an exit code tells of an end, and what it does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, World, register
from labkit.course.verdict import Finding, Part, found

LETTERS = "abcd"
ENDS = {
    "stop": "exec sleep 3600",
    "kill": "exec sleep 3600",
    "code": "sleep 1; exit 137",
    "child": "sleep 3600 & kill -KILL $!; wait $!; exit $?",
}
"""How the four containers come to their end, and what they run."""

WORDS = ("stop", "kill", "own", "memory")


@register
class Ended(Exercise):
    """Tell apart four ends with the same exit code."""

    id = "10.ended"
    title = "four times 137"
    kind = "value"
    brief = "Four containers have ended, each with exit code 137:"
    parts = (
        Part("own", 2, "named are those whose first process chose the number itself"),
        Part("stop", 1, "named are those of which docker stop had lost patience"),
        Part("kill", 1, "named are those that docker kill ended"),
    )
    hints = (
        "137 is 128 + 9, or somebody's choice. Who in the daemon's host writes down that a signal was sent?",
        "docker inspect says whether it was the memory. The daemon's events say what it sent: what does docker stop "
        "send before SIGKILL?",
        "print(read_life(find(daemon, name))) for each of task.containers: two kills, one kill, or none.",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Let four containers end."""
        boxes = {kind: world.run(command, places_of(world)[kind]) for kind, command in ENDS.items()}
        world.daemon.client.api.stop(boxes["stop"].id, timeout=1)
        world.daemon.client.api.kill(boxes["kill"].id)
        for box in boxes.values():
            box.wait()
        return {"containers": [world.name(letter) for letter in LETTERS]}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Compare with what was done to them, as long as all four are there and have ended like that."""
        states = [box.inspect()["State"] for letter in LETTERS if (box := world.find(letter))]
        if [(state["Status"], state["ExitCode"]) for state in states] != [("exited", 137)] * len(LETTERS):
            return
        said = claim.value if isinstance(claim.value, dict) else {}
        for part, truth in truth_of(world).items():
            named = {name for name, word in said.items() if word == part}
            wanted, look_at = f"the names of all that ended by {part!r}, and no others", "the daemon's events"
            why = _why(said, named, part, world) if said else _FORM
            yield found(part, named == truth, expected=wanted, saw=sorted(named), look_at=look_at, why=why)


_FORM = 'Hand in a dictionary: answer = {"a name": "stop", …}, each with one of ' + ", ".join(map(repr, WORDS)) + "."
_MEMORY = (
    "137 does not mean out of memory: it only means 128 + 9. "
    "When the kernel ends a process for memory's sake, docker inspect says OOMKilled: true."
)
_CHILD = "SIGKILL came to a child there, not to the first process. That one asked how its child had ended, and said so."
_CODE = "Nobody sent that one anything: a program may end with any number that it likes."
_FIRST = "Before SIGKILL there was a SIGTERM to one of these: somebody asked first, and waited."
_SECOND = "One of these got SIGKILL at once: nobody had asked it anything before."


def _why(said: dict[str, Any], named: set[str], part: str, world: World) -> str:
    """Name the misunderstanding behind a wrong set of names."""
    missed = {kind: said.get(world.name(letter)) for kind, letter in places_of(world).items()}
    if "memory" in missed.values():
        return _MEMORY if part == "own" else ""
    if part == "own":
        return _CHILD if missed["child"] != "own" else _CODE if missed["code"] != "own" else ""
    other = {"stop": "kill", "kill": "stop"}[part]
    if missed[part] == other:
        return _FIRST if part == "stop" else _SECOND
    return ""


def places_of(world: World) -> dict[str, str]:
    """Which letter each of the four has, drawn for this learner."""
    return dict(zip(ENDS, world.seed.stream("places").sample(LETTERS, len(LETTERS)), strict=True))


def truth_of(world: World) -> dict[str, set[str]]:
    """The names, by the word that is right for them."""
    names = {kind: world.name(letter) for kind, letter in places_of(world).items()}
    return {"own": {names["code"], names["child"]}, "stop": {names["stop"]}, "kill": {names["kill"]}}
