"""Where layers lie, on both stores and both hosts, compared with inspect, with what is mounted, and with find."""

from __future__ import annotations

import io
import secrets
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import docker
import pytest

from labkit import errors, images, parts, sandbox
from labkit.daemon import Daemon
from labkit.endpoint import Endpoint
from labkit.host import Host
from labkit.images import Item
from labkit.inside.config import chain_ids, inspect_image
from labkit.inside.layers import open_store, read_layers, read_size
from labkit.inside.mounts import read_mounts
from labkit.inside.overlay2 import Overlay2
from labkit.inside.snapshots import Snapshots
from labkit.inside.stack import Layer, Stack
from labkit.leftovers import remove_one
from labkit.local import LocalHost
from labkit.sandbox import Box
from tests import engines
from tests.inside.conftest import ask
from tests.inside.stacks import Files, archive, diff_ids

# --- Without a daemon -------------------------------------------------------------------------------------

OVERLAY2 = {"Driver": "overlay2", "DockerRootDir": "/docker"}
CONTAINERD = {
    "Driver": "overlayfs",
    "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]],
    "DockerRootDir": "/docker",
}


def daemon_of(info: dict[str, Any], **api: Any) -> Daemon:
    """A daemon that says this of itself."""
    client: Any = SimpleNamespace(api=SimpleNamespace(**api))
    return Daemon(Endpoint("unix:///run/docker.sock", "the test"), client, (), info)


def test_the_store_is_that_of_the_daemon() -> None:
    """Root, driver and namespace are those that the daemon tells, and its own containerd is asked before others."""
    host = LocalHost("/nowhere")
    assert open_store(host, daemon_of(OVERLAY2)) == Overlay2(host, "/docker")
    assert open_store(host, daemon_of(OVERLAY2 | {"Driver": "fuse-overlayfs"})) == Overlay2(
        host, "/docker", "fuse-overlayfs"
    )
    remapped = {"Containerd": {"Namespaces": {"Containers": "moby-1000.1000"}}}
    places = ("/docker/containerd/daemon", "/var/lib/containerd", "/var/lib/desktop-containerd/daemon")
    assert open_store(host, daemon_of(CONTAINERD)) == Snapshots(host, places, "moby")
    assert open_store(host, daemon_of(CONTAINERD | remapped)) == Snapshots(host, places, "moby-1000.1000")


@pytest.mark.parametrize("info", [OVERLAY2 | {"Driver": "vfs"}, CONTAINERD | {"Driver": "native"}])
def test_another_driver_is_an_error(info: dict[str, Any]) -> None:
    """A daemon that keeps its layers otherwise is refused, with the driver's name."""
    with pytest.raises(errors.HostError, match=info["Driver"]):
        read_layers(LocalHost("/nowhere"), "web", daemon=daemon_of(info))


def test_a_directory_that_is_gone_is_the_hosts_own_error(tmp_path: Path) -> None:
    """If the store knows a layer whose files are gone, the error has the directory's path."""
    layer = tmp_path / f"docker/image/overlay2/layerdb/sha256/{'a' * 64}"
    layer.mkdir(parents=True)
    (layer / "cache-id").write_text("cafe")
    facts = {"Id": "sha256:1", "RootFS": {"Layers": [f"sha256:{'a' * 64}"]}}
    broken = daemon_of(OVERLAY2, inspect_image=lambda _: facts, images=lambda: [])
    with pytest.raises(errors.PathMissing, match="/docker/overlay2/cafe/diff"):
        read_layers(LocalHost(tmp_path), "web", daemon=broken)


