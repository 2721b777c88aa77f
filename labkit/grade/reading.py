"""Read a submission as data. Whatever a learner hands in, it becomes a ``Submission``, if only one with a problem.

Nothing of it is run, and its outputs are not looked at.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from labkit import errors
from labkit.grade.cells import Cell, as_mapping, as_text, clean, read_cells
from labkit.grade.chapters import Chapter
from labkit.grade.collecting import LIMIT, Found, too_large
from labkit.grade.ignoring import ignored
from labkit.grade.matching import match
from labkit.grade.recognising import Shipped, commented
from labkit.grade.submission import Submission

CELLS = 2_000
"""Cells of a notebook at most; a chapter has sixty."""

NAME = 200
"""Characters of a learner's name that are kept."""


def read(found: Found | bytes, chapters: Mapping[str, Chapter], *, chapter: str = "") -> Submission:
    """Return what was handed in.

    Args:
        found: where it is, or its content.
        chapters: the chapters as shipped, by their two digits.
        chapter: which one is graded; by default the one that the notebook says it is.

    Raises:
        CourseError: if there is no such chapter. Nothing that a learner hands in raises.
    """
    if chapter and chapter not in chapters:
        raise errors.CourseError(f"There is no chapter {chapter}.", f"There are {', '.join(chapters)}.")
    place = Found("", "") if isinstance(found, bytes) else found
    submission = Submission(place.file, place.learner, chapter, {})
    try:
        data = found if isinstance(found, bytes) else found.read()
        submission = replace(submission, sha256=hashlib.sha256(data).hexdigest())
        notebook, notes = parse(data)
    except errors.CourseError as error:
        return replace(submission, problem=_sentence(error))
    return _read_notebook(replace(submission, notes=tuple(notes)), notebook, chapters, place)


def _sentence(error: errors.CourseError) -> str:
    return clean(f"{error.problem} {error.remedy}".strip())


def _read_notebook(
    submission: Submission, notebook: Mapping[str, Any], chapters: Mapping[str, Chapter], place: Found
) -> Submission:
    marks = as_mapping(as_mapping(notebook.get("metadata")).get("labkit"))
    cells = read_cells(notebook["cells"])
    learner, about = _learner(place, marks)
    submission = replace(submission, learner=learner, notes=submission.notes + about)
    try:
        chapter = chapters[_chapter(submission, as_text(marks.get("chapter")), cells, chapters)]
    except errors.CourseError as error:
        return replace(submission, problem=_sentence(error))
    shipped = Shipped(chapter)
    seen = shipped.recognise(cells)
    matched = match(seen, shipped)
    return replace(
        submission,
        chapter=chapter.number,
        answers=matched.answers,
        ignored=ignored(seen, shipped, matched),
        notes=(*submission.notes, *_edition(as_text(marks.get("edition")), chapter), *matched.notes),
    )


def _edition(made: str, chapter: Chapter) -> tuple[str, ...]:
    if made in ("", chapter.edition):
        return ()
    editions = f"{made[:12]}, now {chapter.edition}"
    return (f"It was made with another edition of the chapter ({editions}): the answers are taken as they are.",)


