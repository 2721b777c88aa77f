"""What happens to a container when something is done to it: the daemon's events, the program's log, ``/proc``.

All three are put on one clock, that of the daemon's host, and told in seconds since the asking.
"""

from __future__ import annotations

import contextlib
import datetime
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from labkit import errors
from labkit.host import Host
from labkit.inside.actions import Action, Doing, read_action
from labkit.inside.clocks import Distance, read_distance
from labkit.inside.events import Event, read_told
from labkit.inside.life import MEMORY
from labkit.inside.moments import Moment, Timeline
from labkit.inside.numbers import signal_name
from labkit.inside.policy import read_policy
from labkit.inside.watching import Watch, look
from labkit.sandbox import Box, wait_until

PACE = 0.001
"""Seconds between two looks: short against all that a signal does, and little work for a processor."""


def timeline(
    box: Box,
    action: str | Callable[[], object],
    *,
    host: Host,
    grace: int | None = None,
    watch: float = 1.0,
    words: str = "",
) -> Timeline:
    """Do something to a running container, and tell what happened: ``print(timeline(web, "stop", host=host))``.

    It is watched until its first process has ended, or ``watch`` seconds after the action has returned.

    Args:
        box: the container.
        action: ``"stop"``, ``"stop -t 2"``, ``"kill"``, ``"kill -s INT"``, ``"pause"``, ``"unpause"``, ``"restart"``,
            or a function that does something else: ``lambda: web.sh("kill -TERM 1")``.
        host: the daemon's host.
        grace: for ``stop`` and ``restart``: seconds until SIGKILL, as with ``-t``.
        watch: seconds.
        words: what to call the function.

    Raises:
        SandboxError: if the container does not run, or the daemon refuses the action.
        LabError: if the action is none.
    """
    return _tell_all([box], _read(action, grace, words), host, watch)[0]


def timelines(
    boxes: Mapping[str, Box], action: str, *, host: Host, grace: int | None = None, watch: float = 1.0
) -> dict[str, Timeline]:
    """Do the same to several running containers at the same time; return a timeline for each, with its name here.

    Args:
        boxes: the containers, by name.
        action: the words of ``timeline``.
        host: the daemon's host.
        grace, watch: as for ``timeline``.

    Raises:
        SandboxError: if one of them does not run, or the daemon refuses the action.
        LabError: if the action is none.
    """
    told = _tell_all([*boxes.values()], _read(action, grace, ""), host, watch)
    return {name: replace(one, name=name) for name, one in zip(boxes, told, strict=True)}


def _tell_all(boxes: Sequence[Box], action: Action, host: Host, watch: float) -> list[Timeline]:
    found = [box.inspect() for box in boxes]
    watches = [_watch(box, facts, host) for box, facts in zip(boxes, found, strict=True)]
    distance = read_distance(host, boxes[0].daemon) if boxes else Distance()
    doings = [Doing(box, action, action.granted(facts["Config"])) for box, facts in zip(boxes, found, strict=True)]
    look(host, watches)
    for doing in doings:
        doing.start()
    _observe(host, watches, doings, watch)
    return [_tell(*one, distance) for one in zip(found, watches, doings, strict=True)]


def _observe(host: Host, watches: Sequence[Watch], doings: Sequence[Doing], seconds: float) -> None:
    """Look until each has ended, or ``seconds`` after what was done to it."""
    pairs = list(zip(watches, doings, strict=True))
    while pairs:
        look(host, [watch for watch, _ in pairs])
        pairs = [pair for pair in pairs if not (pair[0].gone or pair[1].over_since(seconds))]
        time.sleep(PACE)
    for doing in doings:
        doing.join()


def _read(action: str | Callable[[], object], grace: int | None, words: str) -> Action:
    if callable(action):
        return Action(
            words or getattr(action, "__name__", "").replace("<lambda>", "") or "something else", "", deed=action
        )
    return read_action(action if grace is None else f"{action} -t {grace}")


def _watch(box: Box, found: dict[str, Any], host: Host) -> Watch:
    """Begin to watch a container that runs."""
    with contextlib.suppress(errors.PathMissing):
        if (pid := int(found["State"]["Pid"])) and not (watch := Watch(host, pid)).gone:
            return watch
    raise errors.SandboxError(f"{box.name} does not run.", "Start it first, and wait until it is ready.")


