"""Files on the daemon's own host, made and looked at through a container: one way that serves every tester.

Whoever runs the tests may be root, be in the group ``docker`` only, or sit at another computer than the daemon.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from labkit import images, sandbox
from labkit.daemon import Daemon
from labkit.sandbox import Box

_numbers = itertools.count(1)


@dataclass(frozen=True)
class HostFiles:
    """A folder on the daemon's host.

    Attributes:
        box: a container that has the folder's volume at /v, and sees the host's processes.
        path: where the folder lies on the host.
        inside: where it lies in the container.
    """

    box: Box
    path: str
    inside: str

    def at(self, name: bytes) -> str:
        """The path of a file on the host."""
        return f"{self.path}/{os.fsdecode(name)}"

    def do(self, script: str) -> bytes:
        """Run a line of shell in the folder; return what it printed."""
        container: Any = self.box.daemon.client.containers.get(self.box.id)
        status, output = container.exec_run(["sh", "-c", f"mkdir -p {self.inside}; cd {self.inside}; {script}"])
        assert status == 0, output
        return bytes(output)

    @contextlib.contextmanager
    def loop(self, script: str) -> Iterator[None]:
        """Repeat a line of shell in the folder, meanwhile."""
        self.do(f"(until [ -e stop ]; do {script}; done; rm stop) >/dev/null 2>&1 &")
        try:
            yield
        finally:
            self.do("touch stop")
            sandbox.wait_until(lambda: not self.do("ls -A stop 2>/dev/null || true"), "the loop has ended")

    def write(self, name: bytes, data: bytes) -> str:
        """Make a file; return its path on the host."""
        self.fill({name: data})
        return self.at(name)

    def fill(self, files: Mapping[bytes, bytes]) -> None:
        """Make files, name → contents, and the folders on the way."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT, errors="surrogateescape") as tar:
            for name, data in files.items():
                info = tarfile.TarInfo(f"{self.inside}/{os.fsdecode(name)}"[1:])
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        assert self.box.daemon.client.api.put_archive(self.box.id, "/", buffer.getvalue())

    def runs(self, word: str) -> bool:
        """Tell whether a process with this word in its command line runs on the host."""
        return word.encode() in self.do("cat /proc/[0-9]*/cmdline 2>/dev/null || true").replace(b"\0", b" ")

    def folder(self) -> HostFiles:
        """A new folder in this one; it is made with the first thing in it."""
        name = f"{next(_numbers)}"
        return replace(self, path=f"{self.path}/{name}", inside=f"{self.inside}/{name}")


def word(name: bytes) -> str:
    """A name as a word of the container's shell, each byte by its number."""
    return "$'" + "".join(f"\\{byte:03o}" for byte in name) + "'"


@contextlib.contextmanager
def host_files(daemon: Daemon) -> Iterator[HostFiles]:
    """A folder on the daemon's host for the length of a ``with`` block."""
    image = images.ensure(daemon)
    with sandbox.volume(daemon, what="test") as volume:
        mount, rights = {str(volume.name): {"bind": "/v"}}, {"pid_mode": "host", "userns_mode": "host"}
        with sandbox.run(image, ["sleep", "3600"], what="test", daemon=daemon, volumes=mount, **rights) as box:
            yield HostFiles(box, str(volume.attrs["Mountpoint"]), "/v")
