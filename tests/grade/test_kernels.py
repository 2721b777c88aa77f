"""A kernel that is watched: it dies, hangs, floods and forks, and the grader goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from queue import Empty
from typing import Any

import pytest

from labkit.grade import kernels as module
from labkit.grade.forked import LocalFork
from labkit.grade.kernels import ENDED, GradedKernel, KernelDied, Limits
from labkit.grade.nursery import Nursery
from labkit.grade.one import environment
from tests.grade.conftest import Kernels, heard, said

pytestmark = pytest.mark.notebook

OF_IPYTHON = {"TERM", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "PAGER", "GIT_PAGER", "MPLBACKEND"}
"""What IPython itself puts into its environment."""


# --- what a cell can do -----------------------------------------------------------------------------------


def test_cells_run_as_in_any_kernel(kernels: Kernels) -> None:
    """Names stay from one cell to the next, output comes back whole and in order, an error has its kind."""
    kernel = kernels()
    assert said(kernel, "n = 10_000") == ""
    assert said(kernel, "for i in range(n): print(i)").split() == [str(i) for i in range(10_000)]
    assert said(kernel, "1 / 0") == "ZeroDivisionError" and kernel.is_alive()


@pytest.mark.parametrize("source", ["input()", "import getpass; getpass.getpass()"])
def test_there_is_nobody_to_ask(kernels: Kernels, source: str) -> None:
    """input() is an error at once: nobody sits before a kernel that is graded."""
    assert said(kernels(), source).endswith("StdinNotImplementedError")


def test_the_environment_is_what_was_given(kernels: Kernels, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel's variables are those that it was given and IPython's own; none of the grader's is there."""
    monkeypatch.setenv("A_SECRET_OF_THE_GRADERS", "hush")
    given = {"PATH": os.defpath, "LABKIT_LEARNER": "ada", "EMPTY": "", "ODD": "a=b\nc"}
    names = said(kernel := kernels(given), "import os; print(dict(os.environ))")
    found: dict[str, str] = eval(names)  # written by repr
    assert {name: value for name, value in found.items() if name not in OF_IPYTHON} == given
    assert "hush" not in said(kernel, "print(open('/proc/self/environ').read())")


def test_too_much_memory_is_an_error_of_the_cells(kernels: Kernels) -> None:
    """Asking for more memory than there is raises MemoryError, and the kernel lives."""
    kernel = kernels(memory=2 << 30)
    assert said(kernel, "x = bytearray(10 << 30)") == "MemoryError"
    assert said(kernel, "x = [0] * (1 << 32)") == "MemoryError"
    assert said(kernel, "print(6 * 7)") == "42\n"


def test_the_output_may_be_as_long_as_its_limit(kernels: Kernels) -> None:
    """What stays below the limit is printed whole, in each cell anew."""
    kernel = kernels(output=1 << 20)
    assert [len(said(kernel, "print('x' * 700_000, end='')")) for _ in range(2)] == [700_000] * 2


# --- how it is noticed that it died -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "source",
    [
        "import os; os._exit(3)",
        "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        "import ctypes as c; c.string_at(0)",
    ],
    ids=["_exit", "killed", "segfault"],
)
def test_a_dead_kernel_is_noticed(kernels: Kernels, source: str) -> None:
    """A cell that ends Python is known to have done so long before its limit, and the kernel is not alive."""
    kernel = kernels()
    with pytest.raises(KernelDied, match=ENDED):
        said(kernel, source, seconds=10_000)
    assert not kernel.is_alive()


def test_a_kernel_that_dies_before_its_output_was_read(kernels: Kernels) -> None:
    """A kernel that dies after its reply is noticed where the output is awaited."""
    kernel = kernels()
    request = kernel.execute_cell_input("import os, threading; threading.Timer(0, os._exit, [1]).start()", False)
    with pytest.raises(KernelDied, match=ENDED):
        kernel.await_reply(request, timeout=10_000)
        while True:
            kernel.get_message("iopub", timeout=10_000)


def test_a_cell_that_asks_to_end_has_ended_it(kernels: Kernels) -> None:
    """exit() ends the kernel with its cell: no later cell runs by chance before it has gone."""
    kernel = kernels()
    with pytest.raises(KernelDied, match=ENDED):
        said(kernel, "exit()")
    assert not kernel.is_alive()


def test_a_dead_kernel_is_not_asked_anything(kernels: Kernels) -> None:
    """A cell that is sent to a kernel that is gone ends at once."""
    kernel = kernels()
    kernel.nursery.clear()
    with pytest.raises(KernelDied):
        said(kernel, "1")


def test_a_kernel_that_never_starts_is_an_error(tmp_path: Path) -> None:
    """Where the fork ends before it answers, that is told at once, and as what it is."""

    def fork(**_: object) -> LocalFork:
        process = subprocess.Popen([sys.executable, "-c", ""])
        process.wait()
        return LocalFork(process.pid, str(tmp_path / "no-file.json"))

    nursery: Any = type("Barren", (), {"fork": staticmethod(fork), "clear": staticmethod(lambda: None)})
    with pytest.raises(KernelDied, match="did not start"):
        GradedKernel(nursery, tmp_path, environment("ada", tmp_path), Limits())


# --- limits -----------------------------------------------------------------------------------------------

FLOODS = {
    "text": "import time\nwhile True: print('x' * 100_000); time.sleep(0.01)",
    "errors": "import sys, time\nwhile True: sys.stderr.write('x' * 100_000); time.sleep(0.01)",
    "one text": "print('x' * (1 << 28))",
    "displays": "while True: display('x' * 100_000)",
    "empty messages": "from IPython.display import clear_output\nwhile True: clear_output()",
    "metadata": "while True: display({}, raw=True, metadata={'x': 'x' * 100_000})",
    "buffers": "kernel = get_ipython().kernel\nwhile True: kernel.session.send("
    "kernel.iopub_socket, 'comm_msg', {}, kernel.get_parent(), buffers=[b'x' * 100_000])",
}


