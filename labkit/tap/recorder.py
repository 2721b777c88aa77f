"""The thread that listens in: it passes everything on first, and reads what was said when there is time."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from labkit import relay
from labkit.inside.conversation import Conversation, Recording
from labkit.tap.upstream import Upstream

T = TypeVar("T")

MOST = 10_000
"""Exchanges that are recorded; what comes then is passed on and counted."""

KEEP_ALL = 1 << 26
"""Bytes of bodies that are kept, of all exchanges together; what comes then is only measured."""

BACKLOG = 1 << 20
"""Bytes that may wait to be read; with more, they are read before anything else is passed on."""

PATIENCE = 2.0
"""Seconds that exchanges have to come to their end, when the recorder is closed."""

QUIET = 0.003
"""Seconds without a byte after which there is time."""

Follow = Callable[[float, bytes], None]


class Recorder:
    """A proxy on a unix socket, in a thread of its own, that keeps what it hears.

    Args:
        place: where to listen.
        upstream: the daemon.

    Attributes:
        recordings: what was heard, in the order in which the requests began.
        passed_over: how many requests were passed on without being recorded: there were ``MOST`` already.
    """

    def __init__(self, place: Path, upstream: Upstream) -> None:
        self.recordings: list[Recording] = []
        self.passed_over = 0
        self._upstream = upstream
        self._conversations: set[Conversation] = set()
        self._connections, self._kept = 0, 0
        self._backlog: deque[tuple[Follow, float, bytes]] = deque()
        self._waiting, self._latest, self._planned = 0, 0.0, False
        self._begun = time.perf_counter()
        self._loop = asyncio.new_event_loop()
        self._serving = self._loop.create_task(relay.serve(relay.listen(place), self._meet))
        self._thread = threading.Thread(target=self._run, name="wiretap", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await self._serving

    # --- In the recorder's thread ------------------------------------------------------------------------

    async def _meet(self, client: socket.socket) -> None:
        self._connections += 1
        conversation = Conversation(self._connections, self._begin)
        self._conversations.add(conversation)
        said, answered = self._hear(conversation.said), self._hear(conversation.answered)
        try:
            with client:
                async with self._upstream.dial() as far:
                    await relay.carry(relay.Plain(client), far, said=said, answered=answered)
        except OSError as error:
            why = f"the daemon cannot be reached: {error}"
            self._note(lambda now, _: conversation.failed(now, why), b"")
        finally:
            self._note(lambda now, _: self._forget(conversation, now), b"")

    def _begin(self, recording: Recording) -> None:
        """A request has begun: keep the recording, as far as there is room."""
        if len(self.recordings) >= MOST:
            self.passed_over += 1
            return
        self._kept += self.recordings[-1].kept if self.recordings else 0
        self.recordings.append(recording)
        if self._kept > KEEP_ALL:
            recording.keep_nothing()

    def _forget(self, conversation: Conversation, now: float) -> None:
        conversation.stopped(now)
        self._conversations.discard(conversation)

    def _hear(self, follow: Follow) -> relay.Heard:
        return lambda data: self._note(follow, bytes(data))

    def _note(self, follow: Follow, data: bytes) -> None:
        self._latest = time.perf_counter()
        self._backlog.append((follow, self._latest - self._begun, data))
        self._waiting += len(data)
        if self._waiting > BACKLOG:
            self._read(until=BACKLOG)
        if not self._planned:
            self._planned = True
            self._loop.call_later(QUIET, self._catch_up)

    def _catch_up(self) -> None:
        """Read a little of what waits, if nothing is going on, and come again while something waits."""
        quiet = time.perf_counter() - self._latest
        if quiet < QUIET:
            self._loop.call_later(QUIET - quiet, self._catch_up)
            return
        for _ in range(8):
            self._read_one()
        if self._backlog:
            self._loop.call_soon(self._catch_up)
        else:
            self._planned = False

    def _read(self, *, until: int = -1) -> None:
        while self._backlog and self._waiting > until:
            self._read_one()

    def _read_one(self) -> None:
        if self._backlog:
            follow, seconds, data = self._backlog.popleft()
            self._waiting -= len(data)
            follow(seconds, data)

    # --- From other threads ------------------------------------------------------------------------------

    def settle(self, *, patience: float = 0.25) -> None:
        """Wait until everything that was passed on is recorded, and exchanges whose client hung up are over.

        Args:
            patience: seconds for the latter.
        """
        self._call(self._settle(lambda: [c for c in self._conversations if c.hung_up and c.open], patience))

    async def _settle(self, going: Callable[[], object], patience: float) -> None:
        end = time.perf_counter() + patience
        while True:
            for _ in range(4):  # one turn of the loop to see what came, one to read it, one to pass it on
                await asyncio.sleep(0)
            self._read()
            if not going() or time.perf_counter() > end:
                return
            await asyncio.sleep(0.002)

    def close(self) -> None:
        """Wait for exchanges that are going on, then hang up on everybody."""
        self._call(self._settle(lambda: [c for c in self._conversations if c.open], PATIENCE))
        self._loop.call_soon_threadsafe(self._serving.cancel)
        self._thread.join()
        self._read()

    def _call(self, work: Coroutine[Any, Any, T]) -> T | None:
        if not self._thread.is_alive():
            work.close()
            return None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
