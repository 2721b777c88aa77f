"""Submissions of people whom nobody knows, for real: each in a sandbox, the judge beside it, and nothing left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit import sandbox
from labkit.daemon import Daemon
from labkit.grade.results import Result
from labkit.grade.sandbox import IMAGE, VARIABLE, sweep
from labkit.grade.tables import read_results
from labkit.images import ensure
from labkit.sandbox import LABEL, wait_until
from tests.attempts import wrong_answers
from tests.grade import copies

pytestmark = [pytest.mark.machine, pytest.mark.daemon, pytest.mark.notebook]

LABKIT = [sys.executable, "-c", "from labkit.cli import main; main(prog_name='labkit')"]
WORD = "00.word"

LOOKS = """
import os, pathlib, socket
interfaces = [name for _, name in socket.if_nameindex()]
assert interfaces == ["lo"], interfaces
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0, status
assert status["NoNewPrivs"] == "1\\n" and os.getuid() != 0
assert not os.path.exists("/var/run/docker.sock") and "tests" not in os.listdir("/opt/labkit/course")
commands = [file.read_bytes() for file in pathlib.Path("/proc").glob("[0-9]*/cmdline")]
assert any(b"labkit.grade.init" in one for one in commands), commands
assert not any(b"labkit.grade.worker" in one for one in commands), commands
try:
    pathlib.Path("/usr/local/mine").write_text("mine")
except OSError as error:
    assert error.errno == 30, error
"""
"""What an answer sees: a loopback, no capability, no grader, no judge's process, and a disk that it cannot write to."""

CLASS: dict[str, tuple[str, str, int]] = {
    # what stands before the right answer to 00.word, the status of that exercise, and all points of the chapter
    "ada": (LOOKS, "pass", 8),
    "exits": ("import os; os._exit(1)", "kernel-died", 6),
    "forks": ("import os, time\nfor n in range(200):\n    if not os.fork(): time.sleep(1000)", "kernel-died", 6),
    "hoards": ("hoard = b'x' * (10 << 30)", "error", 6),
    "loops": ("while True: pass", "timeout", 6),
    "murders": (
        "import os, signal\nfor one in os.listdir('/proc'):\n"
        "    if one.isdigit() and int(one) not in (1, os.getpid()):\n"
        "        try: os.kill(int(one), signal.SIGKILL)\n        except OSError: pass\n",
        "kernel-died",
        0,
    ),
}


def notebook(before: str) -> str:
    """A solved chapter 00 with something before one answer."""
    solved = copies.solved("00")
    answer = copies.cell(solved, f"{WORD}.answer")
    answer["source"] = f"{before}\n{answer['source']}"
    return json.dumps(solved)


def left(daemon: Daemon, **more: str) -> list[dict[str, Any]]:
    """The containers of sandboxes that are there."""
    found: list[dict[str, Any]] = daemon.client.api.containers(all=True, filters={"label": f"{LABEL}=sandbox"} | more)
    return found


@pytest.fixture(scope="module")
def graded(
    daemon: Daemon, hub_image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[subprocess.CompletedProcess[str], dict[str, Result]]]:
    """The class above, chapter 01 solved, and a wrong answer: two at a time."""
    folder = tmp_path_factory.mktemp("class")
    for learner, (before, _, _) in CLASS.items():
        (folder / f"{learner}.ipynb").write_text(notebook(before))
    (folder / "grace.ipynb").write_text(json.dumps(copies.solved("01")))
    wrong = next(one for one in wrong_answers() if one.exercise == WORD)
    mistaken = copies.solved("00")
    copies.cell(mistaken, f"{WORD}.answer")["source"] = wrong.text
    (folder / "mistaken.ipynb").write_text(json.dumps(mistaken))
    done = subprocess.run(
        [*LABKIT, "grade", ".", "--level", "sandbox", "--jobs", "2", "--timeout", "20"],
        cwd=folder,
        env=os.environ | {VARIABLE: hub_image},
        capture_output=True,
        text=True,
        check=False,
    )
    results, _ = read_results(folder / "graded" / "results.json")
    yield done, {result.learner: result for result in results}


Graded = tuple[subprocess.CompletedProcess[str], dict[str, Result]]


def test_right_answers_have_full_points(graded: Graded) -> None:
    """Chapters 00 and 01 pass in a sandbox as they do outside; what an answer sees there is what it should."""
    done, found = graded
    assert [(found[name].status, found[name].points) for name in ("ada", "grace")] == [("pass", 8), ("pass", 21)], (
        done.stdout + done.stderr
    )


def test_a_wrong_answer_has_its_sentence(graded: Graded) -> None:
    """A mistake is told as at every other level, and costs what it costs there."""
    (row,) = [one for one in graded[1]["mistaken"].exercises if one.exercise == WORD]
    wrong = next(one for one in wrong_answers() if one.exercise == WORD)
    assert (row.status, row.points) == ("fail", wrong.points) and [part for part in row.parts if part.state == "fail"]


@pytest.mark.parametrize("learner", [name for name in CLASS if name != "ada"])
def test_harm_costs_whom_it_comes_from(graded: Graded, learner: str) -> None:
    """Each harm ends in its status, and the honest answers behind it keep their points where the sandbox survives."""
    _, status, points = CLASS[learner]
    (row,) = [one for one in graded[1][learner].exercises if one.exercise == WORD]
    assert (row.status, row.points, graded[1][learner].points) == (status, 0, points), row.sentence


def test_nothing_is_left(graded: Graded, daemon: Daemon) -> None:
    """Of all sandboxes no container is left when the command has ended."""
    assert graded[0].returncode == 0 and left(daemon) == []


def test_a_grader_that_is_killed_leaves_nothing(daemon: Daemon, hub_image: str, tmp_path: Path) -> None:
    """`kill -9` of the command ends its sandboxes, which nobody asks any more."""
    (tmp_path / "ada.ipynb").write_text(notebook("import time; time.sleep(1000)"))
    environ, words = os.environ | {VARIABLE: hub_image}, ["grade", ".", "--level", "sandbox", "--timeout", "1000"]
    with subprocess.Popen([*LABKIT, *words], cwd=tmp_path, env=environ, stderr=subprocess.DEVNULL) as grader:
        try:
            wait_until(lambda: len(left(daemon, status="running")) >= 4, "two pairs are there", deadline=120)
        finally:
            grader.kill()
    wait_until(lambda: left(daemon) == [], "nothing is left", deadline=90)


def test_what_was_made_and_never_started_is_swept_up(daemon: Daemon) -> None:
    """What a grader leaves that is killed between making and starting a container goes with the next one."""
    with sandbox.create(ensure(daemon), "true", what="sandbox", daemon=daemon):
        sweep(daemon)
        assert len(left(daemon)) == 1
        sweep(daemon, older=-60)
        assert left(daemon) == []


def test_without_the_image_it_is_said(daemon: Daemon, tmp_path: Path) -> None:
    """Where the course's image is missing, the one command that makes it is shown, and nothing is graded."""
    (tmp_path / "ada.ipynb").write_text(notebook(""))
    environ = os.environ | {VARIABLE: f"{IMAGE}:{time.time_ns()}"}
    words = [*LABKIT, "grade", ".", "--level", "sandbox"]
    done = subprocess.run(words, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "docker build --tag" in done.stderr and left(daemon) == []
