"""The life of a container: every kind of events, forgotten ones, and real lives compared with inspect and events."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit import images, sandbox
from labkit.daemon import Daemon
from labkit.errors import SandboxError
from labkit.inside.events import Event
from labkit.inside.life import MEMORY, STATES, Life, follow_life, read_life
from labkit.sandbox import Box, wait_until
from tests.oracles import docker


def told(words: str, name: str = "web") -> list[Event]:
    """Events one after the other; a number behind the colon is the exit code of ``die``, the signal of ``kill``."""
    events = []
    for second, word in enumerate(words.split()):
        action, _, number = word.partition(":")
        code = int(number) if action == "die" else None
        events.append(Event(second, "container", action, name, code, int(number) if action == "kill" else None))
    return events


def found(status: str, code: int = 0, policy: str = "no", most: int = 0) -> dict[str, Any]:
    """What docker inspect says, as far as it matters here."""
    document = {"HostConfig": {"RestartPolicy": {"Name": policy, "MaximumRetryCount": most}}}
    return document | {"State": {"Status": status, "ExitCode": code}}


GONE: dict[str, Any] = {}

# Events in the order in which engine 20.10 tells them (28.5 where they are "told first"), what docker inspect says
# then, and the states in between.
LIVES: dict[str, tuple[str, dict[str, Any], str]] = {
    "run --rm": ("create attach start die:5 destroy", GONE, "created running exited removed"),
    "stop": ("create start kill:15 kill:9 die:137 stop", found("exited", 137), "created running exited"),
    "stop, told first": ("create start kill:15 kill:9 stop die:137", found("exited", 137), "created running exited"),
    "always, stopped, told first": (
        "create start kill:3 stop die:0 start",
        found("running", 0, "always"),
        "created running exited running",
    ),
    "restart": (
        "create start kill:15 kill:9 die:137 stop start restart",
        found("running"),
        "created running exited running",
    ),
    "kill a paused one": ("create start pause kill:9 die:137", found("exited", 137), "created running paused exited"),
    "stop a paused one": (
        "create start pause kill:15 unpause kill:9 die:137 stop",
        found("exited", 137),
        "created running paused running exited",
    ),
    "another signal": ("create start kill:10 kill:9 die:137", found("exited", 137), "created running exited"),
    "rm -f": ("create start kill:9 die:137 destroy", GONE, "created running exited removed"),
    "no such program": ("create", found("created", 127), "created"),
    "on-failure:2": (
        "create start die:3 start die:3 start die:3",
        found("exited", 3, "on-failure", 2),
        "created running restarting running restarting running exited",
    ),
    "always": (
        "create start die:3 start die:3",
        found("restarting", 3, "always"),
        "created running restarting running restarting",
    ),
    "always, stopped between": (
        "create start die:3 stop",
        found("exited", 3, "always"),
        "created running restarting exited",
    ),
    "always, stopped": (
        "create start kill:15 die:143 stop",
        found("exited", 143, "always"),
        "created running exited",
    ),
    "always, killed and started": (
        "create start kill:9 die:137 start",
        found("running", 0, "always"),
        "created running exited running",
    ),
    "always, killed between": (
        "create start die:3",
        found("exited", 3, "always"),
        "created running exited",
    ),
}


@pytest.mark.parametrize(("events", "document", "states"), LIVES.values(), ids=LIVES)
def test_events_lead_to_states(events: str, document: dict[str, Any], states: str) -> None:
    """The states of a life follow from its events and its restart policy."""
    life = follow_life("web", told(events), document)
    assert [move.step.after for move in life.moves] == states.split()
    assert life.state == states.split()[-1] == (document or {"State": {"Status": "removed"}})["State"]["Status"]
    assert life.whole


@pytest.mark.parametrize(
    ("events", "document", "code"),
    [
        ("create start", found("running"), None),
        ("create start die:3", found("exited", 3), 3),
        ("create start die:3 start die:0 destroy", GONE, 0),
        ("create destroy", GONE, None),
        ("create", found("created", 127), 127),
        ("create", found("created"), None),
        ("", found("exited", 4), 4),
        ("", GONE, None),
    ],
)
def test_the_exit_code_is_the_last_one(events: str, document: dict[str, Any], code: int | None) -> None:
    """The exit code is that of docker inspect, and of the last die once the container is gone."""
    assert follow_life("web", told(events), document).exit_code == code


SENTENCES = [
    (
        "create start kill:15 kill:9 die:137 stop",
        found("exited", 137),
        "web: create → created; start → running; kill with SIGTERM, SIGKILL; die with exit code 137 → exited.",
    ),
    (
        "create start oom die:137 destroy",
        GONE,
        "web: create → created; start → running; oom; die with exit code 137 → exited; destroy → removed.",
    ),
    ("create", found("created", 127), "web: create → created. Its start failed with exit code 127."),
    ("create", found("dead", 0), "web: create → created; no event → dead."),
    (
        "",
        found("exited", 3),
        "web is exited with exit code 3. The daemon, which keeps 256 events, has forgotten what happened to it.",
    ),
    (
        "rename",
        found("running"),
        "web is running. The daemon, which keeps 256 events, has forgotten what happened to it.",
    ),
    (
        "unpause die:0",
        found("exited"),
        "web: unpause → running; die with exit code 0 → exited. "
        "The daemon, which keeps 256 events, has forgotten its beginning.",
    ),
]


@pytest.mark.parametrize(("events", "document", "sentence"), SENTENCES)
def test_a_life_says_itself(events: str, document: dict[str, Any], sentence: str) -> None:
    """A life in words has every change of state with its event, its causes, and what is forgotten."""
    assert str(follow_life("web", told(events), document)) == sentence


def test_a_long_life_is_said_briefly() -> None:
    """Of many moves the first and the last are said, and the others counted."""
    life = follow_life("web", told("create start" + " pause unpause" * 20), found("running"))
    assert len(life.moves) == 42
    assert life.listed(5) == ["1  create → created", "2  start → running", "  … 38 more …", *life.listed(42)[-2:]]
    assert str(life).count(";") == 11


def test_what_is_beside_the_life_is_left_out() -> None:
    """Neither executed commands nor events of other kinds are steps."""
    events = [*told("create start exec_create exec_start exec_die"), Event(9, "network", "connect", "bridge")]
    assert [step.action for step in follow_life("web", events, found("running")).steps] == ["create", "start"]


def test_a_life_has_the_last_name() -> None:
    """After a rename the life has the new name."""
    assert follow_life("web", [*told("create"), *told("rename", "shop")], found("created")).name == "shop"


ACTIONS = "create start die:1 kill:9 kill:15 stop restart pause unpause destroy rename oom top"


@given(
    st.lists(st.sampled_from(ACTIONS.split()), max_size=30),
    st.sampled_from(STATES[:-1]),
    st.sampled_from(["no", "always", "on-failure"]),
)
def test_any_events_are_a_life(actions: list[str], status: str, policy: str) -> None:
    """Whatever is told in whatever order, each step begins where the last one ended, and the last where it is."""
    life = follow_life("web", told(" ".join(actions)), found(status, 1, policy))
    assert all(before.after == after.before for before, after in pairwise(life.steps))
    assert life.state in ({status} if "destroy" not in actions else {status, "removed"})
    assert not life.steps or life.steps[-1].after == life.state
    assert str(life).startswith("web")


class Hurried:
    """A container that ends between two looks at it."""

    name = id = "web"

    def __init__(self) -> None:
        self.daemon: Any = self
        self.client = self.api = self
        self.looks = 0

    def inspect(self) -> dict[str, Any]:
        """Run, and have ended at the second look."""
        self.looks += 1
        return found("running") if self.looks == 1 else found("exited", 3)

    def info(self) -> dict[str, str]:
        """Tell the time."""
        return {"SystemTime": "2026-01-02T03:04:05.678901234Z"}

    def events(self, *, until: float, **_: object) -> list[bytes]:
        """Tell the end once it was seen, and not before."""
        lines = [{"Action": "create"}, {"Action": "start"}]
        if self.looks > 1:
            lines.append({"Action": "die", "Actor": {"Attributes": {"exitCode": "3"}}})  # type: ignore[dict-item]
        assert until == pytest.approx(1767323045.678901)
        return [json.dumps({"Type": "container", "timeNano": 1, **line}).encode() + b"\n" for line in lines]


def test_one_that_changes_is_looked_at_again() -> None:
    """State and events are of the same moment, also when the container ends just then."""
    hurried: Any = Hurried()
    life = read_life(hurried)
    assert [step.action for step in life.steps] == ["create", "start", "die"]
    assert (life.state, hurried.looks) == ("exited", 3)


# --- Real ones --------------------------------------------------------------------------------------------


@pytest.fixture
def box(daemon: Daemon, world: str) -> Iterator[Box]:
    """A container that is created, and ends at once when it is asked to."""
    with sandbox.create(images.ensure(daemon), "sleep 600", stop_signal="SIGKILL") as box:
        yield box


def status(box: Box) -> str:
    """What docker inspect says."""
    return docker("inspect", "--format", "{{.State.Status}}", box.id)


COMMANDS = "start pause unpause kill start restart stop"
LED_TO = "created running paused running exited running running exited"


@pytest.mark.daemon
def test_a_life_is_where_docker_inspect_says(box: Box) -> None:
    """After each command, the life has led to the state that the docker CLI names; at the end it is removed."""
    seen = [(read_life(box).state, status(box))]
    for command in COMMANDS.split():
        docker(command, box.name)
        if command == "kill":
            box.wait()
        seen.append((read_life(box).state, status(box)))
    assert [life for life, _ in seen] == [inspect for _, inspect in seen]
    assert [life for life, _ in seen] == LED_TO.split()
    box.remove()
    assert (read_life(box).state, read_life(box).exit_code) == ("removed", 137)


@pytest.mark.daemon
def test_a_life_has_the_events_of_docker_events(box: Box) -> None:
    """The steps are what docker events prints, in its order, with the same exit codes and signals."""
    for command in ("start", "pause", "unpause", "restart"):
        docker(command, box.name)
    box.remove()
    wait_until(lambda: read_life(box).state == "removed", f"{box.name} is destroyed")
    until = docker("info", "--format", "{{.SystemTime}}")
    form = "{{.Action}} {{.Actor.Attributes.exitCode}} {{.Actor.Attributes.signal}}"
    chosen = ["--filter", f"container={box.id}", "--filter", "type=container"]
    printed = docker("events", "--since", "1", "--until", until, *chosen, "--format", form).splitlines()
    steps = read_life(box).steps
    assert [step.action for step in steps] == [line.split()[0] for line in printed]
    assert [str(n) for step in steps for n in (step.exit_code, step.signal) if n is not None] == [
        word for line in printed for word in line.split()[1:] if word.isdigit()
    ]


def ended(box: Box, times: int) -> Callable[[], bool]:
    """Whether the daemon has started it again so often, and it has ended since."""
    return lambda: box.inspect()["RestartCount"] == times and status(box) == "exited"


@pytest.mark.daemon
def test_a_policy_leads_through_restarting(daemon: Daemon, world: str) -> None:
    """With on-failure:2 the daemon starts it twice again; each time it was restarting before."""
    policy = {"Name": "on-failure", "MaximumRetryCount": 2}
    with sandbox.run(images.ensure(daemon), "exit 3", restart_policy=policy) as box:
        wait_until(ended(box, 2), f"{box.name} has ended for good")
        life = read_life(box)
    states = "created running restarting running restarting running exited"
    assert [move.step.after for move in life.moves] == states.split()
    assert life.exit_code == 3


@pytest.mark.daemon
@pytest.mark.parametrize(
    ("stop_signal", "states"),
    [(None, "created running exited"), ("SIGTERM", "created running restarting running")],
    ids=["no stop signal of its own", "another one"],
)
def test_some_kills_are_a_wish_that_it_stay_stopped(
    daemon: Daemon, world: str, stop_signal: str | None, states: str
) -> None:
    """docker kill -s INT ends a container with the policy always for good, unless that names another stop signal."""
    script = "trap 'exit 0' INT; echo ready; while :; do sleep 0.1; done"
    policy = {"Name": "always"}
    with sandbox.run(images.ensure(daemon), script, restart_policy=policy, stop_signal=stop_signal) as box:
        wait_until(lambda: "ready" in box.logs(), f"{box.name} is ready")
        docker("kill", "--signal", "INT", box.name)
        wait_until(lambda: len(read_life(box).moves) == len(states.split()), f"{box.name} has been {states}")
        assert [move.step.after for move in read_life(box).moves] == states.split()
        assert read_life(box).state == status(box) == states.split()[-1]


@pytest.mark.daemon
def test_a_failed_start_is_told(daemon: Daemon, world: str) -> None:
    """A program that is not there leaves the container created, with the exit code that the daemon chose."""
    with sandbox.create(images.ensure(daemon), ["no-such-program"]) as box:
        with pytest.raises(SandboxError):
            box.start()
        life = read_life(box)
        assert (life.state, life.exit_code) == (status(box), box.inspect()["State"]["ExitCode"])
    assert life.state == "created"
    assert life.exit_code


@pytest.mark.daemon
def test_a_daemon_forgets(daemon: Daemon, box: Box) -> None:
    """After 256 other events nothing is remembered of a container, and its life says so."""
    assert read_life(box).whole
    with sandbox.create(images.ensure(daemon)) as other:
        for number in range(MEMORY):
            daemon.client.api.rename(other.id, f"{other.name}-{number}")
        until = docker("info", "--format", "{{.SystemTime}}")
        remembered = docker("events", "--since", "1", "--until", until).splitlines()
        life, renamed = read_life(box), read_life(other)
    assert len(remembered) == MEMORY >= len(renamed.steps) > MEMORY / 2  # others may be at work on this daemon, too
    assert life == Life(box.name, "created", whole=False)
    assert "forgotten" in str(life)
    assert {step.after for step in renamed.steps} == {"created"}
