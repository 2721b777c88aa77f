"""A class of the real chapters: every kind of learner, what each hands in, and the row that each must come to.

``write_class(folder)`` makes what an instructor has on the desk: a folder, and the zip of a learning platform.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from labkit.course.exercise import exercises, find
from labkit.grade.collecting import LIMIT
from labkit.grade.results import Result, Status
from tests.attempts import wrong_answers
from tests.grade import copies
from tests.grade.copies import Json

FOLDER, ZIP = "class", "platform.zip"
STAYS = "86461"
"""How long, in seconds, the processes sleep that somebody leaves behind: nobody else's sleep so long."""


class Answered(NamedTuple):
    """One answer, and what it must come to."""

    text: str
    points: int
    status: Status = "fail"


Answers = Mapping[str, Answered]
Row = tuple[str, str, dict[str, tuple[int | None, str]], int | None, str]
"""Learner, file, points and status of each exercise, points and status of the whole."""


@dataclass(frozen=True)
class Pupil:
    """One submission.

    Attributes:
        kind: of learner, in a word or two.
        file: where it lies, from the folder or the zip on.
        learner: whose it must be found to be.
        content: its bytes; of a file of zeros, only how many.
        exercises: the points and the status of each exercise; none where there is nothing to grade.
        status: of the whole.
        says: what must be said about it.
    """

    kind: str
    file: str
    learner: str
    content: bytes | int = field(repr=False)
    exercises: dict[str, tuple[int | None, str]] = field(default_factory=dict)
    status: Status = "unreadable"
    says: str = ""

    @property
    def row(self) -> Row:
        """What must stand in the table."""
        return (
            self.learner,
            self.file,
            self.exercises,
            sum(points or 0 for points, _ in self.exercises.values()),
            self.status,
        )


def measured(result: Result) -> Row:
    """Return what stands in the table."""
    found = {one.exercise: (one.points, str(one.status)) for one in result.exercises}
    return result.learner, result.file, found, result.points, result.status


# --- answers ----------------------------------------------------------------------------------------------

WRONG = {wrong.path.stem: wrong for wrong in wrong_answers()}


def right(*ids: str) -> Answers:
    """The reference answers to these exercises, or to all of a chapter."""
    chosen = [found.id for one in ids for found in exercises(one)]
    return {one: Answered(copies.ANSWERS[one], find(one).total, "pass") for one in chosen}


def wrong(*names: str) -> Answers:
    """Wrong answers, as they are called in ``tests/wrong``."""
    return {WRONG[name].exercise: Answered(WRONG[name].text, WRONG[name].points) for name in names}


def broken(status: Status, texts: Mapping[str, str]) -> Answers:
    """The answers to one chapter, of which these come to nothing."""
    number = next(iter(texts))[:2]
    return {**right(number), **{one: Answered(text, 0, status) for one, text in texts.items()}}


def before(exercise: str, text: str) -> Answers:
    """The right answers to one chapter, with something before one of them."""
    answers = right(exercise[:2])
    return {**answers, exercise: answers[exercise]._replace(text=f"{text}\n{answers[exercise].text}")}


def sheet(number: str, answers: Answers) -> Json:
    """A learner's copy of a chapter with these answers."""
    notebook = copies.pristine(number)
    for exercise, answered in answers.items():
        copies.cell(notebook, f"{exercise}.answer")["source"] = answered.text
    return notebook


def pupil(kind: str, file: str, learner: str, answers: Answers, notebook: Json | None = None, says: str = "") -> Pupil:
    """A submission with these answers; in a notebook of their own form, if there is one."""
    number = next(iter(answers))[:2]
    rows: dict[str, tuple[int | None, str]] = {}
    for one in exercises(number):
        untouched = Answered("", 0, "fail" if one.kind == "state" else "missing")
        rows[one.id] = answers.get(one.id, untouched)[1:]
    return Pupil(kind, file, learner, copies.as_bytes(notebook or sheet(number, answers)), rows, _worst(rows), says)


def _worst(rows: Mapping[str, tuple[int | None, str]]) -> Status:
    """The status of the whole, from those of its exercises."""
    order: tuple[Status, ...] = ("kernel-died", "timeout", "error")
    states = {status for _, status in rows.values()}
    return next((status for status in order if status in states), "pass" if states == {"pass"} else "fail")


# --- learners ---------------------------------------------------------------------------------------------


def pupils() -> list[Pupil]:
    """The class, in the order in which it is graded nowhere."""
    return [*_ordinary(), *_unreadable(), *_rearranged(), *_violent(), *_strange()]


