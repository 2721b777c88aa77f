"""Chapter 02, Client and server, second part: whose child a container is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit import errors
from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, World, register
from labkit.course.verdict import Finding, Part, found
from labkit.inside.processes import Process, read_process


@register
class Parent(Exercise):
    """Find the parent of a container's process."""

    id = "02.parent"
    title = "whose child is it?"
    kind = "value"
    brief = "Two containers run. The one whose parent is asked for, and its twin:"
    parts = (
        Part("pid", 3, "the number is that of the parent's process on the daemon's host"),
        Part("name", 1, "the name is the parent's"),
    )
    hints = (
        "Who knows the number that the container's first process has on the host, and which file tells of its parent?",
        "docker inspect has State.Pid. host.text('/proc/…/status') has a line PPid.",
        "Read PPid of the container's process. Then read the name in that parent's own directory: /proc/…/comm.",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Start two containers: each has a parent of its own."""
        box, twin = (world.run("sleep 3600", what, stop_signal="SIGKILL") for what in ("box", "twin"))
        return {"container": box.name, "twin": twin.name}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Read ``/proc`` on the daemon's host, now."""
        box = world.find("box")
        if not (box and (own := box.pid)):
            return
        pair = isinstance(claim.value, list) and len(claim.value) == 2
        number, name = claim.value if pair else (claim.value, None)
        pid = read_process(world.host, own).parent
        right, look_at = type(number) is int and number == pid, f"/proc/{own}/status on the daemon's host"
        why = self.why(number, own, world) if pair else _PAIR
        yield found("pid", right, expected="a process id on the host", saw=repr(number), look_at=look_at, why=why)
        if not right:
            return
        why = _PAIR if not pair else _COMM if isinstance(name, str) and name.startswith("sleep") else ""
        named = isinstance(name, str) and name in names(read_process(world.host, pid))
        look_at = f"/proc/{pid}/comm on the daemon's host"
        yield found("name", named, expected="the name of its program", saw=repr(name), look_at=look_at, why=why)

    def why(self, number: object, own: int, world: World) -> str:
        """Name the misunderstanding, where it is a usual one."""
        twin = world.find("twin")
        other = twin.pid if twin else 0
        if number in (0, 1) or isinstance(number, str):
            return "Hand in a number of the daemon's host. Inside, the container's process is 1 and has no parent."
        if number == own:
            return "That is the container's own process. Its parent is one step up."
        if other and number in (other, read_process(world.host, other).parent):
            return "That belongs to the twin: each container has a parent of its own."
        try:
            name = world.host.text(f"/proc/{number}/comm").strip()
        except errors.HostError:
            return "There is no such process on the daemon's host now."
        return _DOCKERD if name in ("dockerd", "containerd") else f"On the host, that is {name}."


_PAIR = "Hand in two things, in this order: answer = (pid, name)."
_COMM = "That is the container's own program; asked for is the name of its parent."
_DOCKERD = (
    "It was asked to start the container, but it is not its parent: "
    "someone stands between, so that the container outlives a restart of the daemon."
)


def names(process: Process) -> set[str]:
    """What a process is called: its name, of at most 15 letters, and the first word of its command line."""
    first = "".join(process.words[:1])
    return {process.name.strip(), first, first.rpartition("/")[2]} - {""}
