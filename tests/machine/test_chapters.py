"""The chapters run unchanged on the machine."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.daemon import connect
from labkit.errors import DaemonError
from tests import chapters, hub, seats
from tests.machine.machines import Machine
from tests.seats import Seat

pytestmark = [pytest.mark.machine, pytest.mark.notebook]


@pytest.fixture
def seat(machine: Machine, tmp_path: Path) -> Iterator[Seat]:
    """A learner whose daemon is the machine's."""
    learner = f"seat-machine-{secrets.token_hex(4)}"
    own = {"PYTHONPATH": str(chapters.ROOT), "DOCKER_HOST": f"unix://{machine.where.socket}"}
    there = Seat(learner, tmp_path, chapters.ROOT, "HelperHost", chapters.environment(learner, tmp_path, **own))
    yield there
    there.run("-c", "from labkit import tidy; tidy()")


def test_the_seat_looks_at_the_host_as_it_says(seat: Seat) -> None:
    """The machine is another computer: a learner looks at it through the helper."""
    assert seats.looks(seat) == ["HelperHost", "Linux"]


def a_pod_can_be_made() -> bool:
    """Whether the tests of the hub's image run here: its pod has the same machine, with one processor and no rights."""
    try:
        return not hub.why_not(connect(quiet=True))
    except DaemonError:
        return False


def test_the_chapters_solved(seat: Seat) -> None:
    """With the reference answers every check passes, and every other cell prints what is stored; nothing is left."""
    if a_pod_can_be_made():
        pytest.skip("tests/test_binder.py runs them on this machine, in a pod")
    seats.run_nbval(seat, seats.solve(seat))
    assert seats.left(seat) == "[]"
