"""What a judge says: one line for each part of an exercise, and the points that they add up to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

State = Literal["pass", "fail", "not reached"]


@dataclass(frozen=True)
class Part:
    """One thing that must be true in the end, and what it is worth."""

    key: str
    points: int
    truth: str


@dataclass(frozen=True)
class Finding:
    """What a judge found out about one part.

    Attributes:
        key: which part.
        state: ``"pass"`` or ``"fail"``; a part without a finding was not reached.
        expected: what should be there, without giving the answer away.
        saw: what is there instead.
        look_at: where the learner can see it.
        why: the misunderstanding behind it, where the judge knows it.
    """

    key: str
    state: State
    expected: str = ""
    saw: str = ""
    look_at: str = ""
    why: str = ""


def passed(key: str) -> Finding:
    """The part ``key`` is as it should be."""
    return Finding(key, "pass")


def failed(key: str, *, expected: str, saw: object, look_at: str, why: str = "") -> Finding:
    """The part ``key`` is not as it should be: expected, saw, look at, and perhaps why."""
    words = str(saw)
    return Finding(key, "fail", expected, words if len(words) <= 300 else words[:299] + "…", look_at, why)


def found(key: str, right: bool, *, expected: str, saw: object, look_at: str, why: str = "") -> Finding:
    """Whether the part ``key`` is as it should be; the words are for the case that it is not."""
    return passed(key) if right else failed(key, expected=expected, saw=saw, look_at=look_at, why=why)


@dataclass(frozen=True)
class Verdict:
    """The outcome of one check of one exercise.

    Attributes:
        exercise: its id.
        parts: every part, in order.
        findings: what the judge found, by key.
        answered: False if there was no answer to judge.
    """

    exercise: str
    parts: tuple[Part, ...]
    findings: dict[str, Finding]
    answered: bool = True

    @classmethod
    def of(cls, exercise: str, parts: tuple[Part, ...], findings: Iterable[Finding]) -> Verdict:
        """Collect what a judge yields; where a part is found twice, a failure counts."""
        found: dict[str, Finding] = {}
        known = {part.key for part in parts}
        for finding in findings:
            if finding.key not in known:
                raise KeyError(f"the judge of {exercise} speaks of {finding.key!r}, which is no part of it")
            if finding.key not in found or finding.state == "fail":
                found[finding.key] = finding
        return cls(exercise, parts, found)

    def state(self, part: Part) -> State:
        """Whether a part passed, failed, or was not reached."""
        return self.findings[part.key].state if part.key in self.findings else "not reached"

    @property
    def points(self) -> int:
        """The points of the parts that passed."""
        return sum(part.points for part in self.parts if self.state(part) == "pass")

    @property
    def total(self) -> int:
        """The points that there are."""
        return sum(part.points for part in self.parts)

    @property
    def solved(self) -> bool:
        """True if every part passed, and there is one."""
        return bool(self.parts) and all(self.state(part) == "pass" for part in self.parts)

    def complaint(self, answer: str = "") -> str:
        """What is wrong, as one text; two attempts that fail alike have the same.

        Args:
            answer: what tells the answer from others, where what was seen depends on the judge's draws.
        """
        wrong = [finding for finding in self.findings.values() if finding.state == "fail"]
        return "\n".join(f"{f.key}: {answer or f.saw}" for f in wrong)
