"""What ``docker save`` wrote, of both layouts: read as it says, and nothing else believed."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import random
import secrets
import subprocess
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from labkit import parts
from labkit.busybox import busybox_files
from labkit.errors import ArchiveError
from labkit.inside import archive, manifests
from labkit.inside.archive import Archive, open_member, read_archive
from labkit.inside.digests import verify
from labkit.inside.entries import find_file, read_layer
from labkit.inside.removal import redraft, without_layer
from labkit.oci import Draft, digest, write_archive, write_layer
from tests import engines
from tests.inside import saved
from tests.oracles import docker

FUZZ = int(os.environ.get("LABKIT_FUZZ", "600"))
"""Damaged tars that are read."""

LAYERS = [digest(layer) for layer in (saved.LOWER, saved.MIDDLE, saved.UPPER)]
each_layout = pytest.mark.parametrize("data", [saved.docker(), saved.oci(), saved.oci(packed=True)], ids=range(3))


def read(data: bytes) -> Archive:
    """Read a tar that is in memory."""
    return read_archive(io.BytesIO(data))


@each_layout
def test_both_layouts_tell_the_same(data: bytes) -> None:
    """Tags, configuration, diff-ids and commands of an image do not depend on the engine that saved it."""
    app, base = read(data).image("app:2"), read(data).image("base:1")
    assert (app.tags, base.tags) == (("app:1", "app:2"), ("base:1",))
    assert [layer.diff_id for layer in app.layers] == app.config["rootfs"]["diff_ids"] == LAYERS
    assert [layer.diff_id for layer in base.layers] == LAYERS[:1]
    assert [layer.command for layer in app.layers] == ["ADD lower", "RUN middle", "RUN upper"]
    assert [layer.number for layer in app.layers] == [1, 2, 3]
    assert [layer.unpacked for layer in app.layers] == [len(saved.LOWER), len(saved.MIDDLE), len(saved.UPPER)]


def test_a_packed_layer_has_two_digests() -> None:
    """Packed, its digest as stored differs from its diff-id and its size from that of its tar; unpacked, both agree."""
    packed, plain = read(saved.oci(packed=True)).image("app:1"), read(saved.oci()).image("app:1")
    assert [layer.digest == layer.diff_id for layer in (*packed.layers, *plain.layers)] == [False] * 3 + [True] * 3
    assert packed.layers[0].digest == digest(gzip.compress(saved.LOWER, mtime=0))
    assert packed.layers[0].size < packed.layers[0].unpacked == plain.layers[0].size
    assert packed.layers[0].media_type == "application/vnd.oci.image.layer.v1.tar+gzip"


def test_each_member_has_a_role() -> None:
    """What the specification calls each member is known, once something that was read leads to it."""
    roles = {member.name.rpartition("/")[2]: member.role for member in read(saved.docker()).members}
    assert roles["manifest.json"] == "list of the images, for docker load"
    assert roles["layer.tar"] == "layer"
    assert roles["repositories"].startswith("tags and their newest layer")
    extra = saved.tar([*saved.files(saved.oci()).items(), ("blobs/sha256/x", b"")])
    found = {member.name: member.role for member in read(extra).members}
    assert found["index.json"] == "image index"
    assert found["blobs/sha256/x"] == "nothing that was read leads to it"


def test_a_layer_may_be_a_link() -> None:
    """In the older layout a layer that is already in the tar is a link to it, and its bytes are those."""
    found = read(saved.docker())
    layer = found.image("app:1").layer(1)
    (link,) = [member for member in found.members if member.name == layer.name]
    assert (link.link != "", link.size, layer.size) == (True, 0, len(saved.LOWER))
    assert open_member(io.BytesIO(saved.docker()), found, layer.name).read() == saved.LOWER


def test_an_index_may_lie_in_an_index() -> None:
    """Without Docker's own list, the images are those that the index leads to; attestations are none."""
    files = saved.files(saved.oci())
    inner, name = files.pop("index.json"), "docker.io/library/mine:1"
    del files["manifest.json"]
    assert isinstance(inner, bytes)
    manifest = json.loads(inner)["manifests"][-1]
    nothing = {"mediaType": manifest["mediaType"], "digest": digest(b"not saved"), "size": 9}
    proof = {**manifest, "annotations": {"vnd.docker.reference.type": "attestation-manifest"}}
    inner = json.dumps({"manifests": [nothing, {**manifest, "annotations": None}, proof]}).encode()
    outer = {"mediaType": manifests.INDEX[0], "digest": digest(inner), "size": len(inner)}
    outer["annotations"] = {"io.containerd.image.name": name}
    files |= {manifests.blob(digest(inner)): inner, "index.json": json.dumps({"manifests": [outer]}).encode()}
    (image,) = read(saved.tar(list(files.items()))).images
    assert (image.tags, [layer.diff_id for layer in image.layers]) == (("library/mine:1",), LAYERS[:1])


