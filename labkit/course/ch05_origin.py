"""Chapter 05, Union mount, third part: which layer a file comes from, and who lies behind it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from labkit import errors
from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, World, register
from labkit.course.verdict import Finding, Part, found
from labkit.host import Host
from labkit.images import Files
from labkit.inside.layers import read_layers
from labkit.inside.stack import Stack

LAYERS = 5
"""Layers of the image above that of labkit/busybox."""


@register
class Winner(Exercise):
    """Find the layer that each of four files comes from, and those behind it."""

    id = "05.winner"
    title = "who wins, and over whom?"
    kind = "value"
    brief = "The container, and four of its files:"
    parts = (
        Part("from", 2, "for each file, the layer that it is seen from comes first"),
        Part("behind", 2, "the layers follow whose file it hides, downwards"),
    )
    hints = (
        "Which directories does the kernel search for a name, and in which order? Where does it stop?",
        "The numbers are those of read_layers(host, box).layers, each of which knows its directory on the host. What "
        "stands there under the file's path, and is it a file?",
        "For each layer from above: host.stat(layer.directory + path).kind is '-' for a file. An error of the kind "
        "PathMissing, from labkit.errors, says that there is nothing.",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Start a container whose image has each file several times, and change one of them in it."""
        names = files(world)
        image = world.image("image", *image_layers(world))
        box = world.run(["sleep", "3600"], "box", image=image, stop_signal="SIGKILL")
        box.sh(f"echo {world.seed.word('own')} >> {names[1]}")
        return {"container": box.name, "files": names}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Look into the directory of each layer; what is seen inside must be what the uppermost holds."""
        box = world.running("box")
        if box is None:
            return
        stack = read_layers(world.host, box)
        truth = {path: layers_with(world.host, stack, path) for path in files(world)}
        for path, numbers in truth.items():
            top = next((layer for layer in stack.layers if layer.number in numbers[:1]), None)
            if not top or box.sh(f"cat {path}") != world.host.text(top.directory + path).rstrip("\n"):
                return
        value = claim.value if isinstance(claim.value, dict) else {}
        said = {path: value.get(path) for path in truth}
        look_at = "print(*read_layers(host, box).layers), and the directory of each"
        firsts = {path: numbers[0] if isinstance(numbers, list) and numbers else None for path, numbers in said.items()}
        right = all(type(firsts[path]) is int and firsts[path] == truth[path][0] for path in truth)
        why = _FORM if not value else _why_first(said, truth, stack)
        yield found("from", right, expected="a layer for each", saw=firsts, look_at=look_at, why=why)
        if right:
            right = said == truth and all(type(number) is int for numbers in said.values() for number in numbers)
            why = _why_behind(said, truth)
            yield found("behind", right, expected="all that hide behind", saw=said, look_at=look_at, why=why)


def files(world: World) -> list[str]:
    """The four files, as the container sees them."""
    plain, own, again, folder, room = (world.seed.word(key) for key in ("plain", "own", "again", "folder", "room"))
    return [f"/srv/{plain}", f"/srv/{own}", f"/srv/{again}", f"/srv/{folder}/{room}"]


def image_layers(world: World) -> list[Files]:
    """What each layer of the image above busybox's has.

    The first file is in two or three of them; the second too, and the container will change it. The third is removed
    between, and the fourth lies in a directory that is opaque in a layer above its first.
    """
    plain, own, again, room = (path[1:] for path in files(world))
    layers: list[dict[str, str | bytes | None]] = [{} for _ in range(LAYERS)]
    for path in (plain, own):
        stream = world.seed.stream(f"layers of {path}")
        for number in stream.sample(range(LAYERS), stream.randint(2, 3)):
            layers[number][path] = f"{path} {number}\n"
    low, hole, high = sorted(world.seed.stream("again").sample(range(LAYERS), 3))
    layers[low][again], layers[hole][again], layers[high][again] = f"{again} {low}\n", None, f"{again} {high}\n"
    low, high = sorted(world.seed.stream("room").sample(range(LAYERS), 2))
    layers[low][room], layers[high][room] = f"{room} {low}\n", f"{room} {high}\n"
    layers[high][f"{room.rpartition('/')[0]}/"] = None
    return [layer or {f"srv/{world.seed.word('filler')}": ""} for layer in layers]


def layers_with(host: Host, stack: Stack, path: str) -> list[int]:
    """The numbers of the layers that have a regular file of this path, the uppermost first."""
    numbers = []
    for layer in reversed(stack.layers):
        with contextlib.suppress(errors.PathMissing):
            if host.stat(layer.directory + path).kind == "-":
                numbers.append(layer.number)
    return numbers


def _why_first(said: dict[str, Any], truth: dict[str, list[int]], stack: Stack) -> str:
    """Name the misunderstanding, where it is a usual one."""
    own = stack.own.number if stack.own else 0
    lists = {path: numbers for path, numbers in said.items() if isinstance(numbers, list) and numbers}
    if lists and all(numbers == truth[path][::-1] for path, numbers in lists.items()):
        return "Upside down: the kernel searches from above, and the layer with the highest number lies on top."
    if any(truth[path][0] == own and own not in numbers for path, numbers in lists.items()):
        return "The container's own layer lies above all of the image's: what was written in it wins."
    return ""


def _why_behind(said: dict[str, Any], truth: dict[str, list[int]]) -> str:
    if any(set(said[path]) > set(truth[path]) for path in truth if all(type(n) is int for n in said[path])):
        return "There is an entry of that name, and it is no file: a whiteout hides, and is nothing that can be hidden."
    if any(len(said[path]) < len(truth[path]) for path in truth):
        return "What is hidden is still there: each layer keeps its file, also below a whiteout or an opaque directory."
    return ""


_FORM = "Hand in a dictionary: each path with a list of numbers, the layer that it is seen from first."
