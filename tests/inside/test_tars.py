"""Headers of tars: those of honest programs are read as tarfile reads them; those of others end in a sentence."""

from __future__ import annotations

import contextlib
import io
import tarfile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.errors import ArchiveError
from labkit.host import decode
from labkit.inside.tars import BLOCK, EXTENSION, Header, read_headers, shown
from tests.inside import saved

LETTERS = {tarfile.REGTYPE: "-", tarfile.DIRTYPE: "d", tarfile.SYMTYPE: "l", tarfile.LNKTYPE: "h", tarfile.CHRTYPE: "c"}


def headers(data: bytes) -> list[Header]:
    """All headers of a tar."""
    return list(read_headers(io.BytesIO(data), "The tar", 100))


def made(kind: int, *infos: tarfile.TarInfo) -> bytes:
    """A tar of members without contents that count."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=kind, encoding="utf-8", errors="surrogateescape") as file:
        for info in infos:
            file.addfile(info, io.BytesIO(bytes(info.size)))
    return buffer.getvalue()


def info(name: str, **fields: Any) -> tarfile.TarInfo:
    """One member."""
    found = tarfile.TarInfo(name)
    for field, value in fields.items():
        setattr(found, field, value)
    return found


names = st.binary(min_size=1, max_size=300).map(
    lambda data: decode(data.replace(b"\0", b"").replace(b"/", b"") or b"x")
)


@given(st.lists(st.tuples(names, st.sampled_from(list(LETTERS)), st.integers(0, 2000), st.integers(0, 1 << 33)),
                max_size=5),
       st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]))  # fmt: skip
def test_every_member_is_read_as_tarfile_reads_it(members: list[tuple[str, bytes, int, int]], kind: int) -> None:
    """Whatever bytes its name holds, however long, a member has the name, size, owner, time and link it was given."""
    infos = [
        info(f"a/{name}", type=letter, size=size if letter == tarfile.REGTYPE else 0, mtime=time, uid=time % (1 << 30),
             linkname=name if letter in (tarfile.SYMTYPE, tarfile.LNKTYPE) else "", mode=size)
        for name, letter, size, time in members if name not in (".", "..")
    ]  # fmt: skip
    found = headers(made(kind, *infos))
    assert [(h.name, h.kind, h.size, h.mtime, h.uid, h.link, h.mode) for h in found] == [
        (i.name, LETTERS[i.type], i.size, i.mtime, i.uid, i.linkname, i.mode) for i in infos
    ]


def test_contents_begin_where_the_header_says() -> None:
    """The offset of a member is that of its first byte."""
    data = saved.tar([("one", b"1" * 600), ("two", b"22")])
    assert [data[h.offset : h.offset + h.size] for h in headers(data)] == [b"1" * 600, b"22"]


def test_attributes_are_kept() -> None:
    """A capability, whose value is no text, is read as it was written."""
    value = bytes([1, 0, 0, 2, 0xFF, 0x80, 0, 10])
    (found,) = headers(
        made(tarfile.PAX_FORMAT, info("ping", pax_headers={"SCHILY.xattr.security.capability": decode(value)}))
    )
    assert found.xattrs == {"security.capability": value}


def test_a_name_is_as_one_reads_it() -> None:
    """Without what stands before and behind it in some tars; a device has its numbers."""
    found = headers(made(tarfile.GNU_FORMAT, info("./a//b/", type=b"5"), info("/c", type=b"3", devmajor=1, devminor=3)))
    assert [(h.name, h.kind, h.major, h.minor) for h in found] == [("a/b", "d", 0, 0), ("c", "c", 1, 3)]


def test_a_tar_may_end_without_its_mark() -> None:
    """Some programs leave out the two empty blocks, and the daemon reads such a tar, too."""
    assert [h.name for h in headers(saved.tar([("one", b"1")])[: 2 * BLOCK])] == ["one"]
    assert headers(b"") == headers(bytes(10240)) == []


def resummed(data: bytes, **fields: bytes) -> bytes:
    """The tar with fields of its first header changed, and the sum made right."""
    block = bytearray(data[:BLOCK])
    for name, value in fields.items():
        start = {"size": 124, "kind": 156, "name": 0, "mtime": 136}[name]
        block[start : start + len(value)] = value
    block[148:156] = f"{sum(block[:148]) + sum(block[156:]) + 256:06o}\0 ".encode()
    return bytes(block) + data[BLOCK:]


ONE = saved.tar([("one", b"1" * 600)])
ODD = [
    (ONE[:300], "cut off in the middle of a header, at byte 0"),
    (ONE[:900], "cut off: one claims 600 bytes, and it ends before"),
    (b"not a tar" * 100, "no tar at byte 0: the sum of the header is wrong"),
    (ONE[: 3 * BLOCK] + b"junk" * 256, "no tar at byte 1536"),
    (resummed(ONE, size=b"77777777777\0"), "one claims 8589934591 bytes"),
    (resummed(ONE, size=b"\x80" + b"\xff" * 11), "one claims .* bytes, and it ends before"),
    (resummed(ONE, size=b"-0000000001\0"), "in place of a number"),
    (resummed(ONE, size=b"\xff" * 12), "in place of a number"),
    (resummed(ONE, kind=b"S"), "one in a form that Docker never writes"),
    (resummed(ONE, kind=b"x", size=b"00000000005\0"), "a record that is none"),
    (resummed(ONE, kind=b"L", size=b"77777777777\0"), f"more than {EXTENSION} bytes of records"),
    (resummed(ONE, kind=b"L", size=b"00000040000\0"), "cut off in the middle of a header's records"),
    (resummed(ONE, kind=b"L"), "records, and no member behind them"),
    (made(tarfile.PAX_FORMAT, info("a", pax_headers={"GNU.sparse.major": "1"})), "a in a form that Docker"),
    (made(tarfile.PAX_FORMAT, info("a", pax_headers={"mtime": "soon"})), "b'soon' in place of a number"),
    (made(tarfile.PAX_FORMAT, info("a", pax_headers={"size": "-512"})), "a claims -512 bytes"),
    (made(tarfile.PAX_FORMAT, info("a", pax_headers={"size": "9" * 20})), "a claims 9+ bytes"),
    (saved.tar([("a/../../etc/passwd", b"")]), r"a/\.\./\.\./etc/passwd, whose name leads out of it"),
    (saved.tar([("..", b"")]), "whose name leads out of it"),
    (saved.tar([(f"{n}", b"") for n in range(101)]), "more than 100 members"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "problem"), ODD)
def test_what_is_no_honest_tar_is_refused(data: bytes, problem: str) -> None:
    """Each lie has its sentence, and a second one that says what to do."""
    with pytest.raises(ArchiveError, match=problem) as caught:
        headers(data)
    assert caught.value.remedy.endswith(".")


def test_records_without_end_are_refused_early() -> None:
    """Of headers that precede a header, however many there are, no more is read than the limit."""
    many = (made(tarfile.PAX_FORMAT, info("x" * 5000))[: 12 * BLOCK]) * 300
    with pytest.raises(ArchiveError, match="more than"):
        headers(many)


def test_a_thousand_nested_headers_are_no_recursion() -> None:
    """Five thousand small records before one member are read like one."""
    record = resummed(ONE, kind=b"g", size=b"00000000000\0")[:BLOCK]
    assert [h.name for h in headers(record * 5000 + ONE)] == ["one"]


def test_whatever_the_bytes_only_this_error_is_raised() -> None:
    """Any prefix of a tar, and any of its bytes turned over, ends in members or in an ArchiveError."""
    data = made(tarfile.PAX_FORMAT, info("ä" * 60, size=30), info("b", type=b"2", linkname="c" * 200))
    for place in range(len(data)):
        for changed in (data[:place], data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]):
            with contextlib.suppress(ArchiveError):
                assert len(headers(changed)) <= 2


@given(st.text())
def test_a_strangers_text_moves_no_cursor(text: str) -> None:
    """What is shown of a text is short, can be printed, and is in one line."""
    assert shown(text).isprintable()
    assert len(shown(text)) <= 1000
    assert shown("a\x1b[2J\udcff") == r"a\x1b[2J\udcff"
