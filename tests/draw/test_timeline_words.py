"""What the pictures of timelines say in a sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from labkit.draw.timeline_words import say_many, say_one, sent
from labkit.inside.moments import Timeline
from tests.draw.recorded import EIGHT, MANY, NOTHING, PAUSED, POLITE, deaf, lived, told


@pytest.mark.parametrize(
    ("found", "timed", "untimed"),
    [
        (
            POLITE,
            "labkit-polite-heron: docker stop sent SIGTERM; 3 lines in its log; exit code 0 after 26 ms, "
            "known within 3 ms.",
            "labkit-polite-heron: docker stop sent SIGTERM; 3 lines in its log; exit code 0.",
        ),
        (
            deaf("deaf", 2, "docker stop -t 2"),
            "deaf: docker stop -t 2 sent SIGTERM; after 2 s of grace the daemon sent SIGKILL; exit code 137 after "
            "2.02 s, known within 2 ms.",
            "deaf: docker stop -t 2 sent SIGTERM; after 2 s of grace the daemon sent SIGKILL; exit code 137.",
        ),
        (
            PAUSED,
            "labkit-box: docker pause; the daemon told of no signal; for a while processes were frozen and stopped; "
            "it still runs, known within 2 ms.",
            "labkit-box: docker pause; the daemon told of no signal; for a while processes were frozen and stopped; "
            "it still runs.",
        ),
        (
            replace(deaf("early"), grace=100),
            "early: docker stop sent SIGTERM; after 10.02 s the daemon sent SIGKILL; exit code 137 after 10.02 s, "
            "known within 2 ms.",
            "early: docker stop sent SIGTERM; later the daemon sent SIGKILL; exit code 137.",
        ),
    ],
    ids=["polite", "deaf", "paused", "killed by another"],
)
def test_one_is_told(found: Timeline, timed: str, untimed: str) -> None:
    """Who sent what, what became of processes, what was logged, and how it ended; with times only if wished."""
    assert say_one(found, seconds=True) == timed
    assert say_one(found, seconds=False) == untimed


def test_equal_fates_are_told_together() -> None:
    """Programs with the same signals and exit code are in one clause, with the range of their times."""
    rows = [replace(it, name=name) for name, it in EIGHT.items()]
    assert say_many(rows, seconds=True) == (
        "8 programs, docker stop: polite, exec, entrypoint and slow: SIGTERM, exit code 0 after 26 ms to 3.02 s "
        "(slow); deaf, stubborn, shell and interrupted: SIGTERM, then SIGKILL, exit code 137 after 10.02 s; "
        "known within 3 ms."
    )
    assert say_many(rows, seconds=False) == (
        "8 programs, docker stop: polite, exec, entrypoint and slow: SIGTERM, exit code 0; "
        "deaf, stubborn, shell and interrupted: SIGTERM, then SIGKILL, exit code 137."
    )


def test_different_actions_are_told_each() -> None:
    """Where not the same was done to all, each clause says what."""
    rows = list(MANY["several actions"].values())
    assert say_many(rows, seconds=False) == (
        "4 programs, 4 actions: labkit-polite-heron: docker stop, SIGTERM, exit code 0; "
        "deaf: docker stop -t 2, SIGTERM, then SIGKILL, exit code 137; "
        "labkit-box: docker pause, no signal, it still runs; labkit-box: something else, no signal, it still runs."
    )


def test_many_fates_are_counted() -> None:
    """Beyond six fates, and four names in one, the others are a number."""
    assert say_many(list(MANY["a hundred"].values()), seconds=False).endswith("; 94 more otherwise.")
    assert "a, a, a, a and 5 more: " in say_many([replace(POLITE, name="a")] * 9, seconds=False)


def test_a_signal_that_is_told_twice_was_sent_once() -> None:
    """Some engines tell twice of the same signal."""
    twice = replace(NOTHING, moments=told(*[(0.1, "daemon", "kill with SIGTERM")] * 2))
    assert sent(twice) == ("SIGTERM",)


def test_a_short_state_is_not_told() -> None:
    """A zombie of a few milliseconds is chance: the sentence of the next run would differ."""
    track = lived(1, "sh", (0, 1, "alive"), (1, 1.09, "zombie"))
    assert "zombie" not in say_one(replace(NOTHING, tracks=(track,)), seconds=True)
