"""Chapter 06, Commit, save, load, fourth part: layers as tars, and an image that loses one."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from labkit import errors, images, sandbox
from labkit.course.claims import Claim
from labkit.course.copies import copy_of, diff_ids, missing, printed
from labkit.course.exercise import Exercise, Program, World, register
from labkit.course.outputs import Case
from labkit.course.verdict import Finding, Part, failed, found
from labkit.inside.archive import Archive, read_archive
from labkit.inside.entries import read_contents, read_layer
from labkit.inside.removal import redraft
from labkit.oci import Draft, Item, digest, write_archive, write_layer


@register
class Whiteout(Program):
    """Translate the names of a layer's directory into those of its tar."""

    id = "06.whiteout"
    title = "how does a hole travel?"
    brief = "The judge will call your function with the contents of own layers of its own."
    parts = (
        Part("plain", 1, "what is there keeps its name, devices too"),
        Part("hole", 2, "a whiteout becomes an empty file that names what is gone, in the same folder"),
        Part("opaque", 1, "an opaque directory is followed by its mark"),
    )
    hints = (
        "Three numbers make a whiteout: which letter, and which two zeros? Is every character device one?",
        "Which part of srv/old/list is the name, and which part says where? .wh. belongs before one of them.",
        "name.rpartition('/') gives the folder, the slash and the last name: put '.wh.' between. "
        "For an opaque directory, append it first and then its own path with '/.wh..wh..opq' behind.",
    )
    look_at = "the table above: what overlayfs writes, and what stands in a tar"
    whys = {  # noqa: RUF012 - a table to read, like the parts
        "plain": "Only a character device with the numbers 0,0 is a whiteout. /dev/null is 1,3, and stays what it is.",
        "hole": ".wh. stands before the last name, not before the path: the mark lies in the folder of what is gone.",
        "opaque": "The directory itself is in the layer too. First it, then DIRECTORY/.wh..wh..opq in it.",
    }

    def cases(self, world: World) -> list[Case]:
        """Draw own layers: the argument is a list of [name, kind, major, minor, opaque]."""
        a, b, c, d = (world.draws.word(name) for name in "abcd")
        folder, file, hole = _entry(f"srv/{a}", "d"), _entry(f"srv/{a}/{b}"), _entry(f"srv/{a}/{c}", "c")
        null, disk = _entry(f"dev/{b}", "c", 1, 3), _entry(f"dev/{c}", "b")
        full, zero = _entry(f"dev/{d}", "c", 1, 0), _entry(f"dev/{a}", "c", 0, 3)
        opaque = _entry(f"srv/{d}", "d", opaque=True)
        drawn = [
            ("plain", "a folder, a file and a link", [folder, file, _entry(d, "l")], [folder[0], file[0], d]),
            ("plain", "two devices", [_entry("dev", "d"), null, disk], ["dev", null[0], disk[0]]),
            ("plain", "two devices with one zero each", [full, zero], [full[0], zero[0]]),
            ("plain", "a container that changed nothing", [], []),
            ("hole", "a whiteout beside a file", [folder, file, hole], [folder[0], file[0], f"srv/{a}/.wh.{c}"]),
            ("hole", "a whiteout in the root", [_entry(f"{b}.txt", "c")], [f".wh.{b}.txt"]),
            ("hole", "a name like its folder's", [_entry(f"{a}/{a}/{a}", "c")], [f"{a}/{a}/.wh.{a}"]),
            ("opaque", "an opaque directory", [opaque, file], [opaque[0], f"{opaque[0]}/.wh..wh..opq", file[0]]),
            (
                "opaque",
                "an opaque directory in the root with a file",
                [_entry(c, "d", opaque=True), _entry(f"{c}/{a}")],
                [c, f"{c}/.wh..wh..opq", f"{c}/{a}"],
            ),
        ]
        return [Case(part, (entries,), names, words) for part, words, entries, names in drawn]


def _entry(name: str, kind: str = "-", major: int = 0, minor: int = 0, *, opaque: bool = False) -> list[Any]:
    return [name, kind, major, minor, opaque]


