"""How programs end: each of several, in each of several ways, side by side, so that a grace period is waited for once.

What happened is told by the daemon's events and by the programs' own logs; both say the same on every engine.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait

from labkit import errors, sandbox
from labkit.daemon import Daemon
from labkit.host import Host
from labkit.inside.actions import Action, read_action
from labkit.inside.clocks import read_distance
from labkit.inside.events import Event
from labkit.inside.listening import Listener
from labkit.inside.numbers import signal_name
from labkit.inside.outcomes import WAYS as WAYS
from labkit.inside.outcomes import Ending as Ending
from labkit.inside.outcomes import Endings as Endings
from labkit.inside.outcomes import Way as Way
from labkit.inside.processes import read_process
from labkit.programs import ensure_program, run_program
from labkit.sandbox import Box, wait_until

INITS = ("docker-init", "tini")
"""What the first process is called that ``docker run --init`` puts in front of a program."""

WATCH = 5.0
"""Seconds after ``docker kill`` in which a program must have ended: otherwise it runs on."""

STARTS = 4
"""How many containers are started at the same time."""

EVERY = 0.2
"""Seconds between two times at which the daemon is asked what happened."""

PATIENCE = 20.0
"""Seconds for the daemon to tell of an end that ``docker stop`` has waited for."""


def measure_endings(
    daemon: Daemon,
    host: Host,
    programs: Sequence[str],
    ways: Sequence[Way] = WAYS,
    *,
    grace: int | None = None,
    watch: float = WATCH,
) -> Endings:
    """End each program in each way, all side by side: ``print(measure_endings(daemon, host, EIGHT))``.

    Args:
        daemon: where they run.
        host: its host.
        programs: names of ``labkit.programs``.
        ways: how to end them.
        grace: seconds until SIGKILL where the way says none; default Docker's own ten.
        watch: seconds after ``docker kill`` in which a program must have ended.

    Raises:
        SandboxError: if a container cannot be started or ended; nothing is left of any.
    """
    for program in dict.fromkeys(programs):
        ensure_program(daemon, program)
    series = _Series(daemon, host, grace, watch)
    cases = [(program, way) for program in programs for way in ways]
    first = sorted(cases, key=lambda case: -(series.granted(case[1]) or 0))  # who waits long begins early
    with ThreadPoolExecutor(max(1, len(cases))) as pool:
        try:
            started = {case: pool.submit(series.measure, *case) for case in first}
            series.listen(started.values())
        finally:  # where one failed, or somebody interrupted: nobody waits for a grace period
            pool.shutdown(wait=False, cancel_futures=True)
            series.end()
    return Endings(tuple(started[case].result() for case in cases))


class _Series:
    """The containers of one table, and what the daemon tells of them."""

    def __init__(self, daemon: Daemon, host: Host, grace: int | None, watch: float) -> None:
        self.daemon, self.host, self.grace, self.watch = daemon, host, grace, watch
        self.label = (f"{sandbox.LABEL}.endings", secrets.token_hex(4))
        self.listener = Listener(daemon, "=".join(self.label), read_distance(host, daemon).seconds)
        self.starting = threading.Semaphore(STARTS)
        self.over = threading.Event()
        self.boxes: list[Box] = []

    def listen(self, started: Collection[Future[Ending]]) -> None:
        """Listen until all have been measured; raise the error of the first that fails."""
        left = set(started)
        while left:
            done, left = wait(left, EVERY, "FIRST_EXCEPTION")
            for one in done:
                one.result()
            self.listener.listen()

    def end(self) -> None:
        """Remove what is still there."""
        self.over.set()
        for box in [*self.boxes]:
            box.remove()

    def granted(self, way: Way) -> int | None:
        """The seconds that a way grants, in this series."""
        action = read_action(way.action)
        if action.verb == "stop" and action.grace is None and self.grace is not None:
            return self.grace
        return action.granted({})

    def measure(self, program: str, way: Way) -> Ending:
        """Run a program, end it, and tell how that went."""
        marks = {self.label[0]: self.label[1]}
        try:
            with self.starting:
                self._check()
                name = f"{sandbox.LABEL}-ending-{secrets.token_hex(6)}"  # so many at once: four digits would collide
                box = run_program(self.daemon, program, name=name, labels=marks, network_mode="none", **way.options)
        except errors.SandboxError as error:
            if way.init and INITS[0] in str(error):
                return Ending(program, way.words, None, None, (), remark="not tried: the daemon has no docker-init")
            raise
        with box:
            self.boxes.append(box)
            self._check()
            found = self._end(box, program, way)
            self.boxes.remove(box)
            return found

    def _check(self) -> None:
        if self.over.is_set():
            raise errors.SandboxError("The measurement has been interrupted.", "Measure again.")

    def _end(self, box: Box, program: str, way: Way) -> Ending:
        action, grace = read_action(way.action), self.granted(way)
        init = way.init and read_process(self.host, box.pid).name in INITS
        action.perform(box, grace)
        told = self._wait(box, self.watch if action.verb == "kill" else None)
        kills = [event for event in told if event.action == "kill"]
        died = next((event for event in told if event.action == "die"), None)
        return Ending(
            program,
            way.words,
            seconds=max(0.0, died.seconds - kills[0].seconds) if died and kills else None,
            exit_code=died.exit_code if died else None,
            sent=_sent(action, grace, kills, init=init),
            log=tuple(re.findall(r"^\w+: (?:heard \w+|finished)", box.logs(), re.MULTILINE)),
        )

    def _wait(self, box: Box, watch: float | None) -> list[Event]:
        """Wait until the daemon has told of the end, at most ``watch`` seconds; return what it told."""
        end = time.monotonic() + (PATIENCE if watch is None else watch)

        def told() -> bool:
            actions = {event.action for event in self.listener.told(box.name)}
            late = watch is not None and time.monotonic() > end
            return actions >= {"kill", "die"} or late or self.over.is_set()

        wait_until(told, f"the daemon tells of the end of {box.name}", deadline=PATIENCE + (watch or 0))
        self._check()
        return self.listener.told(box.name)


def _sent(action: Action, grace: int | None, kills: Sequence[Event], *, init: bool) -> tuple[str, ...]:
    """Say who sent which signal; an engine may tell of one twice."""
    names = dict.fromkeys(signal_name(event.signal or 0) for event in kills)
    sent = []
    for number, name in enumerate(names):
        sent.append(f"the daemon, after {grace} s: {name}" if number else f"docker {action.verb}: {name}")
        if init and name != "SIGKILL":  # which reaches nobody but the first process; the kernel ends the others with it
            sent.append(f"{INITS[0]}: {name}")
    return tuple(sent)
