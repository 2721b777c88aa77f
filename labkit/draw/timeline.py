"""What happened around one action, on a time axis: the moments as flags above it, the processes as bars below them.

Several timelines stand below each other on one axis, a program in each row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from matplotlib.axes import Axes

from labkit.draw import paper, ruler
from labkit.draw.ruler import EDGE, LEFT, Ruler
from labkit.draw.timeline_rows import draw_many
from labkit.draw.timeline_words import say_one
from labkit.inside.moments import Moment, Timeline, Track

MOST = 16
"""Moments that have a flag; of more, the first and the last ones, and those that a log tells least."""

TRACKS = 8
"""Processes that have a bar."""

WORDS = 9
"""Width of the words of a flag."""

STEP, ROW, BAR = 0.47, 0.62, 0.42


def timeline(found: Timeline | Sequence[Timeline] | Mapping[str, Timeline], *, seconds: bool = True) -> None:
    """Draw one timeline, or several below each other on the same axis.

    Args:
        found: what ``timeline(box, "stop", host=host)`` of ``labkit.inside.signals`` recorded; several in the order of
            their rows, or with a name for each row, as in ``{"polite": …, "deaf": …}``.
        seconds: whether the sentence says times; without them it is the same in every run that goes the same way.

    Raises:
        ValueError: if there is none.
    """
    if isinstance(found, Timeline):
        rows = [found]
    elif isinstance(found, Mapping):
        rows = [replace(it, name=name) for name, it in found.items()]
    else:
        rows = list(found)
    if not rows:
        raise ValueError('there is no timeline to draw: timeline(box, "stop", host=host) records one')
    if len(rows) == 1:
        _draw_one(rows[0], seconds=seconds)
    else:
        draw_many(rows, seconds=seconds)


def _draw_one(it: Timeline, *, seconds: bool) -> None:
    tracks = it.tracks[:TRACKS]
    line = ruler.measure([*ruler.borders(tracks), *(moment.seconds for moment in it.moments)])
    axes = paper.sheet(18, 1)
    paper.write(axes, 0.3, -0.45, paper.printable(f"{it.name}: {it.action}"), at="left", size=11, room=EDGE - 0.3)
    flags = _choose(it.moments)
    y = -0.78 - STEP * len(flags)
    low = y - 0.75 * (it.grace is not None) - ROW * max(len(tracks), 1) - 0.3
    for index, moment in enumerate(flags):
        _raise_flag(axes, line, moment, -1.0 - STEP * index, low)
    if it.grace is not None:
        _bracket(axes, line, it, y - 0.35)
        y -= 0.75
    for index, track in enumerate(tracks):
        _draw_track(axes, line, track, y - 0.3 - ROW * index)
    ruler.say_end(axes, line, it, y - 0.3)
    line.draw(axes, low, low)
    states = {span.state for track in tracks for span in track.spans}
    left_out = _left_out(len(it.moments) - len(flags), len(it.tracks) - len(tracks))
    sources = {moment.source for moment in it.moments}
    low = ruler.key(axes, low - 0.95, sources, states, f"instants {ruler.exactness([it])}", left_out)
    ruler.fit(axes, ruler.remark(axes, low, it.remarks))
    paper.show(axes, say_one(it, seconds=seconds))


def _choose(moments: Sequence[Moment]) -> list[Moment]:
    """At most so many as have a flag, in their order: of what there is too much, the first and the last ones."""
    kept: set[int] = set()
    for sources in (("asked", "daemon"), ("state",), ("log",)):
        told = [index for index, moment in enumerate(moments) if moment.source in sources]
        room = min(MOST - len(kept), len(told))
        kept.update(told[: room - room // 2], told[len(told) - room // 2 :])
    return sorted((moments[index] for index in kept), key=lambda moment: moment.seconds)


def _raise_flag(axes: Axes, line: Ruler, moment: Moment, y: float, low: float) -> None:
    """Draw a flag: its words at a height, its pole down to the axis, and a line to where the truth may lie."""
    x = line.place(moment.seconds)
    axes.plot([x, x], [low, y], color=ruler.GREY, linewidth=0.7, zorder=0)
    if moment.within:
        axes.plot([line.place(moment.seconds - moment.within), x], [y, y], color=paper.INK, linewidth=1)
    ruler.mark(axes, x, y, moment.source)
    words = f"“{moment.words}”" if moment.source == "log" else moment.words
    before = "… " if moment.seconds < line.begin else ""
    words = paper.printable(f"{before}{ruler.time(moment.seconds)}  {words}")
    paper.write(axes, x + 0.25, y, words, at="left", room=min(EDGE - x - 0.25, WORDS))


def _bracket(axes: Axes, line: Ruler, it: Timeline, y: float) -> None:
    start, end = ruler.bracket(axes, line, it, y)
    paper.write(axes, (start + end) / 2, y, f"grace period {it.grace:g} s")
    if ruler.width(axes) + 0.6 > end - start:
        axes.texts[-1].set(x=end + 0.2, ha="left")
    ruler.over(axes)


def _draw_track(axes: Axes, line: Ruler, track: Track, middle: float) -> None:
    paper.write(axes, 0.3, middle, f"PID {track.pid}", at="left", size=8, room=1.2)
    paper.write(axes, 1.6, middle, paper.printable(track.name), at="left", mono=True, size=8, room=LEFT - 1.8)
    for span in track.spans:
        ruler.bar(axes, line.place(span.begin), line.place(span.end), middle, BAR, span.state)


def _left_out(moments: int, tracks: int) -> str:
    """What the picture does not show."""
    counts = [f"{moments} more moments"] * bool(moments) + [f"{tracks} more processes"] * bool(tracks)
    return f"not shown: {paper.series(counts, '')}" if counts else ""
