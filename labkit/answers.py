"""How a question to the helper's shell is quoted, and how its answer is taken apart again.

A question is one line of shell. Its answer is whatever the line prints, then on both streams a mark of
sixteen random hexadecimal digits that did not exist when the line began, on stdout with the exit status.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from typing import IO

from labkit import errors
from labkit.host import WHOLE, Entry, check_path, decode, explain
from labkit.stream import STDOUT, Stream

STAT = "stat -c {mark}' %f %h %u %g %s %i %d %t %T %Y %n'"
"""Everything ``lstat(2)`` says, each record led by a mark: a name may hold any byte but 0 and ``/``."""

_ERRNO = {os.strerror(number): number for number in (1, 2, 3, 5, 13, 20, 21, 22, 40)}


def new_mark() -> str:
    """Sixteen random hexadecimal digits."""
    return secrets.token_hex(8)


def receive(stream: Stream, mark: bytes, into: IO[bytes] | None, end: float) -> tuple[int, bytes, bytes]:
    """Collect frames until both streams have shown the mark; the last line of stdout carries the status."""
    tail, complaints = bytearray(), bytearray()
    finished = re.compile(rb"\n" + mark + rb" (\d+)\n\Z")
    while True:
        channel, data = stream.receive(end)
        (tail if channel == STDOUT else complaints).extend(data)
        if channel == STDOUT and into and len(tail) > 4096:  # keep only what may hold the mark
            into.write(tail[:-64])
            del tail[:-64]
        if len(tail) > 4 * WHOLE:
            stream.close()
            raise errors.HelperLost("an answer grew beyond 64 MiB and was given up.", "Ask for less.")
        done = finished.search(tail, max(len(tail) - 64, 0)) if tail.endswith(b"\n") else None
        if done and complaints.endswith(mark + b"\n"):
            break
    output = bytes(tail[: done.start()])
    if into:
        into.write(output)
    return int(done.group(1)), output, bytes(complaints[: -len(mark) - 1])


def quote(path: str) -> str:
    """One path as one word of shell, whatever bytes it holds."""
    check_path(path)
    return quote_word(os.fsencode(path))


def quote_word(word: bytes) -> str:
    """One word of shell in single quotes: no byte but the quote itself means anything there."""
    return "'" + os.fsdecode(word).replace("'", "'\\''") + "'"


def check(path: str, status: int, complaint: bytes) -> None:
    """Raise what the helper complained of; nothing happens if all went well."""
    if status == 0 and not complaint:
        return
    text = decode(complaint).strip().rpartition(": ")[2] or f"status {status}"
    raise explain(path, _ERRNO.get(text), text)


def read_entry(record: bytes) -> Entry:
    """One line of ``_STAT`` as an ``Entry``; the name is last, since it may hold anything."""
    mode, links, uid, gid, size, inode, device, major, minor, mtime, name = record.split(b" ", 10)
    return Entry(
        os.fsdecode(name),
        int(mode, 16),
        int(links),
        int(uid),
        int(gid),
        int(size),
        int(inode),
        int(device),
        int(major, 16),
        int(minor, 16),
        int(mtime),
    )


def read_entries(answer: IO[bytes], mark: bytes) -> Iterator[Entry]:
    """Cut the answer at the marks, without ever holding more than a piece of it."""
    rest = b""
    while piece := answer.read(1 << 20):
        *records, rest = (rest + piece).split(mark)
        yield from (read_entry(record[:-1]) for record in records if record)
    if rest:
        yield read_entry(rest[:-1])
