"""What the daemon tells on its event stream: one JSON object for each thing that happens.

Source: Engine API, ``SystemEvents`` (``GET /events``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Event:
    """One line of the stream.

    Attributes:
        seconds: when, on the daemon's clock, since 1970.
        kind: ``"container"``, ``"network"``, ``"image"``, ``"volume"`` …
        action: ``"create"``, ``"start"``, ``"die"``, ``"destroy"`` …
        name: the name of the container, network …
        exit_code: for ``die``: what the process ended with; None otherwise.
    """

    seconds: float = field(repr=False)
    kind: str
    action: str
    name: str
    exit_code: int | None = None


def read_events(text: str | bytes) -> list[Event]:
    """Read the lines of an event stream; a line that is cut off at the end is left out."""
    lines = (text.decode(errors="replace") if isinstance(text, bytes) else text).splitlines()
    events = []
    for line in filter(str.strip, lines):
        try:
            events.append(_event(json.loads(line)))
        except ValueError:
            if line is not lines[-1]:
                raise
    return events


def _event(data: dict[str, object]) -> Event:
    actor = data.get("Actor")
    attributes = actor.get("Attributes") or {} if isinstance(actor, dict) else {}
    code = attributes.get("exitCode")
    return Event(
        seconds=int(str(data.get("timeNano", 0))) / 1e9,
        kind=str(data.get("Type", "")),
        action=str(data.get("Action", "")),
        name=str(attributes.get("name", "")),
        exit_code=None if code is None else int(code),
    )
