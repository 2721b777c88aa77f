"""What layers are told apart by in pictures: a letter and a pattern each; and how many bytes are, in words."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from labkit.draw import paper

FACES = ("#cfe3f5", "#f6e3c5", "#d8edd2", "#f3d3d3", "#e4dbf1", "#f2f2f2", "#fff6b3")
HATCHES = ("", "///", "...", "---", r"\\\\", "xxx", "|||", "++")
"""Seven colours and eight patterns make 56 different pairs."""

SWATCH = 0.42
"""Width and height of a pattern, and of the letter beside it."""


def letter(number: int) -> str:
    """The name of a layer in a picture, from its number: A is the lowest, after Z comes AA."""
    more, rest = divmod(number - 1, 26)
    return f"{letter(more) if more else ''}{chr(ord('A') + rest)}"


def pattern(axes: Axes, x: float, y: float, number: int, *, high: float = SWATCH) -> None:
    """Draw the pattern of a layer, ``SWATCH`` wide, with its lower left corner at a point."""
    face, hatch = FACES[(number - 1) % len(FACES)], HATCHES[(number - 1) % len(HATCHES)]
    axes.add_patch(Rectangle((x, y), SWATCH, high, facecolor=face, hatch=hatch, edgecolor=paper.INK, linewidth=0.8))


def mark(axes: Axes, x: float, middle: float, number: int) -> None:
    """Draw a layer's pattern and letter side by side, the pattern's left edge at ``x``."""
    low = middle - SWATCH / 2
    pattern(axes, x, low, number)
    axes.add_patch(Rectangle((x + SWATCH, low), SWATCH, SWATCH, facecolor="white", edgecolor=paper.INK, linewidth=0.8))
    paper.write(axes, x + 1.5 * SWATCH, middle, letter(number), size=9 if number <= 26 else 8)


def strike_mark(axes: Axes, x: float, middle: float) -> None:
    """Draw a line across a mark, upwards, so that its letter can still be read."""
    low, high = middle - SWATCH / 2 - 0.06, middle + SWATCH / 2 + 0.06
    axes.plot([x - 0.1, x + 2 * SWATCH + 0.1], [low, high], color=paper.INK, linewidth=1.2)


def strike_words(axes: Axes) -> None:
    """Draw a line through the words that were written last."""
    place = axes.texts[-1].get_window_extent().transformed(axes.transData.inverted())
    middle = (place.y0 + place.y1) / 2
    axes.plot([place.x0 - 0.05, place.x1 + 0.05], [middle, middle], color=paper.INK, linewidth=1.2)


def size(count: int) -> str:
    """Bytes in words as Docker writes them, a kilobyte being a thousand: ``"1.24 MB"``."""
    value, units = float(count), ["B", "kB", "MB", "GB"]
    while value >= 999.5 and len(units) > 1:
        value /= 1000
        del units[0]
    return f"{value:.0f} {units[0]}" if value >= 99.95 else f"{value:.3g} {units[0]}"


def amount(count: int, thing: str) -> str:
    """A number with its noun: ``"1 layer"``, ``"2 layers"``."""
    return f"{count} {thing}{'' if count == 1 else 's'}"
