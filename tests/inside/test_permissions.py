"""Type and rights of a file, compared with what ls, stat and getent say."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.daemon import Daemon
from labkit.host import Entry
from labkit.hosts import open_host
from labkit.inside.permissions import KINDS, Permissions, Rights, read_name, read_permissions
from labkit.inside.route import find_socket
from labkit.local import LocalHost

PASSWD = "root:x:0:0:root:/root:/bin/sh\nada:x:1000:998:Ada,,,:/home/learner:/bin/sh\n"
GROUP = "root:x:0:\ndocker:x:998:ada,bob\n"
SPECIAL = [0o000, 0o660, 0o777, 0o4755, 0o4644, 0o2755, 0o2644, 0o1777, 0o1776, 0o7777, 0o7000]


def entry(mode: int, uid: int = 0, gid: int = 0, path: str = "/file") -> Entry:
    """A file of that mode and owner."""
    return Entry(path, mode, 1, uid, gid, 0, 1, 1, 0, 0, 0)


def oracle(*words: str) -> str:
    """What a program of this computer prints; the test is skipped where there is none."""
    if not shutil.which(words[0]):
        pytest.skip(f"no {words[0]} here")
    return subprocess.run(words, capture_output=True, check=True, text=True, env=os.environ | {"LC_ALL": "C"}).stdout


def make_socket(path: Path) -> None:
    """A socket, which stays when its owner closes it."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))


MAKERS: dict[str, Callable[[Path], object]] = {
    "-": lambda path: path.write_text(""),
    "d": lambda path: path.mkdir(),
    "l": lambda path: path.symlink_to("/nowhere"),
    "p": os.mkfifo,
    "s": make_socket,
    "c": lambda path: os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 3)),
    "b": lambda path: os.mknod(path, 0o600 | stat.S_IFBLK, os.makedev(7, 0)),
}


def read(folder: Path, name: str) -> Permissions:
    """Read a file below a folder that plays the root of a host."""
    return read_permissions(LocalHost(folder).stat(f"/{name}"), passwd=PASSWD, group=GROUP)


@pytest.mark.parametrize("letter", MAKERS)
def test_every_type_is_named(tmp_path: Path, letter: str) -> None:
    """Type letter and rights are those of ls -l, for each type of file that Linux has."""
    try:
        MAKERS[letter](tmp_path / "x")
    except PermissionError:
        pytest.skip("only root may make devices")
    found = read(tmp_path, "x")
    assert found.letters == oracle("ls", "-ld", str(tmp_path / "x"))[:10]
    assert (found.letters[0], found.kind) == (letter, KINDS[letter])


@pytest.mark.parametrize("kind", ["-", "d"])
@pytest.mark.parametrize("mode", SPECIAL, ids=oct)
def test_special_bits_are_shown_as_ls_does(tmp_path: Path, kind: str, mode: int) -> None:
    """Set-user-ID, set-group-ID and sticky bits stand in the letters as ls -l writes them."""
    MAKERS[kind](tmp_path / "x")
    (tmp_path / "x").chmod(mode)
    found = read(tmp_path, "x")
    assert found.letters == oracle("ls", "-ld", str(tmp_path / "x"))[:10]
    assert "".join(rights.letters for rights in found.classes) == found.letters[1:]


@given(st.integers(0, 0o7777))
def test_words_say_what_the_bits_say(mode: int) -> None:
    """Each class may read, write and execute exactly as its three bits say, whatever the special bits are."""
    found = read_permissions(entry(stat.S_IFREG | mode))
    for rights, shift, bit in zip(found.classes, (6, 3, 0), (0o4000, 0o2000, 0o1000), strict=True):
        may = [bool((mode >> shift) & flag) for flag in (4, 2, 1)]
        words = str(rights).partition(": ")[2].partition(" (")
        assert [word in words[0] for word in ("read", "write", "execute")] == may
        assert ("nothing" in words[0]) == (not any(may))
        assert bool(words[1]) == bool(mode & bit)
        assert (rights.connect, rights.execute) == (may[1], may[2])


