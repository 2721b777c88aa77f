"""A sheet to draw on: boxes, arrows and words, dark on light, told apart by shape and word, not by colour."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, PathPatch
from matplotlib.path import Path
from matplotlib.text import Text

INK = "#222222"
PALE = "#f2f2f2"
BLUE = "#cfe3f5"
SAND = "#f6e3c5"

DPI = 110
"""Pixels per inch: a sheet of 18 units is as wide as the text column of a notebook."""


def sheet(width: float, height: float) -> Axes:
    """Return an empty sheet of this many units (0.5 inch each), the origin at the lower left."""
    figure = Figure(figsize=(width / 2, height / 2), dpi=DPI)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    return axes


def box(axes: Axes, x: float, y: float, width: float, height: float, words: str = "", **style: object) -> None:
    """Draw a rounded box with words in its middle.

    Args:
        axes: the sheet.
        x: left edge.
        y: lower edge.
        width: to the right.
        height: upwards.
        words: centred; may have several lines, each shortened to the width.
        style: ``face``, ``line`` (a matplotlib line style), ``thick`` (the line, in points), ``size`` (points),
            ``mono`` (typewriter letters).
    """
    patch = FancyBboxPatch(
        (x, y),
        width,
        height,
        boxstyle="round,pad=0,rounding_size=0.15",
        facecolor=str(style.get("face", PALE)),
        edgecolor=INK,
        linestyle=str(style.get("line", "-")),
        linewidth=float(str(style.get("thick", 1))),
    )
    axes.add_patch(patch)
    size, mono = style.get("size", 10), bool(style.get("mono"))
    write(axes, x + width / 2, y + height / 2, words, size=size, mono=mono, room=width - 0.3)


def comb(
    axes: Axes, teeth: Sequence[tuple[float, float]], top: float, high: float, deep: float, *, face: str = PALE
) -> None:
    """Draw one shape with rounded corners: boxes side by side, joined by a bar that runs past what is between them.

    Args:
        axes: the sheet.
        teeth: left and right edge of each box, from the left; a single one is a plain box.
        top: upper edge of the boxes.
        high: height of the boxes.
        deep: how far below the boxes the far edge of the bar is; negative: above them.
        face: the colour inside.
    """
    floor = high + abs(deep) if len(teeth) > 1 else high
    points = [(teeth[0][0], floor)]  # downwards from the top
    for (left, right), following in zip(teeth, [*teeth[1:], None], strict=True):
        points += [(left, 0), (right, 0)]
        points += [(right, floor - 0.18), (following[0], floor - 0.18)] if following else [(right, floor)]
    placed = [(x, top - y if deep >= 0 else top - high + y) for x, y in points]
    axes.add_patch(PathPatch(_rounded(placed), facecolor=face, edgecolor=INK))


def _rounded(points: Sequence[tuple[float, float]], radius: float = 0.15) -> Path:
    """The closed path through points whose lines stand upright or level, its corners rounded."""
    vertices: list[tuple[float, float]] = []
    for before, point, behind in zip([points[-1], *points], points, [*points[1:], points[0]], strict=False):
        vertices += [_towards(point, before, radius), point, _towards(point, behind, radius)]
    codes = [Path.LINETO, Path.CURVE3, Path.CURVE3] * len(points)
    return Path([*vertices, vertices[0]], [Path.MOVETO, *codes[1:], Path.CLOSEPOLY])


def _towards(start: tuple[float, float], end: tuple[float, float], length: float) -> tuple[float, float]:
    """The point that lies ``length`` from one point in the direction of another, halfway at most."""
    (x, y), (u, v) = start, end
    share = min(length / (abs(u - x) + abs(v - y)), 0.5)
    return x + (u - x) * share, y + (v - y) * share


def write(
    axes: Axes,
    x: float,
    y: float,
    words: str,
    *,
    size: object = 9,
    mono: bool = False,
    at: str = "center",
    room: float = 0,
) -> None:
    """Write words with their middle (or their ``at`` edge) at a point, each line within ``room`` units."""
    family = "monospace" if mono else "sans-serif"
    with warnings.catch_warnings():  # the sentence has the name; a letter that the font lacks is a box here
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        text = axes.text(x, y, "", ha=at, va="center", fontsize=float(str(size)), family=family, color=INK)
        text.set_parse_math(False)
        lines = [printable(line) for line in words.split("\n")]
        text.set_text("\n".join(_shorten(text, line, room) if room else line for line in lines))


def _shorten(text: Text, line: str, room: float) -> str:
    """Take letters out of the middle of a line until it is at most ``room`` units wide."""
    keep, short = len(line), line
    while keep > 1 and _width(text, short) > room:
        keep = min(keep - 1, int(keep * room / _width(text, short)) + 1)
        short = f"{line[: keep // 2]}…{line[len(line) - (keep - 1) // 2 :]}"
    return short


def _width(text: Text, line: str) -> float:
    text.set_text(line)
    return float(text.get_window_extent().width) / (DPI / 2)


def printable(words: str) -> str:
    """Return the words with every character that cannot be printed in a line written as Python writes it."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in words)


def arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], *, style: str = "-|>", line: str = "-"
) -> None:
    """Draw an arrow between two points; ``line`` is a matplotlib line style."""
    look = {"arrowstyle": style, "color": INK, "shrinkA": 0, "shrinkB": 0, "linestyle": line}
    axes.annotate("", end, start, arrowprops=look)


def way(axes: Axes, *points: tuple[float, float], width: float = 1) -> None:
    """Draw an arrow through points; ``width`` is in points of type, and its head grows with it."""
    patch = FancyArrowPatch(
        path=Path(points),
        arrowstyle="-|>",
        mutation_scale=8 + 3 * width,
        linewidth=width,
        color=INK,
        joinstyle="round",
        capstyle="butt",
    )
    axes.add_patch(patch)


def series(words: Sequence[str], nothing: str) -> str:
    """Return the words as one would say them, such as ``"a, b and c"``; ``nothing`` where there is none."""
    *most, last = words or [nothing]
    return f"{', '.join(most)} and {last}" if most else last


def show(axes: Axes, sentence: str) -> None:
    """Print the sentence and display the sheet with the sentence as its alternative text."""
    from IPython.display import Image, display

    sentence = printable(sentence)
    print(sentence)
    buffer = io.BytesIO()
    figure = axes.figure
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        figure.savefig(buffer, format="png", dpi=DPI, facecolor="white")  # type: ignore[union-attr]
    display(Image(data=buffer.getvalue(), alt=sentence))
