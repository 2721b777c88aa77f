"""Hand in: one file with the learner's answers, and what is in it, said before anybody else reads it."""

from __future__ import annotations

import datetime
import itertools
import json
import os
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labkit.course import progress as records
from labkit.course import window
from labkit.course.exercise import Exercise, exercises
from labkit.course.glance import cells_run, is_empty, is_fixed, ran_since, was_run
from labkit.course.progress import Record
from labkit.course.saved import Cell, Saved, find_notebook, read_saved, source, write_whole
from labkit.course.seed import learner


def submit(notebook: str | os.PathLike[str] = "", *, folder: str | os.PathLike[str] = "") -> None:
    """Write one file to hand in, with your answers, your name and the edition of the chapter. Nothing is sent.

    The answers are those that are saved: save the notebook first. What is printed says what is in the file.

    Args:
        notebook: the chapter that you worked in; by default the one that this cell stands in.
        folder: where to write the file; by default beside the notebook.

    Raises:
        CourseError: if the notebook cannot be found or read, or the file cannot be written.
    """
    if window.is_open():
        print("This notebook is being graded already.")
        return
    saved = read_saved(find_notebook(os.fspath(notebook)))
    target = Path(folder or saved.path.parent).expanduser() / f"submission-{saved.chapter}-{learner()[:100]}.ipynb"
    there = target.exists()
    write_whole(target, json.dumps(submission(saved), indent=1) + "\n", remedy=_ELSEWHERE)
    print(f"{_short(target)} is the file to hand in.")
    print(f"It has your answers from {saved.path.name} as it was saved {_ago(time.time() - _saved_at(saved))}.")
    if there:
        print("It takes the place of the earlier one.")
    print("", report(saved, cells_run()), sep="\n")


def _short(path: Path) -> str:
    """A file's name; with its folder, where that is another than the one we are in."""
    path = path.absolute()
    return path.name if path.parent == Path.cwd() else str(path)


def _saved_at(saved: Saved) -> float:
    return saved.path.stat().st_mtime


