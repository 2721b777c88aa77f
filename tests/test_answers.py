"""How questions are quoted and answers taken apart, on recorded and invented bytes."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import pairwise
from random import Random
from typing import IO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit import errors
from labkit.answers import (
    BATCH,
    check,
    new_mark,
    quote,
    quote_word,
    quote_words,
    read_all,
    read_entries,
    read_entry,
    receive,
)
from labkit.host import decode, encode
from labkit.stream import STDERR, STDOUT, Stream

# --- Questions --------------------------------------------------------------------------------------------

words = st.binary().map(lambda data: data.replace(b"\0", b""))


@given(st.lists(words, min_size=1, max_size=50))
@settings(deadline=None)  # each example starts a shell
def test_a_shell_reads_each_word_as_it_was(these: list[bytes]) -> None:
    """Any bytes but NUL, quoted, are one word to a real shell, with the same bytes."""
    line = "printf '%s\\0' " + " ".join(map(quote_word, these))
    told = subprocess.run(["/bin/sh", "-s"], input=encode(line), capture_output=True, check=True).stdout
    assert told.split(b"\0")[:-1] == these


@pytest.mark.parametrize(("count", "commands"), [(0, 0), (1, 1), (BATCH, 1), (BATCH + 1, 2)])
def test_many_files_are_asked_for_in_few_commands(count: int, commands: int) -> None:
    """One command reads up to BATCH files, each with what ends it, and none of the names is lost."""
    script, end = read_all([f"/proc/{number}/stat" for number in range(count)], "0123456789abcdef")
    assert script.count("busybox") == commands
    assert script.count("'/proc/") == script.count(" /proc/self/environ") == count
    assert end == b"0123456789abcdef=\0"


@pytest.mark.parametrize("path", ["", "etc", "-n", "/a\0b"])
def test_only_absolute_paths_are_quoted(path: str) -> None:
    """No question is made of a path that is not absolute, or that a shell would cut."""
    with pytest.raises(errors.HostError):
        quote(path)


@pytest.mark.parametrize("argv", [(), ("a=b",), ("echo", "\0")])
def test_only_commands_are_quoted(argv: tuple[str, ...]) -> None:
    """No question is made of words that could not be executed as they are."""
    with pytest.raises(errors.HostError):
        quote_words(argv)


def test_names_are_bytes_whatever_the_notebooks_language() -> None:
    """A notebook whose system knows only ASCII asks for the same bytes as every other."""
    code = r"from labkit.answers import quote; from labkit.host import encode; print(encode(quote('/gr\xfcn\udcff')))"
    poor = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    told = subprocess.run([sys.executable, "-c", code], env=poor, capture_output=True, check=True, text=True).stdout
    assert told.strip() == repr(b"'/gr\xc3\xbcn\xff'")


def test_marks_are_never_the_same() -> None:
    """Each mark is sixteen hexadecimal digits that were not there before."""
    marks = {new_mark() for _ in range(1000)}
    assert len(marks) == 1000
    assert all(len(mark) == 16 and int(mark, 16) >= 0 for mark in marks)


# --- Answers ----------------------------------------------------------------------------------------------

MARK = b"0123456789abcdef"
MIB = 1 << 20


class Frames:
    """In place of a stream: frames that were cut somewhere, then silence."""

    def __init__(self, frames: Iterable[tuple[int, bytes]]) -> None:
        self.frames = iter(frames)

    def receive(self, end: float) -> tuple[int, bytes]:
        """The next frame, as from a stream."""
        for frame in self.frames:
            return frame
        raise errors.QuestionTimeout("no more frames")


def hear(frames: Iterable[tuple[int, bytes]], into: IO[bytes] | None = None) -> tuple[int, bytes, bytes]:
    """Receive these frames as the answer to a question."""
    stream: Stream = Frames(frames)  # type: ignore[assignment]
    return receive(stream, MARK, into, time.monotonic() + 1, MIB)


def cut(channel: int, data: bytes, places: list[int]) -> list[tuple[int, bytes]]:
    """Frames of one stream, cut at these places."""
    edges = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [(channel, data[begin:end]) for begin, end in pairwise(edges)]


def mix(one: list[tuple[int, bytes]], other: list[tuple[int, bytes]], chance: Random) -> Iterator[tuple[int, bytes]]:
    """The frames of two streams, each in its order, as they may arrive on one connection."""
    while one and other:
        yield chance.choice((one, other)).pop(0)
    yield from one + other


places = st.lists(st.integers(0, 10_000), max_size=12)
nearly = [b"\n", MARK[:-1], b"\n" + MARK[:-1] + b"0 0\n", b" 0\n", b"x" * 5000]
contents = st.binary() | st.lists(st.sampled_from(nearly)).map(b"".join)


@given(contents, contents, st.integers(0, 255), places, places, st.randoms(use_true_random=False), st.booleans())
def test_the_end_is_found_however_frames_are_cut(
    out: bytes, err: bytes, status: int, one: list[int], other: list[int], chance: Random, spool: bool
) -> None:
    """Output, complaints and status come apart wherever the frames of the two streams begin and end."""
    file = io.BytesIO() if spool else None
    first = cut(STDOUT, out + b"\n" + MARK + b" %d\n" % status, one)
    second = cut(STDERR, err + MARK + b"\n", other)
    told = hear(mix(first, second, chance), file)
    assert (told[0], file.getvalue() if file else told[1], told[2]) == (status, out, err)


@pytest.mark.parametrize("missing", [STDOUT, STDERR])
def test_an_answer_ends_on_both_streams(missing: int) -> None:
    """As long as one of the two marks is missing, the answer goes on."""
    frames = [(STDOUT, b"x\n" + MARK + b" 0\n"), (STDERR, MARK + b"\n")]
    with pytest.raises(errors.QuestionTimeout):
        hear(frame for frame in frames if frame[0] != missing)


@pytest.mark.parametrize("channel", [STDOUT, STDERR])
def test_an_answer_that_grows_too_large_is_given_up(channel: int) -> None:
    """Output or complaints without end are an error that says how much there was, not the end of memory."""
    with pytest.raises(errors.HostError, match=f"grew beyond {MIB} bytes"):
        hear((channel, bytes(65536)) for _ in iter(int, 1))


def test_an_answer_into_a_file_may_have_any_size() -> None:
    """What goes into a file is not held, so its size has no bound."""
    file = io.BytesIO()
    frames = [*((STDOUT, bytes(65536)) for _ in range(40)), (STDERR, MARK + b"\n"), (STDOUT, b"\n" + MARK + b" 3\n")]
    assert hear(frames, file) == (3, b"", b"")
    assert file.getvalue() == bytes(40 * 65536)


# --- Complaints -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("complaint", "kind"),
    [
        (b"head: /x/y: No such file or directory\n", errors.PathMissing),
        (b"find: /x/y/.: Not a directory\n", errors.PathMissing),
        (b"head: read error: No such process\n", errors.PathMissing),
        (b"stat: can't stat '/x/y': Permission denied\n", errors.PathForbidden),
        (b"head: /x/y: Operation not permitted\n", errors.PathForbidden),
        (b"dd: can't open '/x/y: No such file or directory': Permission denied\n", errors.PathForbidden),
        (b"readlink: /x/y\n: No such file or directory\n", errors.PathMissing),
        (b"head: /x/y: I/O error\n", errors.HostError),
        (b"", errors.HostError),
    ],
)
def test_a_complaint_becomes_the_error_that_it_means(complaint: bytes, kind: type[Exception]) -> None:
    """What the helper's programs complain of is raised as the kernel's error behind it, with the path."""
    with pytest.raises(errors.HostError) as caught:
        check("/x/y", 1, complaint)
    assert type(caught.value) is kind
    assert "/x/y" in caught.value.problem


def test_no_complaint_is_no_error() -> None:
    """Nothing is raised when the status is 0 and nobody complained."""
    check("/x", 0, b"")


# --- Entries ----------------------------------------------------------------------------------------------

RECORD = b"//81a4,1,0,42,65024,0,0 1700000000 286 131076 /etc/mo td\n"  # as busybox 1.35 printed it


def test_a_record_is_read_as_an_entry() -> None:
    """The line that the helper's `stat` prints has each attribute at its place, the name last."""
    entry = read_entry(decode(RECORD[2:-1]))
    assert repr(entry) == "<-rw-r--r-- 0:42 286 '/etc/mo td'>"
    assert (entry.links, entry.inode, entry.device, entry.mtime) == (1, 131076, 65024, 1700000000)


