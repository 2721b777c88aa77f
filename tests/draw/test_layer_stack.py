"""The picture of which layer each file comes from."""

from __future__ import annotations

import stat
from itertools import pairwise

import pytest
from matplotlib.patches import FancyBboxPatch, Rectangle

from labkit import draw, images, sandbox
from labkit.daemon import Daemon
from labkit.draw.layer_stack import BOXES, FILES, MIDDLE
from labkit.host import Entry
from labkit.hosts import open_host
from labkit.inside.layers import read_layers
from labkit.inside.stack import Layer, Stack
from labkit.inside.union import Seen, read_visible
from tests.draw.conftest import Drawn


def seen(path: str, layer: int, *hides: int, mode: int = stat.S_IFREG) -> Seen:
    """A file; with the mode of a character device, a whiteout."""
    return Seen(path, Entry(path, mode, 1, 0, 0, 5, 1, 1, 0, 0, 0), layer, (), hides)


def deleted(path: str, layer: int, *hides: int) -> Seen:
    """A path that a whiteout takes away."""
    return seen(path, layer, *hides, mode=stat.S_IFCHR)


def stack(*kinds: str, name: str = "web") -> Stack:
    """Layers of these kinds, the lowest first."""
    layers = [Layer(n, kind, f"/{n}", command=f"RUN step {n}", size=1000 * n) for n, kind in enumerate(kinds, 1)]
    return Stack(name, "overlay2", tuple(layers))


WEB = stack("image", "image", "init", "own")
FEW = [
    Seen("/", seen("/", 4, mode=stat.S_IFDIR).entry, 4, (1, 2, 3, 4)),
    seen("/bin/sh", 1),
    seen("/etc/hosts", 3),
    deleted("/etc/motd", 4, 1, 2),
    seen("/etc/passwd", 2, 1),
    seen("/new", 4),
]
TALL = stack(*["image"] * 127, name="tall")
CASES = {
    "web": (
        FEW,
        WEB,
        "web shows 4 files of 4 layers: 1 from layer A, 1 from layer C, 1 from layer B and 1 from its own layer, D. "
        "1 file covers others and 1 path is deleted.",
    ),
    "one layer": ([seen("/hello", 1)], stack("image"), "web shows 1 file of 1 layer: 1 from layer A."),
    "no files": ([], stack("image"), "web shows 0 files of 1 layer."),
    "all deleted": (
        [deleted("/a", 2, 1), deleted("/b", 2, 1), deleted("/nothing", 2)],
        stack("image", "own"),
        "web shows 0 files of 2 layers. 2 paths are deleted.",
    ),
    "many files": (
        [seen(f"/bin/{n}", 1) for n in range(390)] + [seen("/z", 2)],
        stack("image", "own"),
        "web shows 391 files of 2 layers: 390 from layer A and 1 from its own layer, B.",
    ),
    "127 layers": (
        [seen(f"/file{n}", n, *(range(1, n) if n % 10 == 0 else ())) for n in range(1, 128)],
        TALL,
        "tall shows 127 files of 127 layers: 1 from layer A, 1 from layer B, 1 from layer C, 1 from layer D, "
        "1 from layer E and 122 from 122 other layers. 12 files cover others.",
    ),
    "127 layers, one file": ([seen("/x", 60, 7)], TALL, None),
    "127 layers, every tenth": ([seen(f"/x{n}", n) for n in range(10, 128, 10)], TALL, None),
    "a hundred covers": ([seen(f"/{n}", 2, 1) for n in range(100)], stack("image", "own"), None),
    "odd names": (
        [
            seen("/" + "long/" * 200, 1),
            seen("/" + "wide/" * 200, 2, 1),
            seen("/$a_b$ 日本\n\x1b[1m\udcff", 2),
            deleted("/" + "gone" * 100, 2, 1),
        ],
        stack("image", "own", name="$a_b$" * 40),
        None,
    ),
}
each_case = pytest.mark.parametrize(("files", "layers", "sentence"), CASES.values(), ids=CASES)


@each_case
def test_the_sentence_says_what_the_picture_shows(
    drawn: Drawn, capsys: pytest.CaptureFixture[str], files: list[Seen], layers: Stack, sentence: str | None
) -> None:
    """How many files come from which layer, and what is hidden, is one text, also of the one image."""
    draw.layer_stack(files, layers)
    out = capsys.readouterr().out
    assert sentence is None or out == sentence + "\n"
    assert [image.alt for image in drawn.images] == [out.rstrip("\n")]


@each_case
def test_words_stay_in_their_places(drawn: Drawn, files: list[Seen], layers: Stack, sentence: str | None) -> None:
    """However many layers and files there are and whatever their names, no words leave the sheet or cover others."""
    draw.layer_stack(files, layers)
    assert drawn.misplaced() == []


def rows(drawn: Drawn) -> list[list[str]]:
    """What is written on the right, line by line, from the left."""
    lines: dict[float, list[tuple[float, str]]] = {}
    for text in drawn.texts:
        x, y = text.get_position()
        if x >= MIDDLE:
            lines.setdefault(round(y, 3), []).append((x, text.get_text()))
    return [[words for _, words in sorted(lines[y])] for y in sorted(lines, reverse=True)][1:]


def titles(drawn: Drawn) -> list[str]:
    """The first line in each layer's box, from above."""
    left = [text for text in drawn.texts if text.get_position()[0] == 1.65]
    return [text.get_text() for text in sorted(left, key=lambda text: -text.get_position()[1])][::2]


def struck(drawn: Drawn) -> int:
    """How many lines strike something out."""
    return len(drawn.sheets[-1].lines)


