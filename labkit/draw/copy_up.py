"""The price of the first write: time against the size of the file, and the second write for comparison."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeVar

from matplotlib.axes import Axes

from labkit.draw import paper
from labkit.inside.copyup import CopyUp

LEFT, RIGHT, LOW, TOP = 2.3, 14.4, 1.5, 8.2
"""Where the curves are."""

LEAST = 1e-6
"""Seconds below which no clock here tells anything."""

Scale = Callable[[float], float]
T = TypeVar("T")


def copy_up(measurements: Sequence[CopyUp]) -> None:
    """Draw how long the first and the second write took, both axes in powers.

    Args:
        measurements: at least one, such as ``[measure_copy_up(host, megabytes=m) for m in (1, 4, 16, 64, 256)]``.

    Raises:
        ValueError: if there is none.
    """
    if not measurements:
        raise ValueError("nothing was measured: measure_copy_up(host, megabytes=16) does")
    found = sorted(measurements, key=lambda one: one.megabytes)
    axes = paper.sheet(18, 9)
    sizes = sorted({one.megabytes for one in found})
    times = [max(seconds, LEAST) for one in found for seconds in (one.first, one.second)]
    across, up = _scale(sizes[0], sizes[-1], LEFT + 0.8, RIGHT - 0.8), _time_scale(times)
    _grid(axes, up, sizes, across)
    for name, marker, line in (("first", "o", "-"), ("second", "s", "--")):
        points = [(across(one.megabytes), up(max(getattr(one, name), LEAST))) for one in found]
        face = paper.INK if name == "first" else "white"
        axes.plot(*zip(*points, strict=True), marker=marker, linestyle=line, color=paper.INK, markerfacecolor=face)
    _label(axes, found, across, up)
    paper.show(axes, _sentence(found))


def _scale(least: float, most: float, start: float, end: float) -> Scale:
    """Where a value between two others stands; in the middle where they are one."""
    width = math.log(most / least)
    return lambda value: start + (end - start) * (math.log(value / least) / width if width else 0.5)


def _time_scale(times: Sequence[float]) -> Scale:
    """From the power of ten below the shortest time to that above the longest."""
    low, high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))
    return _scale(10**low, 10 ** max(high, low + 1), LOW + 0.75, TOP)


def _grid(axes: Axes, up: Scale, sizes: Sequence[int], across: Scale) -> None:
    axes.plot([LEFT, RIGHT], [LOW, LOW], color=paper.INK, linewidth=1.2)
    for power in range(-6, 5):
        if LOW + 0.7 < (y := up(10**power)) < TOP + 0.1:
            axes.plot([LEFT, RIGHT], [y, y], color=paper.PALE, linewidth=1.2, zorder=0)
            paper.write(axes, LEFT - 0.2, y, _time(10**power), at="right")
    for megabytes in _apart(sizes, across):
        x = across(megabytes)
        axes.plot([x, x], [LOW, LOW - 0.15], color=paper.INK, linewidth=1)
        paper.write(axes, x, LOW - 0.45, f"{megabytes} MB")
    paper.write(axes, (LEFT + RIGHT) / 2, 0.45, "size of the file, of which one byte is written")


def _apart(things: Sequence[T], place: Callable[[T], float]) -> list[T]:
    """Those whose words can stand beside each other."""
    chosen: list[T] = []
    for thing in things:
        if not chosen or place(thing) - place(chosen[-1]) > 1.6:
            chosen.append(thing)
    return chosen


def _label(axes: Axes, found: Sequence[CopyUp], across: Scale, up: Scale) -> None:
    """Say the times at their points, the longer one above, the shorter one below; name the curves at their ends."""
    for one in _apart(found, lambda one: across(one.megabytes)):
        shorter, longer = sorted((one.first, one.second))
        for seconds, away in ((longer, 0.42), (shorter, -0.42)):
            paper.write(axes, across(one.megabytes), up(max(seconds, LEAST)) + away, _time(seconds), size=8)
    names = {"first write": found[-1].first, "second write": found[-1].second}
    ends = [up(max(seconds, LEAST)) for seconds in names.values()]
    push = max(0.25 - abs(ends[0] - ends[1]) / 2, 0)
    for name, y in zip(names, ends, strict=True):
        away = push if y == max(ends) and (y != min(ends) or name.startswith("f")) else -push
        paper.write(axes, RIGHT + 0.3, y + away, name, at="left")


def _time(seconds: float) -> str:
    """A time with two digits at least: ``"12 µs"``, ``"2.4 ms"``, ``"410 ms"``, ``"1.3 s"``."""
    factor, unit = (1, "s") if seconds >= 0.9995 else (1e3, "ms") if seconds >= 0.9995e-3 else (1e6, "µs")
    value = seconds * factor
    return f"{value:.0f} {unit}" if value >= 9.95 else f"{value:.2g} {unit}"


def _sentence(found: Sequence[CopyUp]) -> str:
    first, last = found[0], found[-1]
    if len(found) == 1:
        said = f"took {_time(first.first)} for {first.megabytes} MB"
        then = _time(first.second)
    else:
        said = f"took {_time(first.first)} for {first.megabytes} MB and {_time(last.first)} for {last.megabytes} MB"
        then = f"{_time(first.second)} and {_time(last.second)}"
    return f"The first write of one byte {said}{_growth(first, last)}; the second {then}. {_mechanism(found)}"


def _growth(first: CopyUp, last: CopyUp) -> str:
    """Whether the time follows the size: by more than its root."""
    if last.megabytes == first.megabytes:
        return ""
    grows = last.first / max(first.first, 1e-6) > math.sqrt(last.megabytes / first.megabytes)
    return ", growing with the file and not with the write" if grows else ", hardly growing with the file"


def _mechanism(found: Sequence[CopyUp]) -> str:
    still = [f"{one.megabytes} MB" for one in found if not one.copied]
    if not still:
        return "Each first write copied the whole file into the upper directory."
    if len(still) == len(found):
        return "No file was copied into the upper directory."
    return f"Each first write copied the whole file into the upper directory, but for {paper.series(still, '')}."
