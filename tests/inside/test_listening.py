"""A listener hears of all containers with its label, however many events the daemon has forgotten meanwhile."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from labkit.inside.listening import OVERLAP, Listener


class Telling:
    """A daemon an hour ahead that keeps four events only."""

    def __init__(self) -> None:
        self.client = self.api = self
        self.kept: list[tuple[float, str]] = []
        self.asked: list[tuple[float, float]] = []

    def happen(self, action: str) -> None:
        """Keep one more event, and forget the oldest."""
        self.kept = [*self.kept, (time.time() + 3600, action)][-4:]

    def events(self, *, since: float, until: float, filters: dict[str, str]) -> Iterator[bytes]:
        """Tell what is kept of a time."""
        assert filters == {"type": "container", "label": "a=b"}
        self.asked.append((since, until))
        for at, action in self.kept:
            if since <= at <= until:
                event = {"Type": "container", "Action": action, "timeNano": int(at * 1e9)}
                yield json.dumps(event | {"Actor": {"Attributes": {"name": "web"}}}).encode() + b"\n"


@pytest.fixture
def telling() -> Any:
    """A daemon with a short memory."""
    return Telling()


def test_nothing_is_forgotten_and_nothing_twice(telling: Any) -> None:
    """Events that the daemon has forgotten stay, and those that it tells twice are there once."""
    listener = Listener(telling, "a=b", 3600)
    for number in range(9):
        telling.happen(str(number))
        listener.listen()
    assert [event.action for event in listener.told("web")] == list("012345678")
    assert listener.told("other") == []


def test_the_times_asked_for_overlap(telling: Any) -> None:
    """Each time what is asked for begins before the end of the last one, on the daemon's clock."""
    listener = Listener(telling, "a=b", 3600)
    listener.listen()
    listener.listen()
    (_, first), (second, _) = telling.asked
    assert second == pytest.approx(first - OVERLAP)
    assert abs(first - 3600 - time.time()) < 10
