"""Chapter 10, Signals, third part: the signal that a program wants to be asked with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit import errors, sandbox
from labkit.course.claims import Claim
from labkit.course.copies import diff_ids
from labkit.course.exercise import Exercise, World, register
from labkit.course.verdict import Finding, Part, failed, found
from labkit.images import Item
from labkit.inside.policy import read_policy

CHOICE = ("SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH")
PATIENCE = 3
"""Seconds that the judge's docker stop grants: the program needs none of them."""

SCRIPT = """\
#!/bin/sh
trap 'echo "app: heard {finish}"; asked=yes' {finish}
trap 'echo "app: heard {reload}, and has read its settings again"' {reload}
mkfifo /tmp/queue
echo "app: ready"
until [ "$asked" ]; do read -r -t 1 item <>/tmp/queue; done
echo "app: finished $ORDER"
"""


@register
class Choose(Exercise):
    """Start a container that docker stop ends well."""

    id = "10.choose"
    title = "a program that wants to be asked otherwise"
    kind = "state"
    brief = "The image, a container of it that is yours to try things with, and the container to make:"
    parts = (
        Part("runs", 1, "a container of that name runs, of the image or of one that you made from it"),
        Part("asked", 2, "whoever stops one like it without another word makes the program finish"),
        Part("well", 1, "and it ends with exit code 0, before anybody forces it"),
    )
    hints = (
        "Which signals has the program handlers for? Bit by bit, or with read_masks; some belong to every shell. "
        "And what does it say when you send it one of them?",
        "docker kill -s sends anything to the container that is yours to try. Its log tells what the program did. "
        "One signal finishes it, one does not.",
        "docker run -d --stop-signal SIG… --name … IMAGE. Or a Dockerfile of two lines: FROM, and STOPSIGNAL.",
    )
    seconds = 60

    def prepare(self, world: World) -> dict[str, Any]:
        """Make the image, and start one container of it as it is."""
        image = world.image("app", {"bin/app": Item(script(world).encode(), mode=0o755)}, Cmd=["app"])
        box = world.run("", "spare", image=image)
        sandbox.wait_until(lambda: "ready" in box.logs(), f"{box.name} is ready")
        return {"image": image, "spare": box.name, "container": world.name("box")}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Stop a copy of the learner's container: the same image and settings, with an order of its own."""
        below, box, name = diff_ids(world, world.name("app:latest")), world.find("box"), world.name("box")
        if not below:
            return
        if box is None or not box.pid:
            saw = box.status if box else "no container of that name"
            yield failed("runs", expected=f"a container {name} that runs", saw=saw, look_at="docker ps -a")
            return
        facts = box.inspect()
        ours = (diff_ids(world, facts["Image"]) or [])[: len(below)] == below
        wanted, saw = "the given image, or one made from it", facts["Config"]["Image"]
        yield found("runs", ours, expected=wanted, saw=saw, look_at="docker ps, column IMAGE")
        if ours:
            yield from self.stop(world, facts)

    def stop(self, world: World, facts: dict[str, Any]) -> Iterator[Finding]:
        """Start a copy and stop it."""
        order = world.draws.word("order")
        try:
            with copy_of_container(
                world, facts, environment=[*(facts["Config"]["Env"] or ()), f"ORDER={order}"]
            ) as copy:
                sandbox.wait_until(lambda: "app: ready" in copy.logs(), f"{copy.name} is ready", deadline=10)
                world.daemon.client.api.stop(copy.id, timeout=PATIENCE)
                code, said = copy.inspect()["State"]["ExitCode"], copy.logs().strip().splitlines()
        except errors.SandboxError as error:
            look_at = "docker logs of your container"
            yield failed("asked", expected="a program that gets ready", saw=error.problem, look_at=look_at)
            return
        signal, last = read_policy(facts).stop_signal, "".join(said[-1:])
        finished, saw = f"app: finished {order}" in said, f"stop signal {signal}; the log ends with {last!r}"
        why = self.why(world, signal, code, facts)
        wanted, look_at = "a log that says 'app: finished …'", f"docker logs {world.name('spare')}, after a signal"
        yield found("asked", finished, expected=wanted, saw=saw, look_at=look_at, why=why)
        if finished:
            yield found("well", code == 0, expected="exit code 0", saw=code, look_at="docker inspect, State", why=_CODE)

    def why(self, world: World, signal: str, code: int, facts: dict[str, Any]) -> str:
        """Name the misunderstanding, where it is a usual one."""
        if signal == signals_of(world)[1]:
            return _RELOAD
        if signal == "SIGKILL":
            return _KILL
        if code == 143:
            return _INIT
        if signal == "SIGTERM":
            return _TERM if facts["Config"].get("StopTimeout") is None else _TIMEOUT
        return "To that it has no handler, and the first process of a container is spared every default action."


_RELOAD = "It has a handler for that one: it reads its settings again, and goes on. Handled does not mean ended."
_KILL = "At once, but not well: SIGKILL reaches no handler, so the program finishes nothing."
_INIT = "It ended at once, because it was no longer number 1: TERM's default action ended it. It finished nothing."
_TIMEOUT = "How long docker stop waits does not change what it sends: TERM, for which this program has no handler."
_TERM = "This one is asked with TERM, as all are of whom nobody says another. The program has no handler for it."
_CODE = "It finished, and something else made an exit code of that."


def signals_of(world: World) -> tuple[str, str]:
    """The signal on which the program finishes, and the one on which it only reads its settings again."""
    finish, reload = world.seed.stream("signals").sample(CHOICE, 2)
    return finish, reload


def script(world: World) -> str:
    """The program of this learner."""
    finish, reload = (signal.removeprefix("SIG") for signal in signals_of(world))
    return SCRIPT.format(finish=finish, reload=reload)


def copy_of_container(world: World, facts: dict[str, Any], *, environment: list[str]) -> sandbox.Box:
    """Start a container of the judge's with another one's image and settings."""
    config = facts["Config"]
    return world.run(
        config["Cmd"] or "",
        "judge",
        image=facts["Image"],
        entrypoint=config["Entrypoint"],
        environment=environment,
        stop_signal=config.get("StopSignal"),
        init=facts["HostConfig"].get("Init"),
        network_mode="none",
    )
