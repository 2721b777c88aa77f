"""What a running machine says of itself, in a file that its supervisor writes and everybody else of its user reads."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from typing import IO, Literal

from labkit.machine.places import Places

Phase = Literal["down", "starting", "up", "ending", "failed"]


@dataclass(frozen=True)
class State:
    """One machine.

    Attributes:
        phase: where it is in its life.
        why: what went wrong, where something did.
        supervisor: process id; the others are its children.
        kernel: process id of the user-mode kernel.
        network: process id of slirp4netns.
        port: of the host's loopback, where the daemon speaks TLS.
        store: which of the two stores holds the images.
        engine: the daemon's version.
        memory: bytes that the guest has.
        disk: bytes that its disk has.
        confined: the version of Landlock that holds the kernel process; 0 for none.
        mode: how the guest's processes are run, ``seccomp`` or ``ptrace``.
        since: when it was started, seconds since 1970.
        seconds: that it took until the daemon answered.
        owner: the process that it ends with; 0 for none.
        ports: what containers publish, such as ``8080/tcp`` → why this computer's loopback does not lead there;
            empty where it does.
        remedy: what to do about what went wrong, where that is known.
    """

    phase: Phase = "down"
    why: str = ""
    supervisor: int = 0
    kernel: int = 0
    network: int = 0
    port: int = 0
    store: str = ""
    engine: str = ""
    memory: int = 0
    disk: int = 0
    confined: int = 0
    mode: str = ""
    since: float = 0.0
    seconds: float = 0.0
    owner: int = 0
    ports: dict[str, str] = field(default_factory=dict)
    remedy: str = ""


def read(where: Places) -> State:
    """Return what the machine said last; ``down`` if nobody keeps it up any more, whatever it said."""
    try:
        said = json.loads((where.run / "state.json").read_bytes())
        found = State(**{known.name: said[known.name] for known in fields(State) if known.name in said})
    except (OSError, ValueError, TypeError):
        found = State()
    if found.phase in ("starting", "up", "ending") and not is_kept(where):
        return State(why="It ended without a word: it was killed, or the computer lost its power.")
    return found


def write(where: Places, state: State) -> None:
    """Write the file whole, for its owner alone."""
    new = where.run / "state.json.new"
    new.write_text(json.dumps(asdict(state), indent=1) + "\n")
    new.chmod(0o600)
    new.replace(where.run / "state.json")


def is_kept(where: Places) -> bool:
    """Tell whether a supervisor holds the machine's lock."""
    try:
        with open(where.run / "lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


@contextlib.contextmanager
def kept(where: Places, *, patience: float = 0.4) -> Iterator[IO[str]]:
    """Hold the machine's lock.

    Args:
        where: its folders.
        patience: seconds to try; who only looks has it for a moment.

    Raises:
        BlockingIOError: if another supervisor has it.
    """
    end = time.monotonic() + patience
    with open(os.open(where.run / "lock", os.O_RDWR | os.O_CREAT, 0o600), "w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)
        yield lock