def test_a_size_counts_each_inode_once(tmp_path: Path) -> None:
    """A file with two names counts once, a link by its letters, a folder not at all."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"x" * 1000)
    (tmp_path / "folder/again").hardlink_to(tmp_path / "file")
    (tmp_path / "link").symlink_to("file")
    assert read_size(LocalHost(tmp_path), "/") == 1004


# --- On both stores ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["as found", "containerd"])
def daemon(daemon: Daemon, request: pytest.FixtureRequest) -> Iterator[Daemon]:
    """The daemon that is found, and an engine with the other store."""
    if request.param == "as found":
        yield daemon
        return
    if reason := engines.why_not():
        pytest.skip(reason)
    with engines.engine("forky", "containerd") as url:
        client = docker.DockerClient(url, version="auto")
        yield Daemon(Endpoint(url, "the test"), client, (), client.info())
        client.close()


@pytest.fixture
def shape(daemon: Daemon) -> Iterator[Any]:
    """Load an image of any shape: ``shape(layers, tags=…)``; it goes again after the test."""
    made: list[str] = []

    def load(layers: list[Files], **more: Any) -> str:
        found = images.load(daemon, archive(layers, **more), "the test's archive")
        made.extend([*more.get("tags", []), found[0].id])
        return str(found[0].id)

    yield load
    for name in made:
        remove_one(daemon, "image", name)


@pytest.fixture(scope="module")
def built(daemon: Daemon) -> Iterator[str]:
    """An image of the classic builder, with two layers on those of busybox, and lines that make none."""
    tag = f"labkit-test/built-{secrets.token_hex(4)}:latest"
    lines = [
        "FROM " + images.ensure(daemon),
        "ENV a=b",
        "RUN echo 1 > /one",
        "LABEL c=d",
        "RUN rm /one; echo 22 > /two",
    ]
    text = io.BytesIO("\n".join(lines).encode())
    daemon.client.images.build(fileobj=text, tag=tag, rm=True, forcerm=True)
    yield tag
    remove_one(daemon, "image", tag)


@pytest.fixture(scope="module")
def tall(daemon: Daemon) -> Iterator[tuple[str, list[Files]]]:
    """An image of as many layers as the store takes, busybox below, and its layers; overlay2 takes 125."""
    count = 127 if daemon.store == "containerd" else 125
    layers: list[Files] = [images.busybox_files(parts.find(daemon.architecture))]
    layers += [{f"{number}": Item(b"x" * number)} for number in range(1, count)]
    (found,) = images.load(daemon, archive(layers, architecture=daemon.architecture), "the tall image")
    yield found.id, layers
    remove_one(daemon, "image", found.id)


def own_name(word: str) -> str:
    """A tag that nobody else has."""
    return f"labkit-test/{word}-{secrets.token_hex(4)}:1"


def numbers(host: Host, paths: list[str]) -> list[tuple[int, int]]:
    """What the directories are, whichever links lead there."""
    return [(entry.device, entry.inode) for entry in (host.stat(path, follow=True) for path in paths)]


def check_mounted(host: Host, box: Box) -> None:
    """Compare the layers of a container that runs with what is mounted for its first process."""
    found = read_layers(host, box)
    own = found.own
    assert own
    base = own.directory.rsplit("/", 2)[0]  # what short names and those of long lists are relative to
    (options,) = (mount.super_options for mount in read_mounts(host, box.pid) if mount.target == "/")
    pairs = [option.split("=", 1) for option in options if "=" in option]
    named = [
        path for name in ("upperdir", "lowerdir") for key, value in pairs if key == name for path in value.split(":")
    ]
    paths = [path if path.startswith("/") else f"{base}/{path}" for path in named]
    assert numbers(host, [layer.directory for layer in reversed(found.layers)]) == numbers(host, paths)


@pytest.mark.daemon
def test_layers_of_a_process_are_those_mounted_for_it(host: Host, daemon: Daemon, built: str) -> None:
    """A container's directories, from its own down to the lowest, are those of its root's mount, in that order."""
    with sandbox.run(built, "sleep 3600", what="test", daemon=daemon, stop_signal="KILL") as box:
        check_mounted(host, box)


@pytest.mark.daemon
def test_directories_are_those_that_inspect_tells(host: Host, daemon: Daemon, built: str) -> None:
    """With overlay2, the directories of image and container are those of docker inspect."""
    if daemon.store != "overlay2":
        pytest.skip(f"docker inspect tells no directories with {daemon.store}")
    with sandbox.create(built, "true", what="test", daemon=daemon) as box:
        pairs = [(inspect_image(daemon, built), read_layers(host, built, daemon=daemon))]
        for facts, stack in [*pairs, (box.inspect(), read_layers(host, box))]:
            told = facts["GraphDriver"]["Data"]
            found = [layer.directory for layer in stack.layers]
            assert found[::-1] == [told["UpperDir"], *told["LowerDir"].split(":")]


@pytest.mark.daemon
def test_each_layer_has_its_files_and_its_command(host: Host, daemon: Daemon, built: str) -> None:
    """What a line of the Dockerfile wrote lies in the directory that is found for it, and nowhere else."""
    first, second, third = read_layers(host, built, daemon=daemon).image
    assert [host.read(f"{second.directory}/one"), host.read(f"{third.directory}/two")] == [b"1\n", b"22\n"]
    assert "two" not in host.list(first.directory) + host.list(second.directory)
    assert host.stat(f"{third.directory}/one").permissions == "c---------"
    assert [layer.command.removeprefix("/bin/sh -c ") for layer in (second, third)] == [
        "echo 1 > /one",
        "rm /one; echo 22 > /two",
    ]
    assert (second.size, third.size) == (2, 3)


@pytest.mark.daemon
def test_layers_are_those_that_docker_names(host: Host, daemon: Daemon, built: str) -> None:
    """Diff-ids are those of docker image inspect, chain-ids are made of them, and places are counted from below."""
    found = read_layers(host, built, daemon=daemon)
    assert [layer.diff_id for layer in found.image] == inspect_image(daemon, built)["RootFS"]["Layers"]
    assert [layer.chain_id for layer in found.image] == chain_ids([layer.diff_id for layer in found.image])
    assert [layer.number for layer in found.layers] == list(range(1, len(found.layers) + 1))
    assert (found.name, found.store, found.own) == (built, daemon.store, None)


@pytest.mark.daemon
def test_sizes_are_those_of_find(host: Host, daemon: Daemon, built: str) -> None:
    """The size of each layer is the sum over the files that find lists, each inode once."""
    with sandbox.run(built, "sleep 3600", what="test", daemon=daemon, stop_signal="KILL") as box:
        box.sh("echo 4444 > /file; ln /file /again; ln -s file /link; mkdir /folder; rm /two")
        for layer in read_layers(host, box).layers:
            told = ask(host, "find", layer.directory, "!", "-type", "d", "-printf", "%D:%i %s\n")
            assert layer.size == sum(int(line.split()[1]) for line in set(told.splitlines()))
        assert layer.size == 9


@pytest.mark.daemon
def test_sizes_are_those_that_overlay2_tells(host: Host, daemon: Daemon, built: str) -> None:
    """With overlay2, all layers' sizes are together the image's, and the own one's is that of docker ps --size."""
    if daemon.store != "overlay2":
        pytest.skip(f"{daemon.store} counts blocks, and packed layers too")
    with sandbox.run(built, "sleep 3600", what="test", daemon=daemon, stop_signal="KILL") as box:
        box.sh("cp /bin/busybox /copy; ln /copy /again; ln -s copy /link")
        found = read_layers(host, box)
        (row,) = daemon.client.api.containers(size=True, filters={"id": box.id})
        assert found.own
        assert found.own.size == row["SizeRw"]
    assert sum(layer.size for layer in found.image) == inspect_image(daemon, built)["Size"]


