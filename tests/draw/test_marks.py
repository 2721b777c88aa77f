"""How layers are told apart, and how bytes are written."""

from __future__ import annotations

import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from labkit.draw import marks, paper


@pytest.mark.parametrize(("number", "letter"), [(1, "A"), (26, "Z"), (27, "AA"), (52, "AZ"), (127, "DW"), (703, "AAA")])
def test_each_layer_has_a_letter(number: int, letter: str) -> None:
    """Layers are called A to Z from below, then AA and so on."""
    assert marks.letter(number) == letter


def test_neighbours_look_different_without_colour() -> None:
    """Eight layers in a row have eight hatches, and 56 have as many pairs of hatch and colour."""
    axes = paper.sheet(18, 4)
    for number in range(1, 57):
        marks.pattern(axes, 0, 0, number)
    found = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    assert len({patch.get_hatch() for patch in found[:8]}) == 8
    assert len({(patch.get_hatch(), to_hex(patch.get_facecolor())) for patch in found}) == 56


@pytest.mark.parametrize(
    ("count", "words"),
    [
        *((0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1234, "1.23 kB"), (99_960, "100 kB"), (999_499, "999 kB")),
        *((999_500, "1 MB"), (48_200_000, "48.2 MB"), (10**9, "1 GB"), (5 * 10**12, "5000 GB")),
    ],
)
def test_bytes_are_written_as_docker_does(count: int, words: str) -> None:
    """Sizes have three digits, and a kilobyte is a thousand bytes."""
    assert marks.size(count) == words


@pytest.mark.parametrize(("count", "words"), [(0, "0 layers"), (1, "1 layer"), (2, "2 layers")])
def test_one_is_not_many(count: int, words: str) -> None:
    """A noun has its plural, but for one."""
    assert marks.amount(count, "layer") == words
