"""Which signals a process catches, ignores, blocks, and has yet to get, as the kernel shows it.

Source: ``proc_pid_status(5)``, which older systems have in ``proc(5)``: ``SigCgt``, ``SigIgn``, ``SigBlk``,
``SigPnd`` and ``ShdPnd``, of 16 hexadecimal digits each. The lowest bit stands for signal 1.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace

from labkit import errors
from labkit.host import Host, decode
from labkit.inside.awaiting import parse_mask, read_signalfds, read_waits
from labkit.inside.numbers import HIGHEST, signal_name

_NONE = frozenset[int]()


@dataclass(frozen=True, repr=False)
class Masks:
    """Sets of signals, by number; ``print`` shows their names.

    Attributes:
        caught: those for which the process has a function, its handler (``SigCgt``).
        ignored: those that it has told the kernel to throw away (``SigIgn``).
        blocked: those that the kernel keeps for it until it wants them (``SigBlk``).
        pending: those that were sent and not yet delivered, to it or to a thread of it (``ShdPnd``, ``SigPnd``).
        awaited: those that it fetches by itself, without a handler, as ``docker-init`` does (``sigwaitinfo(2)``,
            ``signalfd(2)``). No line of ``/proc/<pid>/status`` tells them; where there are none, none is printed.
    """

    caught: frozenset[int] = _NONE
    ignored: frozenset[int] = _NONE
    blocked: frozenset[int] = _NONE
    pending: frozenset[int] = _NONE
    awaited: frozenset[int] = _NONE

    def __repr__(self) -> str:
        sets = ((name, ", ".join(_names(numbers))) for name, numbers in self._sets())
        return f"Masks({'; '.join(f'{name} {names}' for name, names in sets if names)})"

    def __str__(self) -> str:
        return "\n".join(_line(name, _names(numbers)) for name, numbers in self._sets() if numbers or name != "awaited")

    def _sets(self) -> Iterator[tuple[str, frozenset[int]]]:
        return ((field.name, getattr(self, field.name)) for field in fields(self))


def _line(name: str, names: list[str]) -> str:
    """One line of a text, or more where it would be long."""
    words = [word.replace(" ", "\0") for word in names]  # so that no line ends within a name
    text = f"{name:8} {', '.join(words) or '-'}"
    return textwrap.fill(text, 76, subsequent_indent=" " * 9, break_on_hyphens=False).replace("\0", " ")


def _names(numbers: frozenset[int]) -> list[str]:
    """The names in order; of many real-time signals in a row the first and the last."""
    if len(numbers) == HIGHEST:
        return ["every signal"]
    names = [signal_name(number) for number in sorted(numbers) if number < 34]
    for low, high in _runs(number for number in sorted(numbers) if number >= 34):
        between = [] if low == high else [f"{signal_name(low)} to {signal_name(high)}"]
        names += between or [signal_name(low)]
    return names


def _runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Numbers that follow each other, each run by its first and last."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs


def parse_masks(status: str) -> Masks:
    """Read the masks of one thread from the text of its ``/proc/…/status``.

    Raises:
        HostError: if a mask is missing.
    """
    lines = dict(line.split(":\t", 1) for line in status.split("\n") if ":\t" in line)
    try:
        caught, ignored, blocked, own, shared = (
            parse_mask(lines[name]) for name in ("SigCgt", "SigIgn", "SigBlk", "SigPnd", "ShdPnd")
        )
    except KeyError as missing:
        raise errors.HostError(
            f"The status has no line {missing}.", "Give the whole text of /proc/<pid>/status."
        ) from None
    return Masks(caught, ignored, blocked, own | shared)


def read_masks(host: Host, pid: int) -> Masks:
    """Read what a process does with signals, all its threads together.

    What is sent to the process goes to any thread that does not block it: blocked is what every thread blocks.

    Raises:
        PathMissing: if there is no such process, or it has ended and its parent knows.
        PathForbidden: if the host hides other users' processes (``hidepid``, ``proc(5)``).
    """
    folder = f"/proc/{pid}/task"
    threads = host.list(folder)
    texts = map(decode, host.read_each([f"{folder}/{thread}/status" for thread in threads]))
    found = {thread: text for thread, text in zip(threads, texts, strict=True) if text}
    found = found or {str(pid): host.text(f"/proc/{pid}/status")}  # which says why
    alive = {thread: text for thread, text in found.items() if "\nState:\tZ" not in text} or found
    masks = _together([parse_masks(text) for text in alive.values()])
    return replace(masks, awaited=_awaited(host, pid, {thread: parse_masks(text) for thread, text in alive.items()}))


def _together(threads: Sequence[Masks]) -> Masks:
    first = threads[0]  # handlers are the whole process's
    blocked = frozenset.intersection(*(thread.blocked for thread in threads))
    pending = frozenset.union(*(thread.pending for thread in threads))
    return Masks(first.caught, first.ignored, blocked, pending)


def _awaited(host: Host, pid: int, threads: Mapping[str, Masks]) -> frozenset[int]:
    """What some thread fetches; not what another thread would get, because it does not block it."""
    waits = read_waits(host, pid, list(threads))
    fetched = frozenset.union(read_signalfds(host, pid), *waits)
    kept = [masks.blocked | wait for masks, wait in zip(threads.values(), waits, strict=True)]
    return frozenset.intersection(fetched, *kept)
