"""The picture of who says what to whom."""

from __future__ import annotations

from typing import Any

import pytest

from labkit import draw
from labkit.inside.exchanges import Exchange, Frame
from tests.draw.conftest import Drawn

ID = "85ccbc1444e46e19a98c6aa9accff59407d621033bd744dcf456a6a20c0615d7"


def told(*lines: str, **more: Any) -> list[Exchange]:
    """Exchanges one after the other: a method and a path in each line."""
    return [
        Exchange(n, n, method, path, status=200, started=n, answered=n + 0.2, ended=n + 0.4, **more)
        for n, (method, path) in enumerate((line.split(maxsplit=1) for line in lines), 1)
    ]


FRAMES = tuple(Frame(1.3 + n / 100, "stdout", b"x" * 200) for n in range(9))
CHUNKS = tuple((1.3 + n / 100, '{"status":"$a_b$ 日本"}') for n in range(9))
RUN = ("POST /containers/create", f"POST /containers/{ID}/start", f"POST /containers/{ID}/wait")
CASES: dict[str, tuple[list[Exchange], str | None]] = {
    "one": (told("GET /_ping"), "The client sent 1 request: GET /_ping → 200."),
    "run": (told(*RUN), None),
    "upgraded": (
        told(f"POST /exec/{ID}/start", upgraded=True, frames=FRAMES),
        "The client sent 1 request: POST /exec/{id}/start → 200, then a raw stream.",
    ),
    "events": (told("GET /events", chunks=CHUNKS), "The client sent 1 request: GET /events → 200, line by line."),
    "no answer": ([Exchange(1, 1, "GET", "/x", problem="the daemon hung up before the answer came")], None),
    "no http": ([Exchange(1, 1, "", "", problem="not understood: x")], None),
    "fifteen": (told(*["GET /containers/json"] * 15), None),
    "thirty": (told(*["GET /" + "long/" * 60] * 30), None),
}
each_case = pytest.mark.parametrize(("exchanges", "sentence"), CASES.values(), ids=CASES)


@each_case
def test_the_sentence_says_what_the_picture_shows(
    drawn: Drawn, capsys: pytest.CaptureFixture[str], exchanges: list[Exchange], sentence: str | None
) -> None:
    """Exactly one sentence is printed, without a time in it, and it is the alternative text of the one image."""
    draw.sequence(exchanges)
    out = capsys.readouterr().out
    assert sentence is None or out == sentence + "\n"
    assert [image.alt for image in drawn.images] == [out.rstrip("\n")]
    assert " ms" not in out


@each_case
def test_words_stay_in_their_places(drawn: Drawn, exchanges: list[Exchange], sentence: str | None) -> None:
    """However many requests there are and however long they are, no words leave the sheet or cover others."""
    draw.sequence(exchanges)
    assert drawn.misplaced() == []


@each_case
def test_they_do_so_to_scale(drawn: Drawn, exchanges: list[Exchange], sentence: str | None) -> None:
    """Where distances are times, the words are in a column of their own."""
    draw.sequence(exchanges, scale=True)
    assert drawn.misplaced() == []


def test_what_is_too_much_is_counted(drawn: Drawn) -> None:
    """Of thirty requests twenty are drawn, and the picture and the sentence say how many more there are."""
    draw.sequence(told(*["GET /_ping"] * 30))
    assert "… and 10 more requests" in drawn.words
    assert str(drawn.images[0].alt).endswith("; and 10 more.")


def test_times_to_scale_are_said(drawn: Drawn) -> None:
    """To scale, the sentence has the milliseconds that the picture shows."""
    draw.sequence(told("GET /_ping"), scale=True)
    assert drawn.images[0].alt == "The client sent 1 request: GET /_ping → 200 after 200 ms."


def test_nothing_is_not_drawn() -> None:
    """Without exchanges there is nothing to draw, and the error says what to do."""
    with pytest.raises(ValueError, match="let a docker command speak inside the wiretap first"):
        draw.sequence([])
