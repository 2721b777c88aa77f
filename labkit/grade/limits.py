"""What one submission may use of the computer it is graded on."""

from __future__ import annotations

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
