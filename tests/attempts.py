"""One try at an exercise, as the notebook makes it: begin, run the text of an answer cell, run the check cell.

``python -m tests.attempts 01.mode 01.ping`` does it with the reference answers in a new process, as a new kernel.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from labkit.course import desk, show
from labkit.course.desk import Task
from labkit.course.progress import Record
from labkit.course.verdict import Verdict
from labkit.daemon import Daemon, current
from labkit.hosts import open_host
from tests import chapters


@dataclass(frozen=True)
class WrongAnswer:
    """A wrong answer from ``tests/wrong``: its text, the points it must get, the sentence that must be seen."""

    path: Path

    @property
    def exercise(self) -> str:
        """The exercise's id: ``01.ping`` of ``01.ping.one-recv.py``."""
        return ".".join(self.path.name.split(".")[:2])

    @property
    def text(self) -> str:
        """The whole file: the answer cell's text."""
        return self.path.read_text("utf-8")

    @property
    def points(self) -> int:
        """What the first line says."""
        return int(self._head("points"))

    @property
    def says(self) -> str:
        """What the second line says."""
        return self._head("says")

    def _head(self, key: str) -> str:
        found = re.match(r"# points: (?P<points>\d+)\n# says: (?P<says>.+)\n", self.text)
        assert found, f"{self.path.name} begins with '# points: N' and '# says: the sentence'"
        return found[key]


def wrong_answers(exercise_id: str = "") -> list[WrongAnswer]:
    """Return the wrong answers to one exercise, or to all."""
    return [WrongAnswer(path) for path in sorted(chapters.WRONG.glob(f"{exercise_id or '*'}.*.py"))]


def reference(exercise_id: str) -> str:
    """Return the reference answer."""
    return (chapters.SOLUTIONS / f"{exercise_id}.py").read_text("utf-8")


def answer(task: Task, text: str, daemon: Daemon) -> object:
    """Run the text of an answer cell; return what the check cell behind it hands in."""
    handed_in: list[object] = []

    def check(task: Task, answer: object = None) -> None:
        handed_in.append(answer)

    names = chapters.names_before(task.exercise.id) | {"daemon": daemon, "task": task, "check": check}
    host = names["host"] = open_host(daemon)
    try:
        exec(text, names)
        exec(chapters.source(task.exercise.id, "check"), names)
    finally:
        host.close()
    return handed_in[-1]


def begin(exercise_id: str) -> Task:
    """Begin an exercise whose judge is in this process."""
    task = desk.begin(exercise_id)
    assert isinstance(task, Task)
    return task


def attempt(exercise_id: str, text: str, daemon: Daemon) -> Verdict:
    """Begin, answer with this text, and have it judged."""
    task = begin(exercise_id)
    return desk.judge(task, answer(task, text, daemon))


def seen(verdict: Verdict, task: Task) -> str:
    """Return what the learner reads."""
    return show.text(verdict, task.exercise, Record())


if __name__ == "__main__":
    for exercise_id in sys.argv[1:]:
        verdict = attempt(exercise_id, reference(exercise_id), current())
        print(f"{exercise_id} solved: {verdict.solved}")
