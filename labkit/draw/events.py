"""What the daemon told on its event stream, along time."""

from __future__ import annotations

from labkit.draw import paper
from labkit.inside.events import Event


def events(told: list[Event]) -> None:
    """Draw the events of one container on a line, in order, with the milliseconds between them."""
    if not told:
        raise ValueError("there are no events to draw; read the stream first")
    axes = paper.sheet(18, 3.6)
    step = 16 / len(told)
    paper.arrow(axes, (0.4, 1.5), (17.6, 1.5))
    for index, event in enumerate(told):
        x = 1 + index * step
        label = event.action + (f"\nexit code {event.exit_code}" if event.exit_code is not None else "")
        paper.box(axes, x, 2.0, min(step * 0.7, 3.2), 1.2, label, face=paper.BLUE)
        paper.arrow(axes, (x + 0.3, 2.0), (x + 0.3, 1.5), style="-")
        after = (event.seconds - told[0].seconds) * 1000
        paper.write(axes, x + 0.3, 0.9, f"{after:.0f} ms" if index else f"0 ms: {event.name}", size=8, at="left")
    paper.show(axes, f"The daemon told of {len(told)} events: {', '.join(event.action for event in told)}.")
