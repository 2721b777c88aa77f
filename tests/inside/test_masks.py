"""Masks of signals, compared with ps and with what processes have told the kernel themselves."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit import errors, images, sandbox
from labkit.daemon import Daemon
from labkit.host import Host
from labkit.inside.awaiting import parse_mask
from labkit.inside.masks import Masks, parse_masks, read_masks
from labkit.inside.processes import read_processes
from labkit.local import LocalHost
from labkit.sandbox import wait_until
from tests.inside.conftest import ask
from tests.inside.fakeproc import Guarded

linux = pytest.mark.skipif(sys.platform != "linux", reason="masks are Linux's")

STATUS = """Name:\tsh
State:\t{state} (somehow)
SigQ:\t0/96365
SigPnd:\t{own:016x}
ShdPnd:\t{shared:016x}
SigBlk:\t{blocked:016x}
SigIgn:\t{ignored:016x}
SigCgt:\t{caught:016x}
CapInh:\t0000000000000000
"""


def bits(*numbers: int) -> int:
    """A mask as the kernel has it: the lowest bit is signal 1."""
    return sum(1 << (number - 1) for number in numbers)


def status(state: str = "S", **masks: int) -> str:
    """The text of a status; masks that are not given are empty."""
    return STATUS.format(state=state, **{"own": 0, "shared": 0, "blocked": 0, "ignored": 0, "caught": 0} | masks)


def add_threads(root: Path, *texts: str, pid: int = 7) -> None:
    """Make a process of threads with these texts."""
    for number, text in enumerate(texts, pid):
        folder = root / "proc" / str(pid) / "task" / str(number)
        folder.mkdir(parents=True)
        (folder / "status").write_text(text)
    (root / "proc" / str(pid) / "status").write_text(texts[0])


# --- Texts ------------------------------------------------------------------------------------------------


@given(st.sets(st.integers(1, 64)))
def test_a_mask_has_a_bit_for_each_signal(numbers: set[int]) -> None:
    """Sixteen digits hold the signals 1 to 64, the lowest bit is signal 1."""
    assert parse_mask(f"{bits(*numbers):016x}") == numbers


@pytest.mark.parametrize("digits", ["", "0x", "signals", "-"])
def test_what_is_no_mask_is_refused(digits: str) -> None:
    """The error repeats the digits, and shows how a mask looks."""
    with pytest.raises(errors.HostError, match="is not a mask") as caught:
        parse_mask(digits)
    assert parse_mask(caught.value.remedy.split()[-1].rstrip(".")) == {1, 15}


def test_every_line_is_read() -> None:
    """Each set comes from its own line; pending are those of the thread and those of the process."""
    text = status(own=bits(10), shared=bits(12, 34), blocked=bits(10, 12), ignored=bits(1, 64), caught=bits(15))
    assert parse_masks(text) == Masks(
        caught=frozenset({15}),
        ignored=frozenset({1, 64}),
        blocked=frozenset({10, 12}),
        pending=frozenset({10, 12, 34}),
    )


def test_a_missing_line_is_named() -> None:
    """A text without a mask is refused: no mask is not an empty one."""
    with pytest.raises(errors.HostError, match="SigIgn"):
        parse_masks(status().replace("SigIgn", "Sig"))


def test_names_stand_on_short_lines() -> None:
    """A line for each set, a dash for an empty one, longer ones are broken between names."""
    masks = Masks(frozenset({2, 15}), frozenset(range(1, 65)), frozenset({32, *range(34, 65)}), frozenset({36}))
    assert str(masks).splitlines() == [
        "caught   SIGINT, SIGTERM",
        "ignored  every signal",
        "blocked  signal 32, SIGRTMIN to SIGRTMAX",
        "pending  SIGRTMIN+2",
    ]
    many = str(Masks(frozenset(range(1, 34))))
    assert max(map(len, many.splitlines())) <= 76
    assert many.startswith("caught   SIGHUP, ")
    assert "signal 32, signal 33\nignored  -" in many


def test_what_is_fetched_is_printed_where_there_is_some() -> None:
    """Most programs have handlers; of those that fetch signals a fifth line tells."""
    assert "awaited" not in f"{Masks()}{Masks()!r}"
    assert str(Masks(awaited=frozenset({15}))).endswith("awaited  SIGTERM")


def test_one_line_has_only_what_is_there() -> None:
    """As a value, masks are short."""
    assert repr(Masks(frozenset({2, 15}), frozenset({1}))) == "Masks(caught SIGINT, SIGTERM; ignored SIGHUP)"
    assert repr(Masks()) == "Masks()"


# --- Threads ----------------------------------------------------------------------------------------------


def test_blocked_is_what_every_thread_blocks(tmp_path: Path) -> None:
    """A signal goes to any thread that takes it; pending is what waits for the process or for some thread."""
    add_threads(tmp_path, status(blocked=bits(10, 12), own=bits(10)), status(blocked=bits(12, 15), own=bits(15)))
    masks = read_masks(LocalHost(tmp_path), 7)
    assert masks.blocked == {12}
    assert masks.pending == {10, 15}


def test_a_thread_that_has_ended_takes_no_signal(tmp_path: Path) -> None:
    """A zombie's mask lets nothing through; where all have ended, there is only that."""
    add_threads(tmp_path, status("Z"), status(blocked=bits(12)))
    assert read_masks(LocalHost(tmp_path), 7).blocked == {12}
    add_threads(tmp_path, status("Z", ignored=bits(1)), pid=20)
    assert read_masks(LocalHost(tmp_path), 20).ignored == {1}


