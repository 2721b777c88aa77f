"""Timelines of real containers, compared with docker events and with signals sent by hand, and one of a fake clock."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import signal
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit import errors, images, sandbox
from labkit.daemon import Daemon
from labkit.host import Host
from labkit.hosts import is_local
from labkit.inside.events import Event, read_told
from labkit.inside.moments import Timeline
from labkit.inside.timelines import PACE, describe, read_line, timeline, timelines
from labkit.inside.watching import Watch, look
from labkit.local import LocalHost
from labkit.programs import run_program
from labkit.sandbox import Box, wait_until
from tests.inside.fakeproc import add_process
from tests.oracles import docker

AHEAD = 3600.0
"""Seconds that the fake daemon's clock is ahead of ours."""


class FakeBox:
    """A container on a computer whose clock is an hour ahead: a folder plays its host."""

    name = id = "web"

    def __init__(self, root: Path, policy: str = "no") -> None:
        self.root, self.policy, self.told = root, policy, list[dict[str, Any]]()
        self.daemon = self.client = self.api = self

    def inspect(self) -> dict[str, Any]:
        """Tell what docker inspect tells."""
        host = {"RestartPolicy": {"Name": self.policy}}
        return {"Config": {}, "HostConfig": host, "State": {"Pid": 70}}

    def info(self) -> dict[str, str]:
        """Tell the time there."""
        there = datetime.datetime.fromtimestamp(time.time() + AHEAD, datetime.UTC)
        return {"SystemTime": there.isoformat().replace("+00:00", "000Z")}

    def tell(self, action: str, **attributes: str) -> None:
        """Keep an event, with the time there."""
        at = int((time.time() + AHEAD) * 1e9)
        event = {"Type": "container", "Action": action, "timeNano": at, "Actor": {"Attributes": attributes}}
        self.told.append(event)

    def stop(self, _: str, grace: int) -> None:
        """End the process."""
        assert grace == 10
        self.tell("kill", signal="15")
        shutil.rmtree(self.root / "proc/70")
        self.tell("die", exitCode="3")

    def events(self, **_: object) -> list[bytes]:
        """Tell all events, and one of long ago."""
        old = {"Type": "container", "Action": "start", "timeNano": 1}
        return [json.dumps(event).encode() + b"\n" for event in (old, *self.told)]

    def logs(self, _: str, *, timestamps: bool, since: int) -> bytes:
        """Tell a line of now, and one of long ago."""
        assert timestamps
        assert abs(since - time.time() - AHEAD) < 60
        return f"2020-01-01T00:00:00.000000000Z ready\n{self.info()['SystemTime']} bye now\r\n".encode()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A host with one container's process."""
    add_process(tmp_path, 70, 9, b"sh", inside="1")
    return tmp_path


def test_another_clock_is_put_right(root: Path) -> None:
    """What a daemon tells whose clock is an hour ahead stands between our asking and its return."""
    box: Any = FakeBox(root)
    line = timeline(box, "stop", host=LocalHost(root))
    told = {moment.words: moment.seconds for moment in line.moments}
    assert told.keys() == {
        "docker stop",
        "docker stop returns",
        "kill with SIGTERM",
        "die with exit code 3",
        "PID 1 is gone",
        "bye now",
    }
    for words in ("kill with SIGTERM", "die with exit code 3"):
        assert -line.resolution <= told[words] <= told["docker stop returns"] + line.resolution
    assert 0 < line.resolution < 1
    assert (line.exit_code, line.signals, line.grace) == (3, ("SIGTERM",), 10)
    assert "cgroup is not seen" in line.remarks[0]


def test_a_policy_is_said(root: Path) -> None:
    """Of a container with a restart policy only the process that was there is told, and that is said."""
    box: Any = FakeBox(root, "always")
    assert "restart policy 'always'" in timeline(box, "stop", host=LocalHost(root)).remarks[-1]


