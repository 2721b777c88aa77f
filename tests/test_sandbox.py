"""What labkit makes is labelled, named for what it is, and gone at the end of its ``with``."""

from __future__ import annotations

import getpass
import itertools
import json
import socket
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
from docker import DockerClient

from labkit import images, leftovers, sandbox
from labkit.daemon import Daemon
from labkit.errors import SandboxError
from tests import fakes
from tests.oracles import docker, inspect

SLEEP = ["sleep", "1000"]


# --- whose, and how it is called ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "owner"),
    [
        ("ada", "ada"),
        ("ada@example.org", "ada-example.org-cfe0"),
        ("  Ada Lovelace\n", "Ada-Lovelace-4fc0"),
        ("../..", "learner-0cfd"),
        ("--ada--", "ada-e3af"),
        ("Ада", "learner-8ae9"),
        ("Боб", "learner-dfcc"),
    ],
)
def test_an_owner_can_be_part_of_a_name(monkeypatch: pytest.MonkeyPatch, written: str, owner: str) -> None:
    """Whatever ``LABKIT_LEARNER`` is, the owner has only letters that Docker allows in a container's name."""
    monkeypatch.setenv("LABKIT_LEARNER", written)
    assert sandbox.owner() == owner


def test_the_owner_is_the_hubs_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a JupyterHub the owner is the hub's user; ``LABKIT_LEARNER`` comes before it."""
    monkeypatch.setenv("JUPYTERHUB_USER", "grace")
    monkeypatch.setenv("LABKIT_LEARNER", "")
    assert sandbox.owner() == "grace"
    monkeypatch.setenv("LABKIT_LEARNER", "ada")
    assert sandbox.owner() == "ada"


@pytest.mark.parametrize("error", [KeyError("uid not found: 1000680000"), OSError("No username set"), ImportError()])
def test_an_owner_without_a_user_is_a_learner(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Where the user is a number without a name, as in a hub's pod, the owner is called learner."""

    def nobody() -> str:
        raise error

    monkeypatch.delenv("LABKIT_LEARNER", raising=False)
    monkeypatch.delenv("JUPYTERHUB_USER", raising=False)
    monkeypatch.setattr(getpass, "getuser", nobody)
    assert sandbox.owner() == "learner"


def test_labels_say_what_whose_and_from_which_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """The labels are ``labkit`` itself, its owner, its run, and what else is asked for."""
    monkeypatch.setenv("LABKIT_LEARNER", "ada")
    assert sandbox.labels("demo", recipe="1") == {
        "labkit": "demo",
        "labkit.owner": "ada",
        "labkit.run": sandbox.RUN,
        "labkit.recipe": "1",
    }


@pytest.mark.daemon
def test_a_container_carries_the_labels(daemon: Daemon, world: str) -> None:
    """The labels that Docker shows are ours and those that were asked for, one of which may be a stranger's word."""
    with sandbox.run(images.ensure(daemon), SLEEP, daemon=daemon, what="exercise", labels={"mine": "yes"}) as box:
        expected = {world: "exercise", f"{world}.owner": "ada", f"{world}.run": sandbox.RUN, "mine": "yes"}
        assert inspect("container", box.name)["Config"]["Labels"] == expected


@pytest.mark.daemon
def test_a_container_is_named_for_what_it_is(daemon: Daemon, world: str) -> None:
    """The name says what the container is for, or is the one that was asked for."""
    image = images.ensure(daemon)
    with (
        sandbox.create(image, daemon=daemon, what="exercise") as one,
        sandbox.create(image, daemon=daemon, name=f"{world}-x") as two,
    ):
        assert one.name.startswith(f"{world}-exercise-")
        assert [inspect("container", box.id)["Name"] for box in (one, two)] == [f"/{one.name}", f"/{world}-x"]
        assert repr(two) == f"Box(name='{world}-x')"


# --- with -----------------------------------------------------------------------------------------------


@pytest.mark.daemon
def test_with_removes_at_its_end(daemon: Daemon, world: str) -> None:
    """After the block the container is gone, whether it still ran or not."""
    with sandbox.run(images.ensure(daemon), SLEEP, daemon=daemon) as box:
        assert box.status == "running"
    assert inspect("container", box.id) == {}


@pytest.mark.daemon
def test_with_removes_after_an_error(daemon: Daemon, world: str) -> None:
    """An error in the block passes through it, and the container is gone."""
    with pytest.raises(ZeroDivisionError), sandbox.run(images.ensure(daemon), SLEEP, daemon=daemon) as box:
        raise ZeroDivisionError
    assert inspect("container", box.id) == {}


@pytest.mark.daemon
def test_with_does_not_mind_what_is_gone(daemon: Daemon, world: str) -> None:
    """A container that was removed inside the block is no error at its end."""
    with sandbox.run(images.ensure(daemon), SLEEP, daemon=daemon) as box:
        docker("rm", "-f", box.id)


def test_what_cannot_be_removed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container that the daemon cannot remove is an error with the daemon's reason, not a silent leftover."""
    monkeypatch.setattr(sandbox, "remove_one", lambda *_: "device or resource busy")
    box: Any = sandbox.Box("labkit-demo-ab12", "ab12", SimpleNamespace())  # type: ignore[arg-type]
    with pytest.raises(SandboxError, match="labkit-demo-ab12 cannot be removed: device or resource busy"):
        box.remove()


# --- run ------------------------------------------------------------------------------------------------


@pytest.mark.daemon
def test_what_does_not_start_leaves_nothing(daemon: Daemon, world: str) -> None:
    """A container whose program does not exist is an error that names both, and nothing is left of it."""
    with pytest.raises(SandboxError, match=rf"{world}-bad does not start: .*/no/such"):
        sandbox.run(images.ensure(daemon), ["/no/such"], name=f"{world}-bad", daemon=daemon)
    assert inspect("container", f"{world}-bad") == {}


@pytest.mark.daemon
def test_an_image_that_is_not_there_is_said(daemon: Daemon, world: str) -> None:
    """A container of an image that the daemon does not have is an error with its name, and nothing is pulled."""
    with pytest.raises(SandboxError, match=f"cannot be created from {world}/none: No such image"):
        sandbox.run(f"{world}/none", daemon=daemon)
    assert leftovers.things(daemon) == []


@pytest.mark.daemon
def test_a_name_that_is_taken_is_said(daemon: Daemon, world: str) -> None:
    """A second container of the same name is an error, and the first goes on."""
    with sandbox.run(images.ensure(daemon), SLEEP, name=f"{world}-x", daemon=daemon) as first:
        with pytest.raises(SandboxError, match="already in use"):
            sandbox.run(images.BUSYBOX, SLEEP, name=f"{world}-x", daemon=daemon)
        assert first.status == "running"


@pytest.mark.daemon
def test_a_line_is_for_the_shell_and_a_list_is_not(daemon: Daemon, world: str) -> None:
    """A string is a line of shell; a list is executed word by word; without either the image's command runs."""
    image = images.ensure(daemon)
    with sandbox.run(image, "echo $((6 * 7))", daemon=daemon) as line, sandbox.run(image, daemon=daemon) as default:
        words = sandbox.run(image, ["echo", "$((6 * 7))"], daemon=daemon)
        assert [box.wait() for box in (line, words, default)] == [0, 0, 0]
        assert [box.logs() for box in (line, words, default)] == ["42\n", "$((6 * 7))\n", ""]


@pytest.mark.daemon
def test_a_box_knows_its_process(daemon: Daemon, world: str) -> None:
    """``pid`` is what Docker says it is, 0 once it has ended, and ``wait`` returns the exit code."""
    with sandbox.run(images.ensure(daemon), "trap 'exit 3' TERM; while :; do sleep 0.1; done", daemon=daemon) as box:
        assert box.pid == inspect("container", box.id)["State"]["Pid"] > 0
        docker("kill", "--signal", "TERM", box.id)
        assert (box.wait(), box.pid, box.status) == (3, 0, "exited")


@pytest.mark.daemon
def test_sh_returns_what_was_printed(daemon: Daemon, world: str) -> None:
    """``sh`` returns the output without its last newline; a script that fails is an error with status and output."""
    with sandbox.run(images.ensure(daemon), SLEEP, daemon=daemon) as box:
        assert box.sh("printf 'a\\nb\\n'") == "a\nb"
        with pytest.raises(SandboxError, match=r"`echo no; exit 4` in .* ended with status 4: no"):
            box.sh("echo no; exit 4")


def test_sh_loses_nothing_that_comes_at_once() -> None:
    """What is printed is returned, also where it comes in one piece with the head of the daemon's answer."""
    frame = b"\1\0\0\0\0\0\0\6first\n"

    def converse(sock: socket.socket, over: threading.Event) -> None:
        starts = fakes.request(sock).endswith("/start")
        body = frame if starts else json.dumps({"Id": "run", "ExitCode": 0}).encode()
        length = b"" if starts else b"Content-Length: %d\r\n" % len(body)
        sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + length + b"\r\n" + body)

    with fakes.server(converse) as url:
        daemon: Any = SimpleNamespace(client=DockerClient(url, version="1.41"))
        assert sandbox.Box("box", "id", daemon).sh("echo first") == "first"


