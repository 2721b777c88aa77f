"""The tree of images, whose common layers are drawn and counted once."""

from __future__ import annotations

import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import FancyBboxPatch

from labkit import draw, images, sandbox
from labkit.daemon import Daemon
from labkit.draw import paper
from labkit.draw.image_tree import MOST, command
from labkit.hosts import open_host
from labkit.inside.layers import read_layers
from labkit.inside.stack import Layer, Stack
from tests.draw.conftest import Drawn


def image(name: str, *layers: tuple[str, int, str]) -> Stack:
    """An image of layers, each with its chain-id, size and command; the lowest first."""
    return Stack(
        name,
        "overlay2",
        tuple(Layer(n, "image", f"/{chain}", "", chain, line, size) for n, (chain, size, line) in enumerate(layers, 1)),
    )


def steps(name: str, count: int, size: int = 1000) -> list[tuple[str, int, str]]:
    """So many layers of one size."""
    return [(f"{name}{number}", size, f"RUN {name} {number}") for number in range(count)]


BASE = ("base", 1_190_000, "labkit: labkit/busybox from local parts")
LIBRARY = ("library", 48_200_000, "COPY lib /lib # buildkit")
WEB = [
    image("busybox", BASE),
    image("web:1", BASE, LIBRARY, ("one", 21_000, "COPY app.py /srv # buildkit")),
    image("web:2", BASE, LIBRARY, ("two", 23_000, "COPY app.py /srv # buildkit")),
    image("web:latest", BASE, LIBRARY, ("two", 23_000, "COPY app.py /srv # buildkit")),
    image("db", ("rootfs", 80_000_000, "ADD rootfs.tar /"), ("init", 120_000, "RUN initdb")),
]
STAIRS = [image(f"stairs-{n}:latest", *steps("common", n + 1), *steps(f"own{n} ", n % 4)) for n in range(12)]
CASES = {
    "one layer": ([image("busybox", BASE)], "1 image has 1 layer of 1.19 MB together."),
    "no layer": ([image("scratch")], "1 image has 0 layers of 0 B together."),
    "nothing shared": (
        [image("a", *steps("a", 2)), image("b", *steps("b", 1))],
        "2 images whose sizes sum to 3 kB take 3 kB on disk: no layer is in more than one of them.",
    ),
    "web": (
        WEB,
        "5 images whose sizes sum to 230 MB take 130 MB on disk: 3 of the 6 layers, 49.4 MB, "
        "are in more than one of them.",
    ),
    "the same twice": (
        [image("a", BASE), image("a", BASE)],
        "1 image has 1 layer of 1.19 MB together.",
    ),
    "two names": (
        [image("a", BASE), image("b", BASE)],
        "2 images whose sizes sum to 2.38 MB take 1.19 MB on disk: 1 of the 1 layer, 1.19 MB, "
        "is in more than one of them.",
    ),
    "127 layers": (
        [image("tall", *steps("x", 127)), image("less", *steps("x", 100)), image("empty"), image("none")],
        "4 images whose sizes sum to 227 kB take 127 kB on disk: 100 of the 127 layers, 100 kB, "
        "are in more than one of them.",
    ),
    "stairs": (STAIRS, None),
    "comb": ([image(f"comb-{n}", BASE, *steps(f"tooth{n} ", 3)) for n in range(12)], None),
    "forest": ([image(f"tree-{n}", *steps(f"tree{n} ", 1)) for n in range(40)], None),
    "no chain-ids": ([image("a", ("", 5, "")), image("b", ("", 5, ""))], None),
    "odd names": (
        [
            image(
                "registry.example.org:5000/" + "deep/" * 30 + "name:tag", ("x", 10**12, "RUN \n\t\\\n  " + "y" * 999)
            ),
            image("$a_b$ 日本", ("x", 10**12, ""), ("z", 0, "RUN echo $a_b$ '日本' \x1b[1m")),
        ],
        None,
    ),
}
each_case = pytest.mark.parametrize(("stacks", "sentence"), CASES.values(), ids=CASES)


@each_case
def test_the_sentence_says_what_the_picture_shows(
    drawn: Drawn, capsys: pytest.CaptureFixture[str], stacks: list[Stack], sentence: str | None
) -> None:
    """Sum, bytes on disk and what is shared are in one sentence, which is the alternative text of the one image."""
    draw.image_tree(stacks)
    out = capsys.readouterr().out
    assert sentence is None or out == sentence + "\n"
    assert [image.alt for image in drawn.images] == [out.rstrip("\n")]


@each_case
def test_words_stay_in_their_places(drawn: Drawn, stacks: list[Stack], sentence: str | None) -> None:
    """However many layers there are and whatever they are called, no words leave the sheet or their box."""
    draw.image_tree(stacks)
    assert drawn.misplaced() == []


def boxes(drawn: Drawn) -> list[FancyBboxPatch]:
    """Layers, each followed by the names that end there."""
    return [patch for patch in drawn.sheets[-1].patches if isinstance(patch, FancyBboxPatch)]


def words_in(drawn: Drawn, box: FancyBboxPatch) -> list[str]:
    """What stands in a box, from the left."""
    place = box.get_window_extent()
    inside = [text for text in drawn.texts if place.contains(*text.get_window_extent().get_points().mean(axis=0))]
    return [text.get_text() for text in sorted(inside, key=lambda text: text.get_window_extent().x0)]


