"""Chapter 05, Union mount, fourth part: what a container owns."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from labkit import errors
from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, World, register
from labkit.course.verdict import Finding, Part, found
from labkit.host import Entry, Host
from labkit.images import Files
from labkit.inside.layers import read_layers
from labkit.inside.stack import Stack


@register
class Bytes(Exercise):
    """Count what lies in a container's own layer."""

    id = "05.bytes"
    title = "how many bytes does it own?"
    kind = "value"
    brief = "The container, in which somebody has worked for a while:"
    parts = (
        Part("own", 2, "the bytes of all files in its own layer are counted, each file once"),
        Part("copied", 1, "of these, the bytes of the files that the image has as well are counted"),
        Part("holes", 1, "the whiteouts are counted"),
    )
    hints = (
        "Where does everything lie that a container has ever written? What lies there for what it removed?",
        "host.walk(directory) yields each entry of a directory on the host, with kind, size, inode and links. Can two "
        "entries be one file?",
        "read_layers(host, box).own.directory is the place. Count sizes by inode for the kind '-'; a path is copied up "
        "if one of the layers below has it, too.",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Start a container, and work in it."""
        sizes = {key: world.seed.number(key, 20_000, 90_000) for key in ("log", "tool", "new")}
        layer: Files = {"srv/log": b"l" * sizes["log"], "srv/tool": b"t" * sizes["tool"], "srv/kept": b"k" * 40_000}
        old: Files = {f"srv/{name}": "old\n" for name in ("cache/a", "cache/b", *removed(world))}
        image = world.image("image", {**layer, **old}, {"srv/tool": b"T" * sizes["tool"]})
        box = world.run(["sleep", "3600"], "box", image=image, stop_signal="SIGKILL")
        lines = [f"head -c {sizes['new']} /dev/zero > /srv/new", "ln /srv/new /srv/other", "echo more >> /srv/log"]
        lines += ["chmod 700 /srv/tool", "rm -r /srv/cache", *(f"rm /srv/{name}" for name in removed(world))]
        box.sh(" && ".join(lines))
        return {"container": box.name}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Count on the daemon's host, now."""
        box = world.running("box")
        if box is None:
            return
        truth = count(world.host, read_layers(world.host, box))
        if not (truth.own and truth.copied and truth.holes):
            return
        value = claim.value if isinstance(claim.value, dict) else {}
        look_at = "docker diff, and ls -lRi of the container's upper directory"
        for key, right, why in (
            ("own", truth.own, _why_own(value.get("own"), truth)),
            ("copied", sum(truth.copied), _why_copied(value.get("copied"), truth)),
            ("holes", truth.holes, _why_holes(value.get("holes"), truth)),
        ):
            said = value.get(key)
            same = type(said) is int and said == right
            yield found(
                key, same, expected="another number", saw=repr(said), look_at=look_at, why=why if value else _FORM
            )


class Counted(NamedTuple):
    """What lies in a container's own layer.

    Attributes:
        own: bytes of its files, each inode once.
        names: the same, each name once.
        copied: the bytes of each file that a layer below has as well.
        holes: whiteouts.
    """

    own: int
    names: int
    copied: list[int]
    holes: int


def count(host: Host, stack: Stack) -> Counted:
    """Count what lies in the own layer of a container."""
    if stack.own is None:
        return Counted(0, 0, [], 0)
    entries = list(host.walk(stack.own.directory))
    files = [entry for entry in entries if entry.kind == "-"]
    once = {entry.inode: entry.size for entry in files}
    copied = [entry for entry in files if beneath(host, stack, entry.path.removeprefix(stack.own.directory))]
    holes = [entry for entry in entries if entry.whiteout]
    names = sum(entry.size for entry in files)
    return Counted(sum(once.values()), names, [entry.size for entry in copied], len(holes))


def beneath(host: Host, stack: Stack, path: str) -> Entry | None:
    """What the layers below a container's own have under a path, as far as it is a file."""
    for layer in reversed(stack.layers):
        with contextlib.suppress(errors.PathMissing):
            if layer.kind != "own":
                entry = host.stat(layer.directory + path)
                return entry if entry.kind == "-" else None
    return None


def removed(world: World) -> list[str]:
    """Files that are removed in the container."""
    names = ["old", "older", "oldest", "ancient", "stale"]
    return world.seed.stream("removed").sample(names, world.seed.number("how many", 2, 4))


_FORM = 'Hand in a dictionary: answer = {"own": …, "copied": …, "holes": …}.'


def _why_own(said: object, truth: Counted) -> str:
    if said == truth.names:
        return "Two names, one inode: the bytes of a hard link lie there once."
    if type(said) is int and said < truth.own:
        return "A file of the image that is changed lies in the own layer whole, not only what was written: copy-up."
    return "Only what lies in the container's own layer is its own; all else it shares." if type(said) is int else ""


def _why_copied(said: object, truth: Counted) -> str:
    if said in truth.copied:
        return "chmod copies a file up, too: with its rights it would otherwise change for everybody."
    if said == truth.own:
        return "What no layer below has was not copied from there: it is new."
    return ""


def _why_holes(said: object, truth: Counted) -> str:
    if said == 0:
        return "What was removed has left something: an entry that is a character device 0,0."
    if type(said) is int and said > truth.holes:
        return "A directory that is removed leaves one whiteout, however much was in it."
    return ""
