"""A grader's machines, here without any kernel: each is used once, the next starts meanwhile, and none stays."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labkit.errors import BuildFailed, CourseError, LabError, MachineError
from labkit.grade import machines
from labkit.grade.machines import PREFIX, Machines, prepare
from labkit.machine import control, packages, resort
from labkit.machine.places import Places, places
from labkit.machine.state import State
from labkit.sandbox import wait_until

NOBODY = 2**22 + 1
"""No process has this id: ``PID_MAX_LIMIT`` of proc(5)."""


class Yard:
    """What stands for machines: names that are up.

    Attributes:
        started: every name, in the order of their starts.
        gone: those that were thrown away.
        fails: how many of the next starts fail.
        gate: a start waits until it is open.
    """

    def __init__(self) -> None:
        self.started: list[str] = []
        self.gone: list[str] = []
        self.fails = 0
        self.gate = threading.Event()
        self.gate.set()

    def up(self, where: Places, **wishes: Any) -> State:
        """Start one."""
        self.gate.wait(10)
        assert wishes["owner"] == os.getpid()
        self.started.append(where.name)
        if self.fails:
            self.fails -= 1
            raise MachineError("It did not start.", "Try again.")
        return State("up", engine="28.5", store="overlay2")

    def discard(self, where: Places) -> None:
        """Throw one away."""
        self.gone.append(where.name)

    @property
    def left(self) -> set[str]:
        """Those that were started and are still there."""
        return set(self.started) - set(self.gone)


@pytest.fixture
def yard(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Yard:
    """Machines without a kernel."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    yard = Yard()
    monkeypatch.setattr(control, "up", yard.up)
    monkeypatch.setattr(control, "discard", yard.discard)
    return yard


def name_of(address: str) -> str:
    """The machine behind an address."""
    return Path(address).parent.name


def test_each_is_used_once_and_thrown_away(yard: Yard) -> None:
    """No two submissions get the same machine, each machine goes when its submission is done, and none is too many."""
    hosts = Machines(1, 3)
    used = []
    for _ in range(3):
        with hosts.fresh() as address:
            used.append(name_of(address))
            assert used[-1] in yard.left
    hosts.close()
    assert len(set(used)) == 3 and yard.started == used and yard.left == set()


def test_the_next_starts_while_one_is_in_use(yard: Yard) -> None:
    """While a submission has its machine, the next one comes up."""
    hosts = Machines(1, 2)
    with hosts.fresh():
        wait_until(lambda: len(yard.started) == 2, "the next one starts")
    hosts.close()


def test_more_than_expected_are_started_when_they_are_asked_for(yard: Yard) -> None:
    """Who needs another one, because the first try failed, gets one."""
    hosts = Machines(1, 1)
    for count in (1, 2, 3):
        with hosts.fresh():
            assert len(yard.started) == count
    hosts.close()


def test_those_that_nobody_used_go_too(yard: Yard) -> None:
    """Where grading is broken off, the machines that were started ahead are thrown away, also one that still starts."""
    yard.gate.clear()
    hosts = Machines(2, 9)
    threading.Timer(0.05, yard.gate.set).start()
    hosts.close()
    assert yard.left == set()


def test_one_that_does_not_start_is_an_error_and_leaves_nothing(yard: Yard) -> None:
    """The error of a start reaches who wanted the machine, and the next one is tried as if nothing had been."""
    yard.fails = 1
    hosts = Machines(1, 1)
    with pytest.raises(MachineError, match="did not start"), hosts.fresh():
        raise AssertionError("nobody comes here")
    assert yard.left == set()
    with hosts.fresh() as address:
        assert name_of(address) in yard.left
    hosts.close()


def test_what_they_are_is_known_from_the_first(yard: Yard) -> None:
    """The engine that every report names is the machines'."""
    hosts = Machines(1, 1)
    assert hosts.engine == ""
    with hosts.fresh():
        assert hosts.engine.startswith("Docker 28.5, overlay2, cgroup v2")
    hosts.close()


def test_the_machines_of_a_grader_that_was_killed_are_swept_up(yard: Yard) -> None:
    """Folders of a grader that is no more are thrown away; those of one that lives, and the learner's own, are not."""
    dead, alive = f"{PREFIX}-{NOBODY}-1", f"{PREFIX}-{os.getppid()}-1"
    for name in (dead, alive, f"{PREFIX}-x", "main"):
        places(name).state.mkdir(parents=True)
    Machines(1, 0).close()
    assert yard.gone == [dead]


SAYS: dict[str, tuple[str, type[LabError], str]] = {
    "nothing can be fetched": ("mmdebstrap is not installed", CourseError, "--level self"),
    "the build fails": ("", BuildFailed, "network"),
}


@pytest.mark.parametrize(("missing", "error", "remedy"), SAYS.values(), ids=SAYS)
def test_where_none_can_run_it_is_said_before_anything_is_graded(
    monkeypatch: pytest.MonkeyPatch, missing: str, error: type[LabError], remedy: str
) -> None:
    """Without the parts, and without a way to them, the error says why, and what to do instead."""

    def fail(say: Callable[[str], None]) -> None:
        raise BuildFailed("It broke off.", "Look at your network.")

    monkeypatch.setattr(machines, "manifest", dict)
    monkeypatch.setattr(packages, "missing", lambda: missing)
    monkeypatch.setattr(resort, "build_parts", fail)
    with pytest.raises(error) as caught:
        prepare(print)
    assert remedy in caught.value.remedy and missing in caught.value.problem


def test_what_was_built_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the parts are there, nothing is said."""
    monkeypatch.setattr(machines, "manifest", lambda: {"recipe": 1})
    said: list[str] = []
    prepare(said.append)
    assert said == []
