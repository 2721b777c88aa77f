"""The first process of a sandbox: answers one caller, ends with its stdin, and knows what is no learner's doing."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from labkit.grade import init
from labkit.grade.init import Answers, Ward, serve
from labkit.grade.remote import Line
from tests.grade.conftest import nursery_environ

NOBODY: Any = None


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket that listens."""
    with tempfile.TemporaryDirectory(prefix="lk") as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/s")
        listener.listen(1)
        yield listener


class Echo:
    """Answers that are the questions."""

    def answer(self, message: Any) -> Any:
        """Say it back."""
        return message


def call(place: str) -> Line:
    """Call."""
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.connect(place)
    except OSError:
        sock.close()
        raise
    return Line(sock)


def test_only_the_first_caller_is_answered(listener: socket.socket) -> None:
    """The first who calls is answered for as long as it asks, nobody after it, and all ends with stdin."""
    hears, keeps = os.pipe()
    place, echo = str(listener.getsockname()), Echo()
    thread = threading.Thread(target=serve, args=(listener, echo), kwargs={"stdin": hears, "seconds": 100})
    thread.start()
    first = call(place)
    for n in (1, 2):
        first.tell({"n": n})
        assert first.hear() == {"n": n}
    with pytest.raises(ConnectionRefusedError):
        call(place)
    first.sock.close()
    os.write(keeps, b"words that nobody reads")
    assert thread.is_alive()
    os.close(keeps)
    thread.join(10)
    os.close(hears)
    assert not thread.is_alive()


def test_it_ends_when_its_time_is_up(listener: socket.socket) -> None:
    """Though its stdin stays open and nobody calls, it ends after its seconds."""
    hears, keeps = os.pipe()
    serve(listener, NOBODY, stdin=hears, seconds=0.05)
    os.close(hears)
    os.close(keeps)
    assert listener.fileno() >= 0


@pytest.mark.parametrize("message", [{}, {"do": "nothing"}, {"do": "alive"}, {"do": "alive", "pid": 7}, {"do": 1}])
def test_a_question_that_makes_no_sense_has_an_answer(message: dict[str, Any]) -> None:
    """What cannot be answered is said to have failed, and no question ends the sandbox."""
    assert list(Answers(NOBODY).answer(message)) == ["failed"]


@pytest.mark.notebook
def test_what_is_not_known_is_a_learners_doing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all processes, this one, the nursery with its waiting kernel and the machine are nobody's offspring."""
    ward = Ward(nursery_environ(tmp_path))
    answers = Answers(ward)
    try:
        wanted = {"cwd": str(tmp_path), "env": dict(os.environ), "memory": 4 << 30, "processes": 64}
        pid = answers.answer({"do": "fork", "wanted": wanted})["pid"]
        with subprocess.Popen(["sh", "-c", "sleep 1000 & wait"]) as machine:
            below = psutil.Process(machine.pid)
            everybody = [os.getpid(), ward.process.pid, ward.ahead, pid, machine.pid]
            monkeypatch.setattr(
                psutil, "process_iter", lambda: [psutil.Process(one) for one in everybody if psutil.pid_exists(one)]
            )
            monkeypatch.setattr(init, "_reap", lambda: None)
            assert answers.answer({"do": "offspring"}) == {"pids": [pid, machine.pid]}
            ward.machine = machine.pid
            assert answers.answer({"do": "offspring"}) == {"pids": [pid]}
            assert Path(f"/proc/{pid}/oom_score_adj").read_text() == f"{init.FIRST_TO_GO}\n"
            for process in [*below.children(), below]:
                process.kill()
            everybody[:] = [pid]
    finally:
        ward.close()


def test_it_is_nothing_but_the_first_process() -> None:
    """Anywhere but in a container of its own it refuses to begin: every process there would be a learner's to it."""
    done = subprocess.run([sys.executable, "-m", "labkit.grade.init", "s", "1"], capture_output=True, check=False)
    assert done.returncode == 1 and b"only for the first process of a container" in done.stderr