@register
class Remove(Exercise):
    """Take one layer out of an image."""

    id = "06.remove"
    title = "an image without its secret"
    kind = "state"
    brief = "One of the image's layers brought a file that nobody should have. The image, the file, the image to make:"
    parts = (
        Part("loads", 1, "the daemon has the new image"),
        Part("gone", 2, "none of its layers holds the file"),
        Part("others", 1, "all other layers are there, in their order"),
        Part("runs", 1, "it runs, and prints what the old image prints"),
    )
    hints = (
        "Which layer has the file: could you see it in the tar that docker save writes?",
        "Two lists say which layers there are: manifest.json's, and the configuration's diff_ids. "
        "What does the daemon say if they differ? A third list, the history, should follow.",
        "config, layers = read_saved(daemon, task.image): delete the layer whose tar has the name from layers, its "
        "diff-id from config['rootfs']['diff_ids'], its line from the history; then write_saved(…) and images.load(…).",
    )
    seconds = 60

    def prepare(self, world: World) -> dict[str, Any]:
        """Load an image of four layers: the base, two steps of which one has the secret, and a last step."""
        with io.BytesIO() as file:
            write_archive(file, leaky(world))
            images.load(world.daemon, file.getvalue(), world.name("leaky"))
        return {"image": world.name("leaky:latest"), "file": f"/{SECRET}", "clean": world.name("clean:latest")}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Save the learner's image and look into each of its layers; run it."""
        name = world.name("clean:latest")
        layers = diff_ids(world, name)
        if layers is None:
            yield missing("loads", world, "clean:latest", _REFUSED)
            return
        try:
            with io.BytesIO(save(world, name)) as file:
                where = holders(read_archive(file), secret(world))
        except (errors.ArchiveError, errors.ImageError) as error:  # containerd's store takes it all the same
            wanted, look_at = "an image that agrees with itself", f"docker run --rm {name}"
            yield failed("loads", expected=wanted, saw=error.problem, look_at=look_at, why=_REFUSED)
            return
        yield found("loads", bool(layers), expected="an image with layers", saw=layers, look_at="docker inspect")
        same = diff_ids(world, world.name("leaky:latest")) == layers
        saw, look_at = f"layer {_series(where)} of {len(layers)} has it", "the tar of each layer"
        why = _HIDDEN if hides(world, name) and not same else _SAME if same else _OTHER
        wanted = f"no layer with {SECRET}"
        yield found("gone", bool(layers) and not where, expected=wanted, saw=saw, look_at=look_at, why=why)
        if where or not layers:
            return
        kept = others(world)
        saw = f"{len(layers)} layers, {sum(layer in kept for layer in layers)} of them the old image's"
        wanted, look_at = f"the {len(kept)} others, in their order", "docker inspect, RootFS.Layers"
        yield found("others", layers == kept, expected=wanted, saw=saw, look_at=look_at, why=_FLAT)
        said = _said(world, name)
        wanted, look_at = "what the old image prints", f"docker run --rm {name}"
        yield found("runs", said == greeting(world), expected=wanted, saw=said, look_at=look_at, why=_SETTINGS)


SECRET = "srv/token"
_REFUSED = (
    "The configuration lists the layers as well. "
    "If it lists one that the tar does not bring, no daemon can run the image."
)
_HIDDEN = "A layer above hides the file. Below it the file is still there, for everybody who saves the image."
_SAME = "These are the old image's layers, all of them, under another name."
_OTHER = "A layer is gone, but not the one with the file: look into the tar of each."
_FLAT = (
    "One file was too much. What came of export, or of copying, has lost the layers that it could share with others."
)
_SETTINGS = "What an image runs stands in its configuration: only the lists of layers in it change."


def secret(world: World) -> bytes:
    """What is in the file that nobody should have."""
    return f"token {world.seed.word('secret')}\n".encode()


def greeting(world: World) -> str:
    """What the image prints."""
    return world.seed.word("greeting")


def steps(world: World) -> list[bytes]:
    """The tars of the three upper layers, the lowest first; the secret is never on top."""
    bird = world.seed.word("bird")
    leak = write_layer({SECRET: Item(secret(world), mode=0o600), f"srv/{bird}.old": Item(b"draft\n")})
    plain = write_layer({f"srv/{bird}.txt": Item(b"letter\n")})
    last = write_layer({"srv/greeting": Item(f"{greeting(world)}\n".encode())})
    return [leak, plain, last] if world.seed.number("place", 0, 1) else [plain, leak, last]


def leaky(world: World) -> Draft:
    """The image with the secret, on the layers of ``labkit/busybox``."""
    base = images.ensure(world.daemon)
    archive = read_archive(io.BytesIO(save(world, base)))
    below = redraft(archive, archive.image())
    lines = [{"created": "1970-01-01T00:00:00Z", "created_by": f"step {number}"} for number in (1, 2, 3)]
    settings = {
        "Env": ["PATH=/bin"],
        "Cmd": ["cat", "/srv/greeting"],
        "Labels": sandbox.labels("exercise", exercise=world.exercise),
    }
    config = {**below.config, "config": settings, "history": [*(below.config.get("history") or ()), *lines]}
    return Draft(config, [*below.layers, *steps(world)], [world.name("leaky:latest")])


def others(world: World) -> list[str]:
    """The diff-ids that the new image shall have."""
    below = diff_ids(world, images.ensure(world.daemon)) or []
    return [*below, *(digest(step) for step in steps(world) if secret(world) not in step)]


def save(world: World, image: str) -> bytes:
    """What ``docker save`` writes.

    Raises:
        ImageError: if the daemon cannot save it.
    """
    from docker.errors import APIError

    try:
        return b"".join(world.daemon.client.api.get_image(image))
    except APIError as error:
        problem = f"{image} cannot be saved: {error.explanation}."
        raise errors.ImageError(problem, "Remove it, then begin again.") from error


def holders(archive: Archive, text: bytes) -> list[int]:
    """The numbers of the layers in which a file has this text, whatever its name."""
    found = []
    for layer in archive.images[0].layers:
        files = [entry.name for entry in read_layer(archive, layer) if entry.kind == "-" and entry.size < 1 << 16]
        if any(text.strip() in read_contents(archive, layer, name) for name in files):
            found.append(layer.number)
    return found


def hides(world: World, image: str) -> bool:
    """Whether a container of this image sees no secret."""
    with copy_of(world, image, command=f"test -e /{SECRET} && echo there") as box:
        return printed(box) == ""


def _said(world: World, image: str) -> str:
    try:
        with copy_of(world, image) as box:
            return printed(box)
    except errors.SandboxError as error:
        return error.problem


def _series(numbers: list[int]) -> str:
    return " and ".join(map(str, numbers))
