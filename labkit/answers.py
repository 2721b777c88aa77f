"""How a question to the helper's shell is quoted, and how its answer is taken apart again.

A question is one line of shell. Its answer is whatever the line prints, then on both streams a mark of
sixteen random hexadecimal digits that did not exist when the line began, on stdout with the exit status.
"""

from __future__ import annotations

import errno
import re
import secrets
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import IO

from labkit import errors
from labkit.host import CLEAN, Entry, check_path, check_words, decode, encode, explain
from labkit.stream import STDOUT, Stream

STAT = "stat -c '//%f,%h,%u,%g,%d,%t,%T %Y %s %i %n'"
"""Everything ``lstat(2)`` says, each record led by ``//``: no name holds a slash, so find prints no two of them."""

_ERRNO = {  # what the helper's busybox says, whatever language or C library the notebook has
    "Operation not permitted": errno.EPERM,
    "No such file or directory": errno.ENOENT,
    "No such process": errno.ESRCH,
    "Permission denied": errno.EACCES,
    "Not a directory": errno.ENOTDIR,
}


def new_mark() -> str:
    """Sixteen random hexadecimal digits."""
    return secrets.token_hex(8)


def receive(stream: Stream, mark: bytes, into: IO[bytes] | None, end: float, most: int) -> tuple[int, bytes, bytes]:
    """Collect frames until both streams have shown the mark; the last line of stdout carries the status.

    Args:
        stream: where the answer comes from.
        mark: what ends it.
        into: a file that takes the output, however long it is; None to return it.
        end: the deadline, on ``time.monotonic()``'s clock.
        most: bytes that are held in memory at most.
    """
    tail, complaints = bytearray(), bytearray()
    finished = re.compile(rb"\n" + mark + rb" (\d+)\n\Z")
    while True:
        channel, data = stream.receive(end)
        (tail if channel == STDOUT else complaints).extend(data)
        if channel == STDOUT and into and len(tail) > 4096:  # keep only what may hold the mark
            into.write(tail[:-64])
            del tail[:-64]
        if len(tail) + len(complaints) > most:
            raise errors.HostError(f"an answer grew beyond {most} bytes and was given up.", "Ask for less.")
        done = finished.search(tail, max(len(tail) - 64, 0)) if tail.endswith(b"\n") else None
        if done and complaints.endswith(mark + b"\n"):
            break
    status = int(done.group(1))
    del tail[done.start() :], complaints[-len(mark) - 1 :]
    if into:
        into.write(tail)
        tail.clear()
    return status, bytes(tail), bytes(complaints)


def quote(path: str) -> str:
    """One path as one word of shell, whatever bytes it holds."""
    check_path(path)
    return quote_word(encode(path))


def quote_word(word: bytes) -> str:
    """One word of shell in single quotes: no byte but the quote itself means anything there."""
    return "'" + decode(word).replace("'", "'\\''") + "'"


def quote_words(argv: tuple[str, ...]) -> str:
    """A command as words of shell, in the environment that ``run()`` promises."""
    check_words(argv)
    return " ".join(quote_word(encode(word)) for word in (*CLEAN, *argv))


BATCH = 400
"""Files that one command reads: their names, up to 4096 bytes each, fit into its arguments of 2 MiB (``execve(2)``)."""


def read_all(paths: Sequence[str], mark: str) -> tuple[str, bytes]:
    """The script that prints many files, and what ends each of them in its output.

    One ``cat`` reads all of them, and after each its own environment, which is the mark and nothing else. What it
    writes is gathered: otherwise each file would go its own way through the daemon.
    """
    cat = f'env -i {mark}= "$PATH/busybox" cat'
    files = [f"{quote(path)} /proc/self/environ" for path in paths]
    batches = [files[start : start + BATCH] for start in range(0, len(files), BATCH)]
    commands = "; ".join(" ".join([cat, *batch]) for batch in batches) or ":"
    return f"{{ {commands}; }} | dd obs=64k status=none", f"{mark}=\0".encode()


def check(path: str, status: int, complaint: bytes) -> None:
    """Raise what the helper complained of; nothing happens if all went well."""
    if status == 0 and not complaint:
        return
    text = decode(complaint).strip().rpartition(": ")[2] or f"status {status}"
    raise explain(path, _ERRNO.get(text), text)


def read_entry(record: str, folder: str = "") -> Entry:
    """One line of ``STAT`` as an ``Entry``; the name is last, since it may hold anything.

    Args:
        record: the line, without what leads and ends it.
        folder: what a name that begins with ``.`` is relative to.
    """
    kind, mtime, size, inode, name = record.split(" ", 4)
    mode, links, uid, gid, device, major, minor = _read_kind(kind)
    path = folder + name.removeprefix(".")
    return Entry(path, mode, links, uid, gid, int(size), int(inode), device, major, minor, int(mtime))


@lru_cache(4096)
def _read_kind(words: str) -> tuple[int, int, int, int, int, int, int]:
    """What many files of a tree have in common, so that it is read once."""
    mode, links, uid, gid, device, major, minor = words.split(",")
    return int(mode, 16), int(links), int(uid), int(gid), int(device), int(major, 16), int(minor, 16)


def read_entries(answer: IO[bytes], folder: str) -> Iterator[Entry]:
    """Read the lines of ``STAT`` about what is below ``folder``, without ever holding more than a piece of them."""
    rest = b"\n"
    while piece := answer.read(1 << 20):
        whole, _, rest = (rest + piece).rpartition(b"\n//")
        yield from (read_entry(record, folder) for record in decode(whole).split("\n//") if record)
    if len(rest) > 1:
        yield read_entry(decode(rest[:-1]), folder)
