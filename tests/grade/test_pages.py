"""The pages say everything, to everybody, on paper too, and nothing that a learner wrote becomes part of them."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given

from labkit.course.exercise import exercises
from labkit.errors import LabError
from labkit.grade.pages import class_page, date, learner_page, write_pages
from labkit.grade.results import Batch, ExerciseResult, Result
from labkit.grade.texts import file_names
from tests.grade import anything, samples

VOID = {"meta", "br", "line", "rect"}
"""Elements without an end, as we write them; the last two end themselves."""

INLINE = {"a", "b", "bdi", "small", "span", "time"}
"""Elements that stand in a line; the others begin a new one."""


class Page(HTMLParser):
    """A page as a browser sees it: its elements, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.pieces: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element; nothing nests in a void one."""
        self.elements.append((tag, dict(attrs)))
        self.pieces.append("" if tag in INLINE else " ")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Every element ends inside the one in which it began."""
        self.pieces.append("" if tag in INLINE else " ")
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep what is read on the page."""
        if self.open[-1:] not in (["style"], ["title"]):
            self.pieces.append(data)

    @property
    def text(self) -> str:
        """What is read on the page, with single spaces."""
        return " ".join("".join(self.pieces).split())

    def attributes(self, tag: str, name: str) -> list[str]:
        """The values of one attribute of all elements of one kind."""
        return [attrs.get(name) or "" for element, attrs in self.elements if element == tag and name in attrs]


def class_of(batch: Batch) -> Page:
    """The class's page."""
    return Page(class_page(batch, file_names(batch.results)))


def page_of(result: Result, batch: Batch | None = None) -> Page:
    """One learner's page."""
    return Page(learner_page(batch or samples.batch(), result))


def submission(learner: str) -> Result:
    """One learner's unusual submission."""
    return next(result for result in samples.unusual() if result.learner == learner)


ALL = [class_of(samples.batch()), *map(page_of, samples.unusual())]

# --- Any page ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", ALL, ids=range(len(ALL)))
def test_pages_need_nothing_else(page: Page) -> None:
    """A page loads nothing, runs nothing, and forbids the browser to: its links lead into it or to its neighbours."""
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    named = {name for _, attrs in page.elements for name in attrs}
    assert not named & {"src", "srcset", "style", "background", "action"} and not any(n.startswith("on") for n in named)
    assert all(re.fullmatch(r"#.+|reports/[a-z0-9-]+\.html", href) for href in page.attributes("a", "href"))
    assert "default-src 'none'; style-src 'unsafe-inline'" in page.attributes("meta", "content")


@pytest.mark.parametrize("page", ALL, ids=range(len(ALL)))
def test_pages_are_for_everybody(page: Page) -> None:
    """A page has a language, one title and one top heading; each heading of a table says of what it is the heading."""
    tags = [tag for tag, _ in page.elements]
    assert page.attributes("html", "lang") == ["en"]
    assert (tags.count("title"), tags.count("h1"), tags.count("main")) == (1, 1, 1)
    assert [attrs for tag, attrs in page.elements if tag == "th" and attrs.get("scope") not in ("row", "col")] == []


@pytest.mark.parametrize("page", ALL, ids=range(len(ALL)))
def test_signs_have_words(page: Page) -> None:
    """No sign and no picture stands without words, so nothing depends on colour or on seeing it."""
    images = [attrs for _, attrs in page.elements if attrs.get("role") == "img"]
    known = set(page.attributes("figcaption", "id"))
    assert [one for one in images if not one.get("aria-label") and one.get("aria-labelledby") not in known] == []
    pictures = [attrs for tag, attrs in page.elements if tag == "svg"]
    assert all(attrs.get("role") == "img" or attrs.get("aria-hidden") == "true" for attrs in pictures)


@pytest.mark.parametrize("page", ALL, ids=range(len(ALL)))
def test_pages_say_how_they_came_about(page: Page) -> None:
    """Level, isolation, version, engine and date stand on every page."""
    batch = samples.batch()
    for words in (batch.isolation, f"Level {batch.level}", f"labkit {batch.labkit}", batch.engine, date(batch.made)):
        assert words in page.text


def test_pages_are_printable() -> None:
    """On paper no row is cut, headings stay with what they head, and a table's head is on each of its pages."""
    html = learner_page(samples.batch(), samples.ordinary()[0])
    on_paper = html.partition("@media print")[2].partition("</style>")[0]
    assert re.search(r"tr, li, figure, pre[^{]*\{ break-inside: avoid", on_paper)
    assert "table-header-group" in on_paper
    assert "text-decoration: none" in on_paper


@given(anything.batches)
def test_nothing_that_a_learner_writes_becomes_part_of_a_page(batch: Batch) -> None:
    """Whatever the texts are, the pages stay whole, and are made of our elements and of printable characters only."""
    ours = {tag for page in ALL for tag, _ in page.elements}
    pages = [class_page(batch, file_names(batch.results)), *(learner_page(batch, result) for result in batch.results)]
    for html in pages:
        assert {tag for tag, _ in Page(html).elements} <= ours
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", html)


