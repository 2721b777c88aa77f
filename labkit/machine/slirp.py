"""The machine's network: slirp4netns, an ordinary process that speaks for the guest with the host's own sockets.

Source: ``slirp4netns(1)``; the kernel's end of the line is the transport ``bess`` of its vector driver.
"""

from __future__ import annotations

import contextlib
import json
import socket
from pathlib import Path
from typing import Any

from labkit import errors

GUEST, GATEWAY, NAMESERVER = "10.0.2.100", "10.0.2.2", "10.0.2.3"
"""Addresses that slirp4netns gives."""


def command(program: Path, line: Path, console: Path, *, exit_fd: int) -> list[str]:
    """Return how to start it.

    Args:
        program: slirp4netns.
        line: the socket that the kernel's network card connects to.
        console: the socket on which forwarded ports are asked for.
        exit_fd: the end of a pipe; when its other end closes, slirp4netns ends. (Without its guest it would spin.)
    """
    words = ["--target-type=bess", f"--api-socket={console}", f"--exit-fd={exit_fd}"]
    return [str(program), *words, "--disable-host-loopback", "--mtu=65520", str(line)]


def forward_any(console: Path, guest_port: int) -> int:
    """Let a free port of the host's loopback reach a port of the guest; return it.

    Raises:
        MachineError: if slirp4netns forwards none, with its reason.
    """
    for left in range(4, -1, -1):
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port = int(sock.getsockname()[1])
        try:
            forward(console, port, guest_port)
            break
        except errors.MachineError:  # somebody else was faster
            if not left:
                raise
    return port


def forward(
    console: Path, host_port: int, guest_port: int, *, protocol: str = "tcp", guest: str = GUEST, timeout: float = 5
) -> int:
    """Let the host's loopback port reach a port of the guest; return the number by which ``withdraw`` knows it.

    Args:
        console: the socket of slirp4netns.
        host_port: where this computer listens, at 127.0.0.1 and nowhere else.
        guest_port: where the guest does.
        protocol: ``tcp`` or ``udp``.
        guest: an address of the guest.
        timeout: seconds.

    Raises:
        MachineError: if the port is taken, or slirp4netns says another reason.
    """
    ports = {"proto": protocol, "host_addr": "127.0.0.1", "host_port": host_port, "guest_port": guest_port}
    answer = _ask(console, {"execute": "add_hostfwd", "arguments": ports | {"guest_addr": guest}}, timeout)
    if "error" in answer:
        said = answer["error"].get("desc", answer["error"])
        raise errors.MachineError(
            f"slirp4netns does not forward port {host_port}: {said}.", "Try again: another is taken."
        )
    return int(answer["return"].get("id", 0))


def withdraw(console: Path, number: int, *, timeout: float = 5) -> None:
    """Forward a port no longer; nothing happens where it is not forwarded."""
    _ask(console, {"execute": "remove_hostfwd", "arguments": {"id": number}}, timeout)


def dismiss(line: Path) -> None:
    """End a slirp4netns that waits for a guest which will never come: its supervisor was killed at the wrong moment."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock, contextlib.suppress(OSError):
        sock.settimeout(1)
        sock.connect(str(line))


def _ask(console: Path, question: dict[str, Any], timeout: float) -> dict[str, Any]:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(timeout)
        sock.connect(str(console))
        sock.sendall(json.dumps(question).encode())
        sock.shutdown(socket.SHUT_WR)
        return dict(json.loads(b"".join(iter(lambda: sock.recv(4096), b""))))
