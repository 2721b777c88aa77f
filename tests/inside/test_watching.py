"""Watching processes: states, cgroups of both versions, and what comes and goes between two looks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from labkit import errors
from labkit.inside.watching import Group, Watch, find_group, look, read_state
from labkit.local import LocalHost
from tests.inside.fakeproc import add_process

MOUNT = "31 23 0:28 {root} {target} rw - {fstype} {fstype} rw{options}\n"
V1 = MOUNT.format(root="/", target="/sys/fs/cgroup/freezer", fstype="cgroup", options=",freezer")
V2 = MOUNT.format(root="/", target="/sys/fs/cgroup", fstype="cgroup2", options="")
BOTH = V2.replace("/sys/fs/cgroup ", "/sys/fs/cgroup/unified ") + V1
FILES = {1: "freezer.state", 2: "cgroup.events"}


def add_group(root: Path, folder: str, version: int, *pids: int) -> None:
    """Make the cgroup of a container, which runs."""
    there = root / folder
    there.mkdir(parents=True, exist_ok=True)
    (there / "cgroup.procs").write_text("".join(f"{pid}\n" for pid in pids))
    (there / FILES[version]).write_text("THAWED\n" if version == 1 else "populated 1\nfrozen 0\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host with version 2, where process 70 is a container's first and 71 its child."""
    add_process(tmp_path, 70, 9, b"sh", inside="1")
    add_process(tmp_path, 71, 70, b"app", inside="7")
    (tmp_path / "proc/self").mkdir()
    (tmp_path / "proc/self/mountinfo").write_text(V2)
    (tmp_path / "proc/70/cgroup").write_text("0::/docker/web\n")
    add_group(tmp_path, "sys/fs/cgroup/docker/web", 2, 70, 71)
    return tmp_path


@pytest.mark.parametrize(
    ("mounts", "lines", "group"),
    [
        (V1, "6:freezer:/docker/web\n1:cpu:/x\n", Group("/sys/fs/cgroup/freezer/docker/web", 1)),
        (V2, "0::/docker/web\n", Group("/sys/fs/cgroup/docker/web", 2)),
        (BOTH, "6:freezer:/docker/web\n0::/docker/web\n", Group("/sys/fs/cgroup/freezer/docker/web", 1)),
        (V2.replace(" / ", " /outer ", 1), "0::/outer/web\n", Group("/sys/fs/cgroup/web", 2)),
    ],
)
def test_the_cgroup_is_where_it_is_mounted(tmp_path: Path, mounts: str, lines: str, group: Group) -> None:
    """The cgroup is found on either version and on both, also where only a part of the tree is mounted."""
    for pid, text, name in (("self", mounts, "mountinfo"), ("70", lines, "cgroup")):
        (tmp_path / "proc" / pid).mkdir(parents=True)
        (tmp_path / "proc" / pid / name).write_text(text)
    assert find_group(LocalHost(tmp_path), 70) is None
    add_group(tmp_path, group.folder.lstrip("/"), group.version)
    assert find_group(LocalHost(tmp_path), 70) == group


@pytest.mark.parametrize(
    ("letter", "frozen", "state"),
    [
        ("S", "THAWED\n", "alive"),
        ("R", "", "alive"),
        ("D", "FROZEN\n", "frozen"),
        ("D", "FREEZING\n", "alive"),
        ("S", "populated 1\nfrozen 1\n", "frozen"),
        ("S", "populated 1\nfrozen 0\n", "alive"),
        ("T", "frozen 0", "stopped"),
        ("t", "", "stopped"),
        ("T", "frozen 1", "frozen"),
        ("Z", "FROZEN", "zombie"),
    ],
)
def test_states_have_words(letter: str, frozen: str, state: str) -> None:
    """What a process is follows from its letter and from its cgroup, on both versions."""
    assert read_state(letter, frozen) == state


def test_changes_lie_between_two_looks(root: Path) -> None:
    """A change is told at the end of the look that saw it, within the time since the look that did not."""
    host = LocalHost(root)
    watch = Watch(host, 70)
    before = watch.begin
    add_process(root, 70, 9, b"sh", inside="1", state="T")
    look(host, [watch])
    [moment] = watch.moments(before)
    assert (moment.source, moment.words) == ("state", "PID 1 is stopped")
    assert moment.seconds == pytest.approx(watch.end - before)
    assert moment.within == watch.resolution == pytest.approx(watch.end - before)


def test_a_frozen_container_is_frozen_as_a_whole(root: Path) -> None:
    """All processes are frozen while the cgroup says so, and run again afterwards."""
    host = LocalHost(root)
    watch = Watch(host, 70)
    for value in (1, 0):
        (root / "sys/fs/cgroup/docker/web/cgroup.events").write_text(f"populated 1\nfrozen {value}\n")
        look(host, [watch])
    assert [track.states for track in watch.tracks(0)] == [("alive", "frozen", "alive")] * 2
    assert [moment.words for moment in watch.moments(0)] == ["PID 1 is frozen", "PID 1 runs again"]


def test_who_comes_and_goes_has_a_track(root: Path) -> None:
    """A process that begins and ends meanwhile has a track of its own; one outside of the PID namespace has none."""
    host = LocalHost(root)
    watch = Watch(host, 70)
    add_process(root, 72, 70, b"late", inside="8")
    add_process(root, 73, 9, b"runc:[1:CHILD]")
    add_group(root, "sys/fs/cgroup/docker/web", 2, 70, 71, 72, 73, 74)
    look(host, [watch])
    shutil.rmtree(root / "proc/71")
    look(host, [watch])
    tracks = watch.tracks(0)
    assert [(track.pid, track.name, len(track.spans)) for track in tracks] == [
        (1, "sh", 1),
        (7, "app", 1),
        (8, "late", 1),
    ]
    assert tracks[1].spans[0].end == tracks[0].spans[0].end == watch.end
    assert not watch.gone


def test_a_number_that_is_used_again_is_another_process(root: Path) -> None:
    """A process is gone when its number belongs to one that started later."""
    host = LocalHost(root)
    watch = Watch(host, 70)
    add_process(root, 70, 9, b"other", inside="1", started=5)
    look(host, [watch])
    assert watch.gone
    assert watch.first.name == "sh"
    assert watch.moments(0)[-1].words == "PID 1 is gone"


def test_without_a_cgroup_the_first_process_is_watched(root: Path) -> None:
    """Where the cgroup is not seen, the first process has its track all the same."""
    (root / "proc/self/mountinfo").unlink()
    host = LocalHost(root)
    watch = Watch(host, 70)
    look(host, [watch])
    assert watch.group is None
    assert [(track.pid, track.states) for track in watch.tracks(0)] == [(1, ("alive",))]
    assert watch.resolution == watch.longest > 0


def test_who_is_not_there_cannot_be_watched(root: Path) -> None:
    """A process that has ended is missing."""
    with pytest.raises(errors.PathMissing):
        Watch(LocalHost(root), 99)


def test_several_are_looked_at_together(root: Path) -> None:
    """One question is enough for all that several watch."""
    host = LocalHost(root)
    watches = [Watch(host, 70), Watch(host, 71)]
    shutil.rmtree(root / "proc/71")
    look(host, watches)
    assert [watch.gone for watch in watches] == [False, True]
    assert watches[0].end == watches[1].end
