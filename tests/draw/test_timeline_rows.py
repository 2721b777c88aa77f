"""The picture of several timelines on one axis."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from matplotlib.text import Annotation

from labkit import draw
from labkit.draw.timeline_rows import MOST
from labkit.inside.moments import Timeline
from tests.draw.conftest import Drawn
from tests.draw.recorded import EIGHT, MANY

each_many = pytest.mark.parametrize("found", MANY.values(), ids=MANY)


@each_many
def test_words_stay_in_their_places(drawn: Drawn, found: Mapping[str, Timeline]) -> None:
    """However many programs there are, no words leave the sheet or cover others."""
    draw.timeline(found)
    assert drawn.misplaced() == []
    assert crossed(drawn) == []


def crossed(drawn: Drawn) -> list[str]:
    """Words that the arrow of a signal runs through."""
    axes = drawn.sheets[-1]
    places = [(it.get_text(), it.get_window_extent().transformed(axes.transData.inverted())) for it in drawn.texts]
    arrows = [(it.xy, it.get_position()) for it in axes.texts if isinstance(it, Annotation)]
    signals = [(x, low, high) for (x, low), (u, high) in arrows if x == u]
    return [w for w, p in places for x, low, high in signals if p.x0 < x < p.x1 and low < p.y1 and high > p.y0]


@each_many
def test_the_sentence_stays_short(
    drawn: Drawn, capsys: pytest.CaptureFixture[str], found: Mapping[str, Timeline]
) -> None:
    """One line is printed, bounded for any number of programs, and it is the alternative text of the one image."""
    draw.timeline(found)
    out = capsys.readouterr().out
    assert [image.alt for image in drawn.images] == [out.removesuffix("\n")]
    assert len(out) < 1200


def test_each_row_has_its_name_signals_and_end(drawn: Drawn) -> None:
    """In the order given, each row has its name, and in the same row its exit code and when; signals above its bar."""
    draw.timeline(EIGHT)
    heights = {text.get_text(): text.get_position()[1] for text in drawn.texts if text.get_text() in EIGHT}
    assert list(heights) == list(EIGHT)
    assert sorted(heights.values(), reverse=True) == list(heights.values())
    ends = {text.get_position()[1]: text.get_text() for text in drawn.texts if text.get_text().startswith("exit")}
    assert [ends[heights[name]] for name in ("polite", "deaf", "slow")] == [
        *("exit code 0 after 26 ms", "exit code 137 after 10.02 s", "exit code 0 after 3.02 s")
    ]
    assert [drawn.words.count(name) for name in ("SIGTERM", "SIGKILL")] == [8, 4]


def test_signals_at_the_same_time_share_their_words(drawn: Drawn) -> None:
    """Where two signals are too close together for two names, one text names both."""
    draw.timeline({"deaf": MANY["a hundred"]["deaf0"], "other": MANY["a hundred"]["deaf9"]})
    assert "SIGTERM, SIGKILL" in drawn.words


def test_each_row_says_its_action_where_they_differ(drawn: Drawn) -> None:
    """What was done stands below the name only if not everything was treated alike."""
    draw.timeline(MANY["several actions"])
    assert {"docker stop", "docker stop -t 2", "docker pause", "something else"} <= set(drawn.words)
    draw.timeline(EIGHT)
    assert "docker stop" not in drawn.words


def test_what_is_too_much_is_counted(drawn: Drawn) -> None:
    """Of a hundred programs the first ones are drawn."""
    draw.timeline(MANY["a hundred"])
    assert f"not shown: {100 - MOST} more" in drawn.words
