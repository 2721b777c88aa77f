"""The user-mode kernel's own console for its operator: a datagram asks, a datagram answers.

Source: ``Documentation/virt/uml/user_mode_linux_howto_v2.rst`` and ``arch/um/drivers/mconsole.h`` of Linux.
"""

from __future__ import annotations

import secrets
import socket
import struct
from pathlib import Path

MAGIC, VERSION = 0xCAFEBABE, 2
_REQUEST = struct.Struct("=III")
_REPLY = struct.Struct("=III")
"""An error number, whether more follows, and the length of the text behind it."""

ROOM = 512
"""Bytes that a request may have."""


def ask(console: Path, command: str, *, timeout: float = 5.0) -> str:
    """Send one command, such as ``version``, ``cad`` or ``exec …``, and return what the kernel says.

    Raises:
        OSError: if nobody answers, or the kernel refuses; its words are in the error.
        ValueError: if the command is longer than a request can be.
    """
    words = command.encode()
    if len(words) >= ROOM:
        raise ValueError(f"a command for the kernel has at most {ROOM - 1} bytes; this has {len(words)}")
    own = console.with_name(f"ask-{secrets.token_hex(4)}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(timeout)
        sock.bind(str(own))
        try:
            sock.sendto(_REQUEST.pack(MAGIC, VERSION, len(words)) + words.ljust(ROOM, b"\0"), str(console))
            return _answer(sock)
        finally:
            own.unlink(missing_ok=True)


def _answer(sock: socket.socket) -> str:
    said, more, failed = b"", 1, 0
    while more:
        reply = sock.recv(_REPLY.size + 4096)
        failed, more, length = _REPLY.unpack_from(reply)
        said += reply[_REPLY.size :][:length].rstrip(b"\0")
    text = said.decode("utf-8", "replace")
    if failed:
        raise OSError(f"the kernel refused: {text}")
    return text
