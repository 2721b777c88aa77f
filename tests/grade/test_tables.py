"""results.json is as its schema says and comes back, grades.csv is safe in spreadsheets, nothing is half-written."""

from __future__ import annotations

import csv
import errno
import io
import json
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from labkit.errors import LabError
from labkit.grade.results import STATUSES, VERSION, Batch, ExerciseResult, PartResult, Result
from labkit.grade.tables import (
    cell,
    columns,
    csv_text,
    read_results,
    read_schema,
    write_csv,
    write_results,
    write_whole,
)
from tests.grade import anything, samples

# --- The schema -------------------------------------------------------------------------------------------


def objects(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schema of each kind of object."""
    yield schema
    yield from (schema["$defs"][name] for name in ("result", "exercise", "part"))


def test_the_schema_is_one() -> None:
    """results.schema.json is valid for JSON Schema 2020-12, and is of the version that is written."""
    Draft202012Validator.check_schema(read_schema())
    assert read_schema()["$schema"].endswith("/draft/2020-12/schema")
    assert read_schema()["properties"]["version"]["const"] == VERSION


def test_the_schema_knows_the_contract() -> None:
    """Each object of the schema has exactly the fields of its class, all required, and no others are allowed."""
    for schema, form in zip(objects(read_schema()), (Batch, Result, ExerciseResult, PartResult), strict=True):
        named = [field.name for field in fields(form)]
        expected = ["version", *named] if form is Batch else named
        assert list(schema["properties"]) == schema["required"] == expected
        assert schema["additionalProperties"] is False
    assert read_schema()["$defs"]["status"]["enum"] == list(STATUSES)


def test_the_schema_explains_every_field() -> None:
    """Each field has a description, its own or that of what it refers to."""
    definitions = read_schema()["$defs"]
    assert all(definition["description"] for definition in definitions.values())
    for schema in objects(read_schema()):
        assert [
            name for name, field in schema["properties"].items() if not field.keys() & {"description", "$ref"}
        ] == []


@pytest.mark.parametrize("status", ["passed", "PASS", "", None])
def test_the_schema_refuses_other_words(status: object) -> None:
    """A status outside the vocabulary does not fit."""
    data = json.loads(json.dumps(samples.batch(samples.ordinary()[0]).as_json()))
    assert Draft202012Validator(read_schema()).is_valid(data)
    data["results"][0]["status"] = status
    assert not Draft202012Validator(read_schema()).is_valid(data)


# --- results.json -----------------------------------------------------------------------------------------


def test_the_class_is_as_the_schema_says(tmp_path: Path) -> None:
    """What is written for the sample class fits the schema and comes back equal."""
    batch, file = samples.batch(), tmp_path / "out" / "results.json"
    write_results(batch, file)
    problems = Draft202012Validator(read_schema()).iter_errors(json.loads(file.read_text("utf-8")))
    assert [problem.json_path for problem in problems] == []
    assert read_results(file) == (list(batch.results), "")


@given(anything.batches)
def test_anything_is_as_the_schema_says(tmp_path_factory: pytest.TempPathFactory, batch: Batch) -> None:
    """Whatever learners write, the file is valid UTF-8, fits the schema and comes back equal."""
    file = tmp_path_factory.mktemp("any") / "results.json"
    write_results(batch, file)
    assert Draft202012Validator(read_schema()).is_valid(json.loads(file.read_text("utf-8")))
    assert read_results(file) == (list(batch.results), "")


def test_no_file_is_no_problem(tmp_path: Path) -> None:
    """Before the first run there is nothing to read and nothing to say."""
    assert read_results(tmp_path / "results.json") == ([], "")


DAMAGED = {
    "empty": b"",
    "half": b'{"version": 1, "results": [{"file": "a',
    "not text": b"\xff\xfe\x00",
    "too deep": b"[" * 100_000,
    "not a number": b'{"version": 1, "results": [NaN]}',
    "a list": b"[]",
    "null": b"null",
    "somebody else's": b'{"results": []}',
    "older": b'{"version": 0, "results": []}',
    "newer": b'{"version": "2\\n", "results": []}',
    "results are no list": b'{"version": 1, "results": 5}',
    "a result is no object": b'{"version": 1, "results": ["pass"]}',
    "a result is empty": b'{"version": 1, "results": [{}]}',
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_files_mean_grading_again(case: str, tmp_path: Path) -> None:
    """A file that is damaged, foreign or of another version gives nothing, and one line that says why."""
    file = tmp_path / "results.json"
    file.write_bytes(DAMAGED[case])
    results, sentence = read_results(file)
    assert results == []
    assert str(file) in sentence
    assert sentence.endswith("so everything is graded again.")
    assert len(sentence.splitlines()) == 1


def test_a_folder_in_its_place_means_grading_again(tmp_path: Path) -> None:
    """What cannot be read at all gives nothing and a sentence, too."""
    results, sentence = read_results(tmp_path)
    assert results == []
    assert "cannot be read" in sentence


WRONG: list[tuple[str, Any]] = [
    ("points", "8"),
    ("points", -1),
    ("points", True),
    ("points", 1.5),
    ("seconds", 1e999),
    ("seconds", -1.0),
    ("status", "passed"),
    ("file", None),
    ("notes", "text"),
    ("notes", [1]),
    ("exercises", [None]),
    ("exercises", {"01.mode": 4}),
    ("surprise", 1),
]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_what_the_schema_refuses_is_not_believed(field: str, value: object, tmp_path: Path) -> None:
    """One field of another form is enough: the schema refuses the file, and so does the reader."""
    data = json.loads(json.dumps(samples.batch().as_json()))
    data["results"][0][field] = value
    file = tmp_path / "results.json"
    file.write_text(json.dumps(data), "utf-8")
    assert not Draft202012Validator(read_schema()).is_valid(json.loads(file.read_text("utf-8")))
    results, sentence = read_results(file)
    assert results == []
    assert sentence


# --- grades.csv -------------------------------------------------------------------------------------------


def rows(batch: Batch, folder: Path) -> list[list[str]]:
    """The rows of ``grades.csv`` as Python's reader gives them."""
    write_csv(batch, folder / "grades.csv")
    return list(csv.reader(io.StringIO((folder / "grades.csv").read_bytes().decode("utf-8-sig"), newline="")))


def test_the_columns(tmp_path: Path) -> None:
    """Learner and file, one column per exercise of all chapters in order, then the sums; Excel sees the UTF-8."""
    header = rows(samples.batch(), tmp_path)[0]
    assert header == [
        *("learner", "file"),
        *("00.word", "00.file", "00.trace", "01.mode", "01.group", "01.ping", "01.by-hand", "01.events"),
        *("total", "max", "status", "seconds", "sha256"),
    ]
    assert (tmp_path / "grades.csv").read_bytes().startswith(b"\xef\xbb\xbflearner,file,")


def test_the_order_of_chapters_is_not_that_of_submissions() -> None:
    """Chapter 00 comes before chapter 01, whoever was found first."""
    batch = samples.batch(samples.handed_in("b", "01"), samples.handed_in("a", "00"))
    assert columns(batch)[0] == "00.word"
    assert columns(batch)[-1] == "01.events"


def test_points_and_empty_cells(tmp_path: Path) -> None:
    """A cell has points; it is empty where there is no score, or where the exercise is another chapter's."""
    found = {
        row[0]: row[2:13] for row in rows(samples.batch(*samples.unusual(), samples.handed_in("ada", "00")), tmp_path)
    }
    assert found["Bjarne S."] == ["", "", "", "1", "0", "5", "2", "0", "8", "21", "error"]
    assert found["Guido v. R."] == ["", "", "", "4", "3", "", "", "", "", "21", "infra-error"]
    assert found["Rasmus L."] == [*[""] * 8, "0", "0", "unreadable"]
    assert found["ada"] == ["2", "3", "3", *[""] * 5, "8", "8", "pass"]


FORMULAS = {
    "=cmd()": "'=cmd()",
    "+1": "'+1",
    "-1": "'-1",
    "@SUM(A1)": "'@SUM(A1)",
    "\t=1": "' =1",
    "\r=1": "'↵=1",
    "\thello": "' hello",
    " =1": "' =1",
    "＝1": "'＝1",
    "a;=1": "a;'=1",
    'a",=1': "a\",'=1",
    "\x00=1": "'=1",
    "\x1b[1m=1": "'=1",
    "Ada-Marie": "Ada-Marie",
    "a@b.org": "a@b.org",
    "Two\nLines": "Two↵Lines",
    "": "",
}


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_texts(text: str) -> None:
    """What a spreadsheet would compute gets an apostrophe, also behind separators; other texts stay as they are."""
    assert cell(text) == FORMULAS[text]


@given(anything.batches)
def test_every_submission_is_one_row(tmp_path_factory: pytest.TempPathFactory, batch: Batch) -> None:
    """Whatever learners are called, each has one row on one line, and no cell of it is a formula."""
    table = rows(batch, tmp_path_factory.mktemp("any"))
    assert len({len(row) for row in table}) == 1
    assert len(table) == len(batch.results) + 1
    assert [text for row in table[1:] for text in row[:2] if text.lstrip()[:1] in tuple("=+-@\t\r")] == []


def test_the_rows_can_be_had_without_a_file(tmp_path: Path) -> None:
    """The text of the table is what the file has behind its mark: nothing is lost where no file can be written."""
    write_csv(samples.batch(), tmp_path / "grades.csv")
    assert csv_text(samples.batch()).encode() == (tmp_path / "grades.csv").read_bytes().removeprefix(b"\xef\xbb\xbf")


def test_every_row_is_one_line(tmp_path: Path) -> None:
    """Tools that count lines count submissions, even with line breaks in names."""
    write_csv(samples.batch(), tmp_path / "grades.csv")
    lines = (tmp_path / "grades.csv").read_bytes().split(b"\r\n")
    assert len(lines) == len(samples.batch().results) + 2
    assert [line for line in lines if b"\n" in line or b"\r" in line] == []


# --- Whole or not at all ----------------------------------------------------------------------------------


class FullDisk(io.FileIO):
    """A file on a disk on which there is room for ten more bytes."""

    def write(self, content: Any) -> int:
        """Write what there is room for, then fail as the kernel does."""
        super().write(content[:10])
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without room the old file is as it was, nothing half-written lies beside it, and the error says what to do."""
    file = tmp_path / "grades.csv"
    write_whole(file, b"old")
    monkeypatch.setattr(Path, "open", lambda path, mode: FullDisk(path, mode))
    with pytest.raises(LabError, match=r"grades\.csv could not be written: No space left on device\.\n.*Make room"):
        write_whole(file, b"new, and longer than ten bytes")
    assert [path.name for path in tmp_path.iterdir()] == ["grades.csv"]
    assert file.read_bytes() == b"old"


def test_no_permission_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in which nothing may be put gives the same error, with the kernel's words."""

    def forbidden(path: Path, target: Path) -> Path:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "replace", forbidden)
    with pytest.raises(LabError, match="Permission denied"):
        write_whole(tmp_path / "report.html", b"new")
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_a_folder_should_be(tmp_path: Path) -> None:
    """An output folder that is a file is an error with its path, not a traceback."""
    (tmp_path / "out").write_text("a file")
    with pytest.raises(LabError, match="could not be written"):
        write_csv(samples.batch(), tmp_path / "out" / "grades.csv")
    assert (tmp_path / "out").read_text() == "a file"


def test_what_a_dead_run_left_is_no_obstacle(tmp_path: Path) -> None:
    """A half-written file of a run that was killed is replaced, even where it is a link to somewhere else."""
    (tmp_path / "precious").write_text("kept")
    (tmp_path / ".results.json.part").symlink_to(tmp_path / "precious")
    write_results(replace(samples.batch(), results=()), tmp_path / "results.json")
    assert (tmp_path / "precious").read_text() == "kept"
    assert read_results(tmp_path / "results.json") == ([], "")
