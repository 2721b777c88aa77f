"""Chapter 05, Union mount, fifth part: what two containers of one image share."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from labkit import errors, sandbox
from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, World, register
from labkit.course.verdict import Finding, Part, found
from labkit.host import Host
from labkit.inside.layers import read_layers
from labkit.inside.stack import Stack


@register
class Same(Exercise):
    """Find the files of two containers that are one."""

    id = "05.same"
    title = "one file or two?"
    kind = "value"
    brief = "Two containers of one image, and the files to compare:"
    parts = (
        Part("one", 2, "no file is named of which each container has another"),
        Part("all", 1, "every file is named that is one for both, on one inode of the host"),
    )
    hints = (
        "What makes two containers have the same file at first, and what ends that for one of them?",
        "The number that stat shows inside is overlayfs's own word, and it keeps it when it copies a file up. Who else "
        "can you ask?",
        "A file is still one for both if it lies in neither container's own layer: look there with host.stat, or "
        "print what docker diff says of each.",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Start both, and do something else with each file."""
        plan = deeds(world)
        image = world.image("image", {path[1:]: f"{path}\n" for path in plan})
        one, other = (
            world.run(["sleep", "3600"], what, image=image, stop_signal="SIGKILL") for what in ("one", "other")
        )
        for box, number in ((one, 0), (other, 1)):
            lines = [pair[number].format(path) for path, pair in plan.items() if pair[number]]
            box.sh("; ".join(["set -e", *lines]))
        return {"containers": [one.name, other.name], "files": sorted(plan)}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Compare device and inode of what lies beneath, on the daemon's host."""
        one, other = world.running("one"), world.running("other")
        if not (one and other):
            return
        stacks = [read_layers(world.host, box) for box in (one, other)]
        places = {path: [place(world.host, stack, path) for stack in stacks] for path in deeds(world)}
        truth = {path for path, (here, there) in places.items() if here and here == there}
        if not truth:
            return
        said = {str(path) for path in claim.value} if isinstance(claim.value, list) else set()
        wrong, missing = sorted(said - truth), sorted(truth - said)
        look_at, saw = "docker diff of both, and the two upper directories", wrong or repr(claim.value)
        why = _why_not_one(said, wrong, (one, other)) if said <= set(places) else _FILES
        yield found("one", bool(said) and not wrong, expected="files that are one", saw=saw, look_at=look_at, why=why)
        if said and not wrong:
            wanted = f"as many files as there are: {len(missing)} more"
            yield found("all", not missing, expected=wanted, saw=sorted(said), look_at=look_at, why=_READ)


def _why_not_one(said: set[str], wrong: list[str], boxes: tuple[sandbox.Box, sandbox.Box]) -> str:
    """Name the misunderstanding behind files that are named, and are two."""
    one, other = ({path: _number(box, path) for path in wrong} for box in boxes)
    return _FILES if not said else _INSIDE if one == other else _WORDS


_INSIDE = (
    "Inside, both show the same inode number: overlayfs keeps it when it copies a file up, so that programs notice "
    "nothing. On the host it is another file."
)
_WORDS = "The same words are not the same file: one of the two has its own, and could change it alone."
_FILES = "Hand in some of the paths that begin() printed, as a list."
_READ = "Reading copies nothing, whoever does it and however often."

DEEDS = (
    ("", ""),
    ("cat {0}", ""),
    ("cat {0}", "cat {0}; ls -l {0}"),
    ("touch {0}", ""),
    ("", "chmod 640 {0}"),
    (": >> {0}", ""),
    ("", "cp {0} /tmp/copy; rm {0}; cp /tmp/copy {0}"),
    ("echo one >> {0}", "echo other >> {0}"),
)
"""What the two containers do with a file; in the first three nobody writes."""


def deeds(world: World) -> dict[str, tuple[str, str]]:
    """The files, each with what the two containers do with it."""
    paths = [f"/srv/{world.seed.word(str(number))}" for number in range(len(DEEDS))]
    order = list(DEEDS)
    world.seed.stream("deeds").shuffle(order)
    return dict(zip(paths, order, strict=True))


def place(host: Host, stack: Stack, path: str) -> tuple[int, int] | None:
    """Device and inode of the uppermost entry of that path in the layers' directories; None where there is no file."""
    for layer in reversed(stack.layers):
        with contextlib.suppress(errors.PathMissing):
            entry = host.stat(layer.directory + path)
            return (entry.device, entry.inode) if entry.kind == "-" else None
    return None


def _number(box: sandbox.Box, path: str) -> str:
    """The inode number that a container sees; empty where it sees no such file."""
    return box.sh(f"stat -c %i {path} 2>/dev/null || true")
