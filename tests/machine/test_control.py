"""What `up` refuses before anything is started, and what it says when its supervisor does not stay."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from labkit.errors import MachineError
from labkit.machine import control, limits, state
from labkit.machine.places import Places
from labkit.machine.state import State


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """The folders of a machine that was built and never started."""
    monkeypatch.setattr(control, "manifest", lambda: {"recipe": 1})
    monkeypatch.setattr("labkit.machine.places.LONGEST", 1000)
    where = Places("x", tmp_path / "s", tmp_path / "r")
    where.make()
    return where


def test_what_was_not_built_cannot_start(where: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without parts, the error names the command that makes them."""
    monkeypatch.setattr(control, "manifest", dict)
    with pytest.raises(MachineError, match="No machine was built") as caught:
        control.up(where)
    assert "labkit machine build" in caught.value.remedy


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"store": "zfs"}, "'zfs' is no image store"),
        ({"disk": "4G"}, "The machine has a disk of 600 MB"),
        ({"memory": "1M"}, "--memory 1M is too little"),
        ({"memory": "much"}, "'much' is no size"),
    ],
)
def test_a_bad_wish_is_refused_and_changes_nothing(where: Places, wishes: dict[str, str], words: str) -> None:
    """An impossible wish is said before anything is started or written down."""
    with open(where.disk, "wb") as disk:
        disk.truncate(600 * limits.MB)
    with pytest.raises(MachineError, match=words):
        control.up(where, **wishes)  # type: ignore[arg-type]
    assert [path.name for path in where.run.iterdir()] == []
    assert not (where.state / "store").exists()


def test_a_running_machine_keeps_its_store(where: Places) -> None:
    """`up` on a running machine returns it, and says how to change its store."""
    with state.kept(where):
        state.write(where, State("up", store="overlay2"))
        assert control.up(where).store == control.up(where, store="overlay2").store == "overlay2"
        with pytest.raises(MachineError, match="runs with the image store overlay2, not containerd"):
            control.up(where, store="containerd")


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 3", "Its supervisor ended with status 3."),
        ("kill -9 $$", "Its supervisor was killed by SIGKILL."),
        ("exit 0", "The machine was ended while it started."),
    ],
)
def test_a_supervisor_that_does_not_stay(
    where: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, words: str
) -> None:
    """When the supervisor ends before the daemon answers, `up` says how at once."""
    fake = tmp_path / "python"
    fake.write_text(f"#!/bin/sh\n{script}\n")
    fake.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(fake))
    with pytest.raises(MachineError) as caught:
        control.up(where)
    assert caught.value.problem == words


def test_what_is_not_up_has_no_shell(where: Places) -> None:
    """A shell needs a machine that is up; `down` on none says that there was none."""
    with pytest.raises(MachineError, match="The machine x is not up"):
        control.on_the_machine(where, (), terminal=False)
    assert not control.down(where)
