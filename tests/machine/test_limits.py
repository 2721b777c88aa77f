"""Sizes in words, and how much of its host a machine takes."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from labkit.errors import MachineError
from labkit.machine import limits
from labkit.machine.limits import GB, MB


@pytest.mark.parametrize(
    ("text", "size"),
    [("512M", 512 * MB), ("1.5G", 1536 * MB), ("2GiB", 2 * GB), (" 2 gb ", 2 * GB), ("1024", 1024), ("3k", 3072)],
)
def test_a_size_is_read(text: str, size: int) -> None:
    """Units are powers of 1024, in either case, with or without the B."""
    assert limits.read_size(text) == size


@pytest.mark.parametrize("text", ["", "much", "-1G", "1X", "1G2", "1,5G", "∞"])
def test_what_is_no_size_is_said(text: str) -> None:
    """The error has the words, and how to write a size."""
    with pytest.raises(MachineError, match="is no size") as caught:
        limits.read_size(text)
    assert repr(text) in caught.value.problem


@pytest.mark.parametrize(
    ("free", "given"), [(100 * MB, 256 * MB), (1 * GB, 512 * MB), (3 * GB, 1536 * MB), (64 * GB, 2 * GB)]
)
def test_memory_is_half_of_what_is_free(monkeypatch: pytest.MonkeyPatch, free: int, given: int) -> None:
    """Without a wish the guest gets half of what is free, at least 256 MB and at most 2 GB."""
    monkeypatch.setattr(limits, "_allowed", lambda: free)
    assert limits.memory() == given


def test_too_little_memory_is_refused() -> None:
    """A daemon would not run in it, and the error says how much it needs."""
    with pytest.raises(MachineError, match="--memory 64M is too little") as caught:
        limits.memory("64M")
    assert caught.value.remedy == "Give at least 256M."


@pytest.mark.parametrize(("free", "given"), [(4 * GB, 2 * GB), (500 * GB, 16 * GB)])
def test_a_disk_is_half_of_the_room(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, free: int, given: int) -> None:
    """Without a wish the disk may grow to half of the room in its folder, at most 16 GB."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    assert (limits.disk(tmp_path), limits.disk(tmp_path, "3.3G")) == (given, int(3.3 * GB) // MB * MB)


def test_no_room_for_a_disk_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where no image would find room, the error says how much is left, and where else to go."""
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=900 * MB))
    with pytest.raises(MachineError, match="has 900 MB left") as caught:
        limits.disk(tmp_path)
    assert "XDG_STATE_HOME" in caught.value.remedy


def test_room_is_asked_of_the_folder(tmp_path: Path) -> None:
    """A folder has room for little, not for everything; one that is not there has none."""
    asked = [limits.has_room(tmp_path, 1), limits.has_room(tmp_path, 1 << 60), limits.has_room(tmp_path / "no", 1)]
    assert asked == [True, False, False]


CGROUPS = {
    "version 2": ("0::/user.slice/a\n", ["memory.max", "user.slice/a/memory.max", "user.slice/memory.max"]),
    "version 1": (
        "3:cpu,memory:/a\n1:cpuset:/b\n",
        ["memory.max", "memory/a/memory.limit_in_bytes", "memory/memory.limit_in_bytes"],
    ),
    "none": ("", ["memory.max"]),
}


@pytest.mark.parametrize(("own", "files"), CGROUPS.values(), ids=CGROUPS)
def test_every_cgroup_above_counts(tmp_path: Path, own: str, files: list[str]) -> None:
    """The limits of a process are its own cgroup's and those of every one above, in both versions of cgroups."""
    (tmp_path / "cgroup").write_text(own)
    found = {str(file.relative_to(tmp_path)) for file in limits._memory_files(tmp_path / "cgroup", tmp_path)}
    assert found == set(files)
