"""Chapter 03, A container is a process, fourth part: how a container ends, and what stays of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from labkit import errors, images, sandbox
from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, World, register
from labkit.course.verdict import Finding, Part, failed, found
from labkit.inside.events import read_told


@register
class Exit(Exercise):
    """Run a command that ends with a code of its own, and keep the container."""

    id = "03.exit"
    title = "an end of its own making"
    kind = "state"
    brief = "The container to run, its image, its label, and the exit code that its command ends with:"
    parts = (
        Part("kept", 1, "the container is still there, made from the image"),
        Part("label", 1, "it carries the label"),
        Part("code", 2, "it has ended with the exit code"),
        Part("own", 1, "its command ends like that by itself, each time"),
    )
    hints = (
        "What is a container's exit code, if a container is a process? And who removes the container when it ends?",
        "docker run takes --name and --label before the image, and the command after it. A shell ends as exit says.",
        "docker run --name … --label … IMAGE sh -c 'exit …'. sh() raises an error if the status is not 0: "
        "with -d, docker run does not wait for the end.",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Draw the code and the label; the container is the learner's to make."""
        return {
            "container": world.name("box"),
            "image": images.ensure(world.daemon),
            "label": label(world),
            "code": code(world),
        }

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Ask the daemon how it ended, and run the same command once more."""
        box = world.find("box")
        if box is None:
            saw, look_at = "no container of that name", "docker ps -a"
            why = _REMOVED if was_there(world) else ""
            yield failed("kept", expected=f"a container {world.name('box')}", saw=saw, look_at=look_at, why=why)
            return
        facts = _settled(box)
        image = world.daemon.client.images.get(images.ensure(world.daemon)).id
        saw, look_at = facts["Config"]["Image"], "docker ps -a, column IMAGE"
        yield found("kept", facts["Image"] == image, expected=images.BUSYBOX, saw=saw, look_at=look_at)
        key, _, value = label(world).partition("=")
        marks, look_at = facts["Config"]["Labels"] or {}, "docker inspect, Config.Labels"
        wanted, right = f"the label {label(world)}", marks.get(key) == value
        yield found("label", right, expected=wanted, saw=f"{key}={marks.get(key)}", look_at=look_at, why=_LABEL)
        state = facts["State"]
        ended = state["Status"] == "exited" and state["ExitCode"] == code(world)
        saw, look_at = f"{state['Status']}, exit code {state['ExitCode']}", "docker inspect, State"
        wanted, why = f"exited, exit code {code(world)}", _why_code(state)
        yield found("code", ended, expected=wanted, saw=saw, look_at=look_at, why=why)
        if ended and facts["Image"] == image:
            yield _again(facts, world)


_LABEL = "Options stand before the image: what stands behind it is the command's."
_REMOVED = "It was there, and was removed: --rm takes the container away when its process ends, and its code with it."


def code(world: World) -> int:
    """The exit code that the command shall end with."""
    return world.seed.number("code", 3, 99)


def label(world: World) -> str:
    """The label that the container shall carry: the course's own, so that it can be found and removed anywhere."""
    return f"{sandbox.LABEL}={world.seed.word('label')}"


def was_there(world: World) -> bool:
    """Whether the daemon's diary knows that a container of this name was removed."""
    told = read_told(world.daemon, world.name("box"))
    return any(event.action == "destroy" for event in told)


def _settled(box: sandbox.Box) -> dict[str, Any]:
    """What the daemon says of a container, once it has ended or is seen not to."""
    with contextlib.suppress(errors.SandboxError):
        sandbox.wait_until(lambda: box.status != "running", f"{box.name} has ended", deadline=5)
    return box.inspect()


def _why_code(state: dict[str, Any]) -> str:
    """Name the misunderstanding, where it is a usual one."""
    match state["Status"], state["ExitCode"]:
        case "created", 126 | 127:
            return "The daemon could not even start the command: it takes it for a program of that name."
        case "created", _:
            return "It was created, and no process ever ran in it: only a process has an exit code."
        case "running" | "paused", _:
            return "Its process still lives. A container ends when its process does, and not before."
        case "exited", 137 | 143 as number:
            return f"{number} is 128 + {number - 128}: a signal ended it. Nobody asked its command for a code."
        case "exited", 0:
            return "Its command ended well. A shell ends with the code of its last command, unless exit says another."
    return ""


def _again(facts: dict[str, Any], world: World) -> Finding:
    """Run the same command in another container, and see how that one ends."""
    config = facts["Config"]
    own = {"image": facts["Image"], "entrypoint": config["Entrypoint"], "environment": config["Env"]}
    with world.run(config["Cmd"] or [], "again", start=False, **own) as copy:
        copy.start()
        state = _settled(copy)["State"]
    right = state["Status"] == "exited" and state["ExitCode"] == code(world)
    saw, look_at = f"{state['Status']}, exit code {state['ExitCode']}", "docker inspect, Config.Cmd"
    wanted = f"exit code {code(world)} from the same command, when nobody helps"
    return found("own", right, expected=wanted, saw=saw, look_at=look_at, why=_HELPED)


_HELPED = "The command waits for somebody to end it. The code shall come from the command itself."
