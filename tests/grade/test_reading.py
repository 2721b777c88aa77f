"""Whatever is handed in becomes a submission: with answers, or with a sentence that says why not."""

from __future__ import annotations

import hashlib
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labkit.errors import CourseError
from labkit.grade.collecting import LIMIT, Found, collect
from labkit.grade.reading import read
from labkit.grade.submission import Submission
from tests.chapters import FILES
from tests.grade.anyjson import JSON, NOTEBOOKS
from tests.grade.copies import (
    Json,
    as_bytes,
    cell,
    chapters,
    code,
    handed_in,
    of,
    pristine,
    solved,
    strip,
    texts,
)


def is_plain(submission: Submission) -> bool:
    """True if every text of a submission can be written, and each answer is one."""
    answers = [text for answer in submission.answers.values() for text in (answer.text, *answer.notes)]
    words = [submission.learner, submission.chapter, submission.problem, *submission.notes, *submission.ignored]
    return all(text.encode().decode() == text for text in words + answers)


@given(st.binary() | st.text().map(str.encode))
@example(b"\xef\xbb\xbf\xef\xbb\xbf{}")
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b"9" * 10_000)
@example(b"-NaN")
@example(b'{"nbformat": 4, "cells": [1e999, -Infinity, NaN]}')
def test_any_bytes_are_read(data: bytes) -> None:
    """Whatever the bytes, reading does not raise, says what is wrong, and keeps their fingerprint."""
    submission = read(data, chapters())
    assert submission.problem
    assert submission.answers == {}
    assert submission.sha256 == hashlib.sha256(data).hexdigest()


@given(JSON | NOTEBOOKS, st.sampled_from(["", "00", "01"]))
def test_any_json_is_read(data: Any, chapter: str) -> None:
    """Whatever the JSON, there is a submission, and all of its texts can be written into a file."""
    submission = handed_in(data, chapter=chapter)
    assert is_plain(submission)
    assert bool(submission.problem) or submission.chapter in chapters()
    assert not submission.problem or submission.answers == {}


@given(st.data())
def test_a_notebook_with_one_thing_wrong_is_read(data: st.DataObject) -> None:
    """Whatever one value in a solved notebook is replaced by, it is read, and no answer of another cell is lost."""
    notebook = solved("01")
    path = data.draw(st.sampled_from([path for path in paths(notebook) if path != ("cells",)]))
    inner = notebook
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = data.draw(JSON)
    submission = handed_in(notebook, chapter="01")
    kept = [answer.text for answer in submission.answers.values() if answer.text in of("01").values()]
    assert is_plain(submission)
    assert submission.problem or len(kept) >= 4


def paths(value: Any) -> list[tuple[Any, ...]]:
    """How to come to every value in a JSON value."""
    if not isinstance(value, dict | list):
        return []
    items = list(value.items() if isinstance(value, dict) else enumerate(value))
    return [path for key, inner in items for path in [(key,), *((key, *more) for more in paths(inner))]]


