"""Chapter 04's judges know what they say: layers as the daemon has them, sizes as its disk has them."""

from __future__ import annotations

import itertools
import shutil

import pytest

from labkit.course import ch04_sharing
from labkit.course.ch04_named import VERSIONS, Chain, Names, read_ids, tags
from labkit.course.ch04_places import LAYERS, Where, asked_for
from labkit.course.ch04_sharing import PLAN, Next, Shared, read_stacks, stacks, totals, wrong_turns
from labkit.course.ch04_top import Own, path, text
from labkit.course.exercise import World
from labkit.inside.layers import chain_ids, read_layers
from tests.course.samples import LEARNERS, nowhere
from tests.oracles import docker

# --- Names ---------------------------------------------------------------------------------------------------


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["04.names"], indirect=True)
def test_the_rows_are_those_of_docker_images(real_world: World) -> None:
    """Each drawn tag is a row of docker images, and those of one version have one id."""
    name = Names().prepare(real_world)["name"]
    rows = dict(row.split() for row in docker("images", name, "--format", "{{.Tag}} {{.ID}}").splitlines())
    drawn = tags(real_world)
    assert set(rows) == set(drawn)
    assert all((rows[one] == rows[other]) == (drawn[one] == drawn[other]) for one in drawn for other in drawn)


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["04.names"], indirect=True)
def test_a_tag_that_was_moved_is_noticed(real_world: World) -> None:
    """Whoever moves a tag has another exercise than the one that was prepared: nothing is judged."""
    Names().prepare(real_world)
    assert read_ids(real_world)
    image = real_world.daemon.client.images.get(f"{real_world.name('app')}:{VERSIONS[2]}")
    image.tag(real_world.name("app"), tag="latest")
    assert not read_ids(real_world)


@pytest.mark.parametrize("learner", LEARNERS)
def test_latest_is_not_the_newest(learner: str) -> None:
    """Whoever the learner is, latest stands for an older version, and there are more names than images."""
    drawn = tags(nowhere("04.names", learner))
    assert drawn["latest"] in VERSIONS
    assert drawn["latest"] != max(drawn.values())
    assert len(drawn) > len(set(drawn.values())) >= 3


@pytest.mark.parametrize("nonce", "abcdef")
def test_order_matters_in_every_stack(nonce: str) -> None:
    """No two of the judge's stacks have one chain-id, so that a guess for one is right for no other."""
    results = [case.truth for case in Chain().cases(nowhere("04.chain", "ada", nonce))]
    assert len(set(results)) == len(results)


# --- Places --------------------------------------------------------------------------------------------------


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["04.where"], indirect=True)
def test_the_layer_that_is_asked_for_is_in_the_middle(real_world: World) -> None:
    """The layer is one of the image's own, neither the lowest nor the top, and its directory has its one file."""
    told = Where().prepare(real_world)
    layers = read_layers(real_world.host, told["image"], daemon=real_world.daemon).layers
    [layer] = [layer for layer in layers if layer.diff_id == told["layer"]]
    assert 1 < layer.number < len(layers) == LAYERS + 1
    assert real_world.host.list(f"{layer.directory}/srv") == [real_world.seed.word(str(asked_for(real_world) - 1))]


# --- Sharing -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("learner", LEARNERS)
def test_one_pair_shares_the_most_and_another_seems_to(learner: str) -> None:
    """By chain-ids one pair shares the most layers; by diff-ids others do, and the first pair does not."""
    drawn = stacks(nowhere("04.shared", learner))
    chains = {letter: {tuple(layers[:n]) for n in range(1, len(layers) + 1)} for letter, layers in drawn.items()}
    pairs = list(itertools.combinations(drawn, 2))
    shared = sorted((len(chains[one] & chains[other]), one, other) for one, other in pairs)
    alike = {(one, other): len(set(drawn[one]) & set(drawn[other])) for one, other in pairs}
    assert shared[-1][0] > shared[-2][0] + 1
    assert alike[shared[-1][1:]] < max(alike.values())


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["04.shared"], indirect=True)
def test_what_is_shared_is_one_directory(real_world: World) -> None:
    """Two of the four have as many directories in common, on the daemon's host, as chain-ids."""
    Shared().prepare(real_world)
    told = read_stacks(real_world, ch04_sharing.LETTERS)
    places = {
        name: {layer.directory for layer in read_layers(real_world.host, name, daemon=real_world.daemon).layers}
        for name in told
    }
    for one, other in itertools.combinations(told, 2):
        chains = set(chain_ids(told[one])) & set(chain_ids(told[other]))
        assert len(places[one] & places[other]) == len(chains)


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["04.next"], indirect=True)
def test_the_sizes_are_those_on_the_disk(real_world: World) -> None:
    """What the judge adds up is what the layers' directories hold."""
    told = Next().prepare(real_world)
    layers = {
        name: {
            layer.directory: layer.size for layer in read_layers(real_world.host, name, daemon=real_world.daemon).layers
        }
        for name in (*told["there"], told["next"])
    }
    first, second, third = layers.values()
    there, everything = first | second, first | second | third
    truth = totals(real_world)
    assert truth == {"comes": sum(everything.values()) - sum(there.values()), "all": sum(everything.values())}


@pytest.mark.parametrize("learner", LEARNERS)
def test_no_misunderstanding_is_right(learner: str) -> None:
    """The numbers that misunderstandings lead to are all different, and none is the right one."""
    world = nowhere("04.next", learner)
    for key, turns in wrong_turns(world).items():
        assert totals(world)[key] not in turns
        assert len(turns) == {"comes": 3, "all": 2}[key]
    assert set(PLAN["c"]) & set(PLAN["b"]) == {"base", "data"}


# --- One layer more ------------------------------------------------------------------------------------------


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["04.own"], indirect=True)
def test_any_builder_will_do(real_world: World) -> None:
    """An image that was committed, not built, is judged by what it is."""
    if not shutil.which("docker"):
        pytest.skip("no docker command to commit with")
    told = Own().prepare(real_world)
    name = real_world.name("box")
    docker(
        "run", "--name", name, told["base"], "sh", "-c", f"mkdir -p /etc; echo {text(real_world)} > {path(real_world)}"
    )
    docker("commit", name, told["image"])
    verdict = Own().verdict(Own().claim(real_world, None), real_world)
    assert verdict.solved
