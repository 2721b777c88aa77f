"""What a machine says of itself, and who believes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.machine import state
from labkit.machine.places import Places
from labkit.machine.state import State


@pytest.fixture
def where(tmp_path: Path) -> Places:
    """The folders of a machine that is down."""
    where = Places("x", tmp_path / "s", tmp_path / "r")
    for folder in (where.state, where.run):
        folder.mkdir(mode=0o700)
    return where


def test_what_was_written_is_read(where: Places) -> None:
    """A state comes back as it was, from a file of mode 0600."""
    said = State("up", supervisor=7, port=4711, store="containerd", seconds=1.5)
    with state.kept(where):
        state.write(where, said)
        assert state.read(where) == said
    assert (where.run / "state.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("phase", ["starting", "up", "ending"])
def test_a_stale_state_is_down(where: Places, phase: state.Phase) -> None:
    """A machine that nobody keeps is down, whatever it said last, and a sentence says why."""
    state.write(where, State(phase, supervisor=1))
    found = state.read(where)
    assert (found.phase, found.supervisor) == ("down", 0)
    assert found.why.startswith("It ended without a word")


def test_a_failure_is_kept(where: Places) -> None:
    """What went wrong is said until the next start."""
    state.write(where, State("failed", why="The kernel ended."))
    assert state.read(where).why == "The kernel ended."


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"phase": 1}x'])
def test_a_broken_file_is_down(where: Places, text: str) -> None:
    """A file that is no state is none."""
    (where.run / "state.json").write_text(text)
    assert state.read(where) == State()


def test_a_field_of_another_version_is_passed_over(where: Places) -> None:
    """Fields that this version does not know do no harm."""
    (where.run / "state.json").write_text('{"phase": "failed", "moon": "full"}')
    assert state.read(where) == State("failed")


def test_the_lock_is_held_once(where: Places) -> None:
    """While one supervisor holds the lock, another does not get it, and who looks sees that."""
    assert not state.is_kept(where)
    with state.kept(where):
        assert state.is_kept(where)
        with pytest.raises(BlockingIOError), state.kept(where, patience=0):
            pass
    assert not state.is_kept(where)
