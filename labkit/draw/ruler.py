"""A sheet with a time axis: where an instant stands, its ticks, and the bars and marks of what happened when."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from labkit.draw import paper
from labkit.inside.moments import LIVING, SOURCES, Timeline, Track

LEFT, RIGHT, EDGE = 3.4, 13.0, 17.7
"""Where the axis begins and ends, and where the words behind it do."""

LEAD = 0.2
"""How much of the time after the action is shown before it, at most: a program may have run for days."""

GREY = "#999999"
LOOKS = dict(zip(LIVING, ((paper.BLUE, ""), (paper.PALE, "..."), ("white", "xxx"), (paper.SAND, "////")), strict=True))
"""Colour and hatch of each state of a process, the same as in ``draw.census``."""

MARKS = dict(zip(SOURCES, ("v", "o", "s", "D"), strict=True))
MEANINGS = dict(zip(SOURCES, ("asked", "told by the daemon", "a line of its log", "seen in /proc"), strict=True))
"""The mark of each source of moments, as matplotlib names it, and what it stands for."""


@dataclass(frozen=True)
class Ruler:
    """The stretch of time on a sheet, in seconds since the action was asked for."""

    begin: float
    end: float

    def place(self, seconds: float) -> float:
        """Where an instant stands; what lies outside of the axis stands at its end."""
        share = (seconds - self.begin) / (self.end - self.begin)
        return LEFT + (RIGHT - LEFT) * min(max(share, 0), 1)

    def draw(self, axes: Axes, y: float, top: float) -> None:
        """Draw the axis with its ticks at a height, and where the action was asked for up to the ``top``."""
        axes.plot([LEFT, RIGHT], [y, y], color=paper.INK, linewidth=1.2)
        for seconds in self.ticks():
            x = self.place(seconds)
            axes.plot([x, x], [y, y - 0.13], color=paper.INK, linewidth=1)
            axes.plot([x, x], [y, top], color=paper.PALE if seconds else GREY, linewidth=1.2, zorder=-1)
            paper.write(axes, x, y - 0.4, self._tick(seconds))

    def ticks(self) -> list[float]:
        """Round instants, 3 to 9 of them; the asking is one."""
        least = (self.end - self.begin) / 8
        power = 10.0 ** math.floor(math.log10(least))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * 0.999)
        first, last = math.ceil(self.begin / step), math.floor(self.end / step)
        return [number * step for number in range(first, last + 1)]

    def _tick(self, seconds: float) -> str:
        factor, unit = (1, "s") if self.end - self.begin >= 1 else (1e3, "ms")
        return f"{round(seconds * factor, 6):g} {unit}".replace("-", "−") if seconds else "0"


def measure(instants: Sequence[float]) -> Ruler:
    """Return the axis on which these instants stand; what lies long before the asking is left out."""
    first, last = min([0.0, *instants]), max([0.0, *instants])
    begin = max(first, -LEAD * last) if last > 1e-3 else first
    return Ruler(begin, max(last, begin + 1e-3))


def borders(tracks: Iterable[Track]) -> list[float]:
    """Return the instants at which processes begin and end to be in a state."""
    return [instant for track in tracks for span in track.spans for instant in (span.begin, span.end)]


def time(seconds: float) -> str:
    """An instant or a duration in words: ``"12 ms"``, ``"2.03 s"``, ``"240 s"``, ``"−3 ms"``."""
    size = abs(seconds)
    words = f"{size * 1000:.0f} ms" if size < 0.9995 else f"{size:.2f} s" if size < 99.995 else f"{size:.0f} s"
    return f"−{words}" if seconds < 0 and words != "0 ms" else words


def exactness(found: Iterable[Timeline]) -> str:
    """How exact instants are: ``"known within 3 ms"``, rounded up."""
    worst = max((it.resolution for it in found), default=0.0)
    return f"known within {max(math.ceil(round(worst * 1000, 3)), 1)} ms"


def width(axes: Axes) -> float:
    """How wide the words are that were written last."""
    return float(axes.texts[-1].get_window_extent().width) / (paper.DPI / 2)


def over(axes: Axes, face: str = "white") -> None:
    """Let the words that were written last cover the lines below them."""
    axes.texts[-1].set_bbox({"facecolor": face, "edgecolor": "none", "pad": 1})


def bar(axes: Axes, left: float, right: float, middle: float, high: float, state: str) -> None:
    """Draw a stretch of time in one state: at least a line, with the state's name where that has room."""
    face, hatch = LOOKS.get(state, ("white", "---"))
    axes.add_patch(
        Rectangle(
            (left, middle - high / 2),
            max(right - left, 0.04),
            high,
            facecolor=face,
            hatch=hatch,
            edgecolor=paper.INK,
            linewidth=0.8,
            zorder=2,
        )
    )
    if right - left > 1.6:
        paper.write(axes, (left + right) / 2, middle, state, size=8)
        over(axes, face)


