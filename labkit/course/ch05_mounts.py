"""Chapter 05, Union mount, second part: overlays that are mounted by hand, on a workbench."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from labkit import sandbox
from labkit.bench import workbench
from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, World, register
from labkit.course.seed import BIRDS
from labkit.course.verdict import Finding, Part, failed, found, passed
from labkit.inside.mounts import Mount, read_mounts

FILE = "etc/motd"


@register
class Vanish(Exercise):
    """Hide a file of a lower layer without anybody removing it."""

    id = "05.vanish"
    title = "a file that is there and is not there"
    kind = "state"
    brief = "The workbench, and the file that shall vanish from the view:"
    parts = (
        Part("below", 1, "the lower directory still holds the file"),
        Part("hidden", 2, "the view does not have it, because of what lies in the upper directory"),
        Part("rest", 1, "everything else of that directory is seen as before"),
        Part("nobody", 1, "nobody removed it"),
    )
    hints = (
        'Which kind of directory entry means "nothing here" to overlayfs? You have seen its type letter.',
        "overlayfs makes that entry itself when a file is removed. What else makes devices, and where would you have "
        "to put one? Through the view you cannot.",
        "Unmount /bench/view; in /bench/own make the directory etc, and in it motd with mknod, a character device 0 0; "
        "mount again as it was.",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Start a workbench with an overlay on it."""
        bench = workbench(daemon=world.daemon, name=world.name("bench"))
        lines = ["cd /bench", "mkdir -p image/etc own work view", f"echo {words(world)} > image/{FILE}"]
        lines += [f"echo {word} > image/etc/{name}" for name, word in neighbours(world).items()]
        lines += ["mount -t overlay -o lowerdir=/bench/image,upperdir=/bench/own,workdir=/bench/work overlay view"]
        bench.sh(" && ".join(lines))
        return {"bench": bench.name, "file": f"/bench/view/{FILE}"}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Look into the three directories, and mount a view of its own."""
        box = world.running("bench")
        if box is None:
            return
        below = printed(box, f"cat /bench/image/{FILE}")
        if below != words(world):
            saw, look_at = repr(below), f"cat /bench/image/{FILE}"
            yield failed("below", expected="what begin() wrote into it", saw=saw, look_at=look_at, why=_BELOW)
            return
        if (hidden := _hidden(box, world)).state == "fail":
            yield hidden
            return
        yield passed("below")
        yield hidden
        yield _rest(box, world)
        yield _nobody(box)


def words(world: World) -> str:
    """What the file holds."""
    return world.seed.word("motd")


def neighbours(world: World) -> dict[str, str]:
    """The other files of the directory."""
    return {name: world.seed.word(name) for name in ("hostname", "issue", world.seed.word("neighbour"))}


def printed(box: sandbox.Box, command: str) -> str:
    """What a command in the container prints, whether it succeeds or not."""
    return box.sh(f"({command}) 2>&1 || true")


def _hidden(box: sandbox.Box, world: World) -> Finding:
    """Whether the view lacks the file, and so does a view that the judge mounts of the same two directories."""
    mounts = read_mounts(world.host, box.pid)
    seen, why = printed(box, f"ls -ld /bench/view/{FILE}"), ""
    over = [mount.target for mount in mounts if mount.target.startswith("/bench/view/")]
    if not overlay_at(mounts, "/bench/view"):
        seen, why = "no overlay at /bench/view", "Without the overlay there is no view: mount it again as it was."
    elif over:
        seen, why = f"mounted over it: {', '.join(over)}", _OVER
    elif seen[0] == "-":
        why = _EMPTY if seen.split()[4] == "0" else _RIGHTS if seen[:10] == "----------" else ""
    elif seen.startswith("ls:"):
        seen, why = _own_view(box), "The view hides it, but not because of what lies in /bench/own."
    right = seen.startswith("ls:")
    expected, look_at = f"no entry {FILE} in the view", "ls -l /bench/view/etc, ls -l /bench/own/etc, cat /proc/mounts"
    return found("hidden", right, expected=expected, saw=seen, look_at=look_at, why=why)


def _own_view(box: sandbox.Box) -> str:
    """What is seen of the file where both directories are lower ones, so that nothing can be written."""
    view = "/bench/.judge"
    mount = f"mkdir {view} && mount -t overlay -o index=off,lowerdir=/bench/own:/bench/image overlay {view}"
    return printed(box, f"{mount} && ls -ld {view}/{FILE}; umount {view}; rmdir {view}")


def _rest(box: sandbox.Box, world: World) -> Finding:
    """Whether the other files are seen, with what they hold."""
    wanted = neighbours(world)
    saw = {name: printed(box, f"cat /bench/view/etc/{name}") for name in wanted}
    why = "The whole directory is hidden, or what is in it: one entry is to vanish, and its neighbours stay."
    return found("rest", saw == wanted, expected=f"{wanted}", saw=f"{saw}", look_at="ls -l /bench/view/etc", why=why)


def _nobody(box: sandbox.Box) -> Finding:
    """Whether the whiteout was made by hand: those that overlayfs makes have no rights at all."""
    kind = printed(box, f"stat -c '%F %t,%T %a' /bench/own/{FILE}")
    right = kind.startswith("character special file 0,0 ") and not kind.endswith(" 0")
    why = _REMOVED if kind.startswith("character") else "It is not a whiteout of its own that hides it."
    look_at, expected = f"ls -l /bench/own/{FILE}", "a whiteout that overlayfs did not make"
    return found("nobody", right, expected=expected, saw=kind, look_at=look_at, why=why)


_BELOW = "That was the image's own file. There is no layer below it from which it could come back."
_EMPTY = "An empty file hides the old contents, but it is still a file."
_RIGHTS = (
    "Without rights nobody but root reads it, but the name is there: chmod changes a file, and copies it up first."
)
_OVER = "Something is mounted over it. The name is still there, and whoever unmounts it has the file back."
_REMOVED = (
    "Its rights are ---------: this whiteout was made by overlayfs itself, when somebody removed the file through the "
    "view."
)


@register
class Order(Exercise):
    """Mount four directories in the order in which the wanted files win."""

    id = "05.order"
    title = "who lies on whom?"
    kind = "state"
    brief = "The workbench, the four directories on it, and the words that the files of the view shall hold:"
    parts = (
        Part("whole", 1, "an overlay of all four directories is mounted at /bench/view"),
        Part("order", 2, "each file has the wanted word: the right directory wins"),
        Part("read-only", 1, "nothing can be written there, for there is no upper directory"),
    )
    hints = (
        "Two directories have a file of the same name. Which of them must lie above the other, so that its word wins?",
        "Three files, three pairs: together they leave one order. In lowerdir=…, which end is up?",
        "mount -t overlay -o lowerdir=FIRST:SECOND:THIRD:FOURTH overlay /bench/view, where the first is uppermost. "
        "An overlay without upperdir cannot be written to.",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Start a workbench with the directories; the mount is the learner's to make."""
        bench = workbench(daemon=world.daemon, name=world.name("bench"))
        order, lines = order_of(world), ["mkdir /bench/view"]
        for name in sorted(order):
            lines.append(f"mkdir /bench/{name}")
        for file, (upper, lower) in files_of(world).items():
            lines += [f"echo {word_of(world, name)} > /bench/{name}/{file}" for name in (upper, lower)]
        bench.sh(" && ".join(lines))
        wanted = {file: word_of(world, upper) for file, (upper, _) in files_of(world).items()}
        return {"bench": bench.name, "directories": [f"/bench/{name}" for name in sorted(order)], "wanted": wanted}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Read the mount from the kernel, and the files through it."""
        box = world.find("bench")
        if not (box and box.pid):
            return
        mount = overlay_at(read_mounts(world.host, box.pid), "/bench/view")
        order = order_of(world)
        lowers = [path.rstrip("/").rpartition("/")[2] for path in lower_directories(mount)] if mount else []
        saw, look_at = f"lowerdir={':'.join(lowers)}" if mount else "no overlay", "cat /proc/mounts on the workbench"
        if sorted(lowers) != sorted(order):
            why = _COPIED if not mount else "A directory that is not among the lowers is not seen, wherever it lies."
            yield failed("whole", expected="an overlay of all four", saw=saw, look_at=look_at, why=why)
            return
        yield found("whole", True, expected="", saw="", look_at="")
        view = {file: box.sh(f"cat /bench/view/{file}") for file in files_of(world)}
        wanted = {file: word_of(world, upper) for file, (upper, _) in files_of(world).items()}
        why = _UPSIDE_DOWN if lowers == order[::-1] else "Take the three files one by one: each says who is above whom."
        yield found("order", view == wanted, expected=f"{wanted}", saw=f"{view}", look_at=look_at, why=why)
        options = mount.super_options if mount else ()
        right = not any(option.startswith("upperdir=") for option in options)
        saw = ",".join(options)
        yield found("read-only", right, expected="no upperdir", saw=saw, look_at=look_at, why=_WRITABLE)


_COPIED = "Files that are copied into one directory are no view: what the kernel shows, is mounted."
_UPSIDE_DOWN = "They lie upside down: in lowerdir the first is the uppermost, and the last lies at the bottom."
_WRITABLE = "With an upperdir somebody can write there, and then a fifth directory wins over all four."


def order_of(world: World) -> list[str]:
    """The names of the directories, the uppermost first."""
    return world.seed.stream("order").sample(BIRDS, 4)


def files_of(world: World) -> dict[str, tuple[str, str]]:
    """The files that two directories have: name → the one whose word is wanted, and the other."""
    order = order_of(world)
    names = world.seed.stream("files").sample(("north", "east", "south", "west", "near", "far"), 3)
    return dict(zip(names, pairwise(order), strict=True))


def word_of(world: World, directory: str) -> str:
    """What the files of a directory hold."""
    return world.seed.word(f"word of {directory}")


def overlay_at(mounts: Sequence[Mount], target: str) -> Mount | None:
    """The overlay that is mounted at a place, and seen there: nothing else was mounted over it."""
    here = [mount for mount in mounts if mount.target == target]
    return here[-1] if here and here[-1].fstype == "overlay" else None


def lower_directories(mount: Mount) -> list[str]:
    """The lower directories of an overlay as they were given to it, the uppermost first.

    ``lowerdir+`` has one of them, where they were given one by one (``Documentation/filesystems/overlayfs.rst``).
    """
    found: list[str] = []
    for option in mount.super_options:
        name, _, value = option.partition("=")
        if name in ("lowerdir", "lowerdir+"):
            found += value.split(":")
    return found
