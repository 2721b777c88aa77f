"""The picture of what the daemon told."""

from __future__ import annotations

import pytest

from labkit import draw
from labkit.inside.events import Event
from tests.draw.conftest import Drawn

NAME = "labkit-01-events-heron-3f07-box"
LONG = "exec_start: sh -c echo $HOME_$USER | tr a b; " + "and so on " * 50


def told(*actions: str, name: str = NAME, step: float = 0.1) -> list[Event]:
    """Events one after the other; die has the exit code 7."""
    return [
        Event(1.7e9 + n * step, "container", action, name, 7 if action == "die" else None)
        for n, action in enumerate(actions)
    ]


LIFE = ("create", "start", "die", "destroy")
CASES = {
    "one": (told("create"), "The daemon told of 1 event: create."),
    "two": (told("create", "start"), "The daemon told of 2 events: create, start."),
    "life": (told(*LIFE), "The daemon told of 4 events: create, start, die with exit code 7, destroy."),
    "eight": (told("create", "attach", "start", LONG, LONG, "exec_die", "die", "destroy", step=12.3), None),
    "names": (told("create", name="$a_b$" * 40) + told("start", name="日本"), None),
    "thirty": (told(*LIFE * 7, "create", "start"), None),
    "health": (
        told("health_status: healthy"),
        "The daemon told of 1 event: health_status: healthy.",
    ),
    "hours": (told("create", "destroy", step=360_000), "The daemon told of 2 events: create, destroy."),
    "backwards": (told("create", "start", step=-0.001), "The daemon told of 2 events: create, start."),
}
each_case = pytest.mark.parametrize(("events", "sentence"), CASES.values(), ids=CASES)


@each_case
def test_the_sentence_says_what_the_picture_shows(
    drawn: Drawn, capsys: pytest.CaptureFixture[str], events: list[Event], sentence: str | None
) -> None:
    """Exactly one sentence is printed, without any time in it, and it is the alternative text of the one image."""
    draw.events(events)
    out = capsys.readouterr().out
    assert sentence is None or out == sentence + "\n"
    assert [image.alt for image in drawn.images] == [out.rstrip("\n")]
    assert out.count("\n") == 1


@each_case
def test_words_stay_in_their_places(drawn: Drawn, events: list[Event], sentence: str | None) -> None:
    """However many events there are and whatever they say, no words leave the sheet or cover others."""
    draw.events(events)
    assert drawn.misplaced() == []


def test_events_stand_in_order(drawn: Drawn) -> None:
    """Time runs down the sheet: the actions, and beside each the milliseconds since the first."""
    draw.events(told(*LIFE))
    down = [text.get_text() for text in sorted(drawn.texts, key=lambda text: -text.get_position()[1])]
    assert [words for words in down if words.endswith("ms")] == ["0 ms", "100 ms", "200 ms", "300 ms"]
    assert [words for words in down if not words.endswith("ms")] == [
        *("create", NAME),
        *("start", "die with exit code 7", "destroy"),
    ]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.0004, "0 ms"), (9.9, "9900 ms"), (12.34, "12.3 s"), (-20, "-20.0 s")]
)
def test_long_times_are_in_seconds(drawn: Drawn, seconds: float, words: str) -> None:
    """From ten seconds on, times are in seconds."""
    draw.events(told("create", "start", step=seconds))
    assert words in drawn.words


def test_a_name_stands_where_it_changes(drawn: Drawn) -> None:
    """With events of several things, the name stands beside the first event of each row of them."""
    draw.events([*told("create", "start"), *told("create", "start", name="twin"), *told("die")])
    assert [words for words in drawn.words if words in (NAME, "twin")] == [NAME, "twin", NAME]


def test_nothing_cannot_be_drawn(drawn: Drawn) -> None:
    """Without events there is no picture, and the error says what to do."""
    with pytest.raises(ValueError, match="read the stream first"):
        draw.events([])
    assert drawn.images == []
