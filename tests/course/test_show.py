"""How a verdict looks: the same facts as text, as HTML and as a widget, and nothing by colour alone."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from IPython.core.formatters import DisplayFormatter
from IPython.lib.pretty import pretty

from labkit import errors
from labkit.course import progress, show
from labkit.course.exercise import Exercise
from labkit.course.progress import Record
from labkit.course.verdict import Finding, Verdict, failed, passed
from tests.course.samples import Box, Double, Fruit

pytestmark = pytest.mark.usefixtures("samples")


def verdict(*findings: Finding) -> Verdict:
    """A verdict on the exercise of the fruit."""
    return Verdict.of("90.fruit", Fruit.parts, findings)


def leek(saw: object = "leek") -> Finding:
    """What the judge finds where there should be a fruit."""
    return failed("kind", expected="your fruit", saw=saw, look_at="task.fruit", why="A fruit, not a vegetable.")


UNRIPE = failed("ripe", expected="ripe", saw="green", look_at="the sun")
NOBODY = Verdict("90.fruit", Fruit.parts, {}, answered=False)
VERDICTS = {
    "wrong": verdict(leek()),
    "half": verdict(passed("kind"), UNRIPE),
    "solved": verdict(passed("kind"), passed("ripe")),
    "unanswered": NOBODY,
    "lost": verdict(),
}
each_verdict = pytest.mark.parametrize("said", VERDICTS.values(), ids=VERDICTS)


class Words(HTMLParser):
    """The words of a page, as a person reads them, and the styles around them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        """Note the words between two tags."""
        self.words += data.split()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append(tag)


GOLDEN = """\
90.fruit   2 of 3 points
  ✓ it is the fruit
  ✗ it is ripe
      expected  ripe
      saw       green
      look at   the sun
Hint 1 of 3: Which fruit did you get?
Chapter 90: 0 of 5 points, 0 of 2 exercises solved."""

GOLDEN_WHY = """\
90.fruit   0 of 3 points
  ✗ it is the fruit
      expected  your fruit
      saw       leek
      look at   task.fruit
      A fruit, not a vegetable.
  – not reached: it is ripe
Hint 3 of 3: Hand in the text and " ripe".
The reference answer, if you want it: solution("90.fruit")
Chapter 90: 0 of 5 points, 0 of 2 exercises solved."""


def test_the_text_reads_as_planned() -> None:
    """The text has the shape of the sample: points, parts with their signs, three lines under a failure, a hint."""
    assert show.text(VERDICTS["half"], Fruit(), Record(attempts=1)) == GOLDEN


def test_a_known_misunderstanding_is_a_sentence() -> None:
    """The misunderstanding stands below the three lines, what was not reached says so, then comes the offer."""
    assert show.text(VERDICTS["wrong"], Fruit(), Record(attempts=3)) == GOLDEN_WHY


def test_several_lines_stay_in_their_column() -> None:
    """What was seen in several lines goes on below its first, so that no line of it looks like a part."""
    lines = show.text(verdict(leek("leek\n  ✓ it is the fruit")), Fruit(), Record()).split("\n")
    assert lines[3:5] == ["      saw       leek", "                  ✓ it is the fruit"]


@each_verdict
@pytest.mark.parametrize("attempts", [0, 1, 3])
def test_text_and_html_say_the_same(said: Verdict, attempts: int) -> None:
    """Every word of the text is in the HTML, except the punctuation around "not reached"."""
    record = Record(attempts=attempts)
    page = " ".join(Words(show.html(said, Fruit(), record)).words)
    words = re.findall(r"[^\W_]+", show.text(said, Fruit(), record))
    assert [word for word in words if word not in page] == []


@each_verdict
def test_nothing_is_said_by_colour_alone(said: Verdict) -> None:
    """Without any style, the HTML of a verdict still has a sign for each part."""
    page = re.sub(r" style='[^']*'", "", show.html(said, Fruit(), Record()))
    words = Words(page).words
    signs = [show.SIGNS[said.state(part)] for part in said.parts] if said.answered else []
    assert [word for word in words if word in show.SIGNS.values()] == signs


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", "</td></tr></table>", "&lt;b&gt;", '<img src="x">'])
def test_an_answer_is_no_html(evil: str) -> None:
    """An answer, a hint or a truth that looks like HTML is shown letter by letter."""

    class Evil(Fruit):
        title = evil
        hints = (evil,)

    plain = Words(show.html(verdict(leek("plain")), Fruit(), Record(attempts=1)))
    found = Words(show.html(verdict(leek(evil)), Evil(), Record(attempts=1)))
    assert found.tags == plain.tags
    assert evil.replace(" ", "") in "".join(found.words)


@each_verdict
def test_a_page_gets_both(said: Verdict) -> None:
    """What is displayed has text and HTML, and the text is the text of the verdict."""
    shown = show.Shown(said, Fruit(), Record())
    data, _ = DisplayFormatter().format(shown)
    assert data["text/plain"] == pretty(shown) == show.text(said, Fruit(), Record())
    assert data["text/html"] == show.html(said, Fruit(), Record())


