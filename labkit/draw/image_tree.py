"""Images as branches of one tree: layers that several images have in common are its trunk, drawn and counted once.

``docker images --tree`` printed this until Docker 1.7. A layer is the same only on the same layers below, so what is
compared is the chain-id (OCI Image Specification, ``config.md``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from matplotlib.axes import Axes

from labkit.draw import marks, paper
from labkit.inside.stack import Layer, Stack

MOST = 24
"""Rows up to which every layer has one; beyond, chains without branches are folded, the longest first."""

ROW = 0.86
TAGS = 12.9
RIGHT = 17.7


@dataclass
class _Node:
    """One layer, or several that are folded: the images that have it, those that end with it, and what lies on it."""

    layers: list[Layer]
    images: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    on_it: list[_Node] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(layer.size for layer in self.layers)


@dataclass(frozen=True)
class _Row:
    """A node with its place: how far to the right, and the row that it hangs on; None for a lowest layer."""

    node: _Node
    depth: int
    below: int | None


def image_tree(stacks: Sequence[Stack]) -> None:
    """Draw the layers of images as a tree that grows downwards, each layer once, with the names where images end.

    Args:
        stacks: of one image each, as ``read_layers(host, name)`` gives them; of a container, its image's layers.

    Raises:
        ValueError: if there is no image.
    """
    if not stacks:
        raise ValueError("there is no image to draw: read_layers(host, name) reads one")
    roots = _grow(stacks)
    nodes = list(_all(roots))
    sentence = _sentence(len({stack.name for stack in stacks}), nodes)
    _fold(roots)
    rows = list(_rows(roots))
    heights = [ROW * max(1, len(row.node.ends)) for row in rows]
    axes = paper.sheet(18, sum(heights) + 0.9)
    step = min(0.8, 4.8 / max(1, *(row.depth for row in rows)))
    tops = [sum(heights) + 0.1 - sum(heights[:index]) for index in range(len(rows))]
    paper.write(axes, 0.4, sum(heights) + 0.5, "layers, the lowest first, and their sizes", at="left")
    paper.write(axes, TAGS, sum(heights) + 0.5, "images that end there", at="left")
    for row in rows:
        _connect(axes, row, rows, tops, step)
    for row, top in zip(rows, tops, strict=True):
        _draw(axes, row.node, 0.4 + step * row.depth, top)
    paper.show(axes, sentence)


def _grow(stacks: Sequence[Stack]) -> list[_Node]:
    """The lowest layers, with all that lies on them."""
    ground, known = _Node([]), dict[str, _Node]()
    for name, layers in {stack.name: stack.image for stack in stacks}.items():
        below, key = ground, ""
        for layer in layers:
            key = layer.chain_id or f"{key} {layer.directory}"
            if key not in known:
                known[key] = _Node([layer])
                below.on_it.append(known[key])
            below = known[key]
            below.images.append(name)
        below.ends.append(name)
    empty = [_Node([], ground.ends, ground.ends)] if ground.ends else []
    return empty + ground.on_it


def _all(nodes: Sequence[_Node]) -> Iterator[_Node]:
    for node in nodes:
        yield node
        yield from _all(node.on_it)


def _fold(roots: Sequence[_Node]) -> None:
    """Join chains without branches, but for the last layer of each, until there are few enough rows."""
    while len(nodes := list(_all(roots))) > MOST:
        longest = max((_chain(node) for node in nodes), key=len)
        if len(longest) < 2:
            return
        first, last = longest[0], longest[-1]
        first.layers = [layer for node in longest for layer in node.layers]
        first.on_it = last.on_it


def _chain(node: _Node) -> list[_Node]:
    """The layers from this one up that can be folded: one lies on the other, and no image ends with any."""
    chain = []
    while len(node.on_it) == 1 and not node.ends:
        chain.append(node)
        (node,) = node.on_it
    return chain


def _rows(roots: Sequence[_Node]) -> Iterator[_Row]:
    """The nodes from above to below: what lies on a layer follows it, to the right where there are several."""
    waiting: list[tuple[_Node, int, int | None]] = [(node, 0, None) for node in reversed(roots)]
    count = 0
    while waiting:
        node, depth, below = waiting.pop()
        yield _Row(node, depth, below)
        deeper = depth + (len(node.on_it) > 1)
        waiting += [(above, deeper, count) for above in reversed(node.on_it)]
        count += 1


def _connect(axes: Axes, row: _Row, rows: Sequence[_Row], tops: Sequence[float], step: float) -> None:
    """Draw the line from a layer to the one that it lies on: straight down, or down and to the right."""
    if row.below is None:
        return
    x = 0.4 + step * (rows[row.below].depth + 0.5)
    start, end = tops[row.below] - ROW / 2, tops[rows.index(row)] - ROW / 2
    axes.plot([x, x, 0.4 + step * (row.depth + 0.5)], [start, end, end], color=paper.INK, linewidth=1, zorder=0)


def _draw(axes: Axes, node: _Node, left: float, top: float) -> None:
    middle = top - ROW / 2
    shared = len(node.images) > 1
    width = TAGS - 0.5 - left
    paper.box(
        *(axes, left, top - ROW + 0.1, width, ROW - 0.2),
        face=paper.BLUE if shared else "white",
        thick=2 if shared else 1,
        line="-" if node.layers else "--",
    )
    words = _words(node)
    paper.write(axes, left + 1.75, middle, marks.size(node.size), at="right")
    room = width - 2.2 - 1.9 * shared
    paper.write(axes, left + 2.0, middle, words, at="left", size=8, mono=len(node.layers) == 1, room=room)
    if shared:
        paper.write(axes, left + width - 0.2, middle, f"in {len(node.images)} images", at="right")
    for index, name in enumerate(node.ends):
        y = top - ROW * index - ROW + 0.14
        paper.box(axes, TAGS, y, RIGHT - TAGS, ROW - 0.28, name, face=paper.SAND, mono=True, size=9)
        bend = [(left + width, middle), (TAGS - 0.25, middle), (TAGS - 0.25, middle - ROW * index)]
        axes.plot(*zip(*bend, (TAGS, middle - ROW * index), strict=True), color=paper.INK, linewidth=1, zorder=0)


def _words(node: _Node) -> str:
    if len(node.layers) != 1:
        return marks.amount(len(node.layers), "layer") if node.layers else "no layer"
    return command(node.layers[0])


def command(layer: Layer) -> str:
    """The line of the Dockerfile that made a layer, as far as its image's history tells."""
    words = " ".join(layer.command.split()).removesuffix(" # buildkit")
    words = re.sub(r"^/bin/sh -c #\(nop\) ", "", words)
    return re.sub(r"^(RUN )?/bin/sh -c ", "RUN ", words) or "(no command is told)"


def _sentence(images: int, nodes: Sequence[_Node]) -> str:
    total = sum(node.size * len(node.images) for node in nodes)
    disk = sum(node.size for node in nodes)
    common = [node for node in nodes if node.layers and len(node.images) > 1]
    count = sum(len(node.layers) for node in nodes)
    if images == 1:
        return f"1 image has {marks.amount(count, 'layer')} of {marks.size(disk)} together."
    said = f"{images} images whose sizes sum to {marks.size(total)} take {marks.size(disk)} on disk"
    if not common:
        return f"{said}: no layer is in more than one of them."
    shared = marks.size(sum(node.size for node in common))
    verb = "is" if len(common) == 1 else "are"
    return f"{said}: {len(common)} of the {marks.amount(count, 'layer')}, {shared}, {verb} in more than one of them."
