"""The last resort: when there is a machine to fall back on, and how it is found and started."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labkit.machine import build, control, packages, places, resort, state
from labkit.machine.state import State


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home in which nothing was built and nothing runs; not ``tmp_path``: sockets need a short one."""
    with tempfile.TemporaryDirectory(prefix="lk") as folder:
        for name in ("LABKIT_MACHINE_PARTS", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"):
            monkeypatch.setenv(name, str(Path(folder) / name))
        (Path(folder) / "XDG_RUNTIME_DIR").mkdir(mode=0o700)
        monkeypatch.delenv("LABKIT_MACHINE", raising=False)
        monkeypatch.delenv("JPY_PARENT_PID", raising=False)
        yield Path(folder)


def test_a_machine_that_is_up_has_an_address(home: Path) -> None:
    """While a supervisor keeps the machine up, its socket is an address to try; before and afterwards there is none."""
    where = places.places()
    assert list(resort.endpoints()) == []
    where.make()
    with state.kept(where):
        state.write(where, State("starting"))
        assert list(resort.endpoints()) == []
        state.write(where, State("up"))
        assert [endpoint.path for endpoint in resort.endpoints()] == [str(where.socket)]
    assert list(resort.endpoints()) == []


@pytest.mark.parametrize("forbid", ["no", "darwin"])
def test_it_can_be_forbidden(home: Path, monkeypatch: pytest.MonkeyPatch, forbid: str) -> None:
    """LABKIT_MACHINE=no, or another system than Linux, leaves no address and no possibility."""
    where = places.places()
    where.make()
    monkeypatch.setattr(packages, "missing", lambda: "")
    with state.kept(where):
        state.write(where, State("up"))
        monkeypatch.setenv("LABKIT_MACHINE", forbid)
        if forbid != "no":
            monkeypatch.setattr(sys, "platform", forbid)
        assert list(resort.endpoints()) == []
    assert not resort.possible()


@pytest.mark.parametrize(("built", "missing", "possible"), [(True, "x", True), (False, "", True), (False, "x", False)])
def test_it_is_possible_if_built_or_buildable(
    home: Path, monkeypatch: pytest.MonkeyPatch, built: bool, missing: str, possible: bool
) -> None:
    """What was built can be started, and what can be built too; where a program is missing, neither."""
    monkeypatch.setattr(build, "manifest", lambda: {"recipe": 1} if built else {})
    monkeypatch.setattr(packages, "missing", lambda: missing)
    assert resort.possible() is possible


@pytest.mark.parametrize("server", ["", "4711"])
def test_it_is_built_once_and_ends_with_the_server(home: Path, monkeypatch: pytest.MonkeyPatch, server: str) -> None:
    """Starting builds what was never built, says so, and ties the machine to the notebook server or this process."""
    said, asked = list[str](), list[dict[str, Any]]()
    there = SimpleNamespace(built=False)

    def builds(*, again: bool, mirror: str, step: Callable[[str], None]) -> Path:
        there.built = True
        for line in (build.TASKS[0], "  what mmdebstrap says"):
            step(line)
        return home

    monkeypatch.setattr(build, "manifest", lambda: {"recipe": 1} if there.built else {})
    monkeypatch.setattr(build, "build", builds)
    monkeypatch.setattr(control, "up", lambda where, **wishes: asked.append(wishes))
    if server:
        monkeypatch.setenv("JPY_PARENT_PID", server)
    for _ in range(2):
        assert resort.start(said.append).path == str(places.places().socket)
    assert asked == [{"owner": int(server or os.getpid())}] * 2
    assert [line for line in said if "build" in line.lower()] == [said[0]] and "150 MB" in said[0]
    assert said[1] == f"  {build.TASKS[0]} …" and not any("mmdebstrap says" in line for line in said)


def test_a_docker_of_ones_own_comes_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's docker command is found only where PATH has none, and after everything else in PATH."""
    own, theirs = home / "LABKIT_MACHINE_PARTS" / build.HOST / "bin", home / "bin"
    for folder in (own, theirs):
        folder.mkdir(parents=True)
    assert resort.with_docker({"PATH": str(theirs)}) == {"PATH": str(theirs)}
    (own / "docker").touch(0o755)
    found = resort.with_docker({"PATH": str(theirs), "A": "b"})
    assert found["PATH"] == os.pathsep.join([str(theirs), str(own)]) and found["A"] == "b"
    assert found["XDG_DATA_DIRS"] == f"/usr/local/share:/usr/share:{own.parent / 'share'}"
    (theirs / "docker").touch(0o755)
    assert resort.with_docker({"PATH": str(theirs)}) == {"PATH": str(theirs)}
