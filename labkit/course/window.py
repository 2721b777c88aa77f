"""The learner's side of the window: where somebody grades, the judge sits behind it, in another process.

A notebook that is being graded asks there for its values and hands its answers in; what comes back is data, never
a verdict. The judge's side is ``labkit.grade.window``.
"""

from __future__ import annotations

import ast
import json
import os
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from typing import Any

from labkit import errors
from labkit.course.claims import hand_in as make_claim

VARIABLE = "LABKIT_WINDOW"
"""The environment variable that says where the window is: an address and a key, as JSON."""

Message = dict[str, Any]


class Handout:
    """What ``begin`` returns: an exercise's id, and its values as attributes; printing it lists them."""

    def __init__(self, exercise_id: str, values: dict[str, Any]) -> None:
        self.id = exercise_id
        self.values = values

    def __getattr__(self, name: str) -> Any:
        values = self.__dict__.get("values", {})
        if name in values:
            return values[name]
        raise AttributeError(f"this task has no {name!r}; it has {', '.join(values) or 'no values'}")

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self.values]

    def __repr__(self) -> str:
        width = max(map(len, self.values), default=0)
        return "\n".join(f"  task.{name:<{width}}  {value!r}" for name, value in self.values.items())


def is_open() -> bool:
    """Whether this notebook is being graded."""
    return bool(os.environ.get(VARIABLE))


def begin(exercise_id: str) -> tuple[str, Handout]:
    """Ask for a clean world; return the exercise's brief and its values.

    Raises:
        CourseError: if the judge says no, or is gone.
    """
    with _Talk() as talk:
        said = talk.ask({"ask": "begin", "exercise": exercise_id})
    return said["brief"], Handout(exercise_id, said["values"])


def hand_in(exercise_id: str, answer: object) -> str:
    """Hand an answer in; return what the judge says about that, which is nothing about the answer.

    A function is called here, with the arguments that the judge chose.
    """
    with _Talk() as talk:
        said = talk.ask({"ask": "check", "exercise": exercise_id})
        if "refused" in said:
            return str(said["refused"])
        claim = make_claim(answer, ast.literal_eval(said["calls"]))
        talk.ask({"ask": "claim", "value": claim.value, "problem": claim.problem})
    return f"{exercise_id}: handed in."


class _Talk:
    """One conversation: a question, an answer, and so on."""

    def __init__(self) -> None:
        place = json.loads(os.environ[VARIABLE])
        try:
            self.line = Client(place["address"], authkey=bytes.fromhex(place["key"]))
        except (OSError, EOFError, AuthenticationError) as error:
            raise errors.CourseError(f"Nobody is behind the window of this grading: {error}.") from None

    def __enter__(self) -> _Talk:
        return self

    def __exit__(self, *_: object) -> None:
        self.line.close()

    def ask(self, message: Message) -> Message:
        """Send one message; return the one that comes back.

        Raises:
            CourseError: what the judge's side says it is.
        """
        try:
            self.line.send_bytes(json.dumps(message).encode())
            said: Message = json.loads(self.line.recv_bytes())
        except (OSError, EOFError):
            raise errors.CourseError("The window was closed in the middle of a question.") from None
        if "problem" in said:
            raise errors.CourseError(said["problem"], said.get("remedy", ""))
        return said
