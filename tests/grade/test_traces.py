"""What a run leaves on the daemon goes, and nothing of anybody else's."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest

from labkit import images, leftovers, sandbox
from labkit.course.seed import mark
from labkit.daemon import Daemon
from labkit.errors import DaemonError
from labkit.grade import traces
from labkit.grade.traces import cleared, is_of
from labkit.leftovers import Thing

on_the_daemon = pytest.mark.daemon

RUN = f"grade-{secrets.token_hex(4)}"

Make = Callable[..., str]


@pytest.fixture
def label(world: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A label of the test's own, also for what is cleared."""
    monkeypatch.setattr(traces, "LABEL", world)
    return world


@pytest.fixture
def volume(daemon: Daemon, label: str) -> Make:
    """Make a volume with the label; of an owner, or nobody's. Return its name."""

    def make(name: str, owner: str = "") -> str:
        marks = {label: "test"} | ({f"{label}.owner": owner} if owner else {})
        made: Any = daemon.client.volumes.create(f"{label}-{name}", labels=marks)
        return str(made.name)

    return make


def there(daemon: Daemon) -> set[str]:
    """The names of everything that carries the label."""
    return {thing.name for thing in leftovers.things(daemon)}


@on_the_daemon
def test_everything_of_the_run_goes(daemon: Daemon, label: str, monkeypatch: pytest.MonkeyPatch, volume: Make) -> None:
    """Containers, running or not, networks, volumes and images of the run are gone; the course's own image stays."""
    monkeypatch.setenv("LABKIT_LEARNER", RUN)
    busybox = images.ensure(daemon)
    with cleared(daemon, RUN, alone=False) as left:
        box = sandbox.run(busybox, "sleep 1000", daemon=daemon)
        sandbox.create(busybox, "true", daemon=daemon)
        daemon.client.networks.create(f"{label}-net", labels=sandbox.labels("test"))
        volume("data", RUN)
        daemon.client.containers.get(box.id).commit(f"{label}-image")
        assert len(there(daemon)) == 6
    assert (there(daemon), left) == ({f"{label}/busybox:latest"}, [])


@on_the_daemon
@pytest.mark.parametrize("alone", [True, False])
def test_other_peoples_things_stay(daemon: Daemon, volume: Make, alone: bool) -> None:
    """What another run, the instructor or a learner has made stays, before and meanwhile, alone or not."""
    before = {volume("before", "ada"), volume("run", "grade-other")}
    with cleared(daemon, RUN, alone=alone):
        meanwhile = {volume("meanwhile", "ada"), volume(f"run-{mark(RUN)}", "grade-other")}
        volume("mine", RUN)
    assert there(daemon) == before | meanwhile


@on_the_daemon
@pytest.mark.parametrize("alone", [True, False])
def test_nameless_things_from_before_stay(daemon: Daemon, volume: Make, alone: bool) -> None:
    """What has no owner, and was there before the run, is nobody's to remove."""
    before = {volume("nameless")}
    with cleared(daemon, RUN, alone=alone):
        volume("mine", RUN)
    assert there(daemon) == before


@on_the_daemon
@pytest.mark.parametrize("alone", [True, False])
def test_new_nameless_things_go_only_when_nobody_else_grades(daemon: Daemon, volume: Make, alone: bool) -> None:
    """What appears without an owner is this run's if it is alone on the daemon; else it may be a neighbour's."""
    with cleared(daemon, RUN, alone=alone):
        new = volume("new")
    assert there(daemon) == (set() if alone else {new})


@on_the_daemon
def test_a_nameless_thing_with_the_runs_word_is_the_runs(daemon: Daemon, volume: Make) -> None:
    """What has no owner, and the run's own word in its name, goes though others grade at the same time."""
    with cleared(daemon, RUN, alone=False):
        volume(f"00-word-{mark(RUN)}-data")
        other = volume(f"00-word-{mark('another')}-data")
    assert there(daemon) == {other}


@on_the_daemon
def test_a_learners_container_from_the_courses_image_goes(daemon: Daemon, label: str) -> None:
    """A container made by hand from the course's image has its label and no owner; it goes with a run that is alone."""
    busybox = images.ensure(daemon)
    with cleared(daemon, RUN, alone=True):
        daemon.client.containers.run(busybox, ["sleep", "1000"], name=f"{label}-by-hand", detach=True)
    assert there(daemon) == {f"{label}/busybox:latest"}


@on_the_daemon
def test_what_has_no_label_is_never_touched(daemon: Daemon, label: str) -> None:
    """A volume without the label stays, though it is new, nobody's, and has the run's word in its name."""
    with cleared(daemon, RUN, alone=True):
        made: Any = daemon.client.volumes.create(f"{label}-{mark(RUN)}-plain")
    try:
        assert daemon.client.volumes.get(made.name).name == made.name
    finally:
        made.remove()


@on_the_daemon
def test_what_must_stay_is_told(daemon: Daemon, label: str, volume: Make) -> None:
    """What cannot be removed, because somebody uses it, is told with its name and the daemon's reason."""
    busybox = images.ensure(daemon)
    with cleared(daemon, RUN, alone=False) as left:
        name = volume("in-use", RUN)
        box = sandbox.create(busybox, "true", daemon=daemon, volumes=[f"{name}:/data"])
    box.remove()
    (sentence,) = left
    assert sentence.startswith(f"The volume {name} is still there: ") and "in use" in sentence


@on_the_daemon
def test_a_run_that_fails_is_cleared_too(daemon: Daemon, volume: Make) -> None:
    """Where the run itself fails, its things go all the same, and its error is seen."""
    with pytest.raises(ZeroDivisionError), cleared(daemon, RUN, alone=False):
        volume("mine", RUN)
        raise ZeroDivisionError
    assert there(daemon) == set()


# --- without a daemon -------------------------------------------------------------------------------------


def test_without_a_daemon_there_is_nothing_to_clear() -> None:
    """Where exercises need no daemon, none is asked."""
    with cleared(None, RUN, alone=True) as left:
        assert left == []
    assert left == []


@pytest.mark.parametrize(
    ("met", "raised"),
    [(None, DaemonError), (ZeroDivisionError("first"), ZeroDivisionError)],
    ids=["all was well", "the run failed before"],
)
def test_a_daemon_that_died_is_told_of(
    monkeypatch: pytest.MonkeyPatch, met: Exception | None, raised: type[Exception]
) -> None:
    """Where the daemon is gone at the end, that is raised, for nobody else may have asked; but not over an error."""
    asked: list[bool] = []

    def things(_: object, **__: object) -> list[Thing]:
        asked.append(True)
        if len(asked) > 1:
            raise ConnectionError("nobody there")
        return []

    monkeypatch.setattr(leftovers, "things", things)
    daemon: Any = object()
    with pytest.raises(raised), cleared(daemon, RUN, alone=True):
        if met:
            raise met
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("owner", "name", "mine"),
    [
        (RUN, "anything", True),
        ("ada", f"labkit-00-word-{mark(RUN)}-box", False),
        ("", f"labkit-00-word-{mark(RUN)}-box", True),
        ("", "labkit-00-word-heron-box", False),
        (RUN + "0", "anything", False),
    ],
    ids=["its label", "another's label", "its word", "another word", "begins like it"],
)
def test_whose_a_thing_is(owner: str, name: str, mine: bool) -> None:
    """A thing is a run's if its label says so, or if no label says otherwise and its name does."""
    assert is_of(Thing("volume", name, name, owner), RUN) is mine
