"""A kit gives a room without a network the same images; what is not a whole kit for this daemon is refused."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labkit import images, kit, leftovers, sandbox
from labkit.daemon import Daemon
from labkit.errors import ImageError
from labkit.images import Item
from tests.oracles import docker, inspect

KIT = images.write("labkit/test:1", {"file": Item(b"1" * 600)}, architecture="amd64")

NEVER: Any = SimpleNamespace(architecture="amd64", client=None)
"""A daemon that must not be asked for anything."""


# --- what is refused before the daemon sees it ----------------------------------------------------------


def unwrapped(change: Callable[[str, bytes], bytes | None]) -> bytes:
    """The kit with each file changed; None leaves the file out."""
    with tarfile.open(fileobj=io.BytesIO(KIT)) as tar:
        files = {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}  # type: ignore[union-attr]
    changed = {name: change(name, data) for name, data in files.items()}
    return images.write_layer({name: Item(data) for name, data in changed.items() if data is not None})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a tar at all" * 100,
        gzip.compress(KIT)[:-200],
        images.write_layer({"readme": Item(b"no kit")}),
        unwrapped(lambda name, data: None if name.startswith("blobs/") else data),
        unwrapped(lambda name, data: b"{}" if name.startswith("blobs/") else data),
        unwrapped(lambda name, data: None if name.startswith("blobs/") and data[:1] != b"{" else data),  # no layer
        unwrapped(lambda name, data: b'{"architecture": "amd64", "config": null}' if b"rootfs" in data else data),
        *(unwrapped(lambda name, data, junk=junk: junk if name == "manifest.json" else data)  # type: ignore[misc]
          for junk in (b"", b"{", b"null", b"[]", b"[1]", b'[{"Config": "x", "Layers": []}]', b'{"Layers": 1}')),
    ],
)  # fmt: skip
def test_what_is_no_kit_is_refused(tmp_path: Path, data: bytes) -> None:
    """Whatever else a file holds, the error names it, tells how to make a kit, and the daemon is not asked."""
    source = tmp_path / "kit.tar"
    source.write_bytes(data)
    with pytest.raises(ImageError, match=r"kit\.tar is not a whole kit: .") as caught:
        kit.load(NEVER, source)
    assert "labkit images pack" in caught.value.remedy


def test_a_layer_with_a_wrong_byte_is_refused(tmp_path: Path) -> None:
    """A layer that is not what the configuration says is found here: not every engine notices."""
    source = tmp_path / "kit.tar"
    source.write_bytes(KIT.replace(b"111", b"112", 1))
    with pytest.raises(ImageError, match=r"not a whole kit: the layer blobs/sha256/\w+ is damaged"):
        kit.load(NEVER, source)


def test_a_truncated_kit_is_refused(tmp_path: Path) -> None:
    """Cut off anywhere in a file that an engine needs, a kit is refused, and the daemon is not asked."""
    source = tmp_path / "kit.tar"
    needed = KIT.index(b"oci-layout")  # the last file, which only says that this is a layout
    for length in {*range(0, needed, 97), *range(0, needed, 512), needed - 1}:
        source.write_bytes(KIT[:length])
        with pytest.raises(ImageError):
            kit.load(NEVER, source)


def test_a_damaged_kit_is_refused_or_read(tmp_path: Path) -> None:
    """Whichever byte of a gzipped kit is wrong, reading ends in one image or in an ImageError."""
    source, whole = tmp_path / "kit.tar", gzip.compress(KIT, mtime=0)
    for place in range(len(whole)):
        source.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with contextlib.suppress(ImageError):
            assert len(kit._read(source)) == 1


@pytest.mark.parametrize(("name", "reason"), [("none.tar", "No such file"), (".", "Is a directory")])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str, reason: str) -> None:
    """A file that is not there, or is a folder, is an error with its name and the kernel's reason."""
    with pytest.raises(ImageError, match=rf"{tmp_path}.* cannot be read: {reason}"):
        kit.load(NEVER, tmp_path / name)


def test_a_kit_for_another_processor_is_refused(tmp_path: Path) -> None:
    """The error names both processors, and nothing was loaded."""
    source = tmp_path / "kit.tar"
    source.write_bytes(images.write("labkit/test:1", {}, architecture="arm64"))
    with pytest.raises(ImageError, match="holds images for arm64; this daemon is amd64"):
        kit.load(NEVER, source)


