"""What is typed after ``labkit grade``: what it prints, what it writes, and what its exit status says."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
import nbformat
import pytest
from click.testing import CliRunner, Result

from labkit.cli import main
from labkit.course import exercise
from labkit.errors import LabError
from labkit.grade import batch, chapters, machines, tables
from labkit.grade import staff as staff_module
from labkit.grade.batch import Options
from labkit.grade.chapters import Chapter
from labkit.grade.commands import LEVELS, NO_SCORE, grade_command
from labkit.grade.compose import compose
from labkit.grade.journal import NAME
from labkit.grade.levels import LEVELS as KNOWN
from labkit.grade.results import STATUSES
from labkit.grade.workers import WorkerFailed
from tests.grade import plain, samples
from tests.grade.pretend import EXERCISES, Staff

Write = Callable[..., Path]
Typed = Callable[..., Result]


@pytest.fixture
def staff(monkeypatch: pytest.MonkeyPatch, short: Chapter) -> Staff:
    """Workers without a process or a daemon, for a course that has only the short chapter 90."""
    staff = Staff()
    monkeypatch.setattr(staff_module, "WorkerProcess", staff.hire)
    monkeypatch.setattr(batch, "Options", partial(Options, docker=False, modules=(plain.INSTALL,)))
    monkeypatch.setattr(chapters, "find_folder", lambda: short.path.parent)
    before = {one.id: one for one in exercise.exercises()}
    monkeypatch.setattr(exercise, "_registry", before | {one.id: one for one in EXERCISES})
    return staff


@pytest.fixture
def write(tmp_path: Path, short: Chapter) -> Write:
    """Write right notebooks of these learners into a folder, each in one of its own; return the folder."""

    def writes(*names: str) -> Path:
        for name in names:
            folder = tmp_path / "class" / name
            folder.mkdir(parents=True)
            answers = {one.id: one.answer("perfect") for one in EXERCISES}
            nbformat.write(compose(short.notebook, answers), folder / plain.FILE)
        return tmp_path / "class"

    return writes


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where results go."""
    return tmp_path / "graded"


@pytest.fixture
def typed(out: Path) -> Typed:
    """Type the command; an error that is not labkit's own fails the test."""

    def types(*words: str | Path) -> Result:
        result = CliRunner().invoke(main, ["grade", "--level=self", "--out", str(out), *map(str, words)])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return types


def rows(text: str) -> list[dict[str, str]]:
    """The rows of a table."""
    return list(csv.DictReader(io.StringIO(text)))


# --- what it writes and says ------------------------------------------------------------------------------


def test_a_class_is_graded(staff: Staff, write: Write, typed: Typed, out: Path) -> None:
    """The table, the pages and results.json are written, the journal is gone, and the summary says all of that."""
    done = typed(write("ada", "alan"))
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "2 submissions: 2 pass",
        *(f"wrote {out / name}" for name in ("grades.csv", "report.html", "results.json")),
    ]
    assert {path.name for path in out.iterdir()} == {"grades.csv", "report.html", "reports", "results.json"}
    assert [(row["learner"], row["total"]) for row in rows((out / "grades.csv").read_text("utf-8-sig"))] == [
        ("ada", "4"),
        ("alan", "4"),
    ]
    assert [one["points"] for one in json.loads((out / "results.json").read_text())["results"]] == [4, 4]
    assert len(list((out / "reports").iterdir())) == 2 and not (out / NAME).exists()


def test_each_submission_has_a_line(staff: Staff, write: Write, typed: Typed) -> None:
    """Where nobody watches a bar, each submission is a line with points, status, learner and file, as it is done."""
    folder = write("ada", "alan")
    (folder / "kurt").mkdir()
    (folder / "kurt" / "x.ipynb").write_text("{")
    staff.script["alan"] = [WorkerFailed("An outage.")] * 2
    lines = typed(folder).stderr.splitlines()
    assert sorted(line.split() for line in lines) == [
        ["0", "of", "0", "unreadable", "'kurt'", "'class/kurt/x.ipynb'"],
        ["4", "of", "4", "pass", "'ada'", "'class/ada/90_plain.ipynb'"],
        ["no", "score", "infra-error", "'alan'", "'class/alan/90_plain.ipynb'"],
    ]


