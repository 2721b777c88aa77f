"""Look at the daemon's own host: read, list, stat, walk, follow links, run a command.

``/var/lib/docker`` and ``/proc`` belong to the computer where the *daemon* runs, which is often not the one
where the notebook runs. ``LocalHost`` (``local.py``) reads them directly; ``HelperHost`` (``helper.py``) asks
a container.
"""

from __future__ import annotations

import errno
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from labkit import errors

WHOLE = 16 * 1024 * 1024
"""Bytes that ``read()`` returns at most when no limit is given."""


class Entry(NamedTuple):  # not a dataclass: a walk makes thousands, and a tuple is made in a quarter of the time
    """One file as ``lstat(2)`` describes it.

    Attributes:
        path: where it is on the daemon's host; bytes that are not UTF-8 as surrogates (PEP 383).
        mode: type and permission bits together (``inode(7)``).
        links: number of names that the inode has.
        uid, gid: owner and group, as numbers.
        size: bytes.
        inode, device: the two numbers that together are the file's identity.
        major, minor: what a character or block device stands for; 0 otherwise.
        mtime: last change of the contents, seconds since 1970.
    """

    path: str
    mode: int
    links: int
    uid: int
    gid: int
    size: int
    inode: int
    device: int
    major: int
    minor: int
    mtime: int

    def __repr__(self) -> str:
        return f"<{self.permissions} {self.uid}:{self.gid} {self.size} {self.path!r}>"

    @property
    def permissions(self) -> str:
        """Type and rights in the ten letters of ``ls -l``, such as ``srw-rw----``."""
        return stat.filemode(self.mode)

    @property
    def kind(self) -> str:
        """The first of those letters: ``-`` file, ``d`` directory, ``l`` link, ``s`` socket, ``p``, ``c``, ``b``."""
        return self.permissions[0]

    @property
    def whiteout(self) -> bool:
        """Whether overlayfs left it where something of a lower layer is removed: a character device 0,0."""
        return stat.S_ISCHR(self.mode) and self.major == self.minor == 0


class Names(NamedTuple):
    """The directories in one folder, its whiteouts (``Entry.whiteout``), and everything else, by name only.

    Names and types stand in the folder itself, and cost no look at each file.
    """

    folders: list[str]
    whiteouts: list[str]
    others: list[str]


@dataclass(frozen=True)
class Ran:
    """What a command on the host left behind: its exit status and what it printed."""

    status: int
    out: str
    err: str


class Host(ABC):
    """The computer that the daemon runs on. Paths are absolute there, and links are followed as there."""

    together: ClassVar[int] = 1
    """How many folders are best asked for in one question: more than one where a question has its price."""

    @abstractmethod
    def read(self, path: str, *, offset: int = 0, limit: int | None = None) -> bytes:
        """Return the contents of a file.

        Args:
            path: a regular file, a device, or a file below ``/proc``.
            offset: bytes to leave out at the start.
            limit: at most so many bytes; None for the whole file, up to 16 MiB.

        Raises:
            PathMissing: if there is no such file, or the process behind it has ended.
            PathForbidden: if the kernel refuses.
            HostError: if it is a directory, a pipe or a socket, or holds more than 16 MiB and no limit was given.
        """

    def read_each(self, paths: Sequence[str]) -> Sequence[bytes]:
        """Return the contents of many small files, in the same order; nothing, ``b""``, of one that cannot be read.

        However many they are, it is one question where a question has its price.

        Args:
            paths: regular files, or files below ``/proc``.
        """
        found = []
        for path in paths:
            try:
                found.append(self.read(path))
            except errors.HostError:
                found.append(b"")
        return found

    @abstractmethod
    def list(self, path: str) -> list[str]:
        """Return the names in a directory, sorted, without ``.`` and ``..``."""

    @abstractmethod
    def stat(self, path: str, *, follow: bool = False) -> Entry:
        """Describe one file; a link itself, unless ``follow``."""

    @abstractmethod
    def walk(self, path: str) -> Iterator[Entry]:
        """Yield ``path`` and everything below it, without following links; what vanishes meanwhile is left out."""

    @abstractmethod
    def names(self, base: str, paths: Sequence[str]) -> Iterator[Names]:
        """Yield what is in each of many folders below ``base``, in order; nothing of one that cannot be listed."""

    @abstractmethod
    def entries(self, base: str, paths: Sequence[str]) -> Iterator[Sequence[Entry]]:
        """Yield what is in each of many folders like ``names()``, each file described as ``stat()`` does."""

    @abstractmethod
    def opaque(self, base: str, paths: Sequence[str]) -> set[str]:
        """Return those of many folders that are opaque to overlayfs: nothing of the layers below shows through them.

        They have an extended attribute, ``trusted.overlay.opaque``, or ``user.overlay.opaque`` where the daemon runs
        without root. What is said of a folder in an opaque one means nothing.

        Args:
            base: a folder above them all, on the same file system.
            paths: where they are, as seen from there.
        """

    @abstractmethod
    def readlink(self, path: str) -> str:
        """Return the target that is written in a symbolic link."""

    @abstractmethod
    def run(self, *argv: str, timeout: float = 30) -> Ran:
        """Run a program of the host, with no input; a program that is missing ends with status 127."""

    def close(self) -> None:  # noqa: B027 - a host without a connection has nothing to close
        """Hang up; the next question connects again."""

    def text(self, path: str) -> str:
        """Return the contents of a text file; what is not UTF-8 becomes surrogates."""
        return self.read(path).decode(errors="surrogateescape")


PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Where ``run()`` looks for programs on the host."""

CLEAN = ("/usr/bin/env", "-i", f"PATH={PATH}", "HOME=/root", "LC_ALL=C")
"""What stands before a command: the same environment on every host, and English messages."""


# --- what both hosts say ----------------------------------------------------------------------


def check_path(path: str) -> None:
    """Refuse a path that means something else here than on the host."""
    if not path.startswith("/") or "\0" in path:
        raise errors.HostError(f"{path!r} is not an absolute path.", "Write it from the root: /proc/self/status.")


def check_part(offset: int, limit: int | None) -> None:
    """Refuse to count bytes backwards."""
    if offset < 0 or (limit is not None and limit < 0):
        raise errors.HostError(
            f"offset={offset}, limit={limit}: neither can be negative.", "Both count bytes from the start of the file."
        )


def check_words(argv: tuple[str, ...]) -> None:
    """Refuse what ``execve(2)`` cannot take, or ``env`` would take for a variable."""
    if not argv or "=" in argv[0] or "\0" in "".join(argv):
        raise errors.HostError(f"{argv!r} is not a command.", "Give the program and its words: run('uname', '-r').")


def bounded(path: str, data: bytes, limit: int | None) -> bytes:
    """Return ``data``, or refuse when it is more than ``read()`` returns unasked."""
    if limit is None and len(data) > WHOLE:
        raise errors.HostError(
            f"{path} holds more than {WHOLE} bytes.", "Read a part of it: read(path, offset=…, limit=…)."
        )
    return data


def not_a_file(entry: Entry) -> errors.HostError:
    """The error for what has no contents to read, or would make ``read()`` wait for ever."""
    what, instead = {
        "d": ("a directory", "list() shows what is in it."),
        "p": ("a pipe", "Reading would wait until somebody writes."),
        "s": ("a socket", "It is connected to, not read: chapter 01."),
    }[entry.kind]
    return errors.HostError(f"{entry.path} is {what}, not a file that can be read.", instead)


def too_slow(argv: tuple[str, ...], timeout: float) -> errors.QuestionTimeout:
    """The error for a command that was still running at its deadline."""
    return errors.QuestionTimeout(f"{' '.join(argv)} still ran after {timeout:g} s.", "It was killed; give it more.")


def explain(path: str, number: int | None, text: str) -> errors.HostError:
    """Turn an error of the kernel on the host into the one to raise."""
    if number == errno.ESRCH or (number == errno.ENOENT and path.startswith("/proc/")):
        return errors.PathMissing(f"{path} does not exist: the process may have ended.", "List /proc to see who runs.")
    if number == errno.ENOTDIR:
        return errors.PathMissing(f"{path}: a part of this path is not a directory.", "stat() each part of it.")
    if number == errno.ENOENT:
        return errors.PathMissing(f"{path} does not exist on the daemon's host.", "list() its folder.")
    if number in (errno.EACCES, errno.EPERM):
        return errors.PathForbidden(
            f"cannot read {path}: {text}. It belongs to root, or the kernel guards it.",
            "Start the notebook as root, or set LABKIT_HOST=helper to ask the helper container.",
        )
    return errors.HostError(f"cannot read {path}: {text}.", "stat(path) says what it is.")


def decode(data: bytes) -> str:
    """Bytes of the host as text, losslessly, whatever the notebook's own system thinks of file names."""
    return data.decode(errors="surrogateescape")


def encode(text: str) -> bytes:
    """The bytes that ``decode()`` made the text from."""
    return text.encode(errors="surrogateescape")
