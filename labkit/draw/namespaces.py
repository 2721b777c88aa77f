"""Who sees the same: host and containers as columns, kinds of namespace as rows, each namespace as one shape."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count, groupby, permutations

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from labkit.draw import paper
from labkit.inside.namespaces import Comparison

MOST = 6
"""Containers beside the host on one sheet."""

SEES = {
    "cgroup": "root of the cgroups",
    "ipc": "queues, shared memory",
    "mnt": "mounted file systems",
    "net": "network",
    "pid": "process numbers",
    "time": "clocks since boot",
    "user": "user and group ids",
    "uts": "host name",
}
"""What a namespace of each kind holds: ``namespaces(7)``, in the order there."""

LEFT = 4.0
WIDTH = 18
HIGH = 0.72
LANE = 0.34


@dataclass(frozen=True)
class _Shape:
    """One namespace in a row: the runs of neighbouring columns that are in it, and the words in it."""

    runs: tuple[tuple[int, int], ...]
    words: str
    face: str
    lane: int = 0


def namespaces(comparison: Comparison) -> None:
    """Draw every namespace as one shape, which spans or connects those who are in it.

    The containers stand in the order in which most who share are neighbours.

    Args:
        comparison: the host first, then 1 to 6 containers.

    Raises:
        ValueError: if there is no container to compare, or more than there is room for.
    """
    names = comparison.names
    if not 2 <= len(names) <= MOST + 1:
        raise ValueError(f"there is room for 1 to {MOST} containers beside the host, not for {len(names) - 1}")
    order = _order(comparison)
    rows = {kind: _shapes([ids[column] for column in order]) for kind, ids in comparison.ids.items()}
    step = (WIDTH - LEFT - 0.3) / len(names)
    heads = [_wrap(names[column], step) for column in order]
    head = 0.5 + 0.32 * max(words.count("\n") + 1 for words in heads)
    top = sum(map(_height, rows.values())) + 0.15
    axes = paper.sheet(WIDTH, top + head + 0.1)
    for place, words in enumerate(heads):
        _column(axes, LEFT + place * step, step, top, head, words)
    for kind, shapes in rows.items():
        _row(axes, kind, shapes, top - _above(shapes), step)
        top -= _height(shapes)
    paper.show(axes, _sentence(comparison))


def _order(comparison: Comparison) -> tuple[int, ...]:
    """The columns, the host's first, so that as few namespaces as possible fall apart."""

    def pieces(order: Sequence[int]) -> int:
        return sum(len(list(groupby(ids[column] for column in order))) for ids in comparison.ids.values())

    return min(((0, *rest) for rest in permutations(range(1, len(comparison.names)))), key=pieces)


def _shapes(ids: Sequence[int]) -> list[_Shape]:
    """The namespaces of one row, left to right; one in pieces has a lane for what connects them."""
    lanes: dict[int, list[tuple[int, int]]] = {}
    shapes: list[_Shape] = []
    shared = [one for one in dict.fromkeys(ids) if ids.count(one) > 1 and one != ids[0]]
    for one in dict.fromkeys(ids):
        runs = _runs([place for place, other in enumerate(ids) if other == one])
        word, face = ("host's", paper.SAND) if one == ids[0] else ("own", "white")
        if one in shared:
            number = f" {shared.index(one) + 1}" if len(shared) > 1 else ""
            word, face = f"shared{number}", paper.BLUE
        lane = _lane(lanes, (runs[0][0], runs[-1][1])) if len(runs) > 1 else 0
        shapes.append(_Shape(tuple(runs), word, face, lane))
    return shapes


def _runs(places: Sequence[int]) -> list[tuple[int, int]]:
    """First and last of each run of neighbours."""
    groups = groupby(enumerate(places), key=lambda pair: pair[1] - pair[0])
    runs = [[place for _, place in group] for _, group in groups]
    return [(run[0], run[-1]) for run in runs]


def _lane(lanes: dict[int, list[tuple[int, int]]], span: tuple[int, int]) -> int:
    """The nearest lane below the row (1, 2 …) or above it (-1, -2 …) that is free from one column to another."""
    for lane in (side * number for number in count(1) for side in (1, -1)):
        if all(span[1] < first or last < span[0] for first, last in lanes.get(lane, [])):
            lanes.setdefault(lane, []).append(span)
            return lane
    raise AssertionError("there are lanes without end")


def _above(shapes: Sequence[_Shape]) -> float:
    return LANE * max(0, *(-shape.lane for shape in shapes))


def _height(shapes: Sequence[_Shape]) -> float:
    return HIGH + 0.28 + LANE * max(0, *(shape.lane for shape in shapes)) + _above(shapes)


def _column(axes: Axes, x: float, step: float, top: float, head: float, words: str) -> None:
    strip = Rectangle((x + 0.08, 0.1), step - 0.16, top + head - 0.1, facecolor=paper.PALE, edgecolor="none")
    axes.add_patch(strip)
    paper.write(axes, x + step / 2, top + head / 2, words, mono=True, size=_size(step), room=step - 0.3)


def _size(step: float) -> int:
    """Points of the letters above a column of this width."""
    return 8 if step < 2.5 else 10


def _wrap(name: str, step: float) -> str:
    """Break a name behind its hyphens into at most four lines of a column's width."""
    letters = int((step - 0.3) / (0.0169 * _size(step)))
    lines = [""]
    for part in re.split(r"(?<=-)", name):
        if len(lines[-1]) + len(part) <= letters or len(lines) == 4:
            lines[-1] += part
        else:
            lines.append(part)
    return "\n".join(filter(None, lines))


def _row(axes: Axes, kind: str, shapes: Sequence[_Shape], top: float, step: float) -> None:
    middle = top - HIGH / 2
    paper.write(axes, 0.3, middle + 0.15 * (kind in SEES), kind, at="left", mono=True, size=11)
    paper.write(axes, 0.3, middle - 0.2, SEES.get(kind, ""), at="left", size=8)
    for shape in sorted(shapes, key=lambda shape: -abs(shape.lane)):
        paper.comb(axes, list(_edges(shape, step)), top, HIGH, LANE * shape.lane, face=shape.face)
    for shape in shapes:
        for left, right in _edges(shape, step):
            paper.write(axes, (left + right) / 2, middle, shape.words, room=right - left - 0.1)


def _edges(shape: _Shape, step: float) -> Iterator[tuple[float, float]]:
    for first, last in shape.runs:
        yield LEFT + first * step + 0.2, LEFT + (last + 1) * step - 0.2


def _sentence(comparison: Comparison) -> str:
    together: dict[tuple[str, ...], list[str]] = {}
    for kind in comparison.ids:
        for who in comparison.groups(kind):
            together.setdefault(who, []).append(kind)
    everybody = {comparison.names: "all"} if len(comparison.names) > 2 else {}
    said = [
        f"{everybody.get(who) or paper.series(who, '')} share {paper.series(kinds, '')}"
        for who, kinds in together.items()
        if len(who) > 1
    ]
    if not said:
        return f"{paper.series(comparison.names, '')} share no namespace."
    alone = ["every other namespace is somebody's own"] if min(map(len, together)) == 1 else []
    return "; ".join([*said, *alone]) + "."
