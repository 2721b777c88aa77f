"""Chapter 10, Signals, second part: whom docker stop has to wait for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit import sandbox
from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, World, register
from labkit.course.verdict import Finding, Part, found
from labkit.images import Item
from labkit.inside.policy import read_policy
from labkit.inside.processes import read_process
from labkit.inside.signals import Stop, predict_stop, read_masks

POLITE = """\
    trap 'asked=yes' TERM
    mkfifo /tmp/queue
    echo ready
    until [ "$asked" ]; do read -r -t 1 item <>/tmp/queue; done
    echo finished"""

DOES = {
    "polite": POLITE,
    "other": POLITE,
    "stubborn": "    trap '' TERM\n    exec sleep 3600",
    "deaf": "    exec sleep 3600",
    "guest": "    exec sleep 3600",
}
"""What the five containers do; other and guest are also started in another way."""

LETTERS = "abcde"
REASONS = ("ignored", "no handler")


@register
class Grace(Exercise):
    """Find the containers that will make docker stop wait."""

    id = "10.grace"
    title = "who will make docker stop wait?"
    kind = "value"
    brief = "Five containers run. Nobody has stopped one yet:"
    parts = (
        Part("who", 2, "named are those for which docker stop takes the whole grace period, and no others"),
        Part("why", 2, "for each of them the reason is right"),
    )
    hints = (
        "What does docker stop send first: the same to every container? And to which of its processes?",
        "docker inspect knows each container's stop signal. The masks of its first process say what becomes of that "
        "signal. Two run the same sleep: are both number 1 where they live?",
        "predict_stop(host, box.pid, signal=…) answers for one container, in words, if you give it the signal that "
        "docker stop will send there: Config.StopSignal, or TERM.",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Start the five, each doing something else with what it is asked with."""
        places, image = places_of(world), world.image("app", {"bin/app": Item(app(world).encode(), mode=0o755)})
        more: dict[str, dict[str, Any]] = {
            "other": {"stop_signal": other_signal(world)},
            "guest": {"pid_mode": f"container:{world.name(places['polite'])}"},
        }
        for kind in DOES:
            world.run(["app", places[kind]], places[kind], image=image, **more.get(kind, {}))
        for kind, letter in places.items():
            _await(world, letter, asleep=DOES[kind] != POLITE)
        return {"containers": [world.name(letter) for letter in LETTERS]}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Ask the masks of all five, on the daemon's host, now."""
        boxes = {box.name: box for letter in LETTERS if (box := world.running(letter))}
        if len(boxes) < len(LETTERS):
            return
        stops = {name: foretell_stop(world, box) for name, box in boxes.items()}
        truth = {name: reason(world, boxes[name], stop) for name, stop in stops.items() if stop.whole_grace}
        if not truth:
            return
        said = claim.value if isinstance(claim.value, dict) else {}
        right, saw = set(said) == set(truth), sorted(said) if said else repr(claim.value)
        look_at, why = "docker inspect, Config.StopSignal, and the masks of each first process", _FORM
        if set(said) <= set(stops) and said:
            why = self.why(set(said), set(truth), world)
        wanted = "the names of those, and of no others"
        yield found("who", right, expected=wanted, saw=saw, look_at=look_at, why=why)
        if right:
            wrong = sorted(name for name in truth if said[name] != truth[name])
            wanted, saw = f"for each one of {', '.join(map(repr, REASONS))}", repr([said[name] for name in wrong])
            yield found("why", not wrong, expected=wanted, saw=saw, look_at="SigIgn and SigCgt", why=_WHY)

    def why(self, said: set[str], truth: set[str], world: World) -> str:
        """Name the misunderstanding behind a wrong set of names."""
        places = {world.name(letter): kind for kind, letter in places_of(world).items()}
        extra, missing = ({places[name] for name in names} for names in (said - truth, truth - said))
        if "stubborn" in missing:
            return _IGNORED
        if "guest" in extra:
            return _GUEST
        if "other" in missing:
            return _OTHER.format(signal=other_signal(world))
        if "polite" in extra:
            return "One of those has a handler for what it is asked with, and will end by itself."
        return "Number 1 of a container is not ended by a signal that it has no handler for." if missing else ""


_FORM = 'Hand in a dictionary of those that take it: answer = {"a name": "ignored" or "no handler", …}.'
_IGNORED = (
    "Ignored is not handled: one of them has told the kernel to throw TERM away, and nobody will finish anything."
)
_GUEST = (
    "One of those lives among another container's processes, and is not number 1 there. "
    "It is not spared the default action, and ends at once."
)
_OTHER = "docker stop does not send TERM to all of them: one is asked with {signal}, for which it has no handler."
_WHY = "Ignored is what stands in SigIgn: the program asked for that. Who has no handler never said anything."


def places_of(world: World) -> dict[str, str]:
    """Which letter each of the five has, drawn for this learner."""
    return dict(zip(DOES, world.seed.stream("places").sample(LETTERS, len(LETTERS)), strict=True))


def other_signal(world: World) -> str:
    """What the one is asked with that is polite only to TERM."""
    return world.seed.pick("signal", ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM"))


def app(world: World) -> str:
    """The script that all five run; the letter decides."""
    cases = sorted(f"{letter})\n{DOES[kind]}\n    ;;" for kind, letter in places_of(world).items())
    return "\n".join(["#!/bin/sh", "case $1 in", *cases, "esac\n"])


def _await(world: World, letter: str, *, asleep: bool) -> None:
    """Wait until one of them does what it does: before, its masks are those of whoever starts it."""

    def ready() -> bool:
        box = world.running(letter)
        if box is None:
            return False
        return read_process(world.host, box.pid).name == "sleep" if asleep else "ready" in box.logs()

    sandbox.wait_until(ready, f"{world.name(letter)} is ready")


def foretell_stop(world: World, box: sandbox.Box) -> Stop:
    """What docker stop would do to a container, by its stop signal and its masks."""
    return predict_stop(world.host, box.pid, signal=read_policy(box.inspect()).stop_signal)


def reason(world: World, box: sandbox.Box, stop: Stop) -> str:
    """One of ``REASONS``, for a container that takes the whole grace period."""
    return REASONS[0] if stop.asked.signal in read_masks(world.host, box.pid).ignored else REASONS[1]
