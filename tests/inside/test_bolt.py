"""The database of bolt: a recorded one compared with what ctr says of it, and files that nobody would write."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit import errors
from labkit.inside import bolt
from labkit.inside.bolt import parse_bolt, read_bolt
from labkit.local import LocalHost
from tests.inside.boltfile import LEAF, META, branch, database, leaf, meta, page, recorded

RECORDED = recorded()
ITEMS = {b"a": b"1", b"empty": b"", b"bucket": {b"b": b"2", b"deeper": {b"c": b"3"}, b"nothing": {}}}


def test_a_recorded_database_is_what_ctr_says_of_it() -> None:
    """Each of 143 keys, and the one below it, is what containerd itself listed at that moment."""
    told = [line.split() for line in RECORDED["ls.txt"].decode().splitlines()[1:]]
    found: Any = parse_bolt(RECORDED["metadata.db"])
    names = {key: key.decode().split("/", 2)[2] for key in found[b"v1"][b"snapshots"]}
    kinds = {b"\x02": "Active", b"\x03": "Committed"}
    rows = [
        [name, *([names[record[b"parent"]]] if b"parent" in record else []), kinds[record[b"kind"]]]
        for key, name in names.items()
        for record in [found[b"v1"][b"snapshots"][key]]
    ]
    assert sorted(rows) == sorted(told)
    assert len(told) == 143


@pytest.mark.parametrize("size", [512, 4096, 16384, 65536])
def test_values_and_buckets_are_as_they_were_written(size: int) -> None:
    """Keys, values and buckets in buckets come back, whatever size the pages of the writer's kernel have."""
    assert parse_bolt(database(leaf(ITEMS, 2), size=size)) == ITEMS


def test_an_empty_database_is_empty() -> None:
    """A tree without an element is no error."""
    assert parse_bolt(database(leaf({}, 2))) == {}


def test_a_tree_has_branches_and_a_bucket_its_own_pages() -> None:
    """Branches are followed to their leaves, in order, and so is a bucket that has become too large to be inline."""
    below = branch([4, 5], 3)
    outer = page(2, LEAF, 1, struct.pack("<IIII", 1, 16, 1, 16) + b"k" + struct.pack("<QQ", 3, 0))
    found = parse_bolt(database(outer, below, leaf({b"a": b"1"}, 4), leaf({b"b": b"2"}, 5)))
    assert found == {b"k": {b"a": b"1", b"b": b"2"}}


def test_a_value_may_be_longer_than_a_page() -> None:
    """A page with further pages behind it is one page."""
    assert parse_bolt(database(leaf({b"k": b"v" * 9000}, 2, more=2))) == {b"k": b"v" * 9000}


@pytest.mark.parametrize("txids", [(8, 7), (6, 7)])
def test_the_newer_tree_counts(txids: tuple[int, int]) -> None:
    """Of the two first pages that counts which has the higher transaction number."""
    pages = [meta(0, 2, txids[0]), meta(1, 3, txids[1]), leaf({b"first": b""}, 2), leaf({b"second": b""}, 3)]
    found = parse_bolt(b"".join(page.ljust(4096, b"\0") for page in pages))
    assert found == {b"first" if txids[0] > txids[1] else b"second": b""}


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("size", [4096, 16384])
def test_one_of_the_first_pages_may_be_half_written(number: int, size: int) -> None:
    """Where the sum of one of the two is wrong, the other one counts, also if it is the second."""
    data = bytearray(database(leaf(ITEMS, 2), size=size, txids=(9, 9)))
    data[number * size + 40] ^= 1
    assert parse_bolt(bytes(data)) == ITEMS


@pytest.mark.parametrize("data", [b"", b"x" * 100, b"\0" * 70000, database(leaf({}, 2))[:60]])
def test_another_file_is_an_error(data: bytes) -> None:
    """What is no database of bolt is called so, by its path."""
    with pytest.raises(errors.HostError, match=r"/meta\.db is not a database of bolt"):
        parse_bolt(data, "/meta.db")


def chain(length: int) -> bytes:
    """Branches one below the other."""
    return database(*[branch([number + 1], number) for number in range(2, length + 2)], leaf(ITEMS, length + 2))


def nested(depth: int) -> dict[bytes, Any]:
    """Buckets in buckets."""
    items: dict[bytes, Any] = {}
    for _ in range(depth):
        items = {b"": items}
    return items


