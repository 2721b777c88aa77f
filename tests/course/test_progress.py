"""The learner's file: it counts what was reached, loses nothing, and never stands between a learner and a verdict."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.course import progress
from labkit.course.progress import Record
from labkit.course.verdict import Finding, Part, Verdict, failed, passed

ROOT = Path(__file__).parents[2]
PARTS = (Part("a", 2, "a is true"), Part("b", 3, "b is true"))


def verdict(*findings: Finding, exercise: str = "90.fruit") -> Verdict:
    """A verdict on an exercise of two parts."""
    return Verdict.of(exercise, PARTS, findings)


def wrong(saw: object = "nothing", key: str = "a") -> Verdict:
    """A verdict in which one part failed."""
    return verdict(failed(key, expected="something", saw=saw, look_at="there"))


SOLVED = verdict(passed("a"), passed("b"))


def test_a_learner_has_one_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each learner has a file of their own, in LABKIT_HOME or where the system keeps users' data."""
    assert progress.path() == home / "progress-ada.json"
    monkeypatch.setenv("LABKIT_HOME", "~/course")
    assert progress.path() == Path.home() / "course" / "progress-ada.json"
    monkeypatch.delenv("LABKIT_HOME")
    monkeypatch.setenv("LABKIT_LEARNER", "../bob")
    assert progress.path().name.startswith("progress-bob-")


def test_nothing_is_written_before_the_first_answer(home: Path) -> None:
    """Reading makes no file, and neither does a check without an answer."""
    assert progress.read() == {}
    assert progress.note(Verdict("90.fruit", PARTS, {}, answered=False)) == Record()
    assert not home.exists()


def test_what_was_noted_is_read_again(home: Path) -> None:
    """A record that was written is read again, the same."""
    record = progress.note(wrong())
    assert progress.read() == {"90.fruit": record}
    assert record == Record(0, 1, False, "a: nothing")


def test_an_attempt_is_a_failure_that_differs(home: Path) -> None:
    """Checking the same wrong answer again is no new attempt; another failure is."""
    seen = [progress.note(wrong(saw)).attempts for saw in (1, 1, 2, 2, 1)]
    assert seen == [1, 1, 2, 2, 3]


def test_the_same_function_is_one_attempt(home: Path) -> None:
    """Where the judge draws new inputs at each check, the answer tells attempts apart, not what was seen."""
    checks = [("f", 1, "a"), ("f", 2, "a"), ("g", 3, "a"), ("g", 4, "b")]
    seen = [progress.note(wrong(saw, key), answer=answer).attempts for answer, saw, key in checks]
    assert seen == [1, 1, 2, 3]


def test_the_best_score_is_kept(home: Path) -> None:
    """Points and solved never go down, and a solved exercise can be failed again without loss."""
    records = [progress.note(v) for v in (wrong(), verdict(passed("b")), SOLVED, wrong())]
    assert [record.points for record in records] == [0, 3, 5, 5]
    assert [record.solved for record in records] == [False, False, True, True]


def test_a_solution_is_no_attempt(home: Path) -> None:
    """Solving an exercise counts no attempt."""
    assert progress.note(SOLVED).attempts == 0


@pytest.mark.parametrize(("record", "offered"), [((0, 2, False), False), ((0, 3, False), True), ((5, 0, True), True)])
def test_the_reference_answer_is_offered(record: tuple[int, int, bool], offered: bool) -> None:
    """The reference answer is offered after three attempts, or when the exercise is solved."""
    assert Record(*record).offered == offered


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"5",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"90.fruit": 5}',
        b'{"90.fruit": {"points": "many"}}',
        b'{"90.fruit": {"points": 1, "attempts": null}}',
        b'{"90.fruit": {"colour": "red"}}',
    ],
    ids=lambda text: repr(text[:40]),
)
def test_an_unreadable_file_is_put_aside(home: Path, text: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that makes no sense is kept beside the new one, and the learner is told where."""
    home.mkdir()
    progress.path().write_bytes(text)
    assert progress.read() == {}
    aside = home / "progress-ada.unreadable"
    assert aside.read_bytes() == text
    assert str(aside) in capsys.readouterr().out
    assert progress.note(SOLVED).points == 5


def test_every_unreadable_file_is_kept(home: Path) -> None:
    """A second unreadable file does not take the place of the first."""
    home.mkdir()
    for text in ("one", "two", "three"):
        progress.path().write_text(text)
        progress.read()
    assert sorted(file.read_text() for file in home.iterdir()) == ["one", "three", "two"]


def test_nothing_else_is_left_in_the_folder(home: Path) -> None:
    """Beside the learner's file no part of an earlier one stays."""
    for saw in range(3):
        progress.note(wrong(saw))
    assert [file.name for file in home.iterdir()] == ["progress-ada.json"]


def no_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file stands where the folder should be made."""
    home.write_text("")


def no_room(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full."""

    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)


def no_rights(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is there, and may be read but not changed."""
    home.mkdir()

    def refused(*_: object, **__: object) -> int:
        raise PermissionError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "write_text", refused)


HOPELESS = pytest.mark.parametrize("hopeless", [no_folder, no_room, no_rights], ids=lambda f: f.__name__)


@HOPELESS
def test_what_cannot_be_saved_still_counts(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], hopeless: object
) -> None:
    """Where the file cannot be written, attempts and points count until the kernel ends, and that is said."""
    assert callable(hopeless)
    hopeless(home, monkeypatch)
    assert [progress.note(v).attempts for v in (wrong(1), wrong(1), wrong(2))] == [1, 1, 2]
    assert progress.note(SOLVED).points == 5
    assert progress.read()["90.fruit"].solved
    out = capsys.readouterr().out
    assert f"cannot be saved in {progress.path()}: " in out
    assert "LABKIT_HOME" in out


def test_what_was_not_saved_is_saved_later(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When there is room again, what was remembered is written with the next check."""
    with monkeypatch.context() as patched:
        no_room(home, patched)
        progress.note(wrong())
    progress.note(verdict(passed("a"), exercise="91.box"))
    monkeypatch.setattr("labkit.course.progress._unsaved", {})
    assert set(progress.read()) == {"90.fruit", "91.box"}
    assert [file.name for file in home.iterdir()] == ["progress-ada.json"]


def test_a_file_that_may_not_be_read_is_left_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that the system refuses to show is neither moved nor overwritten."""
    progress.note(SOLVED)

    def refused(*_: object, **__: object) -> str:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_text", refused)
        assert progress.note(wrong()).points == 0
    monkeypatch.setattr("labkit.course.progress._unsaved", {})
    assert [file.name for file in home.iterdir()] == ["progress-ada.json"]
    assert progress.read()["90.fruit"].solved


MANY = """
import sys
from labkit.course import progress
from labkit.course.verdict import Part, Verdict, passed
for number in range(30):
    progress.note(Verdict.of(f"{sys.argv[1]}.{number}", (Part("a", 1, ""),), [passed("a")]))
"""


def test_two_kernels_write_one_file(home: Path) -> None:
    """Two notebooks of one learner check at the same time, and no point is lost."""
    words = [[sys.executable, "-c", MANY, who] for who in ("90", "91", "92")]
    running = [subprocess.Popen(word, cwd=ROOT) for word in words]
    assert [kernel.wait() for kernel in running] == [0, 0, 0]
    assert sum(record.points for record in progress.read().values()) == 90


def test_forgetting_starts_again(home: Path) -> None:
    """After forget() there is no record, and forgetting nothing is no error."""
    progress.note(SOLVED)
    progress.forget()
    progress.forget()
    assert progress.read() == {}