BROKEN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "The file is empty."),
    "blank": (b" \n", "The file is empty."),
    "no JSON": (b"print(1)\n", "in line 1 it is not JSON"),
    "half": (as_bytes(pristine("00"))[:5000], "it is not JSON"),
    "merge conflict": (b'{\n<<<<<<< HEAD\n "cells": []}', "in line 2 it is not JSON"),
    "latin-1": ('{"cells": "é"}'.encode("latin-1"), "byte 12 is not UTF-8"),
    "UTF-16": ('{"cells": []}'.encode("utf-16"), "byte 1 is not UTF-8"),
    "zip": (b"PK\x03\x04\xff", "not UTF-8"),
    "a list": (b"[]", "JSON, but not a notebook"),
    "an object": (b'{"a": 1}', "JSON, but not a notebook"),
    "null": (b"null", "JSON, but not a notebook"),
    "deep": (b'{"cells":' * 50_000, "far deeper"),
    "no format": (b'{"cells": []}', "does not say which format"),
    "format as text": (b'{"cells": [], "nbformat": "4"}', "does not say which format"),
    "format as truth": (b'{"cells": [], "nbformat": true}', "does not say which format"),
    "format 3": (
        b'{"worksheets": [{"cells": []}], "nbformat": 3}',
        "old notebook format 3. Open it in Jupyter and save",
    ),
    "format 5": (b'{"cells": [], "nbformat": 5}', "format 5, and only 4 is read. Save it as format 4"),
    "huge format": (b'{"cells": [], "nbformat": ' + b"9" * 9999 + b"}", "does not say which format"),
    "no cells": (b'{"nbformat": 4}', "list of cells is missing"),
    "cells as object": (b'{"cells": {}, "nbformat": 4}', "list of cells is missing"),
    "a flood of cells": (
        b'{"nbformat": 4, "cells": [' + b"{}," * 2000 + b"{}]}",
        "It has 2001 cells, more than the 2000",
    ),
    "no chapter": (b'{"cells": [], "nbformat": 4}', "which chapter it is"),
    "too large": (b" " * (LIMIT + 1), "larger than the 10 MB"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_defect_has_its_sentence(name: str) -> None:
    """What cannot be graded says what it is, and in a second sentence what to do."""
    data, words = BROKEN[name]
    submission = read(data, chapters())
    assert words in submission.problem
    assert submission.problem.endswith(".")
    assert ". " in submission.problem, "what is wrong, and what to do"


@pytest.mark.parametrize("minor", [0, 1, 2, 3, 4, 5, None, "5"])
@pytest.mark.parametrize("number", FILES)
def test_every_format_4_is_read(number: str, minor: Any) -> None:
    """Formats 4.0 to 4.5 are read, with ids and without, and there is nothing to say about it."""
    notebook = solved(number) | {"nbformat_minor": minor}
    for one in notebook["cells"]:
        del one["id"]
    submission = handed_in(notebook)
    assert (submission.chapter, submission.problem, submission.notes) == (number, "", ())
    assert texts(submission) == of(number)


def test_oddities_are_noted() -> None:
    """A newer minor format and a key that stands twice are read, and an instructor is told."""
    data = as_bytes(solved("01") | {"nbformat_minor": 7})
    submission = read(data[:-1] + b', "nbformat": 4}', chapters())
    assert texts(submission) == of("01")
    assert submission.notes == (
        "A key stands twice in one object, such as 'nbformat': the last one counts.",
        "Its format is 4.7; it is read as 4.5.",
    )


def test_a_byte_order_mark_is_no_matter() -> None:
    """A file that an editor saved with a byte order mark is read as one without."""
    assert texts(read(b"\xef\xbb\xbf" + as_bytes(solved("01")), chapters())) == of("01")


def test_outputs_are_not_looked_at() -> None:
    """Whatever stands where outputs belong, the answers are the same."""
    notebook = solved("01")
    for number, one in enumerate(notebook["cells"]):
        one["outputs"] = [7, {"data": float("nan")}, None, [], "x"][number % 5]
    assert texts(handed_in(notebook)) == of("01")


# --- Which chapter -------------------------------------------------------------------------------------------


def of_chapter(notebook: Json, number: Any) -> Json:
    """The notebook with this chapter in its metadata."""
    return notebook | {"metadata": {"labkit": {"chapter": number}}}


class Nameless(Found):
    """A file with a chapter in which nothing says that it is one."""

    def read(self) -> bytes:
        return as_bytes(strip(solved("01")))


@pytest.mark.parametrize("said", ["01", None, 1, [], ""])
def test_the_cells_say_which_chapter(said: Any) -> None:
    """Where the metadata says nothing that could be a chapter, the cells do."""
    assert handed_in(of_chapter(solved("01"), said)).chapter == "01"


def test_most_cells_decide() -> None:
    """A cell that was copied from another chapter does not change the notebook's."""
    notebook = of_chapter(solved("01"), "")
    notebook["cells"] = pristine("00")["cells"][:20] + notebook["cells"]
    assert handed_in(notebook).chapter == "01"


def test_first_lines_say_which_chapter() -> None:
    """Without metadata and ids, a first line that names an exercise says which chapter it is."""
    assert handed_in(strip(solved("01")) | {"cells": [code("# 01.ping\nx")]}).chapter == "01"


@pytest.mark.parametrize(
    "file, number",
    {
        "01_socket.ipynb": "01",
        "w.zip/99/lovelaceada_12345_67890_01_socket.ipynb": "01",
        "02/ada_99_00.ipynb": "00",
        "ada.ipynb": "",
        "01/ada.ipynb": "",
        "101.ipynb": "",
    }.items(),
)
def test_the_name_says_which_chapter(file: str, number: str) -> None:
    """Where nothing else does, two digits in the file's own name that are a chapter say which."""
    submission = read(Nameless(file, "ada"), chapters())
    assert (submission.chapter, bool(submission.problem)) == (number, not number)


def test_an_unknown_chapter_is_named() -> None:
    """A notebook of a chapter that there is not says which there are."""
    words = f"The notebook speaks of chapter 42; there are {', '.join(chapters())}."
    assert handed_in(of_chapter(solved("01"), "42")).problem.startswith(words)
    notebook = strip(solved("01"))
    notebook["cells"][0]["metadata"] = {"labkit": {"cell": "42.x"}}
    assert handed_in(notebook).problem.startswith(words)


@pytest.mark.parametrize(
    "notebook", [pristine("00"), of_chapter(pristine("01"), "00"), of_chapter(strip(pristine("01")), "00")]
)
def test_another_chapter_than_the_graded_one_is_a_problem(notebook: Json) -> None:
    """Where one chapter is graded, a notebook of another is refused, whatever says that it is."""
    submission = handed_in(notebook, chapter="01")
    assert submission.problem.startswith("The notebook is of chapter 00, and 01 is graded.")
    assert submission.chapter == "01"


def test_the_graded_chapter_is_believed() -> None:
    """Where nothing in the notebook says which chapter it is, it is the one that is graded, whatever its name."""
    assert read(Nameless("00_start.ipynb", "ada"), chapters(), chapter="01").chapter == "01"


def test_grading_no_chapter_is_an_error() -> None:
    """A chapter that there is not is the instructor's mistake, not the learner's."""
    with pytest.raises(CourseError, match=rf"no chapter 7\.\nThere are {', '.join(chapters())}\."):
        read(b"", chapters(), chapter="7")


# --- Whose, and of which edition -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said, path, platform, learner, noted",
    [
        ("ada", "ada", False, "ada", False),
        ("ada", "", False, "ada", False),
        ("ada", "Ada Lovelace", True, "Ada Lovelace", False),
        ("Ada", "lovelaceada", True, "lovelaceada", False),
        ("bob", "Ada Lovelace", True, "Ada Lovelace", True),
        ("bob", "ada", False, "bob", True),
        ("", "ada", False, "ada", False),
        (7, "ada", False, "ada", False),
        ("=cmd()\n🐙", "ada", False, "=cmd()\n🐙", True),
        ("\ud800", "ada", False, "\ufffd", False),
        ("x" * 999, "", False, "x" * 200, False),
    ],
)
def test_who_hands_in(said: Any, path: str, platform: bool, learner: str, noted: bool, tmp_path: Path) -> None:
    """A platform's name comes before the notebook's, and that before the path's; two that differ are noted."""
    file = tmp_path / "x.ipynb"
    file.write_bytes(as_bytes(solved("01") | {"metadata": {"labkit": {"learner": said}}}))
    submission = read(Found("x.ipynb", path, platform, path=file), chapters())
    assert submission.learner == learner
    assert [("says that it is of" in note) for note in submission.notes] == [True] * noted


