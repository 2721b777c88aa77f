"""How the outputs of a learner's function are compared with what they should be."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from labkit.course.claims import Claim
from labkit.course.verdict import Finding, failed, passed


@dataclass(frozen=True)
class Case:
    """One call that a judge has made.

    Attributes:
        part: the part that fails if the result is another.
        arguments: as the function was called.
        truth: the right result, as plain data.
        words: the arguments, for a person.
        reveal: whether the right result may be shown beside them.
    """

    part: str
    arguments: tuple[Any, ...]
    truth: Any
    words: str
    reveal: bool = False


def read_outputs(claim: Claim, count: int) -> list[dict[str, Any]]:
    """Return one output for each call; what is missing counts as a call that failed."""
    found = claim.value if isinstance(claim.value, list) else []
    nothing = {"returned": None, "raised": claim.problem or "no output"}
    return [item if isinstance(item, dict) else nothing for item in (found + [nothing] * count)[:count]]


def compare(part: str, told: Iterable[tuple[Case, dict[str, Any]]], *, look_at: str, why: str = "") -> Finding:
    """Pass if every output of this part's cases is right; else show the first that is not."""
    mine = [(case, output) for case, output in told if case.part == part]
    if not mine:
        raise ValueError(f"the judge has no case for the part {part!r}")
    for case, output in mine:
        returned, raised = output.get("returned"), output.get("raised")
        if raised or not _same(returned, case.truth):
            expected = f"{case.truth if case.reveal else 'another result'} for {case.words}"
            saw = raised or repr(returned)
            return failed(part, expected=expected, saw=saw, look_at=look_at, why=why)
    return passed(part)


def _same(one: Any, other: Any) -> bool:
    """Compare as JSON does: 1, 1.0 and true are three things, also inside a list."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
