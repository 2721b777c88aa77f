"""Chapter 09, PID 1, third part: who has to wait for those that have ended."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from labkit import errors, sandbox
from labkit.course.ch09_hearing import await_line, script
from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, Program, World, register
from labkit.course.outputs import Case
from labkit.course.verdict import Finding, Part, failed, found
from labkit.inside.processes import Process, grow_tree, read_processes

FOREVER = "2147483647"
"""Seconds: what a 32-bit ``sleep`` takes at most."""

APP = """\
#!/bin/sh
for seconds in {seconds}; do (sleep $seconds &); done
echo "{app}: ready"
exec sleep {forever}
"""
"""An app that leaves orphans, and then is a program that waits for nobody."""


@register
class Reap(Exercise):
    """Run an app that leaves zombies, without the zombies."""

    id = "09.reap"
    title = "somebody has to wait"
    kind = "state"
    brief = "The image, a container of it that fills with zombies, and the one to run:"
    parts = (
        Part("same", 1, "it runs, with the image's own command, in a PID namespace of its own"),
        Part("gone", 2, "its orphans have ended, and none of them is a zombie"),
        Part("later", 1, "who is orphaned later does not stay a zombie either"),
    )
    hints = (
        "Who becomes the parent of a process whose parent has ended? And what does that one never do here?",
        "Another number 1 would do, one that starts the app as its child and waits for all that end. "
        "docker run --help knows of one.",
        "docker run -d --init --name … IMAGE, without a command.",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Load the image and start one container; the other is the learner's to run."""
        text = APP.format(forever=FOREVER, app=app(world), seconds=" ".join(seconds(world)))
        image = world.image("image", {f"bin/{app(world)}": script(text)}, Cmd=[app(world)])
        box = world.run([], "box", image=image)
        return {"image": image, "container": box.name, "mine": world.name("mine")}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Wait until the orphans have ended, leave some more, and count who is left of them."""
        box, name = world.running("mine"), world.name("mine")
        image = _image(world)
        if not image:
            return
        if not box:
            state = other.status if (other := world.find("mine")) else "none of that name"
            yield failed("same", expected=f"a running container {name}", saw=state, look_at="docker ps -a")
            return
        same = _same(box.inspect(), image)
        yield same
        if same.state == "pass":
            yield from _counted(world, box)


_ANOTHER = "A shell as number 1 would wait, but that is another command: the app shall be run as the image has it."
_PID = "It lives among the processes of another, and leaves its orphans to that one's number 1."
_NO_INIT = (
    "Number 1 is the app, and it waits for nobody. What has ended cannot be ended again: no signal does anything to a "
    "zombie, and a new start makes new ones."
)


def app(world: World) -> str:
    """What the app is called."""
    return world.seed.word("app")


def seconds(world: World) -> list[str]:
    """How long each of the app's orphans lives."""
    return [f"0.{world.seed.number(str(number), 10, 39)}" for number in range(world.seed.number("many", 3, 6))]


def _image(world: World) -> dict[str, Any]:
    from docker.errors import ImageNotFound

    try:
        return dict(world.daemon.client.images.get(f"{world.name('image')}:latest").attrs)
    except ImageNotFound:
        return {}


def _same(facts: dict[str, Any], image: dict[str, Any]) -> Finding:
    """Whether a container runs what its image says, on its own."""
    command = [(of["Config"].get("Entrypoint") or [], of["Config"].get("Cmd") or []) for of in (facts, image)]
    mode = facts["HostConfig"].get("PidMode") or ""
    right = facts["Image"] == image["Id"] and command[0] == command[1] and mode in ("", "private")
    saw = f"{' '.join([*command[0][0], *command[0][1]])!r} on {facts['Config']['Image']}, PidMode {mode!r}"
    wanted, why = "the image, its command, and no --pid", _PID if mode else _ANOTHER if command[0] != command[1] else ""
    return found("same", right, expected=wanted, saw=saw, look_at="docker inspect, Config and HostConfig", why=why)


def _counted(world: World, box: sandbox.Box) -> Iterator[Finding]:
    """Count the zombies that the app's orphans leave, and those of the judge's own."""
    await_line(box, f"{app(world)}: ready")
    zombies = _zombies(world, box)
    wanted, look_at = "no zombie, once they have ended", "ps inside: who stands in brackets?"
    yield found("gone", not zombies, expected=wanted, saw=f"{zombies}", look_at=look_at, why=_NO_INIT)
    if zombies:
        return
    many = world.draws.number("later", 2, 5)
    box.sh(f"for _ in $(seq {many}); do (sleep 0.1 >/dev/null 2>&1 &); done")
    zombies = _zombies(world, box)
    yield found("later", not zombies, expected=wanted, saw=f"{zombies}", look_at=look_at, why=_NO_INIT)


