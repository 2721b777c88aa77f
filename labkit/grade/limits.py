"""What one submission may use of the computer it is graded on."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Attributes:
        seconds: that one cell may run.
        memory: bytes of address space of one process: ``RLIMIT_AS``.
        processes: that may be there at once below the kernel.
        output: bytes that one cell may print.
    """

    seconds: float = 30.0
    memory: int = 4 << 30
    processes: int = 64
    output: int = 4 << 20


def room_for(more: int) -> int:
    """Return how many processes this user may have, so that ``more`` can be added: the limit counts all of a user's."""
    import psutil

    mine = [p for p in psutil.process_iter(["uids"]) if p.info["uids"] and p.info["uids"].real == os.getuid()]
    threads = 0
    for process in mine:
        with contextlib.suppress(psutil.Error):
            threads += process.num_threads()
    return threads + 4 * more