def test_images_of_a_stranger_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file with images that lack the label is no kit: loading it could take tags from the learner's own images."""
    source = tmp_path / "kit.tar"
    source.write_bytes(KIT)
    monkeypatch.setattr(kit, "LABEL", "another")
    with pytest.raises(ImageError, match="not the course's"):
        kit.load(NEVER, source)


# --- there and back -------------------------------------------------------------------------------------


def stock(daemon: Daemon, world: str) -> list[str]:
    """Two images of the course, and one more with the label whose name is not the course's; return their ids."""
    images.ensure(daemon)
    second = images.write(f"{world}/second:1", {"file": Item(b"2")}, architecture=daemon.architecture)
    images.load(daemon, second, "second")
    daemon.client.images.get(images.BUSYBOX).tag(f"{world}-copy")
    return [inspect("image", name)["Id"] for name in (images.BUSYBOX, f"{world}/second:1")]


@pytest.mark.daemon
@pytest.mark.parametrize("packed", [False, True])
def test_a_kit_gives_the_same_images(daemon: Daemon, world: str, tmp_path: Path, packed: bool) -> None:
    """Packed, removed and loaded again, also from a gzipped file, the images have the same ids and run."""
    ids, target = stock(daemon, world), tmp_path / "kit.tar"
    assert kit.pack(daemon, target) == [images.BUSYBOX, f"{world}/second:1"]
    leftovers.clean(daemon)
    if packed:
        target.write_bytes(gzip.compress(target.read_bytes()))
    assert kit.load(daemon, target) == [images.BUSYBOX, f"{world}/second:1"]
    assert [inspect("image", name)["Id"] for name in (images.BUSYBOX, f"{world}/second:1")] == ids
    with sandbox.run(images.BUSYBOX, "echo works", daemon=daemon) as box:
        box.wait()
        assert box.logs() == "works\n"


@pytest.mark.daemon
def test_docker_reads_a_kit(daemon: Daemon, world: str, tmp_path: Path) -> None:
    """``docker load -i`` reads a kit too, and the folder holds nothing but the kit."""
    stock(daemon, world)
    kit.pack(daemon, tmp_path / "kit.tar")
    leftovers.clean(daemon)
    assert f"Loaded image: {images.BUSYBOX}" in docker("load", "-i", str(tmp_path / "kit.tar"))
    assert os.listdir(tmp_path) == ["kit.tar"]


@pytest.mark.daemon
def test_an_unwritable_place_is_said(daemon: Daemon, world: str, tmp_path: Path) -> None:
    """Where the folder does not exist, is a file, or the target is a folder, the error says so; nothing is left."""
    (tmp_path / "file").write_text("")
    (tmp_path / "folder").mkdir()
    for target, reason in (("none/kit.tar", "No such file"), ("file/kit.tar", "Not a dir"), ("folder", "Is a dir")):
        with pytest.raises(ImageError, match=f"{target} cannot be written: {reason}"):
            kit.pack(daemon, tmp_path / target)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


@pytest.mark.daemon
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on a process's files")
def test_a_full_disk_leaves_no_half_kit(daemon: Daemon, world: str, tmp_path: Path) -> None:
    """Where the disk is full in the middle, the error says so, and the older kit is still there, whole."""
    import resource

    (tmp_path / "kit.tar").write_bytes(KIT)
    images.ensure(daemon)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))  # what write(2) then says: EFBIG
    try:
        with pytest.raises(ImageError, match=r"kit\.tar cannot be written: File too large"):
            kit.pack(daemon, tmp_path / "kit.tar")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert os.listdir(tmp_path) == ["kit.tar"]
    assert (tmp_path / "kit.tar").read_bytes() == KIT


@pytest.mark.daemon
def test_an_interrupt_leaves_no_half_kit(
    daemon: Daemon, world: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the middle leaves nothing."""

    def stop(*_: Any) -> Any:
        yield b"half"
        raise KeyboardInterrupt

    monkeypatch.setattr(kit, "_save", stop)
    with pytest.raises(KeyboardInterrupt):
        kit.pack(daemon, tmp_path / "kit.tar")
    assert os.listdir(tmp_path) == []


@pytest.mark.daemon
def test_a_daemon_that_refuses_is_said(
    daemon: Daemon, world: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image that vanished between listing and saving is an error, and leaves nothing."""
    monkeypatch.setattr(images, "listing", lambda _: [(f"{world}/gone:1", "", 0)])
    with pytest.raises(ImageError, match=r"kit\.tar cannot be written: .*(404|500)"):
        kit.pack(daemon, tmp_path / "kit.tar")
    assert os.listdir(tmp_path) == []
