"""What can be done to a running container, in the words of the docker command, and who does it while others watch.

Source: ``docker stop --help``, ``docker kill --help``; Engine API, ``ContainerStop``, ``ContainerKill``.
"""

from __future__ import annotations

import shlex
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from labkit import errors
from labkit.inside.numbers import signal_name, signal_number
from labkit.sandbox import Box

GRACE = 10
"""Seconds between the first signal and SIGKILL where neither command nor container says another number."""

_OPTIONS = {
    "stop": {"-t": "grace", "--time": "grace", "--timeout": "grace"},
    "restart": {"-t": "grace", "--time": "grace", "--timeout": "grace"},
    "kill": {"-s": "signal", "--signal": "signal"},
    "pause": {},
    "unpause": {},
}


@dataclass(frozen=True)
class Action:
    """One command on a container, or something else that is done to it.

    Attributes:
        words: the command as one would type it, without the container: ``"docker stop -t 2"``.
        verb: ``"stop"``, ``"restart"``, ``"kill"``, ``"pause"``, ``"unpause"``; empty for something else.
        grace: for ``stop`` and ``restart``: the seconds that the command gives; None if it gives none.
        signal: for ``kill``: the number of the signal.
        deed: the something else.
    """

    words: str
    verb: str
    grace: int | None = None
    signal: int = 9
    deed: Callable[[], object] | None = None

    def granted(self, config: dict[str, Any]) -> int | None:
        """The seconds until SIGKILL, by the ``Config`` of ``docker inspect``; None where nothing follows."""
        if self.verb not in ("stop", "restart"):
            return None
        timeout = config.get("StopTimeout")
        return self.grace if self.grace is not None else GRACE if timeout is None else int(timeout)

    @property
    def tells(self) -> set[str]:
        """What the daemon tells of it, whatever becomes of the container."""
        return {"kill"} if self.verb in ("stop", "restart", "kill") else {self.verb} - {""}

    def perform(self, box: Box, grace: int | None) -> None:
        """Do it, and return when the daemon does.

        Raises:
            SandboxError: if the daemon refuses, with its own words.
        """
        if self.deed:
            self.deed()
            return
        api: Any = box.daemon.client.api  # in other threads, too: urllib3's pools are safe, and there are no cookies
        more = {"stop": (grace,), "restart": (grace,), "kill": (signal_name(self.signal),)}.get(self.verb, ())
        try:
            getattr(api, self.verb)(box.id, *more)
        except OSError as error:  # what the daemon answers, too: docker-py's APIError is one
            reason = getattr(error, "explanation", "") or error
            raise errors.SandboxError(
                f"{self.words} {box.name}: {reason}.", "`docker ps -a` shows its state."
            ) from error


def read_action(text: str) -> Action:
    """Read a command: ``"stop"``, ``"stop -t 2"``, ``"kill -s INT"``, ``"docker pause"``.

    Raises:
        LabError: if it is none of those that ``timeline`` knows, or has options that it does not know.
    """
    verb, *words = shlex.split(text.replace("=", " ").removeprefix("docker ")) or [""]
    known, values = _OPTIONS.get(verb), dict[str, int]()
    while known and len(words) > 1 and (name := known.get(words[0])):
        values[name] = signal_number(words[1]) if name == "signal" else _seconds(text, words[1])
        words = words[2:]
    if known is None or words:
        raise errors.LabError(f"{text!r} is not an action on a container.", _KNOWN)
    return _action(verb, **values)


def _action(verb: str, grace: int | None = None, signal: int = 9) -> Action:
    words = f"docker {verb}"
    if grace is not None:
        words += f" -t {grace}"
    if signal != 9:
        words += f" -s {signal_name(signal).removeprefix('SIG')}"
    return Action(words, verb, grace, signal)


def _seconds(text: str, word: str) -> int:
    if not word.isdecimal():
        raise errors.LabError(f"{text!r}: {word!r} is not a number of seconds.", "Write a whole one, such as -t 2.")
    return int(word)


_KNOWN = (
    'Write "stop", "stop -t 2", "restart", "kill", "kill -s INT", "pause" or "unpause", without the container\'s name, '
    "or give a function that does something else."
)


class Doing(threading.Thread):
    """An action on its way, beside those who watch.

    Args:
        box: the container.
        action: what is done to it.
        grace: the seconds until SIGKILL, for what has them.

    Attributes:
        asked, returned: when it began and ended, on this computer's clock since 1970; 0 before.
        failure: what went wrong.
        over: set when it has returned.
    """

    def __init__(self, box: Box, action: Action, grace: int | None) -> None:
        super().__init__(daemon=True)
        self.box, self.action, self.grace = box, action, grace
        self.asked = self.returned = 0.0
        self.failure: Exception | None = None
        self.over = threading.Event()

    def run(self) -> None:
        """Do it."""
        self.asked = time.time()
        try:
            self.action.perform(self.box, self.grace)
        except Exception as error:  # whoever watches raises it
            self.failure = error
        finally:
            self.returned = time.time()
            self.over.set()

    def over_since(self, seconds: float) -> bool:
        """Whether it has failed, or has returned so many seconds ago."""
        return self.over.is_set() and (self.failure is not None or time.time() > self.returned + seconds)
