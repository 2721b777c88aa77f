"""Chapter 03, A container is a process, second part: who shares a namespace with whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit import images
from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, World, register
from labkit.course.verdict import Finding, Part, failed, found
from labkit.inside.namespaces import KINDS, Comparison, compare_namespaces

LETTERS = "abcd"
SHARABLE = ("net", "pid", "ipc")
"""The kinds that ``--network``, ``--pid`` and ``--ipc`` take from another container."""


@register
class Shared(Exercise):
    """Find the two of four that share a namespace."""

    id = "03.shared"
    title = "which two, and what?"
    kind = "value"
    brief = "Four containers run. Two of them share one namespace that the others do not:"
    parts = (
        Part("pair", 2, "the two are those who share"),
        Part("kind", 2, "the kind is what only these two share"),
    )
    hints = (
        "The four may share more than you think, with each other and with the host. What is shared by two only?",
        "compare_namespaces(host, *boxes) knows all of it; print it, and look for a row in which two have the same "
        "letter, and it is not the host's.",
        "For each kind but those shared by everybody: comparison.groups(kind) gives the names, those together who "
        "share. Which group has two?",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Start four containers, the second of the pair in a namespace of the first."""
        (one, other), kind = pair(world), chosen(world)
        options: dict[str, dict[str, Any]] = {letter: {"ipc_mode": "shareable"} for letter in LETTERS}
        options[other] |= {_OPTIONS[kind]: f"container:{world.name(one)}"}
        for letter in sorted(LETTERS, key=lambda letter: letter == other):
            world.run("sleep 3600", letter, stop_signal="SIGKILL", **options[letter])
        return {"containers": [world.name(letter) for letter in LETTERS]}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Compare the namespaces on the daemon's host, now."""
        boxes = [box for letter in LETTERS if (box := world.find(letter))]
        if len(boxes) < len(LETTERS) or not all(box.pid for box in boxes):
            return
        comparison = compare_namespaces(world.host, *boxes)
        names, kind = _read(claim.value)
        together = only_these(comparison, *names) if names else []
        saw, look_at = repr(claim.value), "print(compare_namespaces(host, *boxes))"
        why = _FORM if not names else _not_a_pair(names, str(kind), comparison)
        wanted = "two names, of containers that share what the others do not"
        yield found("pair", bool(together), expected=wanted, saw=saw, look_at=look_at, why=why)
        if not (together and names):
            return
        why = _not_the_kind(str(kind), comparison, names)
        wanted = "one of " + ", ".join(KINDS)
        yield found("kind", kind in together, expected=wanted, saw=repr(kind), look_at=look_at, why=why)


_OPTIONS = {"net": "network_mode", "pid": "pid_mode", "ipc": "ipc_mode"}
_FORM = "Hand in three things: answer = (one name, the other name, the kind)."
_ALL_SHARE = "They do share {kind}, but so do all four, and the host: Docker made no new one for them."
_WORDS = {"network": "net", "mount": "mnt", "process": "pid", "hostname": "uts"}


def pair(world: World) -> list[str]:
    """The letters of the two who share, drawn for this learner."""
    return world.seed.stream("pair").sample(LETTERS, 2)


def chosen(world: World) -> str:
    """The kind that they share."""
    return world.seed.pick("kind", SHARABLE)


def only_these(comparison: Comparison, one: str, other: str) -> list[str]:
    """The kinds of which two have the same namespace, and nobody else who is compared."""
    if one == other or not {one, other} <= set(comparison.names):
        return []
    return [kind for kind in comparison.ids if {one, other} in map(set, comparison.groups(kind))]


def _read(value: object) -> tuple[tuple[str, str] | None, object]:
    if not isinstance(value, list) or len(value) != 3 or not all(isinstance(word, str) for word in value[:2]):
        return None, None
    return (value[0], value[1]), value[2]


def _not_a_pair(names: tuple[str, str], kind: str, comparison: Comparison) -> str:
    """Why these two are not the ones who share."""
    if names[0] == names[1] or not set(names) <= set(comparison.names[1:]):
        return "Hand in the names of two of the four containers, as begin() printed them."
    if kind in comparison.ids and kind in comparison.shared(*names):
        return _ALL_SHARE.format(kind=kind)
    return "These two share nothing but what everybody shares."


