"""Chapter 00, Start here: ask the daemon, look at its host, leave without a trace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit import sandbox
from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, World, register
from labkit.course.verdict import Finding, Part, failed, found, passed


@register
class Word(Exercise):
    """Ask the daemon for something that only it knows."""

    id = "00.word"
    title = "a word that only the daemon knows"
    kind = "value"
    brief = "Your container, and the label that holds a word:"
    parts = (Part("word", 2, "the word is the one that the daemon has for your container"),)
    hints = (
        "Who knows a container's labels: your notebook, or the daemon? How did this chapter ask it for a container?",
        "docker-py: daemon.client.containers.get(name) has an attribute .labels. CLI: docker inspect name.",
        "The labels are a dictionary from name to value; you want the value under the label that was printed.",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Start the container, and a twin with another word."""
        for what in ("box", "twin"):
            world.run("sleep 3600", what, labels={"word": world.seed.word(what)}, stop_signal="SIGKILL")
        return {"container": world.name("box"), "label": "word"}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Compare with the word that was written; the container on which it stands must still be there."""
        box = world.find("box")
        if box is None:
            return
        if claim.value == world.seed.word("box") == _label(box):
            yield passed("word")
            return
        yield failed(
            "word",
            expected="the value of the label 'word', as a text",
            saw=repr(claim.value) if not claim.problem else claim.problem,
            look_at=f"docker inspect {box.name}, under Config.Labels",
            why=self.why(claim.value, box, world),
        )

    def why(self, answer: object, box: sandbox.Box, world: World) -> str:
        """Name the misunderstanding, where it is a usual one."""
        twin = world.find("twin")
        if twin and answer == _label(twin):
            return (
                "This is the word of the other container, the twin: names that differ by one word are two containers."
            )
        if isinstance(answer, str) and answer in (box.id, box.id[:12], box.name):
            return "This says which container it is. The label is something that was written on it."
        if isinstance(answer, dict):
            return "This is the whole dictionary; one of its values is the word."
        if isinstance(answer, str) and _label(box) in answer:
            return "The word is in it, and something around it: quotes, a line's end, or more. Hand in the word alone."
        return ""


def _label(box: sandbox.Box) -> str:
    return str(box.inspect()["Config"]["Labels"].get("word"))


@register
class File(Exercise):
    """Find a container's file on the daemon's host."""

    id = "00.file"
    title = "the same file, seen from the host"
    kind = "value"
    brief = "Your container, and the volume that is mounted at /data in it:"
    parts = (
        Part("path", 2, "the path is where the file lies on the daemon's host"),
        Part("word", 1, "the word is the one in the file"),
    )
    hints = (
        "The container calls it /data/word.txt. Would a program on the host, outside the container, find it there?",
        "A volume is a directory on the daemon's host. The daemon knows which: ask it about the volume.",
        "daemon.client.volumes.get(name).attrs['Mountpoint'] is the directory; host.text(path) reads a file below it.",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Make a volume, and a container that writes a word into it."""
        name = world.name("data")
        world.daemon.client.volumes.create(name, labels=sandbox.labels("exercise", exercise=self.id))
        box = world.run(
            f"echo {world.seed.word('word')} > /data/word.txt; exec sleep 3600",
            "box",
            volumes=[f"{name}:/data"],
            stop_signal="SIGKILL",
        )
        sandbox.wait_until(lambda: box.sh("cat /data/word.txt 2>/dev/null || true"), "the word is written")
        return {"container": box.name, "volume": name}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Ask the daemon where the volume is; the word is the one that was written into the file."""
        box = world.find("box")
        if box is None:
            return
        folder = str(world.daemon.client.volumes.get(world.name("data")).attrs["Mountpoint"])
        word = world.seed.word("word")
        pair = isinstance(claim.value, list) and len(claim.value) == 2
        path, said = claim.value if pair else (claim.value, None)
        there, why = path == f"{folder}/word.txt", self.why(path, folder)
        wanted, look_at = "an absolute path on the daemon's host", f"docker volume inspect {world.name('data')}"
        yield found("path", there, expected=wanted, saw=repr(path), look_at=look_at, why=why)
        right, look_at = isinstance(said, str) and said.strip() == word, "host.text(…) of that path"
        why = _TWO_THINGS if there and not pair else ""
        yield found("word", right, expected="the word, as a text", saw=repr(said), look_at=look_at, why=why)

    def why(self, path: object, folder: str) -> str:
        """Name the misunderstanding, where it is a usual one."""
        if path == "/data/word.txt":
            return "That is its name inside the container; the host calls the same file by another path."
        if path in (folder, folder + "/"):
            return "That is the volume's directory; the file is in it."
        return "" if isinstance(path, str) and path.startswith("/") else _TWO_THINGS


_TWO_THINGS = "Hand in two things, in this order: answer = (path, word)."


@register
class Trace(Exercise):
    """Remove what is yours, and nothing else."""

    id = "00.trace"
    title = "leave without a trace"
    kind = "state"
    brief = "Yours are the containers whose label garden has this value; the neighbour is somebody else's:"
    parts = (
        Part("running", 1, "your running container is gone"),
        Part("stopped", 1, "your stopped container is gone"),
        Part("neighbour", 1, "the neighbour's container still runs"),
    )
    hints = (
        "How many containers carry your label? Did you ask for the running ones, or for all?",
        "docker ps shows the running ones; docker ps -a shows all; --filter label=garden=… narrows both.",
        "docker-py: containers.list(all=True, filters={'label': 'garden=…'}), then remove(force=True) on each.",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Plant a garden of two, one running and one stopped, beside a neighbour's."""
        mine, other = world.seed.word("garden"), world.seed.word("other")
        world.run("sleep 3600", "rose", labels={"garden": mine, PLANT: "rose"}, stop_signal="SIGKILL")
        world.run("exit 0", "tulip", labels={"garden": mine, PLANT: "tulip"}).wait()
        neighbour = world.run("sleep 3600", "neighbour", labels={"garden": other}, stop_signal="SIGKILL")
        return {"garden": mine, "neighbour": neighbour.name}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """The neighbour is the witness that the garden was planted; points begin when something was removed."""
        neighbour, rose, tulip = world.find("neighbour"), _find(world, "rose"), _find(world, "tulip")
        if rose and tulip:
            yield _still("running", rose)
            yield _still("stopped", tulip, untouched=True)
            return
        if neighbour is None or neighbour.status != "running":
            state = "it is gone" if neighbour is None else f"it is {neighbour.status}"
            why = "You removed or stopped more than your own: ask for the label, not for a name or an image."
            yield failed(
                "neighbour", expected=f"{world.name('neighbour')} running", saw=state, look_at="docker ps -a", why=why
            )
            return
        if rose is None and tulip is None:
            yield passed("neighbour")
        yield passed("running") if rose is None else _still("running", rose)
        yield passed("stopped") if tulip is None else _still("stopped", tulip)


PLANT = f"{sandbox.LABEL}.plant"
"""The label by which a plant is found: a container can be renamed, its labels stay."""


def _find(world: World, plant: str) -> sandbox.Box | None:
    chosen = {"label": [f"garden={world.seed.word('garden')}", f"{PLANT}={plant}"]}
    found = world.daemon.client.api.containers(all=True, filters=chosen)
    return sandbox.Box(found[0]["Names"][0].removeprefix("/"), found[0]["Id"], world.daemon) if found else None


_HIDDEN = "docker ps does not show it: a container whose process has ended is still there until it is removed."


def _still(key: str, box: sandbox.Box, *, untouched: bool = False) -> Finding:
    runs = box.status == "running"
    why = "" if runs or untouched else _HIDDEN
    command = "docker ps" if runs else "docker ps -a"
    return failed(key, expected=f"no container {box.name}", saw="it is still there", look_at=command, why=why)
