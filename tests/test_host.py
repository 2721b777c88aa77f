"""What the two hosts have in common: the same question gets the same answer, and the same error."""

from __future__ import annotations

import errno
import os
import random
import signal
import threading
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit import errors, images, sandbox
from labkit import host as hosts
from labkit.daemon import Daemon
from labkit.host import WHOLE, Entry, Host
from labkit.sandbox import wait_until
from tests.hostfiles import HostFiles, word

# --- Entries, errors, words -------------------------------------------------------------------------------

ATTRIBUTES = ["mode", "links", "uid", "gid", "size", "inode", "device", "major", "minor", "mtime"]


def entry(path: str = "/etc/motd", mode: int = 0o100644) -> Entry:
    """An entry as it could have been seen."""
    return Entry(path, mode, 1, 0, 0, 286, 42, 65024, 0, 0, 1700000000)


@pytest.mark.parametrize(
    ("mode", "letters"),
    [
        (0o100644, "-rw-r--r--"),
        (0o104755, "-rwsr-xr-x"),
        (0o041777, "drwxrwxrwt"),
        (0o120777, "lrwxrwxrwx"),
        (0o140660, "srw-rw----"),
        (0o010600, "prw-------"),
        (0o020000, "c---------"),
        (0o060660, "brw-rw----"),
    ],
)
def test_an_entry_shows_its_mode_as_ls_does(mode: int, letters: str) -> None:
    """Permissions are the ten letters of `ls -l`, and the kind is the first of them."""
    assert (entry(mode=mode).permissions, entry(mode=mode).kind) == (letters, letters[0])


def test_an_entry_fits_into_one_line() -> None:
    """An entry is printed with rights, owner, size and path, in one line whatever the name holds."""
    assert repr(entry()) == "<-rw-r--r-- 0:0 286 '/etc/motd'>"
    assert "\n" not in repr(entry("/etc/mo\ntd"))


def test_an_entry_cannot_be_changed() -> None:
    """An entry is what was seen, so nobody can assign to it."""
    with pytest.raises(AttributeError):
        entry().size = 0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("path", "number", "kind"),
    [
        ("/nowhere", errno.ENOENT, errors.PathMissing),
        ("/etc/passwd/x", errno.ENOTDIR, errors.PathMissing),
        ("/proc/1/maps", errno.ESRCH, errors.PathMissing),
        ("/etc/shadow", errno.EACCES, errors.PathForbidden),
        ("/proc/1/ns/net", errno.EPERM, errors.PathForbidden),
        ("/dev/sr0", errno.EIO, errors.HostError),
        ("/dev/sr0", None, errors.HostError),
    ],
)
def test_the_kernels_errors_get_a_name_and_a_remedy(path: str, number: int | None, kind: type[Exception]) -> None:
    """Each error says the path and what to do next, and is of the kind that the kernel's number means."""
    error = hosts.explain(path, number, "what the kernel said")
    assert type(error) is kind
    assert path in error.problem
    assert error.remedy


def test_errors_are_also_pythons_own() -> None:
    """A missing and a forbidden path can be caught like those of `open()`."""
    assert isinstance(hosts.explain("/x", errno.ENOENT, ""), FileNotFoundError)
    assert isinstance(hosts.explain("/x", errno.EACCES, ""), PermissionError)


def test_a_file_that_is_no_folder_is_not_said_to_be_missing() -> None:
    """Where a path leads through a file, the error does not claim that nothing is there."""
    assert "does not exist" not in str(hosts.explain("/etc/passwd", errno.ENOTDIR, "Not a directory"))


@pytest.mark.parametrize("path", ["", "etc/passwd", "./x", "~/x", "/etc\0/passwd"])
def test_only_absolute_paths_are_taken(path: str) -> None:
    """A path without its root would mean something else here than on the host."""
    with pytest.raises(errors.HostError, match="not an absolute path"):
        hosts.check_path(path)


@pytest.mark.parametrize("argv", [(), ("A=b",), ("echo", "a\0b"), ("ec\0ho",)])
def test_what_is_no_command_is_refused(argv: tuple[str, ...]) -> None:
    """No words, a variable in place of a program, and NUL in a word are refused before anything runs."""
    with pytest.raises(errors.HostError, match="not a command"):
        hosts.check_words(argv)