@pytest.mark.parametrize("source", FLOODS.values(), ids=FLOODS)
def test_a_flood_of_output_is_ended(kernels: Kernels, source: str) -> None:
    """Whatever it is made of, output beyond the limit ends the kernel, long before the cell's time is over."""
    kernel = kernels(output=1 << 18)
    with pytest.raises(KernelDied, match="It printed more than"):
        said(kernel, source, seconds=10_000)
    assert not kernel.is_alive() and len(kernel.held) < 10_000


def test_too_long_an_output_is_noticed_after_the_cell(kernels: Kernels) -> None:
    """What a cell leaves behind to be read when it has replied counts as what it prints while it runs."""
    kernel = kernels(output=1 << 20)
    with pytest.raises(KernelDied, match="printed more than 1 MB"):
        said(kernel, "display('x' * (2 << 20))")
    assert not kernel.is_alive()


def test_two_hundred_children_are_too_many(kernels: Kernels, nursery: Nursery) -> None:
    """A cell that forks 200 children is ended with all of them, also where the system would let it."""
    kernel = kernels(processes=16)
    source = "import os, time\nfor _ in range(200):\n  if os.fork() == 0: os.setsid(); time.sleep(1000)\n"
    with pytest.raises(KernelDied, match="processes at once; 16 are allowed"):
        said(kernel, source + "time.sleep(1000)", seconds=10_000)
    assert nursery.offspring() == []


def test_a_few_children_are_not(kernels: Kernels) -> None:
    """A cell may start processes and wait for them."""
    source = "import subprocess\nprint([subprocess.run(['true']).returncode for _ in range(20)])"
    assert said(kernels(processes=4), source) == f"{[0] * 20}\n"


# --- interrupting and stopping ----------------------------------------------------------------------------


def interrupted(kernel: GradedKernel, source: str) -> str:
    """Run a cell that takes too long, and interrupt it as nbval does; return what it said."""
    request = kernel.execute_cell_input(source, allow_stdin=False)
    with pytest.raises(Empty):
        kernel.await_reply(request, timeout=1.0)  # the cell must have come to its loop
    kernel.interrupt()
    return heard(kernel, request)


@pytest.mark.parametrize(
    "source",
    ["import time; print('here'); time.sleep(1000)", "print('here')\nwhile True: pass", "print('here')\n!sleep 1000"],
    ids=["sleep", "loop", "shell"],
)
def test_an_interrupt_ends_the_cell_alone(kernels: Kernels, source: str) -> None:
    """A cell that took too long is interrupted as by Ctrl-C; what it printed is there, and the kernel goes on."""
    kernel = kernels()
    assert interrupted(kernel, source).startswith("here\n")
    assert said(kernel, "print('on')") == "on\n"


def test_an_interrupt_is_a_keyboard_interrupt(kernels: Kernels) -> None:
    """Python code sees the interrupt as the exception that it is."""
    assert interrupted(kernels(), "import time; time.sleep(1000)") == "KeyboardInterrupt"


SWALLOW = "while True:\n  try:\n    while True: {}\n  except KeyboardInterrupt: pass"


@pytest.mark.parametrize("body", ["print('x' * 50)", "sum(range(100))"], ids=["printing", "silent"])
def test_who_swallows_the_interrupt_does_not_keep_us(
    kernels: Kernels, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    """A loop that catches the interrupt and goes on is left alone no longer than the grace, printing or not."""
    monkeypatch.setattr(module, "GRACE", 0.5)
    kernel = kernels(output=1 << 40)
    with pytest.raises((KernelDied, Empty)):
        interrupted(kernel, SWALLOW.format(body))
    kernel.stop()
    assert not kernel.is_alive()


def test_interrupting_the_dead_is_no_error(kernels: Kernels) -> None:
    """A kernel that has just died can be interrupted and stopped."""
    kernel = kernels()
    kernel.nursery.clear()
    kernel.interrupt()
    kernel.stop()
    assert not kernel.is_alive()


def test_stopping_ends_what_was_started(kernels: Kernels, nursery: Nursery) -> None:
    """With the kernel goes what its cells left running, in whatever session."""
    kernel = kernels()
    said(kernel, "import subprocess; subprocess.Popen(['sleep', '1000'], start_new_session=True)")
    assert len(nursery.offspring()) == 2
    kernel.stop()
    assert nursery.offspring() == []


def test_a_restart_begins_with_nothing(kernels: Kernels, nursery: Nursery) -> None:
    """After a restart there is a fresh kernel with the same environment, and neither names nor processes of the old."""
    kernel = kernels()
    said(kernel, "import subprocess; x = subprocess.Popen(['sleep', '1000'])")
    kernel.restart()
    assert said(kernel, "x") == "NameError"
    assert said(kernel, "import os; print(os.environ['LABKIT_LEARNER'])") == "ada\n"
    assert len(nursery.offspring()) == 1


def test_a_quiet_cell_is_nobodys_concern(kernels: Kernels) -> None:
    """A cell that is run for what it defines may print, fail or hang: the next one runs."""
    kernel = kernels()
    for source in ("x = 1; print('loud')", "x = 2; 1 / 0", "import time; x += 1; time.sleep(1000)"):
        kernel.run_quietly(source, 0.5)
    assert said(kernel, "print(x)") == "3\n"
