"""Parts of files, and packed files, are read as files of their own, up to a limit."""

from __future__ import annotations

import contextlib
import gzip
import io
from typing import BinaryIO, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.errors import ArchiveError
from labkit.inside import windows
from labkit.inside.windows import Unpacked, Window, is_packed, measure, unpacked
from labkit.oci import digest


@given(
    st.binary(max_size=50),
    st.integers(0, 60),
    st.integers(0, 60),
    st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70))),
)
def test_a_window_is_a_file_of_its_own(data: bytes, start: int, size: int, reads: list[tuple[int, int]]) -> None:
    """From any place, it has the bytes that a copy of that part would have."""
    window, copy = Window(io.BytesIO(data), start, size), io.BytesIO(data[start : start + size])
    for place, count in reads:
        window.seek(place)
        copy.seek(place)
        assert window.read(count) == copy.read(count)


def test_two_windows_do_not_disturb_each_other() -> None:
    """Read in turn, each goes on where it was."""
    file = io.BytesIO(b"abcdef")
    one, other = Window(file, 0, 3), Window(file, 3, 3)
    assert [one.read(1), other.read(1), one.read(2), other.read(2)] == [b"a", b"d", b"bc", b"ef"]


def test_a_packed_file_is_read_as_if_it_were_not() -> None:
    """Forwards and back again, the bytes are those before packing; also of several files packed one after another."""
    file = unpacked(io.BytesIO(gzip.compress(b"hello ") + gzip.compress(b"world")), "It")
    assert (file.read(), file.seek(6), file.read(), file.seek(0), file.read(5)) == (
        b"hello world",
        6,
        b"world",
        0,
        b"hello",
    )
    assert file.seek(1 << 40) == 11
    assert measure(file) == (digest(b"hello world"), 11)
    with pytest.raises(io.UnsupportedOperation):
        file.seek(0, io.SEEK_END)


def test_what_is_not_packed_is_left_as_it_is() -> None:
    """Whether a file is packed is told from its first bytes."""
    file = io.BytesIO(b"plain")
    assert unpacked(file, "It") is file
    assert [is_packed(io.BytesIO(data)) for data in (b"", b"\x1f", gzip.compress(b""))] == [False, False, True]


def test_zstd_is_told() -> None:
    """A file that is packed in another way is an error that names it."""
    with pytest.raises(ArchiveError, match="It is packed with zstd"):
        unpacked(io.BytesIO(windows.ZSTD + b"rest"), "It")


def test_a_bomb_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    """What grows beyond the limit is given up, also when nobody wanted to see those bytes."""
    monkeypatch.setattr(windows, "FREE", 1 << 20)
    bomb = gzip.compress(bytes(8 << 20), 9)
    assert len(bomb) * windows.RATIO < 8 << 20
    with pytest.raises(ArchiveError, match=r"It unpacks to more than 1048576 bytes, .*\nNothing grows so much"):
        measure(cast(BinaryIO, Unpacked(io.BytesIO(bomb), "It")))
    with pytest.raises(ArchiveError, match="It unpacks to more than"):
        Unpacked(io.BytesIO(bomb), "It").seek(8 << 20)
    monkeypatch.setattr(windows, "RATIO", 2000)
    assert measure(cast(BinaryIO, Unpacked(io.BytesIO(bomb), "It")))[1] == 8 << 20


def test_whatever_is_damaged_only_this_error_is_raised() -> None:
    """Cut off or turned over anywhere, a packed file ends in its bytes or in an ArchiveError."""
    data = gzip.compress(b"hello world" * 20, mtime=0)
    for place in range(2, len(data)):
        for changed in (data[:place], data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]):
            with contextlib.suppress(ArchiveError):
                measure(unpacked(io.BytesIO(changed), "It"))