def test_what_a_daemon_forgot_is_said(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the daemon tells neither of the signal nor of the end, the timeline says so and has no exit code."""
    box: Any = FakeBox(root)
    box.events = lambda **_: []
    monkeypatch.setattr("labkit.inside.timelines.PATIENCE", 0.1)
    line = timeline(box, "stop", host=LocalHost(root))
    assert line.remarks[-1].startswith("The daemon tells of no die and no kill: ")
    assert line.exit_code is None


def test_events_have_words() -> None:
    """An event is said with its signal or exit code, where it has one."""
    facts = {"seconds": 1.0, "kind": "container", "name": "web"}
    assert describe(Event(action="kill", signal=15, **facts)) == "kill with SIGTERM"  # type: ignore[arg-type]
    assert describe(Event(action="die", exit_code=0, **facts)) == "die with exit code 0"  # type: ignore[arg-type]
    assert describe(Event(action="stop", **facts)) == "stop"  # type: ignore[arg-type]


def test_lines_have_times() -> None:
    """A line of docker logs -t is a time of nanoseconds and whatever is behind the first blank."""
    at, words = read_line("2026-01-02T03:04:05.678901234Z two  words\r")
    assert (round(at, 6), words) == (1767323045.678901, "two  words")
    assert read_line("2026-01-02T03:04:05Z ") == (1767323045, "")
    with pytest.raises(ValueError, match="ready"):
        read_line("ready")


# --- Real ones --------------------------------------------------------------------------------------------

ALONE: dict[str, Any] = {"network_mode": "none"}


@pytest.fixture
def polite(daemon: Daemon, world: str) -> Iterator[Box]:
    """A program that finishes on TERM."""
    with run_program(daemon, "polite", **ALONE) as box:
        yield box


@pytest.fixture
def deaf(daemon: Daemon, world: str) -> Iterator[Box]:
    """A program without handlers."""
    with run_program(daemon, "deaf", **ALONE) as box:
        yield box


def by_the_cli(box: Box, *words: str) -> tuple[list[float], Any]:
    """A command of the docker CLI, and the place for the instants between which it ran."""
    instants: list[float] = []

    def command() -> None:
        instants.append(time.time())
        docker(*words, box.name)
        instants.append(time.time())

    return instants, command


@pytest.mark.daemon
def test_instants_are_those_of_docker_events(daemon: Daemon, host: Host, deaf: Box) -> None:
    """Each instant that docker events prints is in the timeline, as far from the asking as it says it can tell."""
    if not is_local(daemon):
        pytest.skip("this test compares our own clock with the daemon's")
    instants, command = by_the_cli(deaf, "stop", "-t", "1")
    line = timeline(deaf, command, host=host, words="docker stop")
    until = docker("info", "--format", "{{.SystemTime}}")
    chosen = ["--filter", f"container={deaf.id}", "--since", str(int(instants[0])), "--until", until]
    printed = docker("events", *chosen, "--format", "{{.TimeNano}} {{.Action}}").splitlines()
    expected = [(int(at) / 1e9 - instants[0], action) for at, action in map(str.split, printed)]
    expected = [(at, action) for at, action in expected if at > 0]
    told = [(it.seconds, it.words.split()[0]) for it in line.moments if it.source == "daemon"]
    assert [action for _, action in told] == [action for _, action in expected]
    assert {"kill", "die", "stop"} == {action for _, action in told}
    shift = told[0][0] - expected[0][0]  # from the asking to the command's own first instruction
    assert abs(shift) < 10
    assert all(abs(at + shift - it) <= line.resolution for (at, _), (it, _) in zip(expected, told, strict=True))
    assert line.exit_code == 137 == deaf.inspect()["State"]["ExitCode"]
    assert line.signals == ("SIGTERM", "SIGKILL")


@pytest.mark.daemon
def test_a_state_is_seen_within_what_it_says(daemon: Daemon, host: Host, deaf: Box) -> None:
    """The instant at which we stop and continue a process by hand lies in the time that the timeline gives for it."""
    if not is_local(daemon):
        pytest.skip("this test signals a process on the daemon's host by itself")
    late = 0.5  # a busy processor may let a process run on for a while before it takes the signal
    for number, words in ((signal.SIGSTOP, "PID 1 is stopped"), (signal.SIGCONT, "PID 1 runs again")):
        instants: list[float] = []

        def send(number: int = number, instants: list[float] = instants, pid: int = deaf.pid) -> None:
            instants.append(time.time())
            os.kill(pid, number)
            instants.append(time.time())

        line = timeline(deaf, send, host=host, watch=0.3)
        [seen] = [it for it in line.moments if it.source == "state"]
        assert seen.words == words
        assert seen.seconds - seen.within <= instants[1] - instants[0] + late
        assert seen.seconds >= 0
        assert line.exit_code is line.ended is None


def order(line: Timeline) -> list[str]:
    """The words of what was seen and logged, in order."""
    return [moment.words for moment in line.moments if moment.source in ("state", "log")]


@pytest.mark.daemon
def test_a_polite_program_ends_at_once(host: Host, polite: Box) -> None:
    """On TERM the polite program says that it heard it, finishes, and is gone long before the grace ends."""
    line = timeline(polite, "stop", host=host)
    words = {moment.words for moment in line.moments}
    assert {"docker stop", "kill with SIGTERM", "polite: heard TERM", "polite: finished", "PID 1 is gone"} <= words
    assert line.exit_code == 0
    assert line.ended is not None
    assert line.grace == 10
    assert 0 < line.ended < 10
    assert (line.signals, line.remarks) == (("SIGTERM",), ())
    assert (line.tracks[0].pid, line.tracks[0].name) == (1, "polite")
    assert line.tracks[0].spans[-1].end == pytest.approx(line.ended, abs=line.resolution)


@pytest.mark.daemon
def test_the_end_is_before_the_daemon_tells_it(host: Host, deaf: Box) -> None:
    """The process is gone, by what was seen, after SIGKILL was asked for and before the daemon tells that it died."""
    line = timeline(deaf, "kill", host=host)
    [gone] = [moment for moment in line.moments if moment.words == "PID 1 is gone"]
    [died] = [moment for moment in line.moments if moment.words == "die with exit code 137"]
    assert gone.seconds >= 0
    assert gone.seconds - gone.within <= died.seconds
    assert line.ended == min(gone.seconds, died.seconds)


@pytest.mark.daemon
def test_pause_freezes_without_a_signal(host: Host, polite: Box) -> None:
    """A paused container is frozen, runs again when it is unpaused, and gets no signal for it."""
    paused = timeline(polite, "pause", host=host, watch=0.2)
    again = timeline(polite, "unpause", host=host, watch=0.2)
    assert order(paused) == ["PID 1 is frozen"]
    assert order(again) == ["PID 1 runs again"]
    assert paused.tracks[0].states == again.tracks[0].states[::-1] == ("alive", "frozen")
    assert paused.signals == again.signals == ()
    assert paused.exit_code is None


@pytest.mark.daemon
def test_one_can_ask_from_inside(host: Host, polite: Box) -> None:
    """A function may do what it likes: a TERM from inside ends the polite program, with no event of a signal."""
    line = timeline(polite, lambda: polite.sh("kill -TERM 1"), host=host, words="kill -TERM 1, inside")
    assert line.moments[0].words == "kill -TERM 1, inside"
    assert "polite: heard TERM" in order(line)
    assert (line.exit_code, line.signals) == (0, ())


@pytest.mark.daemon
def test_what_fails_is_raised(host: Host, polite: Box) -> None:
    """An action that the daemon refuses, and one that fails by itself, are errors of the timeline."""
    with pytest.raises(errors.SandboxError, match=r"docker unpause .* is not paused"):
        timeline(polite, "unpause", host=host)
    with pytest.raises(ZeroDivisionError):
        timeline(polite, lambda: 1 // 0, host=host)
    with pytest.raises(errors.LabError, match="'rm' is not an action"):
        timeline(polite, "rm", host=host)


@pytest.mark.daemon
def test_who_does_not_run_has_no_timeline(daemon: Daemon, host: Host, world: str) -> None:
    """A container that has not been started, or is gone, is refused."""
    with sandbox.create(images.ensure(daemon), "sleep 9") as box, pytest.raises(errors.SandboxError, match="not run"):
        timeline(box, "stop", host=host)
    with pytest.raises(errors.SandboxError, match="is gone"):
        timeline(box, "stop", host=host)


@pytest.mark.daemon
def test_a_terminal_is_read_too(daemon: Daemon, host: Host, world: str) -> None:
    """Lines of a container with a terminal come without the return that ends them."""
    with run_program(daemon, "polite", tty=True, **ALONE) as box:
        line = timeline(box, "stop", host=host)
    assert {"polite: heard TERM", "polite: finished"} <= set(order(line))


@pytest.mark.daemon
def test_a_container_without_a_log_has_a_timeline(daemon: Daemon, host: Host, world: str) -> None:
    """Where the daemon keeps no log the timeline says so, and has the rest."""
    nowhere = {"Type": "none"}
    with sandbox.run(images.ensure(daemon), "echo x; sleep 99", log_config=nowhere, **ALONE) as box:
        line = timeline(box, "kill", host=host)
    assert line.exit_code == 137
    assert [moment for moment in line.moments if moment.source == "log"] == []
    assert line.remarks[0].startswith("Its log cannot be read")


@pytest.mark.daemon
def test_what_follows_a_restart_is_not_watched(host: Host, polite: Box) -> None:
    """The track of the first process ends with it, and the timeline says that another one runs."""
    before = polite.pid
    line = timeline(polite, "restart -t 5", host=host)
    wait_until(lambda: polite.pid not in (0, before), "it runs again")
    assert line.exit_code == 0
    assert line.tracks[0].spans[-1].end < line.moments[-1].seconds
    assert line.remarks == ("What runs after a restart are other processes, which were not watched.",)


@pytest.mark.daemon
def test_several_are_stopped_at_the_same_time(daemon: Daemon, host: Host, polite: Box, deaf: Box) -> None:
    """The second is asked before the first has ended; each timeline has the name that it was given."""
    lines = timelines({"a": deaf, "b": polite}, "stop", grace=2, host=host)
    assert [(line.name, line.exit_code, line.grace) for line in lines.values()] == [("a", 137, 2), ("b", 0, 2)]
    assert lines["a"].ended is not None
    assert lines["a"].ended >= 2
    told = {(box.name, event.action): event.seconds for box in (deaf, polite) for event in read_told(daemon, box.id)}
    assert told[polite.name, "kill"] < told[deaf.name, "die"]
    assert timelines({}, "stop", host=host) == {}


@pytest.mark.daemon
def test_timelines_are_as_exact_as_looks_are_quick(daemon: Daemon, host: Host, deaf: Box) -> None:
    """Half of the timelines are exact to a few times what one look takes; `make bench` has the milliseconds."""
    watch, looks, exact = Watch(host, deaf.pid), [], []
    for _ in range(50):
        begin = time.monotonic()
        look(host, [watch])
        looks.append(time.monotonic() - begin + PACE)
    for number in range(8):
        line = timeline(deaf, "kill -s STOP" if number % 2 == 0 else "kill -s CONT", host=host, watch=0.1)
        exact.append(line.resolution)
    assert statistics.median(exact) <= 20 * statistics.median(looks)
