"""Several timelines below each other on one axis: for each the bar of its first process, its signals and its end."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes

from labkit.draw import paper, ruler
from labkit.draw.ruler import EDGE, LEFT, Ruler
from labkit.draw.timeline_words import say_actions, say_many
from labkit.inside.moments import Moment, Timeline

MOST = 16
"""Rows on one sheet."""

ROW, BAR = 1.35, 0.4


def draw_many(found: Sequence[Timeline], *, seconds: bool) -> None:
    """Draw a row for each timeline, in the order given."""
    shown = found[:MOST]
    instants = [moment.seconds for it in shown for moment in it.moments if _has_mark(moment)]
    line = ruler.measure([*instants, *(at for it in shown for at in ruler.borders(it.tracks[:1]))])
    axes = paper.sheet(18, 1)
    actions = {it.action for it in found}
    graces = {it.grace for it in found}
    grace = f", grace period {shown[0].grace:g} s" if len(graces) == 1 and None not in graces else ""
    title = f"{len(found)} programs, {say_actions(found)}{grace}"
    paper.write(axes, 0.3, -0.45, paper.printable(title), at="left", size=11, room=EDGE - 0.3)
    for index, it in enumerate(shown):
        _draw_row(axes, line, it, -1.6 - ROW * index, it.action if len(actions) > 1 else "")
    low = -1.6 - ROW * (len(shown) - 1) - 0.75
    line.draw(axes, low, -0.9)
    states = {span.state for it in shown for track in it.tracks[:1] for span in track.spans}
    sources = {moment.source for it in shown for moment in it.moments} & {"log"}
    more = ["arrow: a signal, told by the daemon"] * any(it.signals for it in shown)
    more += ["line below: grace period, dotted where not needed"] * any(it.grace is not None for it in shown)
    more += [f"instants {ruler.exactness(shown)}", *[f"not shown: {len(found) - MOST} more"] * (len(found) > MOST)]
    low = ruler.key(axes, low - 0.95, sources, states, *more)
    ruler.fit(axes, ruler.remark(axes, low, dict.fromkeys(words for it in shown for words in it.remarks)))
    paper.show(axes, say_many(found, seconds=seconds))


def _has_mark(moment: Moment) -> bool:
    return moment.source == "log" or bool(moment.signal)


def _draw_row(axes: Axes, line: Ruler, it: Timeline, middle: float, asked: str) -> None:
    above = 0.2 if asked else 0
    paper.write(axes, 0.3, middle + above, paper.printable(it.name), at="left", mono=True, room=LEFT - 0.5)
    paper.write(axes, 0.3, middle - 0.2, paper.printable(asked), at="left", size=8, room=LEFT - 0.5)
    for span in (span for track in it.tracks[:1] for span in track.spans):
        ruler.bar(axes, line.place(span.begin), line.place(span.end), middle, BAR, span.state)
    after = "" if it.ended is None else f" after {ruler.time(it.ended)}"
    ruler.say_end(axes, line, it, middle, after=after)
    if it.grace is not None:
        ruler.bracket(axes, line, it, middle - 0.47, tall=0.09)
    for moment in it.moments:
        if moment.source == "log":
            ruler.mark(axes, line.place(moment.seconds), middle - 0.31, "log", large=4)
    _draw_signals(axes, line, it, middle + BAR / 2)


def _draw_signals(axes: Axes, line: Ruler, it: Timeline, foot: float) -> None:
    """Point at the bar where a signal was sent, and name it; those too close together are named behind the last one."""
    groups: list[tuple[float, str]] = []
    for moment in it.moments:
        if not moment.signal:
            continue
        x, name = line.place(moment.seconds), moment.signal
        paper.arrow(axes, (x, foot + 0.32), (x, foot))
        if groups and x - groups[-1][0] < 0.4 + 0.16 * len(groups[-1][1]):
            before = groups.pop()[1]
            name = before if before.endswith(name) else f"{before}, {name}"
        groups.append((x, name))
    for x, names in groups:
        paper.write(axes, x + 0.17, foot + 0.22, names, at="left", size=8, room=EDGE - x - 0.2)
