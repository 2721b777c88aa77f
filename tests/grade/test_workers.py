"""A worker as its parent sees it: asked, lost, replaced, and ended."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import pytest

from labkit.grade import workers
from labkit.grade.chapters import Chapter
from labkit.grade.kernels import Limits
from labkit.grade.one import Ticket
from labkit.grade.submission import Submission
from labkit.grade.workers import WorkerFailed, WorkerLost, WorkerProcess
from labkit.sandbox import wait_until
from tests.grade import plain
from tests.grade.conftest import alive, handed_in

notebook = pytest.mark.notebook

ADD, WORDS = plain.Add(), plain.Words()
KILLS = "import psutil\nfor one in reversed(psutil.Process().parents()[:2]): one.kill()"
"""A submission that ends its worker, and then the nursery, with which its own kernel ends."""

RIGHT = {one.id: one.answer("perfect") for one in (ADD, WORDS)}


@pytest.fixture(scope="module")
def first(short: Chapter) -> dict[str, Any]:
    """What a worker for the short chapter is told first."""
    told = {"notebooks": str(short.path.parent), "modules": ["tests.grade.plain:install"], "docker": False}
    return told | {"limits": asdict(Limits()), "alone": False, "patience": 5}


@pytest.fixture(scope="module")
def worker(first: dict[str, Any]) -> Iterator[WorkerProcess]:
    """One worker for the module."""
    worker = WorkerProcess(first)
    yield worker
    worker.close()


def process(worker: WorkerProcess) -> psutil.Process:
    """Its process, which is there."""
    assert worker.process
    return psutil.Process(worker.process.pid)


def temporary(worker: WorkerProcess) -> Path:
    """Where its temporary files are."""
    assert worker.folder
    return Path(worker.folder.name)


# --- a worker that works, is lost, and is replaced --------------------------------------------------------


@notebook
def test_it_is_started_when_it_is_first_asked(worker: WorkerProcess) -> None:
    """Before the first question there is no process; then one grades everything, and results come back whole."""
    assert (worker.process, worker.ready) == (None, "")
    result = worker.grade(handed_in({ADD.id: "1 / 0"}), Ticket(), 60)
    pid = process(worker).pid
    again = worker.grade(handed_in({ADD.id: "1 / 0"}), Ticket(), 60)
    assert (worker.ready, process(worker).pid) == ("no daemon", pid)
    assert [exercise.status for exercise in result.exercises] == ["error", "missing"]
    assert result.exercises[0].traceback == again.exercises[0].traceback != ""
    assert [len(exercise.parts) for exercise in again.exercises] == [2, 2]


@notebook
def test_a_worker_that_cannot_do_it_says_why(worker: WorkerProcess) -> None:
    """Where the worker fails and lives, its reason is raised, and the same process goes on."""
    assert worker.canary(Ticket()).status == "pass"
    pid = process(worker).pid
    with pytest.raises(WorkerFailed, match=r"^KeyError: '77' \(worker\.py, line"):
        worker.grade(Submission("a", "ada", "77", {}), Ticket(), 60)
    assert worker.canary(Ticket()).status == "pass" and process(worker).pid == pid


@notebook
def test_a_worker_that_was_killed_is_replaced(worker: WorkerProcess) -> None:
    """Where the process is gone when it is asked, another one answers."""
    worker.canary(Ticket())
    old = process(worker)
    old.kill()
    psutil.wait_procs([old], timeout=10)
    assert worker.grade(handed_in(RIGHT), Ticket(), 60).points == 4
    assert process(worker).pid != old.pid


@notebook
def test_a_worker_that_takes_too_long_is_ended_with_all_below(worker: WorkerProcess, tmp_path: Path) -> None:
    """After its time a worker is ended, and so is what a cell has started and put into another session."""
    worker.canary(Ticket())
    below, here = process(worker).children(), tmp_path / "pid"
    text = f"""