@given(st.binary())
def test_text_keeps_every_byte(data: bytes) -> None:
    """What the host's bytes become as text can be turned back into the same bytes."""
    assert hosts.encode(hosts.decode(data)) == data


# --- Both hosts: files ------------------------------------------------------------------------------------


NAMES = {
    "newline": b"two\nlines",
    "newline at the end": b"line\n",
    "only a newline": b"\n",
    "quotes": b'it\'s "quoted"',
    "spaces": b" a b ",
    "dash": b"-n",
    "two dashes": b"--help",
    "not UTF-8": b"\xff\xfe\x80",
    "UTF-8": "grün €".encode(),
    "only a backslash": b"\\",
    "shell": b"$HOME `id` *?[a] !;&|<>(){}~#",
    "escape": b"\x1b[31m\x7f\r\x08",
    "like an error": b"x: No such file or directory",
    "like a format": b"%s%n\\n",
    "long": b"x" * 255,
}
each_name = pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)

CONTENTS = {
    "empty": b"",
    "every byte": bytes(range(256)),
    "no newline at the end": b"one\ntwo",
    "only newlines": b"\n\n\n",
    "like the end of an answer": b"\n0123456789abcdef 0\n",
    "like a frame": b"\x01\0\0\0\0\0\0\x03abc",
    "a megabyte": random.Random(1).randbytes(1 << 20),
}


NAMES_AND_CONTENTS = {name: name for name in NAMES.values()} | {
    b"contents %d" % number: data for number, data in enumerate(CONTENTS.values())
}


@pytest.mark.daemon
@pytest.mark.parametrize("data", CONTENTS.values(), ids=CONTENTS)
def test_contents_arrive_byte_for_byte(host: Host, files: HostFiles, data: bytes) -> None:
    """What is read has the bytes that were written, whatever they look like."""
    assert host.read(files.write(b"file", data)) == data
    assert files.do("cat file") == data


@pytest.mark.daemon
def test_many_files_arrive_in_order_and_byte_for_byte(host: Host, files: HostFiles) -> None:
    """Many files at once have the bytes of each, whatever they and their names look like, and twice if asked twice."""
    files.fill(NAMES_AND_CONTENTS)
    paths = [files.at(name) for name in NAMES_AND_CONTENTS]
    assert list(host.read_each(paths + paths[:1])) == [*NAMES_AND_CONTENTS.values(), NAMES["newline"]]
    assert list(host.read_each([])) == []


@pytest.mark.daemon
def test_of_what_cannot_be_read_there_is_nothing(host: Host, files: HostFiles) -> None:
    """Missing files, folders, links to themselves and processes that have ended are empty; the others are not."""
    files.do("echo a > a; echo b > b; mkdir folder; ln -s loop loop")
    names = [b"a", b"nowhere", b"folder", b"loop", b"a/x", b"b"]
    found = host.read_each([*map(files.at, names), "/proc/999999999/status", "/proc/sys/kernel/ostype"])
    assert list(found) == [b"a\n", b"", b"", b"", b"", b"b\n", b"", b"Linux\n"]


@pytest.mark.daemon
def test_thousands_of_files_can_be_asked_for(host: Host, files: HostFiles) -> None:
    """More files than one command can be given are read all the same."""
    path = files.write(b"x" * 200, b"contents")
    path = path.replace("/", "/" + "./" * 1800, 1)  # near the 4096 bytes that a path may have
    assert list(host.read_each([path] * 1000)) == [b"contents"] * 1000


@pytest.mark.daemon
@each_name
def test_any_name_can_be_asked_for(host: Host, files: HostFiles, name: bytes) -> None:
    """A file is read, described and listed under any name that the kernel allows."""
    path = files.write(name, name)
    assert host.read(path) == name
    assert host.stat(path).path == path
    assert host.list(files.path) == [os.fsdecode(name)]


