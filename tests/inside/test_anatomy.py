"""How an archive, its images and its layers are printed and asked for."""

from __future__ import annotations

import io

import pytest

from labkit.errors import ArchiveError
from labkit.inside.archive import Archive, read_archive
from tests.inside import saved


def read(data: bytes) -> Archive:
    """Read a tar that is in memory."""
    return read_archive(io.BytesIO(data))


def test_the_older_layout_in_a_cell() -> None:
    """The table tells layers, what made them, who else has them, and what the members are for; no digest, no size."""
    assert (
        str(read(saved.docker()))
        == """\
layout  a folder for each layer, as engines before 25 write it
image   base:1
  layer 1  tar       ADD lower  also in app:1, app:2
image   app:1, app:2
  layer 1  tar       ADD lower  also in base:1
  layer 2  tar       RUN middle
  layer 3  tar       RUN upper
members
    1  manifest.json  list of the images, for docker load
    1  repositories   tags and their newest layer, for engines before 1.10
    2  ….json         image configuration
    4  …/VERSION      version of the layout of a layer's folder
    4  …/json         configuration of one layer, for engines before 1.10
    4  …/layer.tar    layer"""
    )


def test_the_newer_layout_in_a_cell() -> None:
    """Blobs are counted by what they are for; a packed layer is told as such."""
    assert (
        str(read(saved.oci(packed=True)))
        == """\
layout  an OCI image layout, as engines write it since 25
image   app:1, app:2
  layer 1  tar+gzip  ADD lower  also in base:1
  layer 2  tar+gzip  RUN middle
  layer 3  tar+gzip  RUN upper
image   base:1
  layer 1  tar+gzip  ADD lower  also in app:1, app:2
members
    2  blobs/sha256/…  image configuration
    2  blobs/sha256/…  image manifest
    3  blobs/sha256/…  layer
    1  index.json      image index
    1  manifest.json   list of the images, for docker load
    1  oci-layout      mark of an OCI image layout"""
    )


def test_everything_fits_into_a_line() -> None:
    """The short forms of an image, a layer and a member hold what tells it from the others."""
    found = read(saved.docker())
    assert repr(found.images[0]) == "SavedImage(tags=('base:1',))"
    assert repr(found.images[0].layer(-1)).startswith("SavedLayer(number=1, diff_id='sha256:")
    assert repr(found.members[-1]) == (
        "Member(name='repositories', size=2, role='tags and their newest layer, for engines before 1.10')"
    )
    assert repr(found).startswith("Archive(layout='docker', images=(SavedImage(")


def test_layers_are_counted_from_below_and_from_above() -> None:
    """1 is the lowest, -1 the newest; other numbers are an error that says which there are."""
    image = read(saved.oci()).image("app:1")
    assert [image.layer(number).number for number in (1, 3, -1, -3)] == [1, 3, 3, 1]
    for number in (0, 4, -4):
        with pytest.raises(ArchiveError, match=rf"app:1, app:2 has no layer {number}\.\nIts layers are 1 to 3"):
            image.layer(number)


def test_an_image_is_asked_for_by_its_tag() -> None:
    """Without a tag the only image is meant; where that is not clear, the error says which there are."""
    found = read(saved.oci())
    assert found.image("base:1") is found.images[1]
    for tag, problem in (("", "The tar has 2 images, not one"), ("none:1", "The tar has no image none:1")):
        with pytest.raises(ArchiveError, match=rf"{problem}\.\nIts images are app:1, app:2; base:1\."):
            found.image(tag)
