"""What the daemon tells on its event stream: one JSON object for each thing that happens.

Source: Engine API, ``SystemEvents`` (``GET /events``).
"""

from __future__ import annotations

import contextlib
import datetime
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.daemon import Daemon


@dataclass(frozen=True)
class Event:
    """One line of the stream.

    Attributes:
        seconds: when, on the daemon's clock, since 1970.
        kind: ``"container"``, ``"network"``, ``"image"``, ``"volume"`` …
        action: ``"create"``, ``"start"``, ``"die"``, ``"destroy"`` … ``"exec_start: sh"`` has its command behind it.
        name: the name of the container, network …; its id where the daemon tells no name.
        exit_code: for ``die`` and ``exec_die``: what the process ended with; None otherwise.
        signal: for ``kill``: the number of the signal (``signal(7)``); None otherwise.
    """

    seconds: float = field(repr=False)
    kind: str
    action: str
    name: str
    exit_code: int | None = None
    signal: int | None = field(default=None, repr=False)


def read_events(text: str | bytes) -> list[Event]:
    """Read the lines of an event stream; a line that is cut off at the end is left out."""
    whole, _, cut = (text.decode(errors="replace") if isinstance(text, bytes) else text).rpartition("\n")
    lines = whole.split("\n")  # not splitlines(): JSON may hold other separators
    events = [_event(json.loads(line)) for line in lines if line.strip()]
    with contextlib.suppress(ValueError):
        events.append(_event(json.loads(cut)))
    return events


def _event(data: Any) -> Event:
    if not isinstance(data, dict):
        raise ValueError(f"{data!r} is not an event: it wants an object with Type, Action and Actor")
    actor = data.get("Actor") or {}
    attributes = actor.get("Attributes") or {}
    code, signal = attributes.get("exitCode"), attributes.get("signal")
    return Event(
        seconds=int(data.get("timeNano") or data.get("time", 0) * 10**9) / 1e9,
        kind=str(data.get("Type", "")),
        action=str(data.get("Action", "")),
        name=str(attributes.get("name") or actor.get("ID", "")),
        exit_code=None if code is None else int(code),
        signal=None if signal is None else int(signal),
    )


def read_told(daemon: Daemon, container: str) -> list[Event]:
    """Read what the daemon remembers of a container, by its id or its name; it may have been removed long ago."""
    api: Any = daemon.client.api
    chosen = {"type": "container", "container": container}
    return read_events(b"".join(api.events(since=1, until=read_clock(daemon), filters=chosen)))


def read_clock(daemon: Daemon) -> float:
    """Read the time on the daemon's clock, in seconds since 1970."""
    return datetime.datetime.fromisoformat(daemon.client.info()["SystemTime"]).timestamp()
