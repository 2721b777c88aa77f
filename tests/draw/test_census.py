"""The picture of who is alive and who is a zombie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from matplotlib.collections import PolyCollection

from labkit import draw
from labkit.daemon import Daemon
from labkit.hosts import open_host
from labkit.inside.census import Census, Sample, take_censuses
from tests.draw.conftest import Drawn


def counted(*counts: tuple[int, ...], every: float = 0.1) -> Census:
    """A census of counts: alive, zombies, stopped."""
    return Census(tuple(Sample(number * every, *count) for number, count in enumerate(counts)))


PILE = counted(*((11 - n, n) for n in range(11)), every=0.4)
REAPED = counted(*((12 - n, 0) for n in range(11)), every=0.4)
CASES: dict[str, tuple[Census | Mapping[str, Census], str]] = {
    "one": (PILE, "In the end 1 alive, 10 zombies.\n"),
    "two": (
        {"a shell": REAPED, "sleep": PILE},
        "In the end a shell: 2 alive, no zombie; sleep: 1 alive, 10 zombies.\n",
    ),
    "six": ({f"run {n}": (PILE, REAPED)[n % 2] for n in range(6)}, ""),
    "a single count": (counted((1, 0)), "In the end 1 alive, no zombie.\n"),
    "all gone": (counted((3, 0), (2, 1), (0, 0)), "In the end all gone.\n"),
    "stopped": (counted((3, 0), (1, 1, 1), (0, 2, 1)), "In the end 0 alive, 1 stopped, 2 zombies.\n"),
    "one is gone early": ({"a": counted((3, 0), (0, 0)), "b": PILE}, ""),
    "very many": ({"fork": counted(*((60 + n, n) for n in range(40))), "one": counted((1, 0), (1, 0))}, ""),
    "a long time": (counted(*((2, n) for n in range(9)), every=75), ""),
    "a long name": ({"--init " + "orphans" * 20: PILE}, ""),
    "signs": ({"$x$ \n_{y}": PILE}, "In the end $x$ \\n_{y}: 1 alive, 10 zombies.\n"),
}


def edges(drawn: Drawn) -> list[tuple[list[float], list[float]]]:
    """Where the upper edges of the bands run, across and up: three for each strip, the lowest strip first."""
    lines: list[Any] = [*drawn.sheets[-1].lines]
    return [([*line.get_xdata()], [*line.get_ydata()]) for line in lines if len(line.get_xdata()) > 2]


each_case = pytest.mark.parametrize(("found", "sentence"), CASES.values(), ids=CASES)


@each_case
def test_the_sentence_says_how_it_ended(
    drawn: Drawn, capsys: pytest.CaptureFixture[str], found: Census | Mapping[str, Census], sentence: str
) -> None:
    """What is left in the end is printed for each container: the one image's other text."""
    draw.census(found)
    out = capsys.readouterr().out
    assert out == sentence or not sentence
    [image] = drawn.images
    assert image.alt + "\n" == out


@each_case
def test_words_stand_where_they_can_be_read(drawn: Drawn, found: Census | Mapping[str, Census], sentence: str) -> None:
    """No word leaves the sheet, covers another one, or is too small."""
    draw.census(found)
    assert drawn.misplaced() == []


def test_zombies_are_told_apart_without_colour(drawn: Drawn) -> None:
    """Of the three states each has a pattern of its own."""
    draw.census(CASES["stopped"][0])
    bands = [band for band in drawn.sheets[-1].collections if isinstance(band, PolyCollection)]
    assert len({band.get_hatch() for band in bands}) == 3


def test_bands_lie_on_each_other(drawn: Drawn) -> None:
    """The steps of those alive go down as the zombies' go up: all that have a number stay as many."""
    draw.census(PILE)
    (_, alive), _, (_, everybody) = edges(drawn)
    assert alive == sorted(alive, reverse=True)
    assert len(set(alive)) == 11
    assert max(everybody) == pytest.approx(min(everybody))
    assert alive[0] == pytest.approx(everybody[0])


def test_a_count_holds_until_the_next(drawn: Drawn) -> None:
    """Between two counts nobody knows better: the line is level, and steps where one counted."""
    draw.census(counted((3, 0), (1, 0), (1, 0), every=1))
    across, up = edges(drawn)[0]
    assert up[0] == up[1] > up[2] == up[3]
    assert across[0] < across[1] == across[2] < across[3]


def test_strips_have_one_scale(drawn: Drawn) -> None:
    """The same number is equally high in every strip, and the clock is one."""
    draw.census({"a": counted((4, 0), (2, 0)), "b": counted((2, 0), (1, 0))})
    (_, lower), (_, upper) = edges(drawn)[::3]
    assert upper[0] - upper[2] == pytest.approx(2 * (lower[0] - lower[2]))
    assert {"4", "2"} <= set(drawn.words)
    assert drawn.words.count("0.1 s") == 1


def test_nobody_cannot_be_drawn(drawn: Drawn) -> None:
    """Without a census there is no picture, and the error says how to make one."""
    with pytest.raises(ValueError, match=r"take_census\(host, box\)"):
        draw.census({})
    assert drawn.images == []


@pytest.mark.daemon
def test_real_containers_are_drawn(daemon: Daemon, drawn: Drawn, nothing_left: None) -> None:
    """What was counted of real containers can be drawn."""
    host = open_host(daemon)
    draw.census(take_censuses(daemon, host, "orphans", "--init orphans", seconds=0.3))
    host.close()
    assert drawn.misplaced() == []
    assert {"orphans", "--init orphans"} < set(drawn.words)
