"""Let this computer's loopback lead to what containers publish, for as long as they run.

``docker run -p 8080:80`` publishes on the guest, where nobody sits. The daemon says when a container starts and ends;
slirp4netns then listens at 127.0.0.1:8080 here, and nowhere else, whatever address was asked for. Between two events
nothing is done: the stream of events is one open connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import socket
import ssl
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from labkit import errors
from labkit.machine import engine, slirp
from labkit.machine.places import Places

EVENTS = "/events?filters=" + quote(json.dumps({"type": ["container"], "event": ["start", "die"]}))

AGAIN = 1.0
"""Seconds until the daemon is asked again, where it went away: it is started again then."""

EVERYWHERE = ("", "0.0.0.0")

TAKEN = "taken on this computer"
NOT_OURS = "only root may open it on this computer"


@dataclass(frozen=True, order=True)
class Port:
    """What a container publishes.

    Attributes:
        number: on the guest, and on this computer.
        protocol: ``tcp`` or ``udp``.
        guest: the address of the guest that it is published at.
    """

    number: int
    protocol: str
    guest: str = slirp.GUEST

    def __str__(self) -> str:
        return f"{self.number}/{self.protocol}"


def read(said: list[dict[str, Any]]) -> list[Port]:
    """Return the ports that a container publishes at IPv4 addresses, in order, out of the daemon's own words.

    >>> [str(port) for port in read([{"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}])]
    ['8080/tcp']
    """
    found = set()
    for one in said:
        address = str(one.get("IP", ""))
        if one.get("PublicPort") and one.get("Type") in ("tcp", "udp") and ":" not in address:
            guest = slirp.GUEST if address in EVERYWHERE else address
            found.add(Port(int(one["PublicPort"]), str(one["Type"]), guest))
    return sorted(found)


def why_not(port: Port) -> str:
    """Say why this computer's loopback cannot listen there, by trying: ``bind(2)``."""
    with socket.socket(type=socket.SOCK_STREAM if port.protocol == "tcp" else socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(("127.0.0.1", port.number))
        except PermissionError:
            return NOT_OURS
        except OSError as error:
            return TAKEN if error.errno == errno.EADDRINUSE else f"it cannot be opened on this computer ({error})"
    return "slirp4netns does not open it"


class Board:
    """What is forwarded at this moment, container by container.

    Args:
        where: the machine's folders.
    """

    def __init__(self, where: Places) -> None:
        self.where, self.console = where, where.run / "network"
        self.held: dict[str, dict[Port, int | str]] = {}

    def start(self, container: str, ports: list[Port]) -> None:
        """Forward what a container publishes that has just started."""
        self.end(container)
        if ports:
            self.held[container] = {port: self._forward(port) for port in ports}

    def end(self, container: str) -> None:
        """Forward nothing any more for a container that has ended."""
        for number in self.held.pop(container, {}).values():
            if isinstance(number, int):
                slirp.withdraw(self.console, number)

    def only(self, running: dict[str, list[Port]]) -> None:
        """Bring it in line with what runs, after nobody listened for a while."""
        for container in self.held.keys() - running.keys():
            self.end(container)
        for container in running.keys() - self.held.keys():
            self.start(container, running[container])

    def as_text(self) -> dict[str, str]:
        """Return each port → why it is not forwarded; an empty text where it is."""
        every = {port: number for held in self.held.values() for port, number in held.items()}
        return {
            str(port): number if isinstance(number, str) else "" for port, number in sorted(every.items(), key=_port)
        }

    def _forward(self, port: Port) -> int | str:
        try:
            return slirp.forward(self.console, port.number, port.number, protocol=port.protocol, guest=port.guest)
        except errors.MachineError:
            reason = why_not(port)
        with contextlib.suppress(OSError), self.where.log.open("a") as log:
            log.write(f"ports: port {port}: {reason}\n")
        return reason


def _port(item: tuple[Port, int | str]) -> Port:
    return item[0]


async def follow(where: Places, port: int, context: ssl.SSLContext, tell: Callable[[dict[str, str]], None]) -> None:
    """Forward what is published, until cancelled.

    Args:
        where: the machine's folders.
        port: of the loopback, where the daemon speaks TLS.
        context: the owner's certificate.
        tell: is called with each port → why it is not forwarded, or an empty text; each time that one changes.
    """
    board = Board(where)
    while True:
        with contextlib.suppress(OSError, EOFError, LookupError, ValueError, asyncio.LimitOverrunError):
            async with contextlib.aclosing(_events(port, context)) as events:
                async for action, container in events:
                    before = board.as_text()
                    await asyncio.to_thread(_act, board, action, container, port, context)
                    if (now := board.as_text()) != before:
                        tell(now)  # not in the thread: that may go on when this was cancelled
        await asyncio.sleep(AGAIN)


async def _events(port: int, context: ssl.SSLContext) -> AsyncGenerator[tuple[str, str], None]:
    """Yield action and container, until the daemon hangs up; first an empty action, from when on none is missed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, limit=1 << 20)
    try:
        writer.write(f"GET {EVENTS} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())  # 1.0: each line is one event
        head = await reader.readuntil(b"\r\n\r\n")
        if head.split()[1] != b"200":
            raise OSError(f"the daemon tells no events: {head!r}")
        yield "", ""
        while line := await reader.readline():
            event = json.loads(line)
            yield event["Action"], event["Actor"]["ID"]
    finally:
        writer.transport.abort()


def _act(board: Board, action: str, container: str, port: int, context: ssl.SSLContext) -> None:
    """Do what an event asks for."""
    if action == "die":
        board.end(container)
        return
    running = {name: read(said) for name, said in engine.published(port, context, container).items()}
    if action:
        board.start(container, running.get(container, []))
    else:
        board.only(running)
