"""A Docker host for each submission alone: an embedded machine that nobody has used before, and nobody will again."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from labkit import errors
from labkit.machine import control, packages, resort
from labkit.machine.build import manifest
from labkit.machine.places import Places, places
from labkit.machine.state import State

PREFIX = "grade"
"""What the machines of a grader are called: this, its process id, and a number."""

MEMORY, DISK = "1G", "4G"
"""What each may use at most; it takes what is really used."""


class Shared:
    """No machine: whatever daemon a worker finds, for all of them."""

    engine = ""

    @contextlib.contextmanager
    def fresh(self) -> Iterator[str]:
        """Yield no address."""
        yield ""

    def close(self) -> None:
        """Nothing."""


class Machines:
    """Machines of which each is used once; the next starts while the one before is in use.

    They end with this process, however it ends.

    Args:
        count: how many are in use at once.
        total: how many will be wanted, as far as that is known; more are started when they are asked for.
    """

    def __init__(self, count: int, total: int) -> None:
        self.pool = ThreadPoolExecutor(2 * count)
        self.left = total
        self.ahead: deque[Future[tuple[Places, State]]] = deque()
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()
        self.engine = ""
        """What they are, as soon as one is up."""
        self.closed = False
        _sweep()
        for _ in range(count):
            self._start_ahead()

    @contextlib.contextmanager
    def fresh(self) -> Iterator[str]:
        """Yield the address of a machine that nobody has used; it is thrown away afterwards.

        Raises:
            MachineError: if it did not start.
        """
        with self.lock:
            starting = self.ahead.popleft() if self.ahead else self._start()
        where, now = starting.result()
        self.engine = f"Docker {now.engine}, {now.store}, cgroup v2, on a machine of its own for each submission"
        self._start_ahead()
        try:
            yield f"unix://{where.socket}"
        finally:
            self.pool.submit(control.discard, where)

    def close(self) -> None:
        """Throw away those that nobody has used, too."""
        self.closed = True
        for starting in self.ahead:
            starting.cancel()
            with contextlib.suppress(errors.MachineError, OSError):
                if not starting.cancelled():
                    self.pool.submit(control.discard, starting.result()[0])
        self.pool.shutdown()

    def _start_ahead(self) -> None:
        with self.lock:
            if self.left > 0 and not self.closed:
                self.ahead.append(self._start())

    def _start(self) -> Future[tuple[Places, State]]:
        self.left -= 1
        return self.pool.submit(_up, places(f"{PREFIX}-{os.getpid()}-{next(self.numbers)}"))


def _up(where: Places) -> tuple[Places, State]:
    try:
        return where, control.up(where, memory=MEMORY, disk=DISK, store="overlay2", owner=os.getpid())
    except BaseException:
        control.discard(where)
        raise


def _sweep() -> None:
    """Throw away the machines of graders that were killed: theirs ended with them, and left their folders."""
    import psutil

    folder = places(PREFIX).state.parent
    for found in sorted(folder.glob(f"{PREFIX}-*")) if folder.is_dir() else ():
        pid = re.fullmatch(rf"{PREFIX}-(\d+)-\d+", found.name)
        if pid and not psutil.pid_exists(int(pid[1])):
            control.discard(places(found.name))


def prepare(say: Callable[[str], None]) -> None:
    """Make sure that machines can run here; build their parts if that was never done.

    Args:
        say: is called with a sentence for each thing that takes a while.

    Raises:
        CourseError: if none can run here, with the reason.
        BuildFailed: if the parts cannot be built.
    """
    if manifest():
        return
    if why := packages.missing():
        raise errors.CourseError(
            f"Level class gives each submission a Docker host of its own, and none can run here: {why}.",
            f"{packages.remedy()} Or grade on your own daemon, if you trust everybody: --level self.",
        )
    resort.build_parts(say)