@pytest.mark.daemon
def test_a_listing_has_what_find_finds(host: Host, files: HostFiles) -> None:
    """A listing has all names, hidden ones too, sorted, without the folder itself and its parent."""
    files.fill(dict.fromkeys([*NAMES.values(), b".hidden", b"..two", b"..."], b""))
    found = files.do("find . -mindepth 1 -print0").split(b"\0")[:-1]
    assert host.list(files.path) == sorted(os.fsdecode(name[2:]) for name in found)


KINDS = {
    "file": "echo hello > it",
    "setuid": "echo > it; chown 7:65534 it; chmod 6751 it",
    "sparse": "truncate -s 5000000000 it",
    "second name": "echo > other; ln other it",
    "folder": "mkdir it; chmod 1777 it",
    "link": "ln -s /etc/passwd it",
    "pipe": "mkfifo it",
    "whiteout": "mknod it c 0 0",
    "disk": "mknod it b 259 300",
    "old": "touch -d 1969-07-20 it",
    "far future": "touch -d 2150-01-01 it",
}


@pytest.mark.daemon
@pytest.mark.parametrize("script", KINDS.values(), ids=KINDS)
def test_an_entry_says_what_stat_says(host: Host, files: HostFiles, script: str) -> None:
    """Each attribute of an entry is what `stat` prints for the same file in a container."""
    said = files.do(f"{script}; stat -c '%f %h %u %g %s %i %d %t %T %Y' it").decode().split()
    found = host.stat(files.at(b"it"))
    hexadecimal = ("mode", "major", "minor")
    assert [getattr(found, name) for name in ATTRIBUTES] == [
        int(text, 16 if name in hexadecimal else 10) for name, text in zip(ATTRIBUTES, said, strict=True)
    ]


@pytest.mark.daemon
def test_a_link_is_described_itself_unless_followed(host: Host, files: HostFiles) -> None:
    """Without `follow` an entry is the link's own, with `follow` its target's, under the path that was asked for."""
    files.do("mkdir folder; ln -s folder link")
    link = files.at(b"link")
    assert (host.stat(link).kind, host.stat(link, follow=True).kind) == ("l", "d")
    assert host.stat(link, follow=True).path == link
    assert host.stat(link, follow=True).inode == host.stat(files.at(b"folder")).inode


@pytest.mark.daemon
def test_walk_sees_the_tree_that_find_sees(host: Host, files: HostFiles) -> None:
    """Walk yields each path of the tree once, the top first, and for each what `stat()` says of it."""
    files.do("mkdir -p a/b/c .d; mkfifo a/pipe; ln -s / a/root; ln -s .. a/b/up; ln -s loop loop")
    files.fill({b"a/b/" + name: name for name in NAMES.values()})
    found = files.do("find . -print0").split(b"\0")[:-1]
    entries = list(host.walk(files.path))
    assert entries[0].path == files.path
    assert sorted(e.path for e in entries) == sorted(files.path + os.fsdecode(name[1:]) for name in found)
    assert all(found == host.stat(found.path) for found in entries)


@pytest.mark.daemon
def test_walk_can_begin_at_a_file(host: Host, files: HostFiles) -> None:
    """The walk of a file, or of a link to a folder, is that one entry."""
    files.do("echo > file; ln -s / link")
    for name in (b"file", b"link"):
        assert list(host.walk(files.at(name))) == [host.stat(files.at(name))]


@pytest.mark.daemon
def test_walk_of_nothing_is_an_error(host: Host, files: HostFiles) -> None:
    """Walking a folder that is not there raises, before anything is yielded."""
    with pytest.raises(errors.PathMissing):
        next(iter(host.walk(files.at(b"nowhere"))))


@pytest.mark.daemon
def test_walk_leaves_out_what_vanishes(host: Host, files: HostFiles) -> None:
    """While half of a tree comes and goes, each walk still has all of the other half."""
    files.do("mkdir -p stays/a stays/b; for n in $(seq 200); do echo > stays/a/$n; done")
    stays = {found.path for found in host.walk(files.at(b"stays"))}
    assert len(stays) == 203
    with files.loop("mkdir -p goes/a/b goes/c; echo > goes/a/b/x; echo > goes/c/y; rm -r goes"):
        assert all(stays <= {found.path for found in host.walk(files.path)} for _ in range(20))


