"""The nursery: forks that share nothing, and an end to all that they start."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sys
from pathlib import Path

import psutil
import pytest

from labkit.grade.forked import LocalFork
from labkit.grade.kernels import GradedKernel, Limits
from labkit.grade.nursery import FILE_SIZE, Nursery
from labkit.grade.one import environment
from tests.grade.conftest import Kernels, nursery_environ, said

pytestmark = pytest.mark.notebook

BACKGROUND = {
    "a child": "subprocess.Popen(['sleep', '1000'])",
    "another session": "subprocess.Popen(['sleep', '1000'], start_new_session=True)",
    "an orphan": "subprocess.Popen(['sh', '-c', 'setsid sleep 1000 & sleep 0'])",
    "a deaf one": "subprocess.Popen(['sh', '-c', 'trap \"\" INT TERM HUP; while :; do sleep 1000; done'])",
    "a fork": "os.fork() or (os.setsid(), os.fork() and os._exit(0), time.sleep(1000))",
}
"""What outlives a cell."""


def test_a_kernel_is_a_session_of_its_own(kernels: Kernels, nursery: Nursery) -> None:
    """A kernel is a fork of the nursery, leads its own session, and works where it was told to."""
    kernel = kernels()
    assert psutil.Process(kernel.fork.pid).ppid() == nursery.process.pid
    assert os.getsid(kernel.fork.pid) == kernel.fork.pid
    assert said(kernel, "import os; print(os.getcwd())") == f"{kernel.folder}\n"


def test_a_kernel_has_no_file_of_the_nurserys(kernels: Kernels, nursery: Nursery) -> None:
    """The pipes through which the nursery is asked are not open in a kernel."""
    theirs = {os.readlink(link) for link in Path(f"/proc/{nursery.process.pid}/fd").iterdir()} - {os.devnull}
    mine = {os.readlink(link) for link in Path(f"/proc/{kernels().fork.pid}/fd").iterdir()}
    assert theirs and mine and not theirs & mine


def test_the_system_holds_the_limits(kernels: Kernels) -> None:
    """Memory, the size of a file, and core dumps are limited by the system itself."""
    process = psutil.Process(kernels(memory=3 << 30).fork.pid)
    limits = [process.rlimit(what)[1] for what in (resource.RLIMIT_AS, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)]
    assert limits == [3 << 30, FILE_SIZE, 0]


def test_two_kernels_share_nothing(kernels: Kernels) -> None:
    """What one kernel does to a module, a class or the environment is not there in one beside it or after it."""
    first, beside = kernels(), kernels()
    names = "import docker, labkit.course.desk as desk, os, sys\n"
    said(first, names + "sys.path.clear(); os.environ['X'] = 'x'; desk.check = docker.DockerClient.from_env = None")
    look = names + "print(desk.check is None, docker.DockerClient.from_env is None, sys.path == [], 'X' in os.environ)"
    seen = [said(kernel, look).split() for kernel in (first, beside, kernels())]
    assert seen == [["True"] * 4, ["False"] * 4, ["False"] * 4]


def test_two_kernels_draw_other_numbers(kernels: Kernels) -> None:
    """A fork does not inherit what the nursery would have drawn next."""
    drawn = {said(kernels(), "import random; print(random.random())") for _ in range(2)}
    assert len(drawn) == 2


@pytest.mark.parametrize("start", BACKGROUND.values(), ids=BACKGROUND)
def test_whatever_a_kernel_started_is_found_and_ended(kernels: Kernels, nursery: Nursery, start: str) -> None:
    """A process that has left its session and lost its parents is still below the nursery, and ends with the rest."""
    before = {process.pid for process in nursery.offspring()}
    kernel = kernels()
    said(kernel, f"import os, subprocess, time\nstarted = {start}")
    left = [process for process in nursery.offspring() if process.pid not in before | {kernel.fork.pid}]
    assert left
    nursery.clear()
    assert nursery.offspring() == [] and not any(process.is_running() for process in left)


def test_clearing_leaves_the_nursery(kernels: Kernels, nursery: Nursery) -> None:
    """After everything below it has ended, the nursery itself is there, and forks."""
    pid = nursery.process.pid
    nursery.clear()
    assert said(kernels(), "print('here')") == "here\n" and nursery.process.pid == pid


def test_below_a_worker_the_nursery_is_none_of_the_kernels(
    kernels: Kernels, nursery: Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where everything below another process counts, the kernels do, and the nursery does not."""
    kernel = kernels()
    with monkeypatch.context() as patch:
        patch.setattr(nursery, "root", os.getpid())
        found = {process.pid for process in nursery.offspring()}
    assert kernel.fork.pid in found and nursery.process.pid not in found


