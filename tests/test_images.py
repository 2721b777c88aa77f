"""The same parts give the same image, whole and valid, for the daemon's processor; no registry is asked unasked."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import ImageNotFound

from labkit import images, oci, parts, sandbox
from labkit.daemon import Daemon
from labkit.errors import ImageError, PartMissing
from labkit.images import Item
from labkit.leftovers import remove_one
from tests import elf
from tests.oracles import docker, inspect
from tests.registry import registry

PART = parts.read(elf.busybox())


def archive(**config: Any) -> dict[str, bytes]:
    """The files of an image's archive, by path."""
    data = images.write("labkit/test:1", images.busybox_files(PART), architecture="amd64", **config)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar if member.isfile()}  # type: ignore[union-attr]


def config_of(files: dict[str, bytes]) -> Any:
    """The image configuration, found as an old engine finds it."""
    return json.loads(files[json.loads(files["manifest.json"])[0]["Config"]])


# --- the archive ----------------------------------------------------------------------------------------


def test_blobs_are_named_by_their_contents() -> None:
    """Every blob's name is the sha256 of its bytes."""
    blobs = {name: data for name, data in archive().items() if name.startswith("blobs/")}
    assert len(blobs) == 3
    assert all(name == f"blobs/sha256/{hashlib.sha256(data).hexdigest()}" for name, data in blobs.items())