def test_where_somebody_watches_there_is_a_bar(
    staff: Staff, write: Write, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal a bar takes the place of the lines."""
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich takes its output for a terminal's
    monkeypatch.delenv("NO_COLOR", raising=False)
    done = typed(write("ada", "[bold]"))
    assert "grading" in done.stderr and "2/2" in done.stderr and "'class/" not in done.stderr
    assert done.exit_code == 0


def test_an_outage_is_status_3(staff: Staff, write: Write, typed: Typed, out: Path) -> None:
    """Where somebody has no score the status is 3, the reason is printed, and everything is written all the same."""
    staff.script["alan"] = [WorkerFailed("The daemon hung up.")] * 2
    done = typed(write("ada", "alan"))
    assert (done.exit_code, NO_SCORE) == (3, 3)
    assert done.stdout.splitlines()[:2] == [
        "2 submissions: 1 pass, 1 infra-error",
        "infra-error  'class/alan/90_plain.ipynb': The daemon hung up.",
    ]
    assert [row["total"] for row in rows((out / "grades.csv").read_text("utf-8-sig"))] == ["4", ""]
    assert typed(out.parent / "class").exit_code == 0, "the next time it has one"


def test_what_could_not_be_read_is_named(staff: Staff, write: Write, typed: Typed) -> None:
    """A broken file has a line with the reason, and is no failure of the grader: the status is 0."""
    (folder := write("ada")).joinpath("kurt").mkdir()
    (folder / "kurt" / "x.ipynb").write_bytes(b"")
    done = typed(folder)
    assert done.exit_code == 0 and done.stdout.startswith("2 submissions: 1 pass, 1 unreadable\n")
    assert done.stdout.splitlines()[1].startswith("unreadable   'class/kurt/x.ipynb': The file is empty")


def test_one_submission_is_no_plural(staff: Staff, write: Write, typed: Typed) -> None:
    """The summary of one submission speaks of one."""
    assert typed(write("ada")).stdout.startswith("1 submission: 1 pass\n")


STRANGE = ["Zoë 🦆", "two\nlines", "\x1b[31mred", "\u202eada"]


@pytest.mark.parametrize("name", STRANGE, ids=ascii)
def test_names_do_nothing_to_a_terminal(staff: Staff, write: Write, typed: Typed, name: str) -> None:
    """Whatever a learner is called, what the terminal gets is one line of plain characters."""
    staff.script[name] = staff.script["two lines"] = [WorkerFailed("An outage.")] * 2
    done = typed(write(name))
    assert done.output.isascii() and "\x1b" not in done.output
    assert len(done.stderr.splitlines()) == 1 and len(done.stdout.splitlines()) in (4, 5)


def test_more_forms_are_written_on_request(staff: Staff, write: Write, typed: Typed, out: Path) -> None:
    """junit.xml and Gradescope's files are there where they are asked for; grading itself is not repeated for them."""
    folder = write("ada", "alan")
    typed(folder)
    assert not {"junit.xml", "gradescope"} & {path.name for path in out.iterdir()}
    typed(folder, "--junit", "--gradescope")
    assert "<testsuite" in (out / "junit.xml").read_text()
    assert [json.loads(file.read_text())["score"] for file in (out / "gradescope").iterdir()] == [4, 4]
    assert len(staff.graded) == 2


def test_the_next_time_only_what_is_new_is_graded(staff: Staff, write: Write, typed: Typed, out: Path) -> None:
    """A second command grades the newcomer; with --again, everybody."""
    typed(write("ada", "alan"))
    first = (out / "results.json").read_text()
    folder = write("grace")
    typed(folder)
    assert staff.graded == ["ada", "alan", "grace"]
    assert json.loads(first)["results"] == json.loads((out / "results.json").read_text())["results"][:2]
    typed(folder, "--again")
    assert len(staff.graded) == 6


# --- what is typed ----------------------------------------------------------------------------------------

SPOKEN: dict[str, tuple[Sequence[str], dict[str, Any]]] = {
    "nothing": ((), {"jobs": 1, "seed_from": "", "timeout": 30.0, "again": False}),
    "jobs": (("--jobs", "4"), {"jobs": 4}),
    "level": (("--level", "class"), {"level": "class"}),
    "seed": (("--seed-from", "ada"), {"seed_from": "ada"}),
    "timeout": (("--timeout", "2.5"), {"timeout": 2.5}),
    "again": (("--again",), {"again": True}),
}


@pytest.mark.parametrize(("words", "wanted"), SPOKEN.values(), ids=SPOKEN)
def test_options_reach_the_batch(
    staff: Staff,
    write: Write,
    typed: Typed,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: Sequence[str],
    wanted: dict[str, Any],
) -> None:
    """Each option is what the class is graded with, and each has the default that the help page says."""
    seen: list[Options] = []

    def grade(_: object, __: object, options: Options, **___: object) -> object:
        seen.append(options)
        return samples.batch()

    monkeypatch.setattr(batch, "grade", grade)
    monkeypatch.setattr(machines, "prepare", lambda say: None)
    typed(write("ada"), *words)
    assert {name: getattr(seen[0], name) for name in wanted} == wanted and seen[0].out == out


@pytest.mark.parametrize(
    "words",
    [
        ("--jobs", "0"),
        ("--jobs", "65"),
        ("--timeout", "0"),
        ("--timeout", "3601"),
        ("--level", "none"),
        ("--out", __file__),
        ("--colour",),
    ],
    ids=" ".join,
)
def test_what_was_mistyped_is_a_usage_error(staff: Staff, write: Write, typed: Typed, words: Sequence[str]) -> None:
    """An option that is not understood ends with status 2, a folder for results that is a file among them."""
    done = typed(write("ada"), *words)
    assert done.exit_code == 2 and done.stderr.startswith("Usage: ") and staff.hired == []


def test_without_a_path_there_is_nothing_to_grade(typed: Typed) -> None:
    """Without any path the usage is shown."""
    done = typed()
    assert done.exit_code == 2 and "Missing argument 'PATH...'" in done.stderr


WRONG: dict[str, tuple[Sequence[str], str]] = {
    "unknown chapter": (("--chapter", "77", "class"), "There is no chapter '77'."),
    "no such path": (("nowhere",), "There is no "),
    "no notebook": (("empty",), "There is no notebook in empty"),
    "no table": (("--seed-from", "seeds.csv", "class"), "seeds.csv is no table of seeds"),
    "out below a file": (("--out", "file/graded", "class"), "The folder file/graded cannot be made: Not a directory."),
}


@pytest.mark.parametrize(("words", "problem"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_done_is_said(
    staff: Staff,
    write: Write,
    typed: Typed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: Sequence[str],
    problem: str,
) -> None:
    """What is not there is an error in two sentences with status 1, before anybody is hired."""
    write("ada")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    done = typed(*words)
    assert done.exit_code == 1 and problem in done.stderr and done.stdout == "" and staff.hired == []
    assert len(done.stderr.strip().splitlines()) >= 2, "and what to do"


def test_a_chapter_can_be_asked_for(staff: Staff, write: Write, typed: Typed) -> None:
    """A chapter that exists is what everything is graded as."""
    assert typed(write("ada"), "--chapter", "90").exit_code == 0


def test_levels_are_those_that_there_are() -> None:
    """The command line offers exactly the levels that the grader knows; without a word it is the class's."""
    (option,) = [one for one in grade_command.params if one.name == "level"]
    assert set(LEVELS) == set(KNOWN) and option.default == "class"


def test_the_help_page_explains_each_option() -> None:
    """Every option has a sentence, and the exit statuses are there."""
    page = CliRunner().invoke(main, ["grade", "--help"]).stdout
    options = [one for one in grade_command.params if isinstance(one, click.Option)]
    assert len(options) > 8 and all(one.help and one.help.endswith(".") for one in options)
    assert "Exit status 0" in page and str(NO_SCORE) in page and "infra-error" in STATUSES


# --- results that cannot be written -----------------------------------------------------------------------


@pytest.mark.parametrize("taken", ["results.json", "grades.csv", "report.html", "junit.xml"])
def test_results_that_cannot_be_written_are_printed(
    staff: Staff, write: Write, typed: Typed, out: Path, taken: str
) -> None:
    """Where a file cannot be written, the table is printed instead, the status is 1, and the journal is kept."""
    (out / taken / "in the way").mkdir(parents=True)
    done = typed(write("ada", "alan"), "--junit")
    assert done.exit_code == 1 and f"{taken} could not be written" in done.stderr and "--out" in done.stderr
    assert [(row["learner"], row["total"], row["status"]) for row in rows(done.stdout)] == [
        ("ada", "4", "pass"),
        ("alan", "4", "pass"),
    ]
    (out / taken / "in the way").rmdir()
    (out / taken).rmdir()
    assert typed(out.parent / "class", "--junit").exit_code == 0 and len(staff.graded) == 2


def test_an_error_of_writing_is_not_hidden(
    staff: Staff, write: Write, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is shown with its remedy after the table, whatever it was."""

    def full(*_: object) -> None:
        raise LabError("No room.", "Make some.")

    monkeypatch.setattr(tables, "write_results", full)
    done = typed(write("ada"))
    assert done.stdout.startswith("learner,file,90.add,90.words,total,max,status,")
    assert "No room." in done.stderr and "Make some." in done.stderr and done.exit_code == 1


# --- with a real worker -----------------------------------------------------------------------------------


@pytest.mark.notebook
def test_the_command_really_grades(
    short: Chapter, write: Write, typed: Typed, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Typed as an instructor types it, a folder becomes points: everything is run and judged."""
    monkeypatch.setattr(batch, "Options", partial(Options, docker=False, modules=(plain.INSTALL,)))
    monkeypatch.setattr(chapters, "find_folder", lambda: short.path.parent)
    done = typed(write("ada"), "--timeout", "20")
    (row,) = rows((out / "grades.csv").read_text("utf-8-sig"))
    assert done.exit_code == 0 and (row["90.add"], row["90.words"], row["total"], row["max"]) == ("2", "2", "4", "4")
