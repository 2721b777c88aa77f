"""What a class's results come to: how the points are spread, what was often misunderstood, what a person must see."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from labkit.grade.results import Batch, ExerciseResult, Result, Status
from labkit.grade.texts import WORDS, sentence_case

BARS = 24
"""More bars than this cannot be told apart on a page: above it, one bar stands for several points."""

_WITHOUT_ANSWERS = ("infra-error", "unreadable")
_TO_BE_SEEN = (*_WITHOUT_ANSWERS, "kernel-died", "timeout")


@dataclass(frozen=True)
class Bar:
    """How many submissions reached between ``low`` and ``high`` points, both included."""

    low: int
    high: int
    count: int


@dataclass(frozen=True)
class Trouble:
    """One thing that went wrong, in words, and in how many submissions."""

    count: int
    words: str


@dataclass(frozen=True)
class ExerciseTally:
    """One exercise over a class.

    Attributes:
        exercise, title, total: as in ``ExerciseResult``.
        solved: submissions with all points.
        judged: submissions with a score, those without an answer included.
        troubles: what was misunderstood, the most frequent first.
        others: why there was less to judge, such as no answer, the most frequent first.
    """

    exercise: str
    title: str
    total: int
    solved: int
    judged: int
    troubles: tuple[Trouble, ...]
    others: tuple[Trouble, ...]


@dataclass(frozen=True)
class ChapterTally:
    """One chapter over a class.

    Attributes:
        chapter: its two digits; empty where nobody can tell.
        results: every submission, in the order of the batch.
        points: of the graded ones, the lowest first.
        total: the points that there are.
        exercises: each exercise, in the chapter's order.
    """

    chapter: str
    results: tuple[Result, ...] = field(repr=False)
    points: tuple[int, ...]
    total: int
    exercises: tuple[ExerciseTally, ...]

    @property
    def median(self) -> float:
        """Half of the graded submissions have this many points or more."""
        return statistics.median(self.points)

    @property
    def bars(self) -> list[Bar]:
        """The distribution of the points, from 0 to the total."""
        width = -(-(self.total + 1) // BARS)
        lows = range(0, self.total + 1, width)
        edges = [(low, min(low + width - 1, self.total)) for low in lows]
        return [Bar(low, high, sum(low <= points <= high for points in self.points)) for low, high in edges]

    @property
    def sentence(self) -> str:
        """What the distribution shows, in words."""
        count, full, none = len(self.points), self.points.count(self.total), self.points.count(0)
        if not count:
            return "Nothing could be graded."
        spread = ""
        if count > 3:
            low, _, high = statistics.quantiles(self.points, method="inclusive")
            spread = f"; the middle half lies between {low:g} and {high:g}"
        return (
            f"{full or 'None'} of the {count} graded reached all {self.total} points, {none or 'nobody'} stayed at 0. "
            f"The median is {self.median:g}{spread}."
        )


def is_graded(result: Result | ExerciseResult) -> bool:
    """True if the points say something about the learner's answers."""
    return result.points is not None and result.status != "unreadable"


def by_chapter(batch: Batch) -> list[ChapterTally]:
    """Return each chapter of a batch; last, under no number, what belongs to none."""
    chapters = sorted({result.chapter for result in batch.results}, key=lambda chapter: (not chapter, chapter))
    return [_chapter(chapter, tuple(r for r in batch.results if r.chapter == chapter)) for chapter in chapters]


def _chapter(chapter: str, results: tuple[Result, ...]) -> ChapterTally:
    points = sorted(result.points for result in results if is_graded(result) and result.points is not None)
    total = max((result.total for result in results), default=0)
    return ChapterTally(chapter, results, tuple(points), total, tuple(_exercises(results)))


def _exercises(results: Iterable[Result]) -> list[ExerciseTally]:
    found: dict[str, list[ExerciseResult]] = {}
    for result in results:
        for exercise in result.exercises:
            found.setdefault(exercise.exercise, []).append(exercise)
    return [_exercise(exercises) for exercises in found.values()]


def _exercise(attempts: list[ExerciseResult]) -> ExerciseTally:
    judged = [attempt for attempt in attempts if is_graded(attempt)]
    # Each misunderstanding counts once in a submission, in however many parts it shows.
    wrong = [{misunderstanding(p.why, p.truth) for p in attempt.parts if p.state == "fail"} for attempt in judged]
    others = [WORDS[attempt.status] for attempt in judged if attempt.status not in ("pass", "fail")]
    return ExerciseTally(
        exercise=attempts[0].exercise,
        title=attempts[0].title,
        total=attempts[0].total,
        solved=sum(attempt.status == "pass" for attempt in judged),
        judged=len(judged),
        troubles=_counted(words for sentences in wrong for words in sorted(sentences)),
        others=_counted(others),
    )


def _counted(words: Iterable[str]) -> tuple[Trouble, ...]:
    return tuple(Trouble(count, word) for word, count in Counter(words).most_common())


def misunderstanding(why: str, truth: str) -> str:
    """Return what many learners may have in common: why it failed, or else what is not true.

    What was expected does not do: it names this learner's own containers and words.
    """
    return why or f"Not so: {truth}."


@dataclass(frozen=True)
class Remark:
    """What a person should look at in one submission."""

    result: Result
    sentences: tuple[str, ...]


def remarks(batch: Batch) -> list[Remark]:
    """Return what needs a person's eye, in the order of the batch. Two submissions of one learner have a note."""
    found = [Remark(result, tuple(_remarks(result))) for result in batch.results]
    return [remark for remark in found if remark.sentences]


def _remarks(result: Result) -> list[str]:
    alike: dict[tuple[Status, str], list[str]] = {}
    for exercise in result.exercises:
        if exercise.status in _TO_BE_SEEN:
            alike.setdefault((exercise.status, exercise.sentence), []).append(exercise.exercise)
    told = [said(f"{', '.join(ids)} {WORDS[status]}", sentence) for (status, sentence), ids in alike.items()]
    if result.status in _WITHOUT_ANSWERS and result.sentence not in {sentence for _, sentence in alike}:
        told.insert(0, said(WORDS[result.status], result.sentence))
    return [*told, *result.notes]


def said(words: str, sentence: str) -> str:
    """Return two or three words, and the sentence that says more where there is one."""
    return sentence_case(words) + (f": {sentence}" if sentence else ".")
