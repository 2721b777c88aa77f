"""Orphaned process groups: families of processes, and what a shell with job control makes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from labkit.inside.groups import read_orphaned
from labkit.local import LocalHost


def orphaned(root: Path, family: Iterable[tuple[int, str, int, int, int]], pid: int) -> bool:
    """Whether a process is in an orphaned group, of a family of (process, state, parent, group, session)."""
    for number, state, parent, group, session in family:
        folder = root / "proc" / str(number)
        folder.mkdir(parents=True)
        (folder / "stat").write_text(f"{number} (a) b) {state} {parent} {group} {session} 0 -1\n")
    return read_orphaned(LocalHost(root), pid)


SHELL = (10, "S", 1, 10, 10)
DAEMONS = (1, "S", 0, 1, 1)


@pytest.mark.parametrize(
    ("family", "answer"),
    [
        ([SHELL, (20, "S", 10, 20, 10)], False),  # a job
        ([SHELL, (20, "S", 10, 20, 10), (21, "S", 20, 20, 10)], False),  # a job with a child
        ([SHELL, (20, "S", 10, 10, 10)], True),  # a child in the shell's own group: nobody is above both
        ([DAEMONS, (20, "S", 1, 20, 20)], True),  # the first of its own session, as in a container
        ([DAEMONS, (20, "S", 1, 20, 10)], True),  # a job whose shell has ended
        ([DAEMONS, (20, "S", 1, 20, 10), SHELL, (21, "S", 10, 20, 10)], False),  # another member has the shell
        ([DAEMONS, (20, "S", 1, 20, 10), SHELL, (21, "Z", 10, 20, 10)], True),  # that member is a zombie
        ([DAEMONS], True),  # it has ended
    ],
)
def test_a_group_is_orphaned_unless_a_shell_is_above(
    tmp_path: Path, family: list[tuple[int, str, int, int, int]], answer: bool
) -> None:
    """One living member with a parent in another group of the same session is enough."""
    assert orphaned(tmp_path, family, 20) == answer


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
@pytest.mark.parametrize("session", [False, True])
def test_a_job_is_not_and_a_daemon_is(session: bool) -> None:
    """A child in a group of its own is not orphaned; one in a session of its own is, as a container's first."""
    move = os.setsid if session else os.setpgrp
    child = subprocess.Popen(["sleep", "60"], preexec_fn=move)
    try:
        assert read_orphaned(LocalHost(), child.pid) == session
    finally:
        child.kill()
        child.wait()
