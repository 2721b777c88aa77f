"""How the kernel runs the guest's processes: under a seccomp filter that sends it their system calls, or by ptrace.

The kernel chooses by itself: seccomp where it may, else ptrace, which is slower (``seccomp=auto``). Neither needs a
privilege, but what a process is in, a container with a strict profile for example, can forbid both.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from labkit import errors

SECCOMP, PTRACE = "seccomp", "ptrace"

REMEDY = (
    "A container or hub forbids them: give it Docker's default seccomp profile (in Kubernetes `RuntimeDefault`), "
    "or name another daemon in DOCKER_HOST."
)

_SYS_SECCOMP, _SET_MODE_FILTER = 317, 1
_NO_NEW_PRIVS, _TRACEME = 38, 0
_ALLOW = struct.pack("=HBBI", 6, 0, 0, 0x7FFF0000)
"""A filter of one instruction, which lets everything pass: ``linux/filter.h``, ``linux/seccomp.h``."""

_libc = ctypes.CDLL(None, use_errno=True)


def check() -> None:
    """Make sure that the kernel will have one of the two.

    Raises:
        MachineError: if both are forbidden to this process.
    """
    if not (_may(_filter_oneself) or _may(_be_traced)):
        problem = "The machine's kernel needs seccomp filters or ptrace, and this process may use neither."
        raise errors.MachineError(problem, REMEDY)


def seen(kernel: int) -> str:
    """Return how a running kernel runs the guest's processes, as the host sees it: traced or not."""
    for guest in _group(kernel):
        with contextlib.suppress(OSError):  # it ended meanwhile
            if "\nTracerPid:\t0\n" not in Path(f"/proc/{guest}/status").read_text():
                return PTRACE
    return SECCOMP


def _group(leader: int) -> Iterator[int]:
    for name in os.listdir("/proc"):
        with contextlib.suppress(ValueError, ProcessLookupError, PermissionError):
            if (found := int(name)) != leader and os.getpgid(found) == leader:
                yield found


def _may(attempt: Callable[[], int]) -> bool:
    """Tell whether a child that tries it succeeds: there is no way back from either."""
    if not (child := os.fork()):
        try:
            os._exit(1 if attempt() else 0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _filter_oneself() -> int:
    instructions = ctypes.create_string_buffer(_ALLOW, len(_ALLOW))
    program = struct.pack("@HP", 1, ctypes.addressof(instructions))
    _libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    return int(_libc.syscall(_SYS_SECCOMP, _SET_MODE_FILTER, 0, program))


def _be_traced() -> int:
    return int(_libc.ptrace(_TRACEME, 0, 0, 0))
