"""The daemon at another address: a server on this computer that passes every byte on, both ways."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Callable, Iterator

from labkit.daemon import Daemon
from tests.fakes import Conversation, server


@contextlib.contextmanager
def forwarded(daemon: Daemon) -> Iterator[str]:
    """Yield a ``tcp://127.0.0.1:…`` at which ``daemon`` answers as long as the ``with`` block lasts."""
    with server(pumps(daemon.dial)) as url:
        yield url


def pumps(dial: Callable[[], socket.socket]) -> Conversation:
    """Join each connection to one of ``dial``'s; who says no more is told so to the other, who may still speak."""

    def converse(sock: socket.socket, over: threading.Event) -> None:
        sock.settimeout(None)
        with dial() as far:
            other = {sock: far, far: sock}
            while other and not over.is_set():
                for one in select.select(list(other), [], [], 0.05)[0]:
                    if data := one.recv(65536):
                        other[one].sendall(data)
                    else:
                        other.pop(one).shutdown(socket.SHUT_WR)

    return converse
