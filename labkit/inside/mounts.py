"""What is mounted where, for one process: the lines of ``/proc/<pid>/mountinfo``.

Source: ``proc_pid_mountinfo(5)``, which older systems have in ``proc(5)``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from labkit.host import Host, decode


@dataclass(frozen=True)
class Mount:
    """One mount, with every field of its line; the names are those of ``findmnt(8)`` where it has one.

    Attributes:
        id: its number; a number may be used again when the mount is gone.
        parent: the number of the mount that it lies on.
        major, minor: the device, as ``stat`` shows it for the files on it.
        root: which folder or file of the file system is mounted; for a namespace, its name, ``"net:[4026532248]"``.
            If it has been removed meanwhile, ``"//deleted"`` stands at the end.
        target: where, as the process sees it: below its own root.
        options: those of this mount, such as ``"ro"`` and ``"noexec"``: ``mount(8)``.
        fields: how it passes mounts on, such as ``"shared:7"`` and ``"master:7"``: ``mount_namespaces(7)``.
        fstype: the file system, such as ``"overlay"``, with a subtype: ``"fuse.sshfs"``.
        source: what it was made from: a device, or any word; may be empty.
        super_options: those of the file system, the same for every mount of it, such as ``"lowerdir=/a:/b"``.
    """

    id: int = field(repr=False)
    parent: int = field(repr=False)
    major: int = field(repr=False)
    minor: int = field(repr=False)
    root: str
    target: str
    options: tuple[str, ...] = field(repr=False)
    fields: tuple[str, ...] = field(repr=False)
    fstype: str
    source: str
    super_options: tuple[str, ...] = field(repr=False)


def read_mounts(host: Host, pid: int) -> list[Mount]:
    """Read what is mounted in the mount namespace of a process, as far as it lies below the process's root.

    A later mount may hide an earlier one, also at the same place.

    Raises:
        PathMissing: if there is no such process, or it has ended.
        PathForbidden: if the kernel refuses, as it does for processes that a user may not trace (``ptrace(2)``).
        HostError: if it is a zombie: that has left its mount namespace.
    """
    return parse_mounts(host.read(f"/proc/{pid}/mountinfo"))


def parse_mounts(data: bytes) -> list[Mount]:
    """Read the lines of a ``mountinfo``, in its order.

    Raises:
        ValueError: if a line lacks a field.
    """
    return [_mount(line) for line in data.split(b"\n") if line]


def _mount(line: bytes) -> Mount:
    # Blanks in names are escaped, so that each blank divides; of two, an empty source is between them.
    number, parent, device, root, target, options, *rest = line.split(b" ")
    dash = rest.index(b"-")
    fstype, source, *more = rest[dash + 1 :]
    major, minor = device.split(b":")
    return Mount(
        id=int(number),
        parent=int(parent),
        major=int(major),
        minor=int(minor),
        root=_unescaped(root),
        target=_unescaped(target),
        options=_options(options),
        fields=tuple(map(_unescaped, rest[:dash])),
        fstype=_unescaped(fstype),
        source=_unescaped(source),
        super_options=_options(b" ".join(more)),
    )


def _options(words: bytes) -> tuple[str, ...]:
    """The options between the commas; a comma in a value is escaped."""
    return tuple(map(_unescaped, words.split(b",")))


def _unescaped(word: bytes) -> str:
    r"""Undo the kernel's escapes: a blank is written ``\040``, a tab ``\011``, a newline ``\012``, and so on."""
    return decode(re.sub(rb"\\([0-3][0-7]{2})", lambda found: bytes([int(found[1], 8)]), word))
