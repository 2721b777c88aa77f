"""What is computed from layers is what the kernel shows of them: in a mount, and in `docker export`."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import secrets
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit import images, sandbox
from labkit.daemon import Daemon
from labkit.host import Host, decode, encode
from labkit.inside.layers import read_layers
from labkit.inside.provenance import provenance, read_provenance
from labkit.inside.stack import Layer, Stack
from labkit.inside.union import Seen, read_visible
from labkit.local import LocalHost
from tests.inside import layerings
from tests.inside.layerings import FOLDER, Node

STACKS = int(os.environ.get("LABKIT_STACKS", "20"))
"""How many stacks are compared with `docker export`, ten in one image."""

# --- A mount --------------------------------------------------------------------------------------------------


def may_mount() -> bool:
    """Whether this process may mount an overlay, in a namespace of its own."""
    with tempfile.TemporaryDirectory() as folder:
        for name in "abm":
            (Path(folder) / name).mkdir()
        script = f"cd {folder} && mount -t overlay -o ro,lowerdir=a:b overlay m"
        words = ["unshare", "-m", "sh", "-c", script]
        return os.name == "posix" and subprocess.run(words, capture_output=True).returncode == 0


mounting = pytest.mark.skipif(not may_mount(), reason="only root can mount, where the kernel lets it")


def stack_of(folders: Sequence[Path]) -> Stack:
    """A stack of these directories, the lowest first."""
    return Stack("a test", "overlay2", tuple(Layer(n, "image", str(folder)) for n, folder in enumerate(folders, 1)))


def written(layers: Sequence[layerings.Layer], folder: Path) -> Stack:
    """A stack of these layers, written into a folder."""
    for number, layer in enumerate(layers, 1):
        layerings.write_folder(number, layer, folder / str(number))
    return stack_of([folder / str(number) for number in range(1, len(layers) + 1)])


FACTS = r"%P\t%m %y %U:%G %n\0"


def mounted(stack: Stack) -> dict[str, str]:
    """What GNU find says of a mount of these layers, by path."""
    lower = ":".join(layer.directory for layer in reversed(stack.layers))
    script = f"mount -t tmpfs none /mnt && mkdir /mnt/m && mount -t overlay -o ro,lowerdir={lower} none /mnt/m && "
    words = ["unshare", "-m", "sh", "-c", f"{script} find /mnt/m -printf '{FACTS}' 2>/dev/null || true"]
    out = subprocess.run(words, check=True, capture_output=True).stdout
    return dict(decode(line).split("\t") for line in out.split(b"\0") if line)


def found(seen: Seen) -> str:
    """The same of a file that was computed; a directory in an overlay has a number of links of its own."""
    entry = seen.entry
    kind = "f" if entry.kind == "-" else entry.kind
    return f"{entry.mode & 0o7777:o} {kind} {entry.uid}:{entry.gid}"


@mounting
@given(layerings.stacks())
def test_computed_is_what_a_mount_shows(layers: list[layerings.Layer]) -> None:
    """Every file that overlayfs shows of any layers is computed from them, and no other, in the order of the names."""
    with tempfile.TemporaryDirectory() as folder:
        stack = written(layers, Path(folder))
        seen = list(read_visible(LocalHost(), stack))
        shown = {f"/{path}": facts.rpartition(" ")[0] for path, facts in mounted(stack).items()}
        assert {one.path: found(one) for one in seen} == shown
        assert [encode(one.path).split(b"/") for one in seen[1:]] == sorted(
            encode(s.path).split(b"/") for s in seen[1:]
        )


@mounting
@given(layerings.stacks())
def test_three_ways_to_ask_agree(layers: list[layerings.Layer]) -> None:
    """One path, all names, and all entries have the same to say about where a file comes from and what it hides."""
    with tempfile.TemporaryDirectory() as folder:
        stack = written(layers, Path(folder))
        seen = list(read_visible(LocalHost(), stack))
        assert dict(read_provenance(LocalHost(), stack)) == {one.path: one.layer for one in seen}
        for one in seen:
            told = provenance(LocalHost(), stack, one.path)
            itself = [n for n, by in told.hidden.items() if by.path == one.path and by.kind != "whiteout"]
            assert (told.layer, told.merged, itself) == (one.layer, one.merged, list(one.hides))


@mounting
def test_the_mark_of_a_root_means_nothing(tmp_path: Path) -> None:
    """A layer whose own directory is opaque hides nothing: overlayfs never looks for the mark there."""
    stack = written([{"a": FOLDER}, {"b": FOLDER}], tmp_path)
    os.setxattr(tmp_path / "2", "trusted.overlay.opaque", b"y")
    assert [one.path for one in read_visible(LocalHost(), stack)] == ["/", "/a", "/b"]
    assert set(mounted(stack)) == {"", "a", "b"}


# --- The daemon -----------------------------------------------------------------------------------------------


def facts_of(host: Host, seen: Seen) -> tuple[Any, ...]:
    """What a tar tells of a file: type, mode, owner, size, target, device, contents."""
    entry = seen.entry
    data = hashlib.sha256(host.read(entry.path)).hexdigest() if entry.kind == "-" else ""
    target = host.readlink(entry.path) if entry.kind == "l" else ""
    device = (entry.major, entry.minor) if entry.kind in "cb" else (0, 0)
    size = entry.size if entry.kind == "-" else 0
    return entry.kind, entry.mode & 0o7777, entry.uid, entry.gid, size, target, device, data


KINDS = {
    tarfile.REGTYPE: "-",
    tarfile.DIRTYPE: "d",
    tarfile.SYMTYPE: "l",
    tarfile.FIFOTYPE: "p",
    tarfile.CHRTYPE: "c",
    tarfile.BLKTYPE: "b",
}


def exported(daemon: Daemon, box: sandbox.Box) -> dict[str, tuple[Any, ...]]:
    """The same from `docker export`, by path."""
    told: dict[str, tuple[Any, ...]] = {}
    archive = io.BytesIO(b"".join(daemon.client.api.export(box.id)))
    with tarfile.open(fileobj=archive, encoding="utf-8", errors="surrogateescape") as tar:
        for item in tar:
            if item.islnk():
                told[f"/{item.name}"] = told[f"/{item.linkname}"]
                continue
            file = tar.extractfile(item) if item.isreg() else None
            data = hashlib.sha256(file.read()).hexdigest() if file else ""
            device = (item.devmajor, item.devminor) if item.ischr() or item.isblk() else (0, 0)
            size, kind = item.size if item.isreg() else 0, KINDS[item.type]
            told[f"/{item.name}"] = kind, item.mode & 0o7777, item.uid, item.gid, size, item.linkname, device, data
    return told


def together(stacks: Sequence[Sequence[layerings.Layer]]) -> list[layerings.Layer]:
    """Put many stacks into one, each in a folder of its own."""
    whole: list[layerings.Layer] = [{} for _ in range(max(map(len, stacks)))]
    for number, stack in enumerate(stacks):
        for layer, part in zip(whole, stack, strict=False):
            layer |= layerings.below(f"stack{number}", part)
    return whole


@contextlib.contextmanager
def loaded(daemon: Daemon, layers: Sequence[layerings.Layer], **options: Any) -> Iterator[sandbox.Box]:
    """A container of an image of these layers, both removed again."""
    tag = f"labkit/test-{secrets.token_hex(4)}:latest"
    images.load(daemon, layerings.write_archive(tag, layers, daemon.architecture), "a test's layers")
    try:
        with sandbox.create(tag, what="test", daemon=daemon, **options) as box:
            yield box
    finally:
        daemon.client.api.remove_image(tag)


@pytest.mark.daemon
@given(st.lists(layerings.stacks(), min_size=10, max_size=10))
@settings(max_examples=STACKS // 10)
def test_computed_is_what_docker_exports(daemon: Daemon, host: Host, stacks: list[list[layerings.Layer]]) -> None:
    """Every file of a container is computed from its layers as `docker export` packs it, to the last byte."""
    with loaded(daemon, together(stacks)) as box:
        stack = read_layers(host, box)
        seen = list(read_visible(host, stack))
        computed = {one.path: facts_of(host, one) for one in seen[1:]}
        assert computed == exported(daemon, box)
        assert dict(read_provenance(host, stack)) == {one.path: one.layer for one in seen}
        told = provenance(host, stack, seen[-1].path)
        assert (told.layer, told.merged) == (seen[-1].layer, seen[-1].merged)
        for one in seen:
            if one.entry.kind == "-" and one.entry.size:
                assert host.read(one.entry.path).startswith(b"%d:" % one.layer)


@pytest.mark.daemon
def test_what_the_daemon_adds_is_of_the_init_layer(daemon: Daemon, host: Host) -> None:
    """The empty files that Docker mounts over, such as /etc/hosts, come from the layer that the daemon puts between."""
    with loaded(daemon, [{"etc": FOLDER, "etc/motd": Node("file")}]) as box:
        stack = read_layers(host, box)
        origin = dict(read_provenance(host, stack))
        kinds = {layer.number: layer.kind for layer in stack.layers}
        assert kinds[origin["/etc/hosts"]] == kinds[origin["/.dockerenv"]] == "init"
        assert kinds[origin["/etc/motd"]] == "image"
