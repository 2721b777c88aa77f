"""Images written from layers: consistent, from memory and from files, and nothing half written."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from labkit import parts, sandbox
from labkit.busybox import busybox_files
from labkit.daemon import Daemon
from labkit.errors import ArchiveError
from labkit.oci import Draft, Item, digest, write_archive, write_layer
from tests.oracles import docker, inspect

ONE, TWO = write_layer({"one": Item(b"1")}), write_layer({"two": Item(b"2")})
CONFIG = {"architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": ["sha256:lie"]}}


def files(data: bytes) -> dict[str, Any]:
    """The files of a tar: JSON as what it says, others as bytes."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}  # type: ignore[union-attr]
    return {name: json.loads(data) if data[:1] in b"[{" else data for name, data in found.items()}


def written(*drafts: Draft) -> dict[str, Any]:
    """The files of an archive."""
    buffer = io.BytesIO()
    write_archive(buffer, *drafts)
    return files(buffer.getvalue())


def test_diff_ids_are_computed() -> None:
    """Whatever the configuration says of its layers, the written one has the digests of their tars, packed or not."""
    found = written(Draft(CONFIG, [ONE, gzip.compress(TWO, mtime=0)], ["a/b:1"]))
    (entry,) = found["manifest.json"]
    assert found[entry["Config"]]["rootfs"]["diff_ids"] == [digest(ONE), digest(TWO)]
    assert found[entry["Config"]]["os"] == "linux"
    assert entry["Layers"] == [f"blobs/sha256/{digest(data)[7:]}" for data in (ONE, gzip.compress(TWO, mtime=0))]
    (described,) = found["index.json"]["manifests"]
    manifest = found[f"blobs/sha256/{described['digest'][7:]}"]
    assert [layer["mediaType"].rpartition(".")[2] for layer in manifest["layers"]] == ["tar", "tar+gzip"]


def test_it_tells_the_ids() -> None:
    """What is returned are the digests of the configurations, in the order of the images."""
    buffer = io.BytesIO()
    ids = write_archive(buffer, Draft(CONFIG, [ONE]), Draft(CONFIG, [TWO]))
    assert [entry["Config"][13:] for entry in files(buffer.getvalue())["manifest.json"]] == [found[7:] for found in ids]


def test_images_share_what_they_have_in_common() -> None:
    """A layer of two images is in the tar once."""
    found = written(Draft(CONFIG, [ONE], ["a:1"]), Draft(CONFIG, [ONE, TWO], ["a:2"]))
    assert sum(isinstance(data, bytes) for data in found.values()) == 2


@pytest.mark.parametrize(
    ("tag", "name", "short"),
    [
        ("app:1", "docker.io/library/app:1", "1"),
        ("app", "docker.io/library/app:latest", "latest"),
        ("labkit/app:1", "docker.io/labkit/app:1", "1"),
        ("localhost/app:1", "localhost/app:1", "1"),
        ("127.0.0.1:5000/app", "127.0.0.1:5000/app:latest", "latest"),
        ("example.org/a/b:c", "example.org/a/b:c", "c"),
    ],
)
def test_a_tag_has_its_registry(tag: str, name: str, short: str) -> None:
    """The index calls an image as containerd does: with the registry, which is Docker's unless the tag names one."""
    (entry,) = written(Draft(CONFIG, [ONE], [tag]))["index.json"]["manifests"]
    assert list(entry["annotations"].values()) == [name, short]


def test_an_image_has_as_many_names_as_wanted() -> None:
    """Each tag is an entry of the index; without a tag there is one, without a name."""
    assert len(written(Draft(CONFIG, [ONE], ["a:1", "a:2"]))["index.json"]["manifests"]) == 2
    (entry,) = written(Draft(CONFIG, [ONE]))["index.json"]["manifests"]
    assert "annotations" not in entry


def test_layers_come_from_memory_from_files_and_from_what_is_opened(tmp_path: Path) -> None:
    """Wherever the bytes of the layers are, the archive is the same, byte by byte."""
    (tmp_path / "two").write_bytes(TWO)
    write_archive(tmp_path / "a", Draft(CONFIG, [ONE, TWO], ["a:1"]))
    write_archive(tmp_path / "b", Draft(CONFIG, [lambda: io.BytesIO(ONE), tmp_path / "two"], ["a:1"]))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(os.listdir(tmp_path)) == ["a", "b", "two"]


def test_what_is_no_layer_is_an_error(tmp_path: Path) -> None:
    """A file that is missing or cannot be unpacked is told, and an older archive stays as it was."""
    target = tmp_path / "kept"
    target.write_bytes(b"older")
    for layer in (tmp_path / "none", gzip.compress(ONE)[:-9], b"\x1f\x8bjunk"):
        with pytest.raises(ArchiveError, match="a layer cannot be read: "):
            write_archive(target, Draft(CONFIG, [layer]))
    assert target.read_bytes() == b"older"
    assert os.listdir(tmp_path) == ["kept"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on a process's files")
def test_a_full_disk_leaves_nothing_half(tmp_path: Path) -> None:
    """Where the disk is full in the middle, the error says so, and the older archive is still there."""
    import resource

    (tmp_path / "kept").write_bytes(b"older")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 14, before[1]))
    try:
        with pytest.raises(ArchiveError, match="kept cannot be written: File too large"):
            write_archive(tmp_path / "kept", Draft(CONFIG, [bytes(1 << 20)]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (tmp_path / "kept").read_bytes() == b"older"
    assert os.listdir(tmp_path) == ["kept"]


@pytest.mark.daemon
def test_the_daemon_loads_what_is_written(daemon: Daemon, world: str, tmp_path: Path) -> None:
    """An image of three layers, one packed, has the diff-ids that were computed; it runs, and a whiteout hides."""
    busybox = parts.find(daemon.architecture)
    layers = [
        write_layer(busybox_files(busybox)),
        gzip.compress(write_layer({"d/one": Item(b"1"), "d/two": Item(b"2")})),
        write_layer({"d/.wh.one": Item(b"")}),
    ]
    config = {"architecture": busybox.architecture, "config": {"Env": ["PATH=/bin"], "Labels": {world: "image"}}}
    tag = f"{world}/three:1"
    write_archive(tmp_path / "three.tar", Draft(config, layers, [tag]))
    assert docker("load", "-i", str(tmp_path / "three.tar")) == f"Loaded image: {tag}"
    plain = [gzip.decompress(layer) if layer[:2] == b"\x1f\x8b" else layer for layer in layers]
    assert inspect("image", tag)["RootFS"]["Layers"] == list(map(digest, plain))
    with sandbox.create(tag, "ls /d", daemon=daemon) as box:
        box.start()
        box.wait()
        assert box.logs() == "two\n"
