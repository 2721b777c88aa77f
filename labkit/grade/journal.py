"""What was graded already: one line for each submission as soon as it is done, so that nothing is done twice.

The file is read once, before any learner's code runs, and the final results are written from memory: what a
submission may write into it changes nothing in this run.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from labkit.grade.chapters import Chapter
from labkit.grade.results import Result
from labkit.grade.submission import Submission

NAME = "results.partial.jsonl"
"""The journal's name; it is removed when ``results.json`` is written."""


class Journal:
    """The results of an earlier, perhaps interrupted, run in the same folder; and those of this one.

    Args:
        folder: where results are kept; None to keep none.
        again: forget what is there.

    Attributes:
        lost: why the journal cannot be written; empty if it can. Grading goes on: the results are in memory.
    """

    def __init__(self, folder: Path | None, *, again: bool = False) -> None:
        self.file = folder / NAME if folder else None
        self.lost = ""
        self.known = {} if again or folder is None else {r.key: r for r in _read(folder) if r.key and _is_kept(r)}

    def find(self, key: str) -> Result | None:
        """Return the result of equal work."""
        return self.known.get(key)

    def add(self, result: Result) -> None:
        """Note one result."""
        if self.file is None or not _is_kept(result):
            return
        try:
            with self.file.open("a", encoding="utf-8") as lines:
                lines.write(f"\n{json.dumps(result.as_json())}")  # begins a line: the one before may be cut off
        except OSError as error:
            self.lost = f"{self.file} cannot be written: {error.strerror or error}."


def _is_kept(result: Result) -> bool:
    return result.status != "infra-error"


def _read(folder: Path) -> Iterable[Result]:
    from labkit.grade.tables import fits, read_results

    yield from read_results(folder / "results.json")[0]
    with contextlib.suppress(OSError), (folder / NAME).open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):  # cut off
                if fits(result := Result.from_json(json.loads(line))):
                    yield result


def key(submission: Submission, chapters: Mapping[str, Chapter], *more: object) -> str:
    """Return what decides the outcome: the file, the chapter, the judges, and how it is graded."""
    chapter = chapters.get(submission.chapter)
    parts = [submission.file, submission.learner, submission.sha256, submission.chapter]
    parts += [chapter.edition if chapter else "", judges(), *map(str, more)]
    return hashlib.sha256(json.dumps(parts).encode(errors="surrogateescape")).hexdigest()


@cache
def judges() -> str:
    """Return the fingerprint of the code that judges."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()
