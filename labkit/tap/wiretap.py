"""The HTTP on the daemon's socket, recorded while the docker command speaks it.

Inside ``with wiretap() as tap:`` the variable ``DOCKER_HOST`` names a socket of labkit's, in front of the daemon's own.
Nothing that goes through is changed, and whatever cannot be recorded is passed on all the same.
"""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from labkit import daemon as found
from labkit import errors
from labkit.daemon import Daemon, current
from labkit.inside.conversation import Recording
from labkit.inside.exchanges import Exchange
from labkit.inside.reading import read_exchange
from labkit.tap.recorder import Recorder
from labkit.tap.replay import replay
from labkit.tap.table import write_table
from labkit.tap.upstream import look_up

VARIABLES = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
"""What tells the docker command where its daemon is: it speaks plain HTTP to the wiretap."""


class Tap:
    """What a wiretap hears; ``wiretap()`` makes one.

    Attributes:
        url: the address of its socket, as in ``DOCKER_HOST``.
        daemon: whom it leads to.
    """

    def __init__(self, url: str, daemon: Daemon, recorder: Recorder) -> None:
        self.url, self.daemon = url, daemon
        self._recorder = recorder
        self._read: dict[Recording, Exchange] = {}

    def __repr__(self) -> str:
        return f"<wiretap of {self.daemon.endpoint.url}, {len(self._recorder.recordings)} exchanges>"

    @property
    def exchanges(self) -> list[Exchange]:
        """Every request so far, with what was answered so far; the list stays as it is when more comes."""
        self._recorder.settle()
        return [self._exchange(number, each) for number, each in enumerate(list(self._recorder.recordings), 1)]

    def _exchange(self, number: int, recording: Recording) -> Exchange:
        if recording in self._read:
            return self._read[recording]
        exchange = read_exchange(recording, number)
        if recording.finished:
            self._read[recording] = exchange
        return exchange

    def table(self, *paths: str, times: bool = True) -> None:
        """Print one line for each exchange: number, request, status, bytes sent and received, time, and a note.

        Args:
            paths: only requests whose path begins with one of these, such as ``"/containers"``; default all.
            times: whether there is a column of milliseconds, from the first byte to the last.
        """
        print(write_table([e for e in self.exchanges if not paths or e.path.startswith(paths)], times=times))
        if more := self._recorder.passed_over:
            requests = "1 request more was" if more == 1 else f"{more} requests more were"
            print(f"{requests} passed on without being recorded.")

    def replay(self, number: int, *, timeout: float = 10) -> Exchange:
        """Send the request of that number again, byte by byte on a new connection; return what is answered now.

        Args:
            number: as in the table.
            timeout: seconds; an answer that has not ended by then is returned as far as it came.

        Raises:
            LabError: if there is no such request, or it cannot be sent again: a raw stream has somebody at its
                other end, and of masked secrets or very long bodies not everything is shown.
        """
        exchanges = self.exchanges
        if not 1 <= number <= len(exchanges):
            raise errors.LabError(f"there is no exchange {number}: the wiretap heard {len(exchanges)}.", "See table().")
        return replay(self.daemon, self._recorder.recordings[number - 1], exchanges[number - 1], timeout=timeout)


@contextlib.contextmanager
def wiretap(daemon: Daemon | None = None, *, verbose: bool = False) -> Iterator[Tap]:
    """Record what docker commands and the daemon say to each other, for the length of a ``with`` block.

    Inside, ``DOCKER_HOST`` leads to the wiretap, for this process and those that it starts. A client that was opened
    before does not go through it; ``connect()`` inside opens one that does, for as long as the block lasts.

    Args:
        daemon: whom to listen to; default that of the last ``connect()``.
        verbose: print the table at the end of the block.

    Raises:
        LabError: if no unix socket can be made here (Windows), or the daemon's address cannot be opened.
    """
    daemon = daemon or current()
    if not hasattr(socket, "AF_UNIX"):
        raise errors.LabError("this Python has no unix sockets to listen on.", "On Windows, use WSL for this chapter.")
    upstream = look_up(daemon.endpoint)
    with tempfile.TemporaryDirectory(prefix="lk", dir=_short_folder()) as folder:
        place = Path(folder) / "docker.sock"
        recorder = Recorder(place, upstream)
        tap = Tap(f"unix://{place}", daemon, recorder)
        try:
            with _environment(tap.url):
                yield tap
        finally:
            recorder.close()
            if verbose:
                tap.table()


def _short_folder() -> str | None:
    """A folder whose path leaves room: a socket's may have 107 bytes, on macOS 103 (``unix(7)``)."""
    return "/tmp" if len(tempfile.gettempdir()) > 60 and os.path.isdir("/tmp") else None


@contextlib.contextmanager
def _environment(url: str) -> Iterator[None]:
    """Let ``DOCKER_HOST`` be ``url`` and nothing contradict it; afterwards all is as before, ``connect()`` or not."""
    before = {name: os.environ.pop(name, None) for name in VARIABLES}
    chosen = found._current, found._set_by_us
    os.environ["DOCKER_HOST"] = url
    try:
        yield
    finally:
        found._current, found._set_by_us = chosen
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
