"""Looking at the daemon's host: one question to the helper, and a tree of ten thousand files."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from labkit import images, sandbox
from labkit.daemon import Daemon
from labkit.helper import HelperHost, container_name
from labkit.host import Entry, Host
from labkit.hosts import is_local
from labkit.local import LocalHost
from tests.benchmarks.harness import Pair, Skip, Target, row, timed

SMALL = "/etc/hostname"
FOLDERS = FILES = 100
TREE = f"for d in $(seq {FOLDERS}); do mkdir /t/$d; for f in $(seq {FILES}); do echo $d/$f >/t/$d/$f; done; done"
FACTS = r"%y %m %n %U %G %s %i %D %T@ %p\n"
"""What an ``Entry`` says, in the words of GNU find."""


@contextmanager
def helper(daemon: Daemon) -> Iterator[HelperHost]:
    """The helper of this run, removed again."""
    host = HelperHost(daemon)
    try:
        yield host
    finally:
        host.close()
        if box := sandbox.find(daemon, container_name()):
            box.remove()


@contextmanager
def tree(daemon: Daemon) -> Iterator[str]:
    """The path, on the daemon's host, of a folder with 100 folders of 100 files each."""
    image = images.ensure(daemon)
    with sandbox.volume(daemon, what="tree") as volume:
        with sandbox.run(image, TREE, what="tree", daemon=daemon, volumes=[f"{volume.name}:/t"]) as box:
            assert box.wait(deadline=120) == 0, box.logs()
        yield volume.attrs["Mountpoint"]


def find(host: Host, path: str) -> str:
    """What GNU find on the host says of the same files."""
    ran = host.run("find", path, "-printf", FACTS, timeout=120)
    if ran.status:
        raise Skip(f"the host's find cannot be compared with: {ran.err.strip()}")
    return ran.out


def facts(entry: Entry) -> str:
    """An entry in the words of ``FACTS``, with whole seconds."""
    kind = "f" if entry.kind == "-" else entry.kind
    numbers = entry.links, entry.uid, entry.gid, entry.size, entry.inode, entry.device, entry.mtime
    return f"{kind} {entry.mode & 0o7777:o} {' '.join(map(str, numbers))} {entry.path}"


def walks(walker: Host, other: Host, path: str) -> Pair:
    """A walk against find, once both have said the same of every file."""
    lines = (line.split(" ", 9) for line in find(other, path).splitlines())
    expected = {" ".join([*words[:8], words[8].partition(".")[0], words[9]]) for words in lines}
    assert len(expected) == 1 + FOLDERS + FOLDERS * FILES
    assert {facts(entry) for entry in walker.walk(path)} == expected
    return Pair(timed(lambda: list(walker.walk(path))), timed(lambda: find(other, path)))


@row(
    "helper-read",
    what=f"HelperHost.read of {SMALL}",
    comparison="docker exec … cat of the same file",
    target=Target("median", "≤", 0.002),
    turns=30,
    each=20,
)
def helper_read(daemon: Daemon) -> Iterator[Pair]:
    """A question to the open stream costs about what the host's own programs cost, not a new exec."""
    docker = shutil.which("docker")
    if not docker:
        raise Skip("there is no docker CLI to compare with")
    words = [docker, "exec", container_name(), "cat", f"/host{SMALL}"]
    with helper(daemon) as host:
        read = host.read(SMALL)  # starts the helper
        assert read == subprocess.run(words, check=True, capture_output=True).stdout
        yield Pair(
            timed(lambda: host.read(SMALL)),
            timed(lambda: subprocess.run(words, check=True, capture_output=True)),
            unjudged="" if daemon.place == "here" else "the target is for a daemon on this computer",
        )


@row(
    "helper-walk",
    what="HelperHost.walk of 10 000 files",
    comparison="find -printf of the same facts",
    target=Target("ratio", "≤", 3),
    turns=40,
)
def helper_walk(daemon: Daemon) -> Iterator[Pair]:
    """A walk through the helper takes at most three times as long as find on the host itself."""
    with helper(daemon) as host, tree(daemon) as path:
        yield walks(host, LocalHost() if is_local(daemon) else host, path)


@row(
    "local-walk",
    what="LocalHost.walk of 10 000 files",
    comparison="find -printf of the same facts",
    target=Target("ratio", "≤", 3),
    turns=40,
)
def local_walk(daemon: Daemon) -> Iterator[Pair]:
    """A walk without the helper is held to the same, where the notebook sees the daemon's files."""
    if not is_local(daemon):
        raise Skip("the notebook does not run as root on the daemon's host")
    with tree(daemon) as path:
        yield walks(LocalHost(), LocalHost(), path)
