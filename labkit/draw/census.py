"""How many processes are alive and how many are zombies, over time: one strip for each container."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from labkit.draw import paper
from labkit.draw.marks import amount
from labkit.inside.census import Census, Sample

LEFT, RIGHT = 1.2, 15.4
"""Where the strips begin and end."""

HIGH, APART = 2.2, 1.25
"""Height of a strip, and from its upper edge to the one above, where its name stands."""

FOOT = 1.3

STRIPES = 30
"""Processes up to which each has a stripe of its own."""


@dataclass(frozen=True)
class _Band:
    """One state of processes: how its number is seen, and said."""

    state: str
    face: str
    hatch: str

    def count(self, sample: Sample) -> int:
        """How many are in it."""
        return int(getattr(sample, self.state))

    def say(self, sample: Sample) -> str:
        """``"10 zombies"``, ``"2 alive"``."""
        count = self.count(sample)
        if self.state == "zombies":
            return amount(count, "zombie") if count else "no zombie"
        return f"{count} {self.state}"


BANDS = (_Band("alive", paper.BLUE, ""), _Band("stopped", paper.PALE, "..."), _Band("zombies", paper.SAND, "////"))
"""From the bottom to the top."""


def census(found: Census | Mapping[str, Census]) -> None:
    """Draw who has a number: those alive below, the zombies on top of them.

    Args:
        found: what ``take_census()`` counted; or several of them by name, to compare, such as ``take_censuses()``.

    Raises:
        ValueError: if there is none.
    """
    named = {"": found} if isinstance(found, Census) else found
    if not named:
        raise ValueError("nobody was counted: take_census(host, box) does")
    seconds = max(max(one.last.seconds for one in named.values()), 1e-3)
    most = max(sample.total for one in named.values() for sample in one.samples)
    axes = paper.sheet(18, FOOT + len(named) * (HIGH + APART) - (0 if any(named) else 0.6))
    for row, (name, one) in enumerate(reversed(list(named.items()))):
        low = FOOT + row * (HIGH + APART)
        paper.write(axes, LEFT, low + HIGH + 0.4, name, at="left", mono=True, size=10, room=RIGHT - LEFT)
        _strip(axes, one, low, seconds, max(most, 1))
    _clock(axes, seconds, "; each stripe is one process" if most <= STRIPES else "")
    paper.show(axes, _sentence(named))


def _strip(axes: Axes, one: Census, low: float, seconds: float, most: int) -> None:
    """Draw one container's bands, as steps: a count holds until the next one."""
    unit = HIGH / most
    times = _steps([LEFT + (RIGHT - LEFT) * sample.seconds / seconds for sample in one.samples], 1)
    edges = [[low] * len(times)]
    for band in BANDS:
        counts = _steps([band.count(sample) for sample in one.samples])
        edges.append([y + unit * count for y, count in zip(edges[-1], counts, strict=True)])
        axes.fill_between(
            times, edges[-2], edges[-1], facecolor=band.face, hatch=band.hatch, edgecolor=paper.INK, linewidth=0
        )
    for number in range(1, most if most <= STRIPES else 1):
        axes.plot([LEFT, RIGHT], [low + unit * number] * 2, color="white", linewidth=0.8)
    for edge in edges[1:]:
        axes.plot(times, edge, color=paper.INK, linewidth=1)
    axes.plot([LEFT, RIGHT], [low, low], color=paper.INK, linewidth=1.2)
    _count_left(axes, one, low, unit)
    _say_end(axes, one.last, low, unit, times[-1])


def _count_left(axes: Axes, one: Census, low: float, unit: float) -> None:
    """Say at their heights how many they were at most, and at first."""
    numbers = [0]
    for number in (max(sample.total for sample in one.samples), one.samples[0].total):
        if all(abs(number - other) * unit > 0.4 for other in numbers):
            numbers.append(number)
    for number in numbers:
        paper.write(axes, LEFT - 0.15, low + unit * number, str(number), at="right")


def _steps(values: Sequence[float], shift: int = 0) -> list[float]:
    """Each value twice; with a ``shift`` of one, so that its second place is where the next value begins."""
    twice = [value for value in values for _ in range(2)]
    return [*twice[shift:], twice[-1]] if shift else twice


def _say_end(axes: Axes, last: Sample, low: float, unit: float, end: float) -> None:
    """Say the counts at their bands' ends, from the bottom to the top, none over another."""
    if not last.total:
        paper.write(axes, end + 0.25, low + 0.22, "all gone", at="left")
        return
    below, floor = low - 0.2, low
    for band in BANDS:
        count = band.count(last)
        if count or band.state != "stopped":
            below = max(floor + unit * count / 2, below + 0.42)
            paper.write(axes, end + 0.25, below, band.say(last), at="left")
        floor += unit * count


def _clock(axes: Axes, seconds: float, more: str) -> None:
    """The axis of time, below all strips."""
    step = next((step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300) if seconds / step <= 10), seconds)
    for number in range(int(seconds / step + 0.02) + 1):
        x = LEFT + (RIGHT - LEFT) * min(number * step / seconds, 1)
        axes.plot([x, x], [FOOT, FOOT - 0.15], color=paper.INK, linewidth=1)
        paper.write(axes, x, FOOT - 0.42, f"{number * step:g} s")
    paper.write(axes, (LEFT + RIGHT) / 2, 0.3, f"time since the first count{more}")


def _sentence(named: Mapping[str, Census]) -> str:
    """How it ended: what was seen on the way depends on when one looked."""
    said = [f"{name}: {one.last}" if name else str(one.last) for name, one in named.items()]
    return f"In the end {'; '.join(said)}."
