"""A line of shell: what it prints is returned, what it complains of is an error, what hangs is ended."""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from pathlib import Path

import pytest

from labkit import errors
from labkit.daemon import Daemon
from labkit.terminal import sh


@pytest.mark.parametrize(
    ("line", "out"),
    [
        ("echo hello", "hello"),
        ("echo; echo a; echo; echo", "\na"),
        ("true", ""),
        ("printf ' a '", " a "),
        ("echo a | tr a b", "b"),
        ("printf 'gr\\303\\274n'", "grün"),
        ("printf 'a\\377b'", "a\N{REPLACEMENT CHARACTER}b"),
        ("echo $((6 * 7))", "42"),
        ("echo lost >&2", ""),
    ],
)
def test_what_is_printed_is_returned(line: str, out: str) -> None:
    """A line returns what it printed, without the newlines at its end; bytes that are no UTF-8 are marked."""
    assert sh(line) == out


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("echo why >&2; exit 3", "ended with status 3: why"),
        ("echo why; false", "ended with status 1: why"),
        ("exit 4", "ended with status 4: it said nothing"),
        ("kill -9 $$", "ended with status -9: it said nothing"),
        ("echo 'open", "ended with status 2"),
    ],
)
def test_a_line_that_fails_is_an_error(line: str, words: str) -> None:
    """An exit status other than 0 is an error with the status and what the line complained of."""
    with pytest.raises(errors.LabError) as caught:
        sh(line)
    assert words in caught.value.problem


def test_a_missing_docker_command_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the docker command is missing, the error says what to install."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(errors.LabError, match="docker-cli"):
        sh("docker ps")


def test_a_program_that_an_image_lacks_is_not_docker() -> None:
    """Where docker is there and a container lacks a program, which is status 127 too, nobody is told to install it."""
    said = """docker: Error response from daemon: exec: "/bin/bash": no such file or directory"""
    with pytest.raises(errors.LabError) as raised:
        sh(f"echo '{said}' >&2; exit 127")
    assert "docker-cli" not in str(raised.value)


def test_another_missing_command_is_not_dockers() -> None:
    """Where another command is missing, nobody is told to install docker."""
    with pytest.raises(errors.LabError, match="nosuchcommand") as caught:
        sh("nosuchcommand")
    assert caught.value.remedy == ""


@pytest.mark.parametrize("line", ["sleep 60", "sleep 60; echo", "sleep 60 | cat", "(sleep 60 & wait)"])
def test_what_hangs_is_killed_with_its_children(tmp_path: Path, line: str) -> None:
    """At its deadline a line is killed with everything that it started, and nobody waits for their pipes."""
    start, reader = time.monotonic(), make_pipe(tmp_path)
    with pytest.raises(errors.LabError, match=r"still ran after 0\.2 s"):
        sh(f"({line}) 9> {tmp_path}/pipe", timeout=0.2)
    assert time.monotonic() - start < 30
    assert everybody_left(reader)


def test_an_interrupt_ends_the_line(tmp_path: Path) -> None:
    """Interrupting the cell ends the line, and the interrupt goes on."""
    here, reader = threading.main_thread().ident or 0, make_pipe(tmp_path)
    threading.Timer(0.3, lambda: signal.pthread_kill(here, signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt):
        sh(f"(sleep 60 | cat) 9> {tmp_path}/pipe")
    assert everybody_left(reader)


def make_pipe(folder: Path) -> int:
    """A named pipe in a folder, open for reading: it ends when the last process that writes to it has."""
    os.mkfifo(folder / "pipe")
    return os.open(folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)


def everybody_left(reader: int) -> bool:
    """Whether nobody holds the other end of the pipe any more, now or soon."""
    with os.fdopen(reader, "rb", buffering=0):
        readable, _, _ = select.select([reader], [], [], 5)
        return bool(readable)


def test_a_line_that_asks_gets_no_answer() -> None:
    """A line that reads from the terminal finds its end at once instead of waiting for a person."""
    assert sh("cat; read answer || echo none", timeout=5) == "none"


def test_a_line_sees_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What connect() writes into the environment is seen by the line."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///somewhere.sock")
    assert sh("echo $DOCKER_HOST") == "unix:///somewhere.sock"


@pytest.mark.daemon
def test_docker_in_a_line_reaches_our_daemon(daemon: Daemon) -> None:
    """The docker command in a line speaks to the daemon that connect() chose."""
    sh("command -v docker") or pytest.skip("no docker CLI")
    assert sh("docker info --format '{{.ID}}'") == daemon.info["ID"]
