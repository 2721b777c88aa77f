"""The chapters run to their end, as shipped and solved, wherever a learner sits."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from labkit.daemon import Daemon
from tests import chapters, seats
from tests.seats import Seat

pytestmark = [pytest.mark.daemon, pytest.mark.notebook]


@pytest.fixture(scope="module", params=["as found", "helper", "user"])
def seat(request: pytest.FixtureRequest, daemon: Daemon) -> Iterator[Seat]:
    """One learner after the other, each in another seat."""
    with seats.seat(request.param, daemon) as there:
        yield there
        there.run("-c", "from labkit import tidy; tidy()")


def test_the_seat_looks_at_the_host_as_it_says(seat: Seat) -> None:
    """Root beside the daemon looks directly, everybody else through the helper, and both see the host's kernel."""
    assert seats.looks(seat) == [seat.host, "Linux"]


@pytest.mark.parametrize("seat", ["as found"], indirect=True, scope="module")
def test_the_chapters_as_shipped(seat: Seat) -> None:
    """Every cell of the pristine chapters runs and prints what is stored; nothing of the learner is left but images."""
    seats.run_nbval(seat, [seat.checkout / "notebooks" / path.name for path in chapters.FILES.values()])
    assert seats.left(seat) == "[]"


@pytest.mark.parametrize("seat", ["as found", "user"], indirect=True, scope="module")
def test_the_chapters_solved(seat: Seat) -> None:
    """With the reference answers every check passes, and every other cell prints what is stored; nothing is left."""
    seats.run_nbval(seat, seats.solve(seat))
    assert seats.left(seat) == "[]"
