"""A class is counted fairly: nobody twice, no outage as a mark, and what was often misunderstood comes first."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.course.exercise import exercises
from labkit.grade.results import Batch, Status
from labkit.grade.tally import BARS, ChapterTally, Trouble, by_chapter, is_graded, remarks
from tests.grade import anything, samples


def tally(*points: int, total: int = 8) -> ChapterTally:
    """A chapter in which these points were reached."""
    return ChapterTally("01", (), tuple(sorted(points)), total, ())


@given(st.lists(st.integers(0, 300), min_size=1), st.integers(0, 300))
def test_every_submission_stands_in_one_bar(points: list[int], total: int) -> None:
    """The bars cover 0 to the total without gap or overlap, are few enough to be read, and hold everybody."""
    bars = tally(*(min(point, total) for point in points), total=total).bars
    covered = [point for bar in bars for point in range(bar.low, bar.high + 1)]
    assert covered == list(range(total + 1))
    assert len(bars) <= BARS
    assert sum(bar.count for bar in bars) == len(points)


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        ((), "Nothing could be graded."),
        ((8,), "1 of the 1 graded reached all 8 points, nobody stayed at 0. The median is 8."),
        ((0, 3), "None of the 2 graded reached all 8 points, 1 stayed at 0. The median is 1.5."),
        (
            (0, 2, 4, 6, 8),
            "1 of the 5 graded reached all 8 points, 1 stayed at 0. "
            "The median is 4; the middle half lies between 2 and 6.",
        ),
    ],
)
def test_the_sentence_says_what_the_bars_show(points: tuple[int, ...], sentence: str) -> None:
    """How many reached everything, how many nothing, the median, and where half of the class is."""
    assert tally(*points).sentence == sentence


@given(anything.batches)
def test_chapters_share_out_the_batch(batch: Batch) -> None:
    """Every submission is in exactly one chapter, in the order of the batch; no chapter is the last of them."""
    chapters = by_chapter(batch)
    assert [c.chapter for c in chapters] == sorted({r.chapter for r in batch.results}, key=lambda c: c or "~")
    for chapter in chapters:
        assert list(chapter.results) == [r for r in batch.results if r.chapter == chapter.chapter]
        assert len(chapter.points) == sum(map(is_graded, chapter.results))


@pytest.mark.parametrize(
    ("status", "points", "graded"), [("fail", 0, True), ("unreadable", 0, False), ("pass", 8, True)]
)
def test_a_file_that_cannot_be_read_is_not_graded(status: Status, points: int, graded: bool) -> None:
    """The points of an unreadable file say nothing about answers, so no median counts them; a real 0 counts."""
    result = replace(samples.handed_in("ada", "00"), status=status, points=points)
    assert is_graded(result) == graded


def test_an_outage_is_not_graded() -> None:
    """A submission without a score is in no median and in no bar."""
    assert not is_graded(replace(samples.handed_in("ada", "00"), status="infra-error", points=None))


def test_misunderstandings_are_counted_by_submission() -> None:
    """The same misunderstanding in three parts of one answer counts once, and the most frequent comes first."""
    _, path, _ = exercises("00")
    one = samples.failed(path)
    same = replace(one, parts=tuple(replace(p, state="fail", why="Alike.") for p in one.parts))
    found = [same, one, one]
    [chapter] = by_chapter(samples.batch(*(samples.handed_in(str(n), "00", e) for n, e in enumerate(found))))
    assert chapter.exercises[1].troubles == (
        Trouble(2, "That is its name inside the container; the host calls the same file by another path."),
        Trouble(1, "Alike."),
    )


def test_without_a_why_the_truth_is_what_learners_share() -> None:
    """What was expected names a learner's own container, so the part's truth stands for the misunderstanding."""
    by_hand = exercises("01")[3]
    [chapter] = by_chapter(samples.batch(samples.handed_in("ada", "01", samples.failed(by_hand, "statuses"))))
    words = "Not so: the three status codes are those that the daemon answered with."
    assert chapter.exercises[3].troubles == (Trouble(1, words),)


def test_an_exercise_is_counted_over_those_with_a_score() -> None:
    """An answer that is missing counts among the judged; an outage or an unreadable file does not."""
    word = exercises("00")[0]
    states = ("missing", "missing", "infra-error", "unreadable", "timeout")
    found = [samples.unreached(word, state) for state in states] + [samples.solved(word)]
    [chapter] = by_chapter(samples.batch(*(samples.handed_in(str(n), "00", e) for n, e in enumerate(found))))
    first = chapter.exercises[0]
    assert (first.solved, first.judged) == (1, 4)
    assert first.others == (Trouble(2, "no answer"), Trouble(1, "took too long"))


def test_what_a_person_must_see() -> None:
    """Outages, deaths, timeouts, unreadable files and notes, as of double submissions, are listed; nothing else."""
    found = [(remark.result.learner, *remark.sentences) for remark in remarks(samples.batch())]
    outage = "The daemon no longer answers: connection refused."
    edition = "This is an older edition of the chapter (3f07ab12cd34); its answers were put into the current one."
    assert found == [
        ("Grace Hopper", samples.TWICE),
        ("Linus T.", "01.ping took too long: The answer took longer than 20 s and was interrupted."),
        ("Brian K.", "01.ping ended Python: Python ended with exit code 1."),
        ("Bjarne S.", edition),
        ("Guido v. R.", f"01.ping, 01.by-hand, 01.events not graded: {outage}"),
        ("Grace Hopper", samples.TWICE),
        ("Rasmus L.", "Could not be read: The file is empty: hand it in again."),
        ("Yukihiro M.", "Could not be read: The file has 50 MB; 20 MB are allowed."),
    ]


def test_an_outage_may_say_more_than_its_exercises() -> None:
    """Where the submission has a sentence of its own, it comes first."""
    lost = samples.unreached(exercises("00")[0], "infra-error", "Refused.")
    [remark] = remarks(samples.batch(samples.handed_in("ada", "00", lost, sentence="The disk is full.")))
    assert remark.sentences == ("Not graded: The disk is full.", "00.word not graded: Refused.")
