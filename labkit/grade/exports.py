"""The batch in other people's forms: JUnit XML, which every CI system shows, and Gradescope's results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from labkit.course.show import SIGNS
from labkit.grade.results import Batch, ExerciseResult, PartResult, Result
from labkit.grade.tables import write_whole
from labkit.grade.texts import file_names, last_lines, one_line, plain, what_happened

_NOT_THE_LEARNERS = ("infra-error", "unreadable")


def exercise_text(exercise: ExerciseResult) -> str:
    """Return what a learner reads about one exercise, as plain text."""
    lines = [what_happened(exercise.status, exercise.sentence)]
    lines += [line for part in exercise.parts for line in _part_lines(part)]
    lines += [last_lines(exercise.traceback) if exercise.traceback else "", *exercise.notes]
    return plain("\n".join(filter(None, lines)))


def _part_lines(part: PartResult) -> list[str]:
    head = f"{SIGNS[part.state]} {part.points}/{part.total} {part.truth}"
    if part.state != "fail":
        return [head + " (not reached)" * (part.state == "not reached")]
    rows = [("expected", part.expected), ("saw", part.saw), ("look at", part.look_at), ("", part.why)]
    return [head, *(f"    {label:<10}{value}".replace("\n", "\n" + " " * 14) for label, value in rows if value)]


def submission_text(result: Result) -> str:
    """Return what a learner reads about the whole submission, beside the exercises."""
    silent = result.status not in _NOT_THE_LEARNERS
    head = result.sentence if silent else what_happened(result.status, result.sentence)
    ignored = ["These cells of your notebook did not count:", *result.ignored] if result.ignored else []
    return plain("\n".join(filter(None, [head, *ignored])))


# --- JUnit ------------------------------------------------------------------------------------------------


def write_junit(batch: Batch, file: Path) -> None:
    """Write one testsuite per submission and one testcase per exercise. Only full marks are a pass.

    What is not the learner's fault is an ``<error>``, everything else that lacks points a ``<failure>``; nothing
    is ever ``<skipped>``, because CI systems show that as harmless.
    """
    suites = [_suite(result, batch) for result in batch.results]
    root = ElementTree.Element("testsuites", _sums(suites) | {"name": "labkit grade"})
    root.extend(suites)
    ElementTree.indent(root)
    write_whole(file, ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


def _suite(result: Result, batch: Batch) -> ElementTree.Element:
    name = one_line(f"{result.learner} {result.chapter}".strip() or result.file)
    cases = [_case(name, exercise) for exercise in result.exercises]
    if not any(case.find("error") is not None for case in cases) and (not cases or result.status in _NOT_THE_LEARNERS):
        cases.append(_whole_case(name, result))
    counts = {"tests": len(cases)} | {f"{kind}s": sum(case.find(kind) is not None for case in cases) for kind in _KINDS}
    told = {key: str(count) for key, count in counts.items()} | {"skipped": "0", "time": f"{result.seconds:.3f}"}
    suite = ElementTree.Element("testsuite", {"name": name, "timestamp": plain(batch.made)} | told)
    suite.extend(cases)
    if said := submission_text(result):
        ElementTree.SubElement(suite, "system-out").text = said
    return suite


_KINDS = ("failure", "error")


def _sums(suites: list[ElementTree.Element]) -> dict[str, str]:
    counts = {key: sum(int(suite.attrib[key]) for suite in suites) for key in ("tests", "failures", "errors")}
    return {key: str(count) for key, count in counts.items()}


def _case(suite: str, exercise: ExerciseResult) -> ElementTree.Element:
    name = one_line(exercise.exercise)
    case = ElementTree.Element("testcase", classname=suite, name=name, time=f"{exercise.seconds:.3f}")
    if exercise.status != "pass":
        points = "no score" if exercise.points is None else f"{exercise.points} of {exercise.total} points"
        _say(case, exercise.status, f"{exercise.status}: {points}", exercise_text(exercise))
    return case


def _whole_case(suite: str, result: Result) -> ElementTree.Element:
    case = ElementTree.Element("testcase", classname=suite, name="submission", time=f"{result.seconds:.3f}")
    _say(case, result.status, f"{result.status}: {one_line(result.sentence)}", submission_text(result))
    return case


def _say(case: ElementTree.Element, status: str, message: str, text: str) -> None:
    kind = "error" if status in _NOT_THE_LEARNERS else "failure"
    ElementTree.SubElement(case, kind, type=status, message=message).text = text


# --- Gradescope -------------------------------------------------------------------------------------------


def write_gradescope(batch: Batch, folder: Path) -> None:
    """Write ``<name>.json`` for each submission, as a Gradescope autograder leaves it in ``results.json``.

    https://gradescope-autograders.readthedocs.io/en/latest/specs/
    """
    for name, result in zip(file_names(batch.results), batch.results, strict=True):
        text = json.dumps(as_gradescope(result), ensure_ascii=False, indent=1)
        write_whole(folder / f"{name}.json", text.encode("utf-8", "backslashreplace") + b"\n")


def as_gradescope(result: Result) -> dict[str, Any]:
    """Return one submission in Gradescope's form.

    Gradescope asks for a score of the whole, or else of each test, which it adds up. Where there is no score,
    neither is named, so that nothing can be added up to a low mark. The points that there are have no place of
    their own above the tests; they are in ``extra_data``.
    """
    form: dict[str, Any] = {
        "execution_time": round(result.seconds),
        "output": submission_text(result),
        "output_format": "text",
        "visibility": "visible",
        "extra_data": {
            "max_score": result.total,
            "status": result.status,
            "chapter": result.chapter,
            "sha256": result.sha256,
        },
        "tests": [_test(exercise, scored=result.points is not None) for exercise in result.exercises],
    }
    return form if result.points is None else {"score": result.points} | form


def _test(exercise: ExerciseResult, *, scored: bool) -> dict[str, Any]:
    score = {"score": exercise.points or 0} if scored else {}
    return score | {
        "max_score": exercise.total,
        "status": "passed" if exercise.status == "pass" else "failed",
        "name": one_line(f"{exercise.exercise}: {exercise.title}"),
        "output": exercise_text(exercise),
        "output_format": "text",
    }
