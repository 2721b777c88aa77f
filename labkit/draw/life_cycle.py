"""The states of a container, the commands and events that move it, and the way that one container has gone."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from labkit.draw import paper
from labkit.inside.life import Life, Step

MOST = 12
"""Changes of state that are listed on one sheet; of a longer life the first and the last ones."""

WIDE, HIGH = 2.3, 1.1
TOP = 9.5
PLACES = {
    "created": (2.9, 5.2),
    "running": (7.4, 5.2),
    "exited": (12.5, 5.2),
    "removing": (16.65, 5.2),
    "paused": (7.4, 8.6),
    "restarting": (7.4, 1.8),
    "dead": (16.65, 8.6),
    "removed": (16.65, 1.8),
}
"""The middle of each state's box."""

BIRTH = (0.45, 5.2)


@dataclass(frozen=True)
class _Edge:
    """An arrow between two states.

    Attributes:
        points: the corners on its way.
        words: the commands and events that move a container along it.
        at: where the words stand: their middle, or the edge that ``side`` names.
        pin: where its numbers stand, on the arrow.
    """

    points: tuple[tuple[float, float], ...]
    words: str
    at: tuple[float, float]
    pin: tuple[float, float]
    side: str = "center"


EDGES = {
    ("", "created"): _Edge((BIRTH, (1.75, 5.2)), "create", (1.0, 5.7), (1.0, 5.2)),
    ("created", "running"): _Edge(((4.05, 5.2), (6.25, 5.2)), "start", (5.1, 5.7), (5.0, 5.2)),
    ("running", "paused"): _Edge(((7.0, 5.75), (7.0, 8.05)), "pause", (6.8, 6.4), (7.0, 7.3), "right"),
    ("paused", "running"): _Edge(((7.8, 8.05), (7.8, 5.75)), "unpause", (8.0, 7.3), (7.8, 6.5), "left"),
    ("paused", "exited"): _Edge(
        ((8.55, 8.6), (12.5, 8.6), (12.5, 5.75)), "kill, die", (12.7, 7.4), (10.5, 8.6), "left"
    ),
    ("running", "exited"): _Edge(
        ((8.55, 5.5), (11.35, 5.5)), "die: after stop, kill\nor by itself", (9.95, 6.15), (9.8, 5.5)
    ),
    ("exited", "running"): _Edge(((11.35, 4.9), (8.55, 4.9)), "start, restart", (9.95, 4.4), (10.1, 4.9)),
    ("running", "restarting"): _Edge(
        ((7.0, 4.65), (7.0, 2.35)), "die, and a\nrestart policy", (6.8, 3.1), (7.0, 4.0), "right"
    ),
    ("restarting", "running"): _Edge(((7.8, 2.35), (7.8, 4.65)), "start", (8.0, 3.9), (7.8, 3.1), "left"),
    ("restarting", "exited"): _Edge(
        ((8.55, 1.8), (12.5, 1.8), (12.5, 4.65)), "stop", (12.3, 3.2), (10.5, 1.8), "right"
    ),
    ("exited", "removing"): _Edge(((13.65, 5.4), (15.5, 5.4)), "rm, --rm", (14.55, 5.9), (14.4, 5.4)),
    ("created", "removing"): _Edge(
        ((2.9, 4.65), (2.9, 0.6), (14.4, 0.6), (14.4, 4.95), (15.5, 4.95)), "rm", (3.1, 3.5), (5.0, 0.6), "left"
    ),
    ("removing", "removed"): _Edge(((16.65, 4.65), (16.65, 2.35)), "destroy", (16.45, 3.0), (16.65, 3.7), "right"),
    ("removing", "dead"): _Edge(((16.25, 5.75), (16.25, 8.05)), "rm fails", (16.05, 7.3), (16.25, 6.5), "right"),
    ("dead", "removing"): _Edge(((17.05, 8.05), (17.05, 5.75)), "rm", (17.25, 6.5), (17.05, 7.3), "left"),
}


def life_cycle(life: Life) -> None:
    """Draw all states of a container, and the way that this one has gone: thick, and numbered.

    Where the daemon tells only of a beginning and an end (``destroy`` of one that ran), the way in between is the
    shortest one.

    Args:
        life: what ``read_life(box)`` found; a picture asks no daemon, so that it cannot be a box.
    """
    listed = life.listed(MOST)
    below = 0.45 * math.ceil(len(listed) / 2)
    axes = paper.sheet(18, TOP + below)
    axes.set_ylim(-below, TOP)
    _title(axes, life)
    gone = _gone(life)
    for key, edge in EDGES.items():
        _draw_edge(axes, edge, gone.get(key, []))
    axes.plot(*BIRTH, marker="o", markersize=9, color=paper.INK)
    for state in PLACES:
        _draw_state(axes, state, life)
    _list(axes, listed)
    paper.show(axes, str(life))


def _title(axes: Axes, life: Life) -> None:
    paper.write(axes, 0.3, 9.0, life.name, at="left", mono=True, size=11, room=5.7)
    lines = textwrap.wrap(life.lost, 38)
    paper.write(axes, 0.3, 8.55 - 0.16 * len(lines), "\n".join(lines), at="left")


def _gone(life: Life) -> dict[tuple[str, str], list[int]]:
    """For each arrow the numbers of the moves that went along it."""
    gone: dict[tuple[str, str], list[int]] = {}
    for number, move in enumerate(life.moves, 1):
        for key in _way(move.step):
            gone.setdefault(key, []).append(number)
    return gone


def _way(step: Step) -> list[tuple[str, str]]:
    """The shortest way along the arrows: the daemon does not tell of every state in between."""
    if not step.before and step.action != "create":
        return []
    ways = [[("", step.before)]]
    while ways:
        way = ways.pop(0)
        if way[-1][1] == step.after:
            return way[1:]
        ways += [[*way, key] for key in EDGES if key[0] == way[-1][1] and key not in way]
    return []


def _draw_edge(axes: Axes, edge: _Edge, numbers: Sequence[int]) -> None:
    paper.way(axes, *edge.points, width=2.8 if numbers else 1)
    paper.write(axes, *edge.at, edge.words, at=edge.side)
    if numbers:
        words = ", ".join(map(str, numbers)) if len(numbers) < 4 else f"{numbers[0]} … {numbers[-1]}"
        wide = 0.34 + 0.16 * len(words)
        (x, y), high = edge.pin, 0.44
        paper.box(axes, x - wide / 2, y - high / 2, wide, high, words, face="white", size=9)


def _draw_state(axes: Axes, state: str, life: Life) -> None:
    x, y = PLACES[state]
    now = state == life.state
    paper.box(
        *(axes, x - WIDE / 2, y - HIGH / 2, WIDE, HIGH, _words(life) if now else state),
        face=paper.BLUE if now else "white",
        line="--" if state == "removed" else "-",
        thick=2.8 if now else 1,
    )


def _words(life: Life) -> str:
    """What stands in the box of the state that it is in."""
    code = "" if life.exit_code is None or life.state == "removed" else f"\nexit code {life.exit_code}"
    return f"{life.state} now{code}"


def _list(axes: Axes, listed: Sequence[str]) -> None:
    rows = math.ceil(len(listed) / 2)
    for index, words in enumerate(listed):
        column, row = divmod(index, rows)
        number, _, words = words.partition("  ")
        paper.write(axes, 0.8 + 8.8 * column, -0.1 - 0.45 * row, number, at="right")
        paper.write(axes, 1.0 + 8.8 * column, -0.1 - 0.45 * row, words, at="left", room=7.8)