def bracket(axes: Axes, line: Ruler, it: Timeline, y: float, *, tall: float = 0.14) -> tuple[float, float]:
    """Draw the grace period from the first signal on, dotted where nobody needs it any more; return its ends."""
    first = next((moment.seconds for moment in it.moments if moment.signal), 0.0)
    last = first + (it.grace or 0.0)
    start, end = line.place(first), max(line.place(last), line.place(first) + 0.1)
    used = end if it.ended is None else min(max(line.place(it.ended), start), end)
    axes.plot([start, start], [y - tall, y + tall], color=paper.INK, linewidth=1.2)
    axes.plot([start, used], [y, y], color=paper.INK, linewidth=1.2)
    if used < end:
        axes.plot([used, end], [y, y], color=paper.INK, linewidth=1.2, linestyle=":")
    if last <= line.end:
        axes.plot([end, end], [y - tall, y + tall], color=paper.INK, linewidth=1.2)
        return start, end
    paper.arrow(axes, (end, y), (end + 0.5, y))
    return start, end + 0.5


def say_end(axes: Axes, line: Ruler, it: Timeline, y: float, *, after: str = "") -> None:
    """Write what the first process ended with behind the end of its bar."""
    instants = [0.0, *(span.end for track in it.tracks[:1] for span in track.spans)]
    x = line.place(max([*instants, it.ended or 0.0]))
    words = "still runs" if it.exit_code is None else f"exit code {it.exit_code}{after}"
    if it.exit_code is None:
        paper.arrow(axes, (x, y), (x + 0.5, y))
        x += 0.4
    paper.write(axes, x + 0.25, y, words, at="left", room=EDGE - x - 0.25)
    over(axes)


def mark(axes: Axes, x: float, y: float, source: str, *, large: float = 6) -> None:
    """Draw the mark of a moment; what was said by the program or seen is hollow."""
    face = paper.INK if source in ("asked", "daemon") else "white"
    marker = MARKS.get(source, "*")
    axes.plot(x, y, marker=marker, markersize=large, color=paper.INK, markerfacecolor=face, linestyle="none")


def key(axes: Axes, y: float, sources: Iterable[str], states: Iterable[str], *more: str) -> float:
    """Explain marks and bars in lines from a height downwards, then say ``more``; return the height below them."""
    x = LEFT
    seen, lived = set(sources), set(states)
    entries = [(name, MEANINGS[name]) for name in SOURCES if name in seen]
    entries += [(name, name) for name in LIVING if name in lived]
    for name, words in [*entries, *(("", words) for words in more if words)]:
        paper.write(axes, x + 0.4 * bool(name), y, words, at="left", size=8, room=EDGE - LEFT)
        wide = width(axes) + 0.4 * bool(name)
        if x + wide > EDGE and x > LEFT:
            x, y = LEFT, y - 0.5
            axes.texts[-1].set_position((x + 0.4 * bool(name), y))
        if name in MARKS:
            mark(axes, x + 0.15, y, name)
        elif name:
            bar(axes, x, x + 0.3, y, 0.28, name)
        x += wide + 0.5
    return y - 0.5


def remark(axes: Axes, y: float, remarks: Iterable[str]) -> float:
    """Write sentences from a height downwards; return the height below them."""
    for line in (line for words in remarks for line in textwrap.wrap(words, 96)):
        paper.write(axes, LEFT, y, line, at="left", size=8, room=EDGE - LEFT)
        y -= 0.42
    return y


def fit(axes: Axes, low: float) -> None:
    """Make a sheet, drawn on from 0 downwards, as high as what is on it."""
    axes.figure.set_size_inches(9, -low / 2)  # type: ignore[union-attr]
    axes.set_ylim(low, 0)
