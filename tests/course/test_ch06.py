"""Chapter 06's judges know what they say: changes as the daemon tells them, tars in an order that helps nobody."""

from __future__ import annotations

import io

import pytest

from labkit.course.ch06_changes import LETTERS, Changes, changes, lines, read_lines, words
from labkit.course.ch06_saved import Newest
from labkit.course.ch06_tars import Whiteout, leaky, others, secret, steps
from labkit.course.copies import diff_ids, put, take
from labkit.course.exercise import World
from labkit.inside.archive import read_archive
from labkit.oci import digest, write_archive
from tests.course.samples import LEARNERS, nowhere

# --- What has changed -----------------------------------------------------------------------------------------


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["06.diff"], indirect=True)
def test_the_daemons_changes_are_those_of_the_lines(real_world: World) -> None:
    """Each letter has paths, and nothing that came and went is among them."""
    said, word = changes(real_world), words(real_world)
    assert all(said[letter] for letter in LETTERS)
    assert f"/srv/{word['folder']}/{word['inner']}" in said["A"]
    assert not any(word["brief"] in path for paths in said.values() for path in paths)
    assert said["D"] == {f"/bin/{word['program']}", f"/etc/{word['renamed']}"}


def test_learners_have_other_lines() -> None:
    """There are seven lines for each learner, and no two have the same."""
    drawn = [tuple(lines(nowhere(Changes.id, learner))) for learner in LEARNERS]
    assert {len(each) for each in drawn} == {7}
    assert len(set(drawn)) == len(LEARNERS)


@pytest.mark.parametrize("value", [["A /a b", "D /c"], " A  /a b \nD /c\n", ["A /a b", "D /c", "X /d", 7]])
def test_lines_are_read_as_they_are_printed(value: object) -> None:
    """Lines come as a list or as one text; what is no line of docker diff does not count."""
    assert read_lines(value) == {"A": {"/a b"}, "C": set(), "D": {"/c"}}


# --- What is in a tar -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("nonce", ["one", "two", "three"])
def test_the_newest_is_neither_first_nor_last(nonce: str) -> None:
    """In each tar the newest layer of the asked image stands between others of its layers."""
    for case in Newest().cases(nowhere(Newest.id, "ada", nonce)):
        data, tag = case.arguments
        archive = read_archive(io.BytesIO(data))
        image = archive.image(tag)
        order = [member.name for member in archive.members]
        places = [order.index(layer.name) for layer in image.layers]
        assert min(places) < places[-1] < max(places)
        assert image.layers[-1].diff_id == case.truth


def test_a_real_whiteout_is_among_the_cases() -> None:
    """The judge's own layers hold holes, and devices that differ from holes by one number or by the letter."""
    entries = [entry for case in Whiteout().cases(nowhere(Whiteout.id, "ada", "one")) for entry in case.arguments[0]]
    assert {("c", 0, 0), ("c", 1, 0), ("c", 0, 3), ("b", 0, 0)} <= {tuple(entry[1:4]) for entry in entries}


# --- An image with a secret -----------------------------------------------------------------------------------


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["06.remove"], indirect=True)
def test_the_secret_is_in_one_layer_and_not_on_top(real_world: World) -> None:
    """Of the leaky image's layers one has the secret, not the newest, and the others are the rest in their order."""
    holding = [digest(step) for step in steps(real_world) if secret(real_world) in step]
    with io.BytesIO() as file:
        write_archive(file, leaky(real_world))
        layers = [layer.diff_id for layer in read_archive(file).images[0].layers]
    assert len(holding) == 1
    assert holding[0] in layers[:-1]
    assert [layer for layer in layers if layer != holding[0]] == others(real_world)


def test_the_secrets_place_differs() -> None:
    """Which of the two steps brings the secret is drawn for each learner."""
    worlds = [nowhere("06.remove", learner) for learner in LEARNERS]
    assert {[secret(world) in step for step in steps(world)].index(True) for world in worlds} == {0, 1}


# --- Copies ---------------------------------------------------------------------------------------------------


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["06.rescue"], indirect=True)
def test_files_go_in_and_out_of_a_container(real_world: World) -> None:
    """What is put into a container is taken out again; what is not there is None, like a folder."""
    box = real_world.run("sleep 600", "box", stop_signal="SIGKILL")
    put(box, note="a word")
    assert (take(box, "/srv/note"), take(box, "/srv/none"), take(box, "/srv")) == ("a word", None, None)


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["06.rescue"], indirect=True)
def test_an_image_that_is_not_there_has_no_layers(real_world: World) -> None:
    """An unknown image is None, not an image without layers."""
    assert diff_ids(real_world, real_world.name("nobody")) is None
