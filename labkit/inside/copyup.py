"""What the first write to a file of a lower layer costs: overlayfs copies the whole file up before anything is written.

Source: ``Documentation/filesystems/overlayfs.rst`` of the kernel, "Non-directories". The file's inode number as the
container sees it stays the same; what tells of the copy is the file that appears in the upper directory.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from labkit import errors, images, oci, sandbox
from labkit.daemon import Daemon, current
from labkit.host import Entry, Host
from labkit.inside.layers import read_layers
from labkit.leftovers import remove_one
from labkit.sandbox import Box
from labkit.stream import Stream

MB = 1_000_000
SPARE = 200 * MB
"""Bytes that stay free on the daemon's disk."""

FILE = "/big"
PATIENCE = 120.0
"""Seconds for one write."""


@dataclass(frozen=True)
class CopyUp:
    """Two writes of one byte each to a file that an image brought.

    Attributes:
        megabytes: size of the file.
        first, second: seconds that the writes took.
        copied: whether the first put a file of that size into the container's upper directory, as another inode than
            the image's.
    """

    megabytes: int
    first: float
    second: float
    copied: bool = field(kw_only=True)

    def __repr__(self) -> str:
        what = "copied" if self.copied else "not copied"
        return f"<{self.megabytes} MB: {self.first * 1e3:.3g} ms, then {self.second * 1e3:.2g} ms, {what}>"


def measure_copy_up(host: Host, *, megabytes: int = 16, daemon: Daemon | None = None) -> CopyUp:
    """Time the first and the second write of one byte to a file of a lower layer.

    An image with the file is made for that, and removed again.

    Args:
        host: the daemon's host, where the copy is looked for.
        megabytes: size of the file; for a while three times as much is needed on the daemon's disk.
        daemon: where; default the notebook's.

    Raises:
        SandboxError: if there is no room, or the container cannot write.
    """
    daemon = daemon or current()
    with _image(daemon, megabytes) as image, sandbox.run(image, _REST, daemon=daemon) as box:
        stack = read_layers(host, box)
        own, below = [layer.directory for layer in stack.layers if layer is stack.own], stack.image[::-1]
        before = _find(host, own)
        original = _find(host, [layer.directory for layer in below])
        with contextlib.closing(Stream(daemon, box.id, ["sh"])) as shell:
            _write(shell, ":")
            first, second = (_write(shell, f"printf X 1<>{FILE}") for _ in range(2))
        copy = _find(host, own)
    moved = bool(original and copy and (original.device, original.inode) != (copy.device, copy.inode))
    whole = bool(copy and copy.size == megabytes * MB)
    return CopyUp(megabytes, first, second, copied=before is None and moved and whole)


def _find(host: Host, directories: list[str]) -> Entry | None:
    """The file in the first of the directories that has it."""
    for directory in directories:
        with contextlib.suppress(errors.PathMissing):
            return host.stat(directory + FILE)
    return None


@contextlib.contextmanager
def _image(daemon: Daemon, megabytes: int) -> Iterator[str]:
    """An image whose upper layer is one file of that size: a container wrote it, and was committed."""
    name, version = f"{oci.LABEL}/copy-up", f"{megabytes}mb-{sandbox.RUN}"
    try:
        with sandbox.run(images.ensure(daemon), _REST, daemon=daemon) as box:
            _check_room(box, megabytes)
            box.sh(f"yes 'copy me up' | head -c {megabytes * MB} >{FILE}; sync {FILE}; test -s {FILE}")
            daemon.client.api.commit(box.id, name, version)
        yield f"{name}:{version}"
    finally:
        remove_one(daemon, "image", f"{name}:{version}")


def _check_room(box: Box, megabytes: int) -> None:
    """Refuse to fill the disk that the container's files are on."""
    free = int(box.sh("df -Pk /").splitlines()[-1].split()[3]) * 1024
    if free < (wanted := 3 * megabytes * MB + SPARE):
        raise errors.SandboxError(
            f"a file of {megabytes} MB needs {wanted // MB} MB for a while, and the daemon's disk has {free // MB} MB.",
            "Measure with smaller files, or make room: `docker system df` says what is there.",
        )


def _write(shell: Stream, command: str) -> float:
    """Run a line in the shell; return the seconds it took.

    The shell's own clock is the better one, as the way to it is not counted; busybox has it since 1.34.
    """
    begun = time.monotonic()
    shell.send(f"begun=$EPOCHREALTIME; {{ {command}; }} 2>&1; echo $begun $EPOCHREALTIME\n".encode())
    said = shell.receive(begun + PATIENCE)[1].decode(errors="replace")
    took = time.monotonic() - begun
    if not (clock := re.fullmatch(r"(?:(\S+\.\d+) (\S+\.\d+))?\n", said)):
        raise errors.SandboxError(f"{FILE} cannot be written: {said.strip()}", "`df` says whether there is room.")
    return float(clock[2]) - float(clock[1]) if clock[1] else took


_REST = ["sleep", "2147483647"]
