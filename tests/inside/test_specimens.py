"""Small images in both layouts of docker save: what other readers find in them, and what a daemon says of them."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import pytest

from labkit import images
from labkit.daemon import Daemon
from labkit.inside.archive import read_archive
from labkit.inside.digests import verify
from labkit.inside.specimens import Specimen, docker_members, oci_members, pack, specimen

Members = Callable[..., Mapping[str, bytes]]
each_layout = pytest.mark.parametrize(("members", "layout"), [(docker_members, "docker"), (oci_members, "oci")])


@each_layout
def test_the_archives_reader_agrees(members: Members, layout: str) -> None:
    """read_archive finds the layout, every tag and the layers from the lowest to the newest, all digests true."""
    one, two = specimen("one:1", "bin/a", "bin/b", "bin/c"), specimen("two:1", "bin/a")
    archive = read_archive(io.BytesIO(pack(members(one, two))))
    assert archive.layout == layout
    assert [image.tags for image in archive.images] == [("one:1",), ("two:1",)]
    assert [image.layers[-1].diff_id for image in archive.images] == [one.newest, two.newest]
    assert [layer.command for layer in archive.image("one:1").layers] == ["COPY bin/a", "COPY bin/b", "COPY bin/c"]
    assert verify(archive) == ()


@each_layout
def test_members_stand_as_they_are_told(members: Members, layout: str) -> None:
    """A tar in the reverse order of its members is read as the same image."""
    files = members(specimen("one:1", "bin/a", "bin/b"))
    straight, reverse = (read_archive(io.BytesIO(pack(files, order))) for order in (list(files), list(files)[::-1]))
    assert straight.images == reverse.images
    assert [member.name for member in straight.members] == [member.name for member in reverse.members][::-1]


def test_packed_layers_have_two_digests() -> None:
    """Only in the OCI layout, and only of a packed layer, the digest of what is stored is not the diff-id."""
    packed = specimen("one:1", "bin/a")
    plain = Specimen(packed.tags, packed.layers)
    for members, image, same in [
        (oci_members, packed, False),
        (oci_members, plain, True),
        (docker_members, packed, True),
    ]:
        [layer] = read_archive(io.BytesIO(pack(members(image)))).images[0].layers
        assert (layer.digest == layer.diff_id) == same


@pytest.mark.daemon
@each_layout
def test_the_daemon_loads_them(members: Members, layout: str, daemon: Daemon) -> None:
    """The daemon loads a specimen of either layout, and reports the layer on top by its diff-id."""
    tag = f"labkit/specimen-{layout}:1"
    image = specimen(tag, "bin/a", "bin/b")
    marked = Specimen(
        image.tags, image.layers, image.packed, {**(image.config or {}), "config": {"Labels": {"labkit": "test"}}}
    )
    try:
        [loaded] = images.load(daemon, pack(members(marked)), tag)
        assert loaded.attrs["RootFS"]["Layers"][-1] == image.newest
    finally:
        daemon.client.images.remove(tag)
