"""What the learner's cell hands to the judge: JSON, and nothing but JSON.

A judge never sees an object of the learner's, so none of its methods can speak for it: an ``__eq__`` that is
always true is turned into plain data, or refused, before anything is compared.
"""

from __future__ import annotations

import json
from collections.abc import Callable
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
            text = json.dumps(_plain(answer, 0), allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
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


def call(function: Callable[..., object], arguments: tuple[Any, ...]) -> dict[str, Json]:
    """Call the learner's function once; return what it returned and what it raised, as data."""
    try:
        claim = Claim.of(function(*arguments))
    except Exception as error:
        return {"returned": None, "raised": f"{type(error).__name__}: {error}"[:300]}
    return {"returned": claim.value, "raised": claim.problem}


def _is_call(item: Json) -> bool:
    return isinstance(item, dict) and set(item) == {"returned", "raised"}


def _plain(value: object, depth: int) -> Json:
    """Copy ``value`` into exact built-in types; sets become sorted lists, bytes become text."""
    if depth > 20:
        raise ValueError("it is nested too deeply")
    kind = type(value)
    if value is None or value is ... or kind in (bool, int, float):
        return None if value is ... else value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode(errors="replace")
    if kind in (list, tuple):
        return [_plain(item, depth + 1) for item in value]  # type: ignore[attr-defined]
    if kind in (set, frozenset):
        return sorted((_plain(item, depth + 1) for item in value), key=repr)  # type: ignore[attr-defined]
    if kind is dict:
        return {str(key): _plain(item, depth + 1) for key, item in value.items()}  # type: ignore[attr-defined]
    raise TypeError("hand in a text, a number, True or False, or a list or dict of these")
