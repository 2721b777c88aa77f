"""The supervisor of one machine: starts its parts, offers its daemon's socket, watches, and ends everything together.

``python -m labkit.machine.supervisor NAME '{"memory": …}'`` is started by ``labkit machine up`` and lives as long as
the machine does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from labkit import errors
from labkit.machine import engine, landlock, mconsole, mode, ports, processes, proxy, slirp, state, told
from labkit.machine.build import IMAGES, ROOT_IMAGE
from labkit.machine.places import Places, parts_folder, places
from labkit.machine.prepare import edition, prepare
from labkit.machine.state import State
from labkit.machine.watch import Ended, how_it_ended, watch
from labkit.machine.wishes import GOODBYE, PATIENCE, Wishes

Folder = tempfile.TemporaryDirectory[str]


async def supervise(where: Places, wishes: Wishes) -> None:
    """Keep one machine up until it is told to end, its owner ends, or a part of it fails."""
    began, parts = time.time(), parts_folder()
    now = State("starting", supervisor=os.getpid(), since=began, store=wishes.store, owner=wishes.owner)
    now = replace(now, memory=wishes.memory, disk=wishes.disk, confined=landlock.version())
    state.write(where, now)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        prepare(where, wishes, parts)
        async with _running(where, wishes, parts) as (kernel, network, memory):
            now = replace(now, kernel=kernel.pid, network=network.pid)
            state.write(where, now)
            watching = asyncio.create_task(watch(where, wishes.owner, kernel, network, stop))
            offering = asyncio.create_task(_offer(where, parts, now, memory))
            try:
                last = State("down", why=await _first(watching, offering))
            finally:
                _say(where, replace(now, phase="ending"))
    except errors.LabError as error:
        last = replace(now, phase="failed", why=error.problem, remedy=error.remedy)
    except (Ended, OSError) as error:
        last = replace(now, phase="failed", why=str(error))
    where.socket.unlink(missing_ok=True)
    _say(where, last)


async def _first(watching: asyncio.Task[str], offering: asyncio.Task[None]) -> str:
    """Wait until the machine is to end, and return why; raise what went wrong."""
    await asyncio.wait((watching, offering), return_when=asyncio.FIRST_COMPLETED)
    if not watching.done():
        watching.cancel()
        offering.result()
    offering.cancel()
    return await watching


async def _offer(where: Places, parts: Path, now: State, memory: Folder) -> None:
    """Offer the daemon's socket as soon as the daemon answers, and say so; forward what containers publish."""
    await _boots(where, memory)
    now = await _open(where, parts, now)
    context = proxy.trust(where.state / "tls")
    tasks = [asyncio.create_task(proxy.serve(where.socket, now.port, context))]
    try:
        await asyncio.sleep(0)
        up = replace(now, phase="up", seconds=time.time() - now.since)
        state.write(where, up)
        following = ports.follow(where, now.port, context, lambda found: _say(where, replace(up, ports=found)))
        tasks.append(asyncio.create_task(following))
        await tasks[0]
    finally:
        for task in tasks:
            task.cancel()


def _say(where: Places, last: State) -> None:
    """Write the state, if there is still a place for it: a log-out removes the folder, and a disk can be full."""
    with contextlib.suppress(OSError):
        state.write(where, last)


@contextlib.asynccontextmanager
async def _running(
    where: Places, wishes: Wishes, parts: Path
) -> AsyncIterator[tuple[subprocess.Popen[bytes], subprocess.Popen[bytes], Folder]]:
    """Kernel, network, and the folder of the guest's memory, for as long as the block runs.

    Then the guest powers off, if it still can.
    """
    memory = Folder(prefix="labkit-", dir=processes.choose_memory(where, wishes.memory))
    with memory, open(os.open(where.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600), "wb") as log:
        network, keeps = processes.start_network(where, parts, log.fileno())
        try:
            await _appears(where, "line", network, "slirp4netns")
            paths, confined = processes.Paths(parts, Path(memory.name)), bool(landlock.version())
            kernel = processes.start_kernel(where, paths, wishes.memory, log.fileno(), confined=confined)
            try:
                await _appears(where, processes.CONSOLE, kernel, "The kernel")
                yield kernel, network, memory
            finally:
                if await _power_off(where, kernel):
                    (where.state / "clean").write_text(edition(parts / ROOT_IMAGE))
                processes.end(kernel)
        finally:
            os.close(keeps)
            processes.end(network)


async def _appears(where: Places, name: str, process: subprocess.Popen[bytes], who: str) -> None:
    while not (where.run / name).exists():
        if process.poll() is not None:
            lines = where.log.read_text(errors="replace").splitlines()
            raise Ended(f"{who} {how_it_ended(process.returncode)} at once. {' / '.join(lines[-3:])}".strip())
        await asyncio.sleep(0.005)


async def _boots(where: Places, memory: Folder) -> None:
    """Wait until the guest uses its network; then remove the folder in which its memory has no name.

    Until then the kernel makes more files there, and ends if it cannot. No container runs yet: nobody in the guest
    ever finds the folder, and could write to it.
    """
    while not (where.run / "network").exists():
        await asyncio.sleep(0.01)
    memory.cleanup()


async def _open(where: Places, parts: Path, now: State) -> State:
    """Wait until the daemon answers at its forwarded port, and has the course's image; return what is known then."""
    context = proxy.trust(where.state / "tls")
    port = slirp.forward_any(where.run / "network", told.PORT)
    version = await _answers(port, context)
    if not (mark := where.state / f"images-{now.store}").exists():
        await asyncio.to_thread(engine.load, port, context, parts / IMAGES)
        await asyncio.to_thread(mconsole.ask, where.run / processes.CONSOLE, "sysrq s")  # to the disk, before we say so
        mark.touch()
    return replace(now, port=port, engine=version, mode=mode.seen(now.kernel))


async def _answers(port: int, context: object) -> str:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return await asyncio.to_thread(engine.version, port, context)  # type: ignore[arg-type]
        except OSError:
            if time.monotonic() > end:
                raise Ended(f"Its daemon did not answer within {PATIENCE:g} s.") from None
            await asyncio.sleep(0.05)


async def _power_off(where: Places, kernel: subprocess.Popen[bytes]) -> bool:
    """Press Ctrl-Alt-Del at the guest's console, and wait until it has powered off; return whether it did."""
    console = where.run / processes.CONSOLE
    if kernel.poll() is not None:
        return False
    with contextlib.suppress(OSError):
        await asyncio.to_thread(mconsole.ask, console, "cad")
        end = time.monotonic() + GOODBYE
        while kernel.poll() is None and time.monotonic() < end:
            await asyncio.sleep(0.02)
    return kernel.poll() == 0


def main() -> None:
    """Supervise the machine that the command line names; leave quietly where another supervisor does."""
    where, wishes = places(sys.argv[1]), Wishes(**json.loads(sys.argv[2]))
    where.make()
    processes.become_reaper()
    with contextlib.suppress(BlockingIOError), state.kept(where):
        asyncio.run(supervise(where, wishes))


if __name__ == "__main__":
    main()
