"""What the learner's cell hands to the judge: JSON, and nothing but JSON.

A judge never sees an object of the learner's, so none of its methods can speak for it: an ``__eq__`` that is
always true is turned into plain data, or refused, before anything is compared.
"""

from __future__ import annotations

import copy
import hashlib
import json
import marshal
import types
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

Json = Any
"""None, a bool, a number, a text, or a list or dict of these."""

LIMIT = 1_000_000
"""Characters of a claim at most."""


@dataclass(frozen=True)
class Claim:
    """An answer as plain data.

    Attributes:
        value: the data; None where there is no answer.
        problem: why the answer could not be turned into data; empty otherwise.
    """

    value: Json
    problem: str = ""

    @classmethod
    def of(cls, answer: object) -> Claim:
        """Turn an answer into a claim, by way of its JSON text."""
        try:
            text = json.dumps(_Copy().plain(answer, 0), allow_nan=False)
        except (TypeError, ValueError) as error:
            return cls(None, f"{type(answer).__name__} is not data that can be handed in: {error}")
        if len(text) > LIMIT:
            return cls(None, f"an answer of {len(text)} characters is more than the {LIMIT} that can be handed in")
        return cls(json.loads(text))

    @property
    def empty(self) -> bool:
        """True if there is no answer yet: None, ``...``, or a function that returns nothing but that."""
        if self.problem:
            return False
        if isinstance(self.value, list) and self.value and all(_is_call(item) for item in self.value):
            return all(item["returned"] is None and not item["raised"] for item in self.value)
        return self.value is None


def hand_in(answer: object, calls: Iterable[tuple[Any, ...]] | None) -> Claim:
    """Return the claim of an answer; of a function, what it did with the arguments of each call.

    Args:
        answer: the value or function of the learner's cell.
        calls: the arguments of each call; None where the answer is no function.
    """
    if calls is None or answer is None or answer is ...:
        return Claim.of(answer)
    if not callable(answer):
        kind = type(answer).__name__
        return Claim(None, f"{kind} is not a function: hand in the function itself, without calling it")
    return Claim.of([call(answer, arguments) for arguments in calls])


def call(function: Callable[..., object], arguments: tuple[Any, ...]) -> dict[str, Json]:
    """Call the learner's function once; return what it returned and what it raised, as data.

    It gets copies, so that what it does to them changes no other call. ``sys.exit()`` is an outcome like
    any other; only the learner's own interrupt of the cell ends the check.
    """
    try:
        claim = Claim.of(function(*copy.deepcopy(arguments)))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return {"returned": None, "raised": _said(error)}
    return {"returned": claim.value, "raised": claim.problem}


def _said(error: BaseException) -> str:
    try:
        words = str(error)
    except Exception:  # its own __str__ fails
        words = ""
    return f"{type(error).__name__}: {words}".encode(errors="backslashreplace").decode().removesuffix(": ")[:300]


def fingerprint(answer: object) -> str:
    """Return what tells a function from the one of another attempt: a digest of its code. Empty for data."""
    code = getattr(answer, "__code__", None) if type(answer) is types.FunctionType else None
    # Version 2 has no references between its parts, which would depend on who else uses them. The code names
    # its file, and IPython names each cell by a digest of its text: so the whole cell is told apart.
    return hashlib.sha256(marshal.dumps(code, 2)).hexdigest() if code else ""


def _is_call(item: Json) -> bool:
    return isinstance(item, dict) and set(item) == {"returned", "raised"}


class _Copy:
    """Copies a value into exact built-in types, asking none of its own methods, for as long as there is room."""

    def __init__(self) -> None:
        self.room = LIMIT

    def plain(self, value: Any, depth: int) -> Json:
        """Return the copy; sets become sorted lists, bytes become text."""
        self.take(1)
        kind = type(value)
        if depth > 20:
            raise ValueError("it is nested too deeply")
        if value is None or value is ...:
            return None
        if kind is bool or kind is int or kind is float:
            return value
        if issubclass(kind, str):
            return self.text(str.__str__(value))
        if issubclass(kind, bytes):
            return self.text(bytes.decode(value, errors="replace"))
        if kind is bytearray:
            return self.text(value.decode(errors="replace"))
        if kind is list or kind is tuple:
            return [self.plain(item, depth + 1) for item in value]
        if kind is set or kind is frozenset:
            return _in_order([self.plain(item, depth + 1) for item in value])
        if kind is dict:
            return self.pairs(value, depth + 1)
        raise TypeError("hand in a text, a number, True or False, or a list or dict of these")

    def pairs(self, value: dict[Any, Any], depth: int) -> dict[str, Json]:
        """Return a dictionary whose keys are texts, as JSON has them."""
        keys = [self.plain(key, depth) for key in value]
        if any(isinstance(key, (list, dict)) for key in keys):
            raise TypeError("the keys of a dictionary can be texts or numbers")
        copied = {str(key): self.plain(item, depth) for key, item in zip(keys, value.values(), strict=True)}
        if len(copied) < len(value):
            raise ValueError("two of its keys are the same text")
        return copied

    def text(self, words: str) -> str:
        """Return the words, if there is room for them."""
        self.take(len(words))
        return words

    def take(self, count: int) -> None:
        """Count what is copied: a short expression can make a list that no memory holds."""
        self.room -= count
        if self.room < 0:
            raise ValueError(f"it is more than the {LIMIT} characters that can be handed in")


def _in_order(items: Iterable[Json]) -> list[Json]:
    try:
        return sorted(items)
    except TypeError:  # texts and numbers in one set
        return sorted(items, key=repr)
