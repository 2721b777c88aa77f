"""Chapter 02, Client and server, third part: a daemon that is somewhere else."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from labkit import errors, sandbox
from labkit.course import doors
from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, Program, World, register
from labkit.course.outputs import Case
from labkit.course.verdict import Finding, Part, failed, found
from labkit.second import PORT, second_daemon


@register
class Elsewhere(Exercise):
    """Point a client at another daemon."""

    id = "02.elsewhere"
    title = "the same command, another daemon"
    kind = "state"
    brief = "The container that another daemon runs in, its port there, and what that daemon shall have in the end:"
    parts = (
        Part("there", 3, "the other daemon has the volume"),
        Part("label", 1, "the volume there carries the label"),
        Part("here", 1, "your own daemon has no such volume"),
    )
    hints = (
        "Which daemon does docker ask when nobody tells it where? What are the two ways to tell it?",
        "That daemon's port is in its container. Forward(box, port) makes a port of this computer that leads there.",
        "With forward = Forward(…): sh(f'docker -H {forward.url} volume create --label … NAME'). "
        "docker-py takes the same address.",
    )
    seconds = 60

    def prepare(self, world: World) -> dict[str, Any]:
        """Start a second daemon; the volume is the learner's to make."""
        name = world.name("daemon")
        second = second_daemon(world.daemon, host=world.host, name=name, what="exercise", exercise=self.id)
        second.forward.close()
        return {"box": name, "port": PORT, "volume": world.name("volume"), "label": label(world)}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Ask both daemons for the volume."""
        box, name = world.find("daemon"), world.name("volume")
        if box is None or box.status != "running":
            return
        there, here = _volumes_there(box), _volumes_here(world)
        wanted, look_at = f"a volume {name} there", "docker -H … volume ls"
        saw = f"there: {_series(there)}; on your own daemon: {name if name in here else 'none of that name'}"
        why = _HERE if name in here else ""
        yield found("there", name in there, expected=wanted, saw=saw, look_at=look_at, why=why)
        if name not in there:
            return
        key, _, value = label(world).partition("=")
        marks, look_at = there[name], f"docker -H … volume inspect {name}"
        right = marks.get(key) == value
        yield found("label", right, expected=f"the label {label(world)}", saw=repr(marks), look_at=look_at)
        if name in here:
            saw, look_at = f"a volume {name}", "docker volume ls, without -H"
            yield failed("here", expected="no volume of that name", saw=saw, look_at=look_at, why=_BOTH)
        else:
            yield found("here", True, expected="", saw="", look_at="")


_HERE = "That was your own daemon: the client asks the one in DOCKER_HOST unless it is told another address."
_BOTH = "It was made on both. Two daemons know nothing of each other: remove the one here with docker volume rm."


def label(world: World) -> str:
    """The label that the volume shall carry: the course's own, so that it can be found and removed anywhere."""
    return f"{sandbox.LABEL}={world.seed.word('label')}"


def _volumes_there(box: sandbox.Box) -> dict[str, dict[str, str]]:
    """The volumes of the daemon in a container, with their labels: asked from inside, where it listens."""
    try:
        said = json.loads(box.sh(f"/bin/busybox wget -q -O - http://127.0.0.1:{PORT}/volumes"))
    except (errors.SandboxError, ValueError) as error:
        raise errors.SandboxError(f"the daemon in {box.name} does not answer: {error}", "Begin again.") from error
    return {volume["Name"]: volume["Labels"] or {} for volume in said["Volumes"] or ()}


def _volumes_here(world: World) -> set[str]:
    api: Any = world.daemon.client.api
    return {volume["Name"] for volume in api.volumes()["Volumes"] or ()}


def _series(names: dict[str, dict[str, str]]) -> str:
    return ", ".join(sorted(names)) or "no volume"


@register
class Certificate(Program):
    """Prove that without the certificate nothing is served."""

    id = "02.certificate"
    title = "what does it serve to strangers?"
    brief = "The judge opens doors of its own that speak TLS, and will call your function with each."
    parts = (
        Part("refused", 2, "a daemon that insists on a certificate is told as refused"),
        Part("served", 2, "a daemon that serves strangers is told by the status of its answer"),
        Part("impostor", 1, "a server that cannot prove who it is, is told as impostor"),
    )
    hints = (
        "You speak TLS and show no certificate. What would prove that you are served: the connection, or an answer?",
        "In TLS 1.3 the handshake is over before the server has looked at your certificate. "
        "Ask something, and see whether an answer comes.",
        "ssl.SSLCertVerificationError says that the server is not the one that ca vouches for. "
        "It is a kind of OSError, as all other refusals are: catch it first.",
    )
    look_at = "which of your lines raises, and what"
    whys = {  # noqa: RUF012 - a table to read, like the parts
        "refused": "Being connected is not being served. In TLS 1.3 the refusal comes after your handshake is over.",
        "served": "Here an answer came, without a certificate: return its status, a number, whatever it is.",
        "impostor": "Its certificate is signed by somebody else than ca. Who does not check that, talks to anybody.",
    }

    def policies(self, world: World) -> list[tuple[str, doors.Policy]]:
        """The doors in an order of their own at each check, with the part that each is about."""
        status = {key: world.draws.number(key, 200, 599) for key in "abc"}
        drawn = [
            ("refused", doors.Policy(asks=True, insists=True)),
            ("refused", doors.Policy(asks=True, insists=True, newest=2)),
            ("served", doors.Policy(status=status["a"])),
            ("served", doors.Policy(newest=2, status=status["b"])),
            ("served", doors.Policy(asks=True, status=status["c"])),
            ("impostor", doors.Policy(impostor=True)),
            ("impostor", doors.Policy(impostor=True, asks=True, insists=True, newest=2)),
        ]
        world.draws.stream("order").shuffle(drawn)
        return drawn

    @contextlib.contextmanager
    def stage(self, world: World) -> Iterator[list[tuple[Any, ...]]]:
        """Let the doors stand open: the arguments are (host, port, ca)."""
        with doors.doors([policy for _, policy in self.policies(world)]) as (ca, ports):
            yield [("127.0.0.1", port, ca) for port in ports]

    def cases(self, world: World) -> list[Case]:
        """What each door does to somebody without a certificate."""
        return [
            Case(part, (), policy.status if part == "served" else part, _words(policy))
            for part, policy in self.policies(world)
        ]


def _words(policy: doors.Policy) -> str:
    if policy.impostor:
        return "a server with a certificate that ca did not sign"
    asks = (
        "insists on a certificate" if policy.insists else "asks for one, and takes none" if policy.asks else "asks none"
    )
    return f"a server that {asks}, TLS 1.{policy.newest}"