def test_a_script_is_a_name() -> None:
    """A learner called <script> is greeted by that name."""
    result = submission("<script>alert(1)</script>")
    assert "<script>alert(1)</script>" in page_of(result).text
    assert "&lt;script&gt;" in learner_page(samples.batch(), result)


# --- Files ------------------------------------------------------------------------------------------------


def test_every_submission_has_its_file(tmp_path: Path) -> None:
    """One page for the class, one for each submission, all below the folder, and the links lead to them."""
    batch = samples.batch()
    write_pages(batch, tmp_path / "out")
    written = {path.relative_to(tmp_path / "out").as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    page = Page((tmp_path / "out" / "report.html").read_text("utf-8"))
    assert len(written) == len(batch.results) + 1
    assert written == {"report.html", *page.attributes("a", "href")}


def test_equal_submissions_have_a_page_each(tmp_path: Path) -> None:
    """Two submissions that are equal in everything are two links to two pages."""
    batch = samples.batch(samples.handed_in("ada", "00"), samples.handed_in("ada", "00"))
    write_pages(batch, tmp_path)
    table = Page((tmp_path / "report.html").read_text("utf-8")).attributes("a", "href")
    assert {f"reports/{path.name}" for path in (tmp_path / "reports").iterdir()} == set(table)
    assert len(set(table)) == 2


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """Where nothing can be written, an error says so with the path."""
    (tmp_path / "reports").write_text("a file")
    with pytest.raises(LabError, match="reports"):
        write_pages(samples.batch(), tmp_path)


# --- The class's page -------------------------------------------------------------------------------------


def test_the_headline() -> None:
    """How many were handed in, how many were graded, and the median of each chapter."""
    page = class_of(samples.batch())
    assert "submissions 55 graded 52 median, chapter 00 8 of 8 points median, chapter 01 16 of 21 points" in page.text
    assert "Chapters 00 and 01" in page.text


def test_the_distribution_is_drawn_and_said() -> None:
    """Each bar carries its count, and the sentence below says what the bars show."""
    batch = samples.batch(*(samples.handed_in(name, "00") for name in ("ada", "bob", "eve")))
    page = class_of(batch)
    assert "Chapter 00. 3 of the 3 graded reached all 8 points, nobody stayed at 0. The median is 8." in page.text
    assert page.attributes("rect", "class") == ["bar"] * (1 + 3)  # one bar of points, three exercises solved
    assert "0 1 2 3 4 5 6 7 3 8 submissions by points" in page.text


@pytest.mark.parametrize(
    ("learner", "row"),
    [
        ("Bjarne S.", "1 ✗ 0 – 5 ✓ 2 ✗ 0 ✗ 8 Raised an exception"),
        ("Brian K.", "4 ✓ 3 ✓ 0 ✗ 0 – 0 – 7 Ended Python"),
        ("Guido v. R.", "4 ✓ 3 ✓ – – – – Not graded: The daemon no longer answers: connection refused."),
        ("Rasmus L.", "0 Could not be read: The file is empty: hand it in again."),
        ("Two↵Lines", "1 ✗ 3 ✓ 5 ✓ 5 ✓ 4 ✓ 18 Points missing"),
    ],
)
def test_the_table_of_learners(learner: str, row: str) -> None:
    """Each row has points and sign for each exercise, the total, and the status with its sentence."""
    assert f"{learner} {row}" in class_of(samples.batch()).text


def test_misunderstandings_are_counted() -> None:
    """For each exercise: how many solved it, and what went wrong in how many submissions."""
    text = class_of(samples.batch()).text
    assert "Who is in the group 01.group 21 of 32 solved" in text
    assert "7 of 32 A user's primary group stands in /etc/passwd. /etc/group need not repeat it, and may." in text
    assert "No answer: 4 · raised an exception: 1 · took too long: 1 · ended Python: 1" in text


def test_rare_misunderstandings_are_summed_up() -> None:
    """The most frequent misunderstandings are listed; of the others it says how many there are, and how rare."""
    word = samples.failed(exercises("00")[0])
    wrong = [replace(word, parts=(replace(word.parts[0], why=f"Turn {n}."),)) for n in range(9)]
    page = class_of(samples.batch(*(samples.handed_in(str(n), "00", one) for n, one in enumerate(wrong))))
    assert page.text.count("1 of 9 Turn") == 6
    assert "And 3 more, none in more than 1 submission." in page.text


def test_what_needs_an_eye_is_listed() -> None:
    """Each submission that a person must see is in the list, with its file; without any, that is said."""
    page = class_of(samples.batch())
    assert "These 8 submissions need a person’s look" in page.text
    assert "week1.zip/Grace Hopper/again.ipynb" in page.text
    assert "Nothing: every submission was read" in class_of(samples.batch(samples.handed_in("ada", "00"))).text


def test_a_class_without_grades() -> None:
    """An outage from the start, or no submission at all, still makes a page, and draws no distribution."""
    outage = samples.refused("ada", "a.ipynb", "infra-error", "There is no daemon.")
    for batch in (samples.batch(outage), replace(samples.batch(), results=())):
        page = class_of(batch)
        assert "graded 0" in page.text
        assert "figure" not in {tag for tag, _ in page.elements}


def test_many_exercises_have_upright_headings() -> None:
    """A chapter with more exercises than fit side by side turns their names."""
    many = tuple(ExerciseResult(f"05.long-name-{n}", "", "pass", 1, 1) for n in range(12))
    html = class_page(samples.batch(Result("f", "ada", "05", "", "pass", 12, 12, exercises=many)), ["ada"])
    assert '<table class="many">' in html
    assert '<table class="few">' in class_page(samples.batch(samples.handed_in("ada", "01")), ["ada"])


# --- A learner's page -------------------------------------------------------------------------------------


@pytest.mark.parametrize("result", samples.unusual(), ids=lambda r: ascii(r.learner))
def test_a_learner_reads_every_finding(result: Result) -> None:
    """For every part that failed: what must be true, expected, saw, look at and why; for every exercise its title."""
    text = page_of(result).text.casefold()
    for exercise in result.exercises:
        assert exercise.title.casefold() in text
        for part in exercise.parts:
            rows = (
                (part.truth, part.expected, part.saw, part.look_at, part.why) if part.state == "fail" else (part.truth,)
            )
            assert [row for row in rows if " ".join(row.casefold().split()) not in text] == []


def test_a_failed_part_reads_in_order() -> None:
    """Sign, truth, the three rows, the misunderstanding, the points."""
    word = samples.failed(exercises("00")[0])
    assert (
        "✗ The word is the one that the daemon has for your container "
        "expected the value of the label 'word', as a text saw 'brisk-heron' "
        "look at docker inspect labkit-00-word-heron-3f07-box, under Config.Labels "
        "why This is the word of the other container, the twin: names that differ by one word are two containers. "
        "0 of 2"
    ) in page_of(samples.handed_in("ada", "00", word)).text


def test_the_traceback_is_short_and_plain() -> None:
    """The last lines of a long traceback are there, without colour codes, and how much is left out is said."""
    page = page_of(submission("Bjarne S."))
    assert "KeyError: 'garden xxx" in page.text
    assert "… 791 lines above …" in page.text
    assert "[0;31m" not in page.text
    assert "deeper(300)" not in page.text


@pytest.mark.parametrize(
    ("learner", "words"),
    [
        ("Bjarne S.", "8 of 21 points"),
        ("Bjarne S.", "it was recognised by its first line. Your answer was in two cells; they were joined."),
        ("Bjarne S.", "No cell of your notebook was recognised as the answer."),
        ("Bjarne S.", "neither helped nor harmed: cell 12, new: print(daemon.client.containers.list())"),
        ("Linus T.", "it was recognised by the cell’s id."),
        ("Linus T.", "The answer took longer than 20 s and was interrupted."),
        ("Brian K.", "Nothing could be asked of it afterwards. Python ended with exit code 1."),
        ("Brian K.", "This exercise could not be run because of what happened before it."),
        ("Brian K.", "Not reached: the four events of its life are named in order"),
        ("Guido v. R.", "No score yet"),
        ("Guido v. R.", "The grader failed, not you. There is no score yet, and you need not do anything."),
        ("Rasmus L.", "Your file could not be read as a notebook of the course. The file is empty: hand it in again."),
    ],
)
def test_a_learner_reads_what_happened(learner: str, words: str) -> None:
    """Every status is a sentence to the learner; an outage is nobody's mark; what did not count is listed."""
    assert words in page_of(submission(learner)).text


def test_a_learner_does_not_read_the_instructors_notes() -> None:
    """Notes for the instructor stay on the class's page."""
    result = submission("Bjarne S.")
    assert result.notes[0] not in page_of(result).text
    assert result.notes[0] in class_of(samples.batch(result)).text


def test_an_outage_shows_no_points() -> None:
    """Where there is no score, the page's title and headings show none, neither 0 nor another."""
    html = learner_page(samples.batch(), submission("Guido v. R."))
    assert "<title>Guido v. R.: chapter 01, no score</title>" in html
    assert " of 21" not in html


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("2026-03-01T09:30:00+00:00", "1 March 2026, 09:30 UTC"),
        ("2026-12-24T18:05:59+05:30", "24 December 2026, 18:05 UTC+05:30"),
        ("2026-03-01T09:30:00", "1 March 2026, 09:30"),
        ("some day", "some day"),
    ],
)
def test_dates(moment: str, words: str) -> None:
    """A moment is written as people write it; what is none stays as it is."""
    assert date(moment) == words
