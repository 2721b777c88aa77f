"""The time axis of a sheet."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labkit.draw import paper, ruler
from labkit.draw.ruler import LEFT, RIGHT, Ruler
from tests.draw.conftest import Drawn
from tests.draw.recorded import NOTHING

seconds = st.floats(-1e5, 1e5)


@pytest.mark.parametrize(
    ("instant", "words"),
    [
        *((0.0, "0 ms"), (-0.0001, "0 ms"), (0.0124, "12 ms"), (-0.003, "−3 ms"), (0.9994, "999 ms")),
        *((0.9996, "1.00 s"), (2.034, "2.03 s"), (10.016, "10.02 s"), (240.4, "240 s"), (-3600, "−3600 s")),
    ],
)
def test_an_instant_in_words(instant: float, words: str) -> None:
    """Below a second in milliseconds, above in seconds with as many digits as one looks at."""
    assert ruler.time(instant) == words


@pytest.mark.parametrize(("resolution", "words"), [(0.0, "1 ms"), (0.001, "1 ms"), (0.0011, "2 ms"), (0.0492, "50 ms")])
def test_exactness_is_rounded_up(resolution: float, words: str) -> None:
    """Nobody promises more than was measured; the worst of several counts."""
    assert ruler.exactness([NOTHING, replace(NOTHING, resolution=resolution)]) == f"known within {words}"


@given(st.lists(seconds, max_size=9))
def test_instants_stand_on_the_axis_in_order(instants: list[float]) -> None:
    """Every instant has a place on the axis, a later one never to the left of an earlier one; the asking is on it."""
    line = ruler.measure(instants)
    places = [line.place(instant) for instant in sorted([*instants, 0.0])]
    assert places == sorted(places)
    assert all(LEFT <= place <= RIGHT for place in places)
    assert line.begin <= 0 < line.end or line.begin < 0 <= line.end


@given(st.lists(seconds, max_size=9))
@example([1.375, -1.0])
def test_ticks_are_few_and_even(instants: list[float]) -> None:
    """Any axis has three to nine ticks at the same distance, all of them on it."""
    line = ruler.measure(instants)
    ticks = line.ticks()
    assert 3 <= len(ticks) <= 9
    slack = (line.end - line.begin) * 1e-6
    assert all(line.begin - slack <= tick <= line.end + slack for tick in ticks)
    steps = [behind - before for before, behind in pairwise(ticks)]
    assert max(steps) == pytest.approx(min(steps))


def test_a_long_lead_is_cut() -> None:
    """Of what lies before the asking a fifth of the time after it is shown, or all if nothing comes after it."""
    assert ruler.measure([-100, 1]) == Ruler(-0.2, 1)
    assert ruler.measure([-100, -3]) == Ruler(-100, 0)


def test_a_bar_can_be_seen_however_short(drawn: Drawn) -> None:
    """A state of no length is still a line, and has no room for its name."""
    axes = paper.sheet(18, 2)
    ruler.bar(axes, 4, 4, 1, 0.4, "zombie")
    assert axes.patches[0].get_window_extent().width > 1
    assert drawn.words == []


def test_a_grace_period_beyond_the_axis_is_open(drawn: Drawn) -> None:
    """A bracket that ends on the axis has two posts; one that does not has an arrow."""
    for grace, posts in ((1, 2), (10, 1)):
        axes = paper.sheet(18, 2)
        ruler.bracket(axes, Ruler(0, 2), replace(NOTHING, grace=grace), 1)
        lines: list[Any] = list(axes.lines)
        assert len([line for line in lines if len(set(line.get_xdata())) == 1]) == posts


def test_a_sheet_is_as_high_as_what_is_on_it() -> None:
    """A sheet that is drawn on downwards gets half an inch for each unit."""
    axes = paper.sheet(18, 1)
    ruler.fit(axes, -7)
    assert axes.get_ylim() == (-7, 0)
    assert axes.figure.get_figheight() == 3.5  # type: ignore[union-attr]
