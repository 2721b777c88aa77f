"""The docker command through the wiretap, against the same command without it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

from labkit import images, sandbox
from labkit.daemon import Daemon
from labkit.endpoint import Endpoint
from labkit.tap.wiretap import wiretap
from tests.benchmarks.harness import Pair, Side, Skip, Target, row, timed

MEGABYTES = 200

PINGS = 1000

PING = b"GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n"


def typed(url: str, *words: str) -> Side:
    """A side that types a docker command for the daemon at an address."""
    if not (docker := shutil.which("docker")):
        raise Skip("there is no docker CLI to type with")
    environ = os.environ | {"DOCKER_HOST": url}
    nothing = subprocess.DEVNULL
    return timed(
        lambda: subprocess.run([docker, *words], env=environ, stdin=nothing, stdout=nothing, stderr=nothing, check=True)
    )


def plain(daemon: Daemon) -> str:
    """The daemon's address, for who speaks no TLS."""
    if daemon.endpoint.certificates:
        raise Skip("the daemon that is found speaks TLS")
    return daemon.endpoint.url


@row(
    "tap-run",
    what="seconds for `docker run --rm … true` through the wiretap",
    comparison="the same without it",
    target=Target("ratio", "≤", 1.05),
    turns=30,
)
def tap_run(daemon: Daemon) -> Iterator[Pair]:
    """A whole run: seven requests on four connections, one of them a raw stream."""
    words = ("run", "--rm", "--label", "labkit=bench", images.ensure(daemon), "true")
    with wiretap(daemon) as tap:
        yield Pair(typed(tap.url, *words), typed(plain(daemon), *words))


@row(
    "tap-ping",
    what=f"milliseconds for one of {PINGS} GET /_ping on one connection through the wiretap, the median",
    comparison="the same without it",
    target=Target("difference", "≤", 0.3),
    turns=15,
    unit="ms",
)
def tap_ping(daemon: Daemon) -> Iterator[Pair]:
    """The client sends the next request when the answer to the last one is there."""
    with wiretap(daemon) as tap, contextlib.ExitStack() as open_:
        ours = open_.enter_context(Endpoint(tap.url, "the row").dial())
        other = open_.enter_context(Endpoint(plain(daemon), "the row").dial())
        yield Pair(lambda: pings(ours), lambda: pings(other))


def pings(sock: socket.socket) -> float:
    """The median of many pings, in milliseconds."""
    took = []
    for _ in range(PINGS):
        begun = time.perf_counter()
        sock.sendall(PING)
        answer = b""
        while not answer.endswith(b"\r\n\r\nOK"):
            answer += sock.recv(4096)
        took.append(time.perf_counter() - begun)
    return sorted(took)[PINGS // 2] * 1000


@row(
    "tap-save",
    what=f"megabytes per second of `docker save` through the wiretap, {MEGABYTES} MB",
    comparison="the same without it",
    target=Target("ratio", "≥", 0.6),
    turns=10,
    unit="MB/s",
)
def tap_save(daemon: Daemon) -> Iterator[Pair]:
    """The archive goes to nowhere, so that no disk is measured."""
    with large(daemon) as image, wiretap(daemon) as tap:
        yield Pair(saves(tap.url, image), saves(plain(daemon), image))


def saves(url: str, image: str) -> Side:
    """A side that saves an image, and returns the megabytes per second."""
    side = typed(url, "save", image)
    return lambda: MEGABYTES / side()


@contextlib.contextmanager
def large(daemon: Daemon) -> Iterator[str]:
    """An image with a layer of random bytes."""
    image = f"labkit/bench:{os.getpid()}"
    script = f"dd if=/dev/urandom of=/random bs=1M count={MEGABYTES} 2>/dev/null"
    with sandbox.run(images.ensure(daemon), script, what="bench", daemon=daemon) as box:
        assert box.wait(deadline=120) == 0, box.logs()
        daemon.client.containers.get(box.id).commit(*image.split(":"))
    try:
        yield image
    finally:
        daemon.client.images.remove(image, force=True)