def _ordinary() -> Iterator[Pupil]:
    """Perfect, partial and wrong, with the names that people have."""
    perfect, one = right("00"), right("00.word")
    yield pupil(
        "perfect", f"{FOLDER}/ada/00_start.ipynb", "ada", perfect, says="ada handed in 2 notebooks of chapter 00"
    )
    yield pupil("one learner's second", f"{FOLDER}/ada/00_start-Copy1.ipynb", "ada", one, says="each was graded.")
    yield pupil("an emoji in the name", f"{FOLDER}/Zoë 🦊 Ångström/00_start.ipynb", "Zoë 🦊 Ångström", perfect)
    yield pupil(
        "perfect, from a platform",
        f"{ZIP}/Grace Hopper_4711_assignsubmission_file_/01_socket.ipynb",
        "Grace Hopper",
        right("01"),
    )
    old = sheet("01", right("01"))
    old["nbformat_minor"] = 4
    for cell in old["cells"]:
        del cell["id"]
    yield pupil("cells without ids", f"{FOLDER}/01_socket.barbara.ipynb", "barbara", right("01"), old)
    yield pupil("partial", f"{FOLDER}/Two\nLines/00_start.ipynb", "Two\nLines", right("00.word", "00.file"))
    old = sheet("01", right("01.mode", "01.group"))
    old["metadata"]["labkit"] = {"chapter": "01", "edition": "0123456789ab", "learner": "../../edsger"}
    yield pupil(
        "an older edition",
        f"{FOLDER}/edsger/01_socket.ipynb",
        "../../edsger",
        right("01.mode", "01.group"),
        old,
        "It was made with another edition of the chapter (0123456789ab, now ",
    )
    turns = wrong("00.word.twin", "00.file.folder", "00.trace.running-only")
    yield pupil(
        "wrong", f"{FOLDER}/donald/00_start.ipynb", "donald", turns, says="This is the word of the other container"
    )
    turns = wrong("01.mode.read", "01.group.listed-only", "01.ping.one-recv", "01.by-hand.no-exit", "01.events.twin")
    yield pupil("wrong", f"{FOLDER}/leslie_01_socket.ipynb", "leslie", turns, says="One recv is not one answer")


def _unreadable() -> Iterator[Pupil]:
    """What is no notebook, or none of ours."""
    notebook = sheet("00", right("00"))
    unknown: dict[str, Any] = {**notebook, "metadata": {"labkit": {"chapter": "77"}}}
    three = {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [{"cells": [], "metadata": {}}]}
    kinds: dict[str, tuple[bytes | int, str]] = {
        "empty": (b"", "The file is empty."),
        "no JSON": (copies.as_bytes(notebook)[:-100], "it is not JSON"),
        "no notebook": (b'{"name": "ada"}', "It is JSON, but not a notebook."),
        "50 MB": (50_000_000, f"larger than the {LIMIT // 1_000_000} MB"),
        "nbformat 3": (copies.as_bytes(three), "It has the old notebook format 3."),
        "nbformat 5": (copies.as_bytes(notebook | {"nbformat": 5}), "It has notebook format 5, and only 4 is read."),
        "unknown chapter": (copies.as_bytes(unknown), "The notebook speaks of chapter 77; there are 00, 01"),
    }
    for kind, (content, says) in kinds.items():
        yield Pupil(kind, f"{FOLDER}/{kind}/00_start.ipynb", kind, content, says=says)
    yield Pupil(
        "leads out", f"{ZIP}/../../evil/00_start.ipynb", "..", copies.as_bytes(notebook), says="leads out of it"
    )
    essay = "Tony Hoare_4713_assignsubmission_file_/essay.docx"
    yield Pupil("another file", f"{ZIP}/{essay}", "Tony Hoare", b"PK", says="It is not a notebook")


