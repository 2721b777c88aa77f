"""How a verdict looks: as text, as HTML for a page without a kernel, and as a widget with buttons."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

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
        return f"{exercise.id}   not answered yet: replace the TODO in the cell above, run it, then this one."
    lines = [f"{exercise.id}   {verdict.points} of {verdict.total} points"]
    for part in verdict.parts:
        state = verdict.state(part)
        lines.append(f"  {SIGNS[state]} {'not reached: ' if state == 'not reached' else ''}{part.truth}")
        if part.key in verdict.findings:
            lines += [f"      {label:<9} {value}" for label, value in _rows(verdict.findings[part.key])]
    if not verdict.solved and (hint := next_hint(exercise, record)):
        lines.append(hint)
    return "\n".join([*lines, chapter_line(exercise.chapter)])


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
    offered = record.attempts >= 3
    return line + (f'\nThe reference answer, if you want it: solution("{exercise.id}")' if offered else "")


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
    below = ["" if verdict.solved else next_hint(exercise, record), chapter_line(exercise.chapter)]
    notes = "".join(f"<p>{escape(line)}</p>" for line in "\n".join(below).splitlines() if line)
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

    if widget:
        display(as_widget(verdict, exercise, record))
        return
    data = {"text/plain": text(verdict, exercise, record), "text/html": html(verdict, exercise, record)}
    display(data, raw=True)


def as_widget(verdict: Verdict, exercise: Exercise, record: Record) -> Widget:
    """The verdict with a bar for the chapter, a button for each earned hint, and one for the reference answer."""
    import ipywidgets

    from labkit.course import desk

    solved, points, count, total = chapter_sums(exercise.chapter)
    bar: Any = ipywidgets.IntProgress(points, 0, total, description=f"Chapter {exercise.chapter}")
    said = ipywidgets.HTML(f"{points} of {total} points, {solved} of {count} exercises")
    below: Any = ipywidgets.HTML()
    buttons = []
    for number, hint in enumerate(exercise.hints[: record.attempts], 1):
        button: Any = ipywidgets.Button(description=f"Hint {number}")
        button.on_click(lambda _, words=hint: below.set_trait("value", f"<p>{escape(words)}</p>"))
        buttons.append(button)
    if record.solved or record.attempts >= desk.PATIENCE:
        offer: Any = ipywidgets.Button(description="Reference answer", layout={"width": "auto"})
        answer = f"<pre>{escape(desk.reference(exercise.id))}</pre>"
        offer.on_click(lambda _: below.set_trait("value", answer))
        buttons.append(offer)
    body = ipywidgets.HTML(html(verdict, exercise, record))
    return ipywidgets.VBox([body, ipywidgets.HBox(buttons), below, ipywidgets.HBox([bar, said])])
