"""What a picture of timelines says, in words: who sent what, what became of the processes, and when."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from labkit.draw import marks, paper, ruler
from labkit.inside.moments import Timeline

MOST = 6
"""Groups of programs with the same fate that are told of one by one."""

NAMES = 4
"""Names of programs in one group that are said."""

LONG = 0.1
"""Seconds that a state must last to be told of: whether somebody saw a shorter one is chance."""


def say_one(it: Timeline, *, seconds: bool) -> str:
    """Return the sentence for one timeline."""
    lines = sum(1 for moment in it.moments if moment.source == "log")
    parts = [_sent(it, seconds=seconds), *_states(it)]
    parts += [f"{marks.amount(lines, 'line')} in its log"] * bool(lines)
    parts += [_end([it], seconds=seconds)]
    exact = f", {ruler.exactness([it])}" if seconds else ""
    return f"{brief(it.name)}: {'; '.join(parts)}{exact}."


def say_many(found: Sequence[Timeline], *, seconds: bool) -> str:
    """Return the sentence for several: those with the same fate together, each group with its times."""
    groups: dict[object, list[Timeline]] = {}
    for it in found:
        groups.setdefault((it.action, sent(it), it.exit_code, it.ended is None), []).append(it)
    actions = {it.action for it in found}
    told = [_say_group(group, len(actions) > 1, seconds=seconds) for group in list(groups.values())[:MOST]]
    rest = sum(map(len, list(groups.values())[MOST:]))
    told += [f"{rest} more otherwise"] * bool(rest)
    exact = f"; {ruler.exactness(found)}" if seconds else ""
    return f"{len(found)} programs, {say_actions(found)}: {'; '.join(told)}{exact}."


def say_actions(found: Sequence[Timeline]) -> str:
    """Return what was done to all of them, or how many different things."""
    actions = {it.action for it in found}
    return brief(*actions) if len(actions) == 1 else f"{len(actions)} actions"


def _say_group(group: Sequence[Timeline], mixed: bool, *, seconds: bool) -> str:
    names = [brief(it.name) for it in group[:NAMES]]
    names += [f"{len(group) - NAMES} more"] * (len(group) > NAMES)
    signals = ", then ".join(sent(group[0])) or "no signal"
    action = f"{brief(group[0].action)}, " if mixed else ""
    return f"{paper.series(names, '')}: {action}{signals}, {_end(group, seconds=seconds)}"


def brief(words: str) -> str:
    """Words of at most 40 letters."""
    return words if len(words) <= 40 else f"{words[:39]}…"


def sent(it: Timeline) -> tuple[str, ...]:
    """The signals that the daemon told of; one that is told twice in a row, as some engines do, once."""
    return tuple(signal for signal, _ in groupby(it.signals))


def _sent(it: Timeline, *, seconds: bool) -> str:
    first, *more = sent(it) or ("",)
    if not first:
        return f"{brief(it.action)}; the daemon told of no signal"
    more = [f"{_when(it, signal, seconds=seconds)} the daemon sent {signal}" for signal in more[:3]]
    return "; ".join([f"{brief(it.action)} sent {first}", *more, *["…"] * (len(sent(it)) > 4)])


def _when(it: Timeline, signal: str, *, seconds: bool) -> str:
    """When a second signal was sent: the daemon tells of it a little later, so that the grace period says it better."""
    first = next(moment.seconds for moment in it.moments if moment.signal)
    when = next(moment.seconds for moment in it.moments if moment.signal == signal)
    if it.grace is not None and when - first > 0.9 * it.grace:
        return f"after {it.grace:g} s of grace"
    return f"after {ruler.time(when)}" if seconds else "later"


def _states(it: Timeline) -> list[str]:
    """What processes were for a while, other than alive."""
    spans = {span.state for track in it.tracks for span in track.spans if span.end - span.begin >= LONG}
    kinds = sorted(state.replace("zombie", "zombies") for state in spans - {"alive"})
    return [f"for a while processes were {paper.series(kinds, '')}"] if kinds else []


def _end(group: Sequence[Timeline], *, seconds: bool) -> str:
    """What the first processes of a group with one fate ended with, and when; who was last, if much later."""
    code = group[0].exit_code
    if code is None:
        return "it still runs" if len(group) == 1 else "they still run"
    ends = sorted((each.ended, each.name) for each in group if each.ended is not None)
    if not ends or not seconds:
        return f"exit code {code}"
    (first, _), (last, name) = ends[0], ends[-1]
    late = f" ({brief(name)})" if last > 2 * first else ""
    until = f" to {ruler.time(last)}{late}" if ruler.time(last) != ruler.time(first) else ""
    return f"exit code {code} after {ruler.time(first)}{until}"
