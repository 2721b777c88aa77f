"""Where one path comes from, and what became of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit import errors
from labkit.inside.provenance import Hider, Provenance, provenance
from labkit.inside.stack import Stack
from labkit.local import LocalHost
from tests.inside.layerings import FOLDER, OPAQUE, WHITEOUT, Layer, Node
from tests.inside.test_union import mounting, written

pytestmark = mounting  # whoever may not mount may not make whiteouts either

FILE, GONE, CLOSED = Node("file"), Node(WHITEOUT), Node(OPAQUE, 0o755)

CASES: dict[str, tuple[list[Layer], str, Provenance]] = {
    "a file": ([{"a": FILE}, {}], "/a", Provenance("/a", 1)),
    "the root": ([{}, {}], "/", Provenance("/", 2, (1, 2))),
    "a file over a file": ([{"a": FILE}, {"a": FILE}], "/a", Provenance("/a", 2, (), {1: Hider("file", 2, "/a")})),
    "merged": ([{"a": FOLDER}, {}, {"a": FOLDER}], "/a", Provenance("/a", 3, (1, 3))),
    "a whiteout": (
        [{"a": FILE}, {"a": GONE}],
        "/a",
        Provenance("/a", None, (), {1: Hider("whiteout", 2, "/a")}, Hider("whiteout", 2, "/a")),
    ),
    "a whiteout of a folder": (
        [{"a": FOLDER, "a/b": FILE}, {"a": GONE}, {"a": FOLDER}],
        "/a/b",
        Provenance("/a/b", None, (), {1: Hider("whiteout", 2, "/a")}, Hider("whiteout", 2, "/a")),
    ),
    "opaque": (
        [{"a": FOLDER}, {"a": CLOSED}, {"a": FOLDER}],
        "/a",
        Provenance("/a", 3, (2, 3), {1: Hider("opaque", 2, "/a")}),
    ),
    "in an opaque one": (
        [{"a": FOLDER, "a/b": FILE}, {"a": CLOSED, "a/b": FILE}],
        "/a/b",
        Provenance("/a/b", 2, (), {1: Hider("opaque", 2, "/a")}),
    ),
    "a folder over a file": (
        [{"a": FOLDER}, {"a": FILE}, {"a": FOLDER}],
        "/a",
        Provenance("/a", 3, (3,), {1: Hider("folder", 3, "/a"), 2: Hider("folder", 3, "/a")}),
    ),
    "a file over a folder": (
        [{"a": FOLDER, "a/b": FILE}, {"a": FILE}],
        "/a/b",
        Provenance("/a/b", None, (), {1: Hider("file", 2, "/a")}, Hider("file", 2, "/a")),
    ),
    "removed and made again": (
        [{"a": FILE}, {"a": GONE}, {"a": FILE}],
        "/a",
        Provenance("/a", 3, (), {1: Hider("whiteout", 2, "/a")}),
    ),
    "a whiteout of nothing": ([{}, {"a": GONE}], "/a", Provenance("/a", None, removed=Hider("whiteout", 2, "/a"))),
}


def stack_in(folder: Path, layers: list[Layer]) -> Stack:
    """These layers, written into a folder."""
    return written(layers, folder)


@pytest.mark.parametrize(("layers", "path", "told"), CASES.values(), ids=CASES)
def test_one_path_is_told_with_all_that_is_hidden(
    layers: list[Layer], path: str, told: Provenance, tmp_path: Path
) -> None:
    """Each layer that has something at a path is told: where it is seen from, or what hides it, and where that is."""
    assert provenance(LocalHost(), stack_in(tmp_path, layers), path) == told


@pytest.mark.parametrize("path", ["/none", "/a/b/c"])
def test_what_no_layer_has_is_missing(path: str, tmp_path: Path) -> None:
    """A path that no layer has is an error that names the stack and the path."""
    with pytest.raises(errors.PathMissing, match=f"a test has {path}"):
        provenance(LocalHost(), stack_in(tmp_path, [{"a": FOLDER, "a/b": FILE}]), path)


def test_only_absolute_paths_are_asked_for(tmp_path: Path) -> None:
    """A path without its root is refused."""
    with pytest.raises(errors.HostError, match="not an absolute path"):
        provenance(LocalHost(), stack_in(tmp_path, [{}]), "etc")
