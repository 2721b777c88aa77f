"""The daemon's host, seen directly: the notebook runs as root on the same computer as the daemon."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import stat
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from labkit import errors
from labkit.host import (
    CLEAN,
    WHOLE,
    Entry,
    Host,
    Names,
    Ran,
    bounded,
    check_part,
    check_path,
    check_words,
    decode,
    explain,
    not_a_file,
    too_slow,
)


class LocalHost(Host):
    """The notebook runs as root on the daemon's own host, or looks at a folder as if it were one.

    Args:
        root: the folder that plays ``/``; anything but ``/`` is for tests and offline copies.
    """

    def __init__(self, root: str | Path = "/") -> None:
        self.root = str(root).rstrip("/")

    def __repr__(self) -> str:
        return f"LocalHost({self.root or '/'})"

    def _real(self, path: str, *, follow: bool = True) -> str:
        check_path(path)
        return _below(self.root, path, follow) if self.root else path

    def read(self, path: str, *, offset: int = 0, limit: int | None = None) -> bytes:
        check_part(offset, limit)
        with _explained(path):
            if (found := self.stat(path, follow=True)).kind in "dps":
                raise not_a_file(found)
            handle = os.open(self._real(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(handle, "rb", buffering=0) as file:
                if offset:
                    file.seek(offset)
                return bounded(path, _read_all(file.fileno(), WHOLE + 1 if limit is None else limit), limit)

    def list(self, path: str) -> list[str]:
        with _explained(path):
            return sorted(os.listdir(self._real(path)))

    def stat(self, path: str, *, follow: bool = False) -> Entry:
        with _explained(path):
            return _entry(path, os.stat(self._real(path, follow=follow), follow_symlinks=follow))

    def walk(self, path: str) -> Iterator[Entry]:
        top = self.stat(path)
        yield top
        waiting = [path] if top.kind == "d" else []
        while waiting:
            folder = waiting.pop()
            with contextlib.suppress(OSError), os.scandir(self._real(folder)) as found:
                for item in found:
                    with contextlib.suppress(OSError):
                        entry = _entry(f"{folder.rstrip('/')}/{item.name}", item.stat(follow_symlinks=False))
                        if stat.S_ISDIR(entry.mode):
                            waiting.append(entry.path)
                        yield entry

    def names(self, base: str, paths: Sequence[str]) -> Iterator[Names]:
        real = self._real(base)
        for path in paths:
            yield _names(f"{real}/{path}")

    def entries(self, base: str, paths: Sequence[str]) -> Iterator[Sequence[Entry]]:
        real = self._real(base)
        for path in paths:
            here = []
            with contextlib.suppress(OSError), os.scandir(f"{real}/{path}") as found:
                for item in found:
                    with contextlib.suppress(OSError):
                        here.append(_entry(f"{base}/{path}/{item.name}", item.stat(follow_symlinks=False)))
            yield here

    def opaque(self, base: str, paths: Sequence[str]) -> set[str]:
        with _explained(base):
            real = self._real(base)
            marks = ["trusted.overlay.opaque"] + ["user.overlay.opaque"] * bool(os.stat(real).st_uid or _is_mapped())
        return {path for path in paths if any(_is_marked(f"{real}/{path}", mark) for mark in marks)}

    def readlink(self, path: str) -> str:
        with _explained(path):
            return os.readlink(self._real(path, follow=False))

    def run(self, *argv: str, timeout: float = 30) -> Ran:
        check_words(argv)
        if self.root:
            raise errors.HostError(f"{self!r} is a copy: nothing runs there.", "Ask the host of a daemon: open_host().")
        try:
            process = subprocess.Popen(
                (*CLEAN, *argv),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd="/",
                env={"LC_ALL": "C"},  # env itself speaks English, too
                start_new_session=True,
            )
        except OSError as error:  # too many words: what a shell says then
            return Ran(126, "", f"{argv[0]}: {error.strerror}\n")
        with process:
            try:
                out, err = process.communicate(timeout=timeout)
            except BaseException as error:  # it, and all that it started
                with contextlib.suppress(OSError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                if isinstance(error, subprocess.TimeoutExpired):
                    raise too_slow(argv, timeout) from None
                raise
        status = process.returncode
        return Ran(status if status >= 0 else 128 - status, decode(out), decode(err))


@contextlib.contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if isinstance(error, errors.LabError):
            raise
        raise explain(path, error.errno, error.strerror or str(error)) from None


def _below(root: str, path: str, follow: bool) -> str:
    """Where ``path`` lies when ``root`` plays ``/``: links lead from there, too (``path_resolution(7)``)."""
    found, ahead, links = "", path.split("/")[::-1], 0
    while ahead:
        part = ahead.pop()
        if part == "..":
            found = found.rpartition("/")[0]
        elif part not in ("", "."):
            here = f"{found}/{part}"
            if (ahead or follow) and os.path.islink(root + here):
                links += 1
                if links > 40:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                target = os.readlink(root + here)
                found = "" if target.startswith("/") else found
                ahead += target.split("/")[::-1]
            else:
                found = here
    return f"{root}{found or '/'}"


def _names(folder: str) -> Names:
    """What is in a folder, as far as the folder itself tells (``readdir(3)``); only devices are looked at."""
    rest: list[os.DirEntry[str]] = []
    found = Names([], [], [])
    with contextlib.suppress(OSError), os.scandir(folder) as items:
        others = [item.name for item in items if item.is_file(follow_symlinks=False) or rest.append(item)]  # type: ignore[func-returns-value]
        found = Names([], [], others)
    for item in rest:
        found[_kind(item)].append(item.name)
    return found


def _kind(item: os.DirEntry[str]) -> int:
    """Which of the three lists of ``Names`` it belongs to."""
    if item.is_dir(follow_symlinks=False):
        return 0
    return 2 if item.is_symlink() or not _is_whiteout(item) else 1


def _is_whiteout(item: os.DirEntry[str]) -> bool:
    try:
        info = item.stat(follow_symlinks=False)
    except OSError:  # it vanished meanwhile
        return False
    return stat.S_ISCHR(info.st_mode) and info.st_rdev == 0


def _is_marked(folder: str, mark: str) -> bool:
    """Whether a directory has an extended attribute whose value is ``y``."""
    try:
        return os.getxattr(folder, mark, follow_symlinks=False) == b"y"
    except OSError:
        return False


def _is_mapped() -> bool:
    """Whether our root is somebody else outside (``user_namespaces(7)``)."""
    return Path("/proc/self/uid_map").read_text().split() != ["0", "0", "4294967295"]


def _read_all(handle: int, limit: int) -> bytes:
    parts = []
    while limit > 0 and (data := os.read(handle, min(limit, 1 << 20))):
        parts.append(data)
        limit -= len(data)
    return b"".join(parts)


def _entry(path: str, info: os.stat_result) -> Entry:
    return Entry(
        path,
        info.st_mode,
        info.st_nlink,
        info.st_uid,
        info.st_gid,
        info.st_size,
        info.st_ino,
        info.st_dev,
        os.major(info.st_rdev),
        os.minor(info.st_rdev),
        info.st_mtime_ns // 1_000_000_000,
    )