def _learner(place: Found, marks: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return whose it is: a platform knows best, then the file itself, then its path; and a note if they differ."""
    said = as_text(marks.get("learner")).strip()[:NAME]
    name = place.learner if place.platform or not said else said
    letters = ["".join(filter(str.isalnum, word.casefold())) for word in (said, place.learner)]
    if not all(letters) or letters[0] in letters[1] or letters[1] in letters[0]:
        return name, ()  # "ada" and "Ada Lovelace" are no contradiction
    return name, (f"The notebook says that it is of {said!r}, and its path says {place.learner!r}: {name!r} is taken.",)


# --- Which chapter -------------------------------------------------------------------------------------------


def _chapter(submission: Submission, said: str, cells: Iterable[Cell], chapters: Mapping[str, Chapter]) -> str:
    """Return the chapter: the one that is graded, else what the metadata, the cells or the file's name say.

    Raises:
        CourseError: if it is unknown, or not the one that is graded.
    """
    known, wanted = ", ".join(chapters), submission.chapter
    said = said or _by_cells(cells, chapters)
    if wanted and said and said != wanted:
        problem = f"The notebook is of chapter {said[:20]}, and {wanted} is graded."
        raise errors.CourseError(problem, "Ask for the other one.")
    said = wanted or said or _by_name(submission.file, chapters)
    if not said:
        problem = "Neither the notebook nor its name says which chapter it is."
        raise errors.CourseError(problem, "Ask for the notebook of the course, or say which chapter is graded.")
    if said not in chapters:
        problem = f"The notebook speaks of chapter {said[:20]}; there are {known}."
        raise errors.CourseError(problem, "Ask for the right notebook, or fetch the course's newest edition.")
    return said


def _by_cells(cells: Iterable[Cell], chapters: Mapping[str, Chapter]) -> str:
    """Return the chapter to which most cells belong by their metadata; else by their ids, else by first lines."""
    ids = {cell.get("id"): number for number, chapter in chapters.items() for cell in chapter.notebook.cells}
    cells = list(cells)
    ways = (
        [found[1] for cell in cells if (found := re.match(r"(\d\d)\.", cell.exercise or cell.name))],
        [ids[cell.id] for cell in cells if cell.id and cell.id in ids],
        [commented(cell)[:2] for cell in cells if commented(cell)],
    )
    votes = Counter(next(filter(None, ways), []))
    return min(votes, key=lambda number: (-votes[number], number), default="")


def _by_name(file: str, chapters: Mapping[str, Chapter]) -> str:
    numbers = re.findall(r"(?<!\d)\d\d(?!\d)", PurePosixPath(file).name)
    return next((number for number in numbers if number in chapters), "")


# --- From bytes to a notebook --------------------------------------------------------------------------------

NOT_A_NOTEBOOK = "Ask for the file that Jupyter saves: it ends in .ipynb."


def parse(data: bytes) -> tuple[dict[str, Any], list[str]]:
    """Return a notebook as JSON with a list of cells, and a note on each oddity.

    Raises:
        CourseError: if it is none.
    """
    twice: list[str] = []
    notebook = _parse_json(data, twice)
    if not isinstance(notebook, dict) or not {"nbformat", "cells", "worksheets"} & notebook.keys():
        raise errors.CourseError("It is JSON, but not a notebook.", NOT_A_NOTEBOOK)
    _check_format(notebook.get("nbformat"))
    if not isinstance(notebook.get("cells"), list):
        raise errors.CourseError("Its list of cells is missing, or is no list.", NOT_A_NOTEBOOK)
    if len(notebook["cells"]) > CELLS:
        problem = f"It has {len(notebook['cells'])} cells, more than the {CELLS} that are looked at."
        raise errors.CourseError(problem, "Ask for a copy of the chapter with nothing but the answers in it.")
    notes = [f"A key stands twice in one object, such as {twice[0][:40]!r}: the last one counts."] if twice else []
    if isinstance(minor := notebook.get("nbformat_minor"), int) and minor > 5:
        notes.append(f"Its format is 4.{minor}; it is read as 4.5.")
    return notebook, notes


def _parse_json(data: bytes, twice: list[str]) -> Any:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs) and not twice:
            twice.append(clean(Counter(key for key, _ in pairs).most_common(1)[0][0]))
        return made

    if len(data) > LIMIT:
        raise too_large()
    if not data.strip():
        raise errors.CourseError("The file is empty.", "Ask for it again.")
    try:
        return json.loads(data.decode("utf-8-sig"), object_pairs_hook=once, parse_int=_number)
    except UnicodeDecodeError as error:
        problem = f"It is not a notebook: byte {error.start + 1} is not UTF-8."
    except json.JSONDecodeError as error:
        problem = f"It is not a notebook: in line {error.lineno} it is not JSON ({error.msg})."
    except RecursionError:
        problem = "It is not a notebook: lists stand in lists, far deeper than in any notebook."
    raise errors.CourseError(problem, NOT_A_NOTEBOOK)


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) < 20 else float(digits)  # int() refuses 5000 digits; none is a notebook's


def _check_format(major: Any) -> None:
    if not isinstance(major, int) or isinstance(major, bool):
        raise errors.CourseError("It does not say which format of notebooks it has.", NOT_A_NOTEBOOK)
    if major < 4:
        remedy = "Open it in Jupyter and save it: that makes it format 4."
        raise errors.CourseError(f"It has the old notebook format {major}.", remedy)
    if major > 4:
        remedy = "Save it as format 4: jupyter nbconvert --to notebook --nbformat 4."
        raise errors.CourseError(f"It has notebook format {major}, and only 4 is read.", remedy)