def test_each_file_has_the_mark_of_its_layer(drawn: Drawn) -> None:
    """Files stand in their order, each behind its layer's letter, with what it hides; directories are left out."""
    draw.layer_stack(FEW, WEB)
    assert rows(drawn) == [
        ["A", "/bin/sh"],
        ["C", "/etc/hosts"],
        ["D", "/etc/motd", "deletes", "B", "A"],
        ["B", "/etc/passwd", "covers", "A"],
        ["D", "/new"],
    ]


def test_what_is_not_seen_is_struck_out(drawn: Drawn) -> None:
    """A deleted path and each hidden layer's mark have a line through them, nothing else has."""
    draw.layer_stack(FEW, WEB)
    assert struck(drawn) == 4
    draw.layer_stack([seen("/bin/sh", 1), seen("/new", 4)], WEB)
    assert struck(drawn) == 0


def test_the_uppermost_layer_is_on_top(drawn: Drawn) -> None:
    """Layers stand as they lie on each other, the container's own with a thicker line, each with what it counts."""
    draw.layer_stack(FEW, WEB)
    assert titles(drawn) == [
        "the container's own, writable",
        "the daemon's, for this container",
        "RUN step 2",
        "RUN step 1",
    ]
    boxes = [patch for patch in drawn.sheets[-1].patches if isinstance(patch, FancyBboxPatch)]
    assert [box.get_linewidth() > 1 for box in boxes] == [True, False, False, False]
    assert {"4 kB, 1 file seen", "1 kB, 1 file seen, 2 hidden"} <= set(drawn.words)


def test_marks_are_the_same_on_both_sides(drawn: Drawn) -> None:
    """A layer's mark has one pattern, in the stack and beside every file."""
    draw.layer_stack(FEW, WEB)
    patches = [patch for patch in drawn.sheets[-1].patches if isinstance(patch, Rectangle)]
    letters = {text.get_position(): text.get_text() for text in drawn.texts if len(text.get_text()) == 1}
    looks: dict[str, set[str]] = {}
    for pattern, frame in pairwise(patches):
        middle = frame.get_x() + frame.get_width() / 2, frame.get_y() + frame.get_height() / 2
        for (x, y), name in letters.items():
            if abs(x - middle[0]) + abs(y - middle[1]) < 0.01:
                looks.setdefault(name, set()).add(f"{pattern.get_facecolor()}{pattern.get_hatch()}")
    assert sorted(looks) == ["A", "B", "C", "D"]
    assert [len(found) for found in looks.values()] == [1, 1, 1, 1]
    assert len(set.union(*looks.values())) == 4


def test_a_file_of_each_layer_is_listed(drawn: Drawn) -> None:
    """Of many files so many as there is room for are listed, of every layer one at least; the rest is counted."""
    draw.layer_stack(CASES["many files"][0], CASES["many files"][1])
    found = rows(drawn)
    assert len(found) == FILES + 1
    assert found[-2:] == [["B", "/z"], ["and 361 more: 361 from A"]]


def test_what_hides_something_is_listed_first(drawn: Drawn) -> None:
    """A file that covers another is listed although a thousand others come before it."""
    draw.layer_stack([*(seen(f"/{n}", 2) for n in range(1000)), seen("/z", 2, 1)], stack("image", "own"))
    assert ["B", "/z", "covers", "A"] in rows(drawn)


def test_many_hidden_layers_are_counted(drawn: Drawn) -> None:
    """Of the layers that a file hides the upper two have marks, the others a number."""
    draw.layer_stack([seen("/x", 5, 1, 2, 3, 4)], stack(*["image"] * 5))
    assert rows(drawn) == [["E", "/x", "covers", "D", "C", "+2"]]


def test_a_tall_stack_is_folded(drawn: Drawn) -> None:
    """Layers between those that have a file listed share a box, and every file and byte is counted in one."""
    draw.layer_stack([seen("/x", 60, 7)], TALL)
    assert titles(drawn)[0] == "RUN step 127"
    assert titles(drawn)[-3:] == ["RUN step 60", "58 layers", "RUN step 1"]
    assert len(titles(drawn)) == BOXES
    folded = [int(title.split()[0]) for title in titles(drawn) if title.endswith(" layers")]
    assert sum(folded) + BOXES - len(folded) == 127


def test_a_stack_without_layers_cannot_be_drawn(drawn: Drawn) -> None:
    """Without a layer there is no picture, and the error has the name."""
    with pytest.raises(ValueError, match="scratch has no layer"):
        draw.layer_stack([], stack(name="scratch"))
    assert drawn.images == []


@pytest.mark.daemon
def test_a_real_container_is_drawn(
    drawn: Drawn, capsys: pytest.CaptureFixture[str], daemon: Daemon, world: str
) -> None:
    """A file that was written, one that was written over and one that was deleted, as the daemon's host shows them."""
    host = open_host(daemon)
    with sandbox.run(images.ensure(daemon), ["sleep", "1000"], daemon=daemon) as box:
        box.sh("echo > /new; echo >> /etc/passwd; rm /etc/group")
        layers = read_layers(host, box)
        draw.layer_stack(read_visible(host, layers, deleted=True), layers)
    assert layers.own
    own = chr(ord("A") + layers.own.number - 1)
    assert {(own, "/new"), (own, "/etc/passwd", "covers", "A"), (own, "/etc/group", "deletes", "A")} <= {
        tuple(row) for row in rows(drawn)
    }
    assert "1 path is deleted" in capsys.readouterr().out
    assert drawn.misplaced() == []
