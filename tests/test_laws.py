"""The laws of exercises that need a judge: what an answer is worth, and what no judge may do."""

from __future__ import annotations

import dataclasses
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import DockerException
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labkit.course import desk
from labkit.course.claims import Claim
from labkit.course.desk import Task
from labkit.course.exercise import World, exercises, find
from labkit.course.seed import mark
from labkit.daemon import Daemon
from labkit.errors import DaemonError
from labkit.helper import container_name
from labkit.leftovers import things
from tests import chapters, engines
from tests.attempts import WrongAnswer, answer, attempt, begin, reference, seen, wrong_answers

IDS = [exercise.id for exercise in exercises()]
PROGRAMS = [exercise.id for exercise in exercises() if exercise.kind == "program"]
VALUES = [exercise.id for exercise in exercises() if exercise.kind == "value"]
STATES = [exercise.id for exercise in exercises() if exercise.kind == "state"]
CLAIMING = PROGRAMS + VALUES
ASKING = [exercise_id for exercise_id in IDS if exercise_id not in PROGRAMS]
"""The exercises whose judge asks the daemon; that of a program asks the learner's function."""

REMOVABLE = [exercise_id for exercise_id in ASKING if exercise_id != "01.events"]
"""The world of 01.events is the daemon's diary, which nobody can remove."""

each = pytest.mark.parametrize("exercise_id", IDS)


@pytest.fixture(scope="module")
def daemon(request: pytest.FixtureRequest) -> Iterator[Daemon]:
    """A daemon of the laws' own, where they run beside the tests that look at everything that one has."""
    if "PYTEST_XDIST_WORKER" in os.environ and not engines.why_not():
        with engines.connected("bookworm", "overlay2") as own:
            yield own
    else:
        yield request.getfixturevalue("daemon")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the progress of these tests' learner is kept."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def learner(daemon: Daemon, home: Path) -> Iterator[str]:
    """A learner of these tests' own; what is theirs is gone afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        name = f"laws-{secrets.token_hex(4)}"
        patch.setenv("LABKIT_LEARNER", name)
        patch.setenv("LABKIT_HOME", str(home))
        patch.delenv("LABKIT_HOST", raising=False)
        yield name
        desk.tidy()


@pytest.fixture(scope="module")
def begun(learner: str) -> dict[str, Task]:
    """Every exercise, begun and not answered."""
    return {exercise_id: begin(exercise_id) for exercise_id in IDS}


def stands(daemon: Daemon, learner: str) -> set[tuple[str, str]]:
    """What this learner has on the daemon, but for the helper, which may stay until they tidy."""
    mine = [thing for thing in things(daemon, whose=learner) if thing.owner or mark(learner) in thing.name]
    return {(thing.kind, thing.name) for thing in mine if thing.name != container_name()}


# --- 1, 2, 3: what an answer is worth ------------------------------------------------------------------------


@each
@pytest.mark.daemon
def test_the_notebook_as_shipped_scores_nothing(exercise_id: str, daemon: Daemon, learner: str) -> None:
    """An answer cell that nobody touched gets no point."""
    assert attempt(exercise_id, chapters.source(exercise_id, "answer"), daemon).points == 0


@each
@pytest.mark.parametrize("way", ["", "helper"], ids=["as found", "helper"])
@pytest.mark.daemon
def test_the_reference_answer_scores_all(
    exercise_id: str, way: str, daemon: Daemon, learner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets all points in the time that there is, its judge leaves nothing, and without its world it gets none."""
    monkeypatch.setenv("LABKIT_HOST", way)
    task = begin(exercise_id)
    handed_in = answer(task, reference(exercise_id), daemon)
    before, start = stands(daemon, learner), time.monotonic()
    verdict = desk.judge(task, handed_in)
    assert time.monotonic() - start < task.exercise.seconds
    assert verdict.solved, seen(verdict, task)
    assert stands(daemon, learner) == before
    if exercise_id in ASKING:
        claim, nobody = Claim.of(handed_in), World(daemon, exercise_id, f"{learner}-never-began")
        assert task.exercise.verdict(claim, nobody).points == 0
    if exercise_id in REMOVABLE:
        task.world.clear()
        assert task.exercise.verdict(claim, task.world).points == 0


@pytest.mark.parametrize("wrong", wrong_answers(), ids=lambda wrong: wrong.path.stem)
@pytest.mark.daemon
def test_a_wrong_answer_is_named(wrong: WrongAnswer, daemon: Daemon, learner: str) -> None:
    """A wrong answer gets exactly its points, and the learner reads what they misunderstood."""
    task = begin(wrong.exercise)
    handed_in = answer(task, wrong.text, daemon)
    before = stands(daemon, learner)
    verdict = desk.judge(task, handed_in)
    assert verdict.points == wrong.points < verdict.total, seen(verdict, task)
    assert wrong.says in seen(verdict, task)
    assert stands(daemon, learner) == before


