"""Endings as values: a table with times, and the mechanisms without."""

from __future__ import annotations

import pytest

from labkit.inside.outcomes import WAYS, Ending, Endings, Way

FOUND = Endings(
    (
        Ending("polite", "stop", 0.04, 0, ("docker stop: SIGTERM",), ("polite: heard TERM", "helper: heard TERM")),
        Ending("polite", "kill -s INT", None, None, ("docker kill: SIGINT",)),
        Ending("deaf", "stop", 10.04, 137, ("docker stop: SIGTERM", "the daemon, after 10 s: SIGKILL")),
        Ending("deaf", "kill -s INT", None, None, (), remark="not tried: there is no such thing"),
    )
)


def test_the_table_has_seconds_and_exit_codes() -> None:
    """A row for each program and a column for each way: seconds and exit code, or that it runs on."""
    assert str(FOUND).splitlines() == [
        "        stop         kill -s INT",
        "polite  0.0 s, 0     runs on",
        "deaf    10.0 s, 137  not tried",
    ]


def test_mechanisms_have_no_times() -> None:
    """Below each program stands for each way who sent what, what it and others said in the log, and the exit code."""
    assert FOUND.mechanisms().splitlines() == [
        "polite",
        "  stop         docker stop: SIGTERM; heard TERM; helper: heard TERM; exit code 0",
        "  kill -s INT  docker kill: SIGINT; runs on",
        "deaf",
        "  stop         docker stop: SIGTERM; the daemon, after 10 s: SIGKILL; exit code 137",
        "  kill -s INT  not tried: there is no such thing",
    ]


def test_long_mechanisms_fit_into_a_notebook() -> None:
    """A line that is longer than the column goes on below its own beginning."""
    sent = ("docker stop: SIGTERM", "docker-init: SIGTERM")
    long = Endings(
        (Ending("forward", "stop", 0.1, 0, sent, ("forward: heard TERM", "polite: heard TERM", "polite: finished")),)
    )
    assert long.mechanisms().splitlines() == [
        "forward",
        "  stop  docker stop: SIGTERM; docker-init: SIGTERM; heard TERM; polite: heard TERM;",
        "        polite: finished; exit code 0",
    ]


def test_one_ending_is_found_by_its_names() -> None:
    """An ending is asked for by program and way; one that was not tried is a KeyError."""
    assert FOUND.of("deaf", "stop").exit_code == 137
    assert [ending.program for ending in FOUND] == ["polite", "polite", "deaf", "deaf"]
    with pytest.raises(KeyError):
        FOUND.of("deaf", "kill")


def test_nothing_is_an_empty_table() -> None:
    """A table of nothing is empty, and so are its mechanisms."""
    assert (Endings(()).table(), Endings(()).mechanisms()) == ("", "")
    assert (repr(Endings(())), repr(FOUND)) == ("Endings(0 programs, 0 ways)", "Endings(2 programs, 2 ways)")


def test_ways_name_what_the_container_needs() -> None:
    """A way's options are those of the container's creation."""
    assert Way("a", "stop").options == {}
    assert Way("a", "stop", init=True, stop_signal="SIGINT").options == {"init": True, "stop_signal": "SIGINT"}
    assert len({way.words for way in WAYS}) == len(WAYS) == 6
