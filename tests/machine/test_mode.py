"""Which ways of running the guest's processes a host allows, tried with real filters; and which one is seen in use."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys

import pytest

from labkit.machine import mode
from tests.machine.forbidding import NUMBERS

pytestmark = pytest.mark.skipif(sys.platform != "linux" or os.uname().machine != "x86_64", reason="Linux on x86-64")

TRY = """
from labkit.errors import MachineError
from labkit.machine import mode
print(*(word for word, way in (("seccomp", mode._filter_oneself), ("ptrace", mode._be_traced)) if mode._may(way)))
try:
    mode.check()
except MachineError as error:
    print(error)
"""


@pytest.mark.parametrize("code", ["EPERM", "ENOSYS"])
@pytest.mark.parametrize("forbidden", ["seccomp", "ptrace", "seccomp,ptrace"])
def test_what_is_forbidden_is_seen(forbidden: str, code: str) -> None:
    """Where one of the two is forbidden, the other is left; where both are, two sentences say so."""
    command = [sys.executable, "-m", "tests.machine.forbidding", forbidden, code, sys.executable, "-c", TRY]
    said = subprocess.run(command, capture_output=True, check=True, text=True).stdout.splitlines()
    left = [name for name in ("seccomp", "ptrace") if name not in forbidden]
    assert said[0].split() == left
    assert len(said) == (1 if left else 3)
    if not left:
        assert "this process may use neither." in said[1] and "`RuntimeDefault`" in said[2]


def test_here_one_of_them_is_allowed() -> None:
    """Looking changes nothing for who looks: it can look again, and is not filtered."""
    for _ in range(2):
        mode.check()
    with open("/proc/self/status") as status:
        assert "NoNewPrivs:\t1" not in status.read()


def test_every_name_has_a_number() -> None:
    """The filters of these tests know the calls that they forbid."""
    assert sorted(itertools.chain(*NUMBERS.values())) == [101, 317]


@pytest.mark.parametrize(("traced", "seen"), [(False, "seccomp"), (True, "ptrace")])
def test_a_traced_process_tells_the_mode(traced: bool, seen: str) -> None:
    """Of a group of processes, one that is traced is enough to know that its leader uses ptrace."""
    trace = "ctypes.CDLL(None).ptrace(0, 0, 0, 0)" if traced else "pass"
    child = f"import ctypes; {trace}; print(1, flush=True); input()"
    leader = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    with subprocess.Popen(
        [sys.executable, "-c", leader], stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0
    ) as process:
        assert process.stdout and process.stdout.read(1) == b"1"
        assert mode.seen(process.pid) == seen
        process.communicate(b"\n")
