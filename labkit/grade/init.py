"""The first process of a sandbox: starts its Docker host, and answers what the judge asks about its kernels.

``python -m labkit.grade.init SOCKET SECONDS`` lives as long as its stdin is open and as those seconds have not passed;
when it ends, the kernel ends everything else in the container (``pid_namespaces(7)``). For the same reason no process
in there can kill it, and it does not let itself be traced: ``PR_SET_DUMPABLE`` of ``prctl(2)``.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

from labkit.errors import LabError
from labkit.grade.forked import Fork
from labkit.grade.nursery import Nursery, set_own
from labkit.grade.remote import Line, Message
from labkit.machine.places import places

DUMPABLE = 4  # prctl(2)

MEMORY, DISK = "640M", "768M"
"""Of the Docker host; both are kept in the container's memory, as far as they are used."""

UNLIMITED = 1 << 20
"""Processes: the system counts those of all containers whose users have the same number; the container has a limit."""

FIRST_TO_GO = "1000"
"""Where the container's memory is full, the kernel ends a learner's process before anything else: ``proc(5)``."""


class Ward(Nursery):
    """A nursery beside which everything counts that is not known to be something else.

    Attributes:
        machine: process id of the Docker host's supervisor, as soon as there is one.
    """

    machine = 0

    def room_for(self, more: int) -> int:
        """Return no limit."""
        return UNLIMITED

    def offspring(self) -> list[Any]:
        """Return every process in the container but this one, the nursery with its waiting kernel, and the machine."""
        import psutil

        _reap()
        known = {os.getpid(), self.process.pid, self.ahead, *self._of_the_machine()}
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.pid not in known and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def _of_the_machine(self) -> set[int]:
        """The processes of the Docker host: its supervisor, and all below it, the guest's among them."""
        import psutil

        with contextlib.suppress(psutil.NoSuchProcess):
            if self.machine:
                below = psutil.Process(self.machine).children(recursive=True)
                return {self.machine, *(process.pid for process in below)}
        return set()


def _reap() -> None:
    """Take leave of the dead: whoever loses its parent becomes a child of the first process."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


class Answers:
    """What can be asked: each question is a method's name, behind ``do_``."""

    def __init__(self, nursery: Nursery) -> None:
        self.nursery = nursery
        self.forks: dict[int, Fork] = {}

    def answer(self, message: Message) -> Message:
        """Return what there is to say to one message; what goes wrong is an answer, too."""
        try:
            said: Message = getattr(self, f"do_{message.pop('do')}")(**message)
            return said
        except Exception as error:
            return {"failed": f"{type(error).__name__}: {error}"}

    def do_fork(self, wanted: Message) -> Message:
        """Start a kernel, the first to go where memory is short."""
        fork = self.nursery.fork(**wanted)
        self.forks[fork.pid] = fork
        with contextlib.suppress(OSError):
            Path(f"/proc/{fork.pid}/oom_score_adj").write_text(FIRST_TO_GO)
        return {"pid": fork.pid}

    def do_connection(self, pid: int) -> Message:
        """Say where a kernel listens."""
        return {"connection": self.forks[pid].connection()}

    def do_alive(self, pid: int) -> Message:
        """Say whether a kernel is there."""
        _reap()
        return {"yes": self.forks[pid].is_alive()}

    def do_ended(self, pid: int, within: float) -> Message:
        """Wait for a kernel's end."""
        return {"yes": self.forks[pid].has_ended(within=min(within, 10))}

    def do_interrupt(self, pid: int) -> Message:
        """Send the signal of Ctrl-C."""
        self.forks[pid].interrupt()
        return {}

    def do_offspring(self) -> Message:
        """Say who is there of a learner's doing."""
        return {"pids": [process.pid for process in self.nursery.offspring()]}

    def do_clear(self) -> Message:
        """End all of those."""
        self.nursery.clear()
        return {}


def serve(listener: socket.socket, answers: Answers, *, stdin: int, seconds: float) -> None:
    """Answer the first who calls, and nobody else, until stdin is closed or the time is up.

    Who calls first is the judge: no learner's code runs before that.
    """
    end, line = time.monotonic() + seconds, None
    with selectors.DefaultSelector() as selector, contextlib.ExitStack() as opened:
        selector.register(stdin, selectors.EVENT_READ)
        selector.register(listener, selectors.EVENT_READ)
        while (left := end - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                if key.fileobj == stdin:
                    if not os.read(stdin, 1 << 16):
                        return
                elif key.fileobj == listener:
                    line = Line(opened.enter_context(listener.accept()[0]))
                    selector.register(line.sock, selectors.EVENT_READ)
                    selector.unregister(listener)
                    listener.close()
                elif line and not _answer(line, answers):
                    selector.unregister(line.sock)
                    line.sock.close()


def _answer(line: Line, answers: Answers) -> bool:
    """Answer one question; return whether there may be more."""
    try:
        line.tell(answers.answer(line.hear()))
    except (OSError, ValueError):
        return False
    return True


def bring_up(ward: Ward) -> Message:
    """Start the Docker host; return what the grader wants to know of it, and of this image's edition of the course."""
    from labkit.grade.chapters import read_chapters
    from labkit.grade.journal import judges
    from labkit.machine import control

    where = places()
    now = control.up(where, memory=MEMORY, disk=DISK, store="overlay2")
    ward.machine = now.supervisor
    chapters = {number: chapter.edition for number, chapter in read_chapters().items()}
    engine = f"Docker {now.engine}, {now.store}, cgroup v2, in a sandbox of its own for each submission"
    return {"docker": f"unix://{where.socket}", "engine": engine, "judges": judges(), "chapters": chapters}


def _tell(ward: Ward) -> None:
    """Say on stdout what there is to say of the Docker host."""
    try:
        said: Message = {"ready": bring_up(ward)}
    except (LabError, OSError) as error:
        said = {"failed": str(error)}
    print(json.dumps(said), flush=True)


def main() -> None:
    """Be the first process of a sandbox.

    Raises:
        SystemExit: anywhere else, where all that it does not know are other people's processes.
    """
    if os.getpid() != 1:
        sys.exit("This ends every process that it does not know: it is only for the first process of a container.")
    set_own(DUMPABLE, 0)
    place, seconds = sys.argv[1], float(sys.argv[2])
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(place)
        listener.listen(1)
        ward = Ward(dict(os.environ))
        threading.Thread(target=_tell, args=(ward,), daemon=True).start()
        serve(listener, Answers(ward), stdin=sys.stdin.fileno(), seconds=seconds)
    os._exit(0)


if __name__ == "__main__":
    main()