def _tell(found: dict[str, Any], watched: Watch, doing: Doing, distance: Distance) -> Timeline:
    """Put together what was seen, with what the daemon and the log tell."""
    box, remarks = doing.box, _remarks(found, watched, doing)
    zero = doing.asked + distance.seconds
    since = watched.started + distance.seconds - distance.within  # rather one event too many than one too few
    expected = {"die"} if watched.gone else set()
    events = _events(box, since, expected | doing.action.tells, remarks)
    codes = [event.exit_code for event in events if event.action == "die"]
    moments = [
        Moment(0.0, "asked", doing.action.words),
        Moment(doing.returned - doing.asked, "asked", f"{doing.action.words} returns"),
        *watched.moments(doing.asked),
        *(Moment(event.seconds - zero, "daemon", describe(event)) for event in events),
        *_log(box, zero, since, remarks),
    ]
    return Timeline(
        name=box.name,
        action=doing.action.words,
        moments=tuple(sorted(moments, key=lambda moment: moment.seconds)),
        tracks=watched.tracks(doing.asked),
        grace=doing.grace,
        resolution=watched.resolution + distance.within,
        exit_code=codes[0] if watched.gone and codes else None,
        remarks=tuple(remarks),
    )


def _remarks(found: dict[str, Any], watched: Watch, doing: Doing) -> list[str]:
    """Say what a reader of the timeline must know; raise what went wrong, unless it is the end that was wished."""
    remarks = []
    if doing.failure:
        if not (doing.action.deed and watched.gone):  # who asks from inside ends together with the first process
            raise doing.failure
        remarks.append(f"{doing.action.words} itself ended with: {getattr(doing.failure, 'problem', doing.failure)}")
    if not watched.group:
        remarks.append("Its cgroup is not seen from here: only its first process was watched.")
    policy = read_policy(found).name
    if watched.gone and (policy != "no" or doing.action.verb == "restart"):
        why = f"with the restart policy {policy!r}" if policy != "no" else "after a restart"
        remarks.append(f"What runs {why} are other processes, which were not watched.")
    return remarks


# --- What others tell ----------------------------------------------------------------------------------------

PATIENCE = 10.0
"""Seconds for the daemon to tell of an end that was seen."""


def _events(box: Box, since: float, expected: set[str], remarks: list[str]) -> list[Event]:
    """Read what the daemon told since the watch began; of an end that was seen it tells a little later."""

    def told() -> list[Event]:
        found = [event for event in read_told(box.daemon, box.id) if not event.action.startswith("exec_")]
        return [event for event in found if event.seconds >= since]

    try:
        wait_until(lambda: {event.action for event in told()} >= expected, "it is told", deadline=PATIENCE)
    except errors.SandboxError:
        missing = " and no ".join(sorted(expected - {event.action for event in told()}))
        remarks.append(
            f"The daemon tells of no {missing}: of all that happens to all it has, it keeps {MEMORY} events."
        )
    return told()


def describe(event: Event) -> str:
    """Return an event in words: ``"kill with SIGTERM"``, ``"die with exit code 0"``, ``"stop"``."""
    if event.signal is not None and event.action == "kill":
        return f"kill with {signal_name(event.signal)}"
    return event.action if event.exit_code is None else f"{event.action} with exit code {event.exit_code}"


def _log(box: Box, zero: float, since: float, remarks: list[str]) -> list[Moment]:
    """Read the lines that were logged since the watch began, with the times at which the daemon got them."""
    try:
        text = bytes(box.daemon.client.api.logs(box.id, timestamps=True, since=int(since)))
    except OSError as error:  # docker-py's APIError is one: some log drivers only send away what they get
        remarks.append(f"Its log cannot be read: {getattr(error, 'explanation', '') or error}.")
        return []
    lines = [read_line(line) for line in text.decode(errors="replace").split("\n") if line]
    return [Moment(at - zero, "log", words) for at, words in lines if at >= since]


def read_line(line: str) -> tuple[float, str]:
    """Read a line of ``docker logs -t``: when it was logged, in seconds since 1970, and what it says.

    Raises:
        ValueError: if it does not begin with a time.
    """
    at, _, words = line.partition(" ")
    return datetime.datetime.fromisoformat(at).timestamp(), words.rstrip("\r")
