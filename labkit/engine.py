"""Where the programs of the daemon lie on its host: dockerd, containerd, and the libraries that they need."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from labkit import errors
from labkit.host import PATH, Host
from labkit.inside.processes import read_processes

LIBRARIES = ("/usr", "/lib", "/lib64", "/nix/store", "/gnu/store")
"""Folders in which a dynamically linked dockerd finds what it needs; those that there are."""


@dataclass(frozen=True)
class Engine:
    """Where the programs of an engine lie on the daemon's host."""

    dockerd: str
    containerd: str


def find_engine(host: Host, pid: int = 0) -> Engine:
    """Find dockerd and containerd on the daemon's host: those that run, else those that the host's PATH leads to.

    Args:
        host: the daemon's host.
        pid: the learner's own dockerd there, where that is known.

    Raises:
        SandboxError: if one of them is not there.
    """
    for number in itertools.chain([pid] if pid else [], _named(host, "dockerd")):
        with contextlib.suppress(errors.HostError):
            dockerd = host.readlink(f"/proc/{number}/exe")
            # A dockerd in a container, such as another second daemon, has its own idea of where it lies.
            there, runs = host.stat(dockerd), host.stat(f"/proc/{number}/exe", follow=True)
            if (there.inode, there.device) == (runs.inode, runs.device):
                return Engine(dockerd, _look_up(host, "containerd", _path(host, number)))
    return Engine(_look_up(host, "dockerd", PATH), _look_up(host, "containerd", PATH))


def _named(host: Host, name: str) -> Iterator[int]:
    """The numbers of the processes of that name, the lowest first."""
    yield from (pid for pid, process in read_processes(host).items() if process.name == name)


def _path(host: Host, pid: int) -> str:
    """Where a process looks for programs, then where everybody does."""
    words = host.text(f"/proc/{pid}/environ").split("\0")
    own = next((word.removeprefix("PATH=") for word in words if word.startswith("PATH=")), "")
    return f"{own}:{PATH}"


def _look_up(host: Host, program: str, path: str) -> str:
    for folder in path.split(":"):
        with contextlib.suppress(errors.HostError):
            if host.stat(f"{folder}/{program}", follow=True).kind == "-":
                return f"{folder}/{program}"
    raise errors.SandboxError(f"there is no {program} on the daemon's host ({path}).", _MISSING)


def read_libraries(host: Host) -> list[str]:
    """Return the folders of libraries that there are on the host."""
    return [place for place in LIBRARIES if _is_folder(host, place)]


def _is_folder(host: Host, path: str) -> bool:
    with contextlib.suppress(errors.HostError):
        return host.stat(path, follow=True).kind == "d"
    return False


_MISSING = (
    "The second daemon is the host's own dockerd once more. Where that is a product's hidden program, this part of "
    "the chapter can be read, and run on a Linux with Docker or on the course's machine: `labkit machine up`."
)
