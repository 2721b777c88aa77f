"""Watch a running machine: what it cannot be without, and what it must not outlive."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence

from labkit.machine.places import Places

LOOK = 10.0
"""Seconds between two looks at what cannot call: a folder. An idle machine is woken by little else."""

BLIND = 1.0
"""Seconds between two looks where the kernel does not say when a process ends (Linux before 5.3)."""

TELLING = ("machine: ", "Kernel panic", "reboot: Restarting")
"""How the lines of the log begin that say why a guest ended."""


class Ended(Exception):
    """Something that the machine cannot be without is gone; the text says what."""


async def watch(
    where: Places,
    pid: int,
    kernel: subprocess.Popen[bytes],
    network: subprocess.Popen[bytes],
    stop: asyncio.Event,
) -> str:
    """Return when the machine is to end, and why if nobody told it to; raise when it did so by itself.

    Args:
        where: its folders; they are gone after a log-out.
        pid: the process that it ends with; 0 for none.
        kernel: one of the processes that it cannot be without.
        network: the other.
        stop: is set when somebody tells it to end.

    Raises:
        Ended: with the last words of the guest.
    """
    owner, ended = _Owner(pid), asyncio.Event()
    waiting = [asyncio.ensure_future(event.wait()) for event in (stop, ended)]
    with _calls((kernel.pid, network.pid, *([pid] if pid else [])), ended.set) as told:
        try:
            while not stop.is_set():
                for process, name in ((kernel, "The kernel"), (network, "slirp4netns")):
                    if process.poll() is not None:
                        raise Ended(f"{name} {how_it_ended(process.returncode)}.{last_words(where)}")
                if owner.is_gone():
                    return f"It ended with process {pid}, to which it belonged."
                if not where.run.exists():
                    return f"Its folder {where.run} was removed."
                pause = LOOK if told else min(LOOK, BLIND)
                await asyncio.wait(waiting, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
    return ""


@contextlib.contextmanager
def _calls(pids: Sequence[int], call: Callable[[], None]) -> Iterator[bool]:
    """Call when one of these processes ends, as long as the block runs (``pidfd_open(2)``); say whether all will."""
    loop, handles = asyncio.get_running_loop(), list[int]()
    with contextlib.suppress(OSError):
        for pid in pids:
            handles.append(os.pidfd_open(pid))
            loop.add_reader(handles[-1], call)
    try:
        yield len(handles) == len(pids)
    finally:
        for handle in handles:
            loop.remove_reader(handle)
            os.close(handle)


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


def how_it_ended(status: int) -> str:
    """Say what ``Popen.returncode`` means."""
    return f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"


def last_words(where: Places) -> str:
    """Return what the guest's init or its kernel said before they gave up, as a sentence; empty if they did not."""
    with contextlib.suppress(OSError):
        lines = where.log.read_text(errors="replace").splitlines()
        telling = [line.strip() for line in lines if line.startswith(TELLING)]
        return f" It said last: {' / '.join(telling[-3:])}" if telling else ""
    return ""