@pytest.mark.daemon
def test_a_process_may_end_during_a_walk(host: Host, daemon: Daemon) -> None:
    """A walk through /proc/<pid> goes on, without what vanished, when the process ends meanwhile."""
    with sandbox.run(images.BUSYBOX, "sleep 3600", what="test", daemon=daemon, stop_signal="KILL") as box:
        path = f"/proc/{box.pid}"
        walk = host.walk(path)
        assert next(walk).path == path
    assert all(found.path.startswith(path) for found in walk)
    with pytest.raises(errors.PathMissing):
        list(host.walk(path))


@pytest.mark.daemon
def test_proc_is_listed_while_processes_end(host: Host, files: HostFiles) -> None:
    """A listing of /proc is not disturbed by processes that end while it is made."""
    mine = str(files.box.pid)
    with files.loop("busybox true & busybox true & busybox true & wait"):
        assert all(mine in host.list("/proc") for _ in range(50))


@pytest.mark.daemon
def test_what_is_mounted_later_is_seen(host: Host, daemon: Daemon) -> None:
    """The merged folder of a container that started after the first question shows the container's files."""
    assert host.list("/")
    with sandbox.run(images.BUSYBOX, "sleep 3600", what="test", daemon=daemon, stop_signal="KILL") as box:
        merged = ((box.inspect().get("GraphDriver") or {}).get("Data") or {}).get("MergedDir")
        if not merged:
            pytest.skip("this daemon's store does not say where a container's files are merged")
        assert "bin" in host.list(merged)


# --- Both hosts: links ------------------------------------------------------------------------------------

TARGETS = [b"nowhere", b"../up", b"/absolute/path", b"two\nlines\n", b"\xff", b" ", b"-n", b"x" * 4000]


@pytest.mark.daemon
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: repr(target[:20]))
def test_readlink_tells_the_target_as_it_is_written(host: Host, files: HostFiles, target: bytes) -> None:
    """The target of a link is told byte for byte, whether or not it leads anywhere."""
    files.do(f"ln -s -- {word(target)} link")
    assert host.readlink(files.at(b"link")) == os.fsdecode(target)


@pytest.mark.daemon
@pytest.mark.parametrize("name", ["file", "folder"])
def test_what_is_no_link_has_no_target(host: Host, files: HostFiles, name: str) -> None:
    """Readlink of a file or a folder is an error, and not of a missing path."""
    files.do("echo > file; mkdir folder")
    with pytest.raises(errors.HostError) as caught:
        host.readlink(f"{files.path}/{name}")
    assert not isinstance(caught.value, errors.PathMissing)


@pytest.mark.daemon
def test_links_lead_where_they_lead_on_the_host(host: Host, files: HostFiles) -> None:
    """An absolute target is looked up from the host's root and a relative one from the link, on every part."""
    files.do("mkdir -p a/b; echo found > a/file; ln -s ../file a/b/relative; ln -s a/b folder")
    files.do(f"ln -s {word(files.at(b'a/file').encode())} absolute")
    assert host.read(files.at(b"absolute")) == b"found\n"
    assert host.read(files.at(b"folder/relative")) == b"found\n"
    assert host.list(files.at(b"folder")) == ["relative"]


@pytest.mark.daemon
def test_links_that_lead_nowhere_are_told_apart(host: Host, files: HostFiles) -> None:
    """A dangling link is a missing path; a link to itself is not, and says so."""
    files.do("ln -s nowhere dangling; ln -s loop loop")
    with pytest.raises(errors.PathMissing):
        host.read(files.at(b"dangling"))
    with pytest.raises(errors.HostError, match=r"(?i)symbolic link") as caught:
        host.read(files.at(b"loop"))
    assert not isinstance(caught.value, errors.PathMissing)


# --- Both hosts: parts and sizes --------------------------------------------------------------------------

NEEDLE, PLACE, GIB = b"needle", 1_000_000_007, 1 << 30


