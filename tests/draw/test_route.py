"""The picture of the way to the daemon."""

from __future__ import annotations

import pytest
from matplotlib.patches import FancyBboxPatch

from labkit import draw
from labkit.inside.route import Route
from tests.draw.conftest import Drawn

LONG = "a-host-whose-name-has-no-end." * 8 + "example.org"
ROUTES = {
    "one kernel": Route("unix:///var/run/docker.sock", "28.5.2", "thinkpad", True, False),
    "one kernel by tcp": Route("tcp://127.0.0.1:2375", "20.10.24", "$x_y$", True, False),
    "desktop": Route("unix:///home/learner/.docker/desktop/docker.sock", "28.5.2", "docker-desktop", False, True),
    "windows": Route("npipe:////./pipe/docker_engine", "28.5.2", "docker-desktop", False, True),
    "elsewhere": Route("ssh://ada@example.org", "28.5.2-rc.1", "example", False, False),
    "far away": Route(f"tcp://{LONG}:2376", "100.100.100-alpha.beta.gamma.delta", LONG, False, False),
    "empty": Route("", "", "", False, False),
}
each_route = pytest.mark.parametrize("way", ROUTES.values(), ids=ROUTES)


@each_route
def test_the_sentence_says_what_the_picture_shows(drawn: Drawn, capsys: pytest.CaptureFixture[str], way: Route) -> None:
    """The route's own sentence is printed, and is the alternative text of the one image."""
    draw.route(way)
    assert capsys.readouterr().out == f"{way}\n"
    assert [image.alt for image in drawn.images] == [str(way)]


@each_route
def test_words_stay_in_their_places(drawn: Drawn, way: Route) -> None:
    """However long the names are, no words leave the sheet or their box, and none cover others."""
    draw.route(way)
    assert drawn.misplaced() == []


def computers(drawn: Drawn) -> list[tuple[float, float]]:
    """Left and right edge of each computer: the boxes with a broken line."""
    boxes = [patch for patch in drawn.sheets[-1].patches if isinstance(patch, FancyBboxPatch)]
    return [(box.get_x(), box.get_x() + box.get_width()) for box in boxes if box.get_linestyle() in ("--", "dashed")]


def home(drawn: Drawn, words: str) -> int:
    """On which computer these words stand, counted from the left."""
    x = next(text.get_position()[0] for text in drawn.texts if words in text.get_text())
    return next(number for number, (left, right) in enumerate(computers(drawn)) if left < x < right)


@pytest.mark.parametrize(
    ("way", "homes"),
    [("one kernel", [0, 0, 0]), ("desktop", [0, 0, 1]), ("windows", [0, 0, 1]), ("elsewhere", [0, 1, 1])],
)
def test_everybody_is_on_their_computer(drawn: Drawn, way: str, homes: list[int]) -> None:
    """Notebook, door and daemon stand on the computer that they are on: a socket is a file on the notebook's."""
    draw.route(ROUTES[way])
    door = {"windows": "named pipe", "elsewhere": "ssh"}.get(way, "unix socket")
    assert [home(drawn, words) for words in ("your notebook", door, "dockerd")] == homes


@each_route
def test_two_kernels_are_two_frames(drawn: Drawn, way: Route) -> None:
    """There are as many computers as kernels, side by side, with a gap between them."""
    draw.route(way)
    edges = [edge for computer in computers(drawn) for edge in computer]
    assert len(edges) == (2 if way.one_kernel else 4)
    assert edges == sorted(edges)


def test_the_names_are_those_of_the_route(drawn: Drawn) -> None:
    """The picture names the host, the engine's version and the door."""
    draw.route(ROUTES["one kernel"])
    assert {"one computer, one kernel: thinkpad", "dockerd\n28.5.2", "unix socket\n/var/run/docker.sock"} <= set(
        drawn.words
    )
