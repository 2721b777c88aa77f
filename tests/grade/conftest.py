"""A nursery for a module's tests, and kernels from it: forked from the same process that a grader forks them from."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest

from labkit.course.exercise import Exercise
from labkit.grade.chapters import Chapter, read_chapter
from labkit.grade.kernels import GradedKernel, Limits
from labkit.grade.nursery import Nursery
from labkit.grade.one import Desk, Ticket, environment, grade_one
from labkit.grade.results import Result
from labkit.grade.submission import Answer, Submission
from tests.chapters import cell_id
from tests.grade import plain

Kernels = Callable[..., GradedKernel]


def nursery_environ(home: Path) -> dict[str, str]:
    """What a worker gives its nursery."""
    return environment("", home) | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@pytest.fixture(scope="module")
def nursery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    """A nursery that is only this module's; nothing is below it afterwards."""
    nursery = Nursery(nursery_environ(tmp_path_factory.mktemp("nursery")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # whoever grades here sets it, and it is undone
        yield nursery
    nursery.close()
    assert nursery.offspring() == []


@pytest.fixture
def kernels(nursery: Nursery, tmp_path: Path) -> Iterator[Kernels]:
    """Start kernels in folders of their own, with the limits that are named; all end with the test."""
    started: list[GradedKernel] = []

    def start(environ: dict[str, str] | None = None, **limits: float) -> GradedKernel:
        folder = tmp_path / f"kernel{len(started)}"
        folder.mkdir()
        given = environment("ada", folder) if environ is None else environ
        started.append(GradedKernel(nursery, folder, given, Limits(**limits)))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for kernel in started:
        kernel.stop()


def said(kernel: GradedKernel, source: str, seconds: float = 30) -> str:
    """Run a cell as nbval does; return what it printed, and the kind of error that it raised."""
    request = kernel.execute_cell_input(source, allow_stdin=False)
    kernel.await_reply(request, timeout=seconds)
    return heard(kernel, request)


def heard(kernel: GradedKernel, request: str) -> str:
    """Return what a cell that has replied said."""
    words: list[str] = []
    while True:
        message = kernel.get_message("iopub", timeout=10)
        content = message["content"]
        if message["parent_header"].get("msg_id") != request:
            continue
        if message["msg_type"] == "status" and content["execution_state"] == "idle":
            return "".join(words)
        if message["msg_type"] in ("stream", "error"):
            words.append(content.get("text") or content["ename"])


def alive(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Return those that still do something: a zombie only waits for its parent, which may be anybody by then."""
    found = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


# --- whole submissions ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Grader:
    """A worker's desk without a daemon, and a chapter of two exercises: 90.add and 90.words."""

    nursery: Nursery
    chapter: Chapter
    exercises: dict[str, Exercise]

    def grade(self, answers: dict[str, str], **limits: float) -> Result:
        """Grade these answers."""
        return grade_one(handed_in(answers), self.chapter, self.exercises, self.desk(**limits), Ticket())

    def desk(self, **limits: float) -> Desk:
        """What is graded with."""
        nobody: Any = None
        return Desk(nobody, self.nursery, Limits(**limits))  # type: ignore[arg-type]  # some are whole numbers


def handed_in(answers: dict[str, str], learner: str = "ada") -> Submission:
    """A submission with these answers."""
    found = {exercise: Answer(exercise, text) for exercise, text in answers.items()}
    return Submission(f"{learner}.ipynb", learner, "90", found, sha256=f"digits of {learner}")


@pytest.fixture(scope="session")
def short(tmp_path_factory: pytest.TempPathFactory) -> Chapter:
    """The chapter of plain Python, cut after its second exercise, in a folder of its own."""
    notebook = plain.notebook()
    kept = ("90.start", "90.add", "90.count_words", "90.words")
    notebook.cells = [cell for cell in notebook.cells if cell_id(cell).startswith(kept)]
    file = tmp_path_factory.mktemp("notebooks") / plain.FILE
    nbformat.write(notebook, file)
    return read_chapter(file)


@pytest.fixture
def grader(nursery: Nursery, short: Chapter) -> Grader:
    """Grade in this process, as a worker does in its own."""
    return Grader(nursery, short, {kind.id: kind() for kind in plain.EXERCISES})
