"""What the README says of the machine runs as it stands there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.machine.machines import Machine
from tests.test_readme import commands

LABKIT = "from labkit.cli import main; main()"


@pytest.mark.machine
@pytest.mark.timeout(600)
def test_the_machines_commands_of_the_readme_run(off: Machine) -> None:
    """Each `labkit machine` line of the README runs in this order, from nothing to nothing, and says what it did."""
    wanted = [words for words in commands("labkit") if words[0] == "machine"]
    assert [words[1] for words in wanted] == ["build", "up", "status", "shell", "down"]
    said = []
    for words in wanted:
        done = subprocess.run(
            [sys.executable, "-c", LABKIT, *words], input="uname -s\n", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    assert "docker.io" in said[0] and said[1].startswith("export DOCKER_HOST=unix://")
    assert "Landlock" in said[2] and said[3] == "Linux\n" and said[4] == "The machine is down.\n"
