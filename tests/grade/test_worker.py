"""The process in which nbval runs: one JSON object a line, in and out, whatever happens in between."""

from __future__ import annotations

import json
import os
import string
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.grade.chapters import Chapter
from labkit.grade.kernels import Limits
from labkit.grade.one import Ticket
from labkit.grade.submission import Answer, Submission
from labkit.grade.worker import read_submission
from labkit.sandbox import wait_until
from tests.grade import plain
from tests.grade.conftest import handed_in

notebook = pytest.mark.notebook

RIGHT = {one.id: one.answer("perfect") for one in (plain.Add(), plain.Words())}

Start = Callable[..., "Spoken"]


class Spoken:
    """A worker process, and what is said to it."""

    def __init__(self, first: dict[str, Any], temporary: str) -> None:
        environ = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TMPDIR": temporary}
        pipe = subprocess.PIPE
        command = [sys.executable, "-m", "labkit.grade.worker"]
        self.process = subprocess.Popen(command, env=environ, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
        self.first = self.ask(first)

    def ask(self, message: Any) -> dict[str, Any]:
        """Say one line; return the answer, or nothing where it has ended."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write((message if isinstance(message, str) else json.dumps(message)).encode() + b"\n")
        self.process.stdin.flush()
        said: dict[str, Any] = json.loads(self.process.stdout.readline() or b"{}")
        return said

    def grade(self, submission: Submission) -> dict[str, Any]:
        """Have a submission graded; return the answer."""
        return self.ask({"do": "grade", "ticket": asdict(Ticket()), "submission": asdict(submission)})

    def below(self) -> list[psutil.Process]:
        """Everything that it has started."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self) -> None:
        """Let it end."""
        self.process.communicate(timeout=30)


@pytest.fixture(scope="module")
def start(short: Chapter) -> Iterator[Start]:
    """Start workers for the short chapter; all end with the module."""
    started: list[Spoken] = []
    temporary = tempfile.TemporaryDirectory(prefix="labkit-")  # what a killed worker had there, it does not remove

    def starts(**changes: Any) -> Spoken:
        first = {"notebooks": str(short.path.parent), "modules": ["tests.grade.plain:install"], "docker": False}
        first |= {"limits": asdict(Limits()), "alone": False, "patience": 5} | changes
        started.append(Spoken(first, temporary.name))
        return started[-1]

    yield starts
    for one in started:
        if one.process.stdin and not one.process.stdin.closed:
            one.end()
    temporary.cleanup()


@pytest.fixture(scope="module")
def worker(start: Start) -> Spoken:
    """One worker for many questions."""
    return start()


# --- submissions as messages ------------------------------------------------------------------------------

texts = st.text()
notes = st.lists(texts).map(tuple)
answers = st.builds(Answer, texts, texts, texts, notes)
submissions = st.builds(Submission, texts, texts, texts, st.dictionaries(texts, answers), notes, notes, texts, texts)


@given(submission=submissions)
def test_a_submission_survives_the_pipe(submission: Submission) -> None:
    """Whatever was handed in, a worker reads the submission that its parent had, one line each."""
    line = json.dumps(asdict(submission))
    assert "\n" not in line and read_submission(json.loads(line)) == submission


# --- what it answers --------------------------------------------------------------------------------------


@notebook
def test_it_says_when_it_is_ready(worker: Spoken) -> None:
    """The first line says that it is ready, and what its daemon is."""
    assert worker.first == {"ready": "no daemon"}


@notebook
def test_it_grades_one_after_the_other(worker: Spoken) -> None:
    """Each submission gets a result of its own."""
    told = [worker.grade(handed_in(given, learner)) for given, learner in ((RIGHT, "ada"), ({}, "alan"))]
    found = [(said["result"]["learner"], said["result"]["status"], said["result"]["points"]) for said in told]
    assert found == [("ada", "pass", 4), ("alan", "fail", 0)]


@notebook
def test_the_canary_needs_no_chapter(worker: Spoken) -> None:
    """The canary is graded like a submission, though it belongs to no chapter."""
    result = worker.ask({"do": "canary", "ticket": asdict(Ticket())})["result"]
    assert (result["status"], result["points"], result["total"]) == ("pass", 2, 2)


@notebook
def test_what_fails_is_said_and_the_next_is_answered(worker: Spoken) -> None:
    """What is no question, or cannot be done, is answered with the error and the line of code it came from."""
    nonsense = [worker.ask(line) for line in ("no JSON", "[]", "{}", '{"do": "grade", "ticket": {}}')]
    unknown = worker.grade(Submission("a", "ada", "77", {}))
    assert [list(said) for said in nonsense] == [["failed"]] * 4
    assert unknown["failed"].startswith("KeyError: '77' (worker.py, line ")
    assert "result" in worker.grade(handed_in({}))


@notebook
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"modules": ["no.such.module:install"]}, "ModuleNotFoundError: No module named 'no'"),
        ({"modules": ["json:no_such_function"]}, "AttributeError: module 'json' has no attribute"),
        ({"docker": True}, "nowhere.sock"),
    ],
    ids=["module", "function", "daemon"],
)
def test_a_worker_that_cannot_begin_says_why(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    """Where something is missing, the only line says what, and the process ends."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nowhere.sock")
    worker = start(**changes)
    assert list(worker.first) == ["failed"] and reason in worker.first["failed"]
    worker.end()
    assert worker.process.returncode == 0


# --- how it ends ------------------------------------------------------------------------------------------


@notebook
def test_what_an_import_prints_is_no_answer(start: Start) -> None:
    """A library that prints does not come between the lines; with the last line the worker and its nursery end."""
    worker = start(modules=["__hello__:main", "tests.grade.plain:install"])
    assert worker.first == {"ready": "no daemon"}
    below = worker.below()
    worker.end()
    assert below and psutil.wait_procs(below, timeout=10)[1] == []


@notebook
def test_a_killed_worker_takes_kernels_along(start: Start, tmp_path: Path) -> None:
    """When a worker is killed in the middle, neither its nursery nor a kernel is left."""
    worker = start()
    assert worker.process.stdin
    here = tmp_path / "here"
    text = string.Template("open('$file', 'w').close()\nwhile True: pass").substitute(file=here)
    line = {"do": "grade", "ticket": asdict(Ticket()), "submission": asdict(handed_in({"90.add": text}))}
    worker.process.stdin.write(json.dumps(line).encode() + b"\n")
    worker.process.stdin.flush()
    wait_until(here.exists, "the cell runs", deadline=60)
    below = worker.below()
    worker.process.kill()
    assert len(below) >= 2 and psutil.wait_procs(below, timeout=10)[1] == []
