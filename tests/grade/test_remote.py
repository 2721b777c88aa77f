"""A nursery asked over a socket: a kernel works as one from here, and silence there keeps nobody waiting here."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from labkit.grade import remote
from labkit.grade.init import Answers, serve
from labkit.grade.kernels import ENDED, GradedKernel, KernelDied, Limits
from labkit.grade.nursery import Nursery
from labkit.grade.one import environment
from labkit.grade.remote import LONGEST, Line, RemoteFork, RemoteNursery
from labkit.sandbox import wait_until
from tests.grade.conftest import said

Answer = Callable[[Any], Any]


@pytest.fixture
def place() -> Iterator[str]:
    """Where a socket can lie: a short path."""
    with tempfile.TemporaryDirectory(prefix="lk") as folder:
        yield f"{folder}/s"


@contextmanager
def served(place: str, answers: Any) -> Iterator[RemoteNursery]:
    """A nursery that these answers stand for."""
    hears, keeps = os.pipe()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(place)
    listener.listen(1)
    thread = threading.Thread(target=serve, args=(listener, answers), kwargs={"stdin": hears, "seconds": 100})
    thread.start()
    nursery = RemoteNursery(place)
    try:
        yield nursery
    finally:
        os.close(keeps)
        thread.join()
        os.close(hears)
        nursery.close()


@pytest.mark.notebook
def test_a_kernel_there_is_one_as_here(place: str, nursery: Nursery, tmp_path: Path) -> None:
    """It runs cells, is interrupted, is counted with all that it starts, is ended, and is known to be."""
    with served(place, Answers(nursery)) as there:
        kernel = GradedKernel(there, tmp_path, environment("ada", tmp_path), Limits())
        assert said(kernel, "print(6 * 7)") == "42\n"
        request = kernel.execute_cell_input("open('begun', 'w').close()\nwhile True: pass", allow_stdin=False)
        wait_until((tmp_path / "begun").exists, "the cell runs")
        kernel.interrupt()
        kernel.await_reply(request, timeout=30)
        said(kernel, "import subprocess; subprocess.Popen(['sleep', '1000'], start_new_session=True)")
        assert len(there.offspring()) == 2 and kernel.fork.pid in there.offspring()
        assert kernel.is_alive() and not kernel.fork.has_ended(within=0.01)
        kernel.stop()
        assert there.offspring() == [] and not kernel.is_alive() and kernel.fork.has_ended(within=1)


@pytest.mark.notebook
def test_a_sandbox_that_ends_takes_its_kernels_along(place: str, nursery: Nursery, tmp_path: Path) -> None:
    """Where nobody answers any more, a kernel is dead at once, and no other can be started."""
    with served(place, Answers(nursery)) as there:
        kernel = GradedKernel(there, tmp_path, environment("ada", tmp_path), Limits())
        there.close()
        with pytest.raises(KernelDied, match=ENDED):
            said(kernel, "while True: pass", seconds=10_000)
        with pytest.raises(ChildProcessError, match="the sandbox is gone"):
            kernel.restart()
    nursery.clear()


# --- what may come back -----------------------------------------------------------------------------------


class Saying:
    """Answers that say the same to every question."""

    def __init__(self, answer: Any) -> None:
        self.said = answer

    def answer(self, message: Any) -> Any:
        """Say it."""
        return self.said


SENSELESS: list[Any] = [{}, {"failed": "no"}, {"pid": None}, {"pid": "x"}, {"connection": None}, {"connection": [1]}]


@pytest.mark.parametrize("answer", [*SENSELESS, {"connection": {"shell_port": "x"}}, {"yes": 1}, {"pids": 7}], ids=str)
def test_what_makes_no_sense_is_nothing(place: str, answer: Any) -> None:
    """An answer of another form starts no kernel, finds no connection and nobody, and nobody is alive."""
    with served(place, Saying(answer)) as there:
        fork = RemoteFork(there, 7)
        assert (fork.connection(), fork.is_alive(), fork.has_ended(within=1), there.offspring()) == (
            None,
            False,
            False,
            [],
        )
        with pytest.raises(ChildProcessError, match="No kernel was started"):
            there.fork()


def test_where_a_kernel_listens_is_on_loopback(place: str) -> None:
    """Whatever address a connection file names, the judge calls only the loopback that it shares."""
    ports = {f"{name}_port": n for n, name in enumerate(("shell", "iopub", "stdin", "control", "hb"))}
    file = ports | {"ip": "10.0.0.1", "transport": "ipc", "key": "k" * 1000, "signature_scheme": "none", "more": 1}
    with served(place, Saying({"connection": file})) as there:
        found = dict(RemoteFork(there, 7).connection() or {})
    fixed = {"ip": "127.0.0.1", "transport": "tcp", "signature_scheme": "hmac-sha256", "key": "k" * 200}
    assert found == ports | fixed


@contextmanager
def nobody(place: str, says: bytes, *, hangs_up: bool) -> Iterator[RemoteNursery]:
    """A nursery behind which somebody says this, and then nothing."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(place)
        listener.listen(1)
        there = RemoteNursery(place)
        theirs = listener.accept()[0]
        with theirs:
            theirs.sendall(says)
            if hangs_up:
                theirs.shutdown(socket.SHUT_RDWR)
            yield there
    there.close()


BAD = [b"", b"{", b"nonsense\n", b"[1]\n", b"[" * 100_000 + b"\n"]


@pytest.mark.parametrize("hangs_up", [True, False])
@pytest.mark.parametrize("says", BAD, ids=["nothing", "half", "nonsense", "a list", "deep"])
def test_who_does_not_answer_is_gone(place: str, says: bytes, hangs_up: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence, half a line and nonsense end in time; from then on nothing is asked, and everybody is dead."""
    monkeypatch.setattr(Line.hear, "__kwdefaults__", {"seconds": 0.2})
    with nobody(place, says, hangs_up=hangs_up) as there:
        fork = RemoteFork(there, 7)
        assert not fork.is_alive() and there.line is None
        assert (fork.connection(), fork.has_ended(within=1), there.offspring()) == (None, True, [])
        fork.interrupt()
        there.clear()


def test_a_line_has_an_end(place: str) -> None:
    """What never ends its line is heard no longer than a line may be."""
    ours, theirs = socket.socketpair()

    def write() -> None:
        with contextlib.suppress(OSError):  # nobody hears it to the end
            theirs.sendall(b"x" * (LONGEST + (1 << 20)))

    with theirs:
        writer = threading.Thread(target=write)
        writer.start()
        with ours, pytest.raises(ValueError, match="too long"):
            Line(ours).hear()
        writer.join()


def test_messages_that_come_together_are_two() -> None:
    """Two lines in one piece are two messages, in order."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"".join(json.dumps({"n": n}).encode() + b"\n" for n in (1, 2)))
        line = Line(ours)
        assert [line.hear(), line.hear()] == [{"n": 1}, {"n": 2}]


def test_nobody_there_is_an_error_in_the_end(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A nursery that nobody ever offers is given up."""
    monkeypatch.setattr(remote, "READY", 0.1)
    with pytest.raises(OSError):
        RemoteNursery(place)