@pytest.mark.parametrize("exercise_id", VALUES)
@pytest.mark.daemon
def test_a_neighbours_answer_is_wrong(
    exercise_id: str, daemon: Daemon, learner: str, begun: dict[str, Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The right answer of another learner does not solve this learner's exercise."""
    monkeypatch.setenv("LABKIT_LEARNER", f"{learner}-neighbour")
    theirs = answer(begin(exercise_id), reference(exercise_id), daemon)
    desk.tidy()
    assert not desk.judge(begun[exercise_id], theirs).solved


# --- 5: after a restart --------------------------------------------------------------------------------------


@pytest.mark.daemon
def test_a_restarted_kernel_begins_again(daemon: Daemon, learner: str, home: Path) -> None:
    """A new process of the same learner begins on what the old one left, and is judged as before."""
    for exercise_id in IDS:  # what is left is every world, some answered in part
        answer(begin(exercise_id), wrong_answers(exercise_id)[0].text, daemon)
    command = [sys.executable, "-m", "tests.attempts", *IDS]
    environ = chapters.environment(learner, home)
    done = subprocess.run(command, cwd=chapters.ROOT, env=environ, capture_output=True, text=True)
    assert [f"{exercise_id} solved: True" in done.stdout for exercise_id in IDS] == [True] * len(IDS), done.stderr


# --- 6: points stay in their bounds --------------------------------------------------------------------------

WORDS = st.sampled_from(["", "create", "start", "die", "destroy", "raised", "GET /_ping HTTP/1.0\r\n\r\n"])
PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS | st.text()
KEYS = st.sampled_from(["outputs", "heard", "actions", "exit code", "returned", "raised"]) | st.text()
JSON: st.SearchStrategy[Any] = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=20) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=40
)


def anything(examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Call a test with so many values of JSON, however long one takes."""
    slowly = settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    return lambda test: slowly(given(value=JSON)(test))


@pytest.mark.parametrize("exercise_id", CLAIMING)
@anything(60)
@pytest.mark.daemon
def test_points_stay_in_their_bounds(exercise_id: str, value: Any, daemon: Daemon, begun: dict[str, Task]) -> None:
    """Whatever is claimed, the judge does not stumble, and gives neither less than 0 nor more than there are."""
    stays_in_bounds(begun[exercise_id], value)


@pytest.mark.parametrize("exercise_id", STATES)
@anything(3)
@pytest.mark.daemon
def test_a_claim_is_nothing_where_the_state_counts(exercise_id: str, value: Any, daemon: Daemon, learner: str) -> None:
    """The judge of a state gives no point for anything that is claimed."""
    assert stays_in_bounds(begin(exercise_id), value) == 0


def stays_in_bounds(task: Task, value: Any) -> int:
    """Return the points for a claim, which are neither less than 0 nor more than there are."""
    verdict = task.exercise.verdict(Claim(value), task.world)
    assert 0 <= verdict.points <= verdict.total
    assert seen(verdict, task)
    return verdict.points


# --- 7: nothing is not enough --------------------------------------------------------------------------------


@pytest.mark.parametrize("exercise_id", PROGRAMS)
@pytest.mark.parametrize("value", [[], {}, [None] * 50, {"outputs": [], "heard": []}], ids=str)
def test_missing_outputs_are_no_points(exercise_id: str, value: object) -> None:
    """A program that was never called, or whose outputs are lost, gets no point."""
    nowhere: Any = None
    assert find(exercise_id).verdict(Claim(value), World(nowhere, exercise_id, "ada", "nonce")).points == 0


@pytest.mark.parametrize("exercise_id", PROGRAMS)
def test_outputs_for_other_inputs_are_wrong(exercise_id: str) -> None:
    """Right outputs, handed in again at another check, do not solve it: the judge has drawn other inputs."""
    nowhere: Any = None
    once, again = (World(nowhere, exercise_id, "ada", nonce) for nonce in ("one", "two"))
    names = chapters.names_before(exercise_id)
    exec(f"{reference(exercise_id)}\ncheck = lambda task, answer: answer\ntask = None", names)
    claim = find(exercise_id).claim(once, eval(chapters.source(exercise_id, "check"), names))
    assert find(exercise_id).verdict(claim, once).solved
    assert not find(exercise_id).verdict(claim, again).solved


@pytest.fixture
def dead(daemon: Daemon) -> Daemon:
    """The daemon after it died: its address answers no more."""
    client = docker.DockerClient("tcp://127.0.0.1:1", version=daemon.api)
    return dataclasses.replace(daemon, client=client)


@pytest.mark.parametrize("exercise_id", ASKING)
@pytest.mark.daemon
def test_a_dead_daemon_is_an_error(exercise_id: str, dead: Daemon) -> None:
    """A judge who cannot ask the daemon gives no verdict."""
    with pytest.raises((DaemonError, DockerException, OSError)):
        find(exercise_id).verdict(Claim("a word"), World(dead, exercise_id, "ada"))


@each
@pytest.mark.daemon
def test_a_dead_daemon_is_said(exercise_id: str, dead: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check without a daemon ends with labkit's own error, not with a score."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nobody-home.sock")
    task = Task(find(exercise_id), World(dead, exercise_id, "ada"), {})
    with pytest.raises(DaemonError):
        desk.judge(task, "a word")
