"""Chapter 03, A container is a process, first part: one process, and the numbers that it goes by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit import sandbox
from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, Program, World, register
from labkit.course.outputs import Case
from labkit.course.verdict import Finding, Part, found


@register
class Identity(Exercise):
    """Find a container's id, its process on the host, and its address."""

    id = "03.identity"
    title = "who are you, and what does the host call you?"
    kind = "value"
    brief = "Two containers run. The one that is asked for, and its twin:"
    parts = (
        Part("id", 1, "the id is the container's, whole"),
        Part("pid", 2, "the number is that of its first process on the daemon's host"),
        Part("ip", 1, "the address is the container's"),
    )
    hints = (
        "The container can be asked three things by its own shell. Which of the three answers is true only inside?",
        "docker inspect knows all three: at its top, under State, and under NetworkSettings.",
        "find(daemon, task.container).inspect() is a dictionary: its Id, State.Pid, and in "
        "NetworkSettings.Networks one entry for each network with an IPAddress.",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Start two containers that differ in nothing but their names."""
        box, twin = (world.run("sleep 3600", what, stop_signal="SIGKILL") for what in ("box", "twin"))
        return {"container": box.name, "twin": twin.name}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Compare with what the daemon says now; the container must still live."""
        box, twin = world.find("box"), world.find("twin")
        if not (box and twin and box.status == "running" and twin.status == "running"):
            return
        value = claim.value if isinstance(claim.value, dict) else {}
        for key, truth, other in zip(("id", "pid", "ip"), facts(box), facts(twin), strict=True):
            said = value.get(key)
            right = type(said) is type(truth) and said == truth
            why = _FORM if not value else _TWIN if said == other else _why(key, said, str(truth))
            yield found(key, right, expected=_EXPECTED[key], saw=repr(said), look_at=_LOOK[key], why=why)


def facts(box: sandbox.Box) -> tuple[str, int, str]:
    """The id of a container, the number of its first process on the host, and its address; "" where it has none."""
    said = box.inspect()
    networks = said["NetworkSettings"]["Networks"] or {}
    addresses = [network["IPAddress"] for network in networks.values()]
    return box.id, int(said["State"]["Pid"]), "".join(addresses[:1])


def _why(key: str, said: object, truth: str) -> str:
    """Name the misunderstanding, where it is a usual one."""
    text = str(said)
    match key:
        case "id" if len(text) == 12 and truth.startswith(text):
            return "That is the short id: the first 12 of 64 digits, as docker ps prints them and the host name is."
        case "id" if "labkit" in text:
            return "That is its name. A name can be changed and given to another; an id cannot."
        case "pid" if text == "1":
            return "1 is its number inside. The host has a 1 of its own, and calls this process something else."
        case "pid" if text == truth:
            return "Hand in a number, without quotes."
        case "ip" if text.startswith("127."):
            return "Every network namespace has that address: it means oneself."
        case "ip" if text.rpartition("/")[0] == truth:
            return "What stands behind the slash is the size of the network; asked for is the address alone."
        case "ip" if text.endswith(".1"):
            return "That is the gateway: the host's end of the bridge."
    return ""


_FORM = 'Hand in a dictionary: answer = {"id": …, "pid": …, "ip": …}.'
_TWIN = "That is the twin's. They run the same program, and are two containers all the same."
_EXPECTED = {"id": "64 hexadecimal digits", "pid": "a process id on the host", "ip": "four numbers with dots between"}
_LOOK = {
    "id": "docker inspect, Id",
    "pid": "docker inspect, State.Pid",
    "ip": "docker inspect, NetworkSettings, or ip a inside",
}


@register
class Nspid(Program):
    """Tell from status texts who lives in a container."""

    id = "03.nspid"
    title = "who lives in a container?"
    brief = "The judge will call your function with status texts of its own."
    parts = (
        Part("border", 2, "those in a container are found, with their number inside; the host's own are left out"),
        Part("deep", 1, "of a container in a container, the innermost number is taken"),
        Part("lines", 2, "only the line NSpid counts, whatever a process calls itself, and also where it is missing"),
    )
    hints = (
        "How many numbers has the line NSpid for a process of the host, and how many for one in a container?",
        "The numbers are separated by tabs: the first is the host's, the last is the innermost.",
        "Go through text.splitlines(), take the one line that startswith('NSpid:'), and split() the rest of it. "
        "No such line: no container to be seen.",
    )
    look_at = "cat /proc/self/status, the line NSpid"
    whys = {  # noqa: RUF012 - a table to read, like the parts
        "border": "Return {number on the host: number inside}, for those with more than one number in NSpid.",
        "deep": "A namespace in a namespace gives a third number. Who lives there sees only the last.",
        "lines": "A process may call itself NSpid, and Linux before 4.1 has no such line: look at how a line begins.",
    }

    def cases(self, world: World) -> list[Case]:
        """Draw texts: the argument is a list of them."""
        a, b, c, d = (world.draws.number(key, 300 + 9000 * n, 9000 + 9000 * n) for n, key in enumerate("abcd"))
        inner, name = world.draws.number("inner", 2, 99), world.draws.word("name")
        own, first, second = status("sh", a), status("sleep", b, 1), status(name, c, inner)
        deep, forged = status(name, d, inner, 1), status("NSpid:\t7\t8", a)
        old = status("sleep", b).partition("NStgid")[0]
        drawn: list[tuple[str, str, list[str], dict[int, int]]] = [
            ("border", "one process of the host and two in containers", [own, first, second], {b: 1, c: inner}),
            ("border", "one process of the host", [own], {}),
            ("border", "no process at all", [], {}),
            ("deep", "a container in a container", [own, deep], {d: 1}),
            ("deep", "three that are as deep as can be", [deep, second, first], {d: 1, c: inner, b: 1}),
            ("lines", "a process of the host that calls itself NSpid", [forged, first], {b: 1}),
            ("lines", "a process in a container that calls itself NSpid", [status("NSpid: 7 8", c, inner)], {c: inner}),
            ("lines", "a name with a colon and blanks", [status(f"Pid: {a} x", d, inner)], {d: inner}),
            ("lines", "the text of an old kernel, without NSpid", [old, second], {c: inner}),
        ]
        return [
            Case(part, (texts,), {str(pid): number for pid, number in truth.items()}, words)
            for part, words, texts, truth in drawn
        ]


def status(name: str, *pids: int) -> str:
    """The text of ``/proc/<pid>/status`` as far as numbers are concerned (``proc_pid_status(5)``).

    Args:
        name: the process's own word for itself; the kernel writes a newline in it as two letters.
        pids: its numbers, the host's first.
    """
    chain = "\t".join(map(str, pids))
    return (
        f"Name:\t{name}\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t{pids[0]}\nNgid:\t0\nPid:\t{pids[0]}\nPPid:\t1\n"
        f"TracerPid:\t0\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nFDSize:\t64\nGroups:\t0 10\n"
        f"NStgid:\t{chain}\nNSpid:\t{chain}\nNSpgid:\t{chain}\nNSsid:\t{chain}\nThreads:\t1\n"
    )
