"""How a verdict looks: as text, as HTML for a page without a kernel, and as a widget with buttons."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from labkit import errors
from labkit.course import progress as records
from labkit.course.exercise import Exercise, exercises
from labkit.course.progress import Record
from labkit.course.verdict import Finding, Verdict

if TYPE_CHECKING:
    from ipywidgets import Widget

SIGNS = {"pass": "✓", "fail": "✗", "not reached": "–"}


def summary(verdict: Verdict) -> str:
    """One line: the exercise and its points."""
    if not verdict.answered:
        return f"{verdict.exercise}: not answered yet."
    return f"{verdict.exercise}: {verdict.points} of {verdict.total} points."


def text(verdict: Verdict, exercise: Exercise, record: Record) -> str:
    """The whole verdict as plain text, ending with the next hint and the chapter's progress."""
    if not verdict.answered:
        returns = " A function answers by what it returns." if exercise.kind == "program" else ""
        return f"{exercise.id}   not answered yet: replace the TODO in the cell above, run it, then this one.{returns}"
    lines = [f"{exercise.id}   {verdict.points} of {verdict.total} points"]
    for part in verdict.parts:
        state = verdict.state(part)
        lines.append(f"  {SIGNS[state]} {'not reached: ' if state == 'not reached' else ''}{part.truth}")
        if part.key in verdict.findings:
            lines += [_text_row(label, value) for label, value in _rows(verdict.findings[part.key])]
    return "\n".join([*lines, *_below(verdict, exercise, record)])


def _text_row(label: str, value: str) -> str:
    """One line under a failed part; what has several lines goes on below its first."""
    start = f"{label:<10}" if label else ""
    return "      " + start + value.replace("\n", "\n" + " " * (6 + len(start)))


def _below(verdict: Verdict, exercise: Exercise, record: Record) -> list[str]:
    """The lines under the parts."""
    hint = "" if verdict.solved else next_hint(exercise, record)
    lost = "" if verdict.findings else f'There is nothing to judge. For a clean world: task = begin("{exercise.id}")'
    return [line for line in (lost, *hint.split("\n"), chapter_line(exercise.chapter)) if line]


def _rows(finding: Finding) -> list[tuple[str, str]]:
    """The three lines under a failed part, and the misunderstanding where it is known."""
    rows = [("expected", finding.expected), ("saw", finding.saw), ("look at", finding.look_at), ("", finding.why)]
    return [(label, value) for label, value in rows if value]


def next_hint(exercise: Exercise, record: Record) -> str:
    """The newest hint that the learner has earned, and what comes after the last."""
    count = min(record.attempts, len(exercise.hints))
    if not count:
        return ""
    line = f"Hint {count} of {len(exercise.hints)}: {exercise.hints[count - 1]}"
    return line + (f'\nThe reference answer, if you want it: solution("{exercise.id}")' if record.offered else "")


def hints(exercise: Exercise, record: Record) -> str:
    """All hints that the learner has earned."""
    earned = exercise.hints[: record.attempts]
    if not earned:
        return "No hint yet: each failed check earns one."
    return "\n".join(f"Hint {n} of {len(exercise.hints)}: {hint}" for n, hint in enumerate(earned, 1))


def progress_line(exercise: Exercise, record: Record) -> str:
    """One exercise: its sign, points, id and title."""
    sign = SIGNS["pass"] if record.solved else SIGNS["fail"] if record.attempts else SIGNS["not reached"]
    return f"{sign} {record.points:2} of {exercise.total:2}  {exercise.id:<14} {exercise.title}"


def chapter_line(chapter: str) -> str:
    """Where the learner stands in the chapter."""
    solved, points, count, total = chapter_sums(chapter)
    return f"Chapter {chapter}: {points} of {total} points, {solved} of {count} exercises solved."


