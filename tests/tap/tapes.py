"""A second opinion on what goes through a wiretap: every byte, written down on both of its sides by somebody else."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from labkit.daemon import Daemon
from labkit.endpoint import Endpoint
from labkit.tap.wiretap import Tap, wiretap
from tests.fakes import server


@dataclass
class Tape:
    """What went over one connection: what the client said, and what was answered."""

    said: bytearray = field(default_factory=bytearray)
    answered: bytearray = field(default_factory=bytearray)

    def whole(self) -> tuple[bytes, bytes]:
        """Return both."""
        return bytes(self.said), bytes(self.answered)


@contextlib.contextmanager
def taped(dial: Callable[[], socket.socket]) -> Iterator[tuple[str, list[Tape]]]:
    """Join each connection to one of ``dial``'s, and write down what passes; yield the address and the tapes."""
    tapes: list[Tape] = []

    def converse(sock: socket.socket, over: threading.Event) -> None:
        sock.settimeout(None)
        tapes.append(tape := Tape())
        with dial() as far:
            other, heard = {sock: far, far: sock}, {sock: tape.said, far: tape.answered}
            while other and not over.is_set():
                for one in select.select(list(other), [], [], 0.05)[0]:
                    if data := one.recv(65536):
                        heard[one].extend(data)
                        other[one].sendall(data)
                    else:
                        other.pop(one).shutdown(socket.SHUT_WR)

    with server(converse) as url:
        yield url, tapes


@dataclass(frozen=True)
class Overheard:
    """A wiretap with a tape on each side.

    Attributes:
        url: where the client connects.
        tap: the wiretap.
        before, behind: the tapes between client and wiretap, and between wiretap and daemon.
    """

    url: str
    tap: Tap
    before: list[Tape]
    behind: list[Tape]

    def differences(self) -> list[str]:
        """Which connections were not the same on both sides; their order may differ."""
        near, far = (sorted(tape.whole() for tape in tapes) for tapes in (self.before, self.behind))
        count = [] if len(near) == len(far) else [f"{len(near)} connections before, {len(far)} behind"]
        return count + [f"{one[0][:80]!r}…" for one, other in zip(near, far, strict=False) if one != other]


@contextlib.contextmanager
def overheard(daemon: Daemon) -> Iterator[Overheard]:
    """Put a tape, a wiretap and another tape in front of a daemon."""
    with (
        taped(daemon.endpoint.dial) as (far, behind),
        wiretap(replace(daemon, endpoint=Endpoint(far, "a tape"))) as tap,
        taped(Endpoint(tap.url, "a tape").dial) as (near, before),
    ):
        yield Overheard(near, tap, before, behind)
