"""Programs ended in every way: what they end with, that it is the same again, and that nothing is left."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from labkit import errors, sandbox
from labkit.daemon import Daemon
from labkit.host import Host
from labkit.inside import endings
from labkit.inside.actions import read_action
from labkit.inside.endings import WAYS, Way, measure_endings
from labkit.inside.events import Event
from labkit.inside.listening import Listener
from labkit.programs import run_program

KILLED = "docker kill: SIGKILL; exit code 137"
TWICE = "docker stop: {}; the daemon, after 3 s: SIGKILL; exit code 137"
MECHANISMS = {
    ("polite", "stop"): "docker stop: SIGTERM; heard TERM; finished; exit code 0",
    ("polite", "kill"): KILLED,
    ("polite", "kill -s INT"): "docker kill: SIGINT; heard INT; finished; exit code 0",
    ("polite", "--init, stop"): ("docker stop: SIGTERM; docker-init: SIGTERM; heard TERM; finished; exit code 0"),
    ("polite", "STOPSIGNAL INT"): "docker stop: SIGINT; heard INT; finished; exit code 0",
    ("polite", "stop -t 2"): "docker stop: SIGTERM; heard TERM; finished; exit code 0",
    ("deaf", "stop"): TWICE.format("SIGTERM"),
    ("deaf", "kill"): KILLED,
    ("deaf", "kill -s INT"): "docker kill: SIGINT; runs on",
    ("deaf", "--init, stop"): "docker stop: SIGTERM; docker-init: SIGTERM; exit code 143",
    ("deaf", "STOPSIGNAL INT"): TWICE.format("SIGINT"),
    ("deaf", "stop -t 2"): TWICE.format("SIGTERM").replace("3 s", "2 s"),
    ("stubborn", "stop"): TWICE.format("SIGTERM"),
    ("stubborn", "kill"): KILLED,
    ("stubborn", "kill -s INT"): "docker kill: SIGINT; runs on",
    ("stubborn", "--init, stop"): TWICE.format("SIGTERM; docker-init: SIGTERM"),
    ("stubborn", "STOPSIGNAL INT"): TWICE.format("SIGINT"),
    ("stubborn", "stop -t 2"): TWICE.format("SIGTERM").replace("3 s", "2 s"),
}
"""What happens on every engine, host and version of cgroups."""


@pytest.mark.daemon
@pytest.mark.usefixtures("nothing_left")
def test_endings_are_those_of_every_engine(daemon: Daemon, host: Host, world: str) -> None:
    """Three programs end in six ways by the mechanisms that are written down here, and those that wait wait at once."""
    begin = time.monotonic()
    found = measure_endings(daemon, host, ["polite", "deaf", "stubborn"], grace=3)
    took = time.monotonic() - begin
    assert {(it.program, it.way): it.mechanism for it in found} == MECHANISMS
    assert all((it.seconds is None) == (it.exit_code is None) for it in found)
    waited = [it.seconds for it in found if "the daemon, after 3 s: SIGKILL" in it.sent]
    assert all(seconds is not None and seconds >= 2.9 for seconds in waited)
    assert took < 3 * len(waited) + 30


@pytest.mark.daemon
@pytest.mark.usefixtures("nothing_left")
def test_nothing_is_left_of_an_interrupted_one(
    daemon: Daemon, host: Host, world: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C removes the containers at once, without waiting for their grace period, and is raised."""
    asked = threading.Event()
    listen = Listener.listen

    def interrupted(self: Listener) -> None:
        listen(self)
        if any(event.action == "kill" for name in self.names for event in self.told(name)):
            asked.set()
            raise KeyboardInterrupt

    monkeypatch.setattr(Listener, "listen", interrupted)
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        measure_endings(daemon, host, ["deaf"], [Way("stop", "stop"), Way("again", "stop")], grace=200)
    assert asked.is_set()
    assert time.monotonic() - begin < 60


@pytest.mark.daemon
@pytest.mark.usefixtures("nothing_left")
def test_one_that_fails_ends_all(daemon: Daemon, host: Host, world: str) -> None:
    """The error of a container that cannot be made is raised at once, and nothing is left of the others."""
    begin = time.monotonic()
    with pytest.raises(errors.SandboxError, match="SIGNONE"):
        measure_endings(daemon, host, ["deaf"], [WAYS[0], Way("x", "kill", stop_signal="SIGNONE")], grace=200)
    assert time.monotonic() - begin < 60


@pytest.mark.daemon
def test_a_missing_init_is_said(daemon: Daemon, host: Host, world: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the daemon has no docker-init the row says so, and the others are measured."""
    run = run_program

    def without(*words: Any, **options: Any) -> sandbox.Box:
        if options.get("init"):
            raise errors.SandboxError('exec: "docker-init": executable file not found in $PATH')
        return run(*words, **options)

    monkeypatch.setattr(endings, "run_program", without)
    found = measure_endings(daemon, host, ["deaf"], [WAYS[1], WAYS[3]])
    assert [str(it) for it in found] == [str(found.of("deaf", "kill")), "not tried"]
    assert found.of("deaf", WAYS[3].words).mechanism == "not tried: the daemon has no docker-init"
    assert found.of("deaf", "kill").exit_code == 137


def test_a_signal_that_is_told_twice_was_sent_once() -> None:
    """Of an engine that tells of a signal twice the second time does not count."""
    kills = [Event(second, "container", "kill", "web", signal=number) for second, number in enumerate((15, 15, 9, 9))]
    sent = endings._sent(read_action("stop"), 10, kills, init=True)
    assert sent == ("docker stop: SIGTERM", "docker-init: SIGTERM", "the daemon, after 10 s: SIGKILL")
