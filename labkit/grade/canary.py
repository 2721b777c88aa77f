"""The canary: a trivial container and a trivial answer, sent all the way before anybody's points depend on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, World
from labkit.course.verdict import Finding, Part, found
from labkit.grade.chapters import Chapter, edition
from labkit.grade.submission import Answer, Submission

ID = "canary.word"


class Canary(Exercise):
    """Hand in the word that was given out; meanwhile a container ends as it was told to."""

    id = ID
    title = "the grader works"
    kind = "value"
    brief = "A word:"
    parts = (Part("word", 1, "the word came back"), Part("container", 1, "a container ran and ended"))
    hints = ("Does the grader work?",)

    def prepare(self, world: World) -> dict[str, Any]:
        """Draw a word; let a container end with status 7."""
        if world.daemon:
            world.run("exit 7").wait()
        return {"word": world.seed.word("word")}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Ask for both."""
        word = world.seed.word("word")
        yield found("word", claim.value == word, expected=word, saw=repr(claim.value), look_at="the window")
        code = _exit_code(world) if world.daemon else 7
        yield found("container", code == 7, expected="exit code 7", saw=code, look_at="the daemon's log")


def _exit_code(world: World) -> int | None:
    box = world.find()
    return int(box.inspect()["State"]["ExitCode"]) if box else None


def chapter() -> Chapter:
    """Return a chapter of one exercise."""
    from nbformat import v4

    cells = [
        _cell(v4, "setup", f'from labkit import begin, check\ntask = begin("{ID}")'),
        _cell(v4, "answer", "answer = None  # TODO"),
        _cell(v4, "check", "check(task, answer)"),
    ]
    return Chapter("canary", Path("canary.ipynb"), v4.new_notebook(cells=cells), (ID,), edition(cells))


def _cell(v4: Any, role: str, source: str) -> Any:
    marks = {"labkit": {"cell": f"{ID}.{role}", "role": role, "exercise": ID}}
    return v4.new_code_cell(source, id=f"canary-{role}", metadata=marks)


def submission() -> Submission:
    """Return the right answer."""
    return Submission("canary", "canary", "canary", {ID: Answer(ID, "answer = task.word")})
