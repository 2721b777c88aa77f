"""What `labkit machine status` says in each phase of a machine's life, and the other commands without a machine."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from labkit.machine import status
from labkit.machine.status import Status
from tests.test_cli import run

UP = Status(
    "x", "up", "", "/r/s", "28.5", "7.2", "overlay2", 3700, 1 << 30, 100 << 20, 2.5, 1 << 33, 0, "ptrace", "c", 0
)


@pytest.mark.parametrize("phase", ["down", "starting", "ending", "failed", "not built"])
def test_without_a_daemon_two_lines_are_enough(phase: str) -> None:
    """A machine that is not up has its phase, and the reason where there is one."""
    assert replace(UP, phase=phase).lines() == [("machine", f"x is {phase}")]
    assert replace(UP, phase=phase, why="So.").lines()[1:] == [("why", "So.")]
    assert replace(UP, phase=phase, why="So.", remedy="Do.").lines()[2:] == [("what to do", "Do.")]


@pytest.mark.parametrize(("age", "words"), [(5.9, "5 s"), (65, "1 min 5 s"), (3700, "1 h 1 min")])
def test_an_age_is_readable(age: float, words: str) -> None:
    """Seconds, minutes and hours are written as a person says them."""
    assert replace(UP, age=age).lines()[0] == ("machine", f"x is up for {words}")


def test_a_missing_wall_is_said() -> None:
    """Where nothing confines the machine, status says so in capitals."""
    assert (status._confined(7), "NOT confined" in status._confined(0)) == (
        "to its own files, by Landlock (version 7)",
        True,
    )


def test_ports_have_their_lines() -> None:
    """What is published is one line, and each port that this computer cannot open is one more, with the reason."""
    published = {"80/tcp": "taken on this computer", "8080/tcp": "", "9000/udp": ""}
    lines = [value for label, value in replace(UP, ports=published).lines() if label == "ports"]
    assert lines == ["published at 127.0.0.1:8080/tcp, 127.0.0.1:9000/udp", "port 80/tcp: taken on this computer"]


@pytest.mark.parametrize(("mode", "words"), [("seccomp", "(seccomp)"), ("ptrace", "(ptrace: slow, as ")])
def test_the_mode_is_said(mode: str, words: str) -> None:
    """The line of the engine says how the guest's processes are run."""
    assert words in dict(replace(UP, mode=mode).lines())["engine"]


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user who never built a machine."""
    for name in ("XDG_STATE_HOME", "XDG_RUNTIME_DIR", "LABKIT_MACHINE_PARTS"):
        monkeypatch.setenv(name, str(tmp_path))


@pytest.mark.parametrize("command", ["build", "up", "down", "status", "logs", "shell"])
def test_every_command_explains_itself(command: str) -> None:
    """Each command of the machine has a help page whose first paragraph is a sentence."""
    page = run("machine", command, "--help").stdout
    assert page.split("\n\n")[1].strip().endswith((".", "lies."))


@pytest.mark.usefixtures("empty")
def test_status_speaks_json() -> None:
    """With --json it is one object with every field, and exit status 1 while no daemon answers."""
    result = run("machine", "status", "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told.keys(), told["phase"]) == (1, asdict(UP).keys(), "not built")


@pytest.mark.usefixtures("empty")
@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("up", "No machine was built in "),
        ("logs", "The machine machine was never started."),
        ("shell", "The machine machine is not up."),
        ("down --name a/b", "'a/b' is no name for a machine."),
    ],
)
def test_what_cannot_be_done_is_two_sentences(words: str, problem: str) -> None:
    """Without a machine each command says what happened and what to do, on stderr."""
    result = run("machine", *words.split())
    assert (result.exit_code, result.stdout, len(result.stderr.splitlines())) == (1, "", 2)
    assert result.stderr.startswith(problem)


@pytest.mark.usefixtures("empty")
def test_down_without_a_machine_is_no_error() -> None:
    """`down` says that there was none."""
    assert run("machine", "down").stdout == "There was no machine running.\n"
