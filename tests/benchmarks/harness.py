"""Measure one thing against another in the same run, and judge the figure by a target.

A row is measured in turns: ours, the other, ours, the other, so that a machine which grows slower slows both.
Its figure is the median of ours, or that median compared with the other's: their ratio or their difference.
"""

from __future__ import annotations

import importlib
import operator
import pkgutil
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Literal

from labkit.daemon import Daemon

SPREAD = "interquartile range"
"""What ``spread`` means: how wide the middle half of the runs is."""

Side = Callable[[], float]
"""One run of one side; it returns what it measured, in the row's unit."""

_SIGNS = {"≤": operator.le, "≥": operator.ge}


class Skip(Exception):
    """Raised by a row that cannot be measured on this host; its text says why."""


@dataclass(frozen=True)
class Pair:
    """The two sides of a row, ready to run.

    Attributes:
        ours: one run of what the row is about.
        other: one run of what it is compared with.
        unjudged: why the target does not count on this host; empty where it does.
    """

    ours: Side
    other: Side
    unjudged: str = ""


@dataclass(frozen=True)
class Target:
    """What a row must reach: ``Target("ratio", "≤", 3)``; medians and differences are in the row's unit."""

    figure: Literal["median", "ratio", "difference"]
    sign: Literal["≤", "≥"]
    bound: float

    def met(self, value: float | None) -> bool:
        """Tell whether ``value`` is on the right side of the bound; what could not be computed is not."""
        return value is not None and bool(_SIGNS[self.sign](value, self.bound))


@dataclass(frozen=True)
class Row:
    """One line of the table before it is measured; ``row()`` describes the attributes."""

    name: str
    what: str
    comparison: str
    target: Target
    turns: int
    each: int
    unit: str
    open: Callable[[Daemon], AbstractContextManager[Pair]]


@dataclass(frozen=True)
class Figures:
    """What the runs of one side come to."""

    median: float
    spread: float
    runs: int


@dataclass(frozen=True)
class Result:
    """One line of the table: what was measured, and whether it holds.

    Attributes:
        row: what was asked for.
        ours, other: the two sides; None if they were not measured.
        holds: whether the target is met; None if it does not count here.
        note: why it does not count, was not measured, or failed.
    """

    row: Row
    ours: Figures | None
    other: Figures | None
    holds: bool | None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Our median divided by the other's."""
        return self.ours.median / self.other.median if self.ours and self.other and self.other.median else None

    @property
    def difference(self) -> float | None:
        """Our median minus the other's."""
        return self.ours.median - self.other.median if self.ours and self.other else None

    @property
    def value(self) -> float | None:
        """The figure that the target speaks of."""
        median = self.ours.median if self.ours else None
        return {"median": median, "ratio": self.ratio, "difference": self.difference}[self.row.target.figure]


ROWS: dict[str, Row] = {}
"""Every row by its name, in the order of the table."""


def row(
    name: str, *, what: str, comparison: str, target: Target, turns: int = 20, each: int = 1, unit: str = "s"
) -> Callable[[Callable[[Daemon], Iterator[Pair]]], Row]:
    """Register a generator that prepares a row, yields its ``Pair``, and cleans up behind it, whatever happens.

    Args:
        name: what ``ONLY=`` calls it.
        what: what is measured.
        comparison: what it is compared with.
        target: what it must reach.
        turns: how often the other side runs.
        each: how often ours runs in each turn.
        unit: what both sides return.
    """

    def register(generator: Callable[[Daemon], Iterator[Pair]]) -> Row:
        if name in ROWS:
            raise ValueError(f"there are two rows called {name}")
        ROWS[name] = Row(name, what, comparison, target, turns, each, unit, contextmanager(generator))
        return ROWS[name]

    return register


def load() -> dict[str, Row]:
    """Import every module of ``rows``, so that its rows are registered; return them."""
    from tests.benchmarks import rows

    for module in pkgutil.iter_modules(rows.__path__):
        importlib.import_module(f"{rows.__name__}.{module.name}")
    return ROWS


def choose(rows: dict[str, Row], names: Sequence[str]) -> list[Row]:
    """Return the rows of these names, or all for no name.

    Raises:
        ValueError: if there is no such row; it names those that there are.
    """
    if unknown := [name for name in names if name not in rows]:
        raise ValueError(f"there is no row {', '.join(unknown)}. The rows are: {', '.join(rows)}.")
    return [rows[name] for name in names or rows]


def timed(call: Callable[[], object]) -> Side:
    """A side that runs ``call`` and returns the seconds it took."""

    def run() -> float:
        begun = time.perf_counter()
        call()
        return time.perf_counter() - begun

    return run


def summarise(samples: Sequence[float]) -> Figures:
    """Median and interquartile range of at least two runs."""
    low, median, high = statistics.quantiles(samples, n=4, method="inclusive")
    return Figures(median, high - low, len(samples))


def judge(asked: Row, ours: Sequence[float], other: Sequence[float], *, unjudged: str = "") -> Result:
    """Hold the runs of both sides against the row's target."""
    result = Result(asked, summarise(ours), summarise(other), None, unjudged)
    met = asked.target.met(result.value)
    return Result(asked, result.ours, result.other, None if unjudged else met, unjudged)


def measure(asked: Row, daemon: Daemon) -> Result:
    """Run both sides of a row in turn, after one run of each that does not count."""
    with asked.open(daemon) as pair:
        pair.ours(), pair.other()
        ours: list[float] = []
        other: list[float] = []
        for _ in range(asked.turns):
            ours += [pair.ours() for _ in range(asked.each)]
            other.append(pair.other())
    return judge(asked, ours, other, unjudged=pair.unjudged)


def attempt(asked: Row, daemon: Daemon) -> Result:
    """Measure a row; one that is not for this host, or fails, is a line of the table too."""
    try:
        return measure(asked, daemon)
    except Skip as reason:
        return Result(asked, None, None, None, str(reason))
    except Exception as error:
        return Result(asked, None, None, False, f"{type(error).__name__}: {error}")
