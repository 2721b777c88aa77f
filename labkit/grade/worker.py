"""A worker: the process in which nbval runs and the judge sits, one submission after the other.

``python -m labkit.grade.worker`` reads one JSON object a line and answers each with one. It is its parent's: what is
said there was written by labkit on both sides, and no learner's code runs in this process.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from labkit.course.exercise import Exercise, exercises
from labkit.daemon import Daemon, connect
from labkit.errors import LabError
from labkit.grade import canary
from labkit.grade.chapters import Chapter, read_chapters, read_imports
from labkit.grade.limits import Limits
from labkit.grade.nursery import Nursery, become_reaper
from labkit.grade.one import Desk, Ticket, environment, grade_one
from labkit.grade.remote import RemoteNursery
from labkit.grade.submission import Answer, Submission

Message = dict[str, Any]


class Worker:
    """What lives as long as the process: a daemon, a nursery, the chapters and their exercises."""

    def __init__(self, first: Message) -> None:
        self.chapters: dict[str, Chapter] = read_chapters(Path(first["notebooks"]))
        nursery = _nursery(first.get("nursery", ""), read_imports(self.chapters.values()))  # it imports while we do
        self.patience: int = first["patience"]
        daemon: Any = _connect(self.patience) if first["docker"] else None
        for place in first["modules"]:
            module, _, function = place.partition(":")
            getattr(importlib.import_module(module), function)()
        self.exercises: dict[str, Exercise] = {exercise.id: exercise for exercise in exercises()}
        self.desk = Desk(daemon, nursery, Limits(**first["limits"]), alone=first["alone"])

    def answer(self, message: Message) -> Message:
        """Return what there is to say to one message."""
        ticket = Ticket(**message["ticket"])
        with self._at(ticket.docker) as desk:
            if message["do"] == "canary":
                chapter, known = canary.chapter(), {canary.ID: canary.Canary()}
                return {"result": grade_one(canary.submission(), chapter, known, desk, ticket).as_json()}
            submission = read_submission(message["submission"])
            chapter = self.chapters[submission.chapter]
            return {"result": grade_one(submission, chapter, self.exercises, desk, ticket).as_json()}

    @contextlib.contextmanager
    def _at(self, address: str) -> Iterator[Desk]:
        """The desk, with the daemon at this address as the witness; without one, with the worker's own."""
        if not address:
            yield self.desk
            return
        daemon = _connect(self.patience, address)
        try:
            yield replace(self.desk, daemon=daemon)
        finally:
            daemon.client.close()


def _nursery(address: str, imports: list[str]) -> Nursery:
    """A nursery of this worker's own; with an address, the one of the sandbox beside it."""
    if address:
        return RemoteNursery(address)
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    return Nursery(environment("", Path()) | path, root=os.getpid(), imports=imports)


def _connect(patience: int, address: str | None = None) -> Daemon:
    daemon = connect(address, quiet=True)
    daemon.client.api.timeout = patience
    return daemon


def read_submission(data: Message) -> Submission:
    """Return a submission from its JSON."""
    answers = {key: Answer(**value | {"notes": tuple(value["notes"])}) for key, value in data["answers"].items()}
    lists = {name: tuple(data[name]) for name in ("ignored", "notes")}
    return Submission(**data | {"answers": answers} | lists)


def main() -> None:
    """Say ready, then answer each line."""
    become_reaper()
    out, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer

    def tell(message: Message) -> None:
        print(json.dumps(message), file=out, flush=True)

    worker = _prepared(tell)
    for line in sys.stdin if worker else ():
        assert worker
        try:
            tell(worker.answer(json.loads(line)))
        except Exception as error:
            tell({"failed": _said(error)})
    if worker:
        worker.desk.nursery.close()


def _prepared(tell: Callable[[Message], None]) -> Worker | None:
    try:
        worker = Worker(json.loads(sys.stdin.readline()))
    except Exception as error:
        tell({"failed": _said(error)})
        return None
    daemon = worker.desk.daemon
    tell({"ready": f"Docker {daemon.engine}, {daemon.store}, cgroup v{daemon.cgroup}" if daemon else "no daemon"})
    return worker


def _said(error: Exception) -> str:
    """What happened; where it is not an error of ours, with the line of code that it came from."""
    if isinstance(error, LabError):
        return str(error)
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(where.filename).name}, line {where.lineno})"


if __name__ == "__main__":
    main()
