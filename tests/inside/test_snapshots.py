"""containerd's store: a recorded database compared with the mounts that containerd made of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit import errors
from labkit.inside.snapshots import PLACES, Snapshots
from labkit.local import LocalHost
from tests.inside.boltfile import database, leaf, recorded
from tests.inside.fakeproc import Guarded
from tests.inside.test_bolt import Changing

RECORDED = recorded()
FOLDER = "io.containerd.snapshotter.v1.overlayfs"
TOP = "sha256:259145ed133a3379a278c83ff68ceb9aed08d53c9ffa23fd4525e3ee747acadc"  # of the classic builder's image
SYSTEM = PLACES[:1]


def keep(root: Path, place: str, data: bytes) -> None:
    """Put a database where containerd has it."""
    folder = root / place[1:] / FOLDER
    folder.mkdir(parents=True)
    (folder / "metadata.db").write_bytes(data)


def written(records: dict[str, dict[str, bytes]]) -> bytes:
    """A database with these records."""
    items: Any = {key.encode(): {name.encode(): data for name, data in rec.items()} for key, rec in records.items()}
    return database(leaf({b"v1": {b"snapshots": items}}, 2))


@pytest.fixture
def store(tmp_path: Path) -> Snapshots:
    """The recorded one, at the place of the system's containerd."""
    keep(tmp_path, "/var/lib/containerd", RECORDED["metadata.db"])
    return Snapshots(LocalHost(tmp_path))


@pytest.mark.parametrize("number", [0, 1])
def test_a_container_has_the_directories_of_its_mount(store: Snapshots, number: int) -> None:
    """Without a process, a container's directories are those that containerd would mount, in their order."""
    line = RECORDED["mounts.txt"].decode().splitlines()[number]
    told: Any = re.search(r"upperdir=([^,]+),lowerdir=([^,]+)", line)
    containers = [word for word in re.findall(r"^[0-9a-f]{64}(?= )", RECORDED["ls.txt"].decode(), re.M)]
    layers = store.container_layers(containers[number])
    assert [layer.directory for layer in reversed(layers)] == [told[1], *told[2].split(":")]
    assert [layer.kind for layer in layers][-2:] == ["init", "own"]


def test_what_is_no_layer_of_the_image_is_called_so(store: Snapshots) -> None:
    """Between the four layers of an image that the classic builder made lie the builder's own three."""
    layers = store.image_layers(TOP)
    assert [layer.kind for layer in layers] == ["image", "init"] * 3 + ["image"]
    assert [bool(layer.chain_id) for layer in layers] == [layer.kind == "image" for layer in layers]
    assert layers[-1].chain_id == TOP


def test_a_long_chain_is_followed_to_its_end(store: Snapshots) -> None:
    """Of an image with 127 layers all are found, each in a directory of its own."""
    told = dict(re.findall(r"^(sha256:\S+) +(sha256:\S+) ", RECORDED["ls.txt"].decode(), re.M))
    (top,) = (top for top in set(told) - set(told.values()) if len(store.image_layers(top)) == 127)
    layers = store.image_layers(top)
    assert len({layer.directory for layer in layers}) == 127
    assert [told.get(layer.chain_id) for layer in layers[1:]] == [layer.chain_id for layer in layers[:-1]]


def test_an_image_may_have_no_layers(store: Snapshots) -> None:
    """Nothing is sought for an image without layers."""
    assert store.image_layers("") == []


def test_the_first_place_that_knows_it_is_taken(tmp_path: Path) -> None:
    """A containerd that does not have the snapshot may be there beside the one that does."""
    keep(tmp_path, "/own", written({"moby/1/other": {"id": b"\1"}}))
    keep(tmp_path, "/system", written({"moby/1/web": {"id": b"\2"}, "moby/2/other": {"id": b"\3"}}))
    store = Snapshots(LocalHost(tmp_path), ("/nowhere", "/own", "/system"))
    assert store.container_layers("web")[0].directory == f"/system/{FOLDER}/snapshots/2/fs"
    assert store.container_layers("other")[0].directory == f"/own/{FOLDER}/snapshots/1/fs"


def test_others_may_use_the_same_name(tmp_path: Path) -> None:
    """Of snapshots with one name that counts which is Docker's, and the newest of its; numbers may be large."""
    records = {
        "moby/9/x": b"\1",
        "moby/10/x": b"\xac\x02",
        "moby/8/x": b"\3",
        "k8s.io/99/x": b"\4",
        "moby/11/x/x": b"\5",
    }
    keep(tmp_path, SYSTEM[0], written({key: {"id": number} for key, number in records.items()}))
    directories = [
        Snapshots(LocalHost(tmp_path), SYSTEM, namespace).container_layers("x")[0].directory
        for namespace in ("moby", "k8s.io")
    ]
    assert [directory.split("/")[-2] for directory in directories] == ["300", "4"]


def test_what_is_not_recorded_is_a_missing_path(store: Snapshots) -> None:
    """A name that no place knows is told with the places; so is one of a host without containerd."""
    for snapshots in (store, Snapshots(LocalHost("/nowhere"))):
        with pytest.raises(errors.PathMissing, match="no snapshot sha256:1 is recorded below /var/lib/containerd or"):
            snapshots.image_layers("sha256:1")


def test_a_closed_database_is_the_hosts_own_error(tmp_path: Path, store: Snapshots) -> None:
    """A user who may not read containerd's files is told so."""
    guarded = Guarded(tmp_path, f"/var/lib/containerd/{FOLDER}/metadata.db")
    with pytest.raises(errors.PathForbidden):
        Snapshots(guarded).image_layers(TOP)


@pytest.mark.parametrize("parent", [b"moby/1/x", b"moby/7/gone"])
def test_a_damaged_chain_is_an_error(tmp_path: Path, parent: bytes) -> None:
    """What lies below itself, or on something that is not recorded, is not followed."""
    keep(tmp_path, SYSTEM[0], written({"moby/1/x": {"id": b"\1", "parent": parent}}))
    with pytest.raises(errors.HostError, match=f"{parent.decode()} is not in /var/lib/containerd"):
        Snapshots(LocalHost(tmp_path)).container_layers("x")


def test_blobs_are_found_in_any_place(tmp_path: Path) -> None:
    """What is kept under a digest is read where it is; what is nowhere is the host's own error."""
    folder = tmp_path / "second/io.containerd.content.v1.content/blobs/sha256"
    folder.mkdir(parents=True)
    (folder / "1234").write_bytes(b"{}")
    store = Snapshots(LocalHost(tmp_path), ("/first", "/second"))
    assert store.blob("sha256:1234") == b"{}"
    with pytest.raises(errors.PathMissing, match="/first/"):
        store.blob("sha256:5678")


PAGES = st.builds(lambda page, byte: page * 4096 + byte, st.integers(2, 63), st.integers(0, 4095))


@given(st.lists(st.tuples(PAGES, st.binary(min_size=1, max_size=8)), max_size=60))
def test_whatever_is_recorded_leads_somewhere_or_is_refused(changes: list[tuple[int, bytes]]) -> None:
    """Any bytes in the records give layers, or labkit's error."""
    data = bytearray(RECORDED["metadata.db"])
    for place, new in changes:
        data[place : place + len(new)] = new
    try:
        assert Snapshots(Changing(bytes(data)), SYSTEM).image_layers(TOP)
    except errors.HostError as error:
        assert error.remedy
