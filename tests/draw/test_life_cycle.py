"""The picture of a container's states, and of the way that one has gone."""

from __future__ import annotations

import itertools

import pytest
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from labkit import draw, images, sandbox
from labkit.daemon import Daemon
from labkit.draw.life_cycle import EDGES
from labkit.inside.life import STATES, Life, Step, read_life
from tests.draw.conftest import Drawn

NAME = "labkit-03-life-heron-3f07-box"


def lived(words: str, *, name: str = NAME, whole: bool = True, code: int | None = None) -> Life:
    """A life of steps such as ``die=exited``; each begins where the one before it ended."""
    pairs = [word.split("=") for word in words.split()]
    befores = ["", *(after for _, after in pairs)] if whole else [pairs[0][1], *(after for _, after in pairs)]
    steps = tuple(
        Step(
            second,
            action,
            before,
            after,
            137 if action == "die" else None,
            9 if action == "kill" else None,
        )
        for second, (before, (action, after)) in enumerate(zip(befores, pairs, strict=False))
    )
    return Life(name, pairs[-1][1], steps, code, whole)


RUN = "create=created start=running"
LOOP = " die=restarting start=running" * 60
CASES = {
    "created": lived("create=created"),
    "failed": lived("create=created", code=127),
    "running": lived(RUN),
    "paused": lived(f"{RUN} pause=paused"),
    "exited": lived(f"{RUN} kill=running die=exited", code=137),
    "restarting": lived(f"{RUN} die=restarting", code=255),
    "often": lived(f"{RUN} die=exited start=running die=exited start=running die=exited", code=137),
    "gone": lived(f"{RUN} die=exited destroy=removed", code=137),
    "never started": lived("create=created destroy=removed"),
    "killed while paused": lived(f"{RUN} pause=paused kill=paused die=exited destroy=removed", code=137),
    "restarting for ever": lived(RUN + LOOP),
    "dead": lived(f"{RUN} die=exited rm=removing rm=dead", code=137),
    "stuck": lived(f"{RUN} die=restarting stop=exited rm=removing", code=137),
    "all at once": lived(f"{RUN} pause=paused unpause=running" + LOOP + " stop=exited start=running" * 40),
    "half forgotten": lived("unpause=running die=exited", whole=False, code=137),
    "forgotten": Life(NAME, "exited", (), 255, whole=False),
    "forgotten and gone": Life("x" * 200, "removed", (), None, whole=False),
    "odd names": lived(RUN, name="$a_b$ 日本 " * 20),
}
each_life = pytest.mark.parametrize("life", CASES.values(), ids=CASES)


@each_life
def test_the_sentence_says_what_the_picture_shows(drawn: Drawn, capsys: pytest.CaptureFixture[str], life: Life) -> None:
    """The life's own sentence is printed, and is the alternative text of the one image."""
    draw.life_cycle(life)
    assert capsys.readouterr().out == f"{life}\n"
    assert [image.alt for image in drawn.images] == [str(life)]


@each_life
def test_words_stay_in_their_places(drawn: Drawn, life: Life) -> None:
    """However long a life is, no words leave the sheet or their box, and none cover others or an arrow."""
    draw.life_cycle(life)
    assert drawn.misplaced() == []
    assert crossed(drawn) == []


@each_life
def test_every_state_is_there_and_one_is_now(drawn: Drawn, life: Life) -> None:
    """All states have a box; that of the container is marked by a word and a thick line."""
    draw.life_cycle(life)
    inside = {box: text.get_text() for box in boxes(drawn) for text in drawn.texts if _holds(box, text)}
    assert {words.split()[0] for words in inside.values()} >= set(STATES)
    now = life.state + " now" + ("" if life.exit_code is None else f"\nexit code {life.exit_code}")
    assert [words for box, words in inside.items() if box.get_linewidth() > 1] == [
        now if life.state != "removed" else "removed now"
    ]


def arrows(drawn: Drawn) -> list[FancyArrowPatch]:
    """The arrows, in the order of EDGES."""
    return [patch for patch in drawn.sheets[-1].patches if isinstance(patch, FancyArrowPatch)]


def boxes(drawn: Drawn) -> list[FancyBboxPatch]:
    """States and numbers."""
    return [patch for patch in drawn.sheets[-1].patches if isinstance(patch, FancyBboxPatch)]


def crossed(drawn: Drawn) -> list[str]:
    """Words that an arrow runs through, but for numbers, which stand in a box on it."""
    axes = drawn.sheets[-1]
    places = [
        (text.get_text(), text.get_window_extent().transformed(axes.transData.inverted())) for text in drawn.texts
    ]
    inside = [box.get_window_extent().transformed(axes.transData.inverted()) for box in boxes(drawn)]
    free = [
        (w, p) for w, p in places if not any(b.x0 <= p.x0 and p.x1 <= b.x1 and b.y0 <= p.y0 <= b.y1 for b in inside)
    ]
    lines = [pair for edge in EDGES.values() for pair in itertools.pairwise(edge.points)]
    return [w for w, p in free for (a, b), (c, d) in lines if _meets(p.extents, (a, b, c, d))]


