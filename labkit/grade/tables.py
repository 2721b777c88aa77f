"""The batch as tables: ``results.json`` for programs and for resuming, ``grades.csv`` for people.

Every file appears whole or not at all: it is written beside its place and then put there.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
from dataclasses import is_dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from labkit import errors
from labkit.grade.results import VERSION, Batch, Result
from labkit.grade.texts import one_line

BOM = "\ufeff"
"""Excel takes a CSV file for one in the country's old code page unless it begins with this; Python's name
for a file that does is ``utf-8-sig``. Without it "Zoë" is "ZoÃ«" on most instructors' screens."""


def write_whole(file: Path, content: bytes) -> None:
    """Write a file so that, whatever happens, it is the old one or the new one.

    Raises:
        LabError: if there is no room or no permission; nothing half-written is left.
    """
    part = file.with_name(f".{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        with part.open("xb") as stream:
            stream.write(content)
        part.replace(file)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise errors.LabError(
            f"{file} could not be written: {error.strerror}.",
            "What was there before is unchanged. Make room there, or name another folder with --out, and try again.",
        ) from error


# --- results.json -----------------------------------------------------------------------------------------


@cache
def read_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``results.json``."""
    schema: dict[str, Any] = json.loads(files("labkit.grade").joinpath("results.schema.json").read_text("utf-8"))
    return schema


def write_results(batch: Batch, file: Path) -> None:
    """Write everything that is known, as ``results.schema.json`` describes it."""
    text = json.dumps(batch.as_json(), ensure_ascii=False, indent=1)
    # A file name that is not UTF-8 reaches Python as lone surrogates; here they become JSON's own escapes.
    write_whole(file, text.encode("utf-8", "backslashreplace") + b"\n")


def read_results(file: Path) -> tuple[list[Result], str]:
    """Return what an earlier run wrote, and why it is nothing where it is nothing.

    Without a file there is nothing to say. A file that is damaged, foreign or of another version is no error:
    everything is graded again, and the sentence says why.
    """
    try:
        data = json.loads(file.read_bytes(), parse_constant=_refuse)
    except FileNotFoundError:
        return [], ""
    except OSError as error:
        return [], f"{file} cannot be read ({error.strerror}), so everything is graded again."
    except (ValueError, RecursionError):
        return [], f"{file} is damaged, so everything is graded again."
    if not isinstance(data, dict) or not {"version", "results"} <= data.keys():
        return [], f"{file} is not a file of labkit grade, so everything is graded again."
    if data["version"] != VERSION:
        found = one_line(str(data["version"]))[:20]
        return [], f"{file} has form {found} and this labkit writes form {VERSION}, so everything is graded again."
    results = _sound_results(data["results"])
    if results is None:
        return [], f"{file} is not as results.schema.json describes it, so everything is graded again."
    return results, ""


def _sound_results(data: Any) -> list[Result] | None:
    try:
        results = [Result.from_json(item) for item in data]
    except (KeyError, TypeError, AttributeError):
        return None
    return results if all(fits(result) for result in results) else None


def _refuse(word: str) -> None:
    raise ValueError(word)


def fits(value: object, form: Any = Result) -> bool:
    """True if the value is what the contract's annotations say. A schema validator is a hundred times slower."""
    if is_dataclass(form):
        return type(value) is form and all(fits(getattr(value, name), hint) for name, hint in _hints(form).items())
    if get_origin(form) is Literal:
        return value in get_args(form)
    if get_origin(form) is tuple:
        return isinstance(value, tuple) and all(fits(item, get_args(form)[0]) for item in value)
    if get_origin(form) is UnionType:
        return any(fits(value, one) for one in get_args(form))
    if form is float:
        return type(value) in (int, float) and 0 <= value < _LONG  # type: ignore[operator]
    return type(value) is form and (form is not int or value >= 0)  # type: ignore[operator]


_LONG = 1_000_000
"""Seconds that nothing takes, and no number that cannot be rounded."""

_hints = cache(get_type_hints)


# --- grades.csv -------------------------------------------------------------------------------------------


def write_csv(batch: Batch, file: Path) -> None:
    """Write one row per submission: what a spreadsheet or a learning platform reads."""
    write_whole(file, (BOM + csv_text(batch)).encode())


def csv_text(batch: Batch) -> str:
    """Return the rows of ``grades.csv``: lines end as RFC 4180 says, and one row is one line."""
    exercises = columns(batch)
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(["learner", "file", *map(cell, exercises), "total", "max", "status", "seconds", "sha256"])
    for result in batch.results:
        points = {exercise.exercise: exercise.points for exercise in result.exercises}
        row = [cell(result.learner), cell(result.file), *map(points.get, exercises)]  # None is an empty cell
        rows.writerow([*row, result.points, result.total, result.status, f"{result.seconds:.1f}", cell(result.sha256)])
    return table.getvalue()


def columns(batch: Batch) -> list[str]:
    """Return the exercises of all chapters in the batch, chapter by chapter."""
    in_order = sorted(batch.results, key=lambda result: result.chapter)
    return list(dict.fromkeys(exercise.exercise for result in in_order for exercise in result.exercises))


# A formula begins with one of these, also in full width, also after a space. Where the country's separator is
# not the comma, the spreadsheet cuts at that one, and a formula may begin in the middle of what we wrote.
_FORMULA = re.compile(r"""(^|[,;|"])(\s*)(?=[=+\-@＝＋－＠])""")


def cell(text: str) -> str:
    """Return the text as one cell that no spreadsheet takes for a formula: an apostrophe says "this is text".

    https://owasp.org/www-community/attacks/CSV_Injection

    >>> cell("=cmd()")
    "'=cmd()"
    """
    guarded = _FORMULA.sub(r"\1'\2", one_line(text))
    return "'" + guarded if text.startswith(("\t", "\r")) and not guarded.startswith("'") else guarded
