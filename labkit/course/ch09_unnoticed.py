"""Chapter 09, PID 1, fourth part: who may die in a container, and nobody notices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from labkit import images
from labkit.course.ch09_hearing import script
from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, World, register
from labkit.course.verdict import Finding, Part, found

LETTERS = "abcd"

PROGRAM = """\
#!/bin/sh
mkfifo /tmp/$$
read -r word <>/tmp/$$
"""
"""A program that waits for ever, and has no children."""


class Pack(NamedTuple):
    """Two programs in one container: the command, whose end ends it, and why."""

    command: str
    ends: tuple[str, ...]
    why: str


PACKS: Mapping[str, Pack] = {
    "exec": Pack(
        "{one} & exec {other}",
        ("other",),
        "After exec there is no shell left: the second program is number 1, and does not care for the first.",
    ),
    "wait": Pack(
        "{one} & first=$!; {other} & wait $first",
        ("sh", "one"),
        "Number 1 waits for one of the two, and ends when that one has ended. For the other it does not look.",
    ),
    "any": Pack(
        "{one} & a=$!; {other} & b=$!; while kill -0 $a && kill -0 $b; do sleep 0.2; done 2>/dev/null",
        ("sh", "one", "other"),
        "Number 1 looks after both, again and again, and ends as soon as one of them is no more.",
    ),
    "all": Pack(
        "{one} & {other} & wait",
        ("sh",),
        "Number 1 waits until both have ended. If one dies, it waits on for the other.",
    ),
    "again": Pack(
        "{other} & while :; do {one}; done",
        ("sh",),
        "Number 1 starts the one again each time it ends, and never asks for the other.",
    ),
}


@register
class Unnoticed(Exercise):
    """Tell of each program in four containers whether its end ends the container."""

    id = "09.unnoticed"
    title = "who may die unnoticed?"
    kind = "value"
    brief = "Four containers, each with several programs in it:"
    parts = tuple(
        Part(letter, 1, f"of container {letter}, exactly those are named who take it along") for letter in LETTERS
    )
    hints = (
        "What does the daemon watch: all of a container's processes, or one of them? Who else could watch the others?",
        "docker inspect shows the command. Which process is number 1 in the end, and for whose end does it wait?",
        "Try it: kill one in a container, see whether docker ps still shows that. begin() again gives you new ones.",
    )
    seconds = 60

    def prepare(self, world: World) -> dict[str, Any]:
        """Load one image with all programs, and start four containers."""
        files: images.Files = {f"bin/{name}": script(PROGRAM) for letter in LETTERS for name in names(world, letter)}
        image = world.image("image", files)
        for letter, pack in zip(LETTERS, packs(world), strict=True):
            one, other = names(world, letter)
            world.run(PACKS[pack].command.format(one=one, other=other), letter, image=image)
        return {"containers": [world.name(letter) for letter in LETTERS]}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Compare with what the commands do; the containers must be there, dead or alive."""
        boxes = [box for letter in LETTERS if (box := world.find(letter))]
        if len(boxes) < len(LETTERS):
            return
        value = claim.value if isinstance(claim.value, dict) else {}
        for letter, pack, box in zip(LETTERS, packs(world), boxes, strict=True):
            truth = set(culprits(world, letter))
            said = value.get(box.name)
            named = {str(word) for word in said} if isinstance(said, list) else None
            why = _why(named, truth, PACKS[pack], names(world, letter))
            wanted, look_at = "a list of programs", f"docker inspect {box.name}, Config.Cmd; ps inside"
            yield found(letter, named == truth, expected=wanted, saw=repr(said), look_at=look_at, why=why)


_FORM = 'Hand in a dictionary: answer = {"CONTAINER": ["PROGRAM", …], …}, with a list for each of the four.'


def _why(named: set[str] | None, truth: set[str], pack: Pack, programs: tuple[str, str]) -> str:
    """Name the misunderstanding, where it is a usual one."""
    if named is None:
        return _FORM
    if not named <= {"sh", *programs}:
        return "Name programs of this container, in the words of ps: sh, or what stands behind it in the command."
    if "sh" in truth and "sh" not in named:
        return "Number 1 itself is missing: when the shell is killed, all others go with it."
    return pack.why


def names(world: World, letter: str) -> tuple[str, str]:
    """What the two programs of a container are called."""
    return world.seed.word(f"{letter} one"), world.seed.word(f"{letter} other")


def packs(world: World) -> list[str]:
    """What each of this learner's containers runs, in the order of the letters."""
    drawn = ["exec", "wait", "any", world.seed.pick("fourth", ("all", "again"))]
    world.seed.stream("packs").shuffle(drawn)
    return drawn


def culprits(world: World, letter: str) -> list[str]:
    """The programs of a container whose end ends it."""
    words = dict(zip(("one", "other"), names(world, letter), strict=True)) | {"sh": "sh"}
    return [words[each] for each in PACKS[packs(world)[LETTERS.index(letter)]].ends]