def _not_the_kind(kind: str, comparison: Comparison, names: tuple[str, str]) -> str:
    """Why this is not what the two share."""
    if kind in _WORDS:
        return f"In /proc/<pid>/ns that kind is called {_WORDS[kind]}: hand in the kernel's word."
    if kind in comparison.ids and kind in comparison.shared(*names):
        return _ALL_SHARE.format(kind=kind)
    return "Each of the two has one of its own of that kind." if kind in comparison.ids else ""


@register
class Join(Exercise):
    """Put a container into another's network, and into nothing else of it."""

    id = "03.join"
    title = "one network, two worlds"
    kind = "state"
    brief = "The container that runs, the one to make, and its image:"
    parts = (
        Part("runs", 1, "the guest runs, on the image"),
        Part("net", 2, "it is in the network namespace of the home"),
        Part("pid", 1, "it is in a PID namespace of its own"),
        Part("rest", 1, "it shares no other namespace with the home that the host is not in as well"),
    )
    hints = (
        "Being on the same bridge makes two neighbours with two addresses. What makes two containers one address?",
        "docker run has an option for each namespace. Which one decides about the network, and what may it be besides "
        "bridge and host?",
        "docker run -d --name … --network container:NAME IMAGE sleep 600, and nothing about --pid.",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Start the home, open to be shared in every way; the guest is the learner's to make."""
        home = world.run("sleep 3600", "home", stop_signal="SIGKILL", ipc_mode="shareable")
        return {"home": home.name, "guest": world.name("guest"), "image": images.ensure(world.daemon)}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Compare the two containers' namespaces and the host's on the daemon's host."""
        home, guest = world.find("home"), world.find("guest")
        if not (home and home.pid):
            return
        state = guest.status if guest else "no container of that name"
        if not (guest and guest.pid):
            why = "Only a process is in a namespace: its command has ended, and with it the guest." if guest else ""
            wanted, look_at = f"a running container {world.name('guest')}", "docker ps -a"
            yield failed("runs", expected=wanted, saw=state, look_at=look_at, why=why)
            return
        image = world.daemon.client.images.get(images.ensure(world.daemon)).id
        facts = guest.inspect()
        saw, look_at = facts["Config"]["Image"], "docker ps, column IMAGE"
        yield found("runs", facts["Image"] == image, expected=images.BUSYBOX, saw=saw, look_at=look_at)
        comparison = compare_namespaces(world.host, home, guest)
        yield _net(comparison, home.name, guest.name)
        if "net" in comparison.shared(home.name, guest.name):
            yield from _rest(comparison, home.name, guest.name)


def _net(comparison: Comparison, home: str, guest: str) -> Finding:
    shared, hosts = comparison.shared(home, guest), comparison.shared("host", guest)
    why = "On the same bridge they are neighbours: each has a network namespace, an eth0 and an address of its own."
    if "net" in hosts:
        why = "That is the host's network: the guest sees all of the host's interfaces, and none of the home's."
    elif "pid" in shared:
        why = "It was brought into the home's PID namespace: it sees the home's processes, not its network."
    saw, look_at = f"shared: {', '.join(shared) or 'nothing'}", "ls -l /proc/<pid>/ns of both, on the daemon's host"
    return found("net", "net" in shared, expected="one net for both", saw=saw, look_at=look_at, why=why)


def _rest(comparison: Comparison, home: str, guest: str) -> Iterator[Finding]:
    """What must not be shared: the home's numbers, the host's numbers, and anything else of the home's."""
    shared, hosts = comparison.shared(home, guest), comparison.shared("host", guest)
    saw, look_at = f"shared: {', '.join(shared)}", "ps inside the guest"
    why = "The guest is in the home's PID namespace too: it could kill the home. Nobody asked for --pid."
    if "pid" in hosts:
        saw, why = f"shared with the host: {', '.join(hosts)}", "The guest is among the host's own processes."
    own = "pid" not in shared and "pid" not in hosts
    yield found("pid", own, expected="a pid that nobody else has", saw=saw, look_at=look_at, why=why)
    more = [kind for kind in shared if kind not in ("net", "pid", *comparison.shared("host", home))]
    saw, look_at = f"shared besides: {', '.join(more)}", "docker inspect, HostConfig, IpcMode"
    yield found("rest", not more, expected="nothing besides net", saw=saw, look_at=look_at, why=_MORE)


_MORE = "What was asked for is the network alone; each further namespace is a door between the two."