# --- What a stranger could send -------------------------------------------------------------------------------


def edited(change: Callable[[dict[str, Any]], object], data: bytes = b"") -> bytes:
    """A saved tar after a change of its members."""
    files: dict[str, Any] = saved.files(data or saved.oci())
    change(files)
    return saved.tar(list(files.items()))


def listed(**fields: Any) -> Callable[[dict[str, Any]], object]:
    """A change of the first entry in Docker's own list."""

    def change(files: dict[str, Any]) -> None:
        entry = json.loads(files["manifest.json"])[0]
        files["manifest.json"] = json.dumps([entry | fields]).encode()

    return change


def circle(files: dict[str, Any]) -> None:
    """Two layers that are links to each other."""
    names = [name for name in files if name.endswith("layer.tar")]
    for one, other in zip(names, names[1:] + names[:1], strict=True):
        files[one] = f"../{other}"


def device() -> bytes:
    """A tar with a device in it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        info = tarfile.TarInfo("disk")
        info.type = tarfile.BLKTYPE
        file.addfile(info)
    return buffer.getvalue()


def nested(files: dict[str, Any]) -> None:
    """Indexes in indexes, more than anybody needs."""
    for _ in range(6):
        inner = files["index.json"]
        entry = {"mediaType": manifests.INDEX[0], "digest": digest(inner), "size": len(inner)}
        files |= {manifests.blob(digest(inner)): inner, "index.json": json.dumps({"manifests": [entry]}).encode()}


def texts(files: dict[str, Any]) -> None:
    """Twenty images, each with a configuration of its own, of nearly a megabyte."""
    padding = b" " * (manifests.TEXT - 2000)
    entry, entries = json.loads(files["manifest.json"])[0], []
    for number in range(20):
        config = files[entry["Config"]] + padding + b" " * number
        files[manifests.blob(digest(config))] = config
        entries.append(entry | {"Config": manifests.blob(digest(config))})
    files["manifest.json"] = json.dumps(entries).encode()


LIST = "manifest.json"
HOSTILE = {
    "empty": (b"", "holds no image|has no manifest|no image"),
    "packed": (gzip.compress(saved.oci()), "packed as a whole"),
    "other": (saved.tar([("readme", b"")]), "The tar holds no image"),
    "above": (edited(lambda files: files.update({"../x": b""})), r"\.\./x, whose name leads out"),
    "device": (device(), "has disk, a device or pipe"),
    "twice": (saved.tar([("a", b""), ("a", b"")]), "has a twice"),
    "link": (edited(lambda files: files.update({"a": "/etc/passwd"})), "a is a link to /etc/passwd, out of the tar"),
    "link above": (edited(lambda files: files.update({"a/b": "../../x"})), r"a/b is a link to \.\./\.\./x, out of"),
    "circle": (edited(circle, saved.docker()), "is a link to a link, more than 8 times"),
    "missing": (edited(lambda files: files.pop(manifests.blob(LAYERS[1]))), "has no blobs/sha256/.*, its layer"),
    "no JSON": (edited(lambda files: files.update({LIST: b"{"})), "manifest.json, the list .*, is no JSON"),
    "no UTF-8": (edited(lambda files: files.update({LIST: b'["\xff\xfe"]'})), "manifest.json, the list .*, is no JSON"),
    "deep": (edited(lambda files: files.update({LIST: b"[" * 100_000})), "manifest.json, the list .*, is no JSON"),
    "digits": (edited(lambda files: files.update({LIST: b"[" + b"9" * 9000 + b"]"})), "is no JSON"),
    "large": (edited(lambda files: files.update({LIST: b" " * (manifests.TEXT + 1)})), "1048577 bytes of JSON, more"),
    "many texts": (edited(texts), "bytes of JSON, more than the 16777216"),
    "object": (edited(lambda files: files.update({LIST: b"{}"})), "manifest.json is not a list of objects"),
    "numbers": (edited(lambda files: files.update({LIST: b"[1]"})), "manifest.json is not a list of objects"),
    "no config": (edited(listed(Config=None)), "'Config' of manifest.json is not a text"),
    "odd config": (edited(listed(Config="x.json")), "manifest.json names sha256:x, which is no sha256 digest"),
    "odd tags": (edited(listed(RepoTags=[1])), "'RepoTags' of manifest.json is not a list of texts"),
    "few layers": (edited(listed(Layers=[])), "has 3 diff-ids for 0 layers"),
    "outside": (edited(listed(Layers=["../../etc/passwd"] * 3)), r"The tar has no \.\./\.\./etc/passwd, its layer"),
    "nested": (edited(nested), "4 indexes lie in one another"),
    "size": (edited(lambda files: files.update({manifests.blob(LAYERS[0]): b"short"})), "says that .* bytes; it has 5"),
    "members": (saved.tar([(f"{n}", b"") for n in range(archive.MEMBERS + 1)]), "more than 20000 members"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "problem"), HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_honest_archive_is_refused(data: bytes, problem: str) -> None:
    """Each attempt has its sentence, which shows nothing that could not be printed, and one that says what to do."""
    with pytest.raises(ArchiveError, match=problem) as caught:
        read(data)
    assert caught.value.problem.isprintable()
    assert caught.value.remedy.endswith(".")


@each_layout
def test_a_truncated_archive_is_refused(data: bytes) -> None:
    """Cut off anywhere before its last member's end, a tar is an ArchiveError, or says what is missing."""
    whole = read(data)
    end = max(member.offset + member.size for member in whole.members)
    for length in {*range(0, end, 997), *range(0, end, 512), end - 1}:
        with contextlib.suppress(ArchiveError):
            assert len(read(data[:length]).members) < len(whole.members)


