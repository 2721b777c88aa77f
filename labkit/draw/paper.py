"""A sheet to draw on: boxes, arrows and words, dark on light, told apart by shape and word, not by colour."""

from __future__ import annotations

import io

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

INK = "#222222"
PALE = "#f2f2f2"
BLUE = "#cfe3f5"
SAND = "#f6e3c5"


def sheet(width: float, height: float) -> Axes:
    """Return an empty sheet of this many units (0.5 inch each), the origin at the lower left."""
    figure = Figure(figsize=(width / 2, height / 2))
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
        words: centred; may have several lines.
        style: ``face``, ``line`` (a matplotlib line style), ``size`` (points), ``mono`` (typewriter letters).
    """
    patch = FancyBboxPatch(
        (x, y),
        width,
        height,
        boxstyle="round,pad=0,rounding_size=0.15",
        facecolor=str(style.get("face", PALE)),
        edgecolor=INK,
        linestyle=str(style.get("line", "-")),
    )
    axes.add_patch(patch)
    write(axes, x + width / 2, y + height / 2, words, size=style.get("size", 10), mono=bool(style.get("mono")))


def write(
    axes: Axes, x: float, y: float, words: str, *, size: object = 9, mono: bool = False, at: str = "center"
) -> None:
    """Write words with their middle (or ``at="left"`` edge) at a point."""
    family = "monospace" if mono else "sans-serif"
    axes.text(x, y, words, ha=at, va="center", fontsize=float(str(size)), family=family, color=INK, parse_math=False)


def arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], *, style: str = "-|>") -> None:
    """Draw an arrow between two points."""
    axes.annotate("", end, start, arrowprops={"arrowstyle": style, "color": INK, "shrinkA": 0, "shrinkB": 0})


def show(axes: Axes, sentence: str) -> None:
    """Print the sentence and display the sheet with the sentence as its alternative text."""
    from IPython.display import Image, display

    print(sentence)
    buffer = io.BytesIO()
    figure = axes.figure
    figure.savefig(buffer, format="png", dpi=110, facecolor="white")  # type: ignore[union-attr]
    display(Image(data=buffer.getvalue(), alt=sentence))
