"""Whose a file is, read off its path: learning platforms, folders and file names each have their way to say it."""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST = 255
"""Characters of one part of a path that are looked at: more, no file system allows."""

MOODLE = re.compile(r"(?P<name>.+?)_\d+_assignsubmission_", re.DOTALL)
CANVAS = re.compile(r"(?P<name>[^_]+)(?:_LATE)?_\d+_\d+_.", re.DOTALL)

_CHAPTER = r"\d\d[_-][^\W\d_]+"
_COPY = r"(?:[ _-]?\(\d+\)|[ _-]copy\d*)*"
_AGAIN = rf"(?:[_-]\d+)?{_COPY}"
_STEMS = [
    re.compile(form, re.DOTALL | re.IGNORECASE)
    for form in (
        rf"submission[ ._-]\d\d[ ._-](?P<name>.+?){_COPY}",
        rf"(?P<name>){_CHAPTER}{_AGAIN}",
        rf"{_CHAPTER}[ ._-](?P<name>.+?){_COPY}",
        rf"(?P<name>.+?)[ ._-]{_CHAPTER}{_AGAIN}",
        rf"(?P<name>.+?){_COPY}",
    )
]


def read_learner(parts: Sequence[str]) -> tuple[str, bool]:
    """Return whose a file is, and whether it is a learning platform that says so.

    The first rule that fits counts:

    1. Moodle: a folder or a file that begins ``Ada Lovelace_12345_assignsubmission_`` → ``Ada Lovelace``.
    2. Canvas: ``lovelaceada_12345_67890_01_socket.ipynb``, also with ``_LATE`` → ``lovelaceada``.
    3. The first folder below the path that was given: ``week1.zip/ada/…/01_socket.ipynb`` → ``ada``.
       A folder that only repeats the name of that path, as in ``week1.zip/week1/ada/…``, is passed over.
    4. The file's name without the chapter and without ``(1)`` or ``-Copy1``: ``01_socket.ada.ipynb``,
       ``ada_01_socket.ipynb``, ``submission-01-ada.ipynb`` and ``ada.ipynb`` → ``ada``.
    5. The folder it lies in: ``ada/01_socket.ipynb``, given as a file → ``ada``.

    Args:
        parts: the name of the folder or archive that was given, then what lies below it, the file last.
            For a file that was given by itself: the name of its folder, and its own.
    """
    parts = [part[:LONGEST] for part in parts]
    if name := _by_platform(parts):
        return name, True
    top, *folders, file = parts
    top = without_suffix(top, ".zip")
    while folders and folders[0].casefold() == top.casefold():
        folders.pop(0)
    return (folders[0] if folders else _by_file(file) or top).strip(), False


def _by_platform(parts: Sequence[str]) -> str:
    matches = [*(MOODLE.match(part) for part in parts), CANVAS.match(parts[-1])]
    return next((match["name"].strip() for match in matches if match), "")


def _by_file(file: str) -> str:
    stem = without_suffix(without_suffix(file, ".ipynb"), ".zip")
    return next((match["name"].strip() for form in _STEMS if (match := form.fullmatch(stem))), stem)


def without_suffix(name: str, suffix: str) -> str:
    """Return the name without this suffix, in whichever case it is written."""
    return name[: -len(suffix)] if name.lower().endswith(suffix) else name
