"""A real machine where seccomp filters are forbidden, as in a strict container; and one where ptrace is, too."""

from __future__ import annotations

import subprocess
import sys

import pytest

from labkit.machine import mode
from tests.machine.machines import DISK, MEMORY, named, wait_until_nobody
from tests.test_cli import COMMAND

pytestmark = pytest.mark.machine


def up(forbidden: str, *, name: str) -> subprocess.CompletedProcess[str]:
    """Type `labkit machine up` where these system calls are forbidden."""
    strict = [sys.executable, "-m", "tests.machine.forbidding", forbidden, "EPERM"]
    sizes = ["--memory", MEMORY, "--disk", DISK]
    return subprocess.run(
        [*strict, *COMMAND, "machine", "up", "--name", name, *sizes], capture_output=True, check=False, text=True
    )


@pytest.mark.usefixtures("off")
def test_without_seccomp_it_runs_with_ptrace() -> None:
    """Where no seccomp filter may be installed, the machine comes up all the same, in the mode that `status` names."""
    with named("no-seccomp") as machine:
        done = up("seccomp", name="no-seccomp")
        assert done.returncode == 0, done.stderr
        assert machine.state.mode == "ptrace"
        assert "(ptrace: slow, as seccomp filters are forbidden here)" in dict(machine.status.lines())["engine"]
        assert machine.run("echo", "hello") == (0, "hello\n")
        supervisor = machine.state.supervisor
    wait_until_nobody(supervisor)


@pytest.mark.usefixtures("off")
def test_without_ptrace_it_runs_with_seccomp() -> None:
    """Where ptrace is forbidden, nothing changes: the mode is seccomp, and a container runs."""
    with named("no-ptrace") as machine:
        done = up("ptrace", name="no-ptrace")
        assert done.returncode == 0, done.stderr
        assert machine.state.mode == "seccomp"
        assert machine.run("echo", "hello") == (0, "hello\n")


@pytest.mark.usefixtures("off")
def test_without_both_it_says_so() -> None:
    """Where both are forbidden, `up` fails before anything is started, and `status` repeats the two sentences."""
    with named("stricter") as machine:
        done = up("seccomp,ptrace", name="stricter")
        assert (done.returncode, done.stdout) == (1, "")
        problem, remedy = done.stderr.splitlines()
        assert "needs seccomp filters or ptrace, and this process may use neither." in problem
        assert remedy == mode.REMEDY
        assert dict(machine.status.lines())["what to do"] == mode.REMEDY
        assert not machine.where.disk.exists()
