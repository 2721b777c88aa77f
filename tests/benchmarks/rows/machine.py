"""The embedded machine beside a daemon that runs on the computer itself, as its clients see both."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import psutil

from labkit import images
from labkit.daemon import Daemon
from labkit.hosts import peer
from labkit.machine import control, packages
from labkit.machine.build import build, manifest
from labkit.machine.places import Places, places
from labkit.machine.status import look
from tests import engines
from tests.benchmarks.harness import Pair, Skip, Target, row

PARTS = Path(__file__).parents[3] / "build" / "machine"
"""Where ``pytest -m machine`` builds them, too."""

WINDOW = 6.0
"""Seconds of idling that are one run; ten of them are a minute."""

MB = 1e6


@contextmanager
def machine() -> Iterator[Places]:
    """The folders of a machine of the row's own, which is down when the row begins and when it ends."""
    with tempfile.TemporaryDirectory(prefix="lk") as folder:
        own = {"XDG_STATE_HOME": f"{folder}/s", "XDG_RUNTIME_DIR": f"{folder}/r", "JPY_PARENT_PID": ""}
        Path(own["XDG_RUNTIME_DIR"]).mkdir(mode=0o700)
        parts = os.environ.get("LABKIT_MACHINE_PARTS") or str(PARTS)
        with mock.patch.dict(os.environ, own | {"LABKIT_MACHINE_PARTS": parts}):
            if not manifest() and (why := packages.missing()):
                raise Skip(f"the machine cannot be built: {why}")
            build(step=lambda said: None)
            try:
                yield places()
            finally:
                control.down(places())


@contextmanager
def running(daemon: Daemon) -> Iterator[tuple[Places, str]]:
    """A machine that is up, and its address; the daemon beside it has the course's image as well."""
    images.ensure(daemon)
    with machine() as where:
        control.up(where, memory="1G")
        yield where, f"unix://{where.socket}"


def command(url: str, *words: str) -> Callable[[], float]:
    """A side that types one docker command, and returns the seconds it took."""
    environ = os.environ | {"DOCKER_HOST": url, "DOCKER_TLS_VERIFY": ""}

    def run() -> float:
        begun = time.perf_counter()
        subprocess.run(
            [control.docker(), *words], env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=True
        )
        return time.perf_counter() - begun

    return run


@row(
    "machine-start",
    what="seconds from `up` until the machine's daemon answers",
    comparison="starting the same engine on the computer itself",
    target=Target("median", "≤", 3.0),
    turns=10,
)
def start(daemon: Daemon) -> Iterator[Pair]:
    """Each run powers the machine off first, which does not count."""
    if why := engines.why_not():
        raise Skip(why)
    engines.fetch(packages.SUITE)

    def native() -> float:
        begun = time.perf_counter()
        with engines.engine(packages.SUITE, "overlay2"):
            return time.perf_counter() - begun

    with machine() as where:

        def ours() -> float:
            control.down(where)
            begun = time.perf_counter()
            control.up(where, memory="1G")
            return time.perf_counter() - begun

        yield Pair(ours, native)


@row(
    "machine-run",
    what="seconds for `docker run --rm labkit/busybox true` on the machine",
    comparison="the same on the daemon that is found",
    target=Target("median", "≤", 0.8),
    turns=20,
)
def run(daemon: Daemon) -> Iterator[Pair]:
    """The command line's own start is in both."""
    words = ("run", "--rm", "--label", "labkit=bench", images.BUSYBOX, "true")
    with running(daemon) as (_, url):
        yield Pair(command(url, *words), command(daemon.endpoint.url, *words))


@row(
    "machine-exec",
    what="seconds for `docker exec … true` on the machine",
    comparison="the same on the daemon that is found",
    target=Target("median", "≤", 0.15),
    turns=20,
)
def execute(daemon: Daemon) -> Iterator[Pair]:
    """In a container that sleeps."""
    name = f"labkit-bench-{os.getpid()}"
    sleeps = ("run", "--rm", "--detach", "--label", "labkit=bench", "--name", name, images.BUSYBOX, "sleep", "3600")
    with running(daemon) as (_, url):
        for address in (url, daemon.endpoint.url):
            command(address, *sleeps)()
        try:
            yield Pair(command(url, "exec", name, "true"), command(daemon.endpoint.url, "exec", name, "true"))
        finally:
            for address in (url, daemon.endpoint.url):
                with contextlib.suppress(subprocess.CalledProcessError):
                    command(address, "rm", "--force", name)()


@row(
    "machine-idle",
    what="percent of a processor that the idle machine takes",
    comparison="the daemon that is found, idle",
    target=Target("median", "≤", 0.5),
    turns=10,
    unit="%",
)
def idle(daemon: Daemon) -> Iterator[Pair]:
    """Both sides of a run are the same seconds long; nobody asks either daemon anything meanwhile."""
    native = whole(daemon)
    with running(daemon) as (where, _):

        def percent(seconds: Callable[[], float]) -> float:
            before = seconds()
            time.sleep(WINDOW)
            return 100 * (seconds() - before) / WINDOW

        yield Pair(lambda: percent(lambda: look(where).cpu), lambda: percent(lambda: used(native)))


@row(
    "machine-memory",
    what="megabytes of the machine's processes after a dozen commands",
    comparison="the processes of the daemon that is found",
    target=Target("median", "≤", 250),
    turns=10,
    unit="MB",
)
def memory(daemon: Daemon) -> Iterator[Pair]:
    """What processes share is counted once: the proportional set size of ``proc(5)``."""
    native = whole(daemon)
    with running(daemon) as (where, url):
        for _ in range(12):
            command(url, "run", "--rm", images.BUSYBOX, "true")()
        theirs = lambda: sum(process.memory_full_info().pss for process in native) / MB  # noqa: E731
        yield Pair(lambda: look(where).resident / MB, theirs)


def whole(daemon: Daemon) -> list[psutil.Process]:
    """The processes of the daemon that is found: itself, and the containerd that it has started."""
    if not (pid := peer(daemon)) or pid == os.getpid():
        raise Skip("the daemon that is found is no process of this computer")
    leader = psutil.Process(pid)
    return [leader, *leader.children(recursive=True)]


def used(processes: list[psutil.Process]) -> float:
    """Seconds of processor time that these processes took so far."""
    return sum(times.user + times.system for times in (process.cpu_times() for process in processes))
