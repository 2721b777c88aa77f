"""The streams of a graded kernel: what is printed arrives, whole, in order and before the cell ends."""

from __future__ import annotations

import pytest

from tests.grade.conftest import Kernels, said

pytestmark = pytest.mark.notebook


def test_what_is_printed_arrives_with_its_cell(kernels: Kernels) -> None:
    """Each cell's text comes before the cell ends, whichever stream it went to and however it got there."""
    kernel = kernels()
    for number in range(20):
        assert said(kernel, f"print({number})") == f"{number}\n"
    assert said(kernel, "import sys; sys.stderr.write('e'); sys.stdout.write('o'); sys.stdout.flush()") in ("eo", "oe")
    assert said(kernel, "sys.stdout.flush(); print('a', end='', flush=True); print('b', end='')") == "ab"


def test_what_a_thread_prints_is_not_lost(kernels: Kernels) -> None:
    """Text of another thread, and text of a child process, arrives too."""
    kernel = kernels()
    start = "import threading\nt = threading.Thread(target=print, args=('from a thread',)); t.start(); t.join()"
    assert said(kernel, start) == "from a thread\n"
    assert said(kernel, "!echo from a child").split() == ["from", "a", "child"]
