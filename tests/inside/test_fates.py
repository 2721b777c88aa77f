"""What is foretold of signals, compared with what the kernel does: every signal, every way, from both sides."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from labkit import errors, images, sandbox
from labkit.daemon import Daemon
from labkit.host import Host
from labkit.inside.events import read_told
from labkit.inside.fates import JOB_CONTROL, Stop, foretell, predict, predict_stop
from labkit.inside.masks import Masks, read_masks
from labkit.inside.processes import read_process, read_processes
from labkit.local import LocalHost
from labkit.sandbox import Box, wait_until
from tests.inside import targets
from tests.inside.targets import WAYS, Target
from tests.inside.test_masks import SAY, linux, python

root = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root makes PID namespaces")
HOST = LocalHost()


# --- The kernel itself ------------------------------------------------------------------------------------


def cases(way: str) -> range | list[int]:
    """The signals that a process can do this with."""
    return [number for number in range(1, 32) if way == "nothing" or number not in (9, 19)]


@pytest.fixture(scope="module")
def neighbour() -> Iterator[int]:
    """The first process of a namespace in which the others live."""
    with ExitStack() as ends:
        try:
            first = ends.enter_context(targets.target("nothing", 1))
        except PermissionError as error:
            pytest.skip(f"this root makes no PID namespaces: {error}")
        yield first.pid


def differs(found: Target, number: int, *, inside: bool, stopped: bool = False) -> str:
    """Foretell what a signal does, send it, and say where that is not what happened."""
    if stopped:
        found.stop()
    fate = predict(HOST, found.pid, number, sender="inside" if inside else "outside")
    found.send(number, inside=inside)
    outcome, code = found.outcome(stopped=stopped)
    waits = bool(found.pid) and number in read_masks(HOST, found.pid).pending
    saw = (outcome, code, waits)
    return "" if saw == (fate.outcome, fate.exit_code, fate.waits) else f"{saw} {fate!r}"


@root
@pytest.mark.kernel
@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
@pytest.mark.parametrize("inside", [False, True], ids=["outside", "inside"])
@pytest.mark.parametrize("first", [True, False], ids=["first", "other"])
@pytest.mark.parametrize("way", WAYS)
def test_the_kernel_does_what_is_foretold(neighbour: int, way: str, first: bool, inside: bool, stopped: bool) -> None:
    """Whatever a process does with a signal, and wherever that comes from, its fate is the foretold one."""
    wrong = {}
    for number in cases(way):
        with targets.target(way, number, beside=0 if first else neighbour) as found:
            if news := differs(found, number, inside=inside, stopped=stopped):
                wrong[number] = news
    assert wrong == {}


@root
@pytest.mark.kernel
@pytest.mark.parametrize("orphaned", [False, True])
@pytest.mark.parametrize("first", [True, False], ids=["first", "other"])
@pytest.mark.parametrize("number", sorted(JOB_CONTROL))
def test_a_terminal_stops_only_jobs_of_a_shell(neighbour: int, number: int, first: bool, orphaned: bool) -> None:
    """SIGTSTP, SIGTTIN and SIGTTOU stop a process unless its group is orphaned, and never a first one."""
    with targets.target("nothing", number, beside=0 if first else neighbour, orphaned=orphaned) as found:
        assert predict(HOST, found.pid, number).outcome == ("nothing" if first or orphaned else "stops")
        assert differs(found, number, inside=False) == ""


# --- Sentences and errors ---------------------------------------------------------------------------------

NOTHING = Masks()
CATCHES = Masks(caught=frozenset({15}))


@pytest.mark.parametrize(
    ("signal", "words"),
    [
        ("TERM", "SIGTERM ends the process with exit code 143. The process has no handler for it, and by default"),
        ("KILL", "SIGKILL ends the process with exit code 137. No program can catch, ignore or block it."),
        ("STOP", "SIGSTOP stops the process. "),
        ("WINCH", "SIGWINCH does nothing. "),
        (34, "SIGRTMIN ends the process with exit code 162. "),
    ],
)
def test_a_fate_is_a_sentence(signal: str | int, words: str) -> None:
    """Printed, a fate says what happens, and why."""
    assert str(foretell(NOTHING, signal, first=False)).startswith(words)


def test_kept_and_lost_signals_read_differently() -> None:
    """A signal that waits is not one that does nothing."""
    waits = foretell(Masks(blocked=frozenset({15})), "TERM", first=True)
    assert str(waits) == "SIGTERM waits. The process blocks it: the kernel keeps it until that changes."
    assert str(foretell(CATCHES, "TERM", first=True)) == (
        "SIGTERM reaches the program. The process has a handler for it."
    )
    assert str(foretell(NOTHING, "CONT", first=False, state="T")).startswith("SIGCONT continues the process.")


@pytest.mark.parametrize("number", range(1, 65))
def test_a_zombie_gets_nothing(number: int) -> None:
    """Who has ended cannot end again, whatever its masks still say."""
    fate = foretell(CATCHES, number, first=False, state="Z")
    assert (fate.outcome, fate.exit_code, fate.waits) == ("nothing", None, False)


def test_a_real_zombie_gets_nothing(tmp_path: Path) -> None:
    """A child that nobody has waited for is a zombie, and no signal does anything to it."""
    child = subprocess.Popen(["true"])
    sandbox.wait_until(lambda: read_process(HOST, child.pid).state == "Z", "it is a zombie")
    assert predict(HOST, child.pid, "KILL").outcome == "nothing"
    child.wait()
    with pytest.raises(errors.PathMissing):
        predict(HOST, child.pid, "KILL")


@linux
def test_a_program_outlives_its_first_thread() -> None:
    """Where the first of several threads has ended, the state says zombie, and signals end the process all the same."""
    script = f"""
