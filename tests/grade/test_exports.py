"""Other programs read the same results: only full marks pass, and an outage is an error without a score."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given

from labkit.grade.exports import as_gradescope, exercise_text, submission_text, write_gradescope, write_junit
from labkit.grade.results import Batch, ExerciseResult, Result, Status
from labkit.grade.texts import file_names
from tests.grade import anything, samples


def junit(batch: Batch, folder: Path) -> ElementTree.Element:
    """What a CI system reads."""
    write_junit(batch, folder / "junit.xml")
    return ElementTree.fromstring((folder / "junit.xml").read_bytes())


def outcome(case: ElementTree.Element) -> str:
    """``pass``, ``failure`` or ``error``."""
    assert {child.tag for child in case} <= {"failure", "error"}
    return case[0].tag if len(case) else "pass"


def one(status: Status, points: int | None = 0) -> ExerciseResult:
    """An exercise with this status."""
    return ExerciseResult("01.mode", "a title", status, points, 4, "Said.")


# --- Text -------------------------------------------------------------------------------------------------


def test_an_exercise_as_text() -> None:
    """The sentence, each part with sign and points, and under a failed one the rows as a learner knows them."""
    by_hand = next(e for e in samples.unusual()[2].exercises if e.exercise == "01.by-hand")
    assert exercise_text(by_hand) == (
        "Your answer ran. What is missing is marked below.\n"
        "✓ 1/1 the container exists and is made from the image\n"
        "✓ 1/1 it printed the word\n"
        "✗ 0/1 it has ended with the exit code\n"
        "    expected  exited, exit code 42\n"
        "    saw       running, exit code 0\n"
        "    look at   docker inspect, under State\n"
        "              It still runs. Waiting for it is the third request.\n"
        "✗ 0/2 the three status codes are those that the daemon answered with\n"
        "    expected  three numbers, in the order of asking\n"
        "    saw       [201, 204, 201]\n"
        "    look at   the first line of each answer"
    )


def test_a_submission_as_text() -> None:
    """Beside the exercises a learner reads why there are none, and which cells did not count."""
    texts = [submission_text(result) for result in samples.unusual()]
    assert texts[2].startswith("These cells of your notebook did not count:\ncell 12, new:")
    assert texts[3].startswith("The grader failed, not you.")
    assert texts[5].endswith("The file is empty: hand it in again.")
    assert texts[0] == ""


# --- JUnit ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("pass", "pass"),
        ("fail", "failure"),
        ("error", "failure"),
        ("timeout", "failure"),
        ("kernel-died", "failure"),
        ("not-reached", "failure"),
        ("missing", "failure"),
        ("unreadable", "error"),
        ("infra-error", "error"),
    ],
)
def test_junit_outcomes(status: Status, expected: str, tmp_path: Path) -> None:
    """Full marks pass; what is not the learner's fault is an error; everything else, missing answers too, fails."""
    result = Result("f", "ada", "01", "", status, 0, 4, exercises=(one(status),))
    [suite] = junit(samples.batch(result), tmp_path)
    assert [outcome(case) for case in suite.iter("testcase")] == [expected]


def test_junit_has_every_submission(tmp_path: Path) -> None:
    """One testsuite per submission, one testcase per exercise, and sums that are right."""
    root = junit(samples.batch(), tmp_path)
    cases = [outcome(case) for case in root.iter("testcase")]
    assert len(root) == len(samples.batch().results)
    assert int(root.attrib["tests"]) == len(cases) == sum(len(r.exercises) or 1 for r in samples.batch().results)
    assert int(root.attrib["failures"]) == cases.count("failure")
    assert int(root.attrib["errors"]) == cases.count("error") == 3 + 2
    assert sum(int(suite.attrib["failures"]) for suite in root) == cases.count("failure")


def test_junit_says_why(tmp_path: Path) -> None:
    """A failure's message has status and points, its text is what the learner reads."""
    [suite] = junit(samples.batch(samples.unusual()[2]), tmp_path)
    failure = suite.findall("testcase/failure")[-1]
    assert failure.attrib == {"type": "error", "message": "error: 0 of 4 points"}
    assert "KeyError: 'garden xxx" in (failure.text or "")
    assert "cell 12, new" in (suite.findtext("system-out") or "")


@pytest.mark.parametrize("status", ["unreadable", "infra-error"])
def test_junit_never_passes_what_never_ran(status: Status, tmp_path: Path) -> None:
    """A submission without exercises is one error, not an empty suite that CI takes for a success."""
    [suite] = junit(samples.batch(samples.refused("ada", "a.ipynb", status, "Nothing ran.")), tmp_path)
    assert [outcome(case) for case in suite.iter("testcase")] == ["error"]
    assert "Nothing ran." in suite[0][0].attrib["message"]


@given(anything.batches)
def test_junit_is_always_xml(tmp_path_factory: pytest.TempPathFactory, batch: Batch) -> None:
    """Whatever learners write, the file is XML, only full marks pass, and nobody is left out."""
    root = junit(batch, tmp_path_factory.mktemp("any"))
    for suite, result in zip(root, batch.results, strict=True):
        outcomes = [outcome(case) for case in suite.iter("testcase")]
        assert outcomes.count("pass") == sum(e.status == "pass" for e in result.exercises)
        assert outcomes
        assert "error" in outcomes or result.status not in ("unreadable", "infra-error")


# --- Gradescope -------------------------------------------------------------------------------------------

TOP = {"score", "execution_time", "output", "output_format", "visibility", "extra_data", "tests"}
EACH = {"score", "max_score", "status", "name", "output", "output_format"}


def test_gradescope_has_every_submission(tmp_path: Path) -> None:
    """One file per submission, under the name of its page."""
    batch = samples.batch()
    write_gradescope(batch, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {f"{name}.json" for name in file_names(batch.results)}


@given(anything.results)
def test_gradescope_has_the_form_that_is_asked_for(result: Result) -> None:
    """Only known fields, texts that are texts, and a test is passed exactly if its exercise is."""
    form = as_gradescope(result)
    assert form.keys() <= TOP
    assert all(test.keys() <= EACH for test in form["tests"])
    assert [test["status"] for test in form["tests"]] == [
        "passed" if exercise.status == "pass" else "failed" for exercise in result.exercises
    ]
    assert all(isinstance(test["output"], str) and test["output"] for test in form["tests"])
    assert json.loads(json.dumps(form)) == form


@pytest.mark.parametrize("result", samples.unusual(), ids=lambda r: ascii(r.learner))
def test_gradescope_scores(result: Result) -> None:
    """The tests add up to the score; where there is no score, there is none anywhere that could be added up."""
    form = as_gradescope(result)
    scores = [test["score"] for test in form["tests"] if "score" in test]
    assert form.get("score") == result.points
    assert scores == [] if result.points is None else sum(scores) == result.points
    assert form["extra_data"]["max_score"] == result.total == sum(test["max_score"] for test in form["tests"])


def test_gradescope_shows_the_learner_everything(tmp_path: Path) -> None:
    """The output of a test is what the learner reads about the exercise, visible at once and as plain text."""
    result = samples.unusual()[2]
    write_gradescope(samples.batch(result), tmp_path)
    form = json.loads(next(tmp_path.iterdir()).read_text("utf-8"))
    assert (form["visibility"], form["output_format"], form["execution_time"]) == ("visible", "text", 10)
    assert form["tests"][0]["output"] == exercise_text(result.exercises[0])
    assert form["tests"][0]["name"] == "01.mode: nine bits decide who may connect"
