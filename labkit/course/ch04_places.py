"""Chapter 04, Images are layers, second part: where a layer lies on the daemon's host."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from labkit import errors, sandbox
from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, World, register
from labkit.course.verdict import Finding, Part, failed, found
from labkit.host import Host
from labkit.inside.config import inspect_image
from labkit.inside.layers import read_layers
from labkit.inside.stack import Layer, Stack

LAYERS = 4
"""Layers that the image has on top of the course's."""


@register
class Where(Exercise):
    """Find the directory of one layer."""

    id = "04.where"
    title = "where does this layer lie?"
    kind = "value"
    brief = "An image, one of its layers by diff-id, and a container that runs on the image:"
    parts = (
        Part("store", 1, "it is a directory of the daemon's host, below those where the store keeps layers"),
        Part("layer", 4, "it holds the files of this layer, and nothing else"),
    )
    hints = (
        "How many layers has the image, and as which of them, counted from below, does the diff-id stand in RootFS?",
        "The store calls a layer by its chain-id. What leads from there to a directory is told by the table above "
        "for either store; labkit can read it for you.",
        "read_layers(host, task.image).layers has all of them with diff_id and directory. Which one is asked for?",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Load an image with several small layers, and start a container of it."""
        files = [{f"srv/{world.seed.word(str(number))}": f"{world.name()}\n"} for number in range(LAYERS)]
        image = world.image("image", *files)
        marks = {f"{sandbox.LABEL}.exercise": self.id}
        options: dict[str, Any] = {"what": "exercise", "labels": marks, "stop_signal": "SIGKILL"}
        box = sandbox.run(image, "sleep 3600", name=world.name("box"), daemon=world.daemon, **options)
        diff_ids = inspect_image(world.daemon, image)["RootFS"]["Layers"]
        return {"image": image, "layer": diff_ids[asked_for(world)], "container": box.name}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Compare with where the store has it."""
        box, stack = world.find("box"), _stack(world)
        if not (box and box.pid and stack):
            return
        wanted, path = stack.layers[asked_for(world)], claim.value
        saw, place = repr(path), _place(world.host, path)
        why = _why(str(path), wanted, stack, box, world)
        expected, look_at = "a directory of the store on the daemon's host", "host.list(path)"
        store = posixpath.dirname(posixpath.dirname(wanted.directory))
        if place is None or not str(path).startswith(f"{store}/"):
            yield failed("store", expected=expected, saw=saw, look_at=look_at, why=why)
            return
        yield found("store", True, expected=expected, saw=saw, look_at=look_at)
        right = place == _place(world.host, wanted.directory)
        expected = "the directory with what this layer adds"
        yield found("layer", right, expected=expected, saw=saw, look_at=look_at, why=why)


def asked_for(world: World) -> int:
    """Which layer is asked for: neither the lowest nor the top one."""
    return world.seed.number("layer", 1, LAYERS - 1)


def _stack(world: World) -> Stack | None:
    try:
        stack = read_layers(world.host, f"{world.name('image')}:latest", daemon=world.daemon)
    except errors.ImageError:
        return None
    return stack if len(stack.layers) == LAYERS + 1 else None


def _place(host: Host, path: object) -> tuple[int, int] | None:
    """What the kernel knows a directory by, whichever path leads there; None if there is none."""
    try:
        entry = host.stat(str(path), follow=True)
    except errors.HostError:
        return None
    return (entry.device, entry.inode) if entry.kind == "d" else None


def _why(path: str, wanted: Layer, stack: Stack, box: sandbox.Box, world: World) -> str:
    """Name the misunderstanding, where it is a usual one."""
    if not path.startswith("/"):
        return 'Hand in a path from the root of the daemon\'s host, as a text: answer = "/…".'
    path = posixpath.normpath(path)
    chain, diff = (digest.partition(":")[2] for digest in (wanted.chain_id, wanted.diff_id))
    if path == posixpath.dirname(wanted.directory):
        return f"One step too high: there the store keeps the layer's {_name(wanted)} and what it needs for itself."
    if "/layerdb/" in path:
        return "There the store keeps what it knows of the layer, cache-id among it; its files lie elsewhere."
    if diff in path or chain in path:
        return "Digests are names in the store's books. The directory has another name, and only the books tell which."
    if path.endswith("/merged") or path.startswith("/proc/"):
        return "There all layers are seen at once, as the container sees them. Whose each file is cannot be told there."
    others = [*stack.layers, *read_layers(world.host, box).layers]
    told = next((layer for layer in others if path in (layer.directory, posixpath.dirname(layer.directory))), None)
    if told and told.kind == "image":
        return f"That is layer {told.number} of the image, counted from below. Which number has the one asked for?"
    return "That is the container's: what is written there belongs to no layer of the image." if told else ""


def _name(layer: Layer) -> str:
    return posixpath.basename(layer.directory)
