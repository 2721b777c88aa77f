"""The last resort of ``connect()``: a machine of the course's own, where no other daemon was found."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from labkit.endpoint import Endpoint

MACHINE = "the course's own machine"
"""Who named its address."""


def endpoints() -> Iterator[Endpoint]:
    """Yield the address of the user's machine, if it is up."""
    if not _wanted():
        return
    from labkit.errors import MachineError
    from labkit.machine import state
    from labkit.machine.places import places

    try:
        where = places()
    except (MachineError, OSError):  # no folder of one's own to look into: then there is no machine in it
        return
    if state.read(where).phase == "up":
        yield _endpoint(where.socket)


def possible() -> bool:
    """Tell whether a machine can be started here; ``LABKIT_MACHINE=no`` forbids it."""
    if not _wanted():
        return False
    from labkit.machine.build import manifest
    from labkit.machine.packages import missing

    return bool(manifest()) or not missing()


def start(say: Callable[[str], None]) -> Endpoint:
    """Build the machine if that was never done, start it, and return its address. It ends with the notebook server.

    Args:
        say: is called with a sentence for each thing that takes a while.

    Raises:
        MachineError: if it cannot be built or does not come up.
    """
    from labkit.machine import control
    from labkit.machine.places import places

    begun = time.monotonic()
    build_parts(say)
    say("Starting the course's own Docker host: a Linux kernel as an ordinary process, about ten seconds.")
    where = places()
    control.up(where, owner=int(os.environ.get("JPY_PARENT_PID") or os.getpid()))
    say(f"It is up, after {time.monotonic() - begun:.0f} s.")
    return _endpoint(where.socket)


def build_parts(say: Callable[[str], None]) -> None:
    """Build the machine's parts if that was never done.

    Args:
        say: is called with a sentence for each thing that takes a while.

    Raises:
        BuildFailed: if they cannot be built.
    """
    from labkit.machine.build import TASKS, build, manifest

    if not manifest():
        say("Building it, once: about 150 MB are fetched from Debian; half a minute and the download.")
        build(step=lambda task: say(f"  {task} …") if task in TASKS else None)


def with_docker(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which ``docker`` is found, also where only the machine's parts have one.

    A terminal's bash completes its words, too, if it does that for other commands.
    """
    from labkit.machine.build import HOST
    from labkit.machine.places import parts_folder

    host = parts_folder() / HOST
    added = {"PATH": host / "bin", "XDG_DATA_DIRS": host / "share"}
    if not _wanted() or shutil.which("docker", path=environ.get("PATH")) or not (host / "bin/docker").exists():
        return dict(environ)
    usual = {"PATH": os.defpath, "XDG_DATA_DIRS": "/usr/local/share:/usr/share"}  # XDG Base Directory Specification
    return dict(environ) | {
        name: os.pathsep.join([environ.get(name) or usual[name], str(folder)]) for name, folder in added.items()
    }


def _endpoint(socket: Path) -> Endpoint:
    return Endpoint(f"unix://{socket}", MACHINE, named=False)


def _wanted() -> bool:
    return sys.platform == "linux" and os.environ.get("LABKIT_MACHINE") != "no"
