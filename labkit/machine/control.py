"""Bring a machine up, take it down, look at it: from any process of its user."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict

from labkit import errors
from labkit.machine import limits, state
from labkit.machine.build import HOST, manifest
from labkit.machine.places import Places, parts_folder
from labkit.machine.state import State
from labkit.machine.wishes import GOODBYE, PATIENCE, STORES, Wishes

POLL = 0.02

AGAIN = "What its disk holds is kept; `labkit machine up` starts it again."


def up(
    where: Places,
    *,
    memory: str = "",
    disk: str = "",
    store: str = "",
    fresh: bool = False,
    owner: int = 0,
    wait: Callable[[float], None] = lambda seconds: None,
) -> State:
    """Start the machine unless it runs; return when its daemon answers.

    Args:
        where: its folders.
        memory: such as ``1G``; empty for a sensible part of what there is.
        disk: the same for the disk, where it is made anew.
        store: ``overlay2`` or ``containerd``; empty for the one that it had last.
        fresh: begin with an empty disk; a machine that runs is ended first.
        owner: process that it ends with; 0 for the notebook server, if this process belongs to one.
        wait: is called again and again while there is nothing to do, with the seconds that it took so far.

    Raises:
        MachineError: if it was not built, or does not come up.
    """
    if not manifest():
        raise errors.MachineError(f"No machine was built in {parts_folder()}.", "`labkit machine build` does it.")
    where.make()
    while (now := state.read(where)).phase == "ending":
        time.sleep(POLL)
    if now.phase == "up" and not fresh:
        return _as_wished(now, store)
    wishes = _wishes(where, memory, disk, store, owner, fresh)
    if fresh:
        down(where)
    if not state.is_kept(where):  # what the last one said is no word of the next
        (where.run / "state.json").unlink(missing_ok=True)
    command = [sys.executable, "-P", "-m", "labkit.machine.supervisor", where.name, json.dumps(asdict(wishes))]
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    nothing = subprocess.DEVNULL
    started = subprocess.Popen(
        command, env=environ, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True, cwd="/"
    )
    threading.Thread(target=started.wait, daemon=True).start()  # reaps it when it has ended, however long that takes
    return _as_wished(_when_up(where, started, wait), store)


def _wishes(where: Places, memory: str, disk: str, store: str, owner: int, fresh: bool) -> Wishes:
    if store and store not in STORES:
        raise errors.MachineError(f"{store!r} is no image store.", f"Choose one of {', '.join(STORES)}.")
    kept = where.disk.stat().st_size if where.disk.exists() and not fresh else 0
    if kept and disk:
        raise errors.MachineError(f"The machine has a disk of {kept // limits.MB} MB.", "Another size needs --fresh.")
    last = where.state / "store"
    chosen = store or (last.read_text() if last.exists() else STORES[0])
    size = kept or limits.disk(where.state, disk)
    return Wishes(limits.memory(memory), size, chosen, owner or int(os.environ.get("JPY_PARENT_PID") or 0), fresh)


def _as_wished(now: State, store: str) -> State:
    if store and now.store != store:
        raise errors.MachineError(
            f"The machine runs with the image store {now.store}, not {store}.",
            f"`labkit machine down`, then `labkit machine up --store {store}`.",
        )
    return now


def _when_up(where: Places, started: subprocess.Popen[bytes], wait: Callable[[float], None]) -> State:
    begun = time.monotonic()
    while (seconds := time.monotonic() - begun) < PATIENCE + GOODBYE:
        nobody = started.poll() is not None and not state.is_kept(where)
        now = state.read(where)
        if now.phase == "up":
            return now
        if nobody:
            raise _why_not(where, now, started.returncode)
        wait(seconds)
        time.sleep(POLL)
    raise errors.MachineError(f"The machine is not up after {seconds:.0f} s.", _what_to_do(where))


def _why_not(where: Places, now: State, status: int) -> errors.MachineError:
    if now.phase == "failed":
        return errors.MachineError(f"The machine did not start: {now.why}", now.remedy or _what_to_do(where))
    if status:
        from labkit.machine.watch import how_it_ended

        return errors.MachineError(f"Its supervisor {how_it_ended(status)}.", _what_to_do(where))
    return errors.MachineError(f"The machine was ended while it started. {now.why}".strip(), AGAIN)


def _what_to_do(where: Places) -> str:
    return f"{where.log} has the rest. If its disk is damaged, `labkit machine up --fresh` begins with an empty one."


def down(where: Places) -> bool:
    """End the machine, cleanly where it can; return whether there was one.

    Raises:
        MachineError: if its supervisor does not end.
    """
    if not state.is_kept(where):
        return False
    end = time.monotonic() + GOODBYE + 10
    while (pid := state.read(where).supervisor) == 0 and state.is_kept(where) and time.monotonic() < end:
        time.sleep(POLL)
    if pid and state.is_kept(where):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    while state.is_kept(where):
        if time.monotonic() > end:
            raise errors.MachineError(f"Its supervisor, process {pid}, does not end.", f"`kill -9 {pid}` ends it.")
        time.sleep(POLL)
    return True


def discard(where: Places) -> None:
    """Throw a machine away with all that it holds, at once; one that is not there is no error."""
    end = time.monotonic() + GOODBYE
    while state.is_kept(where) and time.monotonic() < end:
        if pid := state.read(where).supervisor:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)  # kernel and network end with it, and nobody needs the disk any more
        time.sleep(POLL)
    for folder in (where.run, where.state):
        shutil.rmtree(folder, ignore_errors=True)


def on_the_machine(where: Places, command: Sequence[str], *, terminal: bool) -> tuple[list[str], dict[str, str]]:
    """Return the words and the environment that run a command on the guest itself, as root.

    A container that shares the guest's namespaces and files is the way in: there is no other door.

    Raises:
        MachineError: if the machine is not up.
    """
    from labkit import oci

    if state.read(where).phase != "up":
        raise errors.MachineError(f"The machine {where.name} is not up.", "`labkit machine up` starts it.")
    sharing = ["--pid=host", "--network=host", "--uts=host", "--ipc=host", "--privileged", "--volume=/:/host"]
    options = ["--rm", "--interactive", *(["--tty"] if terminal else []), *sharing, "--label=labkit=shell"]
    words = [docker(), "run", *options, oci.BUSYBOX, "chroot", "/host", *(command or ("sh",))]
    return words, os.environ | {"DOCKER_HOST": f"unix://{where.socket}"}


def docker() -> str:
    """Return the docker command line: the host's own, or the one that came with the machine."""
    return shutil.which("docker") or str(parts_folder() / HOST / "bin/docker")
