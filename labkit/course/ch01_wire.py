"""Chapter 01, The socket, second half: what is said on it, byte by byte."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from labkit import errors, images, sandbox
from labkit.course import knocking
from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, Program, World, register
from labkit.course.outputs import Case, compare, read_outputs
from labkit.course.verdict import Finding, Part, failed, found
from labkit.inside.events import Event, read_clock, read_told


@register
class Ping(Program):
    """Ask for the daemon's pulse, in bytes."""

    id = "01.ping"
    title = "feel the daemon's pulse, byte by byte"
    brief = "The judge listens on sockets of its own and waits for your knock."
    parts = (
        Part("request", 1, "the request is written as HTTP asks"),
        Part("answer", 2, "the status and the API version are read from the answer"),
        Part("pieces", 2, "an answer that comes in pieces is read to its end"),
    )
    hints = (
        "Look at the request that this chapter sent. Where does each of its lines end, and what ends the whole?",
        "recv gives what has arrived, not what was sent. How do you know that nothing more will come?",
        "Ask with 'Connection: close', then call recv until it returns b''. Header names may be written in any case.",
    )

    def manners(self, world: World) -> list[tuple[str, knocking.Manner]]:
        """Four ways to answer, drawn anew for each check, with the part that each is about."""
        a, b, c, d = (f"1.{world.draws.number(f'api{n}', 25, 99)}" for n in range(4))
        status = world.draws.pick("status", (500, 502, 503))
        return [
            ("answer", knocking.Manner(a)),
            ("answer", knocking.Manner(b, status=status, lower=True)),
            ("pieces", knocking.Manner(c, pieces=2)),
            ("pieces", knocking.Manner(d, pieces=9)),
        ]

    @contextlib.contextmanager
    def stage(self, world: World) -> Iterator[list[tuple[Any, ...]]]:
        """Let the listeners wait; what they heard is known when they are gone."""
        with knocking.listeners([manner for _, manner in self.manners(world)]) as waiting:
            yield [listener.address for listener in waiting]
        world.notes["heard"] = [listener.heard for listener in waiting]

    def gather(self, claim: Claim, world: World) -> Claim:
        """Add what the listeners heard to what the function returned."""
        return claim if claim.problem or claim.empty else Claim.of({"outputs": claim.value, **world.notes})

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Judge the request by what was heard, the answers by what was sent."""
        value = claim.value if isinstance(claim.value, dict) else {}
        heard = [str(request) for request in _as_list(value.get("heard"))] or [""]
        complaints = [words for request in heard if (words := knocking.complaint(request))]
        outputs = read_outputs(Claim(value.get("outputs"), claim.problem), 4)
        saw = outputs[0].get("raised") or repr(heard[0])
        wanted, look_at = "a first line, a Host header, an empty line", "the bytes that this chapter sent"
        why = "".join(complaints[:1])
        yield found("request", not complaints, expected=wanted, saw=saw, look_at=look_at, why=why)
        if complaints:
            return
        told = list(zip([_answered(*manner) for manner in self.manners(world)], outputs, strict=True))
        why = "Header names may come in any case, and not every status is 200. Return (a number, a text)."
        yield compare("answer", told, look_at="the first line and the headers of an answer", why=why)
        why = "One recv is not one answer: the bytes come as they please, and even the headers in two parts."
        yield compare("pieces", told, look_at="how often you call recv", why=why)


def _as_list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _answered(part: str, manner: knocking.Manner) -> Case:
    words = f"status {manner.status} and API {manner.version}, sent in {manner.pieces} pieces"
    return Case(part, (), [manner.status, manner.version], words)


@register
class ByHand(Exercise):
    """Create, start and wait, with nothing but a socket."""

    id = "01.by-hand"
    title = "run a container by hand"
    kind = "state"
    brief = "The container to make, its image, the word it prints, and the exit code it ends with:"
    parts = (
        Part("made", 1, "the container exists and is made from the image"),
        Part("printed", 1, "it printed the word"),
        Part("ended", 1, "it has ended with the exit code"),
        Part("statuses", 2, "the three status codes are those that the daemon answered with"),
    )
    hints = (
        "Three requests make one run. Which creates, which starts, which waits? The Engine API reference lists them.",
        "POST /containers/create?name=…, with a Content-Type and a Content-Length; then …/start; then …/wait.",
        'The body is JSON: {"Image": …, "Cmd": ["sh", "-c", "echo …; exit …"]}. '
        "The first line of an answer has the status.",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Draw the name, the word and the exit code; the container is the learner's to make."""
        return {
            "container": world.name(),
            "image": images.ensure(world.daemon),
            "word": world.seed.word("word"),
            "code": world.seed.number("code", 3, 99),
        }

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Ask the daemon about the container, and compare the statuses."""
        box = world.find()
        if box is None:
            saw = "no container of that name"
            yield failed("made", expected=f"a container {world.name()}", saw=saw, look_at="docker ps -a")
            return
        with contextlib.suppress(errors.SandboxError):  # the daemon answers /wait before the wait is over
            sandbox.wait_until(lambda: box.status != "running", f"{box.name} has ended", deadline=5)
        facts = box.inspect()
        state = facts["State"]
        image = world.daemon.client.images.get(images.ensure(world.daemon)).id
        saw, look_at = facts["Config"]["Image"], "docker ps -a, column IMAGE"
        yield found("made", facts["Image"] == image, expected=images.BUSYBOX, saw=saw, look_at=look_at)
        word, said, look_at = world.seed.word("word"), box.logs(), f"docker logs {box.name}"
        yield found("printed", word in said.split(), expected=f"the word {word}", saw=repr(said), look_at=look_at)
        code = world.seed.number("code", 3, 99)
        ended = state["Status"] == "exited" and state["ExitCode"] == code
        saw, look_at = f"{state['Status']}, exit code {state['ExitCode']}", f"docker inspect {box.name}, under State"
        why = _NOT_ENDED.get(state["Status"], "")
        yield found("ended", ended, expected=f"exited, exit code {code}", saw=saw, look_at=look_at, why=why)
        if ended:
            yield _statuses(claim.value)


_NOT_ENDED = {
    "created": "Creating is not starting: the container is there, and no process ever ran in it.",
    "running": "It still runs. Waiting for it is the third request.",
    "exited": "A shell ends with the code of its last command, unless exit says another one.",
}


def _statuses(value: object) -> Finding:
    why = "These are not the three that a daemon gives to three first requests. Begin again for a clean world."
    if value is None:
        why = "Hand them in as a list in `answer`: the statuses of create, of start and of wait, as numbers."
    elif isinstance(value, list) and 304 in value:
        why = "304 says that it was started already: there was nothing left to do. Begin again for a clean world."
    elif isinstance(value, list) and set(map(str, value)) == {"200"}:
        why = "HTTP has more than one word for success; read the first line of each answer."
    wanted, look_at = "three numbers, in the order of asking", "the first line of each answer"
    return found("statuses", value == [201, 204, 200], expected=wanted, saw=repr(value), look_at=look_at, why=why)


@register
class Events(Exercise):
    """Read in the daemon's diary."""

    id = "01.events"
    title = "the four events of one run"
    kind = "value"
    brief = "The container that came and went, and between which seconds of the daemon's clock:"
    parts = (
        Part("actions", 2, "the four events of its life are named in order"),
        Part("code", 2, "its exit code is the one that the daemon told"),
    )
    hints = (
        "The container is gone, so inspect cannot help. Who saw it, and still tells of it afterwards?",
        "GET /events?since=…&until=… ends by itself. Each line tells Type, Action and Actor.Attributes.",
        "Keep the lines whose Type is container and whose Actor.Attributes.name is yours; die carries exitCode.",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Let a container come and go, and a twin beside it."""
        since = int(read_clock(world.daemon))
        for what in ("twin", "box"):
            gone = world.run(f"exit {_exit_code(world, what)}", what, auto_remove=True)
            _await_end(gone)
        return {"container": world.name("box"), "since": since, "until": int(read_clock(world.daemon)) + 1}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Ask the daemon for its diary, and compare the last run of that name with the claim."""
        told = _told(world)
        if not told:
            return
        value = claim.value if isinstance(claim.value, dict) else {}
        actions = value.get("actions")
        wanted, look_at = "the actions of one container, first to last", "GET /events with since and until"
        right = actions == [event.action for event in told]
        saw, why = repr(actions or claim.value), _actions_why(claim, actions)
        yield found("actions", right, expected=wanted, saw=saw, look_at=look_at, why=why)
        yield _code(value.get("exit code"), world)


def _await_end(box: sandbox.Box) -> None:
    sandbox.wait_until(lambda: not sandbox.find(box.daemon, box.name), f"{box.name} is gone")


def _exit_code(world: World, what: str) -> int:
    low, high = {"box": (3, 99), "twin": (100, 199)}[what]
    return world.seed.number(what, low, high)


def _code(code: object, world: World) -> Finding:
    why = ""
    if isinstance(code, str):
        why = "Hand in a number: the daemon writes it as a text, as all attributes are."
    elif code == _exit_code(world, "twin"):
        why = "That is the exit code of the other container, the twin: compare the names."
    right, look_at = type(code) is int and code == _exit_code(world, "box"), "the event die, exitCode"
    return found("code", right, expected="a number", saw=repr(code), look_at=look_at, why=why)


def _told(world: World) -> list[Event]:
    """The daemon's events of the last run of this exercise's container."""
    told = read_told(world.daemon, world.name("box"))
    begins = [index for index, event in enumerate(told) if event.action == "create"]
    return told[begins[-1] :] if begins else []


def _actions_why(claim: Claim, actions: object) -> str:
    if not isinstance(claim.value, dict):
        return 'Hand in a dictionary: answer = {"actions": [...], "exit code": ...}.'
    names = [str(action) for action in actions] if isinstance(actions, list) else []
    if "connect" in names or "disconnect" in names:
        return "connect and disconnect are events of the network that it was plugged into, not of the container."
    if len(names) > 4:
        return "These are the events of more than one container: compare the names."
    if names and "destroy" not in names:
        return "Its end is missing: a container outlives its process, and is destroyed when it is removed."
    return ""