@pytest.mark.daemon
def test_a_container_need_not_run(host: Host, daemon: Daemon, built: str) -> None:
    """Created, running, paused and stopped, a container has the same layers, and its own holds what it wrote."""
    with sandbox.create(
        built, "echo mine > /mine; exec sleep 3600", what="test", daemon=daemon, stop_signal="KILL"
    ) as box:
        seen = [read_layers(host, box)]
        box.start()
        box.sh("until [ -s /mine ]; do sleep 0.1; done")
        seen.append(read_layers(host, box))
        daemon.client.api.pause(box.id)
        seen.append(read_layers(host, box))
        daemon.client.api.unpause(box.id)
        daemon.client.api.stop(box.id)
        seen.append(read_layers(host, box))
        own = seen[-1].own
        assert own
        assert host.read(f"{own.directory}/mine") == b"mine\n"
        assert [stack.own.size for stack in seen if stack.own] == [0, 5, 5, 5]
        assert {plain(stack) for stack in seen} == {plain(seen[0])}
    with pytest.raises(errors.SandboxError, match="is gone"):
        read_layers(host, box)


def plain(stack: Stack) -> tuple[Layer, ...]:
    """The layers without the size of the one that grows, and without the images that others make meanwhile."""
    return tuple(replace(layer, size=0, shared_by=()) for layer in stack.layers)


@pytest.mark.daemon
def test_an_image_need_not_be_able_to_run(host: Host, daemon: Daemon, shape: Any) -> None:
    """The one file of an image from scratch is found; so are the layers of a container that can never start."""
    image = shape([{"only.txt": Item(b"hello")}])
    (layer,) = read_layers(host, image, daemon=daemon).layers
    assert (host.list(layer.directory), layer.size, layer.command) == (["only.txt"], 5, "")
    with sandbox.create(image, ["/nothing"], what="test", daemon=daemon) as box:
        found = read_layers(host, box)
    assert [layer.kind for layer in found.layers] == ["image", "init", "own"]
    assert found.layers[0] == layer


@pytest.mark.daemon
def test_as_many_layers_as_there_can_be(host: Host, daemon: Daemon, tall: tuple[str, list[Files]]) -> None:
    """Each of the most layers that an image can have is found, in order."""
    image, layers = tall
    found = read_layers(host, image, daemon=daemon)
    assert [layer.diff_id for layer in found.layers] == diff_ids(layers)
    assert [layer.size for layer in found.layers[1:]] == list(range(1, len(layers)))
    assert host.list(found.layers[-1].directory) == [str(len(layers) - 1)]


