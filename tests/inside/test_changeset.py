"""The tar of a layer's directory: what overlayfs keeps in it, as images say it; compared with ``docker commit``."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from labkit import errors, images, sandbox
from labkit.daemon import Daemon
from labkit.host import Entry, Host, decode
from labkit.inside import changeset
from labkit.inside.archive import read_archive
from labkit.inside.changeset import pack_layer
from labkit.inside.entries import LayerEntry, read_layer
from labkit.inside.mounts import read_mounts
from labkit.inside.removal import redraft
from labkit.inside.tars import Header, read_headers
from labkit.local import LocalHost
from labkit.oci import Draft, write_archive
from labkit.sandbox import Box
from tests.oracles import docker, inspect


class Overlay(LocalHost):
    """A folder of which some files are whiteouts and some folders opaque: to make real ones needs root.

    Args:
        root: the folder.
        whiteouts: names of files that are shown as character devices 0,0.
        opaque: names of folders.
    """

    def __init__(self, root: Path, whiteouts: Sequence[str] = (), opaque: Sequence[str] = ()) -> None:
        super().__init__(root)
        self._whiteouts, self._opaque = whiteouts, opaque

    def walk(self, path: str) -> Iterator[Entry]:
        """Everything below, some of it as devices."""
        for entry in super().walk(path):
            hidden = os.path.basename(entry.path) in self._whiteouts
            yield entry._replace(mode=stat.S_IFCHR, size=0, links=3) if hidden else entry

    def opaque(self, base: str, paths: Sequence[str]) -> set[str]:
        """Those folders that were named."""
        return {path for path in paths if os.path.basename(path) in self._opaque}


def packed(host: Host, directory: str = "/layer") -> list[Header]:
    """The headers of the tar of a directory; its digest is the one that was returned."""
    target = io.BytesIO()
    assert pack_layer(host, directory, target) == f"sha256:{hashlib.sha256(target.getvalue()).hexdigest()}"
    return list(read_headers(target, "The layer", 1000))


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    """An empty layer."""
    folder = tmp_path / "layer"
    folder.mkdir()
    return folder


def test_whiteouts_are_translated(layer: Path) -> None:
    """A device 0,0 becomes ``.wh.NAME``, an opaque folder gets ``.wh..wh..opq``; also where all have one inode."""
    (layer / "etc").mkdir()
    for name in ("gone", "etc/group"):
        (layer / name).touch()
    found = packed(Overlay(layer.parent, ["gone", "group"], ["etc"]))
    assert [(h.kind, h.name, h.size) for h in found] == [
        ("d", "etc", 0),
        ("-", "etc/.wh..wh..opq", 0),
        ("-", "etc/.wh.group", 0),
        ("-", ".wh.gone", 0),
    ]


def test_files_are_kept_as_they_are(layer: Path) -> None:
    """Mode, time, links and names of one inode are kept; the order is that of the names, folders first."""
    (layer / "b").write_bytes(b"1" * 3_000_000)
    (layer / "b").chmod(0o4751)
    os.utime(layer / "b", (0, 981_173_106))
    os.link(layer / "b", layer / "c")
    (layer / "a b").mkdir()
    (layer / "a b" / "l").symlink_to("../" + "x" * 200)
    os.mkfifo(layer / "pipe")
    found = packed(Overlay(layer.parent))
    assert [(h.kind, h.name, h.size, h.link) for h in found] == [
        ("d", "a b", 0, ""),
        ("l", "a b/l", 0, "../" + "x" * 200),
        ("-", "b", 3_000_000, ""),
        ("h", "c", 0, "b"),
        ("p", "pipe", 0, ""),
    ]
    assert (found[2].mode, found[2].mtime, found[2].uid) == (0o4751, 981_173_106, os.getuid())


def test_sockets_are_left_out(layer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket means nothing without its process, and no tar has a form for it."""
    monkeypatch.chdir(layer)  # a socket's path has room for 107 bytes
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind("s")
        assert packed(Overlay(layer.parent)) == []


