"""The daemon's event stream: recorded lines, broken lines, and a real run compared with docker events."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit import images, sandbox
from labkit.daemon import Daemon
from labkit.inside.events import Event, read_events
from tests.oracles import docker

# Recorded from GET /events of engine 20.10; ids shortened.
RECORDED = (
    '{"status":"create","id":"4f1c","from":"labkit/busybox","Type":"container","Action":"create",'
    '"Actor":{"ID":"4f1c","Attributes":{"image":"labkit/busybox","labkit":"demo","name":"web"}},'
    '"scope":"local","time":1700000000,"timeNano":1700000000123456789}\n'
    '{"Type":"network","Action":"connect","Actor":{"ID":"77aa","Attributes":{"container":"4f1c","name":"bridge",'
    '"type":"bridge"}},"scope":"local","time":1700000000,"timeNano":1700000000223456789}\n'
    '{"status":"exec_start: sh -c \\"echo hello\\"","id":"4f1c","from":"labkit/busybox","Type":"container",'
    '"Action":"exec_start: sh -c \\"echo hello\\"","Actor":{"ID":"4f1c","Attributes":{"execID":"9d","name":"web"}},'
    '"scope":"local","time":1700000001,"timeNano":1700000001000000000}\n'
    '{"status":"die","id":"4f1c","from":"labkit/busybox","Type":"container","Action":"die",'
    '"Actor":{"ID":"4f1c","Attributes":{"exitCode":"7","image":"labkit/busybox","name":"web"}},'
    '"scope":"local","time":1700000002,"timeNano":1700000002000000000}\n'
)


def line(**fields: Any) -> str:
    """One line of the stream."""
    return json.dumps({"Type": "container", "Action": "start", "timeNano": 10**18} | fields) + "\n"


def test_recorded_lines_are_read() -> None:
    """Each line becomes an event with type, action, name and exit code."""
    assert [(e.kind, e.action, e.name, e.exit_code) for e in read_events(RECORDED)] == [
        ("container", "create", "web", None),
        ("network", "connect", "bridge", None),
        ("container", 'exec_start: sh -c "echo hello"', "web", None),
        ("container", "die", "web", 7),
    ]


def test_times_are_exact_to_the_microsecond() -> None:
    """The time is in seconds, with the nanoseconds as far as a float holds them."""
    seconds = [event.seconds for event in read_events(RECORDED)]
    assert seconds[1] - seconds[0] == pytest.approx(0.1, abs=1e-6)
    assert read_events(line(timeNano=0, time=1700000000))[0].seconds == 1700000000


@given(st.integers(0, len(RECORDED)))
def test_a_stream_may_be_cut_anywhere(length: int) -> None:
    """Wherever the stream is cut off, the events whose lines are whole are read, as text and as bytes."""
    whole = RECORDED[:length].count("\n") + (length < len(RECORDED) and RECORDED[length : length + 1] == "\n")
    assert read_events(RECORDED[:length]) == read_events(RECORDED)[:whole]
    assert read_events(RECORDED[:length].encode()) == read_events(RECORDED)[:whole]


@pytest.mark.parametrize("text", ["", "\n", b"", b"\r\n \n", "{", '{"Type": "conta'])
def test_no_whole_line_is_no_event(text: str | bytes) -> None:
    """A stream without a whole line has no events."""
    assert read_events(text) == []


@pytest.mark.parametrize("text", ["{\n", "hello\n", "{\n{", "5\n", "[]\n", RECORDED + "hello\n", "{\n" + RECORDED])
def test_a_whole_line_that_is_no_event_is_an_error(text: str) -> None:
    """A line that has its end and is no event is not passed over in silence."""
    with pytest.raises(ValueError, match=r"Expecting|not an event"):
        read_events(text)


def test_lines_may_end_as_in_http() -> None:
    """A carriage return before the end of a line is no part of it."""
    assert read_events(RECORDED.replace("\n", "\r\n")) == read_events(RECORDED)


@pytest.mark.parametrize("odd", ["\x85", "\N{LINE SEPARATOR}", "\N{PARAGRAPH SEPARATOR}"])
def test_odd_separators_in_a_label_split_nothing(odd: str) -> None:
    """Only a newline ends a line: a label may hold what Python takes for another separator."""
    text = json.dumps({"Action": "start", "Actor": {"Attributes": {"name": f"a{odd}b"}}}, ensure_ascii=False)
    assert [event.name for event in read_events(f"{text}\n{text}\n".encode())] == [f"a{odd}b"] * 2


@pytest.mark.parametrize(
    ("fields", "event"),
    [
        ({"Type": "plugin", "Action": "enable"}, Event(1e9, "plugin", "enable", "")),
        ({"Type": "volume", "Action": "create", "Actor": {"ID": "data", "Attributes": {"driver": "local"}}}, "data"),
        ({"Actor": None}, ""),
        ({"Actor": {"ID": "4f1c", "Attributes": None}}, "4f1c"),
        ({"Actor": {"Attributes": {"name": "web", "exitCode": "137"}}}, "web"),
    ],
)
def test_unknown_types_are_events_too(fields: dict[str, Any], event: Event | str) -> None:
    """An event of any type is read; where the daemon tells no name, its id is the name."""
    (found,) = read_events(line(**fields))
    assert found == event if isinstance(event, Event) else found.name == event


@pytest.mark.daemon
def test_a_run_is_told_as_docker_events_tells_it(daemon: Daemon, world: str) -> None:
    """The events of a real run, an exec among them, are those that the docker CLI prints."""
    with sandbox.run(images.ensure(daemon), "sleep 600", stop_signal="SIGKILL") as box:
        box.sh("exit 0")
        api: Any = daemon.client.api
        api.kill(box.id)
        box.wait()
    until = int(box_destroyed(daemon, box.id)) + 1
    chosen = ["events", "--since", "1", "--until", str(until), "--filter", f"container={box.id}"]
    printed = docker(*chosen, "--format", "{{.Type}} {{.Action}} {{.TimeNano}}")
    told = read_events(b"".join(api.events(since=1, until=until, filters={"container": box.id})))
    mine = [event for event in told if event.kind == "container"]
    assert [f"{e.kind} {e.action}" for e in told] == [row.rpartition(" ")[0] for row in printed.splitlines()]
    assert [e.action for e in mine if "exec" not in e.action] == ["create", "start", "kill", "die", "destroy"]
    assert [e.exit_code for e in mine if e.exit_code is not None] == [0, 137]
    assert any(e.action.startswith("exec_start: sh -c exit 0") for e in mine)
    assert {e.name for e in mine} == {box.name}


def box_destroyed(daemon: Daemon, key: str) -> float:
    """When the daemon told that a container is destroyed, on its own clock."""
    api: Any = daemon.client.api
    stream = api.events(since=1, filters={"container": key, "event": "destroy"})
    try:
        return read_events(next(iter(stream)))[0].seconds
    finally:
        stream.close()
