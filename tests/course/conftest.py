"""A learner with a home of their own, a registry with three exercises, and a daemon that is a list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from labkit import sandbox
from labkit.course import desk, exercise
from labkit.course.exercise import World
from labkit.daemon import Daemon
from tests.course.samples import Box, Double, Fruit, Shelf


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the progress of a learner called ada is kept."""
    monkeypatch.setenv("LABKIT_LEARNER", "ada")
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("labkit.course.progress._unsaved", {})
    return tmp_path / "home"


@pytest.fixture
def samples(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A course of three exercises, none of them a real one."""
    exercise.exercises()  # import the chapters now, so that they register in the registry that is put back
    monkeypatch.setattr(exercise, "_registry", {kind.id: kind() for kind in (Fruit, Double, Box)})


@pytest.fixture
def shelf(samples: None, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """The daemon of these exercises."""
    shelf = Shelf()
    monkeypatch.setattr(desk, "current", lambda: shelf)
    monkeypatch.setattr(sandbox, "clean", shelf.clean)
    return shelf


@pytest.fixture
def box_world(shelf: Shelf) -> World:
    """The world of 91.box on that daemon."""
    return World(cast(Daemon, shelf), "91.box", "ada")


@pytest.fixture
def real_world(daemon: Daemon, request: pytest.FixtureRequest) -> Iterator[World]:
    """The world on a real daemon of the exercise that the test names, for a learner of its own; gone afterwards."""
    world = World(daemon, request.param, "test-ada", "nonce")
    world.clear()
    yield world
    world.close()
    world.clear()