def test_a_plain_python_gets_the_text(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no notebook is, the verdict is printed as text."""
    show.show(VERDICTS["half"], Fruit(), Record(attempts=1), widget=False)
    assert capsys.readouterr().out == GOLDEN + "\n"


def test_a_lost_world_is_said() -> None:
    """Where the judge found nothing to judge, the learner is told to begin again."""
    assert 'task = begin("90.fruit")' in show.text(VERDICTS["lost"], Fruit(), Record())
    assert 'task = begin("90.fruit")' not in show.text(VERDICTS["wrong"], Fruit(), Record())


def test_an_unanswered_exercise_says_what_to_do() -> None:
    """Without an answer one line says what to do, and a program is told that it has to return something."""
    assert show.text(NOBODY, Fruit(), Record()).startswith("90.fruit   not answered yet: replace the TODO")
    assert "returns" not in show.text(NOBODY, Fruit(), Record())
    assert "returns" in show.text(NOBODY, Double(), Record())


@each_verdict
def test_the_summary_is_one_line(said: Verdict) -> None:
    """The summary names the exercise and its points, in one line."""
    points = f"{said.points} of 3 points" if said.answered else "not answered yet"
    assert show.summary(said) == f"90.fruit: {points}."


@pytest.mark.parametrize(("attempts", "count"), [(0, 0), (1, 1), (2, 2), (3, 3), (9, 3)])
def test_each_failed_attempt_earns_a_hint(attempts: int, count: int) -> None:
    """As many hints as failed attempts are shown, until there are no more."""
    hints = show.hints(Fruit(), Record(attempts=attempts))
    assert len(re.findall(r"^Hint \d of 3: ", hints, re.MULTILINE)) == count
    assert ("No hint yet" in hints) == (count == 0)
    assert show.next_hint(Fruit(), Record(attempts=attempts)).count("Hint ") == min(count, 1)


@pytest.mark.parametrize(
    ("record", "line"),
    [
        (Record(), "–  0 of  3  90.fruit       name a fruit"),
        (Record(2, 1), "✗  2 of  3  90.fruit       name a fruit"),
        (Record(3, 1, True), "✓  3 of  3  90.fruit       name a fruit"),
    ],
)
def test_progress_is_one_line_each(record: Record, line: str) -> None:
    """An exercise in the list of progress has its sign, points, id and title."""
    assert show.progress_line(Fruit(), record) == line


def test_a_chapter_is_summed_up() -> None:
    """The last line of a verdict counts the chapter's points and solved exercises as the file has them."""
    progress.note(VERDICTS["solved"])
    assert show.chapter_line("90") == "Chapter 90: 3 of 5 points, 1 of 2 exercises solved."


# --- The widget -------------------------------------------------------------------------------------------


def widget(record: Record, exercise: Exercise | None = None, said: Verdict = VERDICTS["wrong"]) -> tuple[Any, Any, Any]:
    """The bar, the buttons, and the place below them where words appear."""
    _, bar, row, below = show.as_widget(said, exercise or Fruit(), record).children
    return bar, row.children, below


def test_the_widget_has_the_same_page() -> None:
    """The widget's first part is the static HTML."""
    body: Any = show.as_widget(VERDICTS["wrong"], Fruit(), Record(attempts=1))
    assert body.children[0].value == show.html(VERDICTS["wrong"], Fruit(), Record(attempts=1))


def test_each_button_shows_its_own_hint() -> None:
    """There is a button for each earned hint, and it shows that hint."""
    _, buttons, below = widget(Record(attempts=2))
    assert [button.description for button in buttons] == ["Hint 1", "Hint 2"]
    for button, hint in zip(buttons, Fruit.hints, strict=False):
        button.click()
        assert hint in below.value


def test_the_reference_answer_has_a_button_when_earned(monkeypatch: pytest.MonkeyPatch) -> None:
    """After three attempts a button shows the reference answer, letter by letter."""
    monkeypatch.setattr(Fruit, "reference", lambda self: f"answer = '<b>{self.id}</b>'")
    _, buttons, below = widget(Record(attempts=3))
    assert buttons[-1].description == "Reference answer"
    buttons[-1].click()
    assert below.value == "<pre>answer = &#x27;&lt;b&gt;90.fruit&lt;/b&gt;&#x27;</pre>"


def test_a_missing_reference_answer_hides_no_verdict() -> None:
    """Where the reference answer is not on this computer, the button says so, and the widget is shown."""
    _, buttons, below = widget(Record(solved=True))
    buttons[-1].click()
    assert "90.fruit.py is not on this computer" in below.value


def test_the_bar_stands_where_the_chapter_does() -> None:
    """The bar shows the points of the chapter out of those that there are."""
    progress.note(VERDICTS["solved"])
    bar, _, _ = widget(Record(), Box())
    assert (bar.value, bar.max) == (0, 3)
    bar, _, _ = widget(Record())
    assert (bar.value, bar.max) == (3, 5)


def test_buttons_escape_their_hints() -> None:
    """A hint that looks like HTML is shown letter by letter behind its button too."""

    class Evil(Fruit):
        hints = ("<script>",)

    _, buttons, below = widget(Record(attempts=1), Evil())
    buttons[0].click()
    assert below.value == "<p>&lt;script&gt;</p>"


def test_a_page_without_widgets_loads_none() -> None:
    """The static page does not need ipywidgets."""
    code = "import sys; from labkit.course import desk; print('ipywidgets' in sys.modules)"
    folder = Path(__file__).parents[2]
    out = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, check=True, text=True).stdout
    assert out.strip() == "False"


def test_the_error_of_a_check_is_short() -> None:
    """A notebook shows a failed check as one sentence, not as forty lines of frames."""
    assert errors.NotSolved(show.summary(NOBODY))._render_traceback_() == ["NotSolved: 90.fruit: not answered yet."]
