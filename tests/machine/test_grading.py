"""A class is graded on machines of its own: one for each submission, no other daemon, and nothing left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.grade.machines import PREFIX
from labkit.grade.tables import read_results
from tests.grade import copies
from tests.machine.machines import Machine

pytestmark = [pytest.mark.machine, pytest.mark.notebook]

LABKIT = [sys.executable, "-c", "from labkit.cli import main; main(prog_name='labkit')"]

SEES = """
import docker
theirs = docker.from_env().containers
names = [container.name for container in theirs.list(all=True)]
assert "neighbour" not in names, names
theirs.run("labkit/busybox", "true", name="neighbour")
"""
"""An answer that leaves something behind, without a name of the course's, and would see its like."""

ENDS = """
import docker
options = {"privileged": True, "pid_mode": "host", "remove": True}
docker.from_env().containers.run("labkit/busybox", ["sh", "-c", "killall dockerd containerd; sleep 60"], **options)
"""
"""An answer that ends the daemon it was given."""

CLASS = {"ada": SEES, "alan": SEES, "eve": ENDS, "grace": SEES}


@pytest.fixture
def graded(off: Machine, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Four learners, graded two at a time, where no other daemon is to be found."""
    for learner, before in CLASS.items():
        notebook = copies.solved("00")
        answer = copies.cell(notebook, "00.word.answer")
        answer["source"] = f"{before}\n{answer['source']}"
        (tmp_path / f"{learner}.ipynb").write_text(json.dumps(notebook))
    return subprocess.run(
        [*LABKIT, "grade", ".", "--jobs", "2"],
        cwd=tmp_path,
        env=os.environ | {"DOCKER_HOST": "unix:///nowhere/docker.sock"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_each_has_a_machine_of_its_own(graded: subprocess.CompletedProcess[str], off: Machine, tmp_path: Path) -> None:
    """Nobody sees a neighbour; who ends the daemon has no score, and nobody else notices; no machine stays."""
    results = {result.learner: result for result in read_results(tmp_path / "graded" / "results.json")[0]}
    statuses = {learner: (result.status, result.points) for learner, result in results.items()}
    full = results["ada"].total
    expected = dict.fromkeys(CLASS, ("pass", full)) | {"eve": ("infra-error", None)}
    assert statuses == expected, graded.stdout + graded.stderr
    assert graded.returncode == 3
    assert list(off.where.state.parent.glob(f"{PREFIX}-*")) == list(off.where.run.parent.glob(f"{PREFIX}-*")) == []
