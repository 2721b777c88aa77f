"""The distance between two clocks: of one computer, of two, and of one whose answers take their time."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.daemon import Daemon
from labkit.host import Host
from labkit.inside import clocks
from labkit.inside.clocks import Distance, measure_distance, read_distance
from labkit.local import LocalHost


class Ticking:
    """A clock that moves only when it is told to; it takes the place of the module ``time``."""

    def __init__(self) -> None:
        self.now = 1000.0

    def time(self) -> float:
        """Tell the time."""
        return self.now


delays = st.floats(0, 0.5)


@given(st.floats(-1e6, 1e6), st.lists(st.tuples(delays, delays), min_size=clocks.TIMES, max_size=clocks.TIMES))
def test_the_distance_is_as_exact_as_it_says(apart: float, ways: list[tuple[float, float]]) -> None:
    """However long question and answer are on their way, the true distance lies within what is told."""
    here, on_the_way = Ticking(), iter(ways)

    def ask() -> float:
        there, back = next(on_the_way)
        here.now += there
        theirs = here.now + apart
        here.now += back
        return theirs

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clocks, "time", here)
        distance = measure_distance(ask)
    assert abs(distance.seconds - apart) <= distance.within + 1e-6
    assert distance.within <= min(there + back for there, back in ways) / 2 + 1e-6


def test_one_computer_has_one_clock() -> None:
    """Where both read the same boot id nothing is measured, and nothing is uncertain."""
    nobody: Any = None
    assert read_distance(LocalHost(), nobody) == Distance(0.0, 0.0)


class Elsewhere:
    """A daemon whose clock is an hour ahead."""

    def __init__(self) -> None:
        self.client = self
        self.asked = itertools.count(1)

    def info(self) -> dict[str, str]:
        """Tell the time there."""
        import datetime

        next(self.asked)
        there = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
        return {"SystemTime": there.isoformat().replace("+00:00", "123Z")}


def test_without_date_the_daemon_is_asked(tmp_path: Path) -> None:
    """On a host that runs no date, the daemon's own time is what counts."""
    elsewhere: Any = Elsewhere()
    distance = read_distance(LocalHost(tmp_path), elsewhere)
    assert abs(distance.seconds - 3600) <= distance.within + 1e-3
    assert next(elsewhere.asked) == clocks.TIMES + 1


@pytest.mark.daemon
@pytest.mark.parametrize("date", [True, False])
def test_a_measured_distance_to_ourselves_is_none(
    host: Host, daemon: Daemon, monkeypatch: pytest.MonkeyPatch, date: bool
) -> None:
    """The distance to our own clock, measured as to another, is nothing: by date and by the daemon."""
    if not clocks._is_here(host):
        pytest.skip("the daemon's host is another computer")
    monkeypatch.setattr(clocks, "_is_here", lambda _: False)
    if not date:
        monkeypatch.setattr(clocks, "_by_date", lambda _: float("no date here"))
    distance = read_distance(host, daemon)
    assert abs(distance.seconds) <= distance.within + 1e-3
    assert 0 < distance.within < 0.5