@pytest.mark.parametrize("edition", ["0123456789ab", "older", "x" * 99])
def test_another_edition_is_noted(edition: str) -> None:
    """Answers made with another edition are taken, and both editions are named; the same edition is no matter."""
    submission = handed_in(solved("01") | {"metadata": {"labkit": {"edition": edition}}})
    now = chapters()["01"].edition
    words = f"({edition[:12]}, now {now}): the answers are taken as they are."
    assert submission.notes == (f"It was made with another edition of the chapter {words}",)
    assert texts(submission) == of("01")
    assert handed_in(solved("01") | {"metadata": {"labkit": {"edition": now, "values_of": []}}}).notes == ()


# --- From a path ---------------------------------------------------------------------------------------------


def test_a_class_is_read_from_its_folder(tmp_path: Path) -> None:
    """What was found is read with its place, its learner and its fingerprint; what cannot be read has a problem."""
    for name, data in {"ada": as_bytes(solved("01")), "bob": b"", "eve": b"{" * 9}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "01_socket.ipynb").write_bytes(data)
    ada, bob, eve = (read(one, chapters()) for one in collect([tmp_path]))
    assert (ada.file, ada.learner, ada.chapter) == (f"{tmp_path.name}/ada/01_socket.ipynb", "ada", "01")
    assert ada.sha256 == hashlib.sha256(as_bytes(solved("01"))).hexdigest()
    assert (bob.learner, bob.problem[:18], eve.learner, bool(eve.problem)) == ("bob", "The file is empty.", "eve", True)


def test_what_was_not_read_says_why() -> None:
    """A problem with the file is the submission's, and there is no fingerprint of what was never read."""
    found = Found("w.zip/ada.txt", "ada", problem="It is not a notebook: ask for one.")
    submission = read(found, chapters())
    assert (submission.problem, submission.sha256, submission.learner) == (found.problem, "", "ada")
    missing = replace(found, problem="", path=Path("nowhere.ipynb"))
    assert "it is gone" in read(missing, chapters()).problem


@given(st.randoms(use_true_random=False), st.sampled_from(list(FILES)))
def test_reading_twice_gives_the_same(draw: random.Random, number: str) -> None:
    """A submission depends on the bytes alone."""
    notebook = solved(number)
    draw.shuffle(notebook["cells"])
    cell(notebook, next(iter(of(number))) + ".answer")["source"] = json.dumps(draw.random())
    assert handed_in(notebook) == handed_in(notebook)