DAMAGED = {
    "itself below": database(branch([2], 2)),
    "a page in two places": database(branch([3, 3], 2), leaf({}, 3)),
    "pages over each other": database(branch([3, 4], 2), leaf({b"k": b"v" * 5000}, 3, more=1), leaf({}, 4)),
    "behind the end": database(branch([99], 2)),
    "no such root": database(leaf({}, 2), root=1 << 60),
    "more pages than there are": database(leaf({}, 2, more=5)),
    "another number": database(leaf({}, 7)),
    "another kind": database(page(2, META, 0, b"")),
    "elements behind the page": database(page(2, LEAF, 300, b"")),
    "a key behind the page": database(page(2, LEAF, 1, struct.pack("<IIII", 0, 16, 5000, 0))),
    "a value behind the page": database(page(2, LEAF, 1, struct.pack("<IIII", 0, 16, 0, 1 << 31))),
    "a position behind the page": database(page(2, LEAF, 1, struct.pack("<IIII", 0, 1 << 31, 0, 0))),
    "the same bytes twice": database(page(2, LEAF, 2, struct.pack("<IIII", 0, 32, 0, 3000) * 2)),
    "a bucket cut off": database(page(2, LEAF, 1, struct.pack("<IIII", 1, 16, 1, 4))),
    "too many branches": chain(100),
    "too many buckets": database(leaf(nested(50), 2, more=1)),
    "cut in the middle": database(leaf(ITEMS, 2))[: 2 * 4096 + 20],
    "no page at all": database(),
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED.keys())
def test_a_damaged_database_is_an_error(data: bytes) -> None:
    """Circles, overlaps, and whatever reaches beyond its place end in an error that names the file."""
    with pytest.raises(errors.HostError, match=r"/meta\.db is damaged"):
        parse_bolt(data, "/meta.db")


def test_deep_is_not_too_deep() -> None:
    """Trees and buckets of a depth that somebody could have are read."""
    assert parse_bolt(chain(20)) == ITEMS
    assert parse_bolt(database(leaf(nested(20), 2))) == nested(20)


def weight(item: Any) -> int:
    """The bytes of all keys and values."""
    return len(item) if isinstance(item, bytes) else sum(len(key) + weight(value) for key, value in item.items())


PLACES = st.integers(0, len(RECORDED["metadata.db"]) - 1)
PAGES = st.builds(lambda page, byte: page * 4096 + byte, st.integers(2, 63), st.integers(0, 200))  # heads, elements
CHANGES = st.lists(st.tuples(PLACES | PAGES, st.binary(min_size=1, max_size=8)), max_size=60)


@given(CHANGES, PLACES | st.none())
def test_whatever_is_damaged_is_read_or_refused(changes: list[tuple[int, bytes]], length: int | None) -> None:
    """A recorded file with any bytes changed, or cut anywhere, gives no more than it holds, or labkit's error."""
    data = bytearray(RECORDED["metadata.db"])
    for place, new in changes:
        data[place : place + len(new)] = new
    try:
        assert weight(parse_bolt(bytes(data[:length]))) <= len(data)
    except errors.HostError as error:
        assert "damaged" in error.problem or "not a database" in error.problem


KEYS = st.binary(max_size=20)
VALUES = st.recursive(st.binary(max_size=50), lambda below: st.dictionaries(KEYS, below, max_size=4))


@given(st.dictionaries(KEYS, VALUES, max_size=9))
def test_any_items_come_back(items: dict[bytes, Any]) -> None:
    """Whatever keys and values hold, and however buckets lie in each other, all of it is read."""
    written = leaf(items, 2, more=15)
    assert parse_bolt(database(written.ljust(16 * 4096, b"\0"))) == items


# --- A file that somebody writes meanwhile ----------------------------------------------------------------


class Changing(LocalHost):
    """A host whose file is another one each time that it is read; the last one stays."""

    def __init__(self, *contents: bytes) -> None:
        super().__init__("/nowhere")
        self.contents = list(contents)

    def read(self, path: str, *, offset: int = 0, limit: int | None = None) -> bytes:
        data = self.contents.pop(0) if len(self.contents) > 1 else self.contents[0]
        return data[offset : None if limit is None else offset + limit]


def test_a_file_that_changed_meanwhile_is_read_again() -> None:
    """If another tree counts after the file was read, what was read may be of both, and is not used."""
    torn, whole = database(leaf({b"torn": b""}, 2)), database(leaf({b"whole": b""}, 2), txids=(8, 7))
    assert read_bolt(Changing(torn, whole), "/meta.db") == {b"whole": b""}


def test_a_file_that_never_rests_is_an_error() -> None:
    """Reading is not tried for ever."""
    files = [database(leaf({}, 2), txids=(number, number + 1)) for number in range(2 * bolt.TRIES + 1)]
    with pytest.raises(errors.HostError, match=r"/meta\.db is written all the time"):
        read_bolt(Changing(*files), "/meta.db")


def test_a_large_file_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than the limit is not read into memory."""
    monkeypatch.setattr(bolt, "LIMIT", 1000)
    with pytest.raises(errors.HostError, match="holds more than 1000 bytes"):
        read_bolt(Changing(database(leaf({}, 2))), "/meta.db")


def test_a_file_is_read_from_its_host(tmp_path: Path) -> None:
    """The database on the host is read; one that is missing is the host's own error."""
    (tmp_path / "meta.db").write_bytes(RECORDED["metadata.db"])
    assert read_bolt(LocalHost(tmp_path), "/meta.db") == parse_bolt(RECORDED["metadata.db"])
    with pytest.raises(errors.PathMissing):
        read_bolt(LocalHost(tmp_path), "/other.db")
