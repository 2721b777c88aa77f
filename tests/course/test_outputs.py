"""The outputs of a learner's function, compared with what they should be."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.course.claims import Claim
from labkit.course.outputs import Case, compare, read_outputs
from labkit.course.verdict import Finding


def compared(*pairs: tuple[Any, Any], raised: str = "", reveal: bool = False) -> Finding:
    """What compare() finds where the first of each pair is right and the second was returned."""
    told = [(Case("p", (n,), truth, f"f({n})", reveal), out(value, raised)) for n, (truth, value) in enumerate(pairs)]
    return compare("p", told, look_at="there", why="because")


def out(returned: object, raised: str = "") -> dict[str, Any]:
    """One output, as call() makes it."""
    return {"returned": returned, "raised": raised}


@pytest.mark.parametrize("value", [0, None, True, "", [], [1, "a", None], {"b": 1, "a": [2]}, 0.5])
def test_equal_data_passes(value: object) -> None:
    """An output that is the right data passes."""
    assert compared((value, value)).state == "pass"


@pytest.mark.parametrize(
    ("truth", "value"),
    [
        *((1, True), (1, 1.0), (0, False), ("1", 1), ([], None), (None, False), ("a", "a ")),
        *(([1], [True]), ([200, "1.4"], [200.0, "1.4"]), ({"a": 1}, {"a": True}), ([1, 2], [2, 1])),
    ],
)
def test_nearly_equal_data_fails(truth: object, value: object) -> None:
    """True is not 1 and 1.0 is not 1, at any depth; lists have an order."""
    assert compared((truth, value)).state == "fail"


def test_dictionaries_have_no_order() -> None:
    """Two dictionaries with the same pairs are equal."""
    assert compared(({"a": 1, "b": 2}, {"b": 2, "a": 1})).state == "pass"


def test_the_first_wrong_output_is_shown() -> None:
    """The finding shows the first output that is wrong, and for which arguments."""
    finding = compared((1, 1), (2, 5), (3, 6))
    assert (finding.saw, finding.expected) == ("5", "another result for f(1)")
    assert (finding.look_at, finding.why) == ("there", "because")


def test_the_truth_is_shown_only_where_it_may_be() -> None:
    """The right result stands in the finding only if the case allows it."""
    assert compared((4711, 1)).expected == "another result for f(0)"
    assert compared((4711, 1), reveal=True).expected == "4711 for f(0)"


def test_an_exception_is_never_right() -> None:
    """A call that raised fails, also where None would be right, and shows what it raised."""
    finding = compared((None, None), raised="ValueError: no")
    assert (finding.state, finding.saw) == ("fail", "ValueError: no")


@pytest.mark.parametrize("value", [None, [], {}, "text", 5, [out(1)]])
def test_missing_outputs_fail(value: object) -> None:
    """An output that is missing is wrong even where the right result is None."""
    outputs = read_outputs(Claim(value), 3)
    assert len(outputs) == 3
    told = [(Case("p", (), 1 if output.get("returned") else None, "f()"), output) for output in outputs]
    assert compare("p", told, look_at="there").saw == "no output"


def test_a_refused_claim_says_why() -> None:
    """Where the claim itself was refused, that is what was seen."""
    told = [(Case("p", (), 1, "f()"), output) for output in read_outputs(Claim(None, "it is too long"), 1)]
    assert compare("p", told, look_at="there").saw == "it is too long"


def test_what_is_not_an_output_is_missing() -> None:
    """Only the first outputs count, and what is not a dictionary is none."""
    assert read_outputs(Claim([out(1), 5, out(2), out(3)]), 3) == [out(1), out(None, "no output"), out(2)]


def test_a_part_without_cases_is_an_error() -> None:
    """A judge that has no case for a part cannot pass it."""
    with pytest.raises(ValueError, match="no case for the part 'q'"):
        compare("q", [(Case("p", (), 1, ""), out(1))], look_at="there")