def test_a_new_engine_finds_its_way() -> None:
    """From ``index.json`` to the manifest to configuration and layer: each digest and size is that of a blob."""
    files = archive()
    assert json.loads(files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}

    def follow(entry: dict[str, Any]) -> bytes:
        data = files["blobs/" + entry["digest"].replace(":", "/")]
        assert len(data) == entry["size"]
        return data

    (entry,) = json.loads(files["index.json"])["manifests"]
    assert entry["annotations"]["io.containerd.image.name"] == "docker.io/labkit/test:1"
    manifest = json.loads(follow(entry))
    assert manifest["mediaType"] == entry["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert json.loads(follow(manifest["config"])) == config_of(files)
    assert config_of(files)["rootfs"]["diff_ids"] == [layer["digest"] for layer in manifest["layers"]]
    for layer in manifest["layers"]:
        with tarfile.open(fileobj=io.BytesIO(follow(layer))) as tar:
            assert "bin/sh" in tar.getnames()


def test_an_old_engine_finds_the_same() -> None:
    """``manifest.json`` names the same configuration and layer, and the tag."""
    files = archive()
    (older,) = json.loads(files["manifest.json"])
    (diff_id,) = config_of(files)["rootfs"]["diff_ids"]
    assert older["RepoTags"] == ["labkit/test:1"]
    assert older["Layers"] == ["blobs/" + diff_id.replace(":", "/")]


def test_the_label_cannot_be_forgotten() -> None:
    """An image with labels of its own has the course's label too, so that clean-up finds it."""
    assert config_of(archive(Labels={"mine": "yes"}))["config"]["Labels"] == {"labkit": "image", "mine": "yes"}
    assert config_of(archive(Cmd=["true"]))["config"]["Labels"] == {"labkit": "image"}


def test_a_layer_says_nothing_of_its_maker() -> None:
    """All entries belong to root, are dated 1970, are sorted, and each folder comes before what is in it."""
    layer = images.write_layer({"b/c/d": Item(b"1", mode=0o755), "b-x": Item(link="b/c/d"), "a": Item(mode=0o1777)})
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        found = [(m.name, m.type, m.mode, m.linkname) for m in tar]
        assert {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in tar} == {(0, 0, "", "", 0)}
    assert found == [
        ("a", tarfile.DIRTYPE, 0o1777, ""),
        ("b", tarfile.DIRTYPE, 0o755, ""),
        ("b-x", tarfile.SYMTYPE, 0o644, "b/c/d"),
        ("b/c", tarfile.DIRTYPE, 0o755, ""),
        ("b/c/d", tarfile.REGTYPE, 0o755, ""),
    ]


def test_an_empty_file_is_no_folder() -> None:
    """A file without a byte in it is a file."""
    with tarfile.open(fileobj=io.BytesIO(images.write_layer({"empty": Item(b"")}))) as tar:
        assert tar.getmember("empty").isreg()


def test_every_command_is_a_link() -> None:
    """Each command of the part but ``busybox`` itself is a link to it."""
    files = images.busybox_files(PART)
    assert {name for name, item in files.items() if item.link == "busybox"} == {f"bin/{name}" for name in PART.applets}
    assert files["bin/busybox"].data == PART.data


def test_the_same_parts_give_the_same_bytes(tmp_path: Path) -> None:
    """Two processes with other hash seeds, masks, times and folders write the same archive, byte by byte."""
    (tmp_path / "busybox").write_bytes(PART.data)
    code = """if 1:
        import hashlib, os, sys
        os.umask(int(sys.argv[1], 8))
        from labkit import images, parts
        files = images.busybox_files(parts.find("amd64"))
        print(hashlib.sha256(images.write(images.BUSYBOX, files, architecture="amd64")).hexdigest())
    """

    def digest(seed: str, mask: str, zone: str) -> str:
        path = os.pathsep.join([str(Path(images.__file__).parents[1]), *sys.path])
        more = {"PYTHONHASHSEED": seed, "TZ": zone, "PYTHONPATH": path, "LABKIT_BUSYBOX": str(tmp_path / "busybox")}
        words = [sys.executable, "-c", code, mask]
        run = subprocess.run(words, env=os.environ | more, cwd=tmp_path, capture_output=True, check=True, text=True)
        return run.stdout

    assert digest("1", "000", "UTC") == digest("2", "077", "Asia/Tokyo") != ""


# --- where the part comes from, with a daemon that is not there -------------------------------------------


class Pulling:
    """A docker-py client that knows the official image, or none, and writes down what it is asked."""

    def __init__(self, *, has_it: bool = False) -> None:
        self.images = self.containers = self.api = self
        self.has_it, self.loaded = has_it, b""
        self.asked: list[str] = []

    def get(self, name: str) -> Any:
        if name == images.OFFICIAL and not self.has_it:
            raise ImageNotFound("no such image")
        return self

    def pull(self, name: str) -> None:
        self.asked.append(f"pull {name}")
        self.has_it = True

    def create(self, image: str, *_: Any, **__: Any) -> Any:
        self.asked.append(f"create {image}")
        return SimpleNamespace(id="c0ffee")

    def get_archive(self, path: str) -> Any:
        return [images.write_layer({path.rpartition("/")[2]: Item(PART.data)})], {}

    def remove_container(self, name: str, **_: Any) -> None:
        self.asked.append(f"rm {name}")

    def remove_image(self, name: str) -> None:
        self.asked.append(f"rmi {name}")

    def load(self, data: bytes) -> list[Any]:
        self.loaded = data
        return [SimpleNamespace(id="sha256:1")]


def pretend(client: Any) -> Any:
    """A daemon on amd64 with that client."""
    return SimpleNamespace(client=client, architecture="amd64")


@pytest.fixture
def nothing_local(monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer without any busybox."""
    monkeypatch.setattr(parts, "PLACES", ())
    monkeypatch.delenv("LABKIT_BUSYBOX", raising=False)


def test_without_part_and_agreement_nothing_is_asked(nothing_local: None) -> None:
    """Where there is no part and nobody agreed, the daemon is not asked for anything: the error has three ways."""
    with pytest.raises(PartMissing, match="no static busybox for amd64") as caught:
        images.build(pretend(client=None))
    assert caught.value.remedy == parts.REMEDY


def test_with_agreement_the_pinned_image_is_pulled(nothing_local: None) -> None:
    """With ``pull`` exactly the pinned image is fetched, one container shows its busybox, and both go again."""
    client = Pulling()
    images.build(pretend(client), pull=True)
    name = images.OFFICIAL
    assert client.asked == [f"pull {name}", f"create {name}", "rm c0ffee", f"rmi {name}"]
    assert PART.data in client.loaded
    assert "@sha256:" in name


def test_an_official_image_of_the_learner_stays(nothing_local: None) -> None:
    """Where the learner has the official image already, nothing is fetched, and it is not taken away."""
    client = Pulling(has_it=True)
    images.build(pretend(client), pull=True)
    assert client.asked == [f"create {images.OFFICIAL}", "rm c0ffee"]


def test_a_local_part_comes_before_the_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a local part nothing is pulled, even if the learner agreed."""
    (tmp_path / "busybox").write_bytes(PART.data)
    monkeypatch.setenv("LABKIT_BUSYBOX", str(tmp_path / "busybox"))
    client = Pulling()
    images.build(pretend(client), pull=True)
    assert client.asked == []


# --- on the daemon ----------------------------------------------------------------------------------------


@pytest.mark.daemon
def test_the_daemon_reads_what_was_written(daemon: Daemon, world: str, tmp_path: Path) -> None:
    """The image's id, layer, processor and label, as Docker tells them, are those of the archive."""
    part = parts.find(daemon.architecture)
    data = images.write(images.BUSYBOX, images.busybox_files(part), architecture=part.architecture)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        tar.extractall(tmp_path, filter="data")
    (older,) = json.loads((tmp_path / "manifest.json").read_text())
    sums = subprocess.run(
        ["sha256sum", older["Config"], *older["Layers"]], cwd=tmp_path, capture_output=True, text=True
    )
    config, layer = (f"sha256:{line.split()[0]}" for line in sums.stdout.splitlines())
    manifest = json.loads((tmp_path / "index.json").read_text())["manifests"][0]["digest"]
    made, told = images.build(daemon), inspect("image", images.BUSYBOX)
    assert made == told["Id"] in (config, manifest)
    assert told["RootFS"]["Layers"] == [layer]
    assert told["Architecture"] == docker("version", "--format", "{{.Server.Arch}}") == daemon.architecture
    assert told["Config"]["Labels"] == {world: "image"}


@pytest.mark.daemon
def test_building_twice_gives_one_image(daemon: Daemon, world: str) -> None:
    """The same parts give the same image id, and no nameless image is left beside it."""
    assert images.build(daemon) == images.build(daemon)
    assert len(sandbox.things(daemon)) == 1


@pytest.mark.daemon
def test_the_image_runs(daemon: Daemon, world: str) -> None:
    """Each link is a command of busybox, and a sample of them does its work, for root and for nobody."""
    script = """
        for name in $(busybox --list); do [ "$name" = busybox ] || readlink /bin/$name; done | sort -u
        printf '3 b\\n1 a\\n' | sort | sed 's/a/A/' | awk '{print $2}' | tr '\\n' ' '
        id -un; grep -c root /etc/passwd; ls -ld /tmp /root | cut -c1-10
    """
    with sandbox.run(images.ensure(daemon), script, daemon=daemon) as box:
        box.wait()
        assert box.logs().split() == ["busybox", "A", "b", "root", "1", "drwx------", "drwxrwxrwt"]
    with sandbox.run(images.BUSYBOX, ["id", "-un"], daemon=daemon, user="nobody") as box:
        box.wait()
        assert box.logs() == "nobody\n"


@pytest.mark.daemon
def test_what_is_there_is_not_made_again(daemon: Daemon, world: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """``ensure`` makes the image once, and then needs no part any more."""
    assert images.ensure(daemon) == images.BUSYBOX
    monkeypatch.setattr(images, "build", lambda _: pytest.fail("made again"))
    assert images.ensure(daemon) == images.BUSYBOX


@pytest.mark.daemon
def test_an_image_for_another_processor_is_replaced(daemon: Daemon, world: str) -> None:
    """An image of that name that this daemon cannot run is not good enough for ``ensure``."""
    other = "s390x" if daemon.architecture != "s390x" else "amd64"
    images.load(daemon, images.write(images.BUSYBOX, {}, architecture=other), "other")
    images.ensure(daemon)
    assert inspect("image", images.BUSYBOX)["Architecture"] == daemon.architecture


@pytest.mark.daemon
def test_the_listing_has_the_courses_images(daemon: Daemon, world: str) -> None:
    """``listing`` has tag, id and size as ``docker image ls`` has them, and nothing without the label."""
    images.ensure(daemon)
    told = docker("image", "ls", "--no-trunc", "--format", "{{.ID}} {{.Size}}", images.BUSYBOX)
    ((tag, key, size),) = images.listing(daemon)
    assert (tag, f"{key} {size / 1e6:.3g}MB") == (images.BUSYBOX, told)


@pytest.mark.daemon
def test_what_is_no_image_is_refused(daemon: Daemon) -> None:
    """An archive that the daemon cannot read is an error with its name and the daemon's reason."""
    with pytest.raises(ImageError, match="this thing cannot be loaded: "):
        images.load(daemon, b"no tar at all", "this thing")


@pytest.mark.daemon
def test_a_pull_takes_one_file_and_leaves_nothing(
    daemon: Daemon, world: str, nothing_local: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a registry the pinned image is fetched by its digest, and only ``labkit/busybox`` stays of it."""
    part = parts.read(Path("/bin/busybox").read_bytes())
    with registry({"bin/busybox": Item(part.data, mode=0o755)}, part.architecture) as (name, asked):
        monkeypatch.setattr(images, "OFFICIAL", name)
        try:
            images.build(daemon, pull=True)
        except ImageError as error:
            if "connection refused" in error.problem:
                pytest.skip("this daemon is on another network: it does not see a registry on 127.0.0.1")
            raise
        assert any(name.rpartition("@")[2] in path for path in asked)
        assert inspect("image", name) == {}
    assert [thing.name for thing in sandbox.things(daemon)] == [images.BUSYBOX]
    with sandbox.run(images.BUSYBOX, "echo works", daemon=daemon) as box:
        box.wait()
        assert box.logs() == "works\n"


@pytest.mark.daemon
def test_a_pull_that_fails_is_said(
    daemon: Daemon, world: str, nothing_local: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the registry does not have the image or cannot be reached, the error says so and has the other ways."""
    with registry({}, "amd64") as (name, _):
        monkeypatch.setattr(images, "OFFICIAL", name.partition("@")[0] + "@sha256:" + 64 * "0")
        with pytest.raises(ImageError, match="cannot be pulled: ") as caught:
            images.build(daemon, pull=True)
    assert caught.value.remedy == parts.REMEDY
    assert sandbox.things(daemon) == []


# --- several layers -----------------------------------------------------------------------------------------


def test_what_was_saved_is_read_again() -> None:
    """Configuration, layers and tag of an image are those that were written, packed layers as they are stored."""
    layers = [gzip.compress(images.write_layer({"a": Item(b"1")})), images.write_layer({"b": Item(b"2")})]
    tar = io.BytesIO()
    oci.write_archive(tar, oci.Draft({"config": {"Cmd": ["true"]}}, layers, ["a:1"]))
    found = images.read_saved(tar.getvalue())
    assert (found.config["config"], found.layers, found.tags) == ({"Cmd": ["true"]}, layers, ["a:1"])


@pytest.mark.daemon
def test_a_stack_begins_with_the_layers_of_its_base(daemon: Daemon) -> None:
    """The base's layers are in it byte for byte, then one for each mapping, and the daemon runs it."""
    lower = images.stack(daemon, {"a": "1"}, {"a": "2", "b": b"\xff"}, Cmd=["cat", "/a"])
    upper = images.stack(daemon, {"a": "3"}, base=lower, what="upper", labels={"labkit.more": "yes"})
    try:
        told = [inspect("image", name) for name in (images.BUSYBOX, lower, upper)]
        course, below, above = (facts["RootFS"]["Layers"] for facts in told)
        assert (below[: len(course)], len(below)) == (course, len(course) + 2)
        assert (above[:-1], above[-1]) == (below, digest_of({"a": "3"}))
        marks = told[2]["Config"]["Labels"]
        assert (marks["labkit"], marks["labkit.owner"], marks["labkit.more"]) == ("upper", sandbox.owner(), "yes")
        assert docker("run", "--rm", upper) == "3"
    finally:
        for name in (upper, lower):
            remove_one(daemon, "image", name)


def digest_of(files: dict[str, str]) -> str:
    """The diff-id of a layer with these files."""
    return images.digest(images.write_layer({path: Item(text.encode()) for path, text in files.items()}))


@pytest.mark.daemon
def test_a_shared_stack_is_the_same_for_everybody(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever makes a shared image gets the same one, without a word of whose it is; the mode of its files is kept."""
    files, found = {"bin/it": images.Item(b"#!/bin/sh\necho it\n", mode=0o755)}, []
    try:
        for owner in ("ada", "bob"):
            monkeypatch.setenv("LABKIT_LEARNER", owner)
            images.stack(daemon, files, tag="labkit-shared:1", what="image", shared=True, Cmd=["it"])
            found.append(inspect("image", "labkit-shared:1"))
        assert found[0]["Id"] == found[1]["Id"]
        assert found[0]["Config"]["Labels"] == {"labkit": "image"}
        assert docker("run", "--rm", "labkit-shared:1") == "it"
    finally:
        remove_one(daemon, "image", "labkit-shared:1")


@pytest.mark.daemon
def test_a_missing_base_is_said(daemon: Daemon) -> None:
    """An image cannot stand on one that is not there; the error names it."""
    with pytest.raises(ImageError, match="no image 'labkit/nobody:1'"):
        images.stack(daemon, {"a": "1"}, base="labkit/nobody:1")
