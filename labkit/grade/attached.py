"""The first process of a container, with its stdin and stdout: what ``docker run --interactive`` is made of."""

from __future__ import annotations

import json
import time
from typing import Any

from labkit import errors
from labkit.sandbox import Box
from labkit.stream import STDOUT, Stream


class Attached(Stream):
    """A container that was created and does not run yet. Hanging up ends its stdin.

    Args:
        box: the container, created with an open stdin.
        longest: bytes of a line at most.

    Raises:
        HelperLost: if the daemon does not attach us.
    """

    def __init__(self, box: Box, *, longest: int) -> None:
        self._daemon, self._execution = box.daemon, ""
        self._buffer = bytearray()
        self._socket: Any = None
        self._ssh = None
        self._line, self._longest = bytearray(), longest
        try:
            self._dial(box.daemon)
            self._upgrade(f"/v{box.daemon.api}/containers/{box.id}/attach?stream=1&stdin=1&stdout=1")
            self._execution = box.id
        except BaseException as error:
            self.close()
            if isinstance(error, OSError):
                raise errors.HelperLost(f"{box.name} cannot be attached to: {error}.") from error
            raise

    def _runs(self) -> bool:
        """Ask the daemon: it may keep the connection open when the container has ended."""
        try:
            return not self._execution or self._daemon.client.api.inspect_container(self._execution)["State"]["Running"]
        except OSError:  # also what the daemon answers: docker-py's APIError is one
            return False

    def tell(self, message: dict[str, Any]) -> None:
        """Send one JSON object as a line.

        Raises:
            HelperLost: if the container is gone.
        """
        self.send(json.dumps(message).encode() + b"\n")

    def hear(self, seconds: float) -> dict[str, Any]:
        """Return the next JSON object that the container says.

        Raises:
            QuestionTimeout: if none comes in time.
            HelperLost: if the container ends before.
            ValueError: if it says something else, or too much.
        """
        end = time.monotonic() + seconds
        while b"\n" not in self._line:
            channel, data = self.receive(end)
            self._line += data if channel == STDOUT else b""
            if len(self._line) > self._longest:
                raise ValueError(f"it said more than {self._longest} bytes")
        line, _, self._line = self._line.partition(b"\n")
        said = json.loads(line)
        if not isinstance(said, dict):
            raise ValueError(f"{type(said).__name__} is no answer")
        return said
