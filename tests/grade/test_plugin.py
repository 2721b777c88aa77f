"""What nbval lacks as a grader: which cells run, what is noted of each, and when a fresh kernel comes."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbval.plugin import NbCellError

from labkit.course.verdict import Verdict
from labkit.grade import kernels, one, plugin
from labkit.grade.chapters import Chapter
from labkit.grade.compose import ALLOWED_TO_FAIL, identity
from labkit.grade.kernels import GradedKernel, KernelDied
from labkit.grade.one import Ticket
from labkit.grade.plugin import Run, last_lines, name
from labkit.grade.reading import read
from labkit.grade.window import NOTHING
from tests.grade import plain
from tests.grade.conftest import Grader, handed_in

notebook = pytest.mark.notebook

ADD, WORDS = plain.Add(), plain.Words()
RIGHT = {one.id: one.answer("perfect") for one in (ADD, WORDS)}
SILENT = "get_ipython().input_transformers_post.append(lambda lines: ['pass\\n'])"
CHECK = f"check(task, {ADD.function})"


def ran(grader: Grader, answers: dict[str, str], chapter: Chapter | None = None, **limits: float) -> Run:
    """Run a notebook with these answers; return what was noted."""
    with running(grader, answers, chapter, **limits) as run:
        return run


@contextlib.contextmanager
def running(grader: Grader, answers: dict[str, str], chapter: Chapter | None, **limits: float) -> Iterator[Run]:
    """Run a notebook; its folder is there for the length of a ``with`` block."""
    chosen = chapter or grader.chapter
    desk, ticket = grader.desk(**limits), Ticket()
    with one._world(desk, ticket) as (folder, _):
        with one._run(handed_in(answers), chosen, grader.exercises, desk, ticket, folder) as run:
            one._run_nbval(run, folder / "composed.ipynb")
        yield run


def chapter_of(*cells: tuple[str, str, str, str], tags: str = "") -> Chapter:
    """A chapter with these cells: name, role, exercise and text of each."""
    made: list[NotebookNode] = []
    for cell, role, exercise, source in cells:
        marks = {"cell": cell, "role": role} | ({"exercise": exercise} if exercise else {})
        metadata = {"labkit": marks} | ({"tags": [tags]} if tags and role == "demo" else {})
        made.append(new_code_cell(source, id=f"cell-{len(made)}", metadata=metadata))
    exercises = tuple(exercise for _, role, exercise, _ in cells if role == "answer")
    return Chapter("90", Path("90_x.ipynb"), new_notebook(cells=made), exercises, "an edition")


def exercise(of: str, task: str, check: str = CHECK) -> list[tuple[str, str, str, str]]:
    """The three cells of an exercise."""
    texts = {"setup": f"from labkit import begin, check\n{task}", "answer": "", "check": check}
    return [(f"{of}.{role}", role, of, text) for role, text in texts.items()]


BEGIN = f'task = begin("{ADD.id}")'

# --- which cells run --------------------------------------------------------------------------------------


@notebook
def test_everything_is_noted_of_a_notebook_that_runs(grader: Grader) -> None:
    """Every cell of an exercise is noted as ok, each exercise has a verdict and its seconds, and there are no notes."""
    run = ran(grader, RIGHT)
    roles = ("setup", "answer", "check")
    assert {at: cell.how for at, cell in run.cells.items()} == {(e, role): "ok" for e in RIGHT for role in roles}
    assert all(isinstance(verdict, Verdict) and verdict.solved for verdict in run.verdicts.values())
    assert set(run.verdicts) == set(run.spent) == set(RIGHT) and min(run.spent.values()) > 0
    assert (run.notes, run.ruined) == ([], False)


@notebook
def test_recovery_runs_what_every_notebook_has_run(grader: Grader) -> None:
    """After a dead kernel the next exercise meets the names of every set-up and demo above it, and of no answer."""
    text = "mine = 1\nimport os; os._exit(1)"
    later = f"{RIGHT[WORDS.id]}\nassert total == 45 and begin and 'mine' not in globals() and 'add' not in globals()"
    run = ran(grader, {ADD.id: text, WORDS.id: later})
    hows = [run.cells[ADD.id, role].how for role in ("setup", "answer", "check")]
    assert hows == ["ok", "died", "skipped"] and ADD.id not in run.verdicts
    assert run.cells[WORDS.id, "answer"] == plugin.Ran("ok", "")
    assert getattr(run.verdicts[WORDS.id], "solved", False) and not run.ruined


@notebook
def test_nothing_runs_on_a_ruined_kernel(grader: Grader) -> None:
    """Between a dead kernel and the next exercise no cell runs, and none is noted as the course's failure."""
    cells = [*exercise(ADD.id, BEGIN), ("demo", "demo", "", "1 / 0"), *exercise(WORDS.id, "1")]
    run = ran(grader, {ADD.id: "exit()"}, chapter_of(*cells))
    assert run.notes == [] and run.cells[WORDS.id, "setup"].how == "ok"