def test_a_device_has_its_numbers() -> None:
    """Major and minor are told in hexadecimal; a whiteout has 0 and 0, and a disk what it stands for."""
    disk = read_entry("61b0,1,0,6,6,103,12c -5 0 99 /dev/disk")
    assert (disk.kind, disk.major, disk.minor, disk.mtime) == ("b", 259, 300, -5)
    white = read_entry("2000,1,0,0,65024,0,0 0 0 7 /upper/vi")
    assert (white.kind, white.major, white.minor) == ("c", 0, 0)


class Drops(io.BytesIO):
    """A file that is read in small pieces of changing size."""

    sizes: list[int]

    def read(self, size: int | None = -1, /) -> bytes:
        """The next piece, smaller than was asked for."""
        self.sizes = self.sizes[1:] + self.sizes[:1]
        return super().read(self.sizes[0])


parts = st.binary(min_size=1).map(lambda part: part.replace(b"\0", b"").replace(b"/", b"\n") or b"\n")
names = st.lists(parts, min_size=1, max_size=3).map(b"/".join)


@given(st.lists(names), st.lists(st.integers(1, 60), min_size=1))
def test_records_are_read_in_any_pieces(below: list[bytes], sizes: list[int]) -> None:
    """Each record becomes one entry, wherever the pieces of the answer begin, whatever the names hold."""
    line = b"//81a4,1,0,0,65024,0,0 %d 0 7 ./%s\n"
    file = Drops(b"".join(line % (number, name) for number, name in enumerate(below)))
    file.sizes = sizes
    told = [(entry.mtime, encode(entry.path)) for entry in read_entries(file, "/top")]
    assert told == [(number, b"/top/" + name) for number, name in enumerate(below)]