@pytest.mark.parametrize(
    ("name", "problem"), [("none.tar", "No such file"), (".", "is not a file"), ("pipe", "not a f")]
)
def test_what_is_no_file_is_refused(tmp_path: Path, name: str, problem: str) -> None:
    """A file that is missing, a folder, and a pipe, which would keep us waiting for ever, are errors."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArchiveError, match=problem):
        read_archive(tmp_path / name)


def test_a_stream_is_refused() -> None:
    """What can only be read forwards cannot be read here, and the error says what to do."""
    with os.fdopen(os.open(os.devnull, os.O_RDONLY), "rb") as file:
        file.seekable = lambda: False  # type: ignore[method-assign]
        with pytest.raises(ArchiveError, match="only be read forwards"):
            read_archive(file)


def test_damaged_archives_end_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is damaged, all is read, or ends in an ArchiveError, in little memory, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    seeds = [saved.docker(), saved.oci(), saved.oci(packed=True)]
    largest = max(map(len, seeds)) * 2
    dice, well = random.Random(6), 0
    tracemalloc.start()
    try:
        for _ in range(FUZZ):
            well += reads_well(saved.mutated(dice.choice(seeds), dice))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    print(f"{well} of {FUZZ} were read, at most {peak >> 10} KiB in memory")
    assert FUZZ * 0.02 < well < FUZZ * 0.9  # neither all too damaged nor too little
    assert peak < largest + (8 << 20)
    assert os.listdir(tmp_path) == []


def reads_well(data: bytes) -> bool:
    """Read everything that is in a tar; tell whether that succeeded."""
    try:
        found = read(data)
        verify(found)
        print(found, repr(found), file=io.StringIO())
        return all(read_layer(found, layer) for image in found.images for layer in image.layers)
    except ArchiveError as error:
        assert error.remedy
        assert error.problem.isprintable()
        return False


# --- What real engines save -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Engine:
    """An engine, asked with the docker CLI."""

    url: str

    def ask(self, *words: str) -> str:
        """What ``docker …`` prints."""
        return docker("--host", self.url, *words)

    def facts(self, tag: str) -> dict[str, Any]:
        """``docker image inspect``."""
        return dict(json.loads(self.ask("image", "inspect", tag))[0])


@pytest.fixture(scope="module", params=["the daemon found", "28.5 with the containerd store"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """The tests' own daemon, whatever it is, and a newer one with the other image store."""
    if request.param == "the daemon found":
        yield Engine(str(request.getfixturevalue("daemon").endpoint.url))
        return
    if why := engines.why_not():
        pytest.skip(why)
    with engines.engine("forky", "containerd") as url:
        yield Engine(url)