def _ago(seconds: float) -> str:
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if count := int(seconds // size):
            return f"{count} {word}{'s' if count > 1 else ''} ago"
    return "just now"


_ELSEWHERE = 'Name another folder that exists and is yours: submit(folder="~").'

# --- The file ------------------------------------------------------------------------------------------------

_ABOUT = """# Chapter {chapter}: the answers of {learner}

Written by `submit()` from `{file}`, to be handed in as it is.
It holds the answer cells and nothing else; whoever grades puts them into a fresh copy of the chapter and runs that.
To change an answer, change it in the chapter, save, and run `submit()` there again."""

_KERNEL = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def submission(saved: Saved) -> dict[str, Any]:
    """Return the notebook to hand in, as plain JSON: for each exercise its title and its answer cells."""
    words = _ABOUT.format(chapter=saved.chapter, learner=learner(), file=saved.path.name)
    cells = [_markdown("about", words)]
    for exercise in exercises(saved.chapter):
        answers = saved.answers(exercise.id)
        heading = f"## {exercise.id} — {exercise.title}" + ("" if answers else "\n\nThere was no answer cell.")
        cells.append(_markdown(f"{_plain(exercise)}-title", heading))
        cells += [_answer(cell, exercise) for cell in answers]
    made = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    marks = {"chapter": saved.chapter, "edition": saved.edition, "learner": learner(), "made": made}
    return {"cells": _named(cells), "metadata": {**_KERNEL, "labkit": marks}, "nbformat": 4, "nbformat_minor": 5}


def _plain(exercise: Exercise) -> str:
    return exercise.id.replace(".", "-")


def _markdown(cell_id: str, text: str) -> Cell:
    return {"cell_type": "markdown", "id": cell_id, "metadata": {}, "source": text.splitlines(keepends=True)}


def _answer(cell: Cell, exercise: Exercise) -> Cell:
    """The learner's cell without what it printed, and without marks that are not the course's."""
    marks = {"cell": f"{exercise.id}.answer", "role": "answer", "exercise": exercise.id}
    lines = source(cell).splitlines(keepends=True)
    kept = {"id": cell.get("id") or f"{_plain(exercise)}-answer", "metadata": {"labkit": marks}, "source": lines}
    if cell.get("cell_type") != "code":
        return {"cell_type": "markdown", **kept}
    return {"cell_type": "code", **kept, "execution_count": None, "outputs": []}


def _named(cells: list[Cell]) -> list[Cell]:
    """Give each cell an id of its own, in the letters that nbformat allows; good ones stay."""
    taken: set[str] = set()
    for cell in cells:
        wanted = re.sub(r"[^A-Za-z0-9_-]", "-", str(cell["id"]))[:50]
        names = (f"{wanted}-{number}" if number else wanted for number in itertools.count())
        cell["id"] = next(name for name in names if name not in taken)
        taken.add(cell["id"])
    return cells


# --- What is said about it -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """What is known about one exercise of a submission.

    Attributes:
        exercise: which.
        cells: its answer cells.
        record: what its checks said so far.
    """

    exercise: Exercise
    cells: list[Cell] = field(repr=False)
    record: Record

    @property
    def text(self) -> str:
        """The whole answer."""
        return "\n".join(map(source, self.cells))

    @property
    def answered(self) -> bool:
        """True if something was written into an answer cell."""
        return not is_empty(self.text)

    @property
    def checked(self) -> bool:
        """True if a check ever judged an answer."""
        return self.record.solved or self.record.attempts > 0

    @property
    def lost(self) -> bool:
        """True if an answer was checked and is not saved. A state is checked also where nobody did anything."""
        seen = self.record.points > 0 if self.exercise.kind == "state" else self.checked
        return seen and bool(self.cells) and not self.answered

    def __str__(self) -> str:
        state = "answered" if self.answered else "not answered yet" if self.cells else "no answer cell"
        best = f"best check: {self.record.points} of {self.exercise.total} points" if self.checked else "never checked"
        return f"  {self.exercise.id:<12}{state:<18}{best if self.answered or self.checked else ''}".rstrip()


def report(saved: Saved, ran: list[str]) -> str:
    """Return one line for each exercise, and what the learner should look at before handing in.

    Args:
        saved: the learner's copy.
        ran: the texts of the cells that this kernel ran.
    """
    known = records.read()
    lines = [Line(e, saved.answers(e.id), known.get(e.id, Record())) for e in exercises(saved.chapter)]
    answered = [line for line in lines if line.answered]
    head = f"{len(answered)} of {len(lines)} exercises are answered:"
    return "\n".join([head, *map(str, lines), *(f"\n{words}" for words in _warnings(saved, lines, ran) if words)])


def _warnings(saved: Saved, lines: list[Line], ran: list[str]) -> list[str]:
    lost = [line for line in lines if line.lost]
    unsaved = ran_since(saved.cells, ran)
    stale = [line for line in lines if ran and line.answered and not was_run(line.cells, ran)]
    texts = [line for line in lines if any(cell.get("cell_type") != "code" for cell in line.cells)]
    fixed = [line for line in lines if line.answered and _is_fixed(line)]
    return [
        _UNSAVED if unsaved else _about(lost, _LOST),
        _about(stale, _STALE),
        _about(texts, _TEXT),
        _about([line for line in lines if not line.cells], _MISSING),
        _about(fixed, _FIXED),
    ]


def _is_fixed(line: Line) -> bool:
    kind = line.exercise.kind
    return kind != "program" and is_fixed(line.text, value=kind == "value")


def _about(lines: list[Line], words: str) -> str:
    ids = [line.exercise.id for line in lines]
    return words.format(", ".join(ids), *ids) if ids else ""


# Lines of some ninety characters: JupyterLab breaks longer ones in the middle of a word.
_UNSAVED = """It seems that the notebook on your screen is newer than its file.
What is in the file is handed in: save the notebook (Ctrl+S), then run submit() again."""

_LOST = """Look at {}: you had an answer checked, and the file has none.
If it is on your screen, save the notebook (Ctrl+S), then run submit() again."""

_STALE = """Look at {}: what is saved there was not run since this kernel started.
If you only came back to hand in, all is well.
If you changed it, run it and its check, save, and run submit() again."""

_TEXT = """Look at {}: an answer stands in a text cell, which nobody can run.
Select the cell, press Esc and then Y to make it code; save, and run submit() again."""

_MISSING = """Look at {0}: there is no answer cell.
It was deleted, joined with another cell, or lost its mark.
Put your answer into a cell of its own that begins with a comment, such as # {1}.
Save, and run submit() again."""

_FIXED = """Look at {}: it repeats what you read on your screen.
In grading your cells run again, in a world with other names and values.
An answer that repeats them is wrong there: let the cell find it."""
