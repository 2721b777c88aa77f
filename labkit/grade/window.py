"""The judge's side of the window: what a graded notebook asks for, and the one claim that it may hand in.

The other side is ``labkit.course.window``, in the learner's kernel. Nothing that is told there gives a value away
that the learner's cell was asked to find: values are drawn from a secret, and a verdict never goes back.

Messages are JSON, framed and authenticated by ``multiprocessing.connection``; nothing is ever unpickled.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener, answer_challenge, deliver_challenge
from typing import Any

from labkit import errors
from labkit.course.claims import LIMIT, Claim
from labkit.course.desk import prepare
from labkit.course.exercise import Exercise, World
from labkit.course.verdict import Verdict

ROOM = 6 * LIMIT + 1000
"""Bytes of one message at most: a claim of ``LIMIT`` characters, each written as six."""

GOODBYE = 5.0
"""Seconds until nobody waits at a window that is closed."""

NOT_NOW = "{}: nothing was handed in. In grading, the check cell that belongs to the exercise does that."
TWICE = "More than one answer was handed in to one check, so none of them counts."
FAILED = "The grader could not do its part of this exercise. That is not your fault."
NOTHING = "The check cell ran, and nothing was handed in: what the answer cell did kept it from that."


@dataclass
class Check:
    """One check: the exercise that may be handed in now, and what came."""

    exercise: Exercise
    world: World
    claim: Claim | None = None
    asked: int = 0
    open: bool = True


class Window:
    """Where one graded notebook asks and hands in.

    Args:
        exercises: those of its chapter, by id.
        make_world: returns the world of an exercise, for a nonce.

    Attributes:
        broken: what failed on the judge's side, by exercise; never the learner's fault.
    """

    def __init__(self, exercises: Mapping[str, Exercise], make_world: Callable[[str, str], World]) -> None:
        self.exercises = exercises
        self.make_world = make_world
        self.broken: dict[str, Exception] = {}
        self.begun: set[str] = set()
        self.check: Check | None = None
        self.lock = threading.RLock()
        self.key = secrets.token_bytes(16)
        self.listener = Listener()  # without the key: who never proves that they know it keeps nobody waiting
        self.address = self.listener.address
        self.place = json.dumps({"address": self.address, "key": self.key.hex()})
        self.closed = False
        self.door = threading.Thread(target=self._accept, daemon=True)
        self.door.start()

    def close(self) -> None:
        """Answer nobody any more."""
        self.closed = True
        family = socket.AF_UNIX if isinstance(self.address, str) else socket.AF_INET
        with contextlib.suppress(OSError), socket.socket(family) as knock:  # ends the wait in accept(2)
            knock.settimeout(GOODBYE)  # an answer may have put a socket of its own there, whose queue is full
            knock.connect(self.address)
            self.door.join(GOODBYE)

    # --- the grader's side -----------------------------------------------------------------------

    def open_check(self, exercise_id: str) -> None:
        """From now on this exercise, and no other, may be handed in, once."""
        with self.lock:
            nonce = secrets.token_hex(8)
            self.check = Check(self.exercises[exercise_id], self.make_world(exercise_id, nonce))

    def verdict(self) -> Verdict | str:
        """Close the check; return the verdict on what was handed in, or why there is nothing to judge.

        Raises:
            Exception: what the judge or its daemon failed with.
        """
        with self.lock:
            check, self.check = self.check, None
            if check is None:
                raise errors.CourseError("No check was open.", "Call open_check first.")
            check.open = False
        try:
            if check.exercise.id in self.broken:
                raise self.broken[check.exercise.id]
            if check.asked > 1:
                return TWICE
            if check.claim is None:
                return NOTHING
            return check.exercise.verdict(check.exercise.gather(check.claim, check.world), check.world)
        finally:
            check.world.close()

    # --- the kernel's side -----------------------------------------------------------------------

    def _accept(self) -> None:
        with contextlib.suppress(OSError), self.listener:
            while not self.closed:
                threading.Thread(target=self._serve, args=(self.listener.accept(),), daemon=True).start()

    def _serve(self, line: Connection[Any, Any]) -> None:
        with line, contextlib.suppress(OSError, EOFError, AuthenticationError):
            deliver_challenge(line, self.key)
            answer_challenge(line, self.key)
            said = _hear(line)
            exercise_id = str(said.get("exercise"))
            match said.get("ask"):
                case "begin" if exercise_id in self.exercises:
                    _tell(line, self._begin(exercise_id))
                case "check" if exercise_id in self.exercises:
                    self._check(line, exercise_id)
                case _:
                    there = ", ".join(self.exercises)
                    _tell(line, {"problem": f"There is no exercise {exercise_id!r} in this chapter: {there}."})

    def _begin(self, exercise_id: str) -> dict[str, Any]:
        exercise = self.exercises[exercise_id]
        with self.lock, self._blame(exercise_id):
            values = prepare(exercise, self.make_world(exercise_id, ""))
            self.begun.add(exercise_id)
            return {"brief": exercise.brief, "values": values}
        return {"problem": FAILED}

    def _check(self, line: Connection[Any, Any], exercise_id: str) -> None:
        with self.lock:
            check = self.check
            if check is None or check.exercise.id != exercise_id or exercise_id not in self.begun:
                _tell(line, {"refused": NOT_NOW.format(exercise_id)})
                return
            check.asked += 1
        with self._blame(exercise_id), check.exercise.stage(check.world) as calls:
            _tell(line, {"calls": repr(calls)})
            with contextlib.suppress(OSError, EOFError):
                claim = _claim(_hear(line))
                check.claim = claim if check.open else None
        _tell(line, {"problem": FAILED} if exercise_id in self.broken else {"taken": True})

    @contextlib.contextmanager
    def _blame(self, exercise_id: str) -> Iterator[None]:
        """What goes wrong in here is the grader's or the daemon's; remember it, and go on."""
        try:
            yield
        except Exception as error:
            self.broken.setdefault(exercise_id, error)


def _claim(said: dict[str, Any]) -> Claim:
    """Take a claim as data, within the limits that ``Claim`` has: it may come from anybody who knows the key."""
    claim, problem = Claim.of(said.get("value")), said.get("problem")
    return Claim(claim.value, problem[:300]) if isinstance(problem, str) and problem else claim


def _hear(line: Connection[Any, Any]) -> dict[str, Any]:
    """Return the next message; one that makes no sense is an empty one.

    Raises:
        OSError, EOFError: if the other side hangs up, or sends more than there is room for.
    """
    data = line.recv_bytes(ROOM)
    try:
        said = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _tell(line: Connection[Any, Any], message: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):
        line.send_bytes(json.dumps(message).encode())
