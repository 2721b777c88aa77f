"""What the daemon told on its event stream, from the first event down to the last."""

from __future__ import annotations

from labkit.draw import paper
from labkit.inside.events import Event


def events(told: list[Event]) -> None:
    """Draw events in order, one below the other, with the milliseconds since the first.

    The distances are equal; the time is in the numbers.
    """
    if not told:
        raise ValueError("there are no events to draw; read the stream first")
    top = len(told) + 0.1
    axes = paper.sheet(18, top + 0.4)
    paper.arrow(axes, (2.4, top), (2.4, 0.1))
    for index, event in enumerate(told):
        middle = top - 0.5 - index
        paper.write(axes, 2.1, middle, _after(event.seconds - told[0].seconds), at="right")
        paper.arrow(axes, (2.4, middle), (3.2, middle), style="-")
        paper.box(axes, 3.2, middle - 0.35, 6.6, 0.7, _words(event), face=paper.BLUE)
        if index == 0 or event.name != told[index - 1].name:
            paper.write(axes, 10.2, middle, event.name, mono=True, at="left", room=7.5)
    count = "1 event" if len(told) == 1 else f"{len(told)} events"
    paper.show(axes, f"The daemon told of {count}: {', '.join(map(_words, told))}.")


def _words(event: Event) -> str:
    """What happened; of a command that was executed only the beginning."""
    action = event.action if len(event.action) <= 40 else event.action[:39] + "…"
    return action if event.exit_code is None else f"{action} with exit code {event.exit_code}"


def _after(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if abs(seconds) < 10 else f"{seconds:.1f} s"
