"""Results are plain data: JSON and back, and sums that never turn an outage into a mark."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from labkit.grade.results import STATUSES, VERSION, ExerciseResult, Result, Status, summed
from tests.grade import anything, samples


@given(anything.results)
def test_json_and_back(result: Result) -> None:
    """What goes through JSON comes back equal, tuples included."""
    assert Result.from_json(json.loads(json.dumps(result.as_json()))) == result


@pytest.mark.parametrize("result", samples.unusual(), ids=lambda r: ascii(r.learner))
def test_the_sample_class_goes_through_json(result: Result) -> None:
    """Every kind of submission in the sample class survives JSON."""
    assert Result.from_json(json.loads(json.dumps(result.as_json()))) == result


@pytest.mark.parametrize("change", [{"surprise": 1}, {"exercises": [{"exercise": "01.mode"}]}, {"exercises": 5}])
def test_another_form_is_refused(change: dict[str, object]) -> None:
    """Fields that are too many, too few or of another shape raise one of the promised errors."""
    with pytest.raises((KeyError, TypeError)):
        Result.from_json(samples.ordinary()[0].as_json() | change)


def test_exercises_must_be_there() -> None:
    """A submission without its list of exercises is refused."""
    data = samples.ordinary()[0].as_json()
    del data["exercises"]
    with pytest.raises(KeyError):
        Result.from_json(data)


def test_a_batch_is_the_content_of_its_file() -> None:
    """A batch as JSON carries its version, its results and what the reports say about the run."""
    batch = samples.batch()
    data = batch.as_json()
    assert data["version"] == VERSION
    assert [Result.from_json(item) for item in data["results"]] == list(batch.results)
    assert (data["isolation"], data["engine"]) == (batch.isolation, batch.engine)


# --- Sums -------------------------------------------------------------------------------------------------


def submission(*states: tuple[Status, int | None]) -> Result:
    """A submission whose exercises, of four points each, have these statuses and points."""
    exercises = tuple(ExerciseResult(f"01.e{n}", "", status, points, 4) for n, (status, points) in enumerate(states))
    return Result("f", "ada", "01", "", "missing", 99, 99, "said", exercises, ("mine",), ("note",), 3.0, "key")


CASES: dict[str, tuple[list[tuple[Status, int | None]], Status, int | None]] = {
    "all solved": ([("pass", 4), ("pass", 4)], "pass", 8),
    "one failed": ([("pass", 4), ("fail", 1)], "fail", 5),
    "one missing": ([("pass", 4), ("missing", 0)], "fail", 4),
    "all missing": ([("missing", 0), ("missing", 0)], "fail", 0),
    "an exception": ([("pass", 4), ("error", 1), ("fail", 0)], "error", 5),
    "too long beats an exception": ([("error", 0), ("timeout", 0)], "timeout", 0),
    "death beats too long": ([("timeout", 0), ("kernel-died", 0), ("not-reached", 0)], "kernel-died", 0),
    "an outage beats all": ([("kernel-died", 0), ("infra-error", None), ("pass", 4)], "infra-error", None),
    "no score anywhere": ([("infra-error", None)], "infra-error", None),
    "no exercise at all": ([], "fail", 0),
}


@pytest.mark.parametrize("case", CASES)
def test_sums(case: str) -> None:
    """The worst status is the submission's, and a part without a score leaves the whole without one."""
    states, status, points = CASES[case]
    whole = summed(submission(*states))
    assert (whole.status, whole.points, whole.total) == (status, points, 4 * len(states))


def test_a_sum_changes_nothing_else() -> None:
    """File, learner, sentence, ignored cells, notes, seconds and key stay as they were."""
    before, after = submission(("pass", 4)), summed(submission(("pass", 4)))
    kept = ("file", "learner", "chapter", "sha256", "sentence", "exercises", "ignored", "notes", "seconds", "key")
    assert [getattr(after, name) for name in kept] == [getattr(before, name) for name in kept]


@given(anything.results)
def test_only_full_marks_pass(result: Result) -> None:
    """A submission passes exactly if it has exercises and each of them passed; its status is a known one."""
    whole = summed(result)
    passes = bool(result.exercises) and all(one.status == "pass" for one in result.exercises)
    assert (whole.status == "pass") == passes
    assert whole.status in STATUSES


@given(anything.results)
def test_a_sum_is_never_made_of_less(result: Result) -> None:
    """The whole has a score exactly if every exercise has one, and it is their sum."""
    points = [one.points for one in result.exercises]
    whole = summed(result)
    assert whole.points == (None if None in points else sum(filter(None, points)))
    assert summed(whole) == whole
