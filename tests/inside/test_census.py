"""Counting who is alive and who is a zombie."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import pytest

from labkit import errors, sandbox
from labkit.daemon import Daemon
from labkit.host import Host
from labkit.hosts import open_host
from labkit.inside.census import Census, Sample, count_states, take_census, take_censuses
from labkit.local import LocalHost
from labkit.programs import ensure_program, run_program
from labkit.sandbox import Box
from tests.inside.fakeproc import add_process

# --- Made of a folder -----------------------------------------------------------------------------------------


def family(root: Path) -> LocalHost:
    """A first process, 100, with descendants of every state, beside others."""
    add_process(root, 1)
    add_process(root, 90, 1, b"containerd-shim")
    add_process(root, 100, 90)
    for pid, parent, state in ((101, 100, "Z"), (102, 100, "R"), (103, 102, "T"), (104, 102, "t"), (105, 103, "D")):
        add_process(root, pid, parent, b"a) Z 1 (b", state=state)
    add_process(root, 106, 105, state="X")
    add_process(root, 110, 90, b"exec", state="Z")
    add_process(root, 111, 1, b"other", state="Z")
    return LocalHost(root)


def test_who_descends_is_counted_by_state(tmp_path: Path) -> None:
    """The first process and all that descend from it are counted, whatever they are called, and nobody else."""
    begin = time.monotonic()
    sample = count_states(family(tmp_path), 100)
    assert (sample.alive, sample.zombies, sample.stopped, sample.total) == (3, 2, 2, 7)
    assert 0 <= sample.seconds <= time.monotonic() - begin


def test_who_ended_meanwhile_is_left_out(tmp_path: Path) -> None:
    """A process whose files are gone when they are read is not counted."""
    host = family(tmp_path)
    (tmp_path / "proc" / "102" / "stat").unlink()
    assert count_states(host, 100).total == 2


def test_nobody_cannot_be_counted(tmp_path: Path) -> None:
    """The error for a process that is not there has its number."""
    with pytest.raises(errors.PathMissing, match="no process 99"):
        take_census(family(tmp_path), 99)


def test_a_census_ends_with_the_first_process(tmp_path: Path) -> None:
    """When the first process is gone, so are all others, and there is nothing more to count."""
    host = family(tmp_path)

    def end(sample: Sample) -> bool:
        (tmp_path / "proc" / "100" / "stat").unlink()
        return False

    found = take_census(host, 100, seconds=60, every=0.01, until=end)
    assert [sample.total for sample in found.samples] == [7, 0]
    assert str(found.last) == "all gone"


def test_a_census_ends_when_it_is_told(tmp_path: Path) -> None:
    """It ends with the first count for which the condition holds."""
    found = take_census(family(tmp_path), 100, seconds=60, every=0.01, until=lambda sample: sample.seconds > 0.05)
    assert [sample.seconds > 0.05 for sample in found.samples][-2:] == [False, True]


def test_the_pace_is_even(tmp_path: Path) -> None:
    """In two tenths of a second one counts eleven times, if every fiftieth; on a slow computer less often."""
    found = take_census(family(tmp_path), 100, seconds=0.2, every=0.02)
    times = [sample.seconds for sample in found.samples]
    assert 2 <= len(times) <= 11
    assert all(later - earlier > 0.019 for earlier, later in pairwise(times))
    assert times[-1] == pytest.approx(0.2, abs=0.1)


def test_counts_are_said_in_words() -> None:
    """A census is short to see, and a count is said with its nouns."""
    assert str(Sample(0, 2, 0)) == "2 alive, no zombie"
    assert str(Sample(0, 1, 1, 3)) == "1 alive, 3 stopped, 1 zombie"
    assert repr(Census((Sample(0, 2, 0), Sample(4, 1, 10)))) == "<2 samples in 4.0 s; in the end 1 alive, 10 zombies>"


# --- Of containers --------------------------------------------------------------------------------------------


def told(box: Box) -> tuple[int, int, int]:
    """What the container's own ``ps`` says of those that did not come in by ``docker exec``: alive, zombies, all."""
    lines = [line.split() for line in box.sh("ps -o pid,ppid,stat").splitlines()[1:]]
    states = [state for pid, parent, state in lines if parent != "0" or pid == "1"]
    zombies = sum(state.startswith("Z") for state in states)
    return len(states) - zombies, zombies, len(states)


@pytest.mark.daemon
def test_zombies_are_those_that_ps_has(daemon: Daemon, host: Host) -> None:
    """When all children have ended, the container's own ``ps`` counts the same; looking does not change it."""
    with run_program(daemon, "orphans") as box:
        found = take_census(host, box, seconds=30, until=lambda sample: sample.zombies == 10)
        last = count_states(host, box)
        assert told(box) == (last.alive, last.zombies, last.total) == (1, 10, 11)
        assert (found.last.alive, found.last.zombies) == (1, 10)
        counts = [sample.zombies for sample in found.samples]
        assert counts == sorted(counts)
        assert {sample.total for sample in found.samples} == {11}


@pytest.mark.daemon
def test_who_waits_has_no_zombies(daemon: Daemon, host: Host) -> None:
    """A shell and docker-init reap orphans, but not the children of one that lives and never waits."""
    runs = ["reaper", "orphans", "forgetful", "--init reaper", "--init orphans", "--init forgetful"]
    found = take_censuses(daemon, host, *runs)
    assert {run: (one.last.alive, one.last.zombies) for run, one in found.items()} == {
        "reaper": (2, 0),
        "orphans": (1, 10),
        "forgetful": (1, 10),
        "--init reaper": (3, 0),
        "--init orphans": (2, 0),
        "--init forgetful": (2, 10),
    }
    assert all(one.samples[0].alive > one.last.alive for one in found.values())


@pytest.mark.daemon
def test_the_stopped_are_counted(daemon: Daemon, nothing_left: None) -> None:
    """A child that a STOP has stopped is neither alive nor a zombie."""
    with run_program(daemon, "shell") as box:
        host = open_host(daemon)
        assert str(count_states(host, box)) == "2 alive, no zombie"
        box.sh("kill -STOP $(ps -o pid,ppid | awk '$2 == 1 {print $1}')")
        found = take_census(host, box, until=lambda sample: bool(sample.stopped))
        assert str(found.last) == "1 alive, 1 stopped, no zombie"
        host.close()


@pytest.mark.daemon
def test_a_container_that_does_not_run_has_nobody(daemon: Daemon, nothing_left: None) -> None:
    """The error for a container that does not run has its name."""
    host = open_host(daemon)
    box = sandbox.create(ensure_program(daemon, "deaf"), daemon=daemon)
    with box, pytest.raises(errors.SandboxError, match=f"{box.name} does not run"):
        count_states(host, box)
    host.close()


@pytest.mark.daemon
@pytest.mark.parametrize("run", ["", "--rm orphans", "orphans --init"])
def test_words_that_mean_something_else_are_refused(daemon: Daemon, nothing_left: None, run: str) -> None:
    """Of the words behind ``docker run`` only ``--init`` and a program's name are understood; nothing is left."""
    host = open_host(daemon)
    with pytest.raises(errors.LabError, match="orphans"):
        take_censuses(daemon, host, "reaper", run)
    host.close()
