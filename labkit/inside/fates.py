"""What will become of a signal, and of the process that it is sent to.

Sources: signal(7) for the default actions, ``pid_namespaces(7)`` for the first process of a namespace, kill(2),
``credentials(7)`` for orphaned process groups. All of it is about signals that somebody sends; one that the processor
causes, such as SIGSEGV for a wrong address, ends every process that does not catch it. A process that ``docker pause``
has frozen meets its signals when it thaws.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from labkit import errors
from labkit.host import Host
from labkit.inside.groups import read_orphaned
from labkit.inside.masks import Masks, read_masks
from labkit.inside.numbers import signal_name, signal_number
from labkit.inside.processes import Process, read_process

Outcome = Literal["handler", "ends", "stops", "continues", "nothing"]
Sender = Literal["outside", "inside"]

KILL, CONT, STOP = 9, 18, 19
JOB_CONTROL = frozenset({20, 21, 22})
"""SIGTSTP, SIGTTIN and SIGTTOU: what a terminal stops a job with."""

HARMLESS = frozenset({17, CONT, 23, 28})
"""SIGCHLD, SIGCONT, SIGURG and SIGWINCH: without a handler they do nothing to a process that runs."""

_STOPPED = "The process is stopped already: the kernel keeps it, and throws it away when SIGCONT comes."
_LATER = "The process is stopped: the kernel keeps it until SIGCONT comes."


@dataclass(frozen=True)
class Fate:
    """What a signal does.

    Attributes:
        signal: its number.
        outcome: ``"handler"`` if it reaches the program, whose handler runs, or who fetches it by itself; or the
            process ends, stops, continues, or nothing happens to it.
        reason: why, in one sentence.
        exit_code: what a shell, and ``docker inspect``, show of a process that it ends; None otherwise, also where
            a handler may decide to end it.
        waits: whether the kernel keeps the signal for the time when the process wants it, or continues. Meanwhile
            SIGCONT takes away stop signals that are kept, and each of these SIGCONT.
    """

    signal: int
    outcome: Outcome
    reason: str
    exit_code: int | None = None
    waits: bool = False

    def __str__(self) -> str:
        words = {
            "handler": "reaches the program",
            "ends": f"ends the process with exit code {self.exit_code}",
            "stops": "stops the process",
            "continues": "continues the process",
            "nothing": "waits" if self.waits else "does nothing",
        }
        return f"{signal_name(self.signal)} {words[self.outcome]}. {self.reason}"


def foretell(
    masks: Masks,
    signal: str | int,
    *,
    first: bool,
    sender: Sender = "outside",
    state: str = "S",
    orphaned: bool = False,
) -> Fate:
    """Tell what a signal does to a process, by its masks.

    Args:
        masks: what it does with signals.
        signal: a name or number.
        first: whether it is the first process of its PID namespace, number 1 there.
        sender: ``"inside"`` if who sends is in the same PID namespace, ``"outside"`` if in one above.
        state: a letter of ``labkit.inside.processes.STATES``; only T, stopped, and Z, zombie, make a difference.
        orphaned: whether its process group has no shell left that could continue it (``read_orphaned``).

    Raises:
        LabError: if there is no such signal, or the sender is neither inside nor outside.
    """
    if sender not in ("inside", "outside"):
        raise errors.LabError(f"{sender!r} is no place to send from.", "Write sender='inside' or sender='outside'.")
    number = signal_number(signal)
    if state in ("Z", "X"):
        return Fate(number, "nothing", "The process has ended already, and only waits until its parent asks how.")
    if number in (KILL, STOP):
        return _sovereign(number, masks, first and sender == "inside", state == "T")
    return _usual(number, masks, first, state == "T", orphaned)


def _sovereign(number: int, masks: Masks, immune: bool, stopped: bool) -> Fate:
    """SIGKILL and SIGSTOP, which no program can catch, ignore or block."""
    if number in masks.ignored:
        return Fate(number, "nothing", "Only threads of the kernel can ignore it, and this is one.")
    if immune:
        return Fate(number, "nothing", "Nobody in its PID namespace can kill or stop PID 1.")
    if number == KILL:
        return Fate(number, "ends", "No program can catch, ignore or block it.", 128 + KILL)
    if stopped:
        return Fate(number, "nothing", _STOPPED, waits=True)
    return Fate(number, "stops", "No program can catch, ignore or block it.")


def _usual(number: int, masks: Masks, first: bool, stopped: bool, orphaned: bool) -> Fate:
    """All others; the order is the kernel's (``sig_ignored()`` comes after ``prepare_signal()``)."""
    if number == CONT and stopped:
        waits = number in masks.blocked - masks.awaited
        return Fate(number, "continues", "Stopped, it continues whatever its masks say.", waits=waits)
    if number in masks.awaited:
        fate = Fate(number, "handler", "The process fetches it by itself, without a handler.")
    elif number in masks.blocked:
        return Fate(number, "nothing", "The process blocks it: the kernel keeps it until that changes.", waits=True)
    elif number in masks.ignored:
        return Fate(number, "nothing", "The process ignores it: the kernel throws it away.")
    elif number in masks.caught:
        fate = Fate(number, "handler", "The process has a handler for it.")
    elif first:
        return Fate(number, "nothing", "PID 1 gets only what it has a handler for.")
    else:
        fate = _default(number, orphaned)
    if stopped and number not in HARMLESS - masks.caught - masks.awaited:
        return Fate(number, "nothing", _STOPPED if number in JOB_CONTROL else _LATER, waits=True)
    return fate