@notebook
def test_a_check_that_says_nothing_ruins_the_kernel(grader: Grader) -> None:
    """A check cell that runs without an error and hands nothing in is not trusted: the next begins with a fresh one."""
    run = ran(grader, {**RIGHT, ADD.id: SILENT})
    assert run.cells[ADD.id, "check"].how == "ok" and run.verdicts[ADD.id] == NOTHING
    assert getattr(run.verdicts[WORDS.id], "solved", False) and not run.ruined


@notebook
def test_a_check_that_fails_ruins_nothing(grader: Grader, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check cell that raises is an ordinary mistake: the kernel goes on, and is not started again."""
    restarts: list[object] = []
    monkeypatch.setattr(GradedKernel, "restart", restarts.append)
    run = ran(grader, {**RIGHT, ADD.id: ""})
    assert run.cells[ADD.id, "check"].how == "error" and run.verdicts[ADD.id] == NOTHING
    assert getattr(run.verdicts[WORDS.id], "solved", False) and restarts == []


@notebook
@pytest.mark.parametrize("broken", [True, False], ids=["at the start", "at recovery"])
def test_a_kernel_that_does_not_start_is_the_graders(
    grader: Grader, monkeypatch: pytest.MonkeyPatch, broken: bool
) -> None:
    """Where no kernel comes up, what would have run there has that error for a verdict, and what ran has its own."""

    def start(*_: object) -> None:
        raise KernelDied(kernels.NOT_STARTED)

    monkeypatch.setattr(GradedKernel, "_start" if broken else "restart", start)
    run = ran(grader, {**RIGHT, ADD.id: "exit()"})
    assert {of: str(error) for of, error in run.verdicts.items()} == dict.fromkeys(
        [*RIGHT][not broken :], kernels.NOT_STARTED
    )


# --- limits -----------------------------------------------------------------------------------------------


@notebook
def test_a_limit_is_for_the_learners_cells(grader: Grader) -> None:
    """A cell of the course may take longer than a learner's."""
    slow = exercise(ADD.id, f"import time; time.sleep(0.6)\n{BEGIN}")
    run = ran(grader, {ADD.id: f"{RIGHT[ADD.id]}\ntime.sleep(60)"}, chapter_of(*slow), seconds=0.4)
    hows = [run.cells[ADD.id, role].how for role in ("setup", "answer", "check")]
    assert hows == ["ok", "timeout", "ok"] and "KeyboardInterrupt" in run.cells[ADD.id, "answer"].said
    assert getattr(run.verdicts[ADD.id], "solved", False)


@notebook
def test_after_the_end_nothing_runs(grader: Grader, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the time of the whole notebook is over, every cell that is left is skipped, also after a dead kernel."""
    monkeypatch.setattr(one, "WHOLE", 0)
    run = ran(grader, RIGHT)
    assert {cell.how for cell in run.cells.values()} == {"skipped"} and run.verdicts == {}
    assert run.remaining() <= 0


# --- notes ------------------------------------------------------------------------------------------------


@notebook
@pytest.mark.parametrize(("tags", "noted"), [("", 1), (ALLOWED_TO_FAIL, 0)], ids=["by accident", "on purpose"])
def test_a_failing_cell_of_the_course_is_noted(grader: Grader, tags: str, noted: int) -> None:
    """A demo that fails is noted with its name and the last line of its error, unless it fails on purpose."""
    cells = [("90.shown", "demo", "", "print('fine')"), ("90.broken", "demo", "", "[][1]"), *exercise(ADD.id, BEGIN)]
    run = ran(grader, {ADD.id: RIGHT[ADD.id]}, chapter_of(*cells, tags=tags))
    assert run.notes == ["The cell 90.broken failed: IndexError: list index out of range"][:noted]
    assert getattr(run.verdicts[ADD.id], "solved", False)


@notebook
def test_markers_of_nbval_are_only_comments(grader: Grader) -> None:
    """A comment by which nbval skips a cell or expects it to fail is only that: the cell runs, and its error counts."""
    text = f"# NBVAL_SKIP\n# NBVAL_RAISES_EXCEPTION\n# PYTEST_VALIDATE_IGNORE_OUTPUT\n{RIGHT[ADD.id]}\n1 / 0"
    run = ran(grader, {ADD.id: text})
    assert (run.cells[ADD.id, "answer"].how, run.cells[ADD.id, "check"].how) == ("error", "ok")
    assert run.cells[ADD.id, "answer"].said.endswith("ZeroDivisionError: division by zero")


@notebook
def test_nothing_but_the_text_of_an_answer_counts(grader: Grader, short: Chapter) -> None:
    """What a learner's file says beside the text of an answer, as tags, outputs or another check, decides nothing."""
    learners = copy.deepcopy(short.notebook)
    for cell in learners.cells:
        role, of = identity(cell)
        if role in ("answer", "check"):
            cell.metadata["tags"] = ["nbval-skip", "skip-execution", ALLOWED_TO_FAIL]
            cell.metadata["editable"] = False
            cell.source = {"answer": f"{RIGHT[of]}\n1 / 0", "check": "print('all points')"}[role]
            cell.outputs = [new_output("stream", text=f"{of}   2 of 2 points")]
    submission = read(nbformat.writes(learners).encode(), {"90": short})
    run = ran(grader, {of: answer.text for of, answer in submission.answers.items()})
    assert [run.cells[of, "answer"].how for of in RIGHT] == ["error"] * 2
    assert [run.cells[of, "check"].how for of in RIGHT] == ["ok"] * 2
    assert all(getattr(verdict, "solved", False) for verdict in run.verdicts.values())


# --- texts ------------------------------------------------------------------------------------------------


@given(text=st.text(st.sampled_from("ab \n\x1b[0;31m\t")))
def test_last_lines_are_few_short_and_plain(text: str) -> None:
    """Whatever a traceback holds, twelve lines at most are kept, none long, none empty, none in colour."""
    lines = last_lines(NbCellError(1, "failed", "source", f"\x1b[0;31m{text}\x1b[0m" * 20)).splitlines()
    assert len(lines) <= 12 and all(0 < len(line.strip()) <= 200 for line in lines)
    assert not any("\x1b[0;31m" in line for line in lines)


def test_an_error_without_a_traceback_says_what_it_is() -> None:
    """Where there is no traceback, the error's own words are all there is."""
    assert last_lines(NbCellError(1, "Timeout of 3 seconds", "source", None)) == "Timeout of 3 seconds"


@pytest.mark.parametrize(
    ("metadata", "called"), [({"labkit": {"cell": "01.x"}}, "01.x"), ({"labkit": {}}, "an-id"), ({}, "an-id")]
)
def test_a_cell_is_called_by_its_name(metadata: dict[str, Any], called: str) -> None:
    """A cell of the course is called as the course calls it, any other by its id."""
    assert name(new_code_cell("1", id="an-id", metadata=metadata)) == called


BREAKS = {
    "stdout closed": "import sys; sys.stdout.close()",
    "begin replaced": "begin = lambda _: None",
    "begin deleted": "del begin",
    "the window hidden": "import os; os.environ.pop('LABKIT_WINDOW')",
}


@pytest.mark.parametrize("broken", BREAKS.values(), ids=BREAKS.keys())
def test_a_begin_that_an_answer_has_broken_runs_again(grader: Grader, broken: str) -> None:
    """Whatever an answer does to the next begin cell, the next exercise begins anew and keeps its points."""
    right = plain.answers("perfect", 0)
    first, second = grader.grade({"90.add": broken, "90.words": right["90.words"]}).exercises
    assert (first.points, second.status, second.points) == (0, "pass", second.total)
