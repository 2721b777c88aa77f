"""Listeners that speak TLS as daemons do, each with a policy of its own, for a judge to send learners to."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

PATIENCE = 5.0
"""Seconds that a caller has for its handshake and its request."""

LIMIT = 1 << 16
"""Bytes of a request that a listener reads at most."""


@dataclass(frozen=True)
class Policy:
    """How one listener treats callers.

    Attributes:
        asks: whether it asks for a client's certificate.
        insists: whether it serves nobody without one.
        newest: the newest version of TLS that it speaks, 2 or 3: from 1.3 on, a client is done with the handshake
            before the server has looked at its certificate (RFC 8446, 4.6.1 and appendix E.1).
        impostor: whether its own certificate is signed by somebody else.
        status: of its answer.
    """

    asks: bool = False
    insists: bool = False
    newest: int = 3
    impostor: bool = False
    status: int = 200

    def answer(self) -> bytes:
        """The bytes of the answer."""
        return (
            f"HTTP/1.1 {self.status} Door\r\nApi-Version: 1.41\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK"
        ).encode()


class Authority:
    """Who signs, and a stranger who signs as well."""

    def __init__(self) -> None:
        import trustme

        self.ours, self.strangers = trustme.CA(), trustme.CA()

    @property
    def pem(self) -> str:
        """The certificate of the authority to trust, as a text."""
        return self.ours.cert_pem.bytes().decode()

    def context(self, policy: Policy) -> ssl.SSLContext:
        """What a listener of that policy speaks with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = ssl.TLSVersion.TLSv1_3 if policy.newest == 3 else ssl.TLSVersion.TLSv1_2
        (self.strangers if policy.impostor else self.ours).issue_cert("127.0.0.1").configure_cert(context)
        self.ours.configure_trust(context)
        if policy.asks:
            context.verify_mode = ssl.CERT_REQUIRED if policy.insists else ssl.CERT_OPTIONAL
        return context


@dataclass
class Door:
    """One port at 127.0.0.1 that waits for callers until it is closed."""

    policy: Policy
    context: ssl.SSLContext
    sock: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.sock.getsockname()[1])

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self.sock.accept()
                threading.Thread(target=self._meet, args=(caller,), daemon=True).start()

    def _meet(self, caller: socket.socket) -> None:
        caller.settimeout(PATIENCE)
        with (
            contextlib.suppress(OSError, ValueError),
            caller,
            self.context.wrap_socket(caller, server_side=True) as tls,
        ):
            request = b""
            while b"\n\r\n" not in request and b"\n\n" not in request and len(request) < LIMIT:
                if not (data := tls.recv(4096)):
                    return
                request += data
            tls.sendall(self.policy.answer())

    def close(self) -> None:
        """Wait for nobody any more."""
        with contextlib.suppress(OSError):  # ends the wait in accept(2)
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


@contextlib.contextmanager
def doors(policies: list[Policy]) -> Iterator[tuple[str, list[int]]]:
    """Open one door for each policy; yield the authority's certificate and the ports."""
    authority, opened = Authority(), list[Door]()
    try:
        for policy in policies:
            opened.append(Door(policy, authority.context(policy)))
        yield authority.pem, [door.port for door in opened]
    finally:
        for door in opened:
            door.close()
