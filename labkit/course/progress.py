"""What a learner has reached so far: points, attempts, and which hints were given. One small file per learner."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

import platformdirs

from labkit.course.seed import learner
from labkit.course.verdict import Verdict

if sys.platform != "win32":
    import fcntl

PATIENCE = 3
"""Failed attempts after which the reference answer is offered."""

_unsaved: dict[Path, dict[str, Record]] = {}
"""What could not be written, file by file; it lives as long as the kernel."""


@dataclass
class Record:
    """One exercise in a learner's file.

    Attributes:
        points: the best score so far.
        attempts: failed checks that differ from the one before.
        solved: whether full marks were ever reached.
        last: what was wrong the last time.
    """

    points: int = 0
    attempts: int = 0
    solved: bool = False
    last: str = ""

    @property
    def offered(self) -> bool:
        """True if the reference answer may be shown."""
        return self.solved or self.attempts >= PATIENCE

    def add(self, verdict: Verdict, answer: str) -> None:
        """Take the outcome of one more check into account."""
        self.points = max(self.points, verdict.points)
        self.solved |= verdict.solved
        complaint = verdict.complaint(answer)
        if not verdict.solved and complaint != self.last:
            self.attempts += 1
        self.last = complaint


def path() -> Path:
    """The learner's file; ``LABKIT_HOME`` names another folder."""
    folder = os.environ.get("LABKIT_HOME") or platformdirs.user_data_dir("labkit", appauthor=False)
    return Path(folder).expanduser() / f"progress-{learner()}.json"


def read() -> dict[str, Record]:
    """Return all records by exercise id; a file that makes no sense is put aside, not overwritten."""
    file = path()
    try:
        stored = _stored(file)
    except OSError:
        stored = {}
    return stored | _unsaved.get(file, {})


def _stored(file: Path) -> dict[str, Record]:
    try:
        return {key: _record(value) for key, value in json.loads(file.read_text("utf-8")).items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, AttributeError, RecursionError):
        names = (file.with_suffix(f".unreadable{number or ''}") for number in itertools.count())
        aside = next(name for name in names if not name.exists())
        file.replace(aside)
        print(f"Your progress could not be read. Nothing of it is lost: it is in {aside}, and a new file begins.")
        return {}


def _record(value: dict[str, object]) -> Record:
    record = Record(**value)  # type: ignore[arg-type]  # looked at in the next line
    if [type(field) for field in astuple(record)] != [int, int, bool, str]:
        raise TypeError
    return record


def note(verdict: Verdict, *, answer: str = "") -> Record:
    """Write the outcome of a check into the learner's file; return the record.

    Where it cannot be written, that is said, and the outcome counts until the kernel ends.

    Args:
        verdict: the outcome; nothing is written if there was no answer.
        answer: what tells the answer from others, where the judge draws new inputs at each check.
    """
    file = path()
    if not verdict.answered:
        return read().get(verdict.exercise, Record())
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with _alone(file.parent):
            records = _stored(file) | _unsaved.get(file, {})
            record = records.setdefault(verdict.exercise, Record())
            record.add(verdict, answer)
            _write(file, records)
        _unsaved.pop(file, None)
    except OSError as error:
        record = read().get(verdict.exercise, Record())
        record.add(verdict, answer)
        _unsaved.setdefault(file, {})[verdict.exercise] = record
        print(f"Your progress cannot be saved in {file}: {error.strerror or error}.")
        print("It counts until this kernel ends. Make room there, or name another folder in LABKIT_HOME.")
    return record


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let no other kernel write in this folder meanwhile, where the system has such locks: ``flock(2)``."""
    if sys.platform == "win32":
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # a network folder may have none
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write(file: Path, records: dict[str, Record]) -> None:
    part = file.with_suffix(f".{os.getpid()}.part")
    try:
        part.write_text(json.dumps({key: asdict(record) for key, record in sorted(records.items())}, indent=1))
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def forget() -> None:
    """Start again from nothing."""
    _unsaved.pop(path(), None)
    path().unlink(missing_ok=True)
