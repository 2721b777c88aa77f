"""A notebook as it is saved: where the learner's is, what stands in its answer cells, and how another is written."""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labkit import errors
from labkit.course.exercise import exercises

Cell = dict[str, Any]

_PASS_IT = 'Pass the notebook you worked in, such as submit("01_socket.ipynb").'
_SAVE_IT = "Open it in JupyterLab, save it (Ctrl+S) and try again; if it does not open, take an older copy."


@dataclass(frozen=True)
class Saved:
    """A learner's copy of a chapter, as its file has it.

    Attributes:
        path: the file.
        chapter: its two digits.
        edition: the fingerprint of the chapter that the copy was made from; empty if the copy lost it.
        cells: all of its cells, as nbformat writes them.
    """

    path: Path
    chapter: str
    edition: str
    cells: tuple[Cell, ...] = field(repr=False)

    def answers(self, exercise: str) -> list[Cell]:
        """The answer cells of an exercise in their order: one, none if it was deleted, more if it was split.

        They have the answer's metadata; where no cell has, its id; where none has that, its name in the first line.
        """
        found = ([cell for cell in self.cells if way(cell) == exercise] for way in _WAYS)
        return next(filter(None, found), [])


def source(cell: Cell) -> str:
    """The text of a cell."""
    text = cell.get("source")
    lines = text if isinstance(text, list) else [text]
    return "".join(line for line in lines if isinstance(line, str))


def _marks(thing: Any) -> dict[str, Any]:
    """What the course wrote into the metadata of a notebook or a cell."""
    metadata = thing.get("metadata")
    marks = metadata.get("labkit") if isinstance(metadata, dict) else None
    return marks if isinstance(marks, dict) else {}


def _by_metadata(cell: Cell) -> str:
    marks = _marks(cell)
    return str(marks.get("exercise", "")) if marks.get("role") == "answer" else ""


def _by_id(cell: Cell) -> str:
    found = re.fullmatch(r"(\d\d)-([a-z0-9-]+)-answer", str(cell.get("id", "")))
    return f"{found[1]}.{found[2]}" if found and not _marks(cell) else ""


def _by_comment(cell: Cell) -> str:
    found = re.match(r"\s*#+\s*(?:exercise\s+)?(\d\d\.[a-z0-9-]+)(?:\.answer)?(?![\w.])", source(cell), re.IGNORECASE)
    return found[1].lower() if found and cell.get("cell_type") == "code" and not _marks(cell) else ""


_WAYS = (_by_metadata, _by_id, _by_comment)
"""How to tell which exercise a cell answers, the best way first; as grading does it."""


# --- Finding and reading it ----------------------------------------------------------------------------------


def find_notebook(named: str = "") -> Path:
    """Return the notebook that was named; else the one that this kernel runs; else the only chapter here.

    Raises:
        CourseError: if it is not there, or nobody can tell which it is.
    """
    if named:
        return Path(named).expanduser()
    told = _told()
    if there := [path for path in told if path.is_file()]:
        return there[0]
    if told:
        raise errors.CourseError(f"{told[0]} is not there any more: was it renamed?", _PASS_IT)
    chapters = sorted(Path.cwd().glob("[0-9][0-9]_*.ipynb"))
    if len(chapters) != 1:
        names = ", ".join(path.name for path in chapters) or "no chapter"
        problem = f"Nobody told this kernel which notebook it runs, and in {Path.cwd()} there is {names}."
        raise errors.CourseError(problem, _PASS_IT)
    return chapters[0]


def shell() -> Any:
    """The IPython that runs here, if one does."""
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None


def _told() -> list[Path]:
    """What the editor says the notebook is: VS Code in a variable, Jupyter's server in the environment."""
    here = shell()
    code = str(here.user_ns.get("__vsc_ipynb_file__", "")) if here else ""
    session = os.environ.get("JPY_SESSION_NAME", "")
    # A session may be named by its path on the server; the kernel works in the notebook's folder.
    return [Path(name) for name in (code, session, Path(session).name) if name.endswith(".ipynb")]


def read_saved(path: Path) -> Saved:
    """Return a learner's copy of a chapter.

    Raises:
        CourseError: if it cannot be read, or is none.
    """
    data = _read(path)
    if "learner" in _marks(data):
        raise errors.CourseError(f"{path.name} is a submission already.", "Hand it in as it is.")
    cells = tuple(cell for cell in data["cells"] if isinstance(cell, dict))
    found = (way(cell) for way in _WAYS for cell in cells)
    chapter = str(_marks(data).get("chapter") or next(filter(None, found), "")[:2])
    if not chapter:
        raise errors.CourseError(f"{path.name} is not a chapter: no cell in it answers an exercise.", _PASS_IT)
    if chapter not in {exercise.chapter for exercise in exercises()}:
        problem = f"{path.name} is chapter {chapter}, and this labkit has no exercises of that chapter."
        raise errors.CourseError(problem, "Fetch the newest labkit, or pass another notebook.")
    return Saved(path, chapter, str(_marks(data).get("edition", "")), cells)


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        problem, remedy = f"There is no file {path}.", f"Names are looked for in {Path.cwd()}."
        raise errors.CourseError(problem, f"{remedy} {_PASS_IT}") from None
    except OSError as error:
        raise errors.CourseError(f"{path} cannot be read: {error.strerror or error}.", _PASS_IT) from None
    except (ValueError, RecursionError):
        raise errors.CourseError(f"{path} is not a notebook: there is no JSON in it.", _SAVE_IT) from None
    if not isinstance(data, dict) or data.get("nbformat") != 4 or not isinstance(data.get("cells"), list):
        raise errors.CourseError(f"{path} is not a notebook of format 4, the one that Jupyter writes.", _SAVE_IT)
    return data


def write_whole(path: Path, text: str, *, remedy: str) -> None:
    """Write a file whole or not at all; a reader meanwhile sees the earlier one.

    Raises:
        CourseError: if it cannot be written, with this remedy.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        try:
            part.write_text(text, "utf-8")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise errors.CourseError(f"{path} cannot be written: {error.strerror or error}.", remedy) from None
