"""Which signals a program fetches by itself, without a handler, as ``docker-init`` does.

Two calls do that. ``sigwaitinfo(2)`` waits for a signal of a set: while a thread waits, the kernel shows these as not
blocked, and no other mask has them. ``signalfd(2)`` gives a file to read blocked signals from.

Sources: ``proc_pid_syscall(5)`` for the call that a thread waits in, ``proc_pid_fdinfo(5)`` for a signalfd's set, which
older systems have in ``proc(5)``; elf(5) for the processor, whose numbers of calls they are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from labkit import errors
from labkit.host import Host, decode
from labkit.inside.numbers import HIGHEST

_X86, _ARM = 62, 183
_SIGWAIT = {_X86: "128", _ARM: "137"}
"""The number of ``rt_sigtimedwait``, by the machine in a program's head, where it has 64 bits."""


def parse_mask(digits: str) -> frozenset[int]:
    """Return the signals of one mask: 1 and 15 of ``"0000000000004001"``.

    Raises:
        HostError: if it is not hexadecimal.
    """
    try:
        return _signals(int(digits, 16))
    except ValueError:
        raise errors.HostError(
            f"{digits!r} is not a mask of signals.", "It has 16 hexadecimal digits, such as 0000000000004001."
        ) from None


def _signals(bits: int) -> frozenset[int]:
    return frozenset(number for number in range(1, HIGHEST + 1) if bits >> (number - 1) & 1)


def read_waits(host: Host, pid: int, threads: Sequence[str]) -> list[frozenset[int]]:
    """Return for each thread the signals that it waits for in ``sigwaitinfo(2)``; none where the kernel refuses."""
    folder = f"/proc/{pid}/task"
    calls = [decode(data).split() for data in host.read_each([f"{folder}/{thread}/syscall" for thread in threads])]
    number = _number(host, pid) if any(call and call[0] in _SIGWAIT.values() for call in calls) else ""
    return [
        _set(host, pid, int(call[1], 16)) if number and call[:1] == [number] else frozenset[int]() for call in calls
    ]


def _number(host: Host, pid: int) -> str:
    """The number of the call on the processor of a program; empty where we do not know it."""
    with contextlib.suppress(errors.HostError):
        head = host.read(f"/proc/{pid}/exe", limit=20)
        return _SIGWAIT.get(int.from_bytes(head[18:20], "little"), "")
    return ""


def _set(host: Host, pid: int, address: int) -> frozenset[int]:
    """The set that a thread has given to the kernel: it stands in the memory of the process."""
    with contextlib.suppress(errors.HostError):
        bits = int.from_bytes(host.read(f"/proc/{pid}/mem", offset=address, limit=8), "little")
        return _signals(bits) - {9, 19}  # the kernel lets nobody wait for SIGKILL and SIGSTOP
    return frozenset()


def read_signalfds(host: Host, pid: int) -> frozenset[int]:
    """Return the signals that a process may read from its signalfds; none where the kernel refuses."""
    folder, found = f"/proc/{pid}/fdinfo", frozenset[int]()
    with contextlib.suppress(errors.HostError):
        for data in host.read_each([f"{folder}/{name}" for name in host.list(folder)]):
            lines = dict(line.split(":\t", 1) for line in decode(data).split("\n") if ":\t" in line)
            found |= parse_mask(lines.get("sigmask", "0"))
    return found
