"""Find what was handed in: notebooks, folders of them, and zips as learning platforms make them.

Nothing is unpacked, and nothing is read before somebody asks for it. What cannot be read stays in the list and says
why: a learner whose file is broken has handed something in all the same.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from labkit import errors
from labkit.grade import archives
from labkit.grade.cells import clean
from labkit.grade.learners import read_learner

LIMIT = 10_000_000
"""Bytes of one notebook at most."""

FROM_A_MAC = "__MACOSX"
"""A folder that no learner made; others of that kind, such as ``.ipynb_checkpoints``, begin with a dot."""


@dataclass(frozen=True)
class Found:
    """Something that was handed in, not yet read.

    Attributes:
        file: where it is, as the instructor knows it: ``"week1.zip/ada/01_socket.ipynb"``.
        learner: whose it is, read off the path.
        platform: True if a learning platform wrote the learner's name into the path.
        problem: why it cannot be read, and what to do; empty as long as nothing speaks against it.
        path: the file, or the archive in which it is.
        member: its name in the archive; empty if there is none.
    """

    file: str
    learner: str
    platform: bool = False
    problem: str = ""
    path: Path = field(default=Path(), repr=False)
    member: str = field(default="", repr=False)

    def read(self) -> bytes:
        """Return its content.

        Raises:
            CourseError: if it cannot be read, or is larger than ``LIMIT``.
        """
        if self.problem:
            raise errors.CourseError(self.problem)
        try:
            data = archives.read_member(self.path, self.member, LIMIT + 1) if self.member else _read_file(self.path)
        except OSError as error:
            raise errors.CourseError(f"It cannot be read: {error.strerror or error}.", "Ask for it again.") from error
        if len(data) > LIMIT:
            raise too_large()
        return data


def too_large() -> errors.CourseError:
    """Return the error about a notebook of more than ``LIMIT`` bytes."""
    return errors.CourseError(
        f"It is larger than the {LIMIT // 1_000_000} MB that are read of a notebook.",
        "Usually outputs are to blame: clear them (Edit → Clear Outputs of All Cells), save, and hand it in again.",
    )


def _read_file(path: Path) -> bytes:
    if not path.is_file():  # a pipe would never end
        raise errors.CourseError("It is not a regular file, or it is gone.", "Ask for it again.")
    with path.open("rb") as file:
        return file.read(LIMIT + 1)


def collect(paths: Iterable[Path], *, out: Path | None = None) -> list[Found]:
    """Return everything that was handed in at these paths, in natural order of its name.

    In folders and zips only notebooks count. But where a learner handed in no notebook, and something else (a zip,
    or whatever lies in the folder that a learning platform made), that one is in the list and says so.
    A link counts if it leads to a file of the same folder; links to folders are not followed.

    Args:
        paths: notebooks, folders, zips.
        out: the folder of results, where nothing is looked for.

    Raises:
        CourseError: if a path does not exist, or none of them has a notebook or anything in its place.
    """
    found: dict[tuple[Path, str], Found] = {}
    for path, label in _labels(paths).items():
        for one in _at(path, label, out):
            found.setdefault((one.path, one.member), one)
    if all(one.problem == EMPTY for one in found.values()):
        places = " or ".join(one.file for one in found.values()) or "what was named, which is nothing"
        raise errors.CourseError(f"There is no notebook in {places}.", "Name files that end in .ipynb.")
    return sorted(found.values(), key=lambda one: natural(one.file))


def natural(text: str) -> tuple[object, ...]:
    """Return a key that sorts ``week2`` before ``week10``."""
    words = re.split(r"(\d+)", text)
    numbers = [(len(word.lstrip("0")), word.lstrip("0")) for word in words[1::2]]  # int() refuses 5000 digits
    folded = [word.casefold() for word in words[::2]]
    return (*[item for pair in zip(folded, [*numbers, (0, "")], strict=True) for item in pair], text)


EMPTY = "There is no notebook in it: ask for the file that ends in .ipynb."
NO_NOTEBOOK = "It is not a notebook: ask for the file that ends in .ipynb, or give it that name if it is one."
A_ZIP = "It is a zip inside of what was given, and is not opened: unpack it, or name it by itself."
LEADS_OUT = "It is a link that leads out of the folder: put the file itself there."
CLOSED = "The folder cannot be looked into ({}): make it readable."


def _labels(paths: Iterable[Path]) -> dict[Path, str]:
    """Return how each path is called: its last name, and as many before as tell it from the others."""
    given = list(dict.fromkeys(Path(os.path.abspath(path)) for path in paths))
    if missing := [path for path in given if not os.path.exists(path)]:
        raise errors.CourseError(f"There is no {missing[0]}.", "Name notebooks, folders or zips that exist.")
    labels, depth = [path.name for path in given], 1
    while len(set(labels)) < len(labels):
        depth += 1
        labels = ["/".join(path.parts[-depth:]) for path in given]
    return dict(zip(given, labels, strict=True))


def _at(path: Path, label: str, out: Path | None) -> list[Found]:
    """Return what was handed in at one of the given paths."""
    itself = _found(label, (path.parent.name, path.name), path)
    if path.is_dir():
        return _in_folder(path, label, itself, out)
    if _is(path.name, ".zip"):
        return _in_zip(path, label, itself)
    return [itself if _is(path.name, ".ipynb") else replace(itself, problem=NO_NOTEBOOK)]


def _in_folder(folder: Path, label: str, itself: Found, out: Path | None) -> list[Found]:
    closed: list[OSError] = []
    found = []
    for path in _walk(folder, out, closed):
        strays = path.is_symlink() and not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
        found.append(_below(label, path.relative_to(folder).parts, path, problem=LEADS_OUT if strays else ""))
    for error in closed:
        path = Path(error.filename)
        one = itself if path == folder else _below(label, path.relative_to(folder).parts, path)
        found.append(replace(one, problem=CLOSED.format(error.strerror)))
    return _chosen(found, itself)


def _walk(folder: Path, out: Path | None, closed: list[OSError]) -> Iterator[Path]:
    """Yield the files below a folder; add to ``closed`` what cannot be looked into."""
    results = os.path.realpath(out) if out else None
    for here, folders, files in os.walk(folder, onerror=closed.append):
        kept = [name for name in folders if not _passed_over((name,))]
        folders[:] = [name for name in kept if os.path.realpath(os.path.join(here, name)) != results]
        yield from (Path(here, name) for name in files if not _passed_over((name,)))


def _in_zip(path: Path, label: str, itself: Found) -> list[Found]:
    try:
        members = archives.read_members(path)
    except errors.CourseError as error:
        return [replace(itself, problem=f"{error.problem} {error.remedy}")]
    kept = [one for one in members if not _passed_over(one.parts)]
    return _chosen([_below(label, one.parts, path, member=one.name, problem=one.problem) for one in kept], itself)


def _passed_over(parts: Sequence[str]) -> bool:
    return any(part == FROM_A_MAC or (part.startswith(".") and part != "..") for part in parts)


def _chosen(everything: list[Found], itself: Found) -> list[Found]:
    """Return the notebooks, and one thing of each learner who handed in something and no notebook."""
    notebooks = [one for one in everything if _is(one.file, ".ipynb")]
    have = {one.learner for one in notebooks}
    others: dict[str, Found] = {}
    for one in sorted(everything, key=lambda one: one.file):
        is_zip = _is(one.file, ".zip")
        if one.learner not in have and (is_zip or one.platform or one.path.is_dir()):
            others.setdefault(one.learner, replace(one, problem=one.problem or (A_ZIP if is_zip else NO_NOTEBOOK)))
    return [*notebooks, *others.values()] or [replace(itself, problem=EMPTY)]


def _is(name: str, suffix: str) -> bool:
    return name.lower().endswith(suffix)


def _below(label: str, parts: Sequence[str], path: Path, *, member: str = "", problem: str = "") -> Found:
    found = _found("/".join((label, *parts)), (label.split("/")[-1], *parts), path)
    return replace(found, member=member, problem=problem)


def _found(file: str, parts: Sequence[str], path: Path) -> Found:
    learner, platform = read_learner(parts)
    return Found(clean(file), clean(learner), platform, path=path)
