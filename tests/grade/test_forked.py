"""One forked kernel as whoever watches it sees it, whatever an answer has done to its file."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from labkit.grade.forked import SMALL, LocalFork, read_small

Sleeper = subprocess.Popen[bytes]


@pytest.fixture
def sleeper() -> Iterator[Sleeper]:
    """A process that leads its session and does nothing."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as process:
        yield process
        process.kill()


def nothing(file: Path) -> None:
    """Write no file."""


def half(file: Path) -> None:
    """Write the beginning."""
    file.write_text('{"shell_port": 1')


def pipe(file: Path) -> None:
    """Put a pipe there that nobody writes to."""
    os.mkfifo(file)


def link(file: Path) -> None:
    """Put a link there to something endless."""
    file.symlink_to("/dev/zero")


def huge(file: Path) -> None:
    """Write more than a connection file has."""
    file.write_bytes(b" " * (SMALL + 1))


@pytest.mark.parametrize("write", [nothing, half, pipe, link, huge])
def test_what_is_no_connection_file_says_nothing(tmp_path: Path, write: Callable[[Path], None]) -> None:
    """A file that is not there, half written, or something else is none, and nobody waits for it."""
    write(file := tmp_path / "kernel.json")
    assert LocalFork(os.getpid(), str(file)).connection() is None


def test_a_connection_file_is_read_whole(tmp_path: Path) -> None:
    """What the file says comes back as it was written, up to the largest that there may be."""
    file = tmp_path / "kernel.json"
    file.write_bytes(b'{"shell_port": 7}'.ljust(SMALL))
    assert LocalFork(os.getpid(), str(file)).connection() == {"shell_port": 7}
    assert len(read_small(str(file))) == SMALL


def test_it_lives_until_it_ends(sleeper: Sleeper) -> None:
    """A process is alive until it has ended; whoever waits for it hears when."""
    fork = LocalFork(sleeper.pid, "")
    assert fork.is_alive() and not fork.has_ended(within=0.01)
    sleeper.kill()
    assert fork.has_ended(within=10) and not fork.is_alive()


def test_an_interrupt_is_ctrl_c(sleeper: Sleeper) -> None:
    """The signal reaches the session; sent to one that is gone it is no error."""
    fork = LocalFork(sleeper.pid, "")
    fork.interrupt()
    assert fork.has_ended(within=10)
    fork.interrupt()


def test_one_that_was_never_there_has_ended(sleeper: Sleeper) -> None:
    """A fork that ended before anybody looked is neither alive nor awaited."""
    sleeper.kill()
    sleeper.wait()
    fork = LocalFork(sleeper.pid, "")
    assert not fork.is_alive() and fork.has_ended(within=10)