@pytest.mark.daemon
@pytest.mark.parametrize("limit", [None, 0, 1, 70_000, 200_000])
@pytest.mark.parametrize("offset", [0, 1, 65_536, 99_999, 100_000, 100_001])
def test_a_part_is_a_slice(host: Host, shelf: HostFiles, offset: int, limit: int | None) -> None:
    """Offset and limit cut out what the same slice of all bytes is."""
    data = random.Random(2).randbytes(100_000)
    path = shelf.at(b"slices")
    if "slices" not in host.list(shelf.path):
        shelf.write(b"slices", data)
    assert host.read(path, offset=offset, limit=limit) == data[offset:][:limit]


@pytest.mark.daemon
@pytest.mark.parametrize("part", [{"offset": -1}, {"limit": -1}])
def test_bytes_are_not_counted_backwards(host: Host, part: dict[str, int]) -> None:
    """A negative offset or limit is refused, not interpreted."""
    with pytest.raises(errors.HostError, match="neither can be negative"):
        host.read("/etc/passwd", **part)


@pytest.mark.daemon
def test_a_gibibyte_is_refused_without_being_held(host: Host, files: HostFiles) -> None:
    """A file that is too large is refused with the bound and the remedy, and never was in memory."""
    files.do(f"truncate -s {GIB} big")
    tracemalloc.start()
    try:
        with pytest.raises(errors.HostError) as caught:
            host.read(files.at(b"big"))
        assert tracemalloc.get_traced_memory()[1] < 4 * WHOLE
    finally:
        tracemalloc.stop()
    assert str(WHOLE) in caught.value.problem
    assert "limit=" in caught.value.remedy


@pytest.mark.daemon
def test_a_needle_is_found_in_a_gibibyte(host: Host, files: HostFiles) -> None:
    """With offset and limit any part of a large file is read, also its end without a limit."""
    files.do(f"truncate -s {GIB} big; printf needle | dd of=big bs=1 seek={PLACE} conv=notrunc 2>/dev/null")
    path = files.at(b"big")
    assert host.read(path, offset=PLACE - 2, limit=10) == b"\0\0needle\0\0"
    assert host.read(path, offset=GIB - WHOLE) == bytes(WHOLE)


@pytest.mark.daemon
def test_a_limit_may_be_larger_than_what_is_read_unasked(host: Host, files: HostFiles) -> None:
    """Who names a limit gets as much, beyond the bound of a read without one."""
    files.do("truncate -s 100000000 big")
    assert len(host.read(files.at(b"big"), limit=80_000_000)) == 80_000_000


@pytest.mark.daemon
def test_the_bound_itself_is_still_read(host: Host, files: HostFiles) -> None:
    """A file of exactly the bound is read; one byte more is refused."""
    files.do(f"truncate -s {WHOLE} fits; truncate -s {WHOLE + 1} bursts")
    assert len(host.read(files.at(b"fits"))) == WHOLE
    with pytest.raises(errors.HostError, match="holds more than"):
        host.read(files.at(b"bursts"))


# --- Both hosts: what cannot be read ----------------------------------------------------------------------

ASK: dict[str, Callable[[Host, str], object]] = {
    "read": lambda host, path: host.read(path),
    "read a part": lambda host, path: host.read(path, offset=5, limit=5),
    "list": lambda host, path: host.list(path),
    "stat": lambda host, path: host.stat(path),
    "readlink": lambda host, path: host.readlink(path),
    "walk": lambda host, path: list(host.walk(path)),
}
each_question = pytest.mark.parametrize("ask", ASK.values(), ids=ASK)


@pytest.mark.daemon
@each_question
def test_a_missing_path_is_said_with_its_name(host: Host, files: HostFiles, ask: Callable[[Host, str], object]) -> None:
    """Every question about a path that is not there raises PathMissing with that path."""
    with pytest.raises(errors.PathMissing) as caught:
        ask(host, files.at(b"no: where"))
    assert files.at(b"no: where") in caught.value.problem


@pytest.mark.daemon
@each_question
def test_a_path_below_a_file_is_missing(host: Host, files: HostFiles, ask: Callable[[Host, str], object]) -> None:
    """What lies below something that is no folder is missing, to every question."""
    with pytest.raises(errors.PathMissing):
        ask(host, files.write(b"file", b"") + "/x")