import ctypes
threading.Thread(target=time.sleep, args=[60]).start()
signal.signal(15, signal.SIG_DFL)
{SAY}ctypes.CDLL(None).pthread_exit(None)
"""
    with python(script) as pid:
        assert read_process(HOST, pid).state == "Z"
        assert predict(HOST, pid, "TERM").exit_code == 143
        os.kill(pid, signal.SIGTERM)
        sandbox.wait_until(lambda: len(HOST.list(f"/proc/{pid}/task")) == 1, "all threads have ended")
        assert predict(HOST, pid, "TERM").outcome == "nothing"


@linux
def test_threads_of_the_kernel_ignore_everything() -> None:
    """Not even SIGKILL does anything to kthreadd."""
    if read_processes(HOST).get(2, read_process(HOST, os.getpid())).name != "kthreadd":
        pytest.skip("this /proc shows no threads of the kernel")
    assert {predict(HOST, 2, number).outcome for number in range(1, 65)} == {"nothing"}


@linux
def test_nobody_is_above_the_hosts_first_process() -> None:
    """To the first process of the namespace in which we look, every sender is inside: not even SIGKILL comes."""
    assert {predict(HOST, 1, name, sender="outside").outcome for name in ("KILL", "STOP")} == {"nothing"}


def test_a_wrong_place_is_refused() -> None:
    """Who sends is inside or outside; the error says so, and a wrong signal's error what signals are."""
    with pytest.raises(errors.LabError, match="no place to send from"):
        foretell(NOTHING, "TERM", first=True, sender="above")  # type: ignore[arg-type]
    with pytest.raises(errors.LabError, match="is no signal"):
        foretell(NOTHING, "TREM", first=True)


# --- docker stop ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("masks", "first", "name", "whole_grace", "code"),
    [
        (NOTHING, True, "TERM", True, 137),
        (NOTHING, False, "TERM", False, 143),
        (NOTHING, True, "KILL", False, 137),
        (CATCHES, True, "TERM", False, None),
        (CATCHES, True, "INT", True, 137),
        (Masks(ignored=frozenset({15})), False, "TERM", True, 137),
        (Masks(blocked=frozenset({15})), True, "TERM", True, 137),
        (Masks(awaited=frozenset({15})), True, "TERM", False, None),
    ],
)
def test_a_stop_asks_and_then_forces(masks: Masks, first: bool, name: str, whole_grace: bool, code: int | None) -> None:
    """The grace period passes unless the first signal ends the process, or reaches a program that may end itself."""
    stop = Stop(foretell(masks, name, first=first), foretell(masks, "KILL", first=first))
    assert (stop.whole_grace, stop.exit_code) == (whole_grace, code)
    assert ("whole grace period passes" in str(stop)) == whole_grace


# --- Containers -------------------------------------------------------------------------------------------

TRAPS = """
for n in $(seq 31); do trap "echo heard $n" $n 2>/dev/null; done
mkfifo /tmp/line
echo ready
while :; do read word && echo "$word"; done <>/tmp/line
"""
SLEEPS = {
    "catches": TRAPS,
    "ignores": "for n in $(seq 31); do trap '' $n 2>/dev/null; done; echo ready; exec sleep 1234",
    "nothing": "echo ready; exec sleep 1234",
}