@pytest.fixture(scope="module")
def real(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A tar that the engine saved, and the tag in it: an image of two layers, the second committed, and its base."""
    name, folder = f"labkit-test-{secrets.token_hex(4)}", tmp_path_factory.mktemp("saved")
    architecture = engine.ask("version", "--format", "{{.Server.Arch}}")
    config = {"architecture": architecture, "config": {"Env": ["PATH=/bin"]}, "history": [{"created_by": "base"}]}
    layers = [write_layer(busybox_files(parts.find(architecture)))]
    write_archive(folder / "base.tar", Draft(config, layers, [f"{name}:base"]))
    engine.ask("load", "-i", str(folder / "base.tar"))
    try:
        script = "rm /etc/group; rm -r /root; mkdir /root /new; echo 1 > /new/one; ln /new/one /new/two"
        engine.ask("run", "--name", name, f"{name}:base", "sh", "-c", script)
        engine.ask("commit", name, f"{name}:top")
        engine.ask("save", "-o", str(folder / "saved.tar"), f"{name}:top", f"{name}:base")
        yield folder / "saved.tar", f"{name}:top"
    finally:
        for words in (("rm", "--force", name), ("rmi", "--force", f"{name}:top", f"{name}:base")):
            subprocess.run(["docker", "--host", engine.url, *words], capture_output=True, check=False)


@pytest.mark.daemon
def test_a_real_archive_is_what_the_daemon_says(engine: Engine, real: tuple[Path, str]) -> None:
    """Its id, diff-ids and commands are those of ``docker inspect`` and ``docker history``; no digest is wrong."""
    path, tag = real
    found = read_archive(path)
    image, facts = found.image(tag), engine.facts(tag)
    assert [layer.diff_id for layer in image.layers] == facts["RootFS"]["Layers"]
    assert facts["Id"] in (image.config_digest, image.manifest_digest)
    history = engine.ask("history", "--no-trunc", "--format", "{{.CreatedBy}}", tag).splitlines()
    assert [layer.command for layer in reversed(image.layers)] == history
    assert image.layer(1).diff_id == found.image(tag.replace("top", "base")).layer(-1).diff_id
    assert verify(found) == ()


@pytest.mark.daemon
def test_a_real_archive_is_what_tar_and_sha256sum_say(real: tuple[Path, str]) -> None:
    """The members are those that ``tar -t`` lists, and a layer's digest is what ``sha256sum`` computes."""
    path, tag = real
    found = read_archive(path)
    names = subprocess.run(["tar", "-tf", path], capture_output=True, check=True, text=True).stdout.splitlines()
    assert [member.name for member in found.members] == [name for name in names if not name.endswith("/")]
    layer = found.image(tag).layer(-1)
    command = f"tar -xOf '{path}' '{layer.name}' | sha256sum"
    summed = subprocess.run(["sh", "-c", command], capture_output=True, check=True, text=True).stdout
    assert f"sha256:{summed.split()[0]}" == layer.digest


@pytest.mark.daemon
def test_a_real_layer_has_what_the_container_did(real: tuple[Path, str]) -> None:
    """What was removed is a whiteout, what was made is there, and a hard link is one to the other name."""
    path, tag = real
    found = read_archive(path)
    image = found.image(tag)
    kinds = {entry.name: entry.kind for entry in read_layer(found, image.layer(-1)) if not entry.removes}
    assert sorted([kinds["new/one"], kinds["new/two"]]) == ["-", "h"]
    assert str(find_file(found, image, "/etc/group")) == "layer 2 removes it: w etc/group"
    assert str(find_file(found, image, "/bin/busybox")) == "layer 1 has it: - bin/busybox"


@pytest.mark.daemon
def test_a_real_image_comes_back(engine: Engine, real: tuple[Path, str], tmp_path: Path) -> None:
    """Saved, read, written and loaded, an image has the same layers and runs; without its newest, the file is back."""
    path, tag = real
    found, target = read_archive(path), tmp_path / "again.tar"
    layers, run = engine.facts(tag)["RootFS"]["Layers"], ["run", "--rm", "--pull=never", tag, "ls", "/etc/group"]
    engine.ask("rmi", "--force", tag)
    write_archive(target, redraft(found, found.image(tag)))
    assert engine.ask("load", "-i", str(target)) == f"Loaded image: {tag}"
    assert engine.facts(tag)["RootFS"]["Layers"] == layers
    with pytest.raises(subprocess.CalledProcessError):
        engine.ask(*run)
    write_archive(target, without_layer(found, -1, tag=tag))
    engine.ask("load", "-i", str(target))
    assert engine.facts(tag)["RootFS"]["Layers"] == layers[:1]
    assert engine.ask(*run) == "/etc/group"
    assert engine.ask("history", "--quiet", tag).count("\n") == 0
