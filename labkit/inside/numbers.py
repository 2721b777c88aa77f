"""Signals by name and number, as Linux has them on x86 and ARM: signal(7).

Python's own table is that of the notebook's computer, which may run another system than the daemon's.
"""

from __future__ import annotations

from labkit import errors

_STANDARD = """
    HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT
    CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS
"""
_FROM_BELOW = {34 + n: f"SIGRTMIN+{n}" for n in range(1, 16)}
_FROM_ABOVE = {64 - n: f"SIGRTMAX-{n}" for n in range(14, 0, -1)}

SIGNALS = {
    **{number: f"SIG{name}" for number, name in enumerate(_STANDARD.split(), 1)},
    **{34: "SIGRTMIN", **_FROM_BELOW, **_FROM_ABOVE, 64: "SIGRTMAX"},
}
"""All that have a name: 1 to 31, and the real-time signals as ``kill -l`` and Docker call them.

32 and 33 are kept by the C library for itself, and have no name; musl keeps 34, too: its programs count from 35.
"""

ALIASES = {"SIGIOT": "SIGABRT", "SIGCLD": "SIGCHLD", "SIGPOLL": "SIGIO"}
"""Second names of some."""

HIGHEST = 64
"""The highest number of a signal."""

_NUMBERS = {name: number for number, name in SIGNALS.items()}


def signal_name(number: int) -> str:
    """Return ``"SIGKILL"`` for 9; ``"signal 32"`` for one that has no name."""
    return SIGNALS.get(number, f"signal {number}")


def read_signal(text: str) -> str:
    """Return the name of a signal written in any way that Docker takes: ``"KILL"``, ``"sigkill"``, ``"9"``.

    A name that nobody knows is returned, too: whoever wrote it into an image did not ask Linux.
    """
    if text.isdecimal():
        return signal_name(int(text))
    name = f"SIG{text.upper().removeprefix('SIG')}"
    return ALIASES.get(name, name)


def signal_number(signal: str | int) -> int:
    """Return 15 for ``"TERM"``, ``"SIGTERM"``, ``"15"`` and 15.

    Raises:
        LabError: if Linux has no such signal.
    """
    text = str(signal).strip()
    number = int(text) if text.isdecimal() else _NUMBERS.get(read_signal(text), 0)
    if 1 <= number <= HIGHEST:
        return number
    raise errors.LabError(
        f"{signal!r} is no signal of Linux.",
        f"Write a name such as TERM or SIGTERM, or a number from 1 to {HIGHEST}: `kill -l` lists them.",
    )
