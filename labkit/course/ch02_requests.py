"""Chapter 02, Client and server, first part: what the client says, and what is said to it."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Any

from labkit import images
from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, Program, World, register
from labkit.course.outputs import Case
from labkit.course.verdict import Finding, Part, found

VERBS = ("pause", "kill", "stop", "restart")
"""Commands of which each is one request of the same name."""


@register
class Requests(Exercise):
    """Predict what five commands say."""

    id = "02.requests"
    title = "five commands, how many requests?"
    kind = "value"
    brief = "Your container runs. These are the five lines that somebody is about to type:"
    parts = (
        Part("run", 2, "the requests of docker run are named in order"),
        Part("exec", 1, "the requests of docker exec are named in order"),
        Part("rest", 1, "the requests of the other commands are named in order"),
        Part("whole", 1, "nothing is missing, and nothing is too much"),
    )
    hints = (
        "Does the daemon know a command called run? In chapter 01 you ran a container by hand: with which requests?",
        "The Engine API reference lists what can be done with a container, and, under Exec, what with an exec. "
        "Which method removes something?",
        "run is create (with ?name=…) and start; exec makes an exec at the container, then starts it under /exec; "
        "ps changes nothing.",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Run a container for the commands to act on."""
        box = world.run("sleep 3600", "old", stop_signal="SIGKILL")
        return {"container": box.name, "new": world.name("new"), "commands": commands(world)}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Compare the answer with the requests that these commands make; the world must be there."""
        if not (world.find("old") or world.find("new")):
            return
        old, new = world.name("old"), world.name("new")
        lines = claim.value if isinstance(claim.value, list) else []
        said = [line for entry in lines if (line := plain(entry, old))]
        truth = [plain(line, old) for line in requests(world)]
        groups = {"run": truth[:2], "exec": truth[2:4], "rest": truth[4:]}
        for key, group in groups.items():
            right = _within(group, said)
            saw = "; ".join(said) or repr(claim.value)
            yield found(key, right, expected=_EXPECTED[key], saw=saw, look_at=_LOOK[key], why=_why(key, said, new))
        if all(_within(group, said) for group in groups.values()):
            saw, why = f"{len(said)} requests", "The answer holds a request that none of the commands makes."
            yield found("whole", said == truth, expected=f"{len(truth)} requests", saw=saw, look_at="ps", why=why)


_EXPECTED = {
    "run": "texts such as 'POST /containers/create?name=…', in the order of asking",
    "exec": "first the request that makes the exec, then the one that starts it",
    "rest": "one request for each command that changes something",
}
_LOOK = {
    "run": "01.by-hand, and the Engine API reference under Containers",
    "exec": "the Engine API reference, under Exec",
    "rest": "the Engine API reference, under Containers",
}


def commands(world: World) -> list[str]:
    """The five lines, of which one is drawn."""
    old, new = world.name("old"), world.name("new")
    return [
        f"docker run -d --name {new} {images.BUSYBOX} sleep 60",
        f"docker exec {old} true",
        "docker ps -a",
        f"docker {world.seed.pick('verb', VERBS)} {old}",
        f"docker rm -f {old}",
    ]


def requests(world: World) -> list[str]:
    """What those lines ask of a daemon, without what changes nothing there."""
    old, new = world.name("old"), world.name("new")
    return [
        f"POST /containers/create?name={new}",
        "POST /containers/ID/start",
        f"POST /containers/{old}/exec",
        "POST /exec/ID/start",
        f"POST /containers/{old}/{world.seed.pick('verb', VERBS)}",
        f"DELETE /containers/{old}",
    ]


_NOTHING_CHANGES = re.compile(r"GET |HEAD |POST /containers/[^/]+/(attach|wait|resize)\b|POST /exec/[^/]+/resize\b")


def plain(entry: object, container: str = "") -> str:
    """One request as it is compared: no version, of the query only a name, ID for every id; "" if it changes nothing.

    Args:
        entry: a text such as ``"POST /v1.41/containers/4f6c…/start"``.
        container: a name that may stand for an id.
    """
    method, _, path = " ".join(str(entry).split()).partition(" ")
    path, _, query = re.sub(r"^/v1\.\d+(?=/)", "", path).partition("?")
    path = re.sub(r"(?<=/)([0-9a-f]{12,64}|<?\{?id\}?>?)(?=/|$)", "ID", path, flags=re.IGNORECASE)
    if container:
        path = re.sub(rf"(?<=/containers/){re.escape(container)}(?=/|$)", "ID", path)
    name = re.search(r"\bname=[^&]*", query)
    line = f"{method.upper()} {path}" + (f"?{name[0]}" if name and path.endswith("/create") else "")
    return "" if _NOTHING_CHANGES.match(line) else line


def _within(part: list[str], whole: list[str]) -> bool:
    return any(whole[start : start + len(part)] == part for start in range(len(whole)))


def _why(key: str, said: list[str], new: str) -> str:
    """Name the misunderstanding, where it is a usual one."""
    paths = [line.partition(" ")[2] for line in said]
    if not said:
        return 'Hand in a list of texts: answer = ["POST /containers/create?name=…", …].'
    match key:
        case "run" if any(path.partition("?")[0].endswith("/run") for path in paths):
            return "No request is called run. That is the client's word for two things that the daemon does."
        case "run" if any(path.endswith("/create") for path in paths):
            return f"How does the daemon learn the name {new}? It stands in the request, behind a question mark."
        case "run" if paths[0].endswith("/start"):
            return "What does not exist cannot be started: creating comes first."
        case "exec" if any(path.endswith("/exec") for path in paths):
            return "The first request only makes the exec. Nothing runs until a second one starts it."
        case "rest" if any(re.search(r"/(rm|remove|delete)\b", path) for path in paths):
            return "Removing is not a path but a method: HTTP has a word for it, DELETE."
    return ""


@register
class Frames(Program):
    """Decode a raw stream."""

    id = "02.frames"
    title = "take a raw stream apart"
    brief = "The judge will call your function with streams of its own."
    parts = (
        Part("split", 2, "what went to stdout and to stderr is told apart, each in order"),
        Part("length", 2, "the length is a number of four bytes, the first the heaviest"),
        Part("bytes", 1, "the data may be anything: empty, like a header, without a line's end"),
        Part("cut", 1, "a frame that has not come whole is left out"),
    )
    hints = (
        "Eight bytes lead each frame. Which of them say how many follow, and what do the others say?",
        "int.from_bytes(four_bytes, 'big') makes the number. Where does the next frame begin, seen from this one?",
        "Go through the data with a position: read eight bytes there, take as many as they say, move behind them; "
        "stop where fewer are left than were promised.",
    )
    look_at = "the table of the eight bytes above, and the Engine API reference under ContainerAttach"
    whys = {  # noqa: RUF012 - a table to read, like the parts
        "split": "The first byte says the stream: 1 is stdout, 2 is stderr. Return two things, in this order.",
        "length": "Bytes 4 to 7 are one number: 256 is 00 00 01 00. A frame may be longer than one byte can count.",
        "bytes": "Only the length says where a frame ends. Its data may be empty, or look like anything.",
        "cut": "What has come so far may end in the middle of a frame; the rest would come with the next read.",
    }

    def cases(self, world: World) -> list[Case]:
        """Draw streams: the argument is one text of bytes."""
        a, b, c = (world.draws.word(name) for name in "abc")
        size = world.draws.number("size", 300, 900)
        long, huge = f"{a} " * (size // 10), f"{c} " * 7000
        whole = frame(1, a) + frame(2, b)
        drawn = [
            ("split", "two lines on two streams", frame(1, f"{a}\n") + frame(2, f"{b}\n"), (f"{a}\n", f"{b}\n")),
            ("split", "three frames in turn", frame(2, a) + frame(1, b) + frame(2, c), (b, a + c)),
            ("length", f"a frame of {len(long)} bytes", frame(1, long) + frame(2, b), (long, b)),
            ("length", f"a frame of {len(huge)} bytes", frame(2, b) + frame(1, huge), (huge, b)),
            ("bytes", "an empty frame between two", frame(1, a) + frame(1, "") + frame(1, b), (a + b, "")),
            (
                "bytes",
                "data like a header",
                frame(1, f"\2\0\0\0\0\0\0\3{a}\n\n{b}"),
                (f"\2\0\0\0\0\0\0\3{a}\n\n{b}", ""),
            ),
            ("cut", "a second frame without its end", whole[: -len(b) // 2], (a, "")),
            ("cut", "a third frame without its header's end", whole + frame(1, c)[:5], (a, b)),
        ]
        return [Case(part, (data,), list(truth), words) for part, words, data, truth in drawn]


def frame(stream: int, text: str) -> bytes:
    """One frame of a raw stream: the stream's number, three zeros, the length, the data."""
    data = text.encode()
    return struct.pack(">BxxxL", stream, len(data)) + data
