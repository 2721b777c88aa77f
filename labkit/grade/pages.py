"""The batch as pages: one for the class, one for each submission. Each is one file that needs nothing else.

Names, answers and outputs are the learners' own, so every text is escaped and loses its control characters,
and the pages forbid the browser to run or load anything.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.course.show import SIGNS as PART_SIGNS
from labkit.grade.results import Batch, Result
from labkit.grade.tables import write_whole
from labkit.grade.tally import by_chapter, is_graded, remarks
from labkit.grade.texts import SIGNS, WORDS, file_names, last_lines, one_line, plain, sentence_case, what_happened

if TYPE_CHECKING:
    from jinja2 import Environment

MOST = 6
"""Misunderstandings listed for each exercise."""

MATCHES = {
    "metadata": "Your answer was recognised by its cell’s mark.",
    "id": "The mark of your answer’s cell was lost; it was recognised by the cell’s id.",
    "comment": "The mark and the id of your answer’s cell were lost; it was recognised by its first line.",
    "": "No cell of your notebook was recognised as the answer.",
}
"""How the answer was found, as a learner reads it."""


def write_pages(batch: Batch, folder: Path) -> None:
    """Write ``report.html`` for the class, and ``reports/<name>.html`` for each submission.

    Raises:
        LabError: if there is no room or no permission.
    """
    pages = file_names(batch.results)
    for name, result in zip(pages, batch.results, strict=True):
        write_whole(folder / "reports" / f"{name}.html", learner_page(batch, result).encode())
    write_whole(folder / "report.html", class_page(batch, pages).encode())


def class_page(batch: Batch, pages: list[str]) -> str:
    """Return the page for the instructor.

    Args:
        batch: everything that was found out.
        pages: the name of each submission's own page.
    """
    return _render(
        "class.html.j2",
        batch=batch,
        graded=sum(map(is_graded, batch.results)),
        tallies=by_chapter(batch),
        remarks=remarks(batch),
        page_of=_by_identity(batch, pages),
        most=MOST,
    )


def _by_identity(batch: Batch, pages: list[str]) -> Callable[[Result], str]:
    """A function from a submission to its page; two submissions may be equal in everything."""
    known = {id(result): page for result, page in zip(batch.results, pages, strict=True)}
    return lambda result: known[id(result)]


def learner_page(batch: Batch, result: Result) -> str:
    """Return the page for one learner."""
    return _render("learner.html.j2", batch=batch, result=result, matches=MATCHES, part_signs=PART_SIGNS)


def _render(template: str, **values: Any) -> str:
    return _environment().get_template(template).render(words=WORDS, signs=SIGNS, what_happened=what_happened, **values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("labkit.grade"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "date": date,
        "last_lines": last_lines,
        "one_line": one_line,
        "sentence_case": sentence_case,
    }
    return environment


def _printable(value: Any) -> Any:
    """What a template prints: texts lose their control characters, unless the template made them."""
    return plain(value) if type(value) is str else value


def date(moment: str) -> str:
    """Return a moment in ISO 8601 as people write it; anything else as it is.

    >>> date("2026-03-01T09:30:00+00:00")
    '1 March 2026, 09:30 UTC'
    """
    try:
        when = datetime.fromisoformat(moment)
    except ValueError:
        return moment
    return f"{when.day} {when:%B %Y, %H:%M %Z}".strip()
