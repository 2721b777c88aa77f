"""Chapter 04, Images are layers, fourth part: one layer more."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from labkit import errors, sandbox
from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, World, register
from labkit.course.verdict import Finding, Part, failed, found
from labkit.inside.config import inspect_image
from labkit.inside.layers import read_layers


@register
class Own(Exercise):
    """Make an image that is another one and one layer more."""

    id = "04.own"
    title = "one layer of your own"
    kind = "state"
    brief = "The image to start from, the name of yours, and the file that it adds:"
    parts = (
        Part("there", 1, "an image of that name exists"),
        Part("shares", 1, "all layers of the given image are in it, at the bottom and in their order"),
        Part("one", 1, "it has exactly one layer more"),
        Part("file", 2, "that layer brings the file, and whoever runs the image finds it"),
    )
    hints = (
        "What would a Dockerfile have to say in its first line, for the new image to begin with all layers of another?",
        "docker build reads a Dockerfile from its input if the folder is -. Every line that changes files adds "
        "a layer: how many such lines may there be?",
        "FROM task.base, then one RUN that makes the folder and writes the file: "
        "printf '…' | DOCKER_BUILDKIT=0 docker build -t NAME -",
    )
    seconds = 60

    def prepare(self, world: World) -> dict[str, Any]:
        """Load the image to start from; the other is the learner's to make."""
        layers = [{f"srv/{word}": f"{world.name()} {word}\n"} for word in ("one", "two")]
        values = {"base": world.image("base", *layers), "image": world.name("mine")}
        return values | {"path": path(world), "text": text(world)}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Compare the layers of both, look into the new one, and run the image."""
        base, mine = _layers(world, "base"), _layers(world, "mine")
        if not base:
            return
        name, look_at = world.name("mine"), "docker images"
        if not mine:
            why = _CONTAINER if _ran(world) else ""
            yield failed("there", expected=f"an image {name}", saw="none", look_at=look_at, why=why)
            return
        yield found("there", True, expected="", saw="", look_at="")
        look_at = f"docker image inspect {name}, RootFS.Layers, beside those of {world.name('base')}"
        common = [one == other for one, other in zip(base, mine, strict=False)].count(True)
        shares, saw = mine[: len(base)] == base, f"{common} of {len(base)}"
        yield found("shares", shares, expected=f"all {len(base)}", saw=saw, look_at=look_at, why=_FROM)
        if not shares:
            return
        more, why = len(mine) - len(base), _EACH_LINE if len(mine) > len(base) else _no_layer(world)
        yield found("one", more == 1, expected="1 layer more", saw=f"{more} more", look_at=look_at, why=why)
        if more:
            yield _file(world, len(base))


_FROM = "It does not begin with the given image's layers: FROM decides what an image stands on."
_EACH_LINE = "Each line that changes files is a layer of its own, also RUN, WORKDIR and COPY: do it all in one line."
_EMPTY = "A line that changes no file is a line of the history and no layer: look for it in docker history, with 0 B."
_ONE_NAME = "A tag is one more name for the same image: no layer came."
_CONTAINER = "What was written in a container is in that container's own layer. No image has it."


def path(world: World) -> str:
    """Where the file shall be."""
    return f"/etc/{world.seed.word('path')}"


def text(world: World) -> str:
    """What shall stand in it."""
    return world.seed.word("text")


def _layers(world: World, what: str) -> list[str]:
    with contextlib.suppress(errors.ImageError):
        return list(inspect_image(world.daemon, f"{world.name(what)}:latest")["RootFS"]["Layers"])
    return []


def _no_layer(world: World) -> str:
    base, mine = (inspect_image(world.daemon, f"{world.name(what)}:latest")["Id"] for what in ("base", "mine"))
    return _ONE_NAME if base == mine else _EMPTY


def _ran(world: World) -> bool:
    """Whether a container was made from the given image."""
    ours = {"ancestor": f"{world.name('base')}:latest"}
    return bool(world.daemon.client.api.containers(all=True, filters=ours))


def _file(world: World, below: int) -> Finding:
    """Look for the file in the layers that came, on the daemon's host, and in a container."""
    image = f"{world.name('mine')}:latest"
    wanted, inside = text(world), _printed(world, image)
    on_disk = ""
    for layer in read_layers(world.host, image, daemon=world.daemon).image[below:]:
        with contextlib.suppress(errors.HostError):
            on_disk = world.host.text(layer.directory + path(world)).strip()
    right = inside == on_disk == wanted
    saw, look_at = f"{inside!r} in a container, {on_disk!r} in the layer", f"docker run --rm IMAGE cat {path(world)}"
    why = f"The text shall be {wanted}, and the file {path(world)}."
    return found("file", right, expected=f"{wanted!r} in both", saw=saw, look_at=look_at, why=why)


def _printed(world: World, image: str) -> str:
    """What a new container of the image reads in the file; an empty text if it reads nothing."""
    options: dict[str, Any] = {"what": "exercise", "entrypoint": ["cat", path(world)], "network_mode": "none"}
    try:
        with sandbox.run(image, name=world.name("judge"), daemon=world.daemon, **options) as box:
            return box.logs().strip() if box.wait(deadline=20) == 0 else ""
    except errors.SandboxError as error:
        return f"nothing: {error.problem}"
