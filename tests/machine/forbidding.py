"""Forbid a program some system calls, as the seccomp profile of a strict container does: ``seccomp(2)``.

``python -m tests.machine.forbidding seccomp,ptrace EPERM PROGRAM …``
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

NUMBERS = {"ptrace": [101], "seccomp": [317]}
"""On x86-64."""

PRCTL, SET_SECCOMP, NO_NEW_PRIVS, FILTER = 157, 22, 38, 2
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06
"""Of the classic BPF: load a word, jump if it is equal, return: ``linux/filter.h``."""
PASS, FAIL = 0x7FFF0000, 0x00050000
NUMBER, FIRST_ARGUMENT = 0, 16
"""Where ``struct seccomp_data`` has them."""


def instructions(names: list[str], code: int) -> bytes:
    """Return a filter that makes these calls fail with an error number; prctl's way to seccomp, too."""
    rows = [(LOAD, 0, 0, NUMBER)]
    for name in names:
        for number in NUMBERS[name]:
            rows += [(EQUAL, 0, 1, number), (RETURN, 0, 0, FAIL | code)]
    if "seccomp" in names:
        rows += [(EQUAL, 0, 3, PRCTL), (LOAD, 0, 0, FIRST_ARGUMENT)]
        rows += [(EQUAL, 0, 1, SET_SECCOMP), (RETURN, 0, 0, FAIL | code)]
    return b"".join(struct.pack("=HBBI", *row) for row in [*rows, (RETURN, 0, 0, PASS)])


def forbid(names: list[str], code: int) -> None:
    """Forbid them to this process and to all that it starts."""
    libc = ctypes.CDLL(None, use_errno=True)
    whole = instructions(names, code)
    held = ctypes.create_string_buffer(whole, len(whole))
    program = struct.pack("@HP", len(whole) // 8, ctypes.addressof(held))
    if libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(SET_SECCOMP, FILTER, program, 0, 0):
        raise OSError(ctypes.get_errno(), "the filter is not accepted")


if __name__ == "__main__":
    forbid(sys.argv[1].split(","), getattr(errno, sys.argv[2]))
    os.execvp(sys.argv[3], sys.argv[3:])
