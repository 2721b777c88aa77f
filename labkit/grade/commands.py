"""The command ``labkit grade``: from what was handed in to a table, pages, and an exit status."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from labkit.errors import LabError

if TYPE_CHECKING:
    from labkit.grade.results import Batch, Result

NO_SCORE = 3
"""Exit status where a submission has no score, because the grader or its daemon failed."""

LEVELS = ("self", "class", "sandbox")


@click.command("grade")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
@click.option("--chapter", metavar="NN", default="", help="Only this chapter; without it, each notebook says its own.")
@click.option(
    "--out",
    metavar="DIR",
    default="graded",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder for results.json, grades.csv, report.html and reports/.",
)
@click.option("--jobs", metavar="N", default=1, show_default=True, type=click.IntRange(1, 64), help="How many at once.")
@click.option(
    "--level",
    default="class",
    show_default=True,
    type=click.Choice(LEVELS),
    help="How far submissions are kept apart; every report says what that means.",
)
@click.option(
    "--seed-from",
    metavar="NAME|FILE",
    default="",
    help="Use the values that the learner NAME had, or those in a table with the columns learner and seed; "
    "without it, everybody gets values that nobody has seen.",
)
@click.option(
    "--timeout",
    metavar="S",
    default=30.0,
    show_default=True,
    type=click.FloatRange(1, 3600),
    help="Seconds that one cell may run; a whole notebook gets ten times that.",
)
@click.option("--again", is_flag=True, help="Grade anew also what was graded before and has not changed.")
@click.option("--junit", is_flag=True, help="Write junit.xml too.")
@click.option("--gradescope", is_flag=True, help="Write gradescope/*.json too, one for each submission.")
@click.pass_context
def grade_command(ctx: click.Context, /, paths: tuple[Path, ...], chapter: str, out: Path, **more: Any) -> None:
    """Grade notebooks: files, folders, or a zip from a learning platform.

    Each learner's answers are put into the chapter as it was shipped, run with nbval in a fresh kernel, and judged
    from outside by asking the daemon. What is graded and unchanged is not graded again.

    Exit status 0: everything has a score. 3: something has none, because the grader or its daemon failed.
    """
    if os.name == "nt":
        raise LabError("Grading needs processes that fork, which Windows has not.", "Run it in WSL2.")
    junit, gradescope = more.pop("junit"), more.pop("gradescope")
    _make(out)
    batch = _grade(paths, chapter, out, more)
    try:
        _write(batch, out, junit=junit, gradescope=gradescope)
    except LabError:
        from labkit.grade.tables import csv_text

        click.echo(csv_text(batch), nl=False)  # so that nothing is lost
        raise
    _summarise(batch, out)
    ctx.exit(NO_SCORE if any(result.status == "infra-error" for result in batch.results) else 0)


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LabError(
            f"The folder {out} cannot be made: {error.strerror or error}.", "Name another with --out."
        ) from None


def _grade(paths: Sequence[Path], chapter: str, out: Path, more: dict[str, Any]) -> Batch:
    from labkit.grade.batch import Options, grade
    from labkit.grade.chapters import read_chapters
    from labkit.grade.collecting import collect
    from labkit.grade.reading import read

    chapters = read_chapters()
    if chapter and chapter not in chapters:
        raise LabError(f"There is no chapter {chapter!r}.", f"There are: {', '.join(chapters)}.")
    submissions = [read(found, chapters, chapter=chapter) for found in collect(paths, out=out)]
    if more["level"] == "class":
        from labkit.grade.machines import prepare

        prepare(lambda said: click.echo(said, err=True))
    with _progress(len(submissions)) as (step, say):
        return grade(submissions, chapters, Options(out=out, **more), step=step, say=say)


@contextmanager
def _progress(total: int) -> Iterator[tuple[Callable[[Result], None], Callable[[str], None]]]:
    """A bar with the time that is left, where somebody is looking; else a line for each submission.

    Yield what is to be called with each result, and with a sentence that must be read.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    named = TextColumn("{task.description}", markup=False)
    columns = (TextColumn("grading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), named)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("the canary", total=total)

        def step(result: Result) -> None:
            bar.update(task, advance=1, description=f"{result.learner!a:.40}")
            if not console.is_terminal:
                click.echo(_line(result), err=True)

        yield step, lambda said: console.print(said, markup=False, highlight=False, soft_wrap=True)


def _line(result: Result) -> str:
    points = "  no score" if result.points is None else f"{result.points:4} of {result.total:3}"
    return f"{points}  {result.status:12} {result.learner!a}  {result.file!a}"


def _write(batch: Batch, out: Path, *, junit: bool, gradescope: bool) -> None:
    from labkit.grade import exports, journal, pages, tables

    tables.write_csv(batch, out / "grades.csv")
    pages.write_pages(batch, out)
    if junit:
        exports.write_junit(batch, out / "junit.xml")
    if gradescope:
        exports.write_gradescope(batch, out / "gradescope")
    tables.write_results(batch, out / "results.json")
    (out / journal.NAME).unlink(missing_ok=True)


def _summarise(batch: Batch, out: Path) -> None:
    counts = Counter(result.status for result in batch.results)
    many = len(batch.results)
    click.echo(f"{many} submission{'s' * (many != 1)}: {', '.join(f'{n} {status}' for status, n in counts.items())}")
    for result in batch.results:
        if result.status in ("unreadable", "infra-error"):
            click.echo(f"{result.status:12} {result.file!a}: {result.sentence}")
    for name in ("grades.csv", "report.html", "results.json"):
        click.echo(f"wrote {out / name}")
