"""The embedded machine in a pod as a hub gives it to a visitor, beside a daemon that runs on the computer itself.

What a visitor waits for is timed by the pod's own shell, so that the way into the pod is in no figure.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from labkit import images
from labkit.daemon import Daemon
from labkit.hosts import peer
from labkit.machine import packages
from tests import engines, hub
from tests.benchmarks.harness import Pair, Side, Skip, Target, row, timed

WINDOW = 12.0
"""Seconds of idling that are one run; five of them are a minute."""

MB = 1e6

ASLEEP = ("sleep", "infinity")
"""What runs in a pod instead of a notebook server."""


built: list[str] = []
"""The name of the image, once it is built."""


def image(daemon: Daemon) -> str:
    """Build the image, unless an earlier row has done it; it goes when this process ends."""
    if why := hub.why_not(daemon):
        raise Skip(why)
    if not built:
        kept = contextlib.ExitStack()
        atexit.register(kept.close)
        built.append(
            kept.enter_context(hub.image(daemon, lambda said: print(f"  {said}", file=sys.stderr, flush=True)))
        )
    return built[0]


@contextmanager
def running(daemon: Daemon) -> Iterator[hub.Pod]:
    """A pod whose machine is up; the daemon beside it has the course's image as well."""
    images.ensure(daemon)
    with hub.pod(daemon, image(daemon), *ASLEEP) as pod:
        pod.run("labkit", "machine", "up")  # the pod's entrypoint has begun it: this waits
        yield pod


def within(pod: hub.Pod, *words: str) -> float:
    """Type a command in the pod; return the seconds that bash counts."""
    return float(pod.run("bash", "-c", 'TIMEFORMAT=%3R; time "$@"', "bash", *words).splitlines()[-1])


def typed(pod: hub.Pod, *words: str) -> Side:
    """A side that types a docker command in the pod."""
    address = f"DOCKER_HOST=unix://{pod.status()['socket']}"
    return lambda: within(pod, "env", address, "docker", *words)


def native(daemon: Daemon, *words: str) -> Side:
    """A side that types a docker command for the daemon that is found."""
    if not (docker := shutil.which("docker")):
        raise Skip("there is no docker CLI to compare with")
    environ = os.environ | {"DOCKER_HOST": daemon.endpoint.url, "DOCKER_TLS_VERIFY": ""}
    nothing = subprocess.DEVNULL
    return timed(lambda: subprocess.run([docker, *words], env=environ, stdin=nothing, capture_output=True, check=True))


@row(
    "machine-start",
    what="seconds from `labkit machine up` in a new pod until the machine's daemon answers, for the first time",
    comparison="starting the same engine on the computer itself",
    target=Target("median", "≤", 3.0),
    turns=10,
)
def start(daemon: Daemon) -> Iterator[Pair]:
    """Every run has a pod of its own: disk and certificates are made, and the course's image is loaded."""
    if why := engines.why_not():
        raise Skip(why)
    engines.fetch(packages.SUITE)
    tag = image(daemon)

    def ours() -> float:
        with hub.pod(daemon, tag, *ASLEEP, entrypoint=["tini", "--"]) as pod:
            return within(pod, "labkit", "machine", "up")

    def theirs() -> float:
        begun = time.perf_counter()
        with engines.engine(packages.SUITE, "overlay2"):
            return time.perf_counter() - begun

    yield Pair(ours, theirs)


@row(
    "machine-run",
    what="seconds for `docker run --rm labkit/busybox true` in the pod",
    comparison="the same on the daemon that is found",
    target=Target("median", "≤", 0.8),
    turns=20,
)
def run(daemon: Daemon) -> Iterator[Pair]:
    """The command line's own start is in both."""
    words = ("run", "--rm", "--label", "labkit=bench", images.BUSYBOX, "true")
    theirs = native(daemon, *words)
    with running(daemon) as pod:
        yield Pair(typed(pod, *words), theirs)


@row(
    "machine-exec",
    what="seconds for `docker exec … true` in the pod",
    comparison="the same on the daemon that is found",
    target=Target("median", "≤", 0.15),
    turns=20,
)
def execute(daemon: Daemon) -> Iterator[Pair]:
    """In a container that sleeps."""
    name = f"labkit-bench-{os.getpid()}"
    sleeps = ("run", "--rm", "--detach", "--label", "labkit=bench", "--name", name, images.BUSYBOX, "sleep", "3600")
    words = ("exec", name, "true")
    begin, theirs, remove = (native(daemon, *each) for each in (sleeps, words, ("rm", "--force", name)))
    with running(daemon) as pod:
        typed(pod, *sleeps)()
        begin()
        try:
            yield Pair(typed(pod, *words), theirs)
        finally:
            remove()


@row(
    "machine-idle",
    what="percent of a processor that a pod with an idle machine takes, all in all",
    comparison="the daemon that is found, idle in the same seconds",
    target=Target("median", "≤", 0.5),
    turns=10,
    unit="%",
)
def idle(daemon: Daemon) -> Iterator[Pair]:
    """Nobody asks either daemon anything meanwhile, and nothing else runs in the pod."""
    processes, counted = whole(daemon), list[float]()
    with running(daemon) as pod:

        def ours() -> float:
            ours, theirs = pod.processor(), used(processes)
            time.sleep(WINDOW)
            counted.append(100 * (used(processes) - theirs) / WINDOW)
            return 100 * (pod.processor() - ours) / WINDOW

        yield Pair(ours, counted.pop)


@row(
    "machine-memory",
    what="megabytes that a pod with a machine holds after a dozen commands, all in all",
    comparison="the processes of the daemon that is found",
    target=Target("median", "≤", 250),
    turns=10,
    unit="MB",
)
def memory(daemon: Daemon) -> Iterator[Pair]:
    """What processes share counts once: here for the control group, there as ``proc(5)``'s proportional size."""
    processes = whole(daemon)
    with running(daemon) as pod:
        for _ in range(12):
            typed(pod, "run", "--rm", images.BUSYBOX, "true")()
        theirs = lambda: sum(process.memory_full_info().pss for process in processes) / MB  # noqa: E731
        yield Pair(lambda: float(pod.memory()["everything"]), theirs)


def whole(daemon: Daemon) -> list[psutil.Process]:
    """The processes of the daemon that is found: itself, and the containerd that it has started."""
    if not (pid := peer(daemon)) or pid == os.getpid():
        raise Skip("the daemon that is found is no process of this computer")
    leader = psutil.Process(pid)
    return [leader, *leader.children(recursive=True)]


def used(processes: list[psutil.Process]) -> float:
    """Seconds of processor time that these processes took so far."""
    return sum(times.user + times.system for times in (process.cpu_times() for process in processes))