@pytest.mark.daemon
@each_question
@pytest.mark.parametrize("path", ["", "etc", "/\0"])
def test_no_question_takes_a_path_without_its_root(host: Host, ask: Callable[[Host, str], object], path: str) -> None:
    """Every question refuses a path that is empty, relative, or holds NUL."""
    with pytest.raises(errors.HostError, match="not an absolute path"):
        ask(host, path)


@pytest.mark.daemon
@pytest.mark.parametrize("ask", [ASK["read"], ASK["read a part"]], ids=["whole", "part"])
@pytest.mark.parametrize(("script", "said"), [("mkdir it", "directory"), ("mkfifo it", "pipe")])
def test_reading_needs_a_file(
    host: Host, files: HostFiles, ask: Callable[[Host, str], object], script: str, said: str
) -> None:
    """A folder and a pipe are refused by their kind, also behind a link, instead of waited for."""
    files.do(f"{script}; ln -s it link")
    for name in (b"it", b"link"):
        with pytest.raises(errors.HostError, match=f"is a {said}, not a file"):
            ask(host, files.at(name))


@pytest.mark.daemon
def test_a_socket_is_not_read(host: Host) -> None:
    """A socket is refused by its kind, since it has no contents."""
    sockets = [found.path for found in host.walk("/run") if found.kind == "s"]
    if not sockets:
        pytest.skip("the daemon's host has no socket below /run")
    with pytest.raises(errors.HostError, match="is a socket, not a file"):
        host.read(sockets[0])


@pytest.mark.daemon
def test_a_file_is_not_listed(host: Host, files: HostFiles) -> None:
    """Listing a file raises, and does not say that the file is missing."""
    with pytest.raises(errors.PathMissing, match="not a directory"):
        host.list(files.write(b"file", b""))


@pytest.mark.daemon
def test_an_ended_process_is_said_to_have_ended(host: Host, daemon: Daemon) -> None:
    """Reading about a process that was there a moment ago says that it may have ended."""
    with sandbox.run(images.BUSYBOX, "sleep 3600", what="test", daemon=daemon) as box:
        path = f"/proc/{box.pid}/status"
        sandbox.wait_until(lambda: "sleep" in host.text(path), "the process has the name of its program")
    with pytest.raises(errors.PathMissing, match="the process may have ended"):
        host.read(path)


@pytest.mark.daemon
def test_text_of_anything_is_text(host: Host, files: HostFiles) -> None:
    """Text that is not UTF-8 is read without loss."""
    assert hosts.encode(host.text(files.write(b"file", b"gr\xfcn"))) == b"gr\xfcn"


# --- Both hosts: commands ---------------------------------------------------------------------------------


def sleeper() -> str:
    """A number of seconds that no other process on the host sleeps for, and that no test waits for."""
    return str(random.SystemRandom().randrange(10**7, 10**8))


@pytest.mark.daemon
def test_output_complaints_and_status_come_apart(host: Host) -> None:
    """A command's stdout, stderr and exit status are told separately and in full."""
    ran = host.run("sh", "-c", "printf out; printf err >&2; exit 7")
    assert (ran.status, ran.out, ran.err) == (7, "out", "err")


@pytest.mark.daemon
@pytest.mark.parametrize(("script", "status"), [("kill -TERM $$", 143), ("kill -SEGV $$", 139), ("exit 137", 137)])
def test_a_command_killed_by_a_signal_has_the_shells_status(host: Host, script: str, status: int) -> None:
    """A command that a signal ended has 128 + that signal as its status, and nobody remarks on it."""
    ran = host.run("sh", "-c", script)
    assert (ran.status, ran.err) == (status, "")


@pytest.mark.daemon
@pytest.mark.parametrize("program", ["no-such-program", "/no/such/program", ""])
def test_a_missing_program_has_status_127(host: Host, program: str) -> None:
    """A program that is not there is no error of labkit's but the status that a shell gives."""
    ran = host.run(program, "x")
    assert (ran.status, ran.out) == (127, "")
    assert f"'{program}': No such file or directory" in ran.err


