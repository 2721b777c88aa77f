"""A timeline as a value: its end, its signals, and what it prints."""

from __future__ import annotations

from labkit.inside.moments import Moment, Span, Timeline, Track

STOPPED = Timeline(
    name="web",
    action="docker stop -t 2",
    moments=(
        Moment(0.0, "asked", "docker stop -t 2"),
        Moment(0.004, "daemon", "kill with SIGTERM"),
        Moment(0.005, "log", "kill with SIGWINCH is a line of the log"),
        Moment(2.006, "daemon", "kill with SIGKILL"),
        Moment(2.011, "state", "PID 1 is gone", within=0.002),
        Moment(2.060, "daemon", "die with exit code 137"),
    ),
    tracks=(Track(1, "sh", (Span(-0.1, 2.009, "alive"), Span(2.009, 2.011, "zombie"))),),
    grace=2.0,
    resolution=0.002,
    exit_code=137,
)


def test_the_end_is_the_earliest_that_tells_of_it() -> None:
    """A process has ended when it is seen to be gone, or else when the daemon says so."""
    assert STOPPED.ended == 2.011
    blind = Timeline("web", "docker stop", STOPPED.moments[-1:], (), 2.0, 0.002, 137)
    assert blind.ended == 2.060


def test_what_runs_has_no_end() -> None:
    """A container whose first process goes on has no end, also when it died and was started again before."""
    assert Timeline("web", "docker kill", STOPPED.moments, (), None, 0.002, None).ended is None


def test_signals_are_what_the_daemon_sent() -> None:
    """The signals come from the daemon's events in order, and from no line of the log."""
    assert STOPPED.signals == ("SIGTERM", "SIGKILL")


def test_a_timeline_prints_its_moments() -> None:
    """Printed, a timeline has one line for each moment, below what was done and how exact it is."""
    lines = str(STOPPED).splitlines()
    assert lines[0] == "web: docker stop -t 2, exit code 137; exact to 2.0 ms"
    assert lines[4] == "   2.006 s  daemon  kill with SIGKILL"
    assert len(lines) == 1 + len(STOPPED.moments)


def test_reprs_fit_a_line() -> None:
    """What a notebook shows of each value is short."""
    assert repr(STOPPED) == "Timeline(name='web', action='docker stop -t 2', grace=2.0, exit_code=137)"
    assert repr(STOPPED.tracks[0]) == "Track(pid=1, name='sh')"
    assert STOPPED.tracks[0].states == ("alive", "zombie")


def test_only_the_daemon_tells_of_a_signal() -> None:
    """A program that logs the daemon's words has not sent anything."""
    assert Moment(0.1, "daemon", "kill with SIGTERM").signal == "SIGTERM"
    assert [Moment(0.1, source, "kill with SIGTERM").signal for source in ("log", "asked", "state")] == [""] * 3
    assert Moment(0.1, "daemon", "die with exit code 0").signal == ""
