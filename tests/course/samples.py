"""Exercises of no chapter, and a daemon that is a list: the course without Docker."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, ClassVar

from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, Program, World
from labkit.course.outputs import Case
from labkit.course.verdict import Finding, Part, failed, found, passed
from labkit.leftovers import Thing

LEARNERS = ["ada", "grace", "linus", "ken", "radia", "vint"]


def nowhere(exercise: str, learner: str = "ada", nonce: str = "nonce") -> World:
    """The world of an exercise without a daemon: what is drawn in it, and no more."""
    no_daemon: Any = None
    return World(no_daemon, exercise, learner, nonce)


class Shelf(SimpleNamespace):
    """A daemon on which things are only names: alive or not, each removable or not."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.stuck: set[str] = set()
        self.alive = True
        super().__init__(client=SimpleNamespace(ping=self.ping))

    def ping(self) -> bool:
        """Answer, or fail as docker-py does when nobody listens."""
        if not self.alive:
            raise ConnectionError("nobody there")
        return True

    def clean(self, _: object, *, named: str = "") -> list[Thing]:
        """Remove what is named so; what is stuck stays, with a reason."""
        found = [name for name in self.names if name.startswith(named)]
        self.names = [name for name in self.names if name not in found or name in self.stuck]
        return [Thing("volume", name, name, left="in use" if name in self.stuck else "") for name in found]


class Fruit(Exercise):
    """A value: two parts, the second out of reach without the first."""

    id = "90.fruit"
    title = "name a fruit"
    kind = "value"
    brief = "Your fruit:"
    parts = (Part("kind", 2, "it is the fruit"), Part("ripe", 1, "it is ripe"))
    hints: ClassVar[tuple[str, ...]] = (
        "Which fruit did you get?",
        "Look at task.fruit.",
        'Hand in the text and " ripe".',
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Draw a fruit."""
        return {"fruit": world.seed.pick("fruit", ("apple", "pear", "plum"))}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Look at the fruit, then at how ripe it is."""
        kind, _, ripe = str(claim.value).partition(" ")
        if kind != self.prepare(world)["fruit"]:
            why = "A fruit, not a vegetable." if kind == "leek" else ""
            yield failed("kind", expected="your fruit", saw=claim.value, look_at="task.fruit", why=why)
            return
        yield passed("kind")
        yield found("ripe", ripe == "ripe", expected="ripe", saw=ripe or "not a word", look_at="the sun")


class Double(Program):
    """A program: the judge draws its numbers anew at each check."""

    id = "90.double"
    title = "double a number"
    brief = "The judge calls your function."
    parts = (Part("small", 1, "small numbers are doubled"), Part("large", 1, "large numbers are doubled"))
    hints = ("What is twice three?",)
    look_at = "arithmetic"

    def cases(self, world: World) -> list[Case]:
        """Two numbers, drawn."""
        numbers = (world.draws.number("small", 1, 10**9), world.draws.number("large", 10**9, 10**10))
        return [Case(p.key, (n,), 2 * n, str(n), reveal=True) for p, n in zip(self.parts, numbers, strict=True)]


class Box(Exercise):
    """A state: the box has to go. A box named broken makes begin fail half-way."""

    id = "91.box"
    title = "remove the box"
    kind = "state"
    brief = "There is a box:"
    parts = (Part("gone", 3, "the box is gone"),)
    hints = ("Is it still there?", "Take it away.", "task.world.clear()")
    fails: BaseException | None = None

    def prepare(self, world: World) -> dict[str, Any]:
        """Put a box on the shelf."""
        shelf: Any = world.daemon
        shelf.names.append(world.name("box"))
        if self.fails:
            raise self.fails
        return {"box": world.name("box")}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Look at the shelf."""
        shelf: Any = world.daemon
        gone = world.name("box") not in shelf.names
        yield found("gone", gone, expected="no box", saw="a box", look_at="the shelf")
