"""The chapters run unchanged on the machine: the tests are those of every other seat."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import chapters
from tests.machine.machines import Machine
from tests.seats import Seat
from tests.test_chapters import (
    test_the_chapters_solved as test_the_chapters_solved,
)
from tests.test_chapters import (
    test_the_seat_looks_at_the_host_as_it_says as test_the_seat_looks_at_the_host_as_it_says,
)

pytestmark = [pytest.mark.machine, pytest.mark.notebook]


@pytest.fixture
def seat(machine: Machine, tmp_path: Path) -> Iterator[Seat]:
    """A learner whose daemon is the machine's."""
    learner = f"seat-machine-{secrets.token_hex(4)}"
    own = {"PYTHONPATH": str(chapters.ROOT), "DOCKER_HOST": f"unix://{machine.where.socket}"}
    there = Seat(learner, tmp_path, chapters.ROOT, "HelperHost", chapters.environment(learner, tmp_path, **own))
    yield there
    there.run("-c", "from labkit import tidy; tidy()")
