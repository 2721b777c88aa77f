"""What came of one exercise: from how its cells went and what the judge found to a status, points and a sentence."""

from __future__ import annotations

from labkit.course.exercise import Exercise
from labkit.course.verdict import Verdict
from labkit.grade.kernels import DEAF
from labkit.grade.plugin import Ran, Run
from labkit.grade.results import ExerciseResult, PartResult, Status
from labkit.grade.submission import Submission


def exercise_result(submission: Submission, exercise: Exercise, run: Run) -> ExerciseResult:
    """Return the result of one exercise of a submission that was run."""
    answer = submission.answers.get(exercise.id)
    status, sentence, verdict = _outcome(exercise.id, answer is None, run)
    failed = [ran for role in ("answer", "check") if (ran := _ran(run, exercise.id, role)).how in ("error", "timeout")]
    return ExerciseResult(
        exercise.id,
        exercise.title,
        status,
        None if status == "infra-error" else verdict.points if verdict else 0,
        exercise.total,
        sentence,
        parts=_parts(exercise, verdict),
        traceback=failed[0].said if failed else "",
        matched=answer.matched if answer else "",
        notes=answer.notes if answer else (),
        seconds=round(run.spent.get(exercise.id, 0.0), 3),
    )


def _ran(run: Run, exercise: str, role: str) -> Ran:
    return run.cells.get((exercise, role), Ran())


def _outcome(exercise: str, absent: bool, run: Run) -> tuple[Status, str, Verdict | None]:
    """Return status and sentence of one exercise, and the verdict where there is one."""
    found = run.verdicts.get(exercise)
    if isinstance(found, Exception):
        return "infra-error", _infra(found), None
    if isinstance(found, Verdict):
        status, sentence = _judged(found, absent, run)
        return status, sentence, found
    cells = [_ran(run, exercise, role) for role in ("setup", "answer", "check")]
    for how, status in _UNJUDGED.items():
        if ran := next((ran for ran in cells if ran.how == how), None):
            return status, _said(status, ran, run), None
    if run.remaining() <= 0:
        return "timeout", f"The whole notebook took longer than {run.seconds:g} s; this was not reached.", None
    if isinstance(found, str):
        return "fail", found, None
    return "not-reached", _SAYS["not-reached"], None


def _said(status: Status, ran: Ran, run: Run) -> str:
    """Why there is nothing to judge, in words."""
    if status == "timeout":
        deaf = f" {DEAF}" if ran.said == DEAF else ""
        return f"It took longer than {run.limits.seconds:g} s and was interrupted.{deaf}"
    last = ran.said.splitlines()[-1] if ran.said else ""
    return f"{_SAYS[status]} {last}".strip()


_UNJUDGED: dict[str, Status] = {"died": "kernel-died", "timeout": "timeout", "error": "error"}
_SAYS: dict[Status, str] = {
    "kernel-died": "",
    "error": "The cell failed, and nothing was handed in.",
    "not-reached": "An earlier cell kept this exercise from being run.",
}


def _judged(verdict: Verdict, absent: bool, run: Run) -> tuple[Status, str]:
    if verdict.solved:
        return "pass", ""
    if absent:
        return "missing", "The notebook has no answer cell for this exercise."
    ran = _ran(run, verdict.exercise, "answer")
    if ran.how == "timeout":
        return "timeout", f"The answer took longer than {run.limits.seconds:g} s and was interrupted."
    if ran.how == "error":
        return "error", "The answer cell raised an exception; what it had done by then was judged."
    if not verdict.answered:
        return "missing", "The answer cell gives no answer yet."
    return "fail", ""


def _infra(error: Exception) -> str:
    return f"The grader or its daemon failed: {type(error).__name__}: {error}"[:500]


def _parts(exercise: Exercise, verdict: Verdict | None) -> tuple[PartResult, ...]:
    if verdict is None or not verdict.answered:
        return tuple(PartResult(part.key, part.truth, 0, part.points, "not reached") for part in exercise.parts)
    rows = []
    for part in exercise.parts:
        state, found = verdict.state(part), verdict.findings.get(part.key)
        said = (found.expected, found.saw, found.look_at, found.why) if found else ()
        rows.append(PartResult(part.key, part.truth, part.points if state == "pass" else 0, part.points, state, *said))
    return tuple(rows)
