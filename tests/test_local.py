"""The host seen directly: folders that the test made play it, and the kernel's own calls are the second opinion."""

from __future__ import annotations

import os
import socket
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit import errors
from labkit.host import Entry
from labkit.local import LocalHost
from labkit.sandbox import wait_until
from tests.fakes import ordinary_user

# --- A folder plays the root ------------------------------------------------------------------------------


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A folder that stands for a host, with a neighbour that does not belong to it."""
    (tmp_path / "secret").write_text("outside")
    folder = tmp_path / "host"
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "file").write_text("inside")
    return folder


@pytest.fixture
def copy(top: Path) -> LocalHost:
    """The host that this folder plays."""
    return LocalHost(top)


def test_paths_begin_at_the_folder(copy: LocalHost) -> None:
    """In a copy of a host, / is the copy's folder, and entries have their path on that host."""
    assert copy.list("/") == ["a"]
    assert copy.read("/a/file") == b"inside"
    assert {entry.path for entry in copy.walk("/")} == {"/", "/a", "/a/b", "/a/file"}


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("/a/file", "/link"),
        ("a/file", "/link"),
        ("../file", "/a/b/link"),
        ("../../../../../a/file", "/a/b/link"),
        ("/../../a/./file", "/a/b/link"),
        ("//a//file", "/link"),
    ],
)
def test_links_lead_where_they_would_on_that_host(top: Path, copy: LocalHost, target: str, name: str) -> None:
    """In a copy, absolute targets begin at the copy, and nobody climbs out of it."""
    (top / name[1:]).symlink_to(target)
    assert copy.read(name) == b"inside"
    assert copy.stat(name, follow=True).inode == (top / "a" / "file").stat().st_ino
    assert copy.stat(name).kind == "l"
    assert copy.readlink(name) == target


def test_folders_on_the_way_may_be_links(top: Path, copy: LocalHost) -> None:
    """Every part of a path may be a link, also to a link, and a slash at the end follows the last one."""
    (top / "x").symlink_to("/y")
    (top / "y").symlink_to("a")
    assert copy.read("/x/file") == copy.read("/y/b/../file") == b"inside"
    assert copy.list("/x") == ["b", "file"]
    assert (copy.stat("/x").kind, copy.stat("/x/").kind) == ("l", "d")


@pytest.mark.parametrize("path", ["/../secret", "/a/../../secret", "/out", "/up/secret"])
def test_nothing_outside_the_folder_is_read(top: Path, copy: LocalHost, path: str) -> None:
    """No path and no link leads from a copy to the files around it."""
    (top / "out").symlink_to(top.parent / "secret")
    (top / "up").symlink_to("..")
    with pytest.raises(errors.PathMissing):
        copy.read(path)


def test_a_ring_of_links_ends(top: Path, copy: LocalHost) -> None:
    """Links that lead in a ring are the kernel's error, in a copy too."""
    (top / "one").symlink_to("/two")
    (top / "two").symlink_to("one")
    with pytest.raises(errors.HostError, match="Too many levels of symbolic links"):
        copy.read("/one/x")


def test_nothing_runs_in_a_copy(copy: LocalHost) -> None:
    """A copy has files and no processes, so a command is refused instead of run somewhere else."""
    with pytest.raises(errors.HostError, match="nothing runs there"):
        copy.run("true")


@pytest.mark.parametrize("root", ["/", Path("/")])
def test_the_root_itself_is_the_host(root: str | Path) -> None:
    """With / as its root, or none, the host is this computer."""
    assert LocalHost(root).read("/proc/self/cmdline") == Path("/proc/self/cmdline").read_bytes()
    assert repr(LocalHost(root)) == "LocalHost(/)" == repr(LocalHost())


# --- What the kernel says ---------------------------------------------------------------------------------

parts = st.binary(min_size=1, max_size=20).filter(lambda part: not {0, ord("/")} & set(part) and part.strip(b"."))


@given(st.sets(parts, max_size=8))
@settings(max_examples=50, deadline=None)  # each example makes files
def test_any_names_are_listed_walked_and_read(names: set[bytes]) -> None:
    """Whatever names files have, all of them are found, and each can be read under its name."""
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            Path(folder, os.fsdecode(name)).write_bytes(name)
        host = LocalHost(folder)
        assert host.list("/") == sorted(map(os.fsdecode, names))
        assert {host.read(entry.path) for entry in host.walk("/") if entry.kind == "-"} == names


def seen(path: Path, name: str) -> Entry:
    """The entry of a file as Python's own `lstat` has it."""
    info = path.lstat()
    major, minor = os.major(info.st_rdev), os.minor(info.st_rdev)
    owner = (info.st_mode, info.st_nlink, info.st_uid, info.st_gid)
    return Entry(name, *owner, info.st_size, info.st_ino, info.st_dev, major, minor, int(info[stat.ST_MTIME]))


