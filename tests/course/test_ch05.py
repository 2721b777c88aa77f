"""Chapter 05's judges know what they say: layers as overlayfs shows them, bytes as the daemon counts them."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from labkit.course.ch05_layers import Kinds, Merge, merge
from labkit.course.ch05_mounts import Vanish, files_of, lower_directories, order_of
from labkit.course.ch05_origin import Winner, files, image_layers, layers_with
from labkit.course.ch05_own import Bytes, count, removed
from labkit.course.ch05_same import Same, deeds, place
from labkit.course.exercise import World
from labkit.inside.layers import read_layers
from labkit.inside.mounts import parse_mounts
from labkit.inside.union import read_visible
from tests.course.samples import LEARNERS, nowhere

# --- What is seen --------------------------------------------------------------------------------------------


def as_files(layer: Kinds, folder: str) -> dict[str, str | None]:
    """A layer of the judge's as files of an image, below a folder."""
    kinds: dict[str, tuple[str, str | None]] = {"file": ("", "x"), "dir": ("/", ""), "opaque": ("/", None)}
    found = {path: kinds.get(kind, ("", None)) for path, kind in layer.items()}
    return {f"{folder}{path}{end}": data for path, (end, data) in found.items()}


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["05.merge"], indirect=True)
def test_layers_are_merged_as_overlayfs_does(real_world: World) -> None:
    """What the judge says is seen of its layers, is what a container of an image of them sees, from the same layers."""
    cases = Merge().cases(real_world)
    layers: list[dict[str, str | bytes | None]] = [{"filler": str(number)} for number in range(4)]
    for number, case in enumerate(cases):
        for known, layer in zip(layers, case.arguments[0], strict=False):
            known |= as_files(layer, f"case{number}")
    image = real_world.image("image", *layers)
    wanted = {f"/case{n}{path}": layer + 1 for n, case in enumerate(cases) for path, layer in case.truth.items()}
    seen = {seen.path: seen.layer for seen in read_visible(real_world.host, read_layers(real_world.host, image))}
    assert {path: n for path, n in seen.items() if path.startswith("/case") and path.count("/") > 1} == wanted
    with real_world.run(["sleep", "3600"], "box", image=image) as box:
        inside = box.sh("find /case* -mindepth 1").splitlines()
    assert sorted(inside) == sorted(wanted)


def test_a_path_that_begins_alike_is_not_inside() -> None:
    """A whiteout of /data leaves /data.old and /data2, and hides what is in /data however deep."""
    below = {"/data": "dir", "/data/a": "dir", "/data/a/b": "file", "/data.old": "file", "/data2": "file"}
    assert merge([below, {"/data": "whiteout"}]) == {"/data.old": 1, "/data2": 1}


# --- Mounts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("learner", LEARNERS)
def test_the_wanted_words_leave_one_order(learner: str) -> None:
    """Of the 24 orders, one alone shows all wanted words."""
    world = nowhere("05.order", learner)
    pairs = files_of(world).values()
    right = [order for order in permutations(order_of(world)) if all(order.index(a) < order.index(b) for a, b in pairs)]
    assert right == [tuple(order_of(world))]


@pytest.mark.parametrize("options", ["lowerdir=a:b:c,upperdir=u", "lowerdir+=a,lowerdir+=b,lowerdir+=c"])
def test_lower_directories_are_read_in_both_forms(options: str) -> None:
    """They are read in their order, whether they were given at once or one by one."""
    [mount] = parse_mounts(f"1 2 0:3 / /view ro - overlay overlay ro,{options}\n".encode())
    assert lower_directories(mount) == ["a", "b", "c"]


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["05.vanish"], indirect=True)
def test_the_view_is_there_to_begin_with(real_world: World) -> None:
    """When the exercise begins, the view shows the file, and the upper directory is empty."""
    told = Vanish().prepare(real_world)
    box = real_world.running("bench")
    assert box and box.sh(f"cat {told['file']}; ls /bench/own") == real_world.seed.word("motd")


# --- Layers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("learner", LEARNERS)
def test_each_file_is_in_several_layers(learner: str) -> None:
    """Each of the four files is in two or three layers of the image, and no layer is empty."""
    world = nowhere("05.winner", learner)
    layers = image_layers(world)
    times = [sum(bool(layer.get(path[1:])) for layer in layers) for path in files(world)]
    assert set(times) <= {2, 3}
    assert all(layers)


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["05.winner"], indirect=True)
def test_the_winner_is_what_the_container_reads(real_world: World) -> None:
    """The first layer of each file holds what the container reads, and is where the merged view has it from."""
    Winner().prepare(real_world)
    box = real_world.running("box")
    assert box
    stack = read_layers(real_world.host, box)
    seen = {seen.path: seen for seen in read_visible(real_world.host, stack)}
    for path in files(real_world):
        numbers = layers_with(real_world.host, stack, path)
        assert numbers[0] == seen[path].layer
        assert real_world.host.text(seen[path].entry.path).strip() == box.sh(f"cat {path}")


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["05.bytes"], indirect=True)
def test_the_bytes_are_those_that_the_daemon_counts(real_world: World) -> None:
    """The bytes of the own layer are those of docker ps -s, and each removed file and directory left one whiteout."""
    Bytes().prepare(real_world)
    box = real_world.running("box")
    assert box
    counted = count(real_world.host, read_layers(real_world.host, box))
    assert counted.holes == len(removed(real_world)) + 1
    assert len(counted.copied) == 2
    assert counted.names > counted.own > sum(counted.copied)
    if real_world.daemon.store == "overlay2":  # containerd counts blocks on the disk
        api: Any = real_world.daemon.client.api
        [row] = api.containers(size=True, filters={"id": box.id})
        assert row["SizeRw"] == counted.own


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["05.same"], indirect=True)
def test_who_only_reads_shares(real_world: World) -> None:
    """Of the eight files, the three that nobody opened for writing are one inode, and the others two."""
    Same().prepare(real_world)
    one, other = real_world.running("one"), real_world.running("other")
    assert one and other
    stacks = [read_layers(real_world.host, box) for box in (one, other)]
    for path, pair in deeds(real_world).items():
        here, there = (place(real_world.host, stack, path) for stack in stacks)
        read_only = all(not deed or deed.startswith("cat") for deed in pair)
        assert here and there and (here == there) == read_only, (path, pair)
