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

USUAL = 10
"""Seconds that a start takes on an ordinary laptop, the first one of a new disk included."""


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
    from labkit.machine.progress import moving

    build_parts(say)
    say(f"Starting the course's own Docker host: a Linux kernel as an ordinary process, about {USUAL} seconds.")
    where, begun = places(), time.monotonic()

    def look(seconds: float) -> tuple[str, float, str]:
        return "boot Linux, start Docker", min(seconds / USUAL, 0.97), f"{seconds:.0f} s"

    with moving(say, look) as bar:
        control.up(where, owner=int(os.environ.get("JPY_PARENT_PID") or os.getpid()))
        bar.end(f"It is up, after {time.monotonic() - begun:.0f} s; what is on its disk stays for the next time.")
    return _endpoint(where.socket)


def build_parts(say: Callable[[str], None], *, again: bool = False, mirror: str = "") -> None:
    """Build the machine's parts if that was never done, and show how far it is.

    Args:
        say: is called with a sentence for each thing that takes a while.
        again: build also where everything is there.
        mirror: of Debian; empty for mmdebstrap's default.

    Raises:
        BuildFailed: if they cannot be built.
    """
    from labkit.machine.build import build, manifest
    from labkit.machine.progress import Building, moving

    if manifest() and not again:
        return
    say("Building it, once: about 150 MB are fetched from Debian, 330 MB stay; half a minute and the download.")
    building, begun = Building(), time.monotonic()
    with moving(say, building.look) as bar:

        def step(said: str) -> None:
            if building.step(said):
                bar.now()

        folder = build(again=again, mirror=mirror, step=step)
        bar.end(f"Built after {time.monotonic() - begun:.0f} s, in {folder}.")


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
