"""The table of exchanges: aligned, short lines, nothing left out."""

from __future__ import annotations

import pytest

from labkit.tap.table import ROOM, shorten, write_table
from tests.inside.test_exchanges import ID, exchange


def test_columns_are_aligned() -> None:
    """Words stand to the left, numbers to the right, and the note is last."""
    many = [
        exchange(number=1, method="HEAD", ended=0.0014),
        exchange(number=2, path="/containers/json", query={"all": "1"}, received=1511, started=1.0, ended=1.5),
        exchange(number=10, method="POST", path=f"/containers/{ID}/start", status=0, problem="it broke"),
    ]
    assert write_table(many) == (
        "    request                              status  sent  received   ms  note\n"
        " 1  HEAD /_ping                             200     0         0    1\n"
        " 2  GET /containers/json?all=1              200     0      1511  500\n"
        "10  POST /containers/85ccbc1444e4/start       –     0         0    0  it broke"
    )


def test_without_times() -> None:
    """Without times, the table of the same command is the same each time."""
    assert write_table([exchange(number=1, ended=5.0)], times=False) == (
        "   request     status  sent  received  note\n1  GET /_ping     200     0         0"
    )


def test_nothing_is_a_head() -> None:
    """Without exchanges, there is the line of headings."""
    assert write_table([]).split() == ["request", "status", "sent", "received", "ms", "note"]


def test_what_was_not_understood_has_a_line() -> None:
    """A request without a method has a line too."""
    assert "(not understood)" in write_table([exchange(method="", path="", problem="no HTTP")])


@pytest.mark.parametrize("words", ["", "x" * ROOM, "x" * (ROOM + 1), "y" * 1000])
def test_long_requests_lose_their_middle(words: str) -> None:
    """A long request keeps its beginning and its end."""
    short = shorten(words, ROOM)
    assert len(short) == min(len(words), ROOM)
    assert ("…" in short) == (len(words) > ROOM)
    assert words.startswith(short.partition("…")[0])
    assert words.endswith(short.rpartition("…")[2])


def test_control_characters_stay_in_their_line() -> None:
    """What a client puts into its path or query cannot break the table."""
    text = write_table([exchange(query={"t": "a\nb\x1b[31m"})])
    assert len(text.splitlines()) == 2
    assert "\x1b" not in text