@pytest.mark.daemon
def test_find_goes_by_name(daemon: Daemon, world: str) -> None:
    """A container is found by its name; where there is none of that name, None is found."""
    with sandbox.create(images.ensure(daemon), daemon=daemon) as box:
        assert sandbox.find(daemon, box.name) == box
    assert sandbox.find(daemon, box.name) is None


# --- volumes --------------------------------------------------------------------------------------------


@pytest.mark.daemon
def test_a_volume_is_there_for_a_block(daemon: Daemon, world: str) -> None:
    """A volume has the labels while the block lasts, and is gone after an error too."""
    with pytest.raises(ZeroDivisionError), sandbox.volume(daemon, what="needle") as made:
        assert inspect("volume", made.name)["Labels"][world] == "needle"
        raise ZeroDivisionError
    assert inspect("volume", made.name) == {}


@pytest.mark.daemon
def test_a_volume_of_a_stranger_is_not_taken(daemon: Daemon, world: str) -> None:
    """Asked to create a volume whose name is taken, Docker hands out the other's: labkit refuses and leaves it."""
    theirs = daemon.client.volumes.create(f"{world}-data")
    try:
        with pytest.raises(SandboxError, match="is not yours"), sandbox.volume(daemon, name=f"{world}-data"):
            pass
        assert inspect("volume", f"{world}-data")["CreatedAt"] == theirs.attrs["CreatedAt"]
    finally:
        theirs.remove()


# --- waiting --------------------------------------------------------------------------------------------


def test_waiting_returns_the_value() -> None:
    """The condition is asked until it holds, and its value is returned."""
    answers = iter([None, 0, "", "there"])
    assert sandbox.wait_until(lambda: next(answers), "it is there") == "there"


def test_waiting_in_vain_names_the_condition() -> None:
    """After the deadline the error says how long it waited, and for what."""
    with pytest.raises(SandboxError, match=r"waited 0\.05 s in vain until the moon is blue\."):
        sandbox.wait_until(lambda: False, "the moon is blue", deadline=0.05)


def test_the_condition_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """A condition that holds when it is asked is no failure, however long the asking took."""
    clock = itertools.count(0, 100)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    assert sandbox.wait_until(lambda: True, "it holds", deadline=1)
