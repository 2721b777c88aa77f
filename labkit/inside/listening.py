"""Listen to what the daemon tells of many containers, so often that it forgets nothing of it meanwhile."""

from __future__ import annotations

import time
from typing import Any

from labkit.daemon import Daemon
from labkit.inside.events import Event, read_events

OVERLAP = 1.0
"""Seconds that are asked for twice: an event may be kept a moment after its own time."""


class Listener:
    """Collects the events of all containers with a label: ``listen()`` again and again, from one thread.

    A daemon keeps 256 events, and fifty containers that start and end make more. It is asked for what is past, rather
    than for a stream, since that answer has an end.

    Args:
        daemon: who tells.
        label: of the containers: ``"key=value"``.
        ahead: seconds that the daemon's clock is ahead of ours.
    """

    def __init__(self, daemon: Daemon, label: str, ahead: float = 0.0) -> None:
        self.daemon, self.label, self.ahead = daemon, label, ahead
        self._since = time.time() + ahead - OVERLAP
        self._told: dict[str, dict[Event, None]] = {}

    def listen(self) -> None:
        """Take in what was told since the last time."""
        api: Any = self.daemon.client.api
        until = time.time() + self.ahead
        chosen = {"type": "container", "label": self.label}
        for event in read_events(b"".join(api.events(since=self._since, until=until, filters=chosen))):
            self._told.setdefault(event.name, {})[event] = None
        self._since = until - OVERLAP

    @property
    def names(self) -> list[str]:
        """The names of the containers of which something was told."""
        return [*self._told]

    def told(self, name: str) -> list[Event]:
        """Return what was told so far of the container of that name, in the order of its times."""
        return sorted(self._told.get(name, {}).copy(), key=lambda event: event.seconds)