@contextmanager
def first_process(daemon: Daemon, way: str) -> Iterator[Box]:
    """A container whose first process does something with every signal."""
    with sandbox.run(images.ensure(daemon), SLEEPS[way], daemon=daemon, what="test") as box:
        wait_until(lambda: "ready" in box.logs(), "it is ready")
        wait_until(lambda: way == "catches" or "sleep" in box.sh("cat /proc/1/comm"), "it sleeps")
        yield box


def heard(box: Box, way: str) -> list[int]:
    """The signals that have reached the first process; it answers, if it can, and so has got all before.

    SIGCHLD is left out: the shell gets it for its own children, too.
    """
    if way == "catches":
        mark = secrets.token_hex(4)
        box.sh(f"echo {mark} >/tmp/line")
        wait_until(lambda: mark in box.logs(), "it has answered")
    words = [line.split() for line in box.logs().splitlines() if line.startswith("heard")]
    return sorted(int(number) for _, number in words if int(number) != 17)


@pytest.mark.daemon
@pytest.mark.parametrize("way", SLEEPS)
def test_a_containers_first_process_gets_what_is_foretold(host: Host, daemon: Daemon, way: str) -> None:
    """All signals are sent from inside, then by docker kill, STOP, CONT and KILL at last: all is as foretold."""
    with first_process(daemon, way) as box:
        masks, api = read_masks(host, box.pid), daemon.client.api
        fates = {
            sender: {number: foretell(masks, number, first=True, sender=sender) for number in range(1, 32)}
            for sender in ("inside", "outside")
        }
        assert fates["inside"][15] == predict(host, box.pid, "TERM", sender="inside")
        reached = [[n for n, fate in sent.items() if fate.outcome == "handler" and n != 17] for sent in fates.values()]
        box.sh("for n in $(seq 31); do [ $n = 18 ] || kill -$n 1; done")
        heard(box, way)  # SIGCONT takes stop signals away that were sent and not yet delivered, and they take it away
        box.sh("kill -CONT 1")
        assert heard(box, way) == reached[0]
        for number in sorted(set(range(1, 32)) - {9, 18, 19}):
            api.kill(box.id, number)
        heard(box, way)
        api.kill(box.id, 18)
        assert heard(box, way) == sorted([*reached[0], *reached[1]])
        assert read_process(host, box.pid).state in "SR"
        assert (fates["outside"][19].outcome, fates["outside"][9].exit_code) == ("stops", 137)
        pid = box.pid
        api.kill(box.id, 19)
        wait_until(lambda: read_process(host, pid).state == "T", "it is stopped")
        assert predict(host, pid, "CONT").outcome == "continues"
        box.sh("kill -CONT 1")
        wait_until(lambda: read_process(host, pid).state in "SR", "it continues")
        api.kill(box.id, 9)
        assert box.wait() == 137


@pytest.mark.daemon
def test_docker_stop_ends_as_foretold(host: Host, daemon: Daemon) -> None:
    """Exit code and signals are those foretold: deaf as PID 1, ended with the host's numbers, and by a handler."""
    # SIGKILL is sent where the grace period has passed, and nowhere else; how long a stop took says less.
    image, api = images.ensure(daemon), daemon.client.api
    kinds: list[tuple[Any, str, dict[str, Any]]] = [
        (["sleep", "1234"], "TERM", {}),
        (["sleep", "1234"], "TERM", {"pid_mode": "host"}),
        (["sleep", "1234"], "KILL", {"stop_signal": "KILL"}),
        ("trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done", "TERM", {}),
    ]
    ends = []
    for command, name, options in kinds:
        with sandbox.run(image, command, daemon=daemon, what="test", **options) as box:
            wait_until(lambda: isinstance(command, list) or "ready" in box.logs(), "it is ready")  # noqa: B023 - now
            stop = predict_stop(host, box.pid, signal=name)
            api.stop(box.id, timeout=2 if stop.whole_grace else 60)
            ends.append((stop.whole_grace, stop.exit_code))
            sent = [event.signal for event in read_told(daemon, box.id) if event.action == "kill"]
            assert sent == [getattr(signal, f"SIG{name}"), *[signal.SIGKILL] * stop.whole_grace]
            assert box.wait() == (7 if stop.exit_code is None else stop.exit_code)
    assert ends == [(True, 137), (False, 143), (False, 137), (False, None)]
