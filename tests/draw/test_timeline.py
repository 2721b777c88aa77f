"""The picture of what happened around one action."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from matplotlib.colors import to_hex

from labkit import draw
from labkit.daemon import Daemon
from labkit.draw import ruler
from labkit.draw.timeline import MOST, TRACKS
from labkit.hosts import open_host
from labkit.inside.moments import Timeline
from labkit.inside.timelines import timeline
from labkit.programs import run_program
from tests.draw.conftest import Drawn
from tests.draw.recorded import EIGHT, NOTHING, ONE, PAUSED, POLITE, TALKATIVE, deaf

each_one = pytest.mark.parametrize("found", ONE.values(), ids=ONE)


@each_one
def test_the_sentence_is_the_other_text(drawn: Drawn, capsys: pytest.CaptureFixture[str], found: Timeline) -> None:
    """One line is printed, however long names are, and it is the alternative text of the one image."""
    draw.timeline(found)
    out = capsys.readouterr().out
    assert [image.alt for image in drawn.images] == [out.removesuffix("\n")]
    assert out.count("\n") == 1
    assert len(out) < 300


@each_one
def test_words_stay_in_their_places(drawn: Drawn, found: Timeline) -> None:
    """Whatever happened, no words leave the sheet or cover others, and no pole of a flag runs through any."""
    draw.timeline(found)
    assert drawn.misplaced() == []
    assert crossed(drawn) == []


def poles(drawn: Drawn) -> list[Any]:
    """The thin upright lines from the flags down to the axis."""
    lines: list[Any] = list(drawn.sheets[-1].lines)
    grey = [line for line in lines if to_hex(str(line.get_color())) == ruler.GREY]
    return [line for line in grey if line.get_linewidth() < 1]


def crossed(drawn: Drawn) -> list[str]:
    """Words that a pole runs through, but for those that cover it."""
    axes = drawn.sheets[-1]
    free = [text for text in drawn.texts if text.get_bbox_patch() is None]
    places = [(it.get_text(), it.get_window_extent().transformed(axes.transData.inverted())) for it in free]
    lines = [(line.get_xdata()[0], sorted(line.get_ydata())) for line in poles(drawn)]
    return [w for w, p in places for x, (low, high) in lines if p.x0 < x < p.x1 and low < p.y1 and high > p.y0]


def test_moments_go_down_and_right(drawn: Drawn) -> None:
    """From above to below, the flags tell in their order what happened when, in whose words."""
    draw.timeline(POLITE)
    assert [words for words in drawn.words if " ms  " in words] == [
        "−4 ms  “polite: ready”",
        "0 ms  docker stop",
        "6 ms  kill with SIGTERM",
        "9 ms  “polite: heard TERM”",
        "21 ms  “polite: finished”",
        "26 ms  PID 1 is gone",
        "38 ms  die with exit code 0",
        "40 ms  stop",
        "40 ms  docker stop returns",
    ]
    places = [text.get_position() for text in drawn.texts if " ms  " in text.get_text()]
    assert all(x <= u and y > v for (x, y), (u, v) in pairwise(places))


def test_the_end_stands_behind_its_bar(drawn: Drawn) -> None:
    """The exit code stands in the row of the first process; without one, that it still runs."""
    for found, words in ((POLITE, "exit code 0"), (PAUSED, "still runs")):
        draw.timeline(found)
        heights = {text.get_text(): text.get_position()[1] for text in drawn.texts}
        assert heights[words] == heights["PID 1"]


def test_states_are_told_by_word_and_hatch(drawn: Drawn) -> None:
    """Each state has a hatch of its own, and its name in its bar and below the axis."""
    draw.timeline(PAUSED)
    assert [drawn.words.count(state) for state in ("alive", "stopped", "frozen")] == [1, 2, 3]
    assert len({hatch for _, hatch in ruler.LOOKS.values()}) == len(ruler.LOOKS)


def test_what_is_too_much_is_counted(drawn: Drawn) -> None:
    """A long log loses its middle and nothing else; how much is not shown is said, of moments and of processes."""
    draw.timeline(TALKATIVE)
    assert len(poles(drawn)) == MOST
    assert [words for words in drawn.words if "kill with SIGKILL" in words]
    assert "not shown: 141 more moments" in drawn.words
    draw.timeline(ONE["crowded"])
    assert f"not shown: {20 - TRACKS} more processes" in drawn.words


def test_what_lies_far_back_stands_at_the_edge(drawn: Drawn) -> None:
    """A line that was logged a day before is named with its time and does not squeeze the rest."""
    draw.timeline(ONE["long ago"])
    assert "… −86400 s  “ready”" in drawn.words
    assert "20 ms" in drawn.words


def test_remarks_are_on_the_sheet(drawn: Drawn) -> None:
    """What could not be seen is said below the axis."""
    draw.timeline(ONE["crowded"])
    assert "Its cgroup is not seen from here: only its first process was watched." in drawn.words


def test_one_can_have_another_name(drawn: Drawn, capsys: pytest.CaptureFixture[str]) -> None:
    """A single timeline in a mapping is drawn with the name that it has there."""
    draw.timeline({"polite": POLITE})
    assert drawn.words[0] == "polite: docker stop"
    assert capsys.readouterr().out.startswith("polite: docker stop sent SIGTERM; ")


def test_several_are_rows(drawn: Drawn) -> None:
    """Several, in a mapping or a list, stand below each other."""
    draw.timeline(EIGHT)
    assert drawn.words[0] == "8 programs, docker stop, grace period 10 s"
    draw.timeline([POLITE, NOTHING])
    assert drawn.words[0] == "2 programs, 2 actions"


def test_without_seconds_runs_are_equal(capsys: pytest.CaptureFixture[str], drawn: Drawn) -> None:
    """A run that goes the same way has the same sentence, if it is told without times."""
    slower = deaf("deaf", 10.3)
    for found in (deaf("deaf", 10), Timeline("deaf", "docker stop", slower.moments, slower.tracks, 10, 0.04, 137)):
        draw.timeline(found, seconds=False)
    first, second = capsys.readouterr().out.splitlines()
    assert first == second


@pytest.mark.parametrize("nothing", [[], {}], ids=repr)
def test_no_timeline_is_not_drawn(nothing: list[Timeline] | dict[str, Timeline]) -> None:
    """Without a timeline there is nothing to draw, and the error says what to do."""
    with pytest.raises(ValueError, match="records one"):
        draw.timeline(nothing)


@pytest.mark.daemon
def test_a_real_stop_is_drawn(drawn: Drawn, daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    """A container that is stopped, as its daemon, its log and its processes tell of it."""
    with run_program(daemon, "polite") as box:
        found = timeline(box, "stop", host=open_host(daemon))
    draw.timeline({"polite": found}, seconds=False)
    assert capsys.readouterr().out == "polite: docker stop sent SIGTERM; 2 lines in its log; exit code 0.\n"
    assert [words for words in drawn.words if words.endswith("kill with SIGTERM")]
    assert drawn.misplaced() == []
    assert crossed(drawn) == []
