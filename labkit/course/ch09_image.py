"""Chapter 09, PID 1, second part: an image in which the app hears what is said to number 1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit import errors, sandbox
from labkit.course.ch09_hearing import script
from labkit.course.claims import Claim
from labkit.course.copies import copy_of, diff_ids, missing, take
from labkit.course.exercise import Exercise, World, register
from labkit.course.verdict import Finding, Part, found

GRACE = 2
"""Seconds that the judge's ``docker stop`` grants."""

READY = 10.0
"""Seconds in which the app of a learner's image must be ready."""

APP = """\
#!/bin/sh
trap 'echo "{app}: heard TERM, ticket $(cat /tmp/ticket) is closed"; exit 0' TERM
if ! [ -s /tmp/ticket ]; then
    echo "{app}: nobody has prepared /tmp/ticket" >&2
    exit 1
fi
mkfifo /tmp/queue
echo "{app}: ready"
while :; do read -r -t 1 item <>/tmp/queue; done
"""

START = """\
#!/bin/sh
echo "$TICKET" >/tmp/ticket
"$@"
"""


@register
class Fix(Exercise):
    """Make an image whose app hears TERM."""

    id = "09.fix"
    title = "let it hear"
    kind = "state"
    brief = "The image that does not stop, its app, and the image to make:"
    parts = (
        Part("stands", 1, "the new image stands on all layers of the old one, and the app in it is the same"),
        Part("ready", 1, "with the image's own command the ticket is prepared, and the app gets ready"),
        Part("hears", 2, "docker stop makes the app itself hear TERM"),
        Part("code", 1, "so the container ends with the app's own exit code, 0"),
    )
    hints = (
        "Who is number 1 in a container of the old image, and who is number 1's child? Count the shells in between.",
        "Entrypoint and Cmd are joined to one command. Both put a shell before the app: one is in the image's "
        "configuration, the other in the script /bin/start. What lets a shell become what it starts?",
        'A Dockerfile with three lines: FROM the old image; RUN something that puts exec before "$@" in /bin/start; '
        "CMD in exec form.",
    )
    seconds = 60

    def prepare(self, world: World) -> dict[str, Any]:
        """Load the old image; the new one is the learner's to make."""
        name = app(world)
        files = {f"bin/{name}": script(APP.format(app=name)), "bin/start": script(START)}
        config: dict[str, Any] = {"Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TICKET=0"]}
        commands = {"Entrypoint": ["start"], "Cmd": ["/bin/sh", "-c", f"{name}; echo done"]}
        image = world.image("old", files, **config, **commands)
        return {"image": image, "app": name, "fixed": world.name("new")}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Start a container with a ticket of the judge's own, and stop it."""
        old, new = diff_ids(world, world.name("old")), diff_ids(world, world.name("new"))
        if not old:
            return
        if new is None:
            yield missing("stands", world, "new")
            return
        ticket = world.draws.word("ticket")
        with copy_of(world, world.name("new"), environment={"TICKET": ticket}) as box:
            same = new[: len(old)] == old and take(box, f"/bin/{app(world)}") == APP.format(app=app(world)).strip()
            wanted, look_at = "all layers of the old image, and its app", "docker inspect, RootFS; docker history"
            saw = "other layers below" if new[: len(old)] != old else "another app"
            yield found("stands", same, expected=wanted, saw=saw, look_at=look_at, why=_FROM)
            if same:
                yield from _stopped(box, world, ticket)


_FROM = "It is the way in which the app is started that has to change: FROM the old image, and not the app."
_UNPREPARED = "Started without /bin/start, the app finds no ticket. The preparation has to stay, and then to give way."


def app(world: World) -> str:
    """What the app is called."""
    return world.seed.word("app")


def _stopped(box: sandbox.Box, world: World, ticket: str) -> Iterator[Finding]:
    """Start it, stop it once the app is ready, and read its log."""
    name, look_at = app(world), "docker run with -e TICKET=…; docker logs"
    said = _started(box, f"{name}: ready")
    ready = f"{name}: ready" in said
    why = _UNPREPARED if "nobody has prepared" in said else ""
    yield found("ready", ready, expected=f"{name}: ready, in the log", saw=repr(said), look_at=look_at, why=why)
    if not ready:
        return
    facts = box.inspect()
    box.daemon.client.api.stop(box.id, timeout=GRACE)
    said, code = box.logs().strip(), box.wait()
    hears = f"{name}: heard TERM, ticket {ticket} is closed" in said
    wanted, saw = f"{name}: heard TERM, with the ticket", f"{said!r}, exit code {code}"
    look_at, why = "ps inside: who is number 1?", _why(facts, code, world)
    yield found("hears", hears, expected=wanted, saw=saw, look_at=look_at, why=why)
    if hears:
        yield found("code", code == 0, expected="exit code 0", saw=f"{code}", look_at=look_at, why=_CODE)


_CODE = "The app hears, and ends with 0; who waits for it must end with the same number."


def _started(box: sandbox.Box, line: str) -> str:
    """Start it and wait for a line of its log, or its end; return what it said."""
    try:
        box.start()
        sandbox.wait_until(lambda: line in box.logs() or not box.pid, f"{box.name} says {line}", deadline=READY)
    except errors.SandboxError as error:
        return f"{box.logs().strip()}\n{error.problem}".strip()
    return box.logs().strip()


def _why(facts: dict[str, Any], code: int, world: World) -> str:
    """Name the misunderstanding, where it is a usual one."""
    signal = facts["Config"].get("StopSignal") or "SIGTERM"
    if signal.removeprefix("SIG") not in ("TERM", "15"):
        return f"The image asks for {signal} in place of TERM. A faster end is not a better one: the app hears nothing."
    if code == 0:
        return "Exit code 0, and not from the app: number 1 has ended itself, and the app with it, by SIGKILL."
    command = [*(facts["Config"]["Entrypoint"] or ()), *(facts["Config"]["Cmd"] or ())]
    if code == 137 and any(f"{app(world)};" in word for word in command):
        return (
            "The command is still in shell form: a shell waits for the app, to say that it is done. It hears nothing."
        )
    if code == 137:
        return "The whole grace period has passed. The script still waits for what it has started, and hears nothing."
    return ""
