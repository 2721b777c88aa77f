"""Who says what to whom, from the first request down to the last answer: client and daemon as two lifelines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from labkit.draw import paper
from labkit.inside.exchanges import Exchange

MOST = 20
"""Requests on one sheet."""

EVENTS = 4
"""Arrows for what came bit by bit in one answer; what is between the first ones and the last is counted."""

ROW = 0.62
LEFT, RIGHT = 2.4, 15.6
BAR = 0.16


class Heard(Protocol):
    """What has exchanges: a wiretap."""

    @property
    def exchanges(self) -> list[Exchange]:
        """Every request so far."""


@dataclass(frozen=True)
class _Step:
    """One arrow: when, of which exchange, in which direction, with which words."""

    seconds: float
    exchange: Exchange
    there: bool
    words: str
    line: str = "-"


def sequence(heard: Heard | Sequence[Exchange], *, scale: bool = False) -> None:
    """Draw every request as an arrow to the daemon, and what it answered as arrows back.

    A bar on the daemon's side lasts as long as an answer: beside a raw stream, other requests come and go.

    Args:
        heard: a wiretap, or its exchanges.
        scale: whether distances are times; otherwise they are equal.

    Raises:
        ValueError: if there are no exchanges.
    """
    exchanges = list(heard if isinstance(heard, Sequence) else heard.exchanges)
    if not exchanges:
        raise ValueError("there are no exchanges to draw; let a docker command speak inside the wiretap first")
    shown = exchanges[:MOST]
    steps = sorted((step for exchange in shown for step in _steps(exchange)), key=lambda step: step.seconds)
    (_draw_to_scale if scale else _draw)(steps, len(exchanges) - len(shown), _sentence(exchanges, scale=scale))


def _steps(exchange: Exchange) -> Iterator[_Step]:
    yield _Step(exchange.started, exchange, True, exchange.brief if exchange.method else "(not understood)")
    if not exchange.status:
        yield _Step(exchange.ended, exchange, False, exchange.problem or "no answer so far", ":")
        return
    yield _Step(exchange.answered, exchange, False, _status(exchange), "--")
    told = list(_told(exchange))
    if len(told) > EVENTS:
        between = f"… {len(told) - EVENTS + 1} more"
        told[EVENTS - 2 : -1] = [_Step(told[EVENTS - 2].seconds, exchange, False, between, ":")]
    yield from told
    if exchange.problem:
        yield _Step(exchange.ended, exchange, False, exchange.problem, ":")


def _status(exchange: Exchange) -> str:
    if exchange.status == 101:
        return "101 UPGRADED"
    known = {status.value: status.phrase for status in HTTPStatus}
    return f"{exchange.status} {known.get(exchange.status, '')}".strip()


def _told(exchange: Exchange) -> Iterator[_Step]:
    """What came bit by bit: frames, or the lines of an answer that was not there at once."""
    if exchange.frames:
        for frame in exchange.frames:
            words = f"{frame.stream}  {frame.data.decode(errors='replace')!r}"
            yield _Step(frame.seconds, exchange, frame.stream == "stdin", words, ":")
    elif _is_told(exchange):
        for seconds, text in exchange.chunks:
            yield _Step(seconds, exchange, False, text, ":")


def _is_told(exchange: Exchange) -> bool:
    late = exchange.chunks and exchange.chunks[0][0] - exchange.answered > 0.005
    return len(exchange.chunks) > 1 or bool(late)


def _draw(steps: Sequence[_Step], more: int, sentence: str) -> None:
    """Equal distances: the words stand on their arrows, the times beside them."""
    bottom = 0.9 if more else 0.3
    top = bottom + ROW * len(steps) + 0.2
    axes = _lifelines(top, bottom)
    places = [top - 0.1 - ROW * (index + 1) + 0.12 for index in range(len(steps))]
    _bars(axes, steps, places)
    for step, y in zip(steps, places, strict=True):
        paper.write(axes, LEFT - 0.9, y, _after(step.seconds - steps[0].seconds), at="right", size=8)
        _arrow(axes, step, y)
        at, x = ("left", LEFT + 0.35) if step.there else ("right", RIGHT - 0.35)
        room = RIGHT - LEFT - 0.9
        paper.write(axes, x, y + 0.22, _numbered(step), at=at, size=8, mono=True, room=room)
    _note(axes, more)
    paper.show(axes, sentence)


def _draw_to_scale(steps: Sequence[_Step], more: int, sentence: str) -> None:
    """Distances are times: the words stand in a column of their own, each with a line to its arrow."""
    bottom = 0.9 if more else 0.3
    height, left = max(6.0, 0.48 * len(steps)), 10.2
    top = bottom + height + 0.4
    axes = _lifelines(top, bottom, left=left)
    first, whole = steps[0].seconds, max(step.seconds for step in steps) - steps[0].seconds
    places = [top - 0.3 - (step.seconds - first) / (whole or 1) * height for step in steps]
    _bars(axes, steps, places)
    pitch = height / max(len(steps) - 1, 1)
    for index, (step, y) in enumerate(zip(steps, places, strict=True)):
        row = top - 0.3 - index * pitch
        _arrow(axes, step, y, left=left)
        paper.write(axes, 0.2, row, f"{_after(step.seconds - first):>8}", at="left", size=8, mono=True)
        arrow = "→" if step.there else "←"
        paper.write(axes, 1.75, row, f"{arrow} {_numbered(step)}", at="left", size=8, mono=True, room=left - 3.2)
        axes.plot([left - 1.3, left - 0.15], [row, y], color="#999999", linewidth=0.6)
    _note(axes, more)
    paper.show(axes, sentence)


def _lifelines(top: float, bottom: float, *, left: float = LEFT) -> Axes:
    axes = paper.sheet(18, top + 1.1)
    for x, name, face in ((left, "client", paper.BLUE), (RIGHT, "daemon", paper.SAND)):
        paper.box(axes, x - 1.2, top + 0.1, 2.4, 0.8, name, face=face)
        axes.plot([x, x], [bottom, top + 0.1], color=paper.INK, linewidth=1, linestyle=(0, (4, 3)))
    return axes


def _bars(axes: Axes, steps: Sequence[_Step], places: Sequence[float]) -> None:
    """A bar for each exchange, from its request to its last byte; those at the same time stand side by side."""
    ends: list[float] = []  # of the bars in each lane, how far down they go
    for number in dict.fromkeys(step.exchange.number for step in steps):
        mine = [y for step, y in zip(steps, places, strict=True) if step.exchange.number == number]
        top, bottom = max(mine), min(mine)
        lane = next((lane for lane, end in enumerate(ends) if end > top), len(ends))
        ends[lane:] = [bottom, *ends[lane + 1 :]]
        x = RIGHT + (lane - 0.5) * BAR
        axes.add_patch(
            Rectangle((x, bottom), BAR, max(top - bottom, 0.02), facecolor=paper.SAND, edgecolor=paper.INK, zorder=2)
        )


def _arrow(axes: Axes, step: _Step, y: float, *, left: float = LEFT) -> None:
    ends = (left, y), (RIGHT - BAR / 2, y)
    start, end = ends if step.there else ends[::-1]
    paper.arrow(axes, start, end, line=step.line)


def _numbered(step: _Step) -> str:
    return f"{step.exchange.number:<2} {step.words}"


def _note(axes: Axes, more: int) -> None:
    if more:
        paper.write(axes, (LEFT + RIGHT) / 2, 0.4, f"… and {more} more request{'s'[: more != 1]}", size=9)


def _count(number: int) -> str:
    return "1 request" if number == 1 else f"{number} requests"


def _after(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if abs(seconds) < 10 else f"{seconds:.1f} s"


def _sentence(exchanges: Sequence[Exchange], *, scale: bool) -> str:
    told = [_say(exchange, scale=scale) for exchange in exchanges[:MOST]]
    more = len(exchanges) - len(told)
    behind = [f"and {more} more"] if more else []
    return f"The client sent {_count(len(exchanges))}: {'; '.join([*told, *behind])}."


def _say(exchange: Exchange, *, scale: bool) -> str:
    after = f" after {_after(exchange.answered - exchange.started)}" if scale else ""
    answer = f"{exchange.status}{after}" if exchange.status else "no answer"
    then = ", then a raw stream" if exchange.upgraded else ", line by line" if len(exchange.chunks) > 1 else ""
    asked = exchange.template if exchange.method else "(not understood)"
    return f"{asked if len(asked) <= 80 else f'{asked[:79]}…'} → {answer}{then}"