@pytest.mark.daemon
def test_too_many_words_have_status_126(host: Host) -> None:
    """A command that the kernel refuses to start has the status that a shell gives."""
    ran = host.run("echo", "x" * 3_000_000)
    assert ran.status == 126
    assert "Argument list too long" in ran.err


@pytest.mark.daemon
@pytest.mark.parametrize("argument", [*NAMES.values(), b""], ids=[*NAMES, "empty"])
def test_arguments_arrive_as_they_are(host: Host, argument: bytes) -> None:
    """No byte of an argument means anything to a shell on the way."""
    ran = host.run("printf", "%s|", os.fsdecode(argument), "last")
    assert hosts.encode(ran.out) == argument + b"|last|"


@pytest.mark.daemon
def test_output_may_be_any_bytes(host: Host, files: HostFiles) -> None:
    """Output that is not text is told without loss."""
    data = b"".join(CONTENTS.values())
    assert hosts.encode(host.run("cat", files.write(b"file", data)).out) == data


@pytest.mark.daemon
def test_ten_megabytes_of_output_arrive(host: Host) -> None:
    """Large outputs arrive in full on both streams at once."""
    ran = host.run("sh", "-c", "head -c 10000000 /dev/zero & head -c 10000000 /dev/zero >&2; wait")
    assert (len(ran.out), len(ran.err)) == (10_000_000, 10_000_000)


@pytest.mark.daemon
def test_a_command_has_no_input(host: Host) -> None:
    """A command that reads its stdin finds it empty instead of waiting, or eating the next question."""
    assert host.run("cat").out == ""
    assert host.run("echo", "next").out == "next\n"


@pytest.mark.daemon
def test_a_command_starts_in_a_clean_room(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command starts at the root, with the same few variables on every host and none of the notebook's."""
    monkeypatch.setenv("SECRET", "token")
    assert host.run("pwd").out == "/\n"
    variables = dict(line.split("=", 1) for line in host.run("env").out.splitlines())
    assert {"PATH", "HOME", "LC_ALL"} <= set(variables)
    assert "SECRET" not in variables


@pytest.mark.daemon
def test_what_a_background_process_prints_belongs_to_its_command(host: Host, files: HostFiles) -> None:
    """Output that comes late is waited for, so that it never turns up in another answer."""
    assert host.run("sh", "-c", "(sleep 0.2; echo late; echo late >&2) & echo now").out == "now\nlate\n"
    assert host.read(files.write(b"file", b"contents")) == b"contents"


@pytest.mark.daemon
def test_a_command_beyond_its_deadline_is_gone_with_its_children(host: Host, files: HostFiles) -> None:
    """A command that takes too long raises with its words and its time, and none of its processes stays."""
    number = sleeper()
    with pytest.raises(errors.QuestionTimeout, match=f"sleep {number}.* still ran after 0.5 s"):
        host.run("sh", "-c", f"sleep {number} & sleep {number}", timeout=0.5)
    wait_until(lambda: not files.runs(number), "the processes have gone")
    assert host.run("echo", "next").out == "next\n"


@pytest.mark.daemon
def test_an_interrupt_leaves_the_next_answer_right(host: Host, files: HostFiles) -> None:
    """After Ctrl-C in the middle of a command the command is gone, and the next question has its own answer."""
    number = sleeper()
    main = threading.main_thread().ident or 0

    def interrupt() -> None:
        wait_until(lambda: files.runs(number), "the command runs")
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        host.run("sh", "-c", f"echo old; sleep {number}")
    thread.join()
    assert host.run("echo", "new").out == "new\n"
    wait_until(lambda: not files.runs(number), "the command has gone")


@pytest.mark.daemon
def test_threads_get_their_own_answers(host: Host, files: HostFiles) -> None:
    """Threads that ask at once each get the answer to their own question."""
    names = [f"{number}".encode() for number in range(8)]
    files.fill({name: name * 1000 for name in names})

    def ask(name: bytes) -> bool:
        return host.read(files.at(name)) == name * 1000 and host.stat(files.at(name)).path == files.at(name)

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(ask, names * 20))
