"""One machine for all the real tests, built once, in folders of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.machine import control, packages
from labkit.machine.build import build, manifest
from labkit.machine.places import places
from tests.machine.machines import Machine

PARTS = Path(os.environ.get("LABKIT_MACHINE_PARTS") or Path(__file__).parents[2] / "build" / "machine")


@pytest.fixture(scope="session")
def homes() -> Iterator[dict[str, str]]:
    """The variables with which everything of the tests' machines lies in one folder with a short path."""
    folder = Path(tempfile.mkdtemp(prefix="lk"))
    homes = {"XDG_STATE_HOME": str(folder / "s"), "XDG_RUNTIME_DIR": str(folder / "r")}
    with pytest.MonkeyPatch.context() as patch:
        for name, place in (homes | {"LABKIT_MACHINE_PARTS": str(PARTS)}).items():
            patch.setenv(name, place)
        for place in homes.values():
            Path(place).mkdir(mode=0o700)
        if not manifest() and (why := packages.missing()):
            pytest.skip(f"no machine was built, and none can be: {why}")
        build(step=lambda said: None)
    yield homes
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def last(homes: dict[str, str]) -> Iterator[None]:
    """End the shared machine after the last test."""
    yield
    with pytest.MonkeyPatch.context() as patch:
        for name, place in homes.items():
            patch.setenv(name, place)
        control.down(places())


@pytest.fixture
def off(homes: dict[str, str], last: None, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """The shared machine, in whatever state the test before has left it."""
    for name, place in (homes | {"LABKIT_MACHINE_PARTS": str(PARTS)}).items():
        monkeypatch.setenv(name, place)
    for name in ("JPY_PARENT_PID", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    return Machine(places())


@pytest.fixture
def machine(off: Machine) -> Machine:
    """The shared machine, up."""
    off.up()
    return off
