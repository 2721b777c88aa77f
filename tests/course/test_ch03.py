"""Chapter 03's judges know what they say: numbers as the kernel tells them, rows as docker ps has them."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter

import pytest

from labkit.course.ch03_numbers import Identity, Nspid, facts, status
from labkit.course.ch03_sharing import LETTERS, SHARABLE, Shared, chosen, only_these, pair
from labkit.course.ch03_states import STATES, Count, make, states
from labkit.course.ch03_stopped import code, label, was_there
from labkit.course.exercise import World
from labkit.inside.namespaces import Comparison, compare_namespaces
from tests.course.samples import LEARNERS, nowhere

# --- Numbers -------------------------------------------------------------------------------------------------


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["03.nspid"], indirect=True)
def test_a_status_text_is_like_the_kernels(real_world: World) -> None:
    """Each line of the judge's texts that names a process's numbers is, to the letter, a line of the kernel's."""
    with real_world.run(["sleep", "600"], "box", stop_signal="KILL") as box:
        told = real_world.host.text(f"/proc/{box.pid}/status").splitlines()
        ours = status("sleep", box.pid, 1).splitlines()
        numbers = ("Name:", "Tgid:", "Pid:", "NStgid:", "NSpid:", "NSpgid:", "NSsid:")
        assert [line for line in ours if line.startswith(numbers)] == [
            line for line in told if line.startswith(numbers)
        ]
        names = [line.partition(":")[0] for line in ours]
        assert names == [name for line in told if (name := line.partition(":")[0]) in names]


@pytest.mark.parametrize("nonce", "abcdef")
def test_no_two_processes_have_one_number(nonce: str) -> None:
    """In the texts of one call, no two processes have the same number on the host: a dictionary could not hold them."""
    for case in Nspid().cases(nowhere("03.nspid", "ada", nonce)):
        pids = [line for text in case.arguments[0] for line in text.splitlines() if line.startswith("Pid:")]
        assert len(set(pids)) == len(pids) == len(case.arguments[0])


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["03.identity"], indirect=True)
def test_the_identity_is_what_inside_and_outside_say(real_world: World) -> None:
    """Id, number and address are those that the container's own programs and the host's kernel have."""
    told = Identity().prepare(real_world)
    box = real_world.find("box")
    assert box and box.name == told["container"]
    whole, pid, address = facts(box)
    assert whole.startswith(box.sh("hostname"))
    assert address == box.sh("hostname -i").split()[0]
    assert f"NSpid:\t{pid}\t1\n" in real_world.host.text(f"/proc/{pid}/status")


# --- Who shares ----------------------------------------------------------------------------------------------

FOUR = Comparison(
    ("host", "a", "b", "c"), {"net": (1, 2, 2, 3), "pid": (1, 2, 3, 4), "user": (1, 1, 1, 1), "ipc": (1, 1, 1, 2)}
)


@pytest.mark.parametrize(
    ("one", "other", "kinds"),
    [("a", "b", ["net"]), ("b", "a", ["net"]), ("a", "c", []), ("a", "a", []), ("a", "nobody", [])],
)
def test_what_only_two_share(one: str, other: str, kinds: list[str]) -> None:
    """A namespace that a third, or the host, is in as well does not count."""
    assert only_these(FOUR, one, other) == kinds


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["03.shared"], indirect=True)
def test_exactly_two_share_exactly_one(real_world: World) -> None:
    """Among the four that are prepared, the drawn pair shares the drawn kind, and no others share anything."""
    Shared().prepare(real_world)
    boxes = [box for letter in LETTERS if (box := real_world.find(letter))]
    comparison = compare_namespaces(real_world.host, *boxes)
    names = comparison.names[1:]
    sharing = {(a, b): kinds for a in names for b in names if a < b and (kinds := only_these(comparison, a, b))}
    one, other = sorted(map(real_world.name, pair(real_world)))
    assert sharing == {(one, other): [chosen(real_world)]}


def test_learners_have_pairs_and_kinds_of_their_own() -> None:
    """Among a hundred learners every kind and every pair is drawn."""
    worlds = [nowhere("03.shared", f"learner-{number}") for number in range(100)]
    assert {chosen(world) for world in worlds} == set(SHARABLE)
    assert len({frozenset(pair(world)) for world in worlds}) == 6


# --- How it lives and ends -----------------------------------------------------------------------------------


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["03.count"], indirect=True)
def test_the_rows_are_those_of_docker_ps(real_world: World) -> None:
    """What the judge counts is what the docker command prints: rows of ps and ps -a, states, and ps -l."""
    if not shutil.which("docker"):
        pytest.skip("no docker command to ask")
    prefix = Count().prepare(real_world)["prefix"]

    def rows(*options: str) -> list[list[str]]:
        shape = ["--filter", f"name={prefix}", "--format", "{{.Names}} {{.State}}"]
        done = subprocess.run(["docker", "ps", *options, *shape], check=True, capture_output=True, text=True)
        return [line.split() for line in done.stdout.splitlines()]

    drawn = Counter(states(real_world))
    assert len(rows()) == drawn["running"] + drawn["paused"]
    assert Counter(state for _, state in rows("-a")) == drawn
    assert rows("-a")[0][0] == real_world.name(str(len(states(real_world)) - 1))
    assert rows("-l")[0] == rows("-a")[0]


@pytest.mark.parametrize("learner", LEARNERS)
def test_every_state_is_there(learner: str) -> None:
    """Whoever the learner is, each state is drawn at least once, and not every container has a process."""
    drawn = Counter(states(nowhere("03.count", learner)))
    assert set(drawn) == set(STATES)


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["03.exit"], indirect=True)
def test_the_diary_tells_what_was_removed(real_world: World) -> None:
    """A container that never was is not taken for one that was removed, nor is one that is still there."""
    assert not was_there(real_world)
    box = make(real_world, 0, "created")
    assert not was_there(real_world)
    real_world.daemon.client.api.rename(box.id, real_world.name("box"))
    box.remove()
    assert was_there(real_world)


@pytest.mark.parametrize("learner", LEARNERS)
def test_the_code_is_no_other_ones(learner: str) -> None:
    """The exit code that is asked for means nothing else: no success, no failure, none of docker's or a signal's."""
    world = nowhere("03.exit", learner)
    assert 2 < code(world) < 125
    assert label(world).startswith("labkit=")
