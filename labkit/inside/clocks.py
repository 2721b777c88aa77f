"""How far the clock of the daemon's host is from this computer's, and how exactly that is known.

Where both are the same computer they have one clock. Otherwise the other one is asked what time it is: its answer was
true at some instant between the question and the answer, so that each question gives a lowest and a highest distance.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from labkit import errors
from labkit.daemon import Daemon
from labkit.host import Host
from labkit.inside.events import read_clock

BOOT = "/proc/sys/kernel/random/boot_id"
"""A number that each kernel draws when it starts (``random(4)``): who reads the same one is on the same computer."""

TIMES = 7
"""How often the other clock is asked; the quickest answers count."""


@dataclass(frozen=True)
class Distance:
    """From this computer's clock to that of the daemon's host.

    Attributes:
        seconds: what to add to our time to get theirs.
        within: seconds that this may be wrong, either way.
    """

    seconds: float = 0.0
    within: float = 0.0


def read_distance(host: Host, daemon: Daemon) -> Distance:
    """Measure how far the clock of the daemon's host is from ours; nothing at all on the same computer."""
    if _is_here(host):
        return Distance()
    try:
        return measure_distance(lambda: _by_date(host))
    except (errors.HostError, ValueError):  # no date there, or one that knows no nanoseconds
        return measure_distance(lambda: read_clock(daemon))


def _is_here(host: Host) -> bool:
    with contextlib.suppress(OSError):
        return Path(BOOT).read_text().strip() == host.text(BOOT).strip()
    return False


def _by_date(host: Host) -> float:
    return float(host.run("date", "+%s.%N").out)


def measure_distance(ask: Callable[[], float]) -> Distance:
    """Ask the other clock some times, and join what the answers leave possible.

    Args:
        ask: returns the time there, in seconds since 1970.
    """
    lowest, highest = float("-inf"), float("inf")
    for _ in range(TIMES):
        before = time.time()
        theirs = ask()
        lowest, highest = max(lowest, theirs - time.time()), min(highest, theirs - before)
    return Distance((lowest + highest) / 2, abs(highest - lowest) / 2)
