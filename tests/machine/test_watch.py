"""When a machine ends: what its supervisor watches, with ordinary processes in the place of its parts."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.machine import watch as module
from labkit.machine.places import Places
from labkit.machine.watch import Ended, how_it_ended, watch

Child = subprocess.Popen[bytes]


@contextlib.contextmanager
def child(code: str = "input()") -> Iterator[Child]:
    """A process that lives until the block ends, or ends as the code says."""
    with subprocess.Popen([sys.executable, "-I", "-c", code], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """Folders of a machine, looked at often."""
    monkeypatch.setattr(module, "LOOK", 0.01)
    where = Places("x", tmp_path, tmp_path / "run")
    where.run.mkdir()
    where.log.write_text("noise\nmachine: the disk cannot be read\nnoise\n")
    return where


def look(where: Places, kernel: Child, network: Child, *, pid: int = 0, told: bool = False) -> str:
    """Watch until the machine is to end."""

    async def run() -> str:
        stop = asyncio.Event()
        if told:
            stop.set()
        return await asyncio.wait_for(watch(where, pid, kernel, network, stop), 20)

    return asyncio.run(run())


def test_it_ends_when_it_is_told(where: Places) -> None:
    """Who tells it to end needs no reason."""
    with child() as kernel, child() as network:
        assert look(where, kernel, network, told=True) == ""


@pytest.mark.parametrize("name", ["The kernel", "slirp4netns"])
def test_a_part_that_ends_is_named(where: Places, name: str) -> None:
    """When a part ends, the error says which, how, and what the guest said before."""
    with child() as stays, child("raise SystemExit(3)") as goes:
        goes.wait()
        parts = (goes, stays) if name == "The kernel" else (stays, goes)
        with pytest.raises(Ended) as caught:
            look(where, *parts)
    assert str(caught.value) == f"{name} ended with status 3. It said last: machine: the disk cannot be read"


def test_it_ends_with_its_owner(where: Places) -> None:
    """When its owner ends, or was gone before, so does the machine, and says so."""
    with child() as kernel, child() as network, child("pass") as owner:
        assert (
            look(where, kernel, network, pid=owner.pid) == f"It ended with process {owner.pid}, to which it belonged."
        )
        owner.wait()
        assert look(where, kernel, network, pid=owner.pid).startswith("It ended with process")


@pytest.mark.parametrize("who", ["kernel", "network", "owner"])
def test_an_end_is_noticed_at_once(where: Places, monkeypatch: pytest.MonkeyPatch, who: str) -> None:
    """Who ends while nobody looks is noticed all the same, long before the next look."""
    monkeypatch.setattr(module, "LOOK", 1000.0)
    with child() as kernel, child() as network, child() as owner:
        doomed = {"kernel": kernel, "network": network, "owner": owner}[who]
        threading.Timer(0.5, doomed.kill).start()
        with pytest.raises(Ended) if who != "owner" else contextlib.nullcontext():
            assert look(where, kernel, network, pid=owner.pid).startswith("It ended with process")


def test_where_no_end_is_told_it_looks_often(where: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old kernel does not say when a process ends; then it is looked at each second."""
    monkeypatch.setattr(module, "LOOK", 1000.0)
    monkeypatch.setattr(os, "pidfd_open", forbidden)
    with child() as kernel, child() as network:
        threading.Timer(0.5, kernel.kill).start()
        with pytest.raises(Ended, match="The kernel was killed by SIGKILL"):
            look(where, kernel, network)


def forbidden(pid: int) -> int:
    """What ``pidfd_open`` is where there is none."""
    raise OSError(38, "Function not implemented")


def test_it_ends_with_its_folder(where: Places) -> None:
    """When its folder is removed, as at a log-out, it ends."""
    where.run.rmdir()
    with child() as kernel, child() as network:
        assert look(where, kernel, network) == f"Its folder {where.run} was removed."


@pytest.mark.parametrize(("status", "words"), [(0, "ended with status 0"), (-9, "was killed by SIGKILL")])
def test_a_status_in_words(status: int, words: str) -> None:
    """A negative status is a signal's."""
    assert how_it_ended(status) == words
