"""The map of who shares which namespace."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.patches import FancyBboxPatch, PathPatch

from labkit import draw, images, sandbox
from labkit.daemon import Daemon
from labkit.draw.namespaces import SEES
from labkit.hosts import open_host
from labkit.inside.namespaces import KINDS, Comparison, compare_namespaces
from tests.draw.conftest import Drawn


def compared(*names: str, **kinds: str) -> Comparison:
    """Each kind is a word with one letter for each name: equal letters are the same namespace."""
    return Comparison(("host", *names), {kind: tuple(map(ord, letters)) for kind, letters in kinds.items()})


SIX = tuple(f"labkit-03-share-heron-3f07-box{number}" for number in range(6))
CASES = {
    "one": (
        compared("web", mnt="ab", net="ab", pid="ab", user="aa"),
        "host and web share user; every other namespace is somebody's own.",
    ),
    "all the host's": (compared("web", net="aa", pid="aa"), "host and web share net and pid."),
    "nothing": (compared("web", "db", net="abc", pid="abc"), "host, web and db share no namespace."),
    "neighbours": (
        compared("web", "db", "debug", mnt="abcd", net="abbc", pid="abbc", time="aaaa"),
        "web and db share net and pid; all share time; every other namespace is somebody's own.",
    ),
    "made neighbours": (
        compared("web", "db", "debug", net="abcb", pid="abcb", ipc="aaba", uts="abcd"),
        "web and debug share net and pid; host, web and debug share ipc; every other namespace is somebody's own.",
    ),
    "torn": (
        compared("a", "b", "c", net="abbc", pid="abcc", ipc="abcb", uts="aabc"),
        "a and b share net; b and c share pid; a and c share ipc; host and a share uts; "
        "every other namespace is somebody's own.",
    ),
    "interleaved": (compared("a", "b", "c", net="abab", pid="aabb", ipc="abba", uts="abab", mnt="aabb"), None),
    "three woven": (
        compared(*SIX, net="abcabcd", pid="aabbccd", uts="abbccaa", ipc="abccbad", mnt="abcdefg", user="aaaaaaa"),
        None,
    ),
    "six": (compared(*SIX, **dict.fromkeys(SEES, "abcdefg")), None),
    "six in one": (compared(*SIX, **dict.fromkeys(SEES, "aaaaaaa")), None),
    "odd names": (compared("x" * 200, "a-" * 100, "$a_b$", "日本", net="abbca", later="abcde"), None),
}
each_case = pytest.mark.parametrize(("comparison", "sentence"), CASES.values(), ids=CASES)


@each_case
def test_the_sentence_says_what_the_picture_shows(
    drawn: Drawn, capsys: pytest.CaptureFixture[str], comparison: Comparison, sentence: str | None
) -> None:
    """One sentence names who shares what; it is printed, and is the alternative text of the one image."""
    draw.namespaces(comparison)
    out = capsys.readouterr().out
    assert sentence is None or out == sentence + "\n"
    assert [image.alt for image in drawn.images] == [out.rstrip("\n")]


@each_case
def test_words_stay_in_their_places(drawn: Drawn, comparison: Comparison, sentence: str | None) -> None:
    """However many containers there are and however long their names, no words leave the sheet or cover others."""
    draw.namespaces(comparison)
    assert drawn.misplaced() == []
    assert [words for words in drawn.words if words in SEES] == list(filter(SEES.get, comparison.ids))


def shapes(drawn: Drawn) -> list[PathPatch]:
    """The namespaces, row by row."""
    return [patch for patch in drawn.sheets[-1].patches if isinstance(patch, PathPatch)]


def covered(drawn: Drawn, comparison: Comparison) -> dict[str, list[list[int]]]:
    """For each kind the columns that each shape covers at the height of the kind's words, from the left."""
    heights = [text.get_position()[1] for text in drawn.texts if text.get_text() in comparison.ids]
    edges = sorted({patch.get_x() + patch.get_width() / 2 for patch in drawn.sheets[-1].patches if _is_strip(patch)})  # type: ignore[attr-defined]
    rows = {}
    for kind, y in zip(comparison.ids, heights, strict=True):
        spans = [[n for n, x in enumerate(edges) if shape.get_path().contains_point((x, y))] for shape in shapes(drawn)]
        rows[kind] = sorted(filter(None, spans))
    return rows


def _is_strip(patch: object) -> bool:
    return not isinstance(patch, PathPatch | FancyBboxPatch)


def order(drawn: Drawn, comparison: Comparison) -> list[int]:
    """Which name stands above each column."""
    heads = [text.get_text().replace("\n", "") for text in drawn.texts[: len(comparison.names)]]
    return [comparison.names.index(head) for head in heads]