def test_names_may_be_any_bytes(layer: Path) -> None:
    """A name that is no UTF-8, and one longer than a header has room for, are kept byte by byte."""
    for name in (b"bad\xff", b"x" * 250, "grün".encode()):
        Path(decode(os.fsencode(layer) + b"/" + name)).touch()
    assert {h.name for h in packed(Overlay(layer.parent))} == {"bad\udcff", "x" * 250, "grün"}


def test_a_capability_is_kept(layer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lets a program do a part of what root may is in the tar, though it is no text."""
    (layer / "ping").touch()
    value = bytes([1, 0, 0, 2, 0, 0x20, 0xFF, 10, 0, 0])
    monkeypatch.setattr(changeset, "_attribute", lambda host, path, name: value if "security" in name else None)
    assert [h.xattrs for h in packed(Overlay(layer.parent))] == [{"security.capability": value}]


@pytest.mark.parametrize("mark", ["redirect", "metacopy"])
def test_a_reference_to_another_layer_is_refused(layer: Path, monkeypatch: pytest.MonkeyPatch, mark: str) -> None:
    """Where overlayfs wrote only where a file's contents are, the layer alone does not have them: that is said."""
    (layer / "moved").touch()
    monkeypatch.setattr(changeset, "_attribute", lambda host, path, name: b"/x" if name.endswith(mark) else None)
    with pytest.raises(errors.HostError, match=rf"moved is a reference to a file of another layer \({mark}\)"):
        packed(Overlay(layer.parent))


class Busy(Overlay):
    """A layer in which somebody writes meanwhile."""

    def read(self, path: str, *, offset: int = 0, limit: int | None = None) -> bytes:
        """Read a file that grows, or shrinks if it is called so."""
        with open(f"{self.root}{path}", "r+b" if path.endswith("shrinks") else "ab") as file:
            file.truncate(0) if path.endswith("shrinks") else file.write(b"more")
        return super().read(path, offset=offset, limit=limit)


@pytest.mark.parametrize("name", ["grows", "shrinks"])
def test_a_change_meanwhile_is_an_error(layer: Path, tmp_path: Path, name: str) -> None:
    """Of a layer that changes, a tar would show a state that never was: it is not written."""
    (layer / name).write_bytes(b"12345")
    with pytest.raises(errors.HostError, match=r"changed while it was packed\.\nStop or pause the container"):
        pack_layer(Busy(tmp_path), "/layer", tmp_path / "out.tar")
    assert not list(tmp_path.glob("out.tar*"))


def test_what_is_no_directory_is_refused(layer: Path) -> None:
    """A file, and what does not exist, have no tar."""
    (layer / "file").touch()
    with pytest.raises(errors.HostError, match="/layer/file is not a directory"):
        packed(Overlay(layer.parent), "/layer/file")
    with pytest.raises(errors.PathMissing):
        packed(Overlay(layer.parent), "/none")


# --- The real one ---------------------------------------------------------------------------------------------

SCRIPT = r"""
mkdir -p /d/e /var/deep/er; echo one > /d/one; ln /d/one /d/two; ln -s ../one /d/e/link; mkfifo /d/pipe
mknod /d/zero c 1 5; rm /etc/group /bin/vi /bin/awk; rm -r /root; mkdir /root; cd /root; echo in > in; cd /
chmod 4755 /d/one; chown 12:34 /d/e; touch -d '2001-02-03 04:05:06' /d/one; printf x > "$(printf '/d/bad\377')"
n=$(printf 'a%.0s' $(seq 120)); mkdir -p /d/$n; echo y > /d/$n/$n$n; dd if=/dev/urandom of=/d/big bs=1M count=3
exec sleep 3600
"""


@pytest.fixture
def box(daemon: Daemon, world: str) -> Iterator[Box]:
    """A container that has made and removed all kinds of files, and does nothing more."""
    script = SCRIPT.replace("exec", "touch /d/done; exec")
    with sandbox.run(images.ensure(daemon), script, what="test", daemon=daemon, cap_add=["MKNOD"]) as box:
        sandbox.wait_until(lambda: "done" in box.sh("ls /d 2>/dev/null || true"), "the files are there")
        yield box


def upper(host: Host, box: Box) -> str:
    """The directory of a running container's own layer, from its mounts."""
    (root,) = [mount for mount in read_mounts(host, box.pid) if mount.target == "/"]
    (found,) = [option for option in root.super_options if option.startswith("upperdir=")]
    return found.removeprefix("upperdir=")


def plain(entries: Sequence[LayerEntry]) -> dict[str, tuple[Any, ...]]:
    """What must agree of files; the two stores write whiteouts with times and modes of their own."""
    return {e.name: (e.kind, e.size, e.link, e.mode, e.uid, e.gid, e.mtime) for e in entries if not e.removes}


def load(folder: Path, tag: str) -> list[str]:
    """Load an image of the base and the layer in ``layer.tar``; return the diff-ids of the base."""
    docker("save", "-o", str(folder / "base.tar"), images.BUSYBOX)
    base = read_archive(folder / "base.tar")
    below = redraft(base, base.image())
    write_archive(folder / "whole.tar", Draft(below.config, [*below.layers, folder / "layer.tar"], [tag]))
    docker("load", "-i", str(folder / "whole.tar"))
    return [layer.diff_id for layer in base.image().layers]


@pytest.mark.daemon
def test_it_is_what_docker_commit_makes(daemon: Daemon, host: Host, box: Box, world: str, tmp_path: Path) -> None:
    """Entry by entry, the tar has what the layer has that the daemon commits; its whiteouts are at least ours."""
    pack_layer(host, upper(host, box), tmp_path / "ours.tar")
    write_archive(tmp_path / "a.tar", Draft({"architecture": daemon.architecture}, [tmp_path / "ours.tar"]))
    ours = read_archive(tmp_path / "a.tar")
    docker("commit", box.id, f"{world}/theirs:1")
    docker("save", "-o", str(tmp_path / "b.tar"), f"{world}/theirs:1")
    theirs = read_archive(tmp_path / "b.tar")
    mine, others = (read_layer(found, found.image().layer(-1)) for found in (ours, theirs))
    assert plain(mine) == plain(others)
    whiteouts = [{e.name for e in entries if e.kind == "w"} for entries in (mine, others)]
    assert {"etc/group", "bin/vi", "bin/awk"} <= whiteouts[0] <= whiteouts[1]
    assert [e.name for e in mine if e.kind == "o"] == ["root"]


@pytest.mark.daemon
def test_the_daemon_runs_what_was_packed(daemon: Daemon, host: Host, box: Box, world: str, tmp_path: Path) -> None:
    """Loaded with its base, the layer's diff-id is the one computed, and a container sees the same files."""
    diff_id = pack_layer(host, upper(host, box), tmp_path / "layer.tar")
    tag, below = f"{world}/ours:1", load(tmp_path, f"{world}/ours:1")
    assert inspect("image", tag)["RootFS"]["Layers"] == [*below, diff_id]
    look = "ls -lnR /d /root /var | grep -v ^total; md5sum /d/big; ls /etc/group /bin/vi 2>&1 || true"
    with sandbox.run(tag, "sleep 3600", what="test", daemon=daemon) as copy:
        assert copy.sh(look) == box.sh(look)


@pytest.mark.daemon
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root gives capabilities")
def test_the_daemon_keeps_a_capability(daemon: Daemon, host: Host, box: Box, world: str, tmp_path: Path) -> None:
    """What a file on the host may do, it may do in the image that the daemon saves again."""
    if not isinstance(host, LocalHost):
        pytest.skip("the helper does not read capabilities")
    value = bytes.fromhex("0100000200200000000000000000000000000000")  # CAP_NET_RAW, permitted and effective
    os.setxattr(f"{upper(host, box)}/d/one", "security.capability", value)
    pack_layer(host, upper(host, box), tmp_path / "layer.tar")
    load(tmp_path, f"{world}/able:1")
    with sandbox.run(f"{world}/able:1", "sleep 3600", what="test", daemon=daemon) as copy:
        assert os.getxattr(f"/proc/{copy.pid}/root/d/one", "security.capability") == value
