"""The sheet: words stay where they belong, the image is whole, nothing of matplotlib's state is touched."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from labkit.draw import paper
from tests.draw.conftest import Drawn

ROOT = Path(__file__).parents[2]


def test_a_sheet_is_as_large_as_asked(drawn: Drawn) -> None:
    """A unit of the sheet is half an inch, so that a picture of 18 units is 990 pixels wide."""
    paper.show(paper.sheet(18, 4), "Nothing.")
    image = Image.open(io.BytesIO(drawn.images[0].data))
    assert (image.format, image.size) == ("PNG", (990, 220))
    image.load()


def test_the_sentence_is_printed_and_is_the_alternative_text(drawn: Drawn, capsys: pytest.CaptureFixture[str]) -> None:
    """The sentence is printed, and the image has it as its alternative text."""
    paper.show(paper.sheet(4, 4), "Nothing is drawn.")
    assert capsys.readouterr().out == "Nothing is drawn.\n"
    data, metadata = drawn.images[0]._repr_mimebundle_()
    assert data["image/png"]
    assert metadata["image/png"]["alt"] == "Nothing is drawn."


ODD = ["$x$", "a_b^c", "\\frac", "$", "%d {}", "日本", "🐳", "a\tb", "a\x00b", "\udcff", "\x1b[31mred", "\u202eabc"]


@pytest.mark.parametrize("words", ODD, ids=ascii)
def test_any_letters_can_be_drawn(drawn: Drawn, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Names are drawn letter by letter: no formula, no control character, and no warning about a missing letter."""
    axes = paper.sheet(8, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        paper.box(axes, 1, 1, 6, 2, words)
        paper.show(axes, words)
    assert drawn.words == [paper.printable(words)]
    assert capsys.readouterr().out == paper.printable(words) + "\n"


@pytest.mark.parametrize(
    ("words", "shown"),
    [("heron", "heron"), ("a\nb", "a\\nb"), ("a\x1bb", "a\\x1bb"), ("\udcff", "\\udcff"), ("é日🐳", "é日🐳")],
)
def test_what_cannot_be_printed_is_spelled(words: str, shown: str) -> None:
    """Control characters and bytes that are no UTF-8 are written as Python writes them."""
    assert paper.printable(words) == shown


# Not more letters than a sheet takes a second to measure.
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(max_size=200), min_size=1, max_size=3), st.booleans())
def test_words_stay_in_their_box(drawn: Drawn, lines: list[str], mono: bool) -> None:
    """Whatever the words are, each line of them fits into the width of its box."""
    axes = paper.sheet(18, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about letters that the font lacks, when the test measures them
        paper.box(axes, 5, 0.1, 4, 4.8, "\n".join(lines), mono=mono)
        assert [text.get_window_extent().width <= 4 * paper.DPI / 2 for text in drawn.texts] in ([True], [])


@pytest.mark.parametrize("length", [10, 40, 400, 4000])
def test_a_long_line_loses_its_middle(drawn: Drawn, length: int) -> None:
    """Of a line that does not fit the beginning and the end are kept, and as much of them as fits."""
    line = "begin" + "-" * length + "end"
    paper.box(paper.sheet(18, 4), 1, 1, 4, 2, line)
    (shown,) = drawn.words
    if length == 10:
        assert shown == line
    else:
        assert (shown[:5], shown[-3:], shown.count("…")) == ("begin", "end", 1)
        assert drawn.texts[0].get_window_extent().width > 150


TEETH = [(1.0, 3.0), (5.0, 7.0)]


@pytest.mark.parametrize(("deep", "there"), [(0.5, (4, 2.6)), (-0.5, (4, 4.4))])
def test_a_comb_is_one_shape(deep: float, there: tuple[float, float]) -> None:
    """Boxes side by side are one outline; its bar runs below what is between them, or above."""
    axes = paper.sheet(8, 6)
    paper.comb(axes, TEETH, 4, 1, deep)
    (shape,) = axes.patches
    path = shape.get_path()
    assert [path.contains_point(point) for point in [(2, 3.5), (4, 3.5), (6, 3.5), (8, 3.5), there]] == [
        *(True, False, True, False),
        True,
    ]
    box = path.get_extents()
    assert (box.x0, box.x1, box.height) == (1, 7, 1.5)


def test_a_comb_of_one_tooth_is_a_box() -> None:
    """A single box has no bar, however deep one would be."""
    axes = paper.sheet(8, 6)
    paper.comb(axes, TEETH[:1], 4, 1, 0.5)
    assert axes.patches[0].get_path().get_extents().bounds == (1, 3, 2, 1)


def test_a_way_goes_through_its_points() -> None:
    """An arrow with corners begins at its first point, ends at its last, and is as thick as asked."""
    axes = paper.sheet(8, 6)
    paper.way(axes, (1, 1), (1, 4), (6, 4), width=3)
    (arrow,) = axes.patches
    box = arrow.get_path().get_extents()
    assert (box.x0, box.y0, round(box.x1)) == (1, 1, 6)
    assert arrow.get_linewidth() == 3


@pytest.mark.parametrize(
    ("words", "said"), [([], "nobody"), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_a_series_is_said_as_a_person_says_it(words: list[str], said: str) -> None:
    """Words in a row have commas between them and "and" before the last."""
    assert paper.series(words, "nobody") == said


def test_drawing_leaves_no_state_behind() -> None:
    """A picture does not import pyplot, whose list of open figures would grow, nor change a setting."""
    code = (
        "import sys, matplotlib\n"
        "def settings(): return {k: matplotlib.rcParams[k] for k in matplotlib.rcParams if k != 'backend'}\n"
        "before = settings()\n"
        "from labkit import draw; from labkit.inside.route import Route\n"
        "draw.route(Route('unix:///var/run/docker.sock', '28.5.2', 'thinkpad', True, False))\n"
        "print('matplotlib.pyplot' in sys.modules, settings() == before)"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    assert out.splitlines()[-1] == "False True"


def test_a_picture_is_the_same_each_time(drawn: Drawn) -> None:
    """Drawn twice, a picture has the same bytes: stored outputs do not change without a reason."""
    for _ in range(2):
        axes = paper.sheet(6, 4)
        paper.box(axes, 1, 1, 4, 2, "heron")
        paper.show(axes, "A heron.")
    assert drawn.images[0].data == drawn.images[1].data
