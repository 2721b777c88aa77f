"""Chapter 06, Commit, save, load, second part: containers that become images."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from labkit import errors, images, sandbox
from labkit.course.claims import Claim
from labkit.course.copies import copy_of, diff_ids, missing, printed, put, take
from labkit.course.exercise import Exercise, World, register
from labkit.course.verdict import Finding, Part, found

LEDGER, LOCK, WORD = "/srv/ledger", "/srv/lock", "/srv/word"
PATIENCE = 1.5
"""Seconds in which a command that crashes at once has crashed."""


def _layers(key: str, layers: list[str], world: World) -> Finding:
    """Whether an image stands on all layers of the container's, with something of its own above."""
    below = diff_ids(world, images.ensure(world.daemon)) or []
    right = len(layers) > len(below) > 0 and layers[: len(below)] == below
    same = sum(one == other for one, other in zip(layers, below, strict=False))
    why = _SAME if layers == below else _FLAT if not same else ""
    saw = f"{len(layers)} in all, {same} of them the container's image's"
    wanted, look_at = (
        "all layers of the container's image, and above them the container's own",
        "docker inspect, RootFS",
    )
    return found(key, right, expected=wanted, saw=saw, look_at=look_at, why=why)


_SAME = "It has the layers of the container's image, and no more. What the container wrote is in none of its layers."
_FLAT = "None of its layers is the old image's: what went through docker export has lost its layers and its settings."


@register
class Rescue(Exercise):
    """Make a running image out of a container that crashes."""

    id = "06.rescue"
    title = "the container that starts no more"
    kind = "state"
    brief = "The container crashes whenever it is started. The image to make, and the file to rescue:"
    parts = (
        Part("image", 1, "the image stands on all layers of the container's image"),
        Part("ledger", 2, "the file in it holds what the container has written"),
        Part("runs", 1, "a container of it, with the image's own command, does not crash"),
    )
    hints = (
        "Where is the file, if the container does not run? And what does docker logs say about the crash?",
        "docker commit asks nobody whether a container runs. But what does the new image run, "
        "and what does that find in /srv?",
        'docker commit --change \'CMD ["…", "…"]\' CONTAINER IMAGE gives the image a command of its own.',
    )
    seconds = 60

    def prepare(self, world: World) -> dict[str, Any]:
        """Make a container that finds its own lock, and crashes."""
        box = world.run(
            f"if [ -e {LOCK} ]; then echo '{LOCK} is there: I run already' >&2; exit 1; fi\n"
            f"touch {LOCK}\nexec sleep 3600",
            "box",
            start=False,
            stop_signal="SIGKILL",
        )
        put(box, ledger=ledger(world), lock="")
        box.start()
        box.wait()
        return {"container": box.name, "image": world.name("image"), "file": LEDGER}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Look for the file in a copy that never runs, then run one."""
        image = world.name("image")
        layers = diff_ids(world, image)
        if layers is None:
            yield missing("image", world, "image")
            return
        yield _layers("image", layers, world)
        with copy_of(world, image, command="true") as box:
            text = take(box, LEDGER)
        saw, look_at = repr(text) if text else "no such file", f"docker run --rm IMAGE cat {LEDGER}"
        wanted = f"in {LEDGER} what the container has there"
        yield found("ledger", text == ledger(world), expected=wanted, saw=saw, look_at=look_at, why=_OTHER)
        if text == ledger(world):
            yield _runs(world, image)


_OTHER = "That is not the crashed container's layer: a new container of the same image has a new one of its own."
_AGAIN = "It does what the container did. The commit took the command along, and the lock: both are in the image now."
_NO_COMMAND = "The image says of no command what to run."


def ledger(world: World) -> str:
    """What the container has written."""
    return f"{world.seed.word('ledger')} paid {world.seed.number('sum', 1000, 9999)}"


def _runs(world: World, image: str) -> Finding:
    try:
        with copy_of(world, image) as box:
            box.start()
            with contextlib.suppress(errors.SandboxError):
                sandbox.wait_until(lambda: box.status != "running", "it crashes", deadline=PATIENCE)
            state, said = box.inspect()["State"], box.logs().strip()
    except errors.SandboxError as error:
        return found(
            "runs", False, expected=_ALIVE, saw=error.problem, look_at="docker inspect, Config", why=_NO_COMMAND
        )
    right = state["Status"] == "running"
    saw = f"{state['Status']}, exit code {state['ExitCode']}: {said}"
    return found("runs", right, expected=_ALIVE, saw=saw, look_at="docker inspect, Config.Cmd", why=_AGAIN)


_ALIVE = "a container that runs, with the command that the image brings"


@register
class Command(Exercise):
    """Commit a container with another command than its own."""

    id = "06.command"
    title = "the same files, another command"
    kind = "state"
    brief = "The container runs. The image to make, and the file that the image's own command prints:"
    parts = (
        Part("layers", 1, "the image has all layers of the container's image, and the container's own above them"),
        Part("prints", 2, "its own command prints the file, and ends"),
        Part("anew", 1, "if the file holds something else, it prints that"),
    )
    hints = (
        "Where does it stand which command a container runs if nobody gives one: in a layer, or beside the layers?",
        "docker commit --help: one option changes what stands beside the layers, in a Dockerfile's words. "
        "The exec form of CMD is JSON: which quotes does JSON know?",
        "sh('docker commit --change \\'CMD [\"cat\", \"…\"]\\' CONTAINER IMAGE'): single quotes for the shell around "
        "double quotes for JSON.",
    )
    seconds = 60

    def prepare(self, world: World) -> dict[str, Any]:
        """Start a container and write the file into it."""
        box = world.run("sleep 3600", "box", stop_signal="SIGKILL")
        put(box, word=word(world))
        return {"container": box.name, "image": world.name("image"), "file": WORD}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Run the image twice, the second time with another word in the file."""
        image = world.name("image")
        layers = diff_ids(world, image)
        if layers is None:
            yield missing("layers", world, "image")
            return
        right = _layers("layers", layers, world)
        yield right
        said = _said(world, image)
        look_at, why = f"docker run --rm {image}", _why_said(said)
        yield found("prints", said == word(world), expected=f"what is in {WORD}", saw=said, look_at=look_at, why=why)
        if said == word(world) and right.state == "pass":
            other = world.draws.word("other")
            said = _said(world, image, other)
            yield found(
                "anew",
                said == other,
                expected=f"{other}, when that is in {WORD}",
                saw=said,
                look_at=look_at,
                why=_FIXED,
            )


def word(world: World) -> str:
    """What is in the file."""
    return world.seed.word("word")


def _said(world: World, image: str, other: str = "") -> str:
    """What the image's own command prints; the file holds another word if one is given."""
    try:
        with copy_of(world, image) as box:
            if other:
                put(box, word=other)
            return printed(box)
    except errors.SandboxError as error:
        return error.problem


_FIXED = "The command prints a word that was written into the command. It shall read the file."


def _why_said(said: str) -> str:
    """Name the misunderstanding, where it is a usual one."""
    if "waited" in said:
        return "It does not end: is that the container's old command? A commit takes it along, unless told otherwise."
    if "not found" in said and "[" in said:
        return "The exec form is JSON, and JSON has double quotes only. Anything else is a line for the shell."
    if "No such file" in said or "can't open" in said:
        return "The file is in the layer of the container that was named, and in no other."
    return ""