def _default(number: int, orphaned: bool) -> Fate:
    if number in HARMLESS:
        return Fate(number, "nothing", "The process has no handler for it, and by default it does nothing.")
    if number not in JOB_CONTROL:
        return Fate(number, "ends", "The process has no handler for it, and by default it ends one.", 128 + number)
    if orphaned:
        return Fate(number, "nothing", "It stops no process whose group has no shell left to continue it.")
    return Fate(number, "stops", "The process has no handler for it, and by default it stops one.")


# --- Of a real process -----------------------------------------------------------------------------------------


def predict(host: Host, pid: int, signal: str | int, *, sender: Sender = "outside") -> Fate:
    """Tell what a signal would do to a process, and send none.

    Args:
        host: the daemon's host.
        pid: the process's number there, ``Box.pid`` for the first of a container.
        signal: ``"TERM"``, ``"SIGTERM"`` or 15.
        sender: ``"outside"`` for ``docker stop`` and ``docker kill``, ``"inside"`` for ``kill`` in the container.

    Raises:
        PathMissing: if there is no such process.
        LabError: if there is no such signal.
    """
    number = signal_number(signal)
    process = read_process(host, pid)
    return foretell(
        read_masks(host, pid),
        number,
        first=process.inside == 1,
        sender=sender if process.depth else "inside",  # above the host's own namespace is nobody
        state=_state(host, process),
        orphaned=number in JOB_CONTROL and read_orphaned(host, pid),
    )


def _state(host: Host, process: Process) -> str:
    """Its letter; where only the first of several threads has ended, it says zombie, and the process lives."""
    threads = len(host.list(f"/proc/{process.pid}/task")) if process.state == "Z" else 1
    return process.state if threads == 1 else "S"


# --- docker stop -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stop:
    """What ``docker stop`` does: it asks with one signal, and after the grace period it forces with SIGKILL.

    Attributes:
        asked: the fate of the first signal.
        forced: that of SIGKILL, if the process still runs when the grace period is over.
    """

    asked: Fate
    forced: Fate

    @property
    def whole_grace(self) -> bool:
        """Whether the whole grace period passes: the first signal neither ends the process nor reaches its program."""
        return self.asked.outcome not in ("ends", "handler")

    @property
    def exit_code(self) -> int | None:
        """What is left at the end; None if the program's handler decides it."""
        return self.forced.exit_code if self.whole_grace else self.asked.exit_code

    def __str__(self) -> str:
        forced = str(self.forced).removesuffix(f" {self.forced.reason}")
        if self.whole_grace:
            return f"{self.asked}\n    The whole grace period passes; then {forced}"
        if self.asked.outcome == "handler":
            return f"{self.asked}\n    If that does not end it within the grace period, {forced}"
        return str(self.asked)


def predict_stop(host: Host, pid: int, *, signal: str | int = "TERM") -> Stop:
    """Tell what ``docker stop`` would do to a container's first process, and send nothing.

    Args:
        host: the daemon's host.
        pid: the process, ``Box.pid``.
        signal: the container's stop signal: ``STOPSIGNAL`` of its image, or ``--stop-signal``.

    Raises:
        PathMissing: if there is no such process.
        LabError: if there is no such signal.
    """
    return Stop(predict(host, pid, signal), predict(host, pid, KILL))
