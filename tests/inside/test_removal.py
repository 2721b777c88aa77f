"""An image is written again, whole or without a layer, and is consistent then."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from labkit.errors import ArchiveError
from labkit.inside.archive import Archive, read_archive
from labkit.inside.digests import verify
from labkit.inside.removal import redraft, without_layer
from labkit.oci import Draft, digest, write_archive
from tests.inside import saved

LAYERS = [digest(layer) for layer in (saved.LOWER, saved.MIDDLE, saved.UPPER)]
each_layout = pytest.mark.parametrize("data", [saved.docker(), saved.oci(), saved.oci(packed=True)], ids=range(3))


def written(*drafts: Draft) -> Archive:
    """Write images and read them again; nothing in them is wrong."""
    buffer = io.BytesIO()
    write_archive(buffer, *drafts)
    found = read_archive(buffer)
    assert verify(found) == ()
    return found


@each_layout
def test_an_image_is_the_same_when_it_is_written_again(data: bytes) -> None:
    """Configuration, tags, layers and what they are packed in are as they were."""
    whole = read_archive(io.BytesIO(data))
    again = written(*(redraft(whole, image) for image in whole.images))
    for before, after in zip(whole.images, again.images, strict=True):
        assert (after.tags, after.config) == (before.tags, before.config)
        assert [layer.digest for layer in after.layers] == [layer.digest for layer in before.layers]


@each_layout
@pytest.mark.parametrize("number", [1, 2, 3, -1])
def test_a_layer_is_removed_from_all_places(data: bytes, number: int) -> None:
    """Without it are the diff-ids, the history and the blobs; what made no layer stays in the history."""
    (image,) = written(without_layer(read_archive(io.BytesIO(data)), number, tag="app:1")).images
    left = [0, 1, 2]
    del left[number - 1 if number > 0 else number]
    assert [layer.diff_id for layer in image.layers] == [LAYERS[place] for place in left]
    assert [layer.command for layer in image.layers] == [["ADD lower", "RUN middle", "RUN upper"][n] for n in left]
    assert "ENV X=1" in [line["created_by"] for line in image.config["history"]]


def test_no_blob_is_left_of_a_removed_layer() -> None:
    """The tar has the layers that are left, and no other."""
    found = written(without_layer(read_archive(io.BytesIO(saved.oci())), 2, tag="app:1"))
    assert {member.role for member in found.members} == {
        "image configuration",
        "image index",
        "image manifest",
        "layer",
        "list of the images, for docker load",
        "mark of an OCI image layout",
    }
    assert sum(member.role == "layer" for member in found.members) == 2


def test_a_history_that_does_not_match_is_left_out() -> None:
    """Where the history has no line for each layer, nobody knows which line to remove: the image has none then."""
    short = written(Draft({**saved.CONFIG, "history": saved.HISTORY[:1]}, [saved.LOWER, saved.UPPER], ["x:1"]))
    assert "history" not in written(without_layer(short, 1)).images[0].config


def test_the_last_layer_stays() -> None:
    """An image of one layer, and a layer that is not there, are errors."""
    whole = read_archive(io.BytesIO(saved.oci()))
    with pytest.raises(ArchiveError, match=r"base:1 has one layer only"):
        without_layer(whole, 1, tag="base:1")
    with pytest.raises(ArchiveError, match=r"has no layer 4"):
        without_layer(whole, 4, tag="app:1")


def test_a_tar_can_take_its_own_place(tmp_path: Path) -> None:
    """A tar that is read may be the one that is written: it is replaced at the end."""
    source = tmp_path / "app.tar"
    source.write_bytes(saved.oci())
    write_archive(source, without_layer(read_archive(source), -1, tag="app:1"))
    assert [layer.diff_id for layer in read_archive(source).image().layers] == LAYERS[:2]