@pytest.mark.parametrize(
    ("who", "letters", "words"),
    [
        ("owner", "rwx", "owner ada: read, write and execute"),
        ("owner", "rw-", "owner ada: read and write"),
        ("owner", "rws", "owner ada: read, write and execute (set-user-ID)"),
        ("owner", "rwS", "owner ada: read and write (set-user-ID)"),
        ("group", "--s", "group ada: execute (set-group-ID)"),
        ("group", "--S", "group ada: nothing (set-group-ID)"),
        ("others", "r-t", "others: read and execute (sticky)"),
        ("others", "r-T", "others: read (sticky)"),
        ("others", "---", "others: nothing"),
    ],
)
def test_rights_read_as_sentences(who: str, letters: str, words: str) -> None:
    """The rights of a class are said in words, the special bit in brackets behind them."""
    assert str(Rights(who, "" if who == "others" else "ada", letters)) == words


def test_the_sockets_rights_read_as_lines() -> None:
    """A file's permissions are four lines: its type, then each class."""
    found = read_permissions(entry(stat.S_IFSOCK | 0o660, 0, 998), passwd=PASSWD, group=GROUP)
    assert str(found).splitlines() == [
        "s  socket",
        "rw-  owner root: read and write",
        "rw-  group docker: read and write",
        "---  others: nothing",
    ]


@pytest.mark.parametrize(
    ("number", "text", "name"),
    [
        (998, GROUP, "docker"),
        (1000, PASSWD, "ada"),
        (99, GROUP, "99"),
        (0, "", "0"),
        (0, "first:x:0:\nsecond:x:0:\n", "first"),
        (1, "# a comment\n\nbroken\n:::\none:x:1:\n", "one"),
        (1, "long:x:11:\none:x:1:", "one"),
        (7, "a:x:1:1:A\N{LINE SEPARATOR}evil:x:7:7::/:\nseven:x:7:7::/:\n", "seven"),
        (7, "a:x:1:1:A\x85evil:x:7:7::/:\n", "7"),
    ],
)
def test_a_number_gets_its_first_name(number: int, text: str, name: str) -> None:
    """A number has the first name that a line gives to it, and is its own name where no line does."""
    assert read_name(number, text) == name


@pytest.mark.parametrize(("file", "base"), [("/etc/passwd", "passwd"), ("/etc/group", "group")])
def test_names_are_those_of_getent(file: str, base: str) -> None:
    """Every name that this computer's file gives to a number is the one that getent finds."""
    text = Path(file).read_text()
    numbers = [line.split(":")[2] for line in text.splitlines() if line.count(":") > 2]
    told = {number: oracle("getent", base, number).partition(":")[0] for number in numbers[:20]}
    assert {number: read_name(int(number), text) for number in told} == told


def test_owner_and_group_are_those_of_stat(tmp_path: Path) -> None:
    """Owner and group of a file are the names that stat prints."""
    (tmp_path / "x").write_text("")
    passwd, group = Path("/etc/passwd").read_text(), Path("/etc/group").read_text()
    owner, grouped, _ = read_permissions(LocalHost(tmp_path).stat("/x"), passwd=passwd, group=group).classes
    assert f"{owner.name} {grouped.name}" == oracle("stat", "-c", "%U %G", str(tmp_path / "x")).strip()


@pytest.mark.daemon
def test_the_daemons_socket_is_read_on_its_host(daemon: Daemon) -> None:
    """The letters of the daemon's socket are those that ls prints on the daemon's own host."""
    host = open_host(daemon)
    try:
        path = find_socket(host)
        found = read_permissions(host.stat(path, follow=True))
        assert found.kind == "socket"
        assert found.letters == host.run("ls", "-ldL", path).out[:10]
    finally:
        host.close()
