"""Confine the process that calls it to a few folders, with the kernel's Landlock: no root, no way back.

A user-mode kernel can mount its host's files from inside (hostfs). What its process cannot open, nobody in it can.

Source: ``landlock(7)``, ``linux/landlock.h``.
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same numbers on every processor
_VERSION = 1
_PATH_BENEATH = 1
_NO_NEW_PRIVS = 38

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = (1 << bit for bit in range(4))
READ = EXECUTE | READ_FILE | READ_DIR
_OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | 1 << 14 | 1 << 15  # a rule for a file may hold no other right

_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
"""First version of the interface → every right on files that it knows."""

_STRANGE = 1 << 6 | 1 << 10 | 1 << 11 | 1 << 12
"""To make devices, pipes and links: what would lead others astray who trust the folder."""

_NO_TCP = 3
"""bind(2) and connect(2) of TCP, since version 4."""

_SCOPES = 3
"""Abstract unix sockets and signals stay among the confined, since version 6."""

_libc = ctypes.CDLL(None, use_errno=True)


def version() -> int:
    """Return the version of Landlock that the running kernel has; 0 if it has none or forbids it."""
    return max(0, int(_libc.syscall(_CREATE, None, ctypes.c_size_t(0), _VERSION)))


def confine(readable: Iterable[Path], writable: Iterable[Path], *, network: bool = False) -> None:
    """Let this process, and all that it starts from now on, open only what is named here.

    Args:
        readable: files and folders to read and execute.
        writable: files and folders to do anything with, except make links and devices.
        network: may it use TCP? Kernels older than 6.7 cannot forbid it.

    Raises:
        OSError: if the kernel has no Landlock, or one of the files is not there.
    """
    has = version()
    every = max((rights for since, rights in _FILE_RIGHTS.items() if since <= has), default=0)
    fields = [every, _NO_TCP * (has >= 4 and not network), _SCOPES * (has >= 6)]
    known = fields[: 1 + (has >= 4) + (has >= 6)]
    rules = _call(_CREATE, struct.pack(f"={len(known)}Q", *known), ctypes.c_size_t(8 * len(known)), 0)
    try:
        for rights, paths in ((READ, readable), (every & ~_STRANGE, writable)):
            for path in paths:
                _allow(rules, path, rights & every)
        if _libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_NO_NEW_PRIVS)")
        _call(_RESTRICT, rules, 0)
    finally:
        os.close(rules)


def _allow(rules: int, path: Path, rights: int) -> None:
    found = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        held = rights if path.is_dir() else rights & _OF_A_FILE
        _call(_ADD, rules, _PATH_BENEATH, struct.pack("=Qi", held, found), 0)
    finally:
        os.close(found)


def _call(number: int, *args: object) -> int:
    result = int(_libc.syscall(number, *args))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"Landlock: {os.strerror(code)}")
    return result