def test_who_is_gone_is_missing(tmp_path: Path) -> None:
    """A process that never was, and one that ends while its threads are listed, are missing."""
    (tmp_path / "proc/7/task").mkdir(parents=True)
    for pid in (7, 8):
        with pytest.raises(errors.PathMissing):
            read_masks(LocalHost(tmp_path), pid)


def test_who_is_hidden_is_forbidden(tmp_path: Path) -> None:
    """Where the host hides a process, the error says so."""
    (tmp_path / "proc/7/task/7").mkdir(parents=True)
    (tmp_path / "proc/7/task/7/status").write_text(status())
    with pytest.raises(errors.PathForbidden):
        read_masks(Guarded(tmp_path, "/proc/7"), 7)


# --- Real processes ---------------------------------------------------------------------------------------


def by_ps(host: Host) -> dict[int, list[str]]:
    """What ps says of every process: threads, and what is caught, ignored, blocked and pending."""
    columns = "pid=,nlwp=,caught=,ignored=,blocked=,pending="
    rows = [line.split() for line in ask(host, "ps", "-e", "-o", columns).splitlines()]
    return {int(pid): words for pid, *words in rows}


@linux
@pytest.mark.daemon
def test_masks_are_those_of_ps(host: Host) -> None:
    """For every process that lives on unchanged, the masks are what ps prints; ps shows one thread of several."""
    before, found = by_ps(host), {}
    for pid in read_processes(host) if isinstance(host, LocalHost) else list(before)[-20:]:
        try:
            found[pid] = read_masks(host, pid)
        except errors.PathMissing:
            continue
    after = by_ps(host)
    compared = [pid for pid in found if before.get(pid) == after.get(pid, 0)]
    assert len(compared) >= 10
    for pid in compared:
        threads, *sets = before[pid]
        caught, ignored, blocked, pending = map(parse_mask, sets)
        assert (found[pid].caught, found[pid].ignored) == (caught, ignored)
        if threads == "1" and not found[pid].awaited:
            assert (found[pid].blocked, found[pid].pending) == (blocked, pending)


@contextmanager
def python(script: str) -> Iterator[int]:
    """A Python that has run a script, and sleeps."""
    words = [sys.executable, "-c", f"import os, signal, sys, threading, time\n{script}"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as found:
        assert found.stdout and found.stdout.read(1) == b"!"
        wait_until(lambda: f"\nState:\t{'Z' if 'pthread_exit' in script else 'S'}" in _status(found.pid), "it sleeps")
        try:
            yield found.pid
        finally:
            found.kill()


def _status(pid: int) -> str:
    return LocalHost().text(f"/proc/{pid}/status")


SAY = "os.write(1, b'!')\n"


@linux
def test_what_a_program_has_told_the_kernel_is_read() -> None:
    """Handlers, ignored, blocked and pending signals, real-time ones too, are those that a program has set."""
    script = """
for number in range(1, 65):
    if number not in (9, 19, 32, 33): signal.signal(number, signal.SIG_DFL)
signal.signal(15, lambda *_: None); signal.signal(64, lambda *_: None); signal.signal(1, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [10, 12, 34])
os.kill(os.getpid(), 10); signal.pthread_kill(threading.get_ident(), 34)
"""
    with python(f"{script}{SAY}time.sleep(60)") as pid:
        found = read_masks(LocalHost(), pid)
        own = found.ignored - {32, 33}  # the C library's: whom posix_spawn() started may have got them ignored
        expected = {15, 64}, {1}, {10, 12, 34}, {10, 34}
        assert replace(found, ignored=own) == Masks(*map(frozenset, expected))


@linux
def test_threads_of_a_real_program_are_joined() -> None:
    """What one thread lets through is not blocked, and what waits for one thread is pending."""
    script = """
signal.pthread_sigmask(signal.SIG_SETMASK, [10, 12])
def other():
    signal.pthread_sigmask(signal.SIG_SETMASK, [12])
    signal.pthread_kill(threading.get_ident(), 12)
    os.write(1, b"!")
    time.sleep(60)
threading.Thread(target=other, daemon=True).start()
time.sleep(60)
"""
    with python(script) as pid:
        masks = read_masks(LocalHost(), pid)
        assert masks.blocked == masks.pending == {12}


@linux
@pytest.mark.daemon
def test_masks_of_a_container_are_what_its_shell_has_set(host: Host, daemon: Daemon) -> None:
    """A trap is a handler, an empty trap ignores; both are read for the first process and for its child."""
    script = "trap : TERM; trap '' USR1; sleep 1234 & while :; do wait; done"
    with sandbox.run(images.ensure(daemon), script, daemon=daemon, what="test") as box:
        first = box.pid

        def sleeping() -> list[int]:
            everyone = read_processes(host).values()
            return [found.pid for found in everyone if found.parent == first and found.name == "sleep"]

        (pid,) = wait_until(sleeping, "its child sleeps")
        masks, child = read_masks(host, first), read_masks(host, pid)
    assert 15 in masks.caught
    assert 10 in masks.ignored
    assert 10 in child.ignored
    assert child.caught == set()
