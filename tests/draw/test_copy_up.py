"""The picture of what a first write costs."""

from __future__ import annotations

from typing import Any

import pytest

from labkit import draw
from labkit.daemon import Daemon
from labkit.hosts import open_host
from labkit.inside.copyup import CopyUp, measure_copy_up
from tests.draw.conftest import Drawn


def measured(*times: tuple[int, float, float], copied: bool = True) -> list[CopyUp]:
    """Megabytes, and seconds of both writes."""
    return [CopyUp(*numbers, copied=copied) for numbers in times]


USUAL = ((1, 0.0024, 1.2e-5), (4, 0.0062, 1.5e-5), (16, 0.0167, 2e-5), (64, 0.058, 2e-5), (256, 0.221, 5.8e-5))
CASES = {
    "usual": (
        measured(*USUAL),
        "The first write of one byte took 2.4 ms for 1 MB and 221 ms for 256 MB, growing with the file and not with "
        "the write; the second 12 µs and 58 µs. Each first write copied the whole file into the upper directory.",
    ),
    "in any order": (measured(*USUAL[::-1]), None),
    "one": (
        measured((16, 0.0034, 0.0033), copied=False),
        "The first write of one byte took 3.4 ms for 16 MB; the second 3.3 ms. "
        "No file was copied into the upper directory.",
    ),
    "a file system that shares blocks": (
        measured((1, 0.002, 1e-5), (256, 0.003, 1e-5)),
        "The first write of one byte took 2 ms for 1 MB and 3 ms for 256 MB, hardly growing with the file; "
        "the second 10 µs and 10 µs. Each first write copied the whole file into the upper directory.",
    ),
    "one was written before": (
        [*measured((1, 0.002, 1e-5)), *measured((4, 1e-5, 1e-5), copied=False)],
        "The first write of one byte took 2 ms for 1 MB and 10 µs for 4 MB, hardly growing with the file; "
        "the second 10 µs and 10 µs. Each first write copied the whole file into the upper directory, but for 4 MB.",
    ),
    "slow": (measured((1, 0.9, 0.8), (2, 5.0, 1.1), (256, 119.0, 3.0)), None),
    "crossed": (measured((1, 0.001, 0.01), (4, 0.01, 0.001), (16, 0.01, 0.012)), None),
    "too fast for the clock": (measured((1, 0.0, 0.0), (4, 0.0, 0.0)), None),
    "many sizes": (measured(*((size, size / 1000, 1e-5) for size in range(1, 60))), None),
    "one size many times": (measured(*((16, 0.01 + n / 1000, 1e-5) for n in range(9))), None),
}
each_case = pytest.mark.parametrize(("found", "sentence"), CASES.values(), ids=CASES)


@each_case
def test_the_sentence_says_what_the_picture_shows(
    drawn: Drawn, capsys: pytest.CaptureFixture[str], found: list[CopyUp], sentence: str | None
) -> None:
    """The times of the smallest and the largest file and what was copied are printed: the one image's other text."""
    draw.copy_up(found)
    out = capsys.readouterr().out
    assert sentence is None or out == sentence + "\n"
    assert [image.alt for image in drawn.images] == [out.rstrip("\n")]


@each_case
def test_words_stay_in_their_places(drawn: Drawn, found: list[CopyUp], sentence: str | None) -> None:
    """However short, long or many the times are, no words leave the sheet or cover others."""
    draw.copy_up(found)
    assert drawn.misplaced() == []


def curves(drawn: Drawn) -> list[Any]:
    """The two lines that have marks."""
    return [line for line in drawn.sheets[-1].lines if line.get_marker() != "None"]


@each_case
def test_each_measurement_is_on_both_curves(drawn: Drawn, found: list[CopyUp], sentence: str | None) -> None:
    """Both curves have a mark for each measurement, further right for more megabytes."""
    draw.copy_up(found)
    sizes = sorted(one.megabytes for one in found)
    for curve in curves(drawn):
        places = list(curve.get_xdata())
        assert len(places) == len(found)
        assert places == sorted(places)
        assert len(set(places)) == len(set(sizes))


def test_curves_differ_without_colour(drawn: Drawn) -> None:
    """The two curves have different marks and lines, and their names beside their ends."""
    draw.copy_up(CASES["usual"][0])
    assert [(line.get_marker(), line.get_linestyle()) for line in curves(drawn)] == [("o", "-"), ("s", "--")]
    names = {text.get_text(): text.get_position()[1] for text in drawn.texts if text.get_text().endswith(" write")}
    ends = [float(line.get_ydata()[-1]) for line in curves(drawn)]
    assert [names["first write"], names["second write"]] == pytest.approx(ends)


def test_both_axes_are_in_powers(drawn: Drawn) -> None:
    """Four times the size is always as far to the right, ten times the time as far up."""
    draw.copy_up(measured((1, 0.001, 1e-5), (4, 0.01, 1e-5), (16, 0.1, 1e-5)))
    first = curves(drawn)[0]
    for places in (first.get_xdata(), first.get_ydata()):
        assert places[1] - places[0] == pytest.approx(places[2] - places[1])


def test_times_stand_at_their_points(drawn: Drawn) -> None:
    """At each size both times are written, and the sizes below."""
    draw.copy_up(CASES["usual"][0])
    assert {"2.4 ms", "6.2 ms", "17 ms", "58 ms", "221 ms"} <= set(drawn.words)
    assert {"12 µs", "15 µs", "20 µs", "58 µs"} <= set(drawn.words)
    assert [words for words in drawn.words if words.endswith(" MB")] == ["1 MB", "4 MB", "16 MB", "64 MB", "256 MB"]


def test_nothing_cannot_be_drawn(drawn: Drawn) -> None:
    """Without a measurement there is no picture, and the error says how to make one."""
    with pytest.raises(ValueError, match=r"measure_copy_up\(host, megabytes=16\)"):
        draw.copy_up([])
    assert drawn.images == []


@pytest.mark.daemon
def test_real_copies_are_drawn(drawn: Drawn, capsys: pytest.CaptureFixture[str], daemon: Daemon, world: str) -> None:
    """Two files that the daemon's host copied up, and the sentence that says so."""
    host = open_host(daemon)
    draw.copy_up([measure_copy_up(host, megabytes=megabytes, daemon=daemon) for megabytes in (1, 16)])
    assert "Each first write copied the whole file into the upper directory." in capsys.readouterr().out
    assert drawn.misplaced() == []
