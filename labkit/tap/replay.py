"""A recorded request, sent again by hand: the same head and body on a new connection."""

from __future__ import annotations

import contextlib
import time

from labkit import errors
from labkit.daemon import Daemon
from labkit.inside.conversation import Conversation, Recording
from labkit.inside.exchanges import Exchange
from labkit.inside.masking import MASK
from labkit.inside.reading import read_exchange


def replay(daemon: Daemon, recording: Recording, exchange: Exchange, *, timeout: float) -> Exchange:
    """Send a recorded request to the daemon; return what it answers now, under the old number.

    Raises:
        LabError: if it is not one that can be sent again, or the daemon is gone.
    """
    if why := _why_not(recording, exchange):
        what = f"request {exchange.number}, {exchange.template},"
        raise errors.LabError(f"{what} cannot be sent again: {why}.", "Type the command again, or choose another one.")
    again: list[Recording] = []
    conversation = Conversation(1, again.append)
    try:
        _speak(daemon, _bytes(recording), conversation, again, timeout)
    except OSError as error:
        raise errors.LabError(f"the daemon cannot be asked again: {error}.", "`labkit doctor` looks at it.") from error
    return read_exchange(again[0], exchange.number)


def _why_not(recording: Recording, exchange: Exchange) -> str:
    if recording.request is None:
        return "it was not understood"
    if exchange.upgraded:
        return "it began a raw stream, and nobody sits at its other end now"
    shown = [*exchange.headers.values(), *exchange.query.values(), exchange.body]
    if any(MASK in words for words in shown):
        return "it carries a secret, which the wiretap does not repeat"
    length = int(exchange.headers.get("content-length", recording.said.size))
    return "" if recording.said.whole and recording.said.size == length else "only the beginning of its body was kept"


def _bytes(recording: Recording) -> bytes:
    """Head and body; a body that came in chunks goes as one chunk (RFC 9112, 7.1)."""
    body = recording.said.text()
    if recording.request and any(name == b"transfer-encoding" for name, _ in recording.request.headers):
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    return bytes(recording.head) + body


def _speak(daemon: Daemon, request: bytes, conversation: Conversation, again: list[Recording], timeout: float) -> None:
    begun = time.perf_counter()
    with daemon.dial() as sock:
        sock.settimeout(timeout)
        sock.sendall(request)
        conversation.said(0.0, request)
        with contextlib.suppress(TimeoutError):
            while not again[0].finished:
                sock.settimeout(max(timeout - (time.perf_counter() - begun), 0.001))
                data = sock.recv(1 << 16)
                conversation.answered(time.perf_counter() - begun, data)
    if not again[0].finished:
        again[0].problem = f"it still went on after {timeout:g} s"
