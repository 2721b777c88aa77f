"""The overlay2 store as a folder: what leads from a chain-id, or a container, to directories."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit import errors
from labkit.inside.config import chain_ids
from labkit.inside.overlay2 import Overlay2
from labkit.inside.stack import Layer
from labkit.local import LocalHost
from tests.inside.fakeproc import Guarded

DIFF_IDS = ["sha256:" + letter * 64 for letter in "abc"]
CHAIN = chain_ids(DIFF_IDS)


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """A store with one image of three layers, and a container of it."""
    db = tmp_path / "docker/image/overlay2/layerdb"
    for number, (chain_id, diff_id) in enumerate(zip(CHAIN, DIFF_IDS, strict=True)):
        below = {"parent": CHAIN[number - 1]} if number else {}
        write(db / chain_id.replace(":", "/"), {"cache-id": f"cache{number}", "diff": diff_id, "size": "0"} | below)
    write(db / "mounts/web", {"mount-id": "mount", "init-id": "mount-init", "parent": CHAIN[-1]})
    return db


def write(folder: Path, files: dict[str, str]) -> None:
    """Make a folder with small files."""
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def directories(layers: list[Layer]) -> list[str]:
    """The one part of the paths that tells them apart."""
    assert all(layer.directory.startswith("/docker/overlay2/") for layer in layers)
    assert all(layer.directory.endswith("/diff") for layer in layers)
    return [layer.directory.split("/")[3] for layer in layers]


def test_an_image_is_followed_from_its_top(tmp_path: Path, db: Path) -> None:
    """Each layer has its directory, its diff-id and its chain-id; the lowest is first."""
    layers = Overlay2(LocalHost(tmp_path), "/docker").image_layers(CHAIN[-1])
    assert directories(layers) == ["cache0", "cache1", "cache2"]
    assert [(layer.kind, layer.diff_id, layer.chain_id) for layer in layers] == [
        ("image", diff_id, chain_id) for diff_id, chain_id in zip(DIFF_IDS, CHAIN, strict=True)
    ]


def test_a_container_has_two_more(tmp_path: Path, db: Path) -> None:
    """Above the image's layers lie what the daemon puts there, and the container's own."""
    layers = Overlay2(LocalHost(tmp_path), "/docker").container_layers("web")
    assert directories(layers) == ["cache0", "cache1", "cache2", "mount-init", "mount"]
    assert [layer.kind for layer in layers] == ["image", "image", "image", "init", "own"]


def test_there_may_be_no_image_below(tmp_path: Path, db: Path) -> None:
    """A container of an image without layers has no parent; an image without layers has no top."""
    write(db / "mounts/bare", {"mount-id": "bare", "init-id": "bare-init"})
    store = Overlay2(LocalHost(tmp_path), "/docker")
    assert directories(store.container_layers("bare")) == ["bare-init", "bare"]
    assert store.image_layers("") == []


def test_the_root_may_be_a_link(tmp_path: Path, db: Path) -> None:
    """A data directory behind a symbolic link is followed there."""
    (tmp_path / "var").mkdir()
    (tmp_path / "var/lib").symlink_to("/docker")
    layers = Overlay2(LocalHost(tmp_path), "/var/lib").image_layers(CHAIN[0])
    assert [layer.directory for layer in layers] == ["/var/lib/overlay2/cache0/diff"]


def test_another_driver_has_its_own_folders(tmp_path: Path) -> None:
    """fuse-overlayfs keeps its layers in the same way, under its own name."""
    write(tmp_path / f"data/image/fuse-overlayfs/layerdb/sha256/{'a' * 64}", {"cache-id": "x", "diff": DIFF_IDS[0]})
    (layer,) = Overlay2(LocalHost(tmp_path), "/data", "fuse-overlayfs").image_layers(DIFF_IDS[0])
    assert layer.directory == "/data/fuse-overlayfs/x/diff"


def test_a_configuration_is_kept_under_its_digest(tmp_path: Path) -> None:
    """An image's configuration is read by its id."""
    write(tmp_path / "docker/image/overlay2/imagedb/content/sha256", {"1234": "{}"})
    assert Overlay2(LocalHost(tmp_path), "/docker").blob("sha256:1234") == b"{}"


def test_what_is_missing_or_closed_is_the_hosts_own_error(tmp_path: Path, db: Path) -> None:
    """A layer or container that is not there, and one that the kernel guards, are two errors with the path in them."""
    store = Overlay2(LocalHost(tmp_path), "/docker")
    with pytest.raises(errors.PathMissing, match=r"mounts/gone/mount-id"):
        store.container_layers("gone")
    (db / CHAIN[0].replace(":", "/") / "cache-id").unlink()
    with pytest.raises(errors.PathMissing, match=f"{'a' * 64}/cache-id"):
        store.image_layers(CHAIN[-1])
    guarded = Guarded(tmp_path, "/docker/image/overlay2/layerdb/mounts/web/mount-id")
    with pytest.raises(errors.PathForbidden):
        Overlay2(guarded, "/docker").container_layers("web")


def test_a_circle_is_an_error(tmp_path: Path, db: Path) -> None:
    """A damaged store in which a layer lies below itself is not followed for ever."""
    (db / CHAIN[0].replace(":", "/") / "parent").write_text(CHAIN[2])
    with pytest.raises(errors.HostError, match="below itself"):
        Overlay2(LocalHost(tmp_path), "/docker").container_layers("web")
