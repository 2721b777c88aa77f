"""Chapter 10, Signals, fifth part: a worker that finishes what it has begun."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from labkit import errors, sandbox
from labkit.course.claims import Claim
from labkit.course.copies import copy_of, diff_ids, missing, put, take
from labkit.course.exercise import Exercise, World, register
from labkit.course.verdict import Finding, Part, failed, found
from labkit.images import Item

STEPS = ("mix", "bake", "pack")
GRACE = 5
"""Seconds that the judge's docker stop grants; no item needs more than three."""

STEP = """\
#!/bin/sh
echo "$1 {step} begun" >>/srv/book
sleep "$(cat "/srv/pace-$1" 2>/dev/null || echo 0.3)"
echo "$1 {step} done" >>/srv/book
"""


@register
class Worker(Exercise):
    """Make an image of a worker that finishes its item on TERM."""

    id = "10.worker"
    title = "finish what you have begun"
    kind = "state"
    brief = "The image with the three programs, and the image to make from it:"
    parts = (
        Part("ends", 2, "stopped in the middle of an item, it ends by itself, with exit code 0"),
        Part("item", 2, "then the item in hand is complete, and no other was begun"),
        Part("list", 1, "left alone, it does the whole list, and ends with exit code 0"),
    )
    hints = (
        "Who is number 1 in a container of your image, and has it a handler for TERM? "
        "And while a shell waits for mix, when does it run its handler?",
        "A handler that ends the program ends it between mix and bake. What can a handler do that is "
        "noticed only where an item is complete?",
        "trap 'asked=yes' TERM before the loop; in it, before an item is taken: [ \"$asked\" ] && break. "
        "Cmd is a list, so that your script is number 1.",
    )
    seconds = 60

    def prepare(self, world: World) -> dict[str, Any]:
        """Make the image with the three steps."""
        steps = {f"bin/{step}": Item(STEP.format(step=step).encode(), mode=0o755) for step in STEPS}
        return {"base": world.image("base", steps), "image": world.name("image:latest")}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Run the image twice at the same time: one container is stopped, the other left alone."""
        below, mine = (diff_ids(world, world.name(f"{what}:latest")) for what in ("base", "image"))
        if not below:
            return
        if not mine:
            yield missing("ends", world, "image:latest")
            return
        if mine[: len(below)] != below:
            look_at = "docker image inspect, RootFS"
            yield failed("ends", expected="an image made from the given one", saw="another", look_at=look_at)
            return
        try:
            with copy_of(world, world.name("image:latest")) as stopped, _alone(world) as alone:
                book, code = self.stop(world, stopped)
                yield from _stopped(book, code)
                if code == 0:
                    yield _whole(world, alone)
        except errors.SandboxError as error:
            look_at = f"docker run --rm {world.name('image')}"
            yield failed("ends", expected="a worker that works off /srv/todo", saw=error.problem, look_at=look_at)

    def stop(self, world: World, box: sandbox.Box) -> tuple[list[str], int]:
        """Stop a worker in the middle of its second item; return what it wrote, and its exit code."""
        items = [world.draws.word(f"item {number}") for number in range(12)]
        put(box, todo="\n".join(items), **{f"pace-{items[1]}": "1"})  # so that it is not over when TERM arrives
        box.start()
        step = world.draws.pick("step", STEPS[:2])
        line = f"{items[1]} {step} begun"
        there = f"it begins to {step} the second item of /srv/todo, or ends"
        sandbox.wait_until(lambda: line in _book(box) or box.status != "running", there)
        if box.status != "running":
            said = box.logs().strip()
            raise errors.SandboxError(f"It ended before anybody asked it to{f': {said}' if said else ''}.")
        world.daemon.client.api.stop(box.id, timeout=GRACE)
        return _book(box), int(box.inspect()["State"]["ExitCode"])


@contextlib.contextmanager
def _alone(world: World) -> Iterator[sandbox.Box]:
    """A worker with two items, which nobody stops."""
    with copy_of(world, world.name("image:latest"), what="alone") as box:
        put(box, todo="\n".join(short(world)))
        box.start()
        yield box


def short(world: World) -> list[str]:
    """The items of the worker that is left alone."""
    return [world.draws.word(f"short {number}") for number in range(2)]


def _book(box: sandbox.Box) -> list[str]:
    return (take(box, "/srv/book") or "").splitlines()


def begun(book: list[str]) -> list[str]:
    """The items that were taken, in order."""
    return list(dict.fromkeys(line.split()[0] for line in book if line))


def halves(book: list[str]) -> list[str]:
    """The items that were begun and not done with every step."""
    return [item for item in begun(book) if any(f"{item} {step} done" not in book for step in STEPS)]


def _stopped(book: list[str], code: int) -> Iterator[Finding]:
    """What became of the worker that was stopped in the middle of an item."""
    look_at = "docker stop, then docker inspect, State.ExitCode"
    why = _FORCED if code == 137 else _DIED if code == 143 else ""
    yield found("ends", code == 0, expected="exit code 0", saw=f"exit code {code}", look_at=look_at, why=why)
    if code == 0:
        left, taken = halves(book), begun(book)
        saw = f"{len(taken)} items; the last line of /srv/book is {''.join(book[-1:])!r}"
        wanted, look_at = "2 items, each with mix, bake and pack done", "/srv/book in the stopped container"
        right, why = len(taken) == 2 and not left, _HALF if left else _ANOTHER
        yield found("item", right, expected=wanted, saw=saw, look_at=look_at, why=why)


def _whole(world: World, box: sandbox.Box) -> Finding:
    """What became of the worker that nobody stopped."""
    code = box.wait(deadline=15)
    book = _book(box)
    done = [item for item in short(world) if all(f"{item} {step} done" in book for step in STEPS)]
    saw, look_at = f"{len(done)} of {len(short(world))} items, exit code {code}", "docker run, without docker stop"
    right = len(done) == len(short(world)) and code == 0
    return found("list", right, expected="all items, exit code 0", saw=saw, look_at=look_at, why=_EARLY)


_FORCED = (
    "It was asked, the whole grace period passed, and SIGKILL ended it. TERM goes to number 1 alone: "
    "has that a handler, and does it stop taking new items?"
)
_DIED = "TERM's default action ended it, wherever it was. Nothing was finished."
_HALF = (
    "Exit code 0, and an item is half done. A handler that ends the program ends it between two steps; "
    "and with number 1 the kernel ends every other process of the container."
)
_ANOTHER = "It had been asked, and took another item all the same: with a long list, that costs the whole grace."
_EARLY = "Nobody had asked it to stop."
