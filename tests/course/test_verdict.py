"""What a judge's findings add up to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.course.verdict import Finding, Part, Verdict, failed, found, passed

PARTS = (Part("a", 2, "a is true"), Part("b", 3, "b is true"))
KEYS = ["a", "b", "c", "d"]
SOME_PARTS = st.lists(st.sampled_from(KEYS), unique=True).flatmap(
    lambda keys: st.tuples(*(st.builds(Part, st.just(key), st.integers(0, 9), st.text()) for key in keys))
)
FINDINGS = st.lists(st.builds(Finding, st.sampled_from(KEYS), st.sampled_from(["pass", "fail", "not reached"])))


def fail(key: str, saw: object = "nothing") -> Finding:
    """A finding that something is wrong."""
    return failed(key, expected="something", saw=saw, look_at="there")


@given(SOME_PARTS, FINDINGS)
def test_points_stay_in_bounds(parts: tuple[Part, ...], findings: list[Finding]) -> None:
    """Whatever a judge finds, 0 ≤ points ≤ total, and only a solved exercise has them all."""
    known = {part.key for part in parts}
    verdict = Verdict.of("x", parts, [finding for finding in findings if finding.key in known])
    assert 0 <= verdict.points <= verdict.total
    assert not verdict.solved or verdict.points == verdict.total


@given(SOME_PARTS, FINDINGS)
def test_a_failing_finding_costs_its_part(parts: tuple[Part, ...], findings: list[Finding]) -> None:
    """A part that failed once has failed, whatever else was found about it, and in whatever order."""
    known = {part.key for part in parts}
    verdict = Verdict.of("x", parts, [finding for finding in findings if finding.key in known])
    failing = {finding.key for finding in findings if finding.state == "fail"}
    assert all(verdict.state(part) == "fail" for part in parts if part.key in failing)


@pytest.mark.parametrize("order", [[passed("a"), fail("a")], [fail("a"), passed("a")], [fail("a"), fail("a")]])
def test_failure_wins_in_every_order(order: list[Finding]) -> None:
    """Of two findings about one part the failing one counts."""
    assert Verdict.of("x", PARTS, order).state(PARTS[0]) == "fail"


def test_what_was_not_found_was_not_reached() -> None:
    """A part without a finding is not reached, and earns nothing."""
    verdict = Verdict.of("x", PARTS, [passed("a")])
    assert verdict.state(PARTS[1]) == "not reached"
    assert (verdict.points, verdict.solved) == (2, False)


def test_every_part_makes_it_solved() -> None:
    """An exercise is solved when every part passed."""
    verdict = Verdict.of("x", PARTS, [passed("a"), passed("b")])
    assert (verdict.points, verdict.total, verdict.solved) == (5, 5, True)


def test_no_parts_are_not_solved() -> None:
    """An exercise without parts cannot be solved: nothing passes because nothing is there."""
    assert not Verdict.of("x", (), []).solved


def test_a_judge_cannot_invent_parts() -> None:
    """A finding about a part that the exercise does not have is an error of the judge."""
    with pytest.raises(KeyError, match="'z', which is no part of it"):
        Verdict.of("x", PARTS, [passed("z")])


def test_an_answer_that_is_not_there_earns_nothing() -> None:
    """Without an answer no part is reached."""
    verdict = Verdict("x", PARTS, {}, answered=False)
    assert (verdict.points, verdict.solved) == (0, False)


def test_what_was_seen_is_cut_visibly() -> None:
    """Of a long text that was seen the beginning is kept, and an ellipsis says so."""
    assert fail("a", "x" * 300).saw == "x" * 300
    assert fail("a", "x" * 301).saw == "x" * 299 + "…"


def test_found_is_passed_or_failed() -> None:
    """found() passes what is right, without a word, and fails what is not."""
    words = {"expected": "1", "saw": 2, "look_at": "there", "why": "because"}
    assert found("a", True, **words) == passed("a")  # type: ignore[arg-type]
    assert found("a", False, **words) == Finding("a", "fail", "1", "2", "there", "because")  # type: ignore[arg-type]


def test_equal_failures_have_equal_complaints() -> None:
    """The complaint tells failures apart by part and by what was seen, and is empty where nothing failed."""
    complaints = [Verdict.of("x", PARTS, [finding]).complaint() for finding in (fail("a"), fail("b"), fail("a", "1"))]
    assert len(set(complaints)) == 3
    assert Verdict.of("x", PARTS, [passed("a")]).complaint() == ""


def test_a_known_answer_stands_for_what_was_seen() -> None:
    """With the answer told, two complaints differ only by answer and part: what a judge draws does not count."""
    one, other = (Verdict.of("x", PARTS, [fail("a", drawn)]) for drawn in (17, 18))
    assert one.complaint("f") == other.complaint("f") != other.complaint("g")
