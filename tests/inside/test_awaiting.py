"""Signals that a program fetches by itself: docker-init, and programs made for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit import images, sandbox
from labkit.daemon import Daemon
from labkit.errors import SandboxError
from labkit.host import Host
from labkit.inside.awaiting import read_signalfds, read_waits
from labkit.inside.masks import read_masks
from labkit.local import LocalHost
from labkit.sandbox import wait_until
from tests.inside.test_masks import SAY, bits, linux, python


@linux
def test_who_waits_for_a_signal_fetches_it() -> None:
    """A program in sigwaitinfo() fetches what it waits for, though the kernel shows no mask with it."""
    script = f"signal.pthread_sigmask(signal.SIG_SETMASK, [2, 15, 34])\n{SAY}signal.sigwaitinfo([15, 34])"
    with python(script) as pid:
        assert read_waits(LocalHost(), pid, [str(pid)]) == [{15, 34}]
        masks = read_masks(LocalHost(), pid)
    assert masks.awaited == {15, 34}
    assert masks.blocked == {2}


@linux
def test_who_sleeps_fetches_nothing() -> None:
    """A program that waits for something else fetches no signal, whatever it blocks."""
    with python(f"signal.pthread_sigmask(signal.SIG_SETMASK, [15])\n{SAY}time.sleep(60)") as pid:
        masks = read_masks(LocalHost(), pid)
    assert masks.awaited == set()
    assert masks.blocked == {15}


@linux
@pytest.mark.parametrize(("main", "fetched"), [("[15]", {15}), ("[]", set())])
def test_a_thread_fetches_what_no_other_takes(main: str, fetched: set[int]) -> None:
    """A thread gets a signal of the process for sure where all others block it."""
    script = f"""
signal.pthread_sigmask(signal.SIG_SETMASK, [15])
threading.Thread(target=lambda: signal.sigwait([15]), daemon=True).start()
signal.pthread_sigmask(signal.SIG_SETMASK, {main})
{SAY}time.sleep(60)
"""
    with python(script) as pid:
        threads = LocalHost().list(f"/proc/{pid}/task")
        wait_until(lambda: {15} in read_waits(LocalHost(), pid, threads), "the thread waits")
        assert read_masks(LocalHost(), pid).awaited == fetched


@linux
@pytest.mark.parametrize(("blocked", "fetched"), [("[10, 12, 15]", {10, 15}), ("[12, 15]", {15})])
def test_a_signalfd_gives_blocked_signals(blocked: str, fetched: set[int]) -> None:
    """What a process has a signalfd for, and blocks, it fetches; what it does not block comes as usual."""
    script = f"""
import ctypes
signal.pthread_sigmask(signal.SIG_SETMASK, {blocked})
mask = (ctypes.c_uint64 * 16)({bits(10, 15)})
assert ctypes.CDLL(None).signalfd(-1, mask, 0) >= 0
{SAY}time.sleep(60)
"""
    with python(script) as pid:
        assert read_signalfds(LocalHost(), pid) == {10, 15}
        assert read_masks(LocalHost(), pid).awaited == fetched


def test_what_the_kernel_hides_is_not_seen(tmp_path: Path) -> None:
    """Without the right to look, or on a processor that we do not know, nothing is fetched."""
    folder = tmp_path / "proc" / "7"
    (folder / "task/7").mkdir(parents=True)
    host = LocalHost(tmp_path)
    assert read_waits(host, 7, ["7"]) == [set()]
    assert read_signalfds(host, 7) == set()
    (folder / "task/7/syscall").write_text("128 0x10 0x0 0x0 0x8 0x0 0x0 0x0 0x0\n")
    assert read_waits(host, 7, ["7"]) == [set()]
    (folder / "exe").write_bytes(b"\x7fELF" + bytes(14) + b"\x16\x00")
    (folder / "mem").write_bytes(bytes(16) + bits(15).to_bytes(8, "little"))
    assert read_waits(host, 7, ["7"]) == [set()]


@pytest.mark.parametrize(("machine", "number"), [(62, 128), (183, 137)])
def test_the_number_is_that_of_the_programs_processor(tmp_path: Path, machine: int, number: int) -> None:
    """On x86 the call is number 128, on ARM 137; the other's number is another call here."""
    folder = tmp_path / "proc" / "7"
    for thread, call in ("7", number), ("8", 128 + 137 - number):
        (folder / "task" / thread).mkdir(parents=True)
        (folder / "task" / thread / "syscall").write_text(f"{call} 0x10 0x0 0x0 0x8 0x0 0x0 0x0 0x0\n")
    (folder / "exe").write_bytes(b"\x7fELF" + bytes(14) + machine.to_bytes(2, "little"))
    (folder / "mem").write_bytes(bytes(16) + bits(9, 15, 19, 64).to_bytes(8, "little"))
    assert read_waits(LocalHost(tmp_path), 7, ["7", "8"]) == [{15, 64}, set()]


@pytest.mark.daemon
def test_docker_init_fetches_signals(host: Host, daemon: Daemon) -> None:
    """docker-init has no handler at all, and fetches all signals but those of its own faults and of terminals."""
    try:
        box = sandbox.run(images.ensure(daemon), "sleep 1234", daemon=daemon, what="test", init=True)
    except SandboxError as error:
        pytest.skip(f"no docker-init: {error.problem}")
    with box:
        fetched = wait_until(lambda: read_masks(host, box.pid).awaited, "docker-init waits")
        assert read_masks(host, box.pid).caught == set()
    assert {1, 2, 15, 17, 64} <= fetched
    assert not fetched & {4, 6, 7, 8, 9, 11, 19, 21, 22}
