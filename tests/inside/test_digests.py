"""Every digest that a tar names is computed again; what is not so is told with both values."""

from __future__ import annotations

import gzip
import io
import json

import pytest

from labkit.inside.archive import read_archive
from labkit.inside.digests import Mismatch, verify
from labkit.inside.manifests import blob
from labkit.oci import digest
from tests.inside import saved


def check(data: bytes) -> tuple[Mismatch, ...]:
    """What is wrong in a tar."""
    return verify(read_archive(io.BytesIO(data)))


@pytest.mark.parametrize("data", [saved.docker(), saved.oci(), saved.oci(packed=True)], ids=range(3))
def test_an_honest_tar_has_nothing_wrong(data: bytes) -> None:
    """In all forms, each digest is that of the bytes."""
    assert check(data) == ()


def test_a_layer_with_a_wrong_byte_is_named() -> None:
    """A changed layer is not the blob that its name says, nor the layer of the configuration: both are told, once."""
    changed = saved.oci().replace(b"hello", b"hallo", 1)
    name, said, found = blob(digest(saved.LOWER)), digest(saved.LOWER), digest(saved.LOWER.replace(b"hello", b"hallo"))
    assert check(changed) == (Mismatch(name, "digest", said, found), Mismatch(name, "diff-id", said, found))
    assert str(check(changed)[0]) == f"{name}: its digest is said to be {said}, and is {found}"


def test_a_wrong_byte_in_the_older_layout_is_named() -> None:
    """A layer is named by its own folder and by the link to it; a configuration by its file."""
    changed = saved.docker().replace(b"hello", b"hallo", 1)
    assert [(one.name[64:], one.what) for one in check(changed)] == [("/layer.tar", "diff-id")] * 2
    changed = saved.docker().replace(b"amd64", b"arm64", 1)
    assert [(one.name[64:], one.what) for one in check(changed)] == [(".json", "digest")]


def test_a_packed_layer_is_unpacked_for_its_diff_id() -> None:
    """A layer packed anew, by another program, is another blob, and the same layer."""
    files = saved.files(saved.oci(packed=True))
    files[blob(digest(gzip.compress(saved.UPPER, mtime=0)))] = gzip.compress(saved.UPPER, 1, mtime=7)
    for name in ("index.json", "oci-layout"):  # an index would say how many bytes it has
        del files[name]
    assert [one.what for one in check(saved.tar(list(files.items())))] == ["digest"]


def test_a_false_diff_id_is_named() -> None:
    """A configuration that names another layer is found out by the layer's bytes."""
    files = saved.files(saved.docker())
    (name,) = [name for name, data in files.items() if data[:1] == b"{" and b"RUN" in data]
    config = json.loads(files[name])
    config["rootfs"]["diff_ids"][1] = digest(b"another")
    files[name] = json.dumps(config).encode()
    (wrong,) = [one for one in check(saved.tar(list(files.items()))) if one.what == "diff-id"]
    assert (wrong.said, wrong.found) == (digest(b"another"), digest(saved.MIDDLE))
