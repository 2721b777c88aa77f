"""What one layer holds, and which layer decides what an image has at a path."""

from __future__ import annotations

import io

import pytest

from labkit.errors import ArchiveError
from labkit.inside import entries
from labkit.inside.archive import Archive, read_archive
from labkit.inside.entries import find_file, read_contents, read_layer
from labkit.oci import Draft, Item, write_archive, write_layer
from tests.inside import saved


@pytest.fixture(params=[saved.docker(), saved.oci(), saved.oci(packed=True)], ids=range(3))
def found(request: pytest.FixtureRequest) -> Archive:
    """The same images in each form."""
    return read_archive(io.BytesIO(request.param))


def test_whiteouts_are_recognised(found: Archive) -> None:
    """An entry ``.wh.NAME`` is told as NAME removed, ``.wh..wh..opq`` as its directory made opaque."""
    rows = [[(e.kind, e.name) for e in read_layer(found, layer)] for layer in found.image("app:1").layers[1:]]
    assert rows[0] == [("d", "d"), ("o", "d"), ("-", "d/two"), ("d", "etc"), ("w", "etc/motd")]
    assert rows[1] == [("w", "sh"), ("d", "new"), ("-", "new/file"), ("l", "new/link")]
    (one,) = [e for e in read_layer(found, found.image("app:1").layer(2)) if e.name == "d/two"]
    assert (one.size, one.removes, repr(one)) == (2, False, "LayerEntry(name='d/two', kind='-', size=2)")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/etc/passwd", "layer 1 has it: - etc/passwd"),
        ("etc/motd", "layer 2 removes it: w etc/motd"),
        ("/etc", "layer 2 has it: d etc"),
        ("/d/one", "layer 2 removes it: o d"),
        ("/d/two", "layer 2 has it: - d/two"),
        ("/d", "layer 2 has it: d d"),
        ("/sh", "layer 3 removes it: w sh"),
        ("/new/link", "layer 3 has it: l new/link"),
        ("/new/link/x", "layer 3 removes it: l new/link"),
        ("/nowhere", "None"),
    ],
)
def test_the_topmost_layer_decides(found: Archive, path: str, told: str) -> None:
    """A path is what the topmost layer says that has it, removes it, or removes a directory above it."""
    assert str(find_file(found, found.image("app:1"), path)) == told


def test_a_layers_own_files_are_not_hidden_by_its_whiteouts() -> None:
    """A whiteout counts for the layers below only, wherever in the tar it stands."""
    top = write_layer({"a/.wh..wh..opq": Item(b""), "a/x": Item(b"new"), ".wh.b": Item(b""), "b/y": Item(b"new")})
    buffer = io.BytesIO()
    write_archive(buffer, Draft(saved.CONFIG, [write_layer({"a/x": Item(b"old"), "b/z": Item(b"")}), top]))
    found = read_archive(buffer)
    told = {path: str(find_file(found, found.image(), path)) for path in ("a/x", "b/y", "b/z")}
    assert told == {
        "a/x": "layer 2 has it: - a/x",
        "b/y": "layer 2 has it: - b/y",
        "b/z": "layer 2 removes it: w b",
    }


def test_contents_are_read_from_the_layer(found: Archive) -> None:
    """A file's bytes are those of that layer, also if a layer above removes it."""
    assert read_contents(found, found.image("app:1").layer(1), "etc/motd") == b"hello\n"
    with pytest.raises(ArchiveError, match=r"Layer 2 has no file etc/motd\.\nread_layer"):
        read_contents(found, found.image("app:1").layer(2), "etc/motd")


def test_limits_are_told(found: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer with too many entries, and a file that is too large to return, are errors that say the limit."""
    monkeypatch.setattr(entries, "CONTENTS", 5)
    with pytest.raises(ArchiveError, match="etc/motd has 6 bytes, more than the 5 that are read"):
        read_contents(found, found.image("app:1").layer(1), "etc/motd")
    monkeypatch.setattr(entries, "ENTRIES", 3)
    with pytest.raises(ArchiveError, match="Layer 1 has more than 3 members"):
        read_layer(found, found.image("app:1").layer(1))
