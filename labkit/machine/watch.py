"""Watch a running machine: what it cannot be without, and what it must not outlive."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import subprocess

from labkit.machine.places import Places

LOOK = 0.25
"""Seconds between two looks at what cannot call."""


class Ended(Exception):
    """Something that the machine cannot be without is gone; the text says what."""


async def watch(
    where: Places,
    pid: int,
    kernel: subprocess.Popen[bytes],
    network: subprocess.Popen[bytes],
    stop: asyncio.Event,
) -> None:
    """Return when the machine is to end; raise when it did so by itself.

    Args:
        where: its folders; they are gone after a log-out.
        pid: the process that it ends with; 0 for none.
        kernel: one of the processes that it cannot be without.
        network: the other.
        stop: is set when somebody tells it to end.

    Raises:
        Ended: with the last words of the log.
    """
    owner = _Owner(pid)
    while not stop.is_set():
        for process, name in ((kernel, "The kernel"), (network, "slirp4netns")):
            if process.poll() is not None:
                raise Ended(f"{name} ended with status {process.returncode}.{_last_words(where)}")
        if owner.is_gone() or not where.run.exists():
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), LOOK)


class _Owner:
    """The process that the machine ends with: the notebook server, for example."""

    def __init__(self, pid: int) -> None:
        self.handle = -1
        self.gone = False
        if pid:
            try:
                self.handle = os.pidfd_open(pid)
            except OSError:
                self.gone = True

    def is_gone(self) -> bool:
        return self.gone or (self.handle >= 0 and bool(select.select([self.handle], [], [], 0)[0]))


def _last_words(where: Places) -> str:
    with contextlib.suppress(OSError):
        lines = where.log.read_text(errors="replace").splitlines()
        told_us = [line for line in lines if line.startswith("machine: ")] or lines[-3:]
        return f" It said last: {' / '.join(told_us[-3:])}" if told_us else ""
    return ""
