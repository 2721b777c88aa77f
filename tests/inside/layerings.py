"""Small stacks of layers as hypothesis invents them: written as directories, or as an image that ``docker load`` takes.

A layer is a table: path → what is there. A path that leads through what is no directory in its layer is left out.
"""

from __future__ import annotations

import io
import os
import posixpath
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hypothesis import strategies as st

from labkit import oci


class Node(NamedTuple):
    """What a layer has at one path."""

    kind: str
    mode: int = 0o644
    owner: int = 0
    text: str = ""
    device: tuple[int, int] = (0, 0)


WHITEOUT, OPAQUE = "whiteout", "opaque"
FOLDER = Node("folder", 0o755)
TYPES = {
    "file": tarfile.REGTYPE,
    "folder": tarfile.DIRTYPE,
    OPAQUE: tarfile.DIRTYPE,
    "link": tarfile.SYMTYPE,
    "same": tarfile.LNKTYPE,
    "pipe": tarfile.FIFOTYPE,
    "c": tarfile.CHRTYPE,
    "b": tarfile.BLKTYPE,
}

Layer = dict[str, Node]

PATHS = ["a", "a/b", "a/b/c", "a/b/c/d", "a/e", "a/ \n'", "f", "f/g", "f/\udcff\udcfe", "-n", "-n/*"]
NODES = [
    FOLDER,
    Node("folder", 0o1777, 4_000_000),
    Node("folder", 0o700, 65534),
    Node(OPAQUE, 0o755),
    Node(OPAQUE, 0o711, 12),
    Node("file", 0o4755),
    Node("file", 0o000, 123_456),
    Node("file", text="\0" * 4096 + "a hole before"),
    Node("link", 0o777, text="/nowhere"),
    Node("link", 0o777, 7, text="b"),
    Node("same"),
    Node("pipe", 0o620),
    Node("c", 0o666, device=(1, 3)),
    Node("b", 0o660, 3, device=(8, 1)),
    Node("c", 0o000, device=(0, 1)),
    Node(WHITEOUT),
    Node(WHITEOUT),
]


def layers() -> st.SearchStrategy[Layer]:
    """One layer."""
    return st.dictionaries(st.sampled_from(PATHS), st.sampled_from(NODES), max_size=7).map(sound)


def stacks() -> st.SearchStrategy[list[Layer]]:
    """Two to five layers, the lowest first."""
    return st.lists(layers(), min_size=2, max_size=5)


def sound(layer: Layer) -> Layer:
    """Give a layer the directories on the way, and leave out what is below a file, or a second name of nothing."""
    whole: Layer = {}
    for path in sorted(layer):
        around = [path[:at] for at, letter in enumerate(path) if letter == "/"]
        if all(whole.setdefault(folder, FOLDER).kind in ("folder", OPAQUE) for folder in around):
            whole[path] = layer[path]
    first = next((path for path, node in whole.items() if node.kind == "file"), "")
    return {
        path: node._replace(text=first) if node.kind == "same" else node
        for path, node in whole.items()
        if node.kind != "same" or (first and first < path)
    }


def below(folder: str, layer: Layer) -> Layer:
    """The same layer, all in a folder."""
    moved = {f"{folder}/{path}": node for path, node in layer.items()}
    links = {path: node._replace(text=f"{folder}/{node.text}") for path, node in moved.items() if node.kind == "same"}
    return {folder: FOLDER} | moved | links


def contents(number: int, node: Node) -> bytes:
    """What is in a file of a layer: first the number of the layer."""
    return f"{number}:{node.text}".encode()


def write_archive(tag: str, stack: Sequence[Layer], architecture: str, *, first: bytes = b"") -> bytes:
    """An image of these layers, for ``docker load``; ``first`` is the tar of one below them."""
    tars = [first] * bool(first) + [write_tar(number, layer) for number, layer in enumerate(stack, 1)]
    config = {
        "architecture": architecture,
        "config": {"Cmd": ["/none"], "Labels": {oci.LABEL: "image"}},
    }
    buffer = io.BytesIO()
    oci.write_archive(buffer, oci.Draft(config, tars, [tag]))
    return buffer.getvalue()


def write_tar(number: int, layer: Layer) -> bytes:
    """A layer as images have it: OCI Image Specification, ``layer.md``."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT, errors="surrogateescape") as tar:
        for path, node in layer.items():
            folder, name = posixpath.split(path)
            if node.kind == WHITEOUT:
                tar.addfile(tarfile.TarInfo(posixpath.join(folder, f".wh.{name}")))
                continue
            info = tarfile.TarInfo(path)
            info.type, info.mode, info.uid, info.gid = TYPES[node.kind], node.mode, node.owner, node.owner
            info.devmajor, info.devminor = node.device
            info.linkname, info.mtime = node.text if node.kind in ("link", "same") else "", 1_000_000_000 + number
            data = contents(number, node) if node.kind == "file" else b""
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
            if node.kind == OPAQUE:
                tar.addfile(tarfile.TarInfo(posixpath.join(path, ".wh..wh..opq")))
    return buffer.getvalue()


def write_folder(number: int, layer: Layer, folder: Path) -> None:
    """A layer as overlayfs has it; it takes root."""
    folder.mkdir(parents=True)
    for path, node in layer.items():
        where = folder / path
        match node.kind:
            case "folder" | "opaque":
                where.mkdir()
                if node.kind == OPAQUE:
                    os.setxattr(where, "trusted.overlay.opaque", b"y")
            case "file":
                where.write_bytes(contents(number, node))
            case "link":
                where.symlink_to(node.text)
            case "same":
                where.hardlink_to(folder / node.text)
                continue
            case "pipe":
                os.mkfifo(where)
            case "b":
                os.mknod(where, 0o60000, os.makedev(*node.device))
            case _:
                os.mknod(where, 0o20000, os.makedev(*node.device))
        os.chown(where, node.owner, node.owner, follow_symlinks=False)
        if node.kind != "link":
            where.chmod(node.mode)