def check_shapes(drawn: Drawn, comparison: Comparison) -> None:
    """Compare the shapes on the sheet with the namespaces."""
    columns = order(drawn, comparison)
    for kind, found in covered(drawn, comparison).items():
        row = [comparison.ids[kind][column] for column in columns]
        assert found == sorted([n for n, other in enumerate(row) if other == one] for one in set(row))
    assert columns[0] == 0
    assert len(shapes(drawn)) == sum(len(set(ids)) for ids in comparison.ids.values())


@pytest.mark.parametrize("case", [case for case in CASES if case != "odd names"])
def test_a_namespace_is_one_shape(drawn: Drawn, case: str) -> None:
    """In each row there are as many shapes as namespaces, and each covers the columns of those who are in it."""
    draw.namespaces(CASES[case][0])
    check_shapes(drawn, CASES[case][0])


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 6), st.data())
def test_any_namespaces_can_be_drawn(drawn: Drawn, number: int, data: st.DataObject) -> None:
    """Whoever shares whatever with whom, the shapes say it, and no words are misplaced."""
    kinds = data.draw(st.lists(st.sampled_from(sorted(SEES)), min_size=4, max_size=8, unique=True))
    ids = {kind: tuple(data.draw(st.integers(0, 3)) for _ in range(number + 1)) for kind in kinds}
    comparison = Comparison(("host", *SIX[:number]), ids)
    draw.namespaces(comparison)
    check_shapes(drawn, comparison)
    assert drawn.misplaced() == []


def test_who_shares_most_are_neighbours(drawn: Drawn) -> None:
    """The containers stand so that what is shared is in one piece, where that can be; else in the order given."""
    draw.namespaces(CASES["made neighbours"][0])
    assert drawn.words[:4] == ["host", "web", "debug", "db"]
    draw.namespaces(CASES["nothing"][0])
    assert drawn.words[:3] == ["host", "web", "db"]


def test_what_is_in_pieces_is_connected(drawn: Drawn) -> None:
    """A namespace of columns that are no neighbours is one shape that runs past what is between them."""
    draw.namespaces(CASES["torn"][0])
    torn = [row for row in covered(drawn, CASES["torn"][0]).values() if [1, 3] in row]
    assert torn == [[[0], [1, 3], [2]]]


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("one", ["host's", "own"] * 3 + ["host's"]),
        ("made neighbours", ["host's", "shared", "own"] * 2 + ["host's", "own"] + ["host's", "own", "own", "own"]),
        ("nothing", ["host's", "own", "own"] * 2),
    ],
)
def test_every_shape_says_whose_it_is(drawn: Drawn, case: str, words: list[str]) -> None:
    """A shape says whether it is the host's, somebody's own or shared: colour is not all that tells them apart."""
    draw.namespaces(CASES[case][0])
    said = [shown for shown in drawn.words if shown in ("host's", "own", "shared")]
    assert said[: len(words)] == words


def test_two_that_are_shared_have_numbers(drawn: Drawn) -> None:
    """Where two groups of containers share, their shapes are told apart by a number."""
    draw.namespaces(compared("a", "b", "c", "d", net="abbcc"))
    assert [words for words in drawn.words if words.startswith("shared")] == ["shared 1", "shared 2"]


def test_every_kind_is_explained() -> None:
    """Each kind of namespace has words for what is in it."""
    assert tuple(SEES) == KINDS


@pytest.mark.parametrize("names", [(), tuple("abcdefg")])
def test_there_is_room_for_one_to_six(drawn: Drawn, names: tuple[str, ...]) -> None:
    """Without a container, or with more than six, there is no picture."""
    with pytest.raises(ValueError, match=f"room for 1 to 6 containers beside the host, not for {len(names)}"):
        draw.namespaces(compared(*names, net="abcdefgh"[: len(names) + 1]))
    assert drawn.images == []


@pytest.mark.daemon
def test_real_containers_are_drawn(drawn: Drawn, daemon: Daemon, world: str) -> None:
    """Two containers of one network and one with the host's: the sentence says so, and the words are in place."""
    image = images.ensure(daemon)
    with contextlib.ExitStack() as stack:
        web = stack.enter_context(sandbox.run(image, "sleep 600", stop_signal="SIGKILL"))
        modes = (f"container:{web.name}", "host")
        twin, near = (stack.enter_context(sandbox.run(image, "sleep 600", network_mode=mode)) for mode in modes)
        host = stack.enter_context(contextlib.closing(open_host(daemon)))
        comparison = compare_namespaces(host, web, twin, near)
    draw.namespaces(comparison)
    assert f"{web.name} and {twin.name} share net" in str(drawn.images[0].alt)
    assert f"host and {near.name} share net" in str(drawn.images[0].alt)
    assert drawn.misplaced() == []
    check_shapes(drawn, comparison)