def _meets(place: tuple[float, float, float, float], line: tuple[float, float, float, float]) -> bool:
    """Whether an upright or level line runs through a place."""
    left, low, right, high = place
    a, b, c, d = line
    return min(a, c) < right and max(a, c) > left and min(b, d) < high and max(b, d) > low


def gone(drawn: Drawn) -> list[tuple[str, str]]:
    """The arrows that are thick."""
    return [key for key, arrow in zip(EDGES, arrows(drawn), strict=True) if arrow.get_linewidth() > 1]


@pytest.mark.parametrize(
    ("case", "way"),
    [
        ("created", ["", "created"]),
        ("exited", ["", "created", "running", "exited"]),
        ("gone", ["", "created", "running", "exited", "removing", "removed"]),
        ("never started", ["", "created", "removing", "removed"]),
        ("killed while paused", ["", "created", "running", "paused", "exited", "removing", "removed"]),
        ("dead", ["", "created", "running", "exited", "removing", "dead"]),
        ("half forgotten", ["running", "exited"]),
        ("forgotten", []),
    ],
)
def test_the_way_is_thick(drawn: Drawn, case: str, way: list[str]) -> None:
    """Thick are exactly the arrows that the container went along, those through states nobody told of as well."""
    draw.life_cycle(CASES[case])
    assert sorted(gone(drawn)) == sorted(itertools.pairwise(way))


@pytest.mark.parametrize(
    ("case", "numbers"),
    [
        ("gone", ["1", "2", "3", "4", "4"]),
        ("often", ["1", "2", "3, 5, 7", "4, 6"]),
        ("restarting for ever", ["1", "2", "3 … 121", "4 … 122"]),
        ("forgotten", []),
    ],
)
def test_the_way_is_numbered(drawn: Drawn, case: str, numbers: list[str]) -> None:
    """On each arrow stand the numbers of the moves along it; of many the first and the last."""
    draw.life_cycle(CASES[case])
    middles = [(box.get_x() + box.get_width() / 2, box.get_y() + box.get_height() / 2) for box in boxes(drawn)]
    pinned = [text.get_text() for text in drawn.texts if text.get_position() in middles]
    assert [words for words in pinned if words[0].isdigit()] == numbers


def test_the_moves_are_listed(drawn: Drawn) -> None:
    """Below the picture each move has its number, its causes, its exit code and where it led."""
    draw.life_cycle(CASES["exited"])
    assert drawn.words[-6:] == [
        *("1", "create → created", "2", "start → running"),
        *("3", "kill with SIGKILL; die with exit code 137 → exited"),
    ]


def test_what_is_forgotten_is_said(drawn: Drawn) -> None:
    """On the sheet stands that the daemon has forgotten, too."""
    draw.life_cycle(CASES["half forgotten"])
    assert "The daemon, which keeps 256 events,\nhas forgotten its beginning." in drawn.words


@pytest.mark.daemon
def test_a_real_life_is_drawn(drawn: Drawn, daemon: Daemon, world: str) -> None:
    """The way of a container that ran, was paused and killed, and is gone, as its daemon tells it."""
    with sandbox.run(images.ensure(daemon), "sleep 600") as box:
        daemon.client.api.pause(box.id)
        daemon.client.api.unpause(box.id)
        daemon.client.api.kill(box.id)
        box.wait()
    draw.life_cycle(read_life(box))
    way = ["", "created", "running", "paused", "running", "exited", "removing", "removed"]
    assert sorted(gone(drawn)) == sorted(itertools.pairwise(way))
    assert "kill with SIGKILL; die with exit code 137 → exited" in drawn.words
    assert drawn.misplaced() == []


def test_every_state_can_be_reached_and_left() -> None:
    """Arrows lead to every state, and from all but the last one."""
    assert {after for _, after in EDGES} == set(STATES)
    assert {before for before, _ in EDGES} - {""} == set(STATES) - {"removed"}


def test_arrows_begin_and_end_at_their_boxes(drawn: Drawn) -> None:
    """Each arrow touches the box that it comes from and the box that it leads to."""
    draw.life_cycle(CASES["forgotten"])
    frames = {text.get_text().split()[0]: box for box in boxes(drawn) for text in drawn.texts if _holds(box, text)}
    for (before, after), edge in EDGES.items():
        assert not before or _touches(frames[before], edge.points[0])
        assert _touches(frames[after], edge.points[-1])


def _holds(box: FancyBboxPatch, text: object) -> bool:
    x, y = text.get_position()  # type: ignore[attr-defined]
    return (x, y) == (box.get_x() + box.get_width() / 2, box.get_y() + box.get_height() / 2)


def _touches(box: FancyBboxPatch, point: tuple[float, float]) -> bool:
    (x, y), near = point, 1e-9
    left, low, right, high = box.get_x(), box.get_y(), box.get_x() + box.get_width(), box.get_y() + box.get_height()
    inside = left - near <= x <= right + near and low - near <= y <= high + near
    return inside and min(abs(x - left), abs(x - right), abs(y - low), abs(y - high)) < near