def test_a_killed_nursery_is_started_again_and_closed_for_good(tmp_path: Path) -> None:
    """A nursery that was killed takes its kernels along; the next fork has a new one; after close() there is none."""
    nursery = Nursery(nursery_environ(tmp_path))
    kernel = GradedKernel(nursery, tmp_path, environment("ada", tmp_path), Limits())
    old = psutil.Process(nursery.process.pid)
    os.kill(old.pid, signal.SIGKILL)
    assert kernel.fork.has_ended(within=10) and not kernel.is_alive()
    kernel.restart()
    assert said(kernel, "print('again')") == "again\n" and nursery.process.pid != old.pid
    nursery.close()
    assert not kernel.is_alive() and nursery.process.poll() is not None
    kernel.kc.stop_channels()


def test_a_nursery_that_never_starts_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the nursery ends whenever it is started, fork() says so instead of trying for ever."""
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    nursery = Nursery({})
    with pytest.raises(ChildProcessError, match="ended twice"):
        nursery.fork(cwd="", env={}, memory=0, processes=0)
    nursery.close()


# --- the kernel that is ahead -----------------------------------------------------------------------------


def ahead(nursery: Nursery) -> psutil.Process:
    """The kernel that waits."""
    return psutil.Process(nursery.ahead)


def test_the_one_ahead_is_the_next(kernels: Kernels, nursery: Nursery) -> None:
    """Each kernel is the one that waited when it was asked for, and another waits then."""
    kernels()
    waiting = nursery.ahead
    assert kernels().fork.pid == waiting != nursery.ahead
    assert ahead(nursery).ppid() == nursery.process.pid


@pytest.mark.parametrize("below", ["the nursery", "the worker"])
def test_the_one_ahead_is_nobodys_offspring(
    kernels: Kernels, nursery: Nursery, monkeypatch: pytest.MonkeyPatch, below: str
) -> None:
    """The kernel that waits counts among no learner's processes, and outlives the end of all of them."""
    kernel = kernels()
    waiting = ahead(nursery)
    with monkeypatch.context() as patch:
        patch.setattr(nursery, "root", os.getpid() if below == "the worker" else 0)
        found = {process.pid for process in nursery.offspring()}
    assert kernel.fork.pid in found and waiting.pid not in found
    nursery.clear()
    assert waiting.is_running() and not kernel.is_alive() and kernels().fork.pid == waiting.pid


def test_the_one_ahead_knows_nothing_yet(kernels: Kernels) -> None:
    """A kernel that waits has no learner's folder, environment or limits; all three come with the learner."""
    nursery = kernels().nursery
    waiting = ahead(nursery)
    before = waiting.cwd(), waiting.rlimit(resource.RLIMIT_AS)
    assert before == (psutil.Process(nursery.process.pid).cwd(), resource.getrlimit(resource.RLIMIT_AS))
    kernel = kernels({"PATH": os.defpath, "LABKIT_LEARNER": "alan"}, memory=3 << 30)
    assert said(kernel, "import os; print(os.environ['LABKIT_LEARNER'])") == "alan\n"
    assert kernel.fork.pid == waiting.pid
    assert (waiting.cwd(), waiting.rlimit(resource.RLIMIT_AS)[0]) == (str(kernel.folder), 3 << 30)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_one_ahead_that_was_ended_is_replaced(kernels: Kernels, nursery: Nursery, number: signal.Signals) -> None:
    """Where somebody has ended the kernel that waits, the next learner gets another one."""
    kernels()
    waiting = ahead(nursery)
    waiting.send_signal(number)
    assert psutil.wait_procs([waiting], timeout=10)[1] == []
    kernel = kernels()
    assert said(kernel, "print('here')") == "here\n" and kernel.fork.pid != waiting.pid


def test_connection_files_are_the_nurserys(kernels: Kernels, nursery: Nursery) -> None:
    """A kernel's connection file lies in the nursery's own folder, not where its cells work."""
    kernel = kernels()
    assert isinstance(kernel.fork, LocalFork)
    file = Path(kernel.fork.file)
    assert file.parent == Path(nursery.folder.name) and list(kernel.folder.iterdir()) == []


def test_the_nursery_takes_its_folder_along(tmp_path: Path) -> None:
    """After close() neither the kernel that waits nor the nursery's folder is there."""
    nursery = Nursery(nursery_environ(tmp_path))
    kernel = GradedKernel(nursery, tmp_path, environment("ada", tmp_path), Limits())
    waiting, folder = ahead(nursery), Path(nursery.folder.name)
    assert folder.is_dir()
    kernel.stop()
    nursery.close()
    assert not waiting.is_running() and not folder.exists()