def _zombies(world: World, box: sandbox.Box) -> int:
    """How many zombies a container has, once nobody lives in it but number 1 and the app."""
    seen: list[Process] = []

    def alone() -> bool:
        seen[:] = list(grow_tree(read_processes(world.host), box.pid))
        alive = [process for process in seen[1:] if process.state != "Z"]
        return all(process.words == ("sleep", FOREVER) for process in alive)

    with contextlib.suppress(errors.SandboxError):  # the learner may have left somebody there who lives for long
        sandbox.wait_until(alone, f"the orphans of {box.name} have ended", deadline=4)
    return sum(process.state == "Z" for process in seen)


# --- What the kernel does -------------------------------------------------------------------------------------

Row = tuple[int, int, str]
"""A process's number, its parent's, and its state: ``S`` or ``Z``."""


@register
class After(Program):
    """Tell what becomes of a container's processes when one of them ends."""

    id = "09.after"
    title = "when one of them ends"
    brief = "The judge will call your function with families of its own."
    parts = (
        Part("zombie", 1, "who ends is a zombie, with the parent that it had; all others are as before"),
        Part("orphans", 2, "its children, zombies among them, get number 1 for a parent; grandchildren keep theirs"),
        Part("waits", 2, "where number 1 waits, its zombies vanish, and only its own"),
        Part("first", 1, "when number 1 ends, nobody is left"),
    )
    hints = (
        "Three things happen one after the other: somebody ends, somebody is adopted, somebody is waited for. In which "
        "of the three columns does each of them change something?",
        "Whose zombie can number 1 wait for? Only for its own children, born to it or adopted. Look at the parent, "
        "after the adoption.",
        "Make a new list, row by row: the state of the one that ends is Z, a parent that ended is 1 from now on. "
        "At last leave out, if waits, the rows with parent 1 and state Z.",
    )
    look_at = "the section above, on orphans and zombies"
    whys = {  # noqa: RUF012 - a table to read, like the parts
        "zombie": "It keeps its number and its parent until that asks how it ended. Everybody else is as before.",
        "orphans": "Only children are orphaned, dead ones too; they all go to number 1, not to their grandparent.",
        "waits": "--init waits for its own children, adopted ones among them, and for nobody else's: a zombie whose "
        "parent lives stays until that parent waits.",
        "first": "Without a number 1 there is no PID namespace: the kernel kills everybody who is left in it.",
    }

    def cases(self, world: World) -> list[Case]:
        """Draw families; each case is one end in one of them."""
        drawn: list[tuple[str, str, list[Row], int, bool]] = []
        for which in ("one", "other"):
            a, b, c, d, e, f = numbers(world, which)
            #  1 ── a ── b ── d     a leaf: d; a zombie of a living parent: e, a child of b; f: a child of 1
            #       └─── c    └─ e
            family: list[Row] = [
                (1, 0, "S"),
                (a, 1, "S"),
                (b, a, "S"),
                (c, a, "S"),
                (d, b, "S"),
                (e, b, "Z"),
                (f, 1, "S"),
            ]
            calm: list[Row] = [row for row in family if row[0] != e]
            drawn += [
                ("zombie", "a leaf", family, d, False),
                ("zombie", "a child of number 1", family, f, False),
                ("orphans", "one with two children, the second dead", family, b, False),
                ("orphans", "one with children and grandchildren", family, a, False),
                ("waits", "a child of number 1", family, f, True),
                ("waits", "one whose parent lives and is not number 1", calm, c, True),
                ("waits", "one with a dead child", family, b, True),
                ("waits", "a child of number 1, with children and a zombie further down", family, a, True),
                ("first", "number 1", family, 1, which == "one"),
            ]
        return [_case(*each) for each in drawn]


def _case(part: str, words: str, family: list[Row], ended: int, waits: bool) -> Case:
    rows = [list(row) for row in sorted(family)]
    words = f"after({rows}, {ended}, {waits}), the end of {words}"
    return Case(part, (rows, ended, waits), after(family, ended, waits), words)


def numbers(world: World, which: str) -> list[int]:
    """Six numbers of processes, in any order: a child can have a smaller one than its parent, once they are used up."""
    return world.draws.stream(which).sample(range(2, 4000), 6)


def after(family: list[Row], ended: int, waits: bool) -> list[list[Any]]:
    """The rows of a family after one of it has ended, by number (``wait(2)``, Notes; ``pid_namespaces(7)``)."""
    if ended == 1:
        return []
    rows = [
        [number, 1 if parent == ended else parent, "Z" if number == ended else state]
        for number, parent, state in sorted(family)
    ]
    return [row for row in rows if not (waits and row[1:] == [1, "Z"])]
