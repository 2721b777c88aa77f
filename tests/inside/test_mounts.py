"""What is mounted for a process, compared with findmnt."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker.types import Mount as Wish
from hypothesis import given
from hypothesis import strategies as st

from labkit import errors, images, sandbox
from labkit.daemon import Daemon
from labkit.host import Host, encode
from labkit.inside.mounts import Mount, parse_mounts, read_mounts
from labkit.local import LocalHost
from labkit.sandbox import Box
from tests.inside.conftest import ask
from tests.inside.fakeproc import Guarded

# Of proc_pid_mountinfo(5); its name is not quite that line's, because a blank is in it.
LINE = rb"36 35 98:0 /mnt1 /mnt\0402 rw,noatime master:1 - ext3 /dev/root rw,errors=continue"
MOUNT = Mount(
    id=36,
    parent=35,
    major=98,
    minor=0,
    root="/mnt1",
    target="/mnt 2",
    options=("rw", "noatime"),
    fields=("master:1",),
    fstype="ext3",
    source="/dev/root",
    super_options=("rw", "errors=continue"),
)


def test_every_field_is_read() -> None:
    """The example of the manual page has eleven fields, each in its place."""
    assert parse_mounts(LINE + b"\n") == [MOUNT]


def test_a_mount_fits_into_one_line() -> None:
    """A mount is printed with root, place, file system and source, in one line whatever their names hold."""
    assert repr(MOUNT) == "Mount(root='/mnt1', target='/mnt 2', fstype='ext3', source='/dev/root')"
    assert "\n" not in repr(parse_mounts(LINE.replace(rb"\040", rb"\012"))[0])


@pytest.mark.parametrize("fields", [(), ("shared:7",), ("shared:7", "master:2"), ("master:9", "propagate_from:2")])
def test_there_are_any_number_of_optional_fields(fields: tuple[str, ...]) -> None:
    """None, one or several fields stand before the hyphen, and the others are found behind it."""
    (found,) = parse_mounts(LINE.replace(b"master:1 ", b"".join(f"{field} ".encode() for field in fields)))
    assert (found.fields, found.fstype, found.super_options) == (fields, "ext3", ("rw", "errors=continue"))


def test_a_source_may_be_empty() -> None:
    """Where a file system was mounted from the empty word, two blanks stand there."""
    (found,) = parse_mounts(b"9 1 0:5 / /run rw - tmpfs  rw,size=4k\n")
    assert (found.source, found.super_options) == ("", ("rw", "size=4k"))


def test_a_namespace_can_be_mounted() -> None:
    """The root of a mounted namespace is its name; it has no slash."""
    (found,) = parse_mounts(b"9 1 0:4 net:[4026532248] /run/netns/x rw shared:3 - nsfs nsfs rw\n")
    assert (found.root, found.source) == ("net:[4026532248]", "nsfs")


def test_a_line_that_is_cut_off_is_an_error() -> None:
    """A line without its second half is not read as something else."""
    with pytest.raises(ValueError, match="not in list"):
        parse_mounts(LINE.partition(b" - ")[0])


def escaped(name: bytes, letters: bytes) -> bytes:
    """A name as the kernel's ``seq_escape()`` writes it: those letters in three octal digits."""
    return b"".join(b"\\%03o" % byte if byte in letters else bytes([byte]) for byte in name)


names = st.binary(min_size=1).map(lambda data: data.replace(b"\0", b""))


@given(names, names, names, st.lists(names.filter(bool), min_size=1))
def test_any_bytes_survive_the_kernels_escapes(root: bytes, target: bytes, source: bytes, options: list[bytes]) -> None:
    """Names and options with blanks, newlines, commas, backslashes or bytes that are no UTF-8 are as they were."""
    words = [escaped(b"/" + root, b" \t\n\\"), escaped(b"/" + target, b" \t\n\\"), escaped(source, b" \t\n\\#")]
    values = b",".join(escaped(option, b",= \t\n\\") for option in options)
    (found,) = parse_mounts(b"1 2 3:4 %s %s rw - fuse %s %s\n" % (*words, values))
    assert [encode(found.root), encode(found.target), encode(found.source)] == [b"/" + root, b"/" + target, source]
    assert [encode(option) for option in found.super_options] == options


