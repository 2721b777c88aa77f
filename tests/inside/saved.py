"""Tars as ``docker save`` writes them, small ones, and what a stranger could make of them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import random
import tarfile
from collections.abc import Sequence
from typing import Any

from labkit.oci import Draft, Item, digest, write_archive, write_layer

LOWER = write_layer(
    {"etc/passwd": Item(b"root\n"), "etc/motd": Item(b"hello\n"), "d/one": Item(b"1"), "sh": Item(b"#!")}
)
MIDDLE = write_layer({"etc/.wh.motd": Item(b""), "d/.wh..wh..opq": Item(b""), "d/two": Item(b"22")})
UPPER = write_layer({".wh.sh": Item(b""), "new/file": Item(b"new\n"), "new/link": Item(link="file")})
HISTORY = [
    {"created_by": "ADD lower"},
    {"created_by": "ENV X=1", "empty_layer": True},
    {"created_by": "RUN middle"},
    {"created_by": "RUN upper"},
]
CONFIG: dict[str, Any] = {"architecture": "amd64", "os": "linux", "config": {"Cmd": ["sh"]}, "history": HISTORY}


def tar(members: Sequence[tuple[str, bytes | str]]) -> bytes:
    """A tar of files, name and contents; contents that are a text make a symbolic link to it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT, errors="surrogateescape") as file:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
            else:
                info.size = len(content)
            file.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return buffer.getvalue()


def files(data: bytes) -> dict[str, bytes | str]:
    """The members of a tar as ``tar()`` takes them."""
    with tarfile.open(fileobj=io.BytesIO(data)) as file:
        found = [member for member in file if not member.isdir()]
        return {m.name: m.linkname if m.issym() else file.extractfile(m).read() for m in found}  # type: ignore[union-attr]


def oci(*, packed: bool = False) -> bytes:
    """Two images with a layer in common, as engines write them since 25; packed as the containerd store has them."""
    layers = [gzip.compress(layer, mtime=0) if packed else layer for layer in (LOWER, MIDDLE, UPPER)]
    buffer = io.BytesIO()
    small = {**CONFIG, "history": HISTORY[:1]}
    write_archive(buffer, Draft(CONFIG, layers, ["app:1", "app:2"]), Draft(small, layers[:1], ["base:1"]))
    return buffer.getvalue()


def docker() -> bytes:
    """The same images as engines before 25 write them: a folder for each layer; the layer in common is linked to."""
    members: list[tuple[str, bytes | str]] = []
    entries = []
    first = _name(b"base")
    for tags, layers in ((["base:1"], [LOWER]), (["app:1", "app:2"], [LOWER, MIDDLE, UPPER])):
        folders = [_name(tags[0].encode() + layer) if len(layers) > 1 else first for layer in layers]
        for folder, layer in zip(folders, layers, strict=True):
            linked = layer == LOWER and folder != first
            members += [(f"{folder}/VERSION", b"1.0"), (f"{folder}/json", b'{"os":"linux"}')]
            members.append((f"{folder}/layer.tar", f"../{first}/layer.tar" if linked else layer))
        rootfs = {"type": "layers", "diff_ids": list(map(digest, layers))}
        config = json.dumps({**CONFIG, "history": HISTORY[: 4 if len(layers) > 1 else 1], "rootfs": rootfs}).encode()
        name = f"{_name(config)}.json"
        members.append((name, config))
        entries.append({"Config": name, "RepoTags": tags, "Layers": [f"{folder}/layer.tar" for folder in folders]})
    members += [("manifest.json", json.dumps(entries).encode()), ("repositories", b"{}")]
    return tar(members)


def _name(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def mutated(data: bytes, dice: random.Random) -> bytes:
    """The tar with some of its bytes changed, lost, doubled or moved; mostly in a header or a text."""
    found = bytearray(data)
    for _ in range(dice.choice((1, 1, 2, 5, 30))):
        place = dice.randrange(len(found) or 1)
        if dice.random() < 0.5:
            place = place // 512 * 512 + dice.choice((0, 100, 124, 130, 136, 148, 156, 157, 257, 345))
        what = dice.randrange(6)
        if what == 0 and place < len(found):
            found[place] ^= 1 << dice.randrange(8)
        elif what == 1:
            found[place : place + 12] = dice.choice(
                (b"77777777777\0", b"\x80" + b"\xff" * 11, b"-0000000001\0", b"\0" * 12)
            )
        elif what == 2:
            del found[place : place + dice.randrange(2000)]
        elif what == 3:
            found[place:place] = dice.randbytes(dice.randrange(700))
        elif what == 4:
            there = dice.randrange(len(found) or 1)
            found[place : place + 512] = found[there : there + 512]
        else:
            _mend(found, place // 512 * 512, dice)
    return bytes(found)


def _mend(found: bytearray, start: int, dice: random.Random) -> None:
    """Give a block another type or size, and the sum that makes it a header."""
    block = found[start : start + 512]
    if len(block) == 512:
        block[156:157] = dice.choice((b"x", b"g", b"L", b"K", b"S", b"1", b"2", b"3", b"5", b"0", b"\0"))
        block[124:136] = f"{dice.choice((0, 1, 511, 512, 4096, 1 << 31)):011o}\0".encode()
        block[148:156] = f"{sum(block[:148]) + sum(block[156:]) + 256:06o}\0 ".encode()
        found[start : start + 512] = block
