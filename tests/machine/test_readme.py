"""What the README says of the machine runs as it stands there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.machine.machines import Machine
from tests.test_readme import commands, hand_in

LABKIT = "from labkit.cli import main; main()"


pytestmark = pytest.mark.machine


def typed(words: list[str], *, cwd: Path | None = None, said: str = "") -> str:
    """Type a line of the README; return what it prints, when it does not fail."""
    done = subprocess.run(
        [sys.executable, "-c", LABKIT, *words], cwd=cwd, input=said, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_machines_commands_of_the_readme_run(off: Machine) -> None:
    """Each `labkit machine` line of the README runs in this order, from nothing to nothing, and says what it did."""
    wanted = [words for words in commands("labkit") if words[0] == "machine"]
    assert [words[1] for words in wanted] == ["build", "up", "status", "shell", "down"]
    said = [typed(words, said="uname -s\n") for words in wanted]
    assert "docker.io" in said[0] and said[1].startswith("export DOCKER_HOST=unix://")
    assert "Landlock" in said[2] and said[3] == "Linux\n" and said[4] == "The machine is down.\n"


@pytest.mark.notebook
def test_a_teachers_commands_of_the_readme_run(off: Machine, tmp_path: Path) -> None:
    """Each `labkit grade` line of the README runs in this order, on machines; the second time nothing is done again."""
    hand_in(tmp_path / "week1.zip")
    wanted = [words for words in commands("labkit") if words[0] == "grade"]
    first, again = [typed(words, cwd=tmp_path) for words in wanted]
    table = (tmp_path / "graded" / "grades.csv").read_text("utf-8-sig").splitlines()
    assert first == again and len(table) == 2 and table[1].startswith("Ada Lovelace,")
