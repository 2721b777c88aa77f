"""What a learner has reached so far: points, attempts, and which hints were given. One small file per learner."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs

from labkit.course.seed import learner
from labkit.course.verdict import Verdict


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


def path() -> Path:
    """The learner's file; ``LABKIT_HOME`` names another folder."""
    folder = os.environ.get("LABKIT_HOME") or platformdirs.user_data_dir("labkit", appauthor=False)
    return Path(folder) / f"progress-{learner()}.json"


def read() -> dict[str, Record]:
    """Return all records by exercise id; a file that cannot be read is put aside, not overwritten."""
    file = path()
    try:
        return {key: Record(**value) for key, value in json.loads(file.read_text()).items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError):
        file.replace(file.with_suffix(".unreadable"))
        return {}


def note(verdict: Verdict) -> Record:
    """Write the outcome of a check into the learner's file; return the record."""
    records = read()
    record = records.setdefault(verdict.exercise, Record())
    if verdict.answered:
        record.points = max(record.points, verdict.points)
        record.solved |= verdict.solved
        if not verdict.solved and verdict.complaint() != record.last:
            record.attempts += 1
        record.last = verdict.complaint()
        _write(records)
    return record


def _write(records: dict[str, Record]) -> None:
    file = path()
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}.part")
    part.write_text(json.dumps({key: asdict(record) for key, record in sorted(records.items())}, indent=1))
    part.replace(file)


def forget() -> None:
    """Start again from nothing."""
    path().unlink(missing_ok=True)