import subprocess as s, time
with open({str(here)!r}, 'w') as file: print(s.Popen(['sleep', '999'], start_new_session=True).pid, file=file)
time.sleep(1000)
"""
    with pytest.raises(WorkerLost, match="did not answer within 3 s"):
        worker.grade(handed_in({ADD.id: text}), Ticket(), 3)
    started = [one for one in psutil.process_iter() if one.pid == int(here.read_text())]
    assert worker.process is None and alive([*below, *started]) == []


@notebook
def test_a_worker_that_dies_over_a_question_is_lost(worker: WorkerProcess) -> None:
    """A submission that kills its worker is told to be that; nothing of the worker is left to be asked again."""
    with pytest.raises(WorkerLost, match="it ended"):
        worker.grade(handed_in({ADD.id: KILLS}), Ticket(), 60)
    assert worker.process is None


@notebook
def test_closing_ends_it_and_its_nursery(first: dict[str, Any]) -> None:
    """After close() neither the worker nor anything below it is there, nor its folder; asked again, another begins."""
    worker = WorkerProcess(first)
    worker.canary(Ticket())
    mine, below = process(worker), process(worker).children(recursive=True)
    folder = temporary(worker)
    assert len(below) >= 2 and any(folder.iterdir())
    worker.close()
    assert worker.process is None and alive([mine, *below]) == [] and not folder.exists()
    assert worker.canary(Ticket()).status == "pass"
    worker.close()


@notebook
def test_a_worker_that_was_lost_leaves_no_file(worker: WorkerProcess) -> None:
    """What a killed worker and its nursery had in temporary folders is gone, that of the submission among it."""
    worker.canary(Ticket())
    folder = temporary(worker)
    with pytest.raises(WorkerLost):
        worker.grade(handed_in({ADD.id: KILLS}), Ticket(), 60)
    assert not folder.exists()


@notebook
def test_closing_it_while_it_is_asked_is_a_loss(
    worker: WorkerProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A worker that is closed by one thread is lost to the other, which had asked it something."""
    monkeypatch.setattr(workers, "GOODBYE", 0.1)
    here = tmp_path / "here"
    text = f"open({str(here)!r}, 'w').close()\nwhile True: pass"
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(worker.grade, handed_in({ADD.id: text}), Ticket(), 60)
        wait_until(here.exists, "the cell runs", deadline=60)
        worker.close()
        assert isinstance(asked.exception(), WorkerLost) and worker.process is None


# --- a process that is no worker --------------------------------------------------------------------------

Impostor = Callable[[str], WorkerProcess]


@pytest.fixture
def impostor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Impostor]:
    """Workers whose process is a shell script."""
    started: list[WorkerProcess] = []
    monkeypatch.setattr(workers, "READY", 0.5)

    def start(script: str) -> WorkerProcess:
        file = tmp_path / "python"
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(sys, "executable", str(file))
        started.append(WorkerProcess({}))
        return started[-1]

    yield start
    for worker in started:
        worker.close()


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("exit 1", "it ended|Broken pipe"),
        ("read first; printf '{\"ready\":'; exit", "it ended"),
        ("read first; echo nonsense; read more", "Expecting value"),
        ("read first; read more", "did not answer within 0.5 s"),
        ('read first; echo \'{"ready": ""}\'; read second', "it ended"),
        ("read first; while :; do printf x; done", "did not answer within 0.5 s"),
        ("read first; head -c 9000000 /dev/zero", "more than 8 MB"),
    ],
    ids=["ends", "ends in the middle", "nonsense", "silent", "ends when asked", "never ends its line", "too much"],
)
def test_what_does_not_answer_is_lost(impostor: Impostor, script: str, why: str) -> None:
    """A process that ends, says nonsense or says nothing is lost, with the reason, and ended."""
    worker = impostor(script)
    with pytest.raises(WorkerLost, match=why):
        worker.canary(Ticket())
    assert worker.process is None


def test_why_a_worker_could_not_begin_is_raised_each_time(impostor: Impostor) -> None:
    """A worker that cannot begin says why; asked again, it is started again, and says so again."""
    worker = impostor('read first; echo \'{"failed": "No daemon."}\'')
    for _ in range(2):
        with pytest.raises(WorkerFailed, match=r"^No daemon\.$"):
            worker.canary(Ticket())


READY = 'read first; echo \'{"ready": ""}\'; read second; echo \'{"failed": "x"}\'; '


@pytest.mark.parametrize("then", ["read third", "while :; do sleep 1; done"], ids=["it ends", "it does not"])
def test_closing_ends_it_in_any_case(impostor: Impostor, monkeypatch: pytest.MonkeyPatch, then: str) -> None:
    """close() lets a worker end, ends the one that does not, and may be called again."""
    monkeypatch.setattr(workers, "GOODBYE", 0.5)
    worker = impostor(READY + then)
    with pytest.raises(WorkerFailed):
        worker.canary(Ticket())
    mine = process(worker)
    worker.close()
    worker.close()
    assert worker.process is None and alive([mine]) == []