@pytest.mark.parametrize("nanoseconds", [0, 1_700_000_000_999_999_999, -1, -1_500_000_000, 2**33 * 10**9 + 5])
def test_seconds_are_never_rounded_up(top: Path, copy: LocalHost, nanoseconds: int) -> None:
    """The time of a file is the second that had begun, as `stat` prints it, also before 1970."""
    os.utime(top / "a" / "file", ns=(nanoseconds, nanoseconds))
    assert copy.stat("/a/file") == seen(top / "a" / "file", "/a/file")
    assert copy.stat("/a/file").mtime == nanoseconds // 10**9


def test_an_entry_is_what_lstat_says(top: Path, copy: LocalHost) -> None:
    """Files, folders, links, pipes and sockets are described as Python's `lstat` describes them."""
    os.mkfifo(top / "pipe", 0o640)
    (top / "link").symlink_to("nowhere")
    os.link(top / "a" / "file", top / "second")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(os.path.relpath(top / "socket"))
    entries = list(copy.walk("/"))
    assert sorted(entry.kind for entry in entries) == ["-", "-", "d", "d", "d", "l", "p", "s"]
    assert all(entry == seen(top / entry.path[1:], entry.path) for entry in entries)


@pytest.mark.parametrize(("name", "said"), [("a", "a directory"), ("pipe", "a pipe"), ("socket", "a socket")])
def test_what_has_no_contents_is_not_read(top: Path, copy: LocalHost, name: str, said: str) -> None:
    """A folder, a pipe and a socket are refused at once, by name, with what to do instead."""
    os.mkfifo(top / "pipe")
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(os.path.relpath(top / "socket"))
    with pytest.raises(errors.HostError, match=f"/{name} is {said}, not a file") as caught:
        copy.read(f"/{name}")
    assert caught.value.remedy


def test_a_silent_terminal_is_not_waited_for() -> None:
    """A device that has nothing to say is an error at once, not a notebook that hangs."""
    ours, theirs = os.openpty()
    try:
        with pytest.raises(errors.HostError, match="temporarily unavailable"):
            LocalHost().read(os.ttyname(theirs))
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("question", ["read", "list", "stat", "walk"])
def test_what_belongs_to_root_is_forbidden_to_others(question: str) -> None:
    """Where the kernel refuses an ordinary user, the error says so, and how to become somebody who may."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        Path(folder, "closed").mkdir(mode=0)
        Path(folder, "file").write_text("secret")
        Path(folder, "file").chmod(0)
        path = {"read": "/file", "list": "/closed", "stat": "/closed/x", "walk": "/closed/x"}[question]
        with ordinary_user(), pytest.raises(errors.PathForbidden, match=path) as caught:
            list(getattr(LocalHost(folder), question)(path))
        assert "LABKIT_HOST=helper" in caught.value.remedy


def test_a_walk_goes_around_what_is_closed() -> None:
    """A folder that may not be entered is yielded itself; what is in it is left out."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "closed", "x").mkdir(parents=True)
        Path(folder, "open", "y").mkdir(parents=True)
        Path(folder).chmod(0o755)
        Path(folder, "closed").chmod(0)
        with ordinary_user():
            paths = {entry.path for entry in LocalHost(folder).walk("/")}
        Path(folder, "closed").chmod(0o700)
    assert paths == {"/", "/closed", "/open", "/open/y"}


# --- Commands ---------------------------------------------------------------------------------------------


def test_a_command_has_three_results() -> None:
    """A command leaves its output, its complaints and its status, and 128 + n where signal n ended it."""
    ran = LocalHost().run("sh", "-c", "echo out; echo err >&2; kill -9 $$")
    assert (ran.status, ran.out, ran.err) == (137, "out\n", "err\n")


def test_a_program_that_is_not_there_has_a_status() -> None:
    """A missing program is told as a shell tells it: status 127 and a sentence."""
    ran = LocalHost().run("no-such-program")
    assert (ran.status, ran.out) == (127, "")
    assert "no-such-program" in ran.err


def living(pids: str) -> Iterator[int]:
    """Those of these processes that still run: a zombie does not."""
    for pid in map(int, pids.split()):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
                yield pid
        except OSError:
            continue


def test_a_deadline_ends_the_whole_family(tmp_path: Path) -> None:
    """A command beyond its deadline is killed together with what it started."""
    script = f"sleep 12345 & echo $! $$ > {tmp_path}/pids; wait"
    with pytest.raises(errors.QuestionTimeout, match="still ran after 1 s"):
        LocalHost().run("sh", "-c", script, timeout=1)
    pids = (tmp_path / "pids").read_text()
    assert len(pids.split()) == 2
    wait_until(lambda: not list(living(pids)), "both are gone")
