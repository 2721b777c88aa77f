"""A whole class: submissions in, results out, and never the same work twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from labkit.grade import levels
from labkit.grade.chapters import Chapter
from labkit.grade.journal import Journal, key
from labkit.grade.results import Batch, Result
from labkit.grade.seeds import noting_who_has_none, tickets, whose
from labkit.grade.staff import Options as Options
from labkit.grade.staff import Staff, ungraded
from labkit.grade.submission import Submission
from labkit.version import __version__

Step = Callable[[Result], None]


def grade(
    submissions: Sequence[Submission],
    chapters: Mapping[str, Chapter],
    options: Options,
    *,
    step: Step = lambda _: None,
    say: Callable[[str], None] = lambda _: None,
) -> Batch:
    """Grade them all; return the results in the same order.

    Args:
        submissions: as they were read.
        chapters: as shipped, by number.
        options: how.
        step: is called with each result as soon as it is there.
        say: is called with a sentence if results cannot be kept on the way: an interruption would lose them.

    Raises:
        CourseError: if the options ask for what cannot be.
    """
    level, chosen = levels.choose(options.level), tickets(options.seed_from)
    submissions = noting_who_has_none(submissions, chosen, options.seed_from)
    journal, how = Journal(options.out, again=options.again), (options.level, options.timeout)
    wanted = [(submission, key(submission, chapters, *how, whose(chosen(submission)))) for submission in submissions]
    results: dict[int, Result] = {}
    for number, (submission, mark) in enumerate(wanted):
        if (known := _without_grading(submission, mark, journal)) is not None:
            results[number] = known
            step(known)
    todo = [number for number in range(len(wanted)) if number not in results]
    with Staff(options, chapters, chosen, len(todo)) as staff:
        engine = staff.check([wanted[number][0] for number in todo])
        for number, result in staff.run([(number, *wanted[number]) for number in todo]):
            results[number], before = result, journal.lost
            journal.add(result)
            step(result)
            if journal.lost != before:
                say(f"{journal.lost} Grading goes on, but is lost if it is interrupted.")
    ordered = _noting_doubles([results[number] for number in range(len(wanted))])
    made = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
    return Batch(tuple(ordered), level.name, level.sentence, made, __version__, engine)


def _without_grading(submission: Submission, mark: str, journal: Journal) -> Result | None:
    if submission.problem:
        return ungraded(submission, "unreadable", submission.problem)
    return journal.find(mark)


def _noting_doubles(results: list[Result]) -> list[Result]:
    """Say so where one learner handed in more than one notebook of a chapter; each was graded."""
    whose = [(result.learner, result.chapter) for result in results]
    many = {who: count for who, count in Counter(whose).items() if count > 1 and who[1]}
    noted = []
    for result, who in zip(results, whose, strict=True):
        note = f"{result.learner} handed in {many.get(who)} notebooks of chapter {result.chapter}; each was graded."
        fresh = tuple(n for n in result.notes if not n.endswith("each was graded."))
        noted.append(replace(result, notes=(*fresh, note) if who in many else fresh))
    return noted
