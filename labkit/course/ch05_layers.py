"""Chapter 05, Union mount, first part: what is seen of several layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from labkit.course.exercise import Program, World, register
from labkit.course.outputs import Case
from labkit.course.seed import BIRDS
from labkit.course.verdict import Part

Kinds = Mapping[str, str]
"""One layer: path → ``"file"``, ``"dir"``, ``"opaque"`` (a directory that is) or ``"whiteout"``."""


@register
class Merge(Program):
    """Predict what is seen of layers."""

    id = "05.merge"
    title = "what is seen of three layers?"
    brief = "The judge will call your function with layers of its own."
    parts = (
        Part("top", 2, "of what several layers have, the uppermost is seen, and directories are merged"),
        Part("whiteout", 2, "a whiteout hides what lies below it, with all that is in it, and nothing above"),
        Part("opaque", 1, "an opaque directory hides what lower layers have in it, and not what its own has"),
    )
    hints = (
        "Begin below and lay one layer after the other on what is there. What must vanish first, what is added then?",
        "A whiteout, a file and an opaque directory each hide everything below their path. What is the difference "
        "between a path that begins with /data, and one that lies in /data?",
        "For each layer: first keep of what is seen only what it does not hide, then add its own paths but the "
        "whiteouts, with its number.",
    )
    look_at = "the kernel's own documentation, overlayfs.rst, under 'whiteouts and opaque directories'"
    whys = {  # noqa: RUF012 - a table to read, like the parts
        "top": "The layers come lowest first, and the uppermost wins. A file hides a whole directory below it.",
        "whiteout": "A whiteout hides a path and what lies in it. /data.old does not lie in /data; upper layers may "
        "have it again.",
        "opaque": "An opaque directory is there, and empty but for what its own layer and those above put in it.",
    }

    def cases(self, world: World) -> list[Case]:
        """Draw layers: the argument is a list of them, the lowest first."""
        stream = world.draws.stream("names")
        a, b, c, d = (f"/{name}" for name in stream.sample(BIRDS, 4))
        down = {a: "dir", f"{a}/x": "file", f"{a}/y": "file", f"{a}.old": "file", f"{a}.d": "dir", f"{a}.d/x": "file"}
        deep = {b: "dir", f"{b}{c}": "dir", f"{b}{c}/x": "file", f"{b}{c}{d}": "dir", f"{b}{c}{d}/y": "file"}
        drawn: list[tuple[str, str, list[Kinds]]] = [
            ("top", "one layer", [down]),
            ("top", "three that have a file each", [{a: "file"}, {b: "file"}, {c: "file"}]),
            ("top", "three that have the same", [down, {a: "dir", f"{a}/x": "file"}, {d: "file", a: "dir"}]),
            ("top", "a file where a directory was", [deep, {b: "dir", f"{b}{c}": "file"}, {c: "dir"}]),
            ("top", "a directory where a file was", [{a: "file", b: "file"}, {a: "dir", f"{a}/x": "file"}, {}]),
            ("whiteout", "a file's whiteout", [down, {a: "dir", f"{a}/x": "whiteout"}, {b: "file"}]),
            ("whiteout", "a directory's whiteout", [down | deep, {}, {a: "whiteout"}]),
            ("whiteout", "what was removed, and is there again", [down, {a: "whiteout"}, {a: "dir", f"{a}/z": "file"}]),
            ("whiteout", "a whiteout above nothing", [{b: "whiteout", a: "file"}, {c: "whiteout"}, {b: "file"}]),
            ("whiteout", "a whiteout deep in a directory", [deep, {b: "dir", f"{b}{c}": "whiteout"}, {b: "dir"}]),
            ("opaque", "an opaque directory", [down, {f"{a}/z": "file", a: "opaque"}, {a: "dir", f"{a}/y": "file"}]),
            ("opaque", "an opaque directory in another", [deep, {b: "dir", f"{b}{c}": "opaque"}, {f"{b}": "dir"}]),
            (
                "opaque",
                "one at the bottom",
                [{f"{a}/x": "file", a: "opaque"}, {a: "dir"}, {a: "dir", f"{a}/w": "file"}],
            ),
            ("opaque", "two of them", [down, {a: "opaque", f"{a}/q": "file"}, {f"{a}/r": "file", a: "opaque"}, deep]),
        ]
        return [Case(part, (layers,), merge(layers), f"{words}: {layers}") for part, words, layers in drawn]


def merge(layers: Sequence[Kinds]) -> dict[str, int]:
    """Return every path that is seen, and the number of the layer that it is seen from; the lowest is 1.

    Each path is looked up from above, as the kernel does it: until a layer has it, or hides what lies below.
    """
    paths = {path for layer in layers for path in layer}
    return {path: number for path in paths if (number := look_up(layers, path))}


def look_up(layers: Sequence[Kinds], path: str) -> int:
    """Return the number of the uppermost layer that shows a path; 0 if none does."""
    above = [str(parent) for parent in PurePosixPath(path).parents]
    for number in range(len(layers), 0, -1):
        layer = layers[number - 1]
        if path in layer:
            return 0 if layer[path] == "whiteout" else number
        if any(layer.get(parent) in ("whiteout", "file", "opaque") for parent in above):
            return 0
    return 0
