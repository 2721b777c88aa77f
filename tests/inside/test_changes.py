"""What a container has changed is what `docker diff` says."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit import errors, images, parts, sandbox
from labkit.daemon import Daemon
from labkit.host import Host
from labkit.inside.changes import read_changes
from labkit.inside.layers import read_layers
from labkit.inside.stack import Layer, Stack
from labkit.local import LocalHost
from tests.inside import layerings
from tests.inside.layerings import FOLDER, OPAQUE, WHITEOUT, Node
from tests.inside.test_union import STACKS, mounting

FILE, GONE, CLOSED = Node("file"), Node(WHITEOUT), Node(OPAQUE, 0o755)


def container(layers: list[layerings.Layer], folder: Path) -> Stack:
    """The stack of a container whose own layer is the last of these."""
    written = []
    for number, layer in enumerate(layers, 1):
        layerings.write_folder(number, layer, folder / str(number))
        written.append(Layer(number, "own" if number == len(layers) else "image", str(folder / str(number))))
    return Stack("a test", "overlay2", tuple(written))


CASES: dict[str, tuple[list[layerings.Layer], list[str]]] = {
    "nothing": ([{"a": FILE}, {}], []),
    "added": ([{}, {"a": FOLDER, "a/b": FILE}], ["A /a", "A /a/b"]),
    "changed": ([{"a": FOLDER, "a/b": FILE}, {"a": FOLDER, "a/b": Node("file", 0o600)}], ["C /a", "C /a/b"]),
    "deleted": ([{"a": FOLDER, "a/b": FILE}, {"a": FOLDER, "a/b": GONE}], ["C /a", "D /a/b"]),
    "deleted with all in it": ([{"a": FOLDER, "a/b": FILE}, {"a": GONE}], ["D /a"]),
    "only looked at": ([{"a": FOLDER, "a/b": FILE}, {"a": FOLDER}], []),
    "only its mode": ([{"a": FOLDER}, {"a": Node("folder", 0o700)}], ["C /a"]),
    "made anew": ([{"a": FOLDER, "a/b": FILE, "a/c": FILE}, {"a": CLOSED, "a/c": FILE}], ["C /a", "D /a/b", "C /a/c"]),
    "made anew, deep": (
        [{"a": FOLDER, "a/b": FOLDER, "a/b/c": FILE}, {"a": CLOSED, "a/b": FOLDER}],
        ["C /a", "C /a/b", "D /a/b/c"],
    ),
    "a folder where a file was": ([{"a": FILE}, {"a": CLOSED, "a/b": FILE}], ["C /a", "A /a/b"]),
    "a file where a folder was": ([{"a": FOLDER, "a/b": FILE}, {"a": FILE}], ["C /a"]),
    "back again": ([{"a": FILE}, {"a": GONE}, {"a": FILE}], ["A /a"]),
    "deleted twice": ([{"a": FILE}, {"a": GONE}, {"a": GONE}], []),
}


@mounting
@pytest.mark.parametrize(("layers", "told"), CASES.values(), ids=CASES)
def test_a_change_is_told_with_its_folders(layers: list[layerings.Layer], told: list[str], tmp_path: Path) -> None:
    """A folder counts as changed when something in it did, and of one that went, only itself is told."""
    assert [str(change) for change in read_changes(LocalHost(), container(layers, tmp_path))] == told


def test_an_image_has_no_changes(tmp_path: Path) -> None:
    """To ask for an image's changes is an error that says what has some."""
    image = Stack("an image", "overlay2", (Layer(1, "image", str(tmp_path)),))
    with pytest.raises(errors.HostError, match="an image is an image"):
        next(read_changes(LocalHost(), image))


# --- The daemon -----------------------------------------------------------------------------------------------

BELOW: list[layerings.Layer] = [
    {
        "d": FOLDER,
        "d/one": FILE,
        "d/two": FILE,
        "d/e": Node("folder", 0o700, 7),
        "d/e/three": FILE,
        "d/e/grün\n": FILE,
        "link": Node("link", 0o777, text="d"),
        "far": Node("link", 0o777, text="/nowhere"),
        "gone": FILE,
        "closed": FOLDER,
        "closed/four": FILE,
        "pipe": Node("pipe"),
        "null": Node("c", 0o666, device=(1, 3)),
    },
    {
        "gone": GONE,
        "closed": CLOSED,
        "closed/five": FILE,
        "d": FOLDER,
        "d/same": FILE,
        "d/again": Node("same", text="d/same"),
    },
]
"""What is below a container's own layer, beside busybox."""

PLACES = [
    "d",
    "d/one",
    "d/same",
    "d/e",
    "d/e/three",
    "'d/e/grün\n'",
    "link",
    "far",
    "gone",
    "closed",
    "closed/four",
    "new",
]

DEEDS = [
    "rm -rf {0}",
    "mkdir -p {0}",
    "echo {1} >{0}",
    "echo {1} >>{0}/in",
    "chmod 700 {0}",
    "chmod 644 {0}",
    "chown 7 {0}",
    "touch {0}",
    "touch {0}/t && rm {0}/t",
    "touch -d 2001-09-09 {0}",
    "mv {0} {1}",
    "mv {0} {1}/",
    "ln -f {0} {1}",
    "ln -sfn {0} {1}",
    "cp -a {0} {1}",
    "cp -a {0} x && rm -rf {0} && mv x {0}",
    "mknod {0} c 1 3",
    "mkfifo {0}",
]


def deeds() -> st.SearchStrategy[list[str]]:
    """Lines of shell; some of them will fail."""
    place = st.sampled_from(PLACES)
    return st.lists(st.builds(str.format, st.sampled_from(DEEDS), place, place), min_size=1, max_size=12)


@pytest.fixture(scope="module")
def image(daemon: Daemon) -> Iterator[str]:
    """An image with a shell and something to change, removed with the module."""
    tag = f"labkit/test-{secrets.token_hex(4)}:latest"
    busybox = images.write_layer(images.busybox_files(parts.find(daemon.architecture)))
    images.load(daemon, layerings.write_archive(tag, BELOW, daemon.architecture, first=busybox), "a test's layers")
    yield tag
    daemon.client.api.remove_image(tag)


def said(daemon: Daemon, box: sandbox.Box) -> list[str]:
    """What `docker diff` says, in the order of the paths: its own is random within a folder."""
    told = daemon.client.api.diff(box.id) or []
    return [
        f"{'CAD'[one['Kind']]} {one['Path']}" for one in sorted(told, key=lambda one: one["Path"].encode().split(b"/"))
    ]


@pytest.mark.daemon
@given(deeds())
@settings(max_examples=STACKS // 4)
def test_changes_are_what_docker_diff_says(daemon: Daemon, host: Host, image: str, lines: list[str]) -> None:
    """After any deeds in a container, running or ended, the changes are those of `docker diff`."""
    with sandbox.run(image, "cat", stdin_open=True, daemon=daemon, what="test") as box:
        box.sh("; ".join(f"({line}) 2>/dev/null" for line in lines) + "; true")
        stack = read_layers(host, box)
        assert [str(change) for change in read_changes(host, stack)] == said(daemon, box)
        daemon.client.api.kill(box.id)
        box.wait()
        assert [str(change) for change in read_changes(host, stack)] == said(daemon, box)
