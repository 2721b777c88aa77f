"""The command ``labkit compose``: a chapter with answers from files in its answer cells."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from labkit import errors

if TYPE_CHECKING:
    from labkit.grade.chapters import Chapter


@click.command("compose")
@click.argument("number", metavar="NN")
@click.option(
    "--answers",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder with the answers, each in a file named after its exercise, such as 01.ping.py.",
)
@click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The notebook to write."
)
def compose_command(number: str, answers: Path, output: Path) -> None:
    """Write chapter NN, such as 01, with answers in its answer cells.

    Exercises without an answer stay as they are; answers to other chapters are left alone.
    """
    click.echo(compose_chapter(number, answers, output))


def compose_chapter(number: str, answers: Path, target: Path) -> str:
    """Write a chapter with these answers; return a line that says so.

    Args:
        number: the chapter's two digits.
        answers: a folder with files ``<exercise id>.py``.
        target: the notebook to write.

    Raises:
        CourseError: if there is no such chapter, no answer to it, an answer to none of its exercises, or no way
            to write.
    """
    import nbformat

    from labkit.course.saved import write_whole
    from labkit.grade.compose import compose

    chapter = _chapter(number)
    mine = _answers(answers, chapter)
    notebook = compose(chapter.notebook, mine)
    if target.exists() and target.samefile(chapter.path):
        raise errors.CourseError(f"{target} is the chapter itself.", "Write the answers into another file.")
    write_whole(target, nbformat.writes(notebook) + "\n", remedy="Name a file in a folder that exists and is yours.")
    return f"{chapter.path.name} with {len(mine)} of {len(chapter.exercises)} answers: {target}"


def _chapter(number: str) -> Chapter:
    from labkit.grade.chapters import read_chapters

    chapters = read_chapters()
    if number not in chapters:
        raise errors.CourseError(f"There is no chapter {number}.", f"There are: {', '.join(chapters)}.")
    return chapters[number]


def _answers(folder: Path, chapter: Chapter) -> dict[str, str]:
    from labkit.grade.compose import read_answers

    try:
        found = read_answers(folder)
    except OSError as error:
        remedy = "Each answer is a file that you may read."
        raise errors.CourseError(f"{error.filename} cannot be read: {error.strerror}.", remedy) from None
    except UnicodeDecodeError:
        raise errors.CourseError(f"An answer in {folder} is not text in UTF-8.", "Save it as UTF-8.") from None
    mine = {exercise: text for exercise, text in found.items() if exercise.startswith(chapter.number)}
    if not mine:
        names = ", ".join(f"{exercise}.py" for exercise in chapter.exercises)
        raise errors.CourseError(
            f"No file in {folder} answers an exercise of chapter {chapter.number}.", f"Such a file is called {names}."
        )
    return mine
