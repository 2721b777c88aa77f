"""What nbval lacks as a grader, as a pytest plugin: limits, recovery, and a judge who is asked after each check.

nbval collects the cells, runs them and reads what they say. Ours is around that: a kernel that is watched, a fresh
one where an answer has ruined the old one, and the window through which an answer is handed in.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError

from labkit.course.verdict import Verdict
from labkit.grade.compose import identity
from labkit.grade.kernels import DEAF, GradedKernel, KernelDied, Limits
from labkit.grade.nursery import Nursery
from labkit.grade.window import Window

SET_UP = 120.0
"""Seconds for a cell that is not the learner's."""

SKIPPED = "not reached"

How = Literal["ok", "error", "timeout", "died", "skipped"]


@dataclass
class Ran:
    """How one cell of an exercise went."""

    how: How = "skipped"
    said: str = ""
    """The last lines of a traceback, or what was wrong, without colour codes."""


@dataclass
class Run:
    """One notebook on its way through nbval, and what came of it.

    Attributes:
        folder: where its cells work.
        environ: the whole environment of its kernel.
        limits: what it may use.
        nursery: who starts its kernel.
        window: where it asks and hands in.
        seconds: that all of it may take.
        cells: how each cell went that belongs to an exercise, by exercise and role.
        verdicts: what the judge found, or why there was nothing to judge, or the error that the judge met.
        spent: seconds for each exercise.
        notes: what else went wrong.
    """

    folder: Path
    environ: dict[str, str]
    limits: Limits
    nursery: Nursery
    window: Window
    seconds: float
    cells: dict[tuple[str, str], Ran] = field(default_factory=dict)
    verdicts: dict[str, Verdict | str | Exception] = field(default_factory=dict)
    spent: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    end: float = 0.0
    ruined: bool = False
    """The kernel cannot be trusted, or is not there: cells are skipped until an exercise begins with a fresh one."""

    def remaining(self) -> float:
        """Seconds that are left."""
        return self.end - time.monotonic()

    @contextlib.contextmanager
    def blaming_the_grader(self, *exercises: str) -> Iterator[None]:
        """What fails in here is no learner's fault: these exercises have no verdict but that."""
        try:
            yield
        except Exception as error:
            self.verdicts |= dict.fromkeys(exercises, error)
            raise


class GradePlugin:
    """Give pytest our collector for the one notebook of a run."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector:
        """Collect it as nbval does, with what we add."""
        collector: pytest.Collector = GradedFile.from_parent(parent, path=file_path)
        collector.run = self.run  # type: ignore[attr-defined]
        return collector


class GradedFile(IPyNbFile):  # type: ignore[misc]  # nbval has no types
    """A notebook whose kernel is watched."""

    run: Run

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.compare_outputs = False

    def setup(self) -> None:
        """Start the kernel."""
        run = self.run
        run.end = time.monotonic() + run.seconds
        with run.blaming_the_grader(*run.window.exercises):
            self.kernel = GradedKernel(run.nursery, run.folder, run.environ, run.limits)

    def collect(self) -> Iterator[pytest.Item]:
        """Yield nbval's cells as ours."""
        for cell in super().collect():
            kept = {"name": cell.name, "cell_num": cell.cell_num, "cell": cell.cell, "options": cell.options}
            yield GradedCell.from_parent(self, **kept)

    def teardown(self) -> None:
        """End the kernel, and hang up also where it is dead already."""
        if self.kernel:
            self.kernel.stop()

    def recover(self, until: int) -> None:
        """Start a fresh kernel, and run again what every learner's notebook has run up to this cell."""
        self.kernel.restart()
        self.timed_out = self.run.ruined = False
        code = [cell for cell in self.nb.cells if cell.cell_type == "code"]
        for cell in code[:until]:
            if identity(cell)[0] in ("setup", "demo"):
                self.kernel.run_quietly(cell.source, min(SET_UP, self.run.remaining()))


class GradedCell(IPyNbCell):  # type: ignore[misc]  # nbval has no types
    """A cell with a limit; the last of an exercise asks for the verdict."""

    def setup(self) -> None:
        """Nothing: nbval would expect every cell after a timeout to fail, and ours begin anew."""

    def runtest(self) -> None:
        """Run the cell if it can be reached, and note how it went."""
        role, exercise = identity(self.cell)
        run, begun = self.parent.run, time.monotonic()
        ran = run.cells.setdefault((exercise, role), Ran()) if exercise else Ran()
        try:
            if exercise and role == "setup" and run.ruined and run.remaining() > 0:
                with run.blaming_the_grader(exercise):
                    self.parent.recover(self.cell_num)
            if run.ruined or run.remaining() <= 0:
                pytest.skip(SKIPPED)
            if role == "check":
                run.window.open_check(exercise)
            self._run(ran, role, exercise)
        finally:
            if role == "check" and run.window.check:
                self._judge(exercise, ran.how)
            if exercise:
                run.spent[exercise] = run.spent.get(exercise, 0.0) + time.monotonic() - begun

    def _run(self, ran: Ran, role: str, exercise: str) -> None:
        """Run the cell; a begin cell that failed, or did not ask for its world, runs again in a fresh kernel.

        Whatever an earlier answer has broken, hidden or replaced is gone then.
        """
        window, begins = self.parent.run.window, bool(exercise) and role == "setup"
        with contextlib.suppress(*(NbCellError, KernelDied) if begins else ()):
            self._run_noting(ran, role, exercise)
        began = ran.how == "ok" and exercise in window.begun
        if begins and not began and exercise not in window.broken:
            with self.parent.run.blaming_the_grader(exercise):
                self.parent.recover(self.cell_num)
            self._run_noting(ran, role, exercise)

    def _run_noting(self, ran: Ran, role: str, exercise: str) -> None:
        run, parent = self.parent.run, self.parent
        own = role in ("answer", "check")
        limit = run.limits.seconds if own else SET_UP
        self.config.option.nbval_cell_timeout = max(0.1, min(limit, run.remaining()))
        try:
            super().runtest()
            ran.how = "ok"
        except NbCellError as error:
            ran.how, ran.said = ("timeout" if parent.timed_out else "error"), last_lines(error)
            if not own and not exercise:
                run.notes.append(
                    f"The cell {name(self.cell)} failed: {ran.said.splitlines()[-1] if ran.said else error}"
                )
            raise
        except Exception as error:
            ran.how, ran.said = ("timeout" if str(error) == DEAF else "died"), str(error)
            raise KernelDied(ran.said) from error
        finally:
            run.ruined |= not parent.kernel.is_alive()
            parent.timed_out = False

    def _judge(self, exercise: str, how: How) -> None:
        """Ask for the verdict. A kernel that hands in nothing, or too much, without any error is not trusted again."""
        run = self.parent.run
        try:
            verdict = run.verdicts[exercise] = run.window.verdict()
            run.ruined |= isinstance(verdict, str) and how == "ok"
        except Exception as error:
            run.verdicts[exercise] = error

    def repr_failure(self, excinfo: Any) -> Any:
        """Say little: what a person reads is in the report."""
        return str(excinfo.value)


COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


def last_lines(error: NbCellError, *, lines: int = 12, width: int = 200) -> str:
    """Return the end of a traceback as plain text."""
    text = COLOURS.sub("", str(error.inner_traceback or error))
    kept = [line.rstrip()[:width] for line in text.splitlines() if line.strip()]
    return "\n".join(kept[-lines:])


def name(cell: Any) -> str:
    """What the course calls a cell."""
    return str(cell.metadata.get("labkit", {}).get("cell") or cell.get("id", "without a name"))