@pytest.mark.daemon
def test_many_layers_are_mounted_by_short_names(host: Host, daemon: Daemon, tall: tuple[str, list[Files]]) -> None:
    """Where the list is so long that the mount names them from a folder, they are the same directories."""
    with sandbox.run(tall[0], ["/bin/sleep", "3600"], what="test", daemon=daemon, stop_signal="KILL") as box:
        check_mounted(host, box)


@pytest.mark.daemon
def test_empty_layers_are_layers_and_empty_lines_are_none(host: Host, daemon: Daemon, shape: Any) -> None:
    """Two empty layers, equal ones, have each their place and their line; a line that made no layer has none."""
    history = [
        {"created_by": "first"},
        {"created_by": "none", "empty_layer": True},
        {"created_by": "second"},
        {"created_by": "third"},
        {"created_by": "none", "empty_layer": True},
        {"created_by": "fourth"},
    ]
    image = shape([{"a": Item(b"1")}, {}, {}, {"b": Item(b"22")}], history=history)
    found = read_layers(host, image, daemon=daemon).layers
    assert [layer.command for layer in found] == ["first", "second", "third", "fourth"]
    assert [layer.size for layer in found] == [1, 0, 0, 2]
    assert [host.list(layer.directory) for layer in found] == [["a"], [], [], ["b"]]
    assert len({layer.chain_id for layer in found}) == len({layer.directory for layer in found}) == 4


@pytest.mark.daemon
def test_an_image_may_have_no_layers(host: Host, daemon: Daemon, shape: Any) -> None:
    """An image of nothing has no layers, and a container of it has the daemon's and its own."""
    image = shape([])
    assert read_layers(host, image, daemon=daemon).layers == ()
    with sandbox.create(image, ["/nothing"], what="test", daemon=daemon) as box:
        assert [layer.kind for layer in read_layers(host, box).layers] == ["init", "own"]


@pytest.mark.daemon
def test_layers_are_shared_by_images_with_the_same_below(host: Host, daemon: Daemon, shape: Any) -> None:
    """Two images share what both begin with; a layer on others is another one; who has no name is not told."""
    base, top, other = ({name: Item(secrets.token_bytes(8))} for name in ("base", "top", "other"))
    one, two, three = (own_name(word) for word in ("one", "two", "three"))
    shape([base, top], tags=[one])
    shape([base, other], tags=[two, three])
    shape([base])
    shape([other, top], tags=[own_name("four")])
    found = read_layers(host, one, daemon=daemon).layers
    assert [layer.shared_by for layer in found] == [tuple(sorted([one, two, three])), (one,)]
    assert found[0].directory == read_layers(host, two, daemon=daemon).layers[0].directory


@pytest.mark.daemon
def test_an_image_is_found_by_any_of_its_names(host: Host, daemon: Daemon, built: str) -> None:
    """Name, whole id and its first digits lead to the same layers; a name that nobody has is an error."""
    whole = inspect_image(daemon, built)["Id"]
    stacks = [read_layers(host, name, daemon=daemon) for name in (built, whole, whole.partition(":")[2][:12])]
    assert len({plain(stack) for stack in stacks}) == 1
    for name in ("labkit-test/nobody:1", "Not A Name"):
        with pytest.raises(errors.ImageError, match=name):
            read_layers(host, name, daemon=daemon)


@pytest.mark.daemon
def test_the_image_of_a_container_may_be_gone(host: Host, daemon: Daemon, shape: Any) -> None:
    """After docker rmi --force the layers of a stopped container are still found, and are no named image's."""
    tag = own_name("gone")
    image = shape(
        [{"a": Item(secrets.token_bytes(8))}, {"b": Item(b"1")}], tags=[tag], history=[{"created_by": "x"}] * 2
    )
    with sandbox.create(image, ["/nothing"], what="test", daemon=daemon) as box:
        before = read_layers(host, box)
        daemon.client.api.remove_image(tag, force=True)
        after = read_layers(host, box)
    assert [layer.directory for layer in after.layers] == [layer.directory for layer in before.layers]
    assert [layer.chain_id for layer in after.layers] == [layer.chain_id for layer in before.layers]
    assert {layer.shared_by for layer in after.layers} == {()}


@pytest.mark.daemon
def test_layers_are_read_while_others_come_and_go(host: Host, daemon: Daemon, built: str) -> None:
    """Whatever the daemon makes and removes meanwhile, every answer is whole."""
    found = plain(read_layers(host, built, daemon=daemon))
    over = threading.Event()

    def busy() -> None:
        while not over.is_set():
            sandbox.create(built, "true", what="test", daemon=daemon).remove()

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        assert {plain(read_layers(host, built, daemon=daemon)) for _ in range(8)} == {found}
    finally:
        over.set()
        thread.join()