def test_a_process_that_is_missing_or_closed_has_no_mounts(tmp_path: Path) -> None:
    """Reading the mounts of nobody, and of somebody whom the kernel guards, are two different errors."""
    (tmp_path / "proc/7").mkdir(parents=True)
    (tmp_path / "proc/7/mountinfo").write_bytes(LINE)
    assert read_mounts(LocalHost(tmp_path), 7) == [MOUNT]
    with pytest.raises(errors.PathMissing):
        read_mounts(LocalHost(tmp_path), 8)
    with pytest.raises(errors.PathForbidden):
        read_mounts(Guarded(tmp_path, "/proc/7/mountinfo"), 7)


# --- The real one -----------------------------------------------------------------------------------------

STRANGE = ["/a b", "/tab\tand\nnewline", "/back\\slash", "/\\040", "/comma,equals=", "/#", "/grün"]
COLUMNS = "ID,PARENT,MAJ:MIN,FSROOT,TARGET,VFS-OPTIONS,OPT-FIELDS,FSTYPE,SOURCE,FS-OPTIONS"


@pytest.fixture(scope="module")
def box(daemon: Daemon) -> Iterator[Box]:
    """A container with a volume at strange places."""
    with sandbox.volume(daemon, what="test") as volume:
        wishes = [Wish(target=name, source=volume.name, type="volume", read_only=name == "/#") for name in STRANGE]
        options: dict[str, Any] = {"mounts": wishes, "stop_signal": "KILL", "tmpfs": {"/run": "size=64k,mode=700"}}
        with sandbox.run(images.ensure(daemon), "sleep 3600", what="test", daemon=daemon, **options) as found:
            yield found


def as_findmnt_says(mount: Mount) -> dict[str, object]:
    """The columns of findmnt for a mount; in its source column it adds what part of the source is mounted."""
    part = "" if mount.root == "/" else f"[{mount.root}]"
    facts = (
        mount.id,
        mount.parent,
        f"{mount.major}:{mount.minor}",
        mount.root,
        mount.target,
        ",".join(mount.options),
        " ".join(mount.fields) or None,
        mount.fstype,
        mount.source + part,
        ",".join(mount.super_options),
    )
    return dict(zip(COLUMNS.lower().split(","), facts, strict=True))


@pytest.mark.daemon
def test_mounts_are_those_of_findmnt(host: Host, box: Box) -> None:
    """Every mount of a container, each of its ten columns, is what findmnt reads of the same process."""
    told = json.loads(ask(host, "findmnt", "-N", str(box.pid), "-J", "-l", "-o", COLUMNS))["filesystems"]
    found = read_mounts(host, box.pid)
    assert sorted(map(as_findmnt_says, found), key=lambda row: int(str(row["id"]))) == sorted(
        told, key=lambda row: int(row["id"])
    )
    assert set(STRANGE) <= {mount.target for mount in found}


@pytest.mark.daemon
def test_mounts_are_those_that_the_container_sees(host: Host, box: Box) -> None:
    """Device numbers are those that stat tells inside, and what was asked to be read-only is."""
    places = {mount.target: mount for mount in read_mounts(host, box.pid)}
    for target in ["/", "/run", "/a b", "/etc/hosts"]:
        number = os.makedev(places[target].major, places[target].minor)
        assert int(box.sh(f"stat -c %d '{target}'")) == number
    assert [target for target in STRANGE if "ro" in places[target].options] == ["/#"]
    assert "size=64k" in places["/run"].super_options


@pytest.mark.daemon
def test_a_process_that_has_ended_has_no_mounts(host: Host, daemon: Daemon) -> None:
    """The mounts of a container's process that is gone are a missing path."""
    with sandbox.run(images.ensure(daemon), "sleep 3600", what="test", daemon=daemon, stop_signal="KILL") as gone:
        pid = gone.pid
    with pytest.raises(errors.PathMissing):
        read_mounts(host, pid)
