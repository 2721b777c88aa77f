"""Grading a class of thirty: submissions per minute beside nbgrader, and seconds for one submission of 25 cells.

Both graders get the same answers to the same exercises of plain Python, and both must give everybody the right
points; else there is nothing to compare. No daemon is asked: what Docker takes is another row's.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from labkit.daemon import Daemon
from tests.benchmarks.harness import Pair, Target, row
from tests.benchmarks.peers import nbgrader
from tests.grade import plain

SECONDS_PER_CELL = 30.0
"""What one cell may take; nbgrader's default as well."""

CHAPTERS, NOTEBOOKS, PEER = "chapters", "class", "nbgrader"
"""Folders."""


@dataclass(frozen=True)
class Class:
    """What was handed in.

    Attributes:
        home: a folder with the chapter and the notebooks; nbgrader has its own below it.
        points: what each learner must get.
    """

    home: Path
    points: dict[str, int]


@contextmanager
def handed_in() -> Iterator[Class]:
    """The chapter and a class's notebooks, in a folder for as long as the row is measured."""
    with tempfile.TemporaryDirectory(prefix="labkit-") as folder:
        home = Path(folder)
        for name in (CHAPTERS, NOTEBOOKS):
            (home / name).mkdir()
        plain.write_chapter(home / CHAPTERS)
        yield Class(home, plain.write_class(home / NOTEBOOKS))


def ours(handed: Class, *, jobs: int = 1) -> float:
    """Grade the class as on the first time, from the files to the results; return the seconds."""
    from labkit.grade.batch import Options, grade
    from labkit.grade.chapters import read_chapters
    from labkit.grade.collecting import collect
    from labkit.grade.reading import read

    with tempfile.TemporaryDirectory(prefix="labkit-") as out:
        kept = Options(out=Path(out), jobs=jobs, timeout=SECONDS_PER_CELL, docker=False, modules=(plain.INSTALL,))
        begun = time.perf_counter()
        chapters = read_chapters(handed.home / CHAPTERS)
        batch = grade([read(found, chapters) for found in collect([handed.home / NOTEBOOKS])], chapters, kept)
        seconds = time.perf_counter() - begun
    compare(handed, {result.learner: result.points for result in batch.results})
    return seconds


def theirs(handed: Class, command: Path) -> float:
    """Have nbgrader grade the class as on the first time; return the seconds."""
    seconds, points = nbgrader.autograde(command, handed.home / PEER)
    compare(handed, points)
    return seconds


def compare(handed: Class, points: object) -> None:
    """Make sure that everybody got the right points: a grader that errs is not compared with."""
    assert points == handed.points, f"the points are {points}, not {handed.points}"


def per_minute(seconds: float) -> float:
    """Submissions, where a class takes so many seconds."""
    return 60 * plain.CLASS / seconds


def beside_nbgrader(jobs: int) -> Iterator[Pair]:
    """Both graders on the same class; nbgrader has no jobs, so it gets one either way."""
    command = nbgrader.install()
    with handed_in() as handed:
        answers = {name: plain.answers(*who) for name, who in plain.pupils().items()}
        nbgrader.write_course(command, handed.home / PEER, answers)
        yield Pair(lambda: per_minute(ours(handed, jobs=jobs)), lambda: per_minute(theirs(handed, command)))


@row(
    "grade-class",
    what="submissions that labkit grades in a minute, one job",
    comparison="nbgrader autograde of the same",
    target=Target("ratio", "≥", 4),
    turns=2,
    unit="per minute",
)
def grade_class(_: Daemon) -> Iterator[Pair]:
    """One job grades a class at least four times as fast as nbgrader."""
    yield from beside_nbgrader(jobs=1)


@row(
    "grade-class-2",
    what="submissions that labkit grades in a minute, two jobs",
    comparison="nbgrader autograde of the same",
    target=Target("ratio", "≥", 6),
    turns=2,
    unit="per minute",
)
def grade_class_2(_: Daemon) -> Iterator[Pair]:
    """Two jobs grade a class at least six times as fast as nbgrader."""
    yield from beside_nbgrader(jobs=2)


def bare(home: Path) -> float:
    """Run the 25 cells alone with nbclient, in a fresh kernel; return the seconds."""
    from nbclient import NotebookClient

    where, quiet = {"metadata": {"path": str(home)}}, ["--IPKernelApp.log_level=ERROR"]
    client = NotebookClient(nbgrader.source(), kernel_name="python3", resources=where, extra_arguments=quiet)
    begun = time.perf_counter()
    client.execute()
    return time.perf_counter() - begun


@row(
    "grade-25-cells",
    what="one submission of 25 cells, as one of a class",
    comparison="nbclient, which runs the cells and judges nothing",
    target=Target("median", "≤", 1.2),
    turns=3,
)
def grade_25_cells(_: Daemon) -> Iterator[Pair]:
    """A submission costs at most 1.2 seconds, its share of starting the grader among them."""
    with handed_in() as handed:
        yield Pair(lambda: ours(handed) / plain.CLASS, lambda: bare(handed.home))
