"""Raw streams and lines, in whatever pieces they come."""

from __future__ import annotations

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.inside.streams import read_frames, read_lines
from tests.inside.test_following import cut

NAMES = {1: "stdout", 2: "stderr"}


def frame(stream: int, data: bytes) -> bytes:
    """A piece of output with its eight bytes in front."""
    return struct.pack(">BxxxL", stream, len(data)) + data


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=30)), min_size=1), st.lists(st.integers(0, 500)))
def test_frames_are_found_however_they_are_cut(told: list[tuple[int, bytes]], places: list[int]) -> None:
    """Stream and bytes of each frame are what was sent; its time is that of its last byte."""
    data = b"".join(frame(*each) for each in told)
    pieces = [(float(seconds), piece) for seconds, piece in enumerate(cut(data, places)) if piece]
    if len(pieces[0][1]) < 8:  # the beginning tells whether there are frames at all
        pieces = [(0.0, data[:8]), (1.0, data[8:])]
    frames = read_frames(pieces)
    assert [(f.stream, f.data) for f in frames] == [(NAMES[stream], data) for stream, data in told]
    assert [f.seconds for f in frames] == sorted(f.seconds for f in frames)
    assert {f.seconds for f in frames} <= {seconds for seconds, _ in pieces}


def test_the_time_is_that_of_the_last_byte() -> None:
    """A frame that comes in two pieces is there when the second one is."""
    data = frame(1, b"hello")
    (found,) = read_frames([(1.0, data[:9]), (2.5, data[9:])])
    assert found.seconds == 2.5


@pytest.mark.parametrize("text", [b"", b"/ # ", b"\x1b[6n", b"\x01\x02\x03\x04\x05\x06\x07\x08\x09", b"hello\r\n"])
def test_a_terminal_has_no_frames(text: bytes) -> None:
    """Bytes without heads are what a terminal showed, piece by piece."""
    found = read_frames([(1.0, text)])
    assert [(f.stream, f.data) for f in found] == [("tty", text)]


def test_a_frame_that_is_cut_off_is_left_out() -> None:
    """Of a stream whose end is missing, the whole frames are read."""
    assert [f.data for f in read_frames([(1.0, frame(2, b"whole") + frame(1, b"cut")[:-1])])] == [b"whole"]


@given(st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]))), st.lists(st.integers()))
def test_lines_are_found_however_they_are_cut(lines: list[str], places: list[int]) -> None:
    """Lines that are not empty are read as they were written, whatever the pieces are."""
    lines = [json.dumps(line) for line in lines]
    pieces = [(0.0, piece) for piece in cut("".join(f"{line}\r\n" for line in lines).encode(), places)]
    assert [text for _, text in read_lines(pieces, whole=True)] == lines


@pytest.mark.parametrize(("whole", "found"), [(True, ["one", "two"]), (False, ["one"])])
def test_a_line_without_an_end(whole: bool, found: list[str]) -> None:
    """A last line without its end is one only where nothing is missing."""
    assert [text for _, text in read_lines([(1.0, b"one\n\ntwo")], whole=whole)] == found


def test_a_line_has_the_time_of_its_end() -> None:
    """A line that comes in two pieces is there when the second one is."""
    assert list(read_lines([(1.0, b"on"), (2.0, b"e\ntwo\n")], whole=False)) == [(2.0, "one"), (2.0, "two")]