def _rearranged() -> Iterator[Pupil]:
    """Right answers in cells that were moved about."""
    perfect = right("00")
    made = {kind: sheet("00", perfect) for kind in _REARRANGED}
    moved, retyped, checks = made.values()
    at = copies.place(moved, "00.word.answer")
    moved["cells"].insert(at, copies.cell(copies.pristine("00"), "00.word.answer"))
    moved["cells"].append(copies.cell(moved, "00.file.answer"))
    moved["cells"].reverse()
    copies.merge(retyped, "00.word.begin", "00.word.answer", keeps="00.word.begin")
    prose = copies.cell(retyped, "00.file.answer")
    prose |= {"cell_type": "markdown", "source": f"```python\n{prose['source']}\n```"}
    del prose["outputs"], prose["execution_count"]
    copies.cell(checks, "00.file.check")["source"] = "print('00.file   3 of 3 points')"
    del checks["cells"][copies.place(checks, "00.word.check")]
    for (kind, says), notebook in zip(_REARRANGED.items(), made.values(), strict=True):
        yield pupil(kind, f"{FOLDER}/{kind}/00_start.ipynb", kind, perfect, notebook, says)
    notebook = sheet("01", right("01"))
    copies.split(notebook, "01.by-hand.answer", copies.text(notebook, "01.by-hand.answer").index("command ="))
    yield pupil("split", f"{FOLDER}/split/01_socket.ipynb", "split", right("01"), notebook, "Joined from 2 cells.")


_REARRANGED = {
    "duplicated and reordered": "A copy of it was left out.",
    "merged and Markdown": "The answer cell was Markdown.",
    "deleted and edited checks": "00.word.check: deleted; the shipped one is used",
}

SWALLOW = "while True:\n    try:\n        while True:\n            pass\n    except KeyboardInterrupt:\n        pass"
FLOOD = 'while True:\n    print("x" * 1000)'
CHILDREN = "import os, time\nfor _ in range(200):\n    if os.fork() == 0:\n        time.sleep(1000)\ntime.sleep(1000)"
STRAYS = f"""import subprocess
subprocess.Popen(["sleep", "{STAYS}"], start_new_session=True)
!(setsid sleep {STAYS} > /dev/null 2>&1 &)"""


def _violent() -> Iterator[Pupil]:
    """Answers that do something to Python, or to the computer."""
    memory = "everything = bytearray(10 << 30)"
    errors = {"01.group": "import sys\nsys.exit()", "01.ping": "input()", "01.by-hand": memory}
    kinds: dict[str, tuple[Answers, str]] = {
        "sys.exit, input, 10 GB": (broken("error", errors), "MemoryError"),
        "os._exit": (broken("kernel-died", {"00.file": "import os\nos._exit(1)"}), "Python itself ended"),
        "endless loop": (broken("timeout", {"01.events": "while True:\n    pass"}), "took longer than 10 s"),
        "deaf loop": (broken("timeout", {"00.trace": SWALLOW}), "It did not stop when it was interrupted."),
        "flood": (broken("kernel-died", {"00.trace": FLOOD}), "It printed more than 4 MB"),
        "200 children": (broken("kernel-died", {"01.events": CHILDREN}), "64 are allowed."),
        "background": (before("00.trace", STRAYS), ""),
    }
    for kind, (answers, says) in kinds.items():
        file = {"00": "00_start.ipynb", "01": "01_socket.ipynb"}[next(iter(answers))[:2]]
        yield pupil(kind, f"{FOLDER}/{kind}/{file}", kind, answers, says=says)


MAGICS = """%time box = daemon.client.containers.get(task.container)
found = !docker ps --quiet --no-trunc --filter name={task.container}
assert found == [box.id]
%matplotlib inline"""
MARKERS = "# NBVAL_SKIP\n# NBVAL_RAISES_EXCEPTION\n# PYTEST_VALIDATE_IGNORE_OUTPUT"


def _strange() -> Iterator[Pupil]:
    """Answers that nbval or IPython read in their own way."""
    yield pupil("magics", f"{FOLDER}/magics/00_start.ipynb", "magics", before("00.word", MAGICS))
    markers = f"{ZIP}/=cmd()_4712_assignsubmission_file_/00_start.ipynb"
    yield pupil("markers", markers, "=cmd()", before("00.file", MARKERS))


# --- the desk ---------------------------------------------------------------------------------------------


def write_class(folder: Path) -> tuple[list[Path], list[Pupil]]:
    """Write the whole class; return what is given to the command, and who is in it."""
    everybody = pupils()
    with zipfile.ZipFile(folder / ZIP, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in everybody:
            if one.file.startswith(f"{ZIP}/"):
                assert isinstance(one.content, bytes)
                archive.writestr(zipfile.ZipInfo(one.file.removeprefix(f"{ZIP}/")), one.content)
            else:
                _write(folder / one.file, one.content)
    return [folder / FOLDER, folder / ZIP], everybody


def _write(file: Path, content: bytes | int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("xb") as stream:
        if isinstance(content, int):
            stream.truncate(content)  # sparse: it takes no room
        else:
            stream.write(content)
