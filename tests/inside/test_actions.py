"""Actions: how they are read, what they grant, and who does them."""

from __future__ import annotations

from typing import Any

import pytest

from labkit import errors
from labkit.inside.actions import Action, Doing, read_action


@pytest.mark.parametrize(
    ("text", "words", "signal", "grace"),
    [
        ("stop", "docker stop", 9, None),
        ("docker stop -t 2", "docker stop -t 2", 9, 2),
        ("stop --time=3", "docker stop -t 3", 9, 3),
        ("stop --timeout 0", "docker stop -t 0", 9, 0),
        ("restart -t 1", "docker restart -t 1", 9, 1),
        ("kill", "docker kill", 9, None),
        ("kill -s INT", "docker kill -s INT", 2, None),
        ("kill --signal=sigterm", "docker kill -s TERM", 15, None),
        ("kill -s 19", "docker kill -s STOP", 19, None),
        ("pause", "docker pause", 9, None),
        ("docker unpause", "docker unpause", 9, None),
    ],
)
def test_commands_are_read(text: str, words: str, signal: int, grace: int | None) -> None:
    """A command is read in every way in which docker takes it, and said in one."""
    action = read_action(text)
    assert (action.words, action.signal, action.grace) == (words, signal, grace)
    assert action.verb == words.split()[1]


@pytest.mark.parametrize(
    "text", ["", "rm", "stop web", "stop -t", "stop -t two", "stop -t -1", "kill -t 2", "kill -s NONE", "pause -t 1"]
)
def test_what_is_no_action_is_refused(text: str) -> None:
    """Whatever timelines do not know is refused with the value in the message."""
    with pytest.raises(errors.LabError, match=repr(text) if "NONE" not in text else "NONE"):
        read_action(text)


@pytest.mark.parametrize(
    ("text", "config", "granted"),
    [
        ("stop", {}, 10),
        ("stop", {"StopTimeout": 3}, 3),
        ("stop", {"StopTimeout": 0}, 0),
        ("stop -t 2", {"StopTimeout": 3}, 2),
        ("restart", {"StopTimeout": None}, 10),
        ("kill", {"StopTimeout": 3}, None),
        ("pause", {}, None),
    ],
)
def test_only_stop_grants_time(text: str, config: dict[str, Any], granted: int | None) -> None:
    """The grace period is the command's, else the container's, else ten seconds; kill and pause have none."""
    assert read_action(text).granted(config) == granted


class Refusing:
    """A container whose daemon refuses everything."""

    name = id = "web"

    def __init__(self) -> None:
        self.daemon = self.client = self.api = self
        self.heard: list[tuple[Any, ...]] = []

    def kill(self, *words: object) -> None:
        """Keep what was asked, and refuse it."""
        self.heard.append(words)
        raise OSError("not today")


def test_a_refusal_is_told_in_the_daemons_words() -> None:
    """What the daemon answers is in the error, with the command and the container."""
    box: Any = Refusing()
    doing = Doing(box, read_action("kill -s INT"), None)
    doing.start()
    doing.join()
    assert box.heard == [("web", "SIGINT")]
    assert str(doing.failure).startswith("docker kill -s INT web: not today.")
    assert doing.over_since(1000)


def test_whoever_does_it_tells_when() -> None:
    """An action has been over for some seconds only when those have passed since it returned."""
    seen = []
    box: Any = Refusing()
    doing = Doing(box, Action("mine", "", deed=lambda: seen.append(doing.over.is_set())), None)
    assert not doing.over_since(0)
    doing.start()
    doing.join()
    assert seen == [False]
    assert 0 < doing.asked <= doing.returned
    assert doing.over_since(-1)
    assert not doing.over_since(1000)
