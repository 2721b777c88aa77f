"""The journal: what was graded is found again, and nothing that was not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_notebook

from labkit.grade import journal, tables
from labkit.grade.chapters import Chapter
from labkit.grade.journal import NAME, Journal, key
from labkit.grade.results import STATUSES, Status
from labkit.grade.submission import Submission
from tests.grade import samples

ADA = replace(samples.handed_in("ada", "00"), key="ada's key")
CUT = '{"file": "week1.zip/kurt/00.ipynb", "learn'


def again(folder: Path) -> Journal:
    """The journal as the next run reads it."""
    return Journal(folder)


def test_what_was_added_is_found_again(tmp_path: Path) -> None:
    """A result is found by its key in the next run, equal in every field; another key finds nothing."""
    first = Journal(tmp_path)
    assert first.find(ADA.key) is None
    first.add(ADA)
    assert again(tmp_path).find(ADA.key) == ADA
    assert again(tmp_path).find("another") is None


def test_without_a_folder_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a folder nothing is written anywhere, and nothing is known."""
    monkeypatch.chdir(tmp_path)
    nowhere = Journal(None)
    nowhere.add(ADA)
    assert list(tmp_path.iterdir()) == [] and nowhere.find(ADA.key) is None and nowhere.lost == ""


def test_again_forgets(tmp_path: Path) -> None:
    """Where everything is to be graded anew, nothing is known; what is added then is kept as ever."""
    Journal(tmp_path).add(ADA)
    fresh = Journal(tmp_path, again=True)
    assert fresh.find(ADA.key) is None
    fresh.add(replace(ADA, points=1))
    assert getattr(again(tmp_path).find(ADA.key), "points", None) == 1


def test_results_of_a_finished_run_are_known(tmp_path: Path) -> None:
    """What stands in results.json is known too, and a line of the journal, which is newer, comes before it."""
    other = replace(samples.handed_in("alan", "00"), key="alan's key")
    tables.write_results(samples.batch(ADA, other), tmp_path / "results.json")
    Journal(tmp_path).add(replace(ADA, seconds=77.0))
    known = again(tmp_path)
    assert known.find("alan's key") == other
    assert getattr(known.find("ada's key"), "seconds", None) == 77.0


@pytest.mark.parametrize("status", STATUSES)
def test_what_was_nobodys_fault_is_not_kept(tmp_path: Path, status: Status) -> None:
    """Every status is kept but infra-error: what the grader failed at is graded again."""
    result = replace(ADA, status=status)
    Journal(tmp_path).add(result)
    tables.write_results(samples.batch(replace(result, key="of a finished run")), tmp_path / "results.json")
    kept = [again(tmp_path).find(one) is not None for one in (ADA.key, "of a finished run")]
    assert kept == [status != "infra-error"] * 2


def test_a_result_without_a_key_is_nobodys(tmp_path: Path) -> None:
    """A result that does not say what it was made from is never taken for another."""
    Journal(tmp_path).add(replace(ADA, key=""))
    assert again(tmp_path).find("") is None


ODD = json.dumps({**ADA.as_json(), "key": "an odd one", "points": "4"})
NONSENSE = [
    CUT,
    ODD,
    ODD.replace('"4"', "NaN"),
    "[]",
    "null",
    "{}",
    '{"exercises": 7}',
    '{"exercises": [{}]}',
    "[" * 100_000,
    "\0\0",
    "\udcff\udcfe",
]


@pytest.mark.parametrize("line", NONSENSE, ids=[line[-20:].encode(errors="replace").decode() for line in NONSENSE])
def test_a_damaged_line_costs_only_itself(tmp_path: Path, line: str) -> None:
    """What was cut off, or is no result, is passed over; what was written before it and after it is known."""
    first, second = ADA, replace(ADA, key="the next")
    Journal(tmp_path).add(first)
    with (tmp_path / NAME).open("ab") as lines:
        lines.write(b"\n" + line.encode("utf-8", "surrogateescape"))
    Journal(tmp_path).add(second)
    assert again(tmp_path).known == {one.key: one for one in (first, second)}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 99, "results": []}'])
def test_damaged_results_are_no_error(tmp_path: Path, text: str) -> None:
    """Where results.json is none of ours, nothing is known but what the journal says."""
    (tmp_path / "results.json").write_text(text)
    Journal(tmp_path).add(ADA)
    assert list(again(tmp_path).known) == [ADA.key]


def test_a_journal_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    """Where the file takes no line, grading goes on, and the journal says why it will not be there."""
    kept = Journal(tmp_path)
    (tmp_path / NAME).mkdir()
    kept.add(ADA)
    assert NAME in kept.lost and "cannot be written" in kept.lost


# --- the key ----------------------------------------------------------------------------------------------

CHAPTERS = {"00": Chapter("00", Path("00_x.ipynb"), new_notebook(), (), "edition")}
SUBMISSION = Submission("a.ipynb", "ada", "00", {}, sha256="digits")

CHANGES: dict[str, dict[str, Any]] = {
    "its place": {"file": "b.ipynb"},
    "its learner": {"learner": "alan"},
    "its bytes": {"sha256": "other digits"},
    "its chapter": {"chapter": "01"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_another_submission_has_another_key(change: dict[str, Any]) -> None:
    """Whatever of a submission is another, it is other work."""
    assert key(SUBMISSION, CHAPTERS) != key(replace(SUBMISSION, **change), CHAPTERS)


def test_equal_work_has_equal_keys() -> None:
    """The same bytes, graded the same way, have the same key, whatever was read out of them."""
    assert key(SUBMISSION, CHAPTERS, 30.0) == key(replace(SUBMISSION, notes=("a note",)), CHAPTERS, 30.0)


def test_how_it_is_graded_belongs_to_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another edition of the chapter, other options and other judges make it other work."""
    newer = {"00": replace(CHAPTERS["00"], edition="newer")}
    keys = [key(SUBMISSION, CHAPTERS), key(SUBMISSION, newer), key(SUBMISSION, CHAPTERS, "ada"), key(SUBMISSION, {})]
    monkeypatch.setattr(journal, "judges", lambda: "others")
    assert len({*keys, key(SUBMISSION, CHAPTERS)}) == 5


def test_a_name_of_any_bytes_has_a_key() -> None:
    """A learner whose name is no text, as a file name can be, has a key like everybody."""
    assert len(key(replace(SUBMISSION, learner="\udcff", file="\udcff.ipynb"), CHAPTERS)) == 64


def test_the_judges_are_their_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The judges are others as soon as a line of the package's code is, and the same while none is."""
    code = tmp_path / "course" / "judge.py"
    code.parent.mkdir()
    monkeypatch.setattr(journal, "__file__", str(tmp_path / "grade" / "journal.py"))
    seen = []
    for text in ("pass\n", "pass\n", "fail\n"):
        code.write_text(text)
        seen.append(journal.judges.__wrapped__())
    assert seen[0] == seen[1] != seen[2]
