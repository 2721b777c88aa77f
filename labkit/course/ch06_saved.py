"""Chapter 06, Commit, save, load, third part: what is in a saved tar, told from its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labkit.course.exercise import Program, World, register
from labkit.course.outputs import Case
from labkit.course.seed import Seed
from labkit.course.verdict import Part
from labkit.inside.specimens import Specimen, docker_members, oci_members, pack
from labkit.oci import Item, write_layer


@register
class Newest(Program):
    """Find the newest layer in a saved tar."""

    id = "06.newest"
    title = "which layer came last?"
    brief = "The judge will call your function with the bytes of tars of its own, and a tag."
    parts = (
        Part("docker", 1, "in a tar with a folder for each layer, the newest layer's diff-id is found"),
        Part("oci", 1, "in an OCI image layout it is found"),
        Part("packed", 1, "it is the diff-id also where layers are stored packed"),
        Part("tags", 1, "of several images in one tar, that of the tag counts"),
    )
    hints = (
        "In which of the tar's files is an order, and in which order do the tar's members stand?",
        "manifest.json is in both layouts. Of an image's three entries there, one leads to a file in which the "
        "diff-ids are listed. Which end of that list is the newest?",
        "tar = tarfile.open(fileobj=io.BytesIO(data)); json.load(tar.extractfile('manifest.json')) is a list: take the "
        "entry with the tag in RepoTags, read its Config the same way, and rootfs.diff_ids in that.",
    )
    look_at = "manifest.json, and the file that it calls Config"
    whys = {  # noqa: RUF012 - a table to read, like the parts
        "docker": "A tar's members may stand in any order, and dates say when, not where. What lists the layers?",
        "oci": "A tar's members may stand in any order, and dates say when, not where. What lists the layers?",
        "packed": "A blob's name is the digest of the bytes that are stored, here packed ones. "
        "The diff-id is that of the tar before.",
        "tags": "A tar may hold several images, and an image may have several tags. Look for the tag.",
    }

    def cases(self, world: World) -> list[Case]:
        """Draw tars; in each the newest layer's member is neither the first nor the last."""
        draws = world.draws
        one, two, three, four, five = (draw(draws, name) for name in ("one", "two", "three", "four", "five"))
        packed = [Specimen(i.tags, i.layers, True, i.config) for i in (draw(draws, name) for name in ("six", "seven"))]
        drawn = [
            ("docker", "a folder for each layer", docker_members(one), one),
            ("docker", "a folder for each layer, another order", docker_members(two), two),
            ("oci", "an OCI image layout", oci_members(three), three),
            ("packed", "an OCI image layout, packed layers", oci_members(packed[0]), packed[0]),
            ("packed", "two images with packed layers", oci_members(*packed), packed[0]),
            ("tags", "two images, the second's second tag", docker_members(four, five), five),
            ("tags", "three images, the second's second tag", oci_members(one, five, two), five),
        ]
        return [
            Case(part, (shuffled(draws, files, image), image.tags[-1]), image.newest, f"{words}, {image.tags[-1]}")
            for part, words, files, image in drawn
        ]


def draw(draws: Seed, name: str) -> Specimen:
    """An image of three to five layers, whose history has dates in any order and steps without a layer."""
    stream = draws.stream(name)
    count = stream.randint(3, 5)
    layers = tuple(write_layer({f"srv/{stream.randrange(1 << 32):08x}": Item(b"x")}) for _ in range(count))
    history = [_step(stream.randint(1970, 2030), number) for number in range(count)]
    history.insert(stream.randint(0, count), _step(2031, count) | {"empty_layer": True})
    bird = draws.word(name)
    return Specimen((f"{bird}:1", f"{bird}:latest"), layers, config={"history": history})


def _step(year: int, number: int) -> dict[str, Any]:
    return {"created": f"{year}-06-05T05:46:00Z", "created_by": f"step {number}"}


def shuffled(draws: Seed, files: Mapping[str, bytes], image: Specimen) -> bytes:
    """The tar of these files in any order, but with the newest layer's between others of its kind."""
    order = list(files)
    draws.stream(image.tags[0]).shuffle(order)
    [top] = [name for name in order if files[name] == image.stored[-1]]
    others = [name for name in order if files[name] in image.stored[:-1]]
    order.remove(top)
    order.insert(order.index(others[1]), top)
    return pack(files, order)