def chapter_sums(chapter: str) -> tuple[int, int, int, int]:
    """Exercises solved, points reached, exercises and points that there are."""
    known = records.read()
    mine = exercises(chapter)
    reached = [known.get(exercise.id, Record()) for exercise in mine]
    return (
        sum(record.solved for record in reached),
        sum(record.points for record in reached),
        len(mine),
        sum(exercise.total for exercise in mine),
    )


def html(verdict: Verdict, exercise: Exercise, record: Record) -> str:
    """The same as ``text``, as a table; signs and words carry the meaning, colour only repeats it."""
    if not verdict.answered:
        return f"<p>{escape(text(verdict, exercise, record))}</p>"
    rows = "".join(_html_row(verdict, index) for index in range(len(verdict.parts)))
    notes = "".join(f"<p>{escape(line)}</p>" for line in _below(verdict, exercise, record))
    head = f"<b>{exercise.id}</b> {escape(exercise.title)}: {verdict.points} of {verdict.total} points"
    return f"<div style='border-left:4px solid {_colour(verdict)};padding-left:1em'>{head}{_table(rows)}{notes}</div>"


def _table(rows: str) -> str:
    return f"<table style='margin:.5em 0;text-align:left'>{rows}</table>"


def _colour(verdict: Verdict) -> str:
    return "#2a7" if verdict.solved else "#d80"


def _html_row(verdict: Verdict, index: int) -> str:
    part = verdict.parts[index]
    state = verdict.state(part)
    found = verdict.findings.get(part.key)
    details = "".join(
        f"<div style='margin-left:1em'><i>{escape(label)}</i> {escape(value)}</div>"
        for label, value in (_rows(found) if found else ())
    )
    cells = (SIGNS[state], f"{part.points if state == 'pass' else 0}/{part.points}")
    left = "".join(f"<td style='vertical-align:top'>{cell}</td>" for cell in cells)
    words = escape(part.truth) + (" <i>(not reached)</i>" if state == "not reached" else "")
    return f"<tr>{left}<td style='text-align:left'>{words}{details}</td></tr>"


def show(verdict: Verdict, exercise: Exercise, record: Record, *, widget: bool) -> None:
    """Display the verdict: the page picks HTML or text, whichever it can."""
    from IPython.display import display

    display(as_widget(verdict, exercise, record) if widget else Shown(verdict, exercise, record))


@dataclass(frozen=True)
class Shown:
    """A verdict as it stands on a page: HTML where that can be shown, else text."""

    verdict: Verdict
    exercise: Exercise
    record: Record

    def __repr__(self) -> str:
        return text(self.verdict, self.exercise, self.record)

    def _repr_html_(self) -> str:
        return html(self.verdict, self.exercise, self.record)


def as_widget(verdict: Verdict, exercise: Exercise, record: Record) -> Widget:
    """The verdict with a bar for the chapter, a button for each earned hint, and one for the reference answer."""
    import ipywidgets

    _, points, _, total = chapter_sums(exercise.chapter)
    bar: Any = ipywidgets.IntProgress(points, 0, total, description=f"Chapter {exercise.chapter}")
    below: Any = ipywidgets.HTML()
    buttons = []
    for number, hint in enumerate(exercise.hints[: record.attempts], 1):
        button: Any = ipywidgets.Button(description=f"Hint {number}")
        button.on_click(lambda _, words=hint: below.set_trait("value", f"<p>{escape(words)}</p>"))
        buttons.append(button)
    if record.offered:
        offer: Any = ipywidgets.Button(description="Reference answer", layout={"width": "auto"})
        offer.on_click(lambda _: below.set_trait("value", f"<pre>{escape(_reference(exercise))}</pre>"))
        buttons.append(offer)
    body = ipywidgets.HTML(html(verdict, exercise, record))
    return ipywidgets.VBox([body, bar, ipywidgets.HBox(buttons), below])


def _reference(exercise: Exercise) -> str:
    try:
        return exercise.reference()
    except errors.CourseError as error:
        return str(error)