def layers(drawn: Drawn) -> list[tuple[float, list[str]]]:
    """The boxes of layers from above: left edge and words."""
    found = [box for box in boxes(drawn) if to_hex(box.get_facecolor()) != paper.SAND]
    found.sort(key=lambda box: -box.get_y())
    return [(round(box.get_x(), 2), words_in(drawn, box)) for box in found]


def test_a_common_layer_is_drawn_once(drawn: Drawn) -> None:
    """Each layer has one box with size and command, further right where several lie on one, and says who has it."""
    draw.image_tree(WEB)
    assert layers(drawn) == [
        (0.4, ["1.19 MB", "labkit: labkit/busybox from local parts", "in 4 images"]),
        (0.4, ["48.2 MB", "COPY lib /lib", "in 3 images"]),
        (1.2, ["21 kB", "COPY app.py /srv"]),
        (1.2, ["23 kB", "COPY app.py /srv", "in 2 images"]),
        (0.4, ["80 MB", "ADD rootfs.tar /"]),
        (0.4, ["120 kB", "RUN initdb"]),
    ]


def test_names_stand_where_images_end(drawn: Drawn) -> None:
    """Beside the last layer of each image is its name, and below it a second name of the same."""
    draw.image_tree(WEB)
    names = {words_in(drawn, box)[0]: box for box in boxes(drawn) if to_hex(box.get_facecolor()) == paper.SAND}
    rows = [box for box in boxes(drawn) if to_hex(box.get_facecolor()) != paper.SAND]
    beside = {
        name: [words_in(drawn, row)[0] for row in rows if abs(_middle(row) - _middle(box)) < 0.01]
        for name, box in names.items()
    }
    assert beside == {
        "busybox": ["1.19 MB"],
        "web:1": ["21 kB"],
        "web:2": ["23 kB"],
        "web:latest": [],
        "db": ["120 kB"],
    }
    assert _middle(names["web:2"]) - _middle(names["web:latest"]) == pytest.approx(0.86)


def _middle(box: FancyBboxPatch) -> float:
    return box.get_y() + box.get_height() / 2


def test_shared_layers_differ_without_colour(drawn: Drawn) -> None:
    """The box of a shared layer has a thicker line."""
    draw.image_tree(WEB)
    shared = [any(words.startswith("in ") for words in words_in(drawn, box)) for box in boxes(drawn)]
    assert [box.get_linewidth() > 1 for box in boxes(drawn)] == shared


@pytest.mark.parametrize(("case", "rows"), [("127 layers", 5), ("stairs", 26)])
def test_long_chains_are_folded(drawn: Drawn, case: str, rows: int) -> None:
    """Where there are many layers, chains without branches are one box each, and no layer is lost."""
    draw.image_tree(CASES[case][0])
    found = layers(drawn)
    assert len(found) == rows
    folded = [int(words[1].split()[0]) for _, words in found if words[1].endswith(" layers")]
    count = len({layer.chain_id for stack in CASES[case][0] for layer in stack.layers})
    assert sum(folded) + len([words for _, words in found if words[1].startswith("RUN")]) == count


def test_few_layers_are_not_folded(drawn: Drawn) -> None:
    """As long as there is room, every layer has its box, also in a long chain."""
    draw.image_tree([image("tall", *steps("x", MOST))])
    assert [words[1] for _, words in layers(drawn)] == [f"RUN x {number}" for number in range(MOST)]


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ('/bin/sh -c #(nop)  CMD ["sh"]', 'CMD ["sh"]'),
        ("/bin/sh -c apt-get update  \t && true", "RUN apt-get update && true"),
        ("RUN /bin/sh -c apt-get update # buildkit", "RUN apt-get update"),
        ("COPY a /b # buildkit", "COPY a /b"),
        ("", "(no command is told)"),
    ],
)
def test_commands_are_those_of_the_dockerfile(told: str, line: str) -> None:
    """What either builder writes into the history becomes the line of the Dockerfile again."""
    assert command(Layer(1, "image", "/x", command=told)) == line


def test_nothing_cannot_be_drawn(drawn: Drawn) -> None:
    """Without images there is no picture, and the error says what reads one."""
    with pytest.raises(ValueError, match=r"read_layers\(host, name\)"):
        draw.image_tree([])
    assert drawn.images == []


@pytest.mark.daemon
def test_real_images_are_drawn(drawn: Drawn, daemon: Daemon, world: str) -> None:
    """Of an image that was committed on busybox, and busybox itself, busybox's layer is the trunk."""
    base, host = images.ensure(daemon), open_host(daemon)
    with sandbox.run(base, ["sleep", "1000"], daemon=daemon) as box:
        box.sh("head -c 5000 /bin/busybox > /five")
        daemon.client.api.commit(box.id, f"{world}/five", "1")
    draw.image_tree([read_layers(host, name, daemon=daemon) for name in (base, f"{world}/five:1")])
    (_, below), (_, above) = layers(drawn)
    assert (below[-1], above[0]) == ("in 2 images", "5 kB")
    assert drawn.misplaced() == []
