"""The doctor looks at everything, says what is wrong and what to do, and changes nothing by looking."""

from __future__ import annotations

import json
import platform
import shutil
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from labkit import daemon as daemons
from labkit import doctor, images, leftovers, parts, sandbox
from labkit.daemon import Daemon
from labkit.doctor import Finding
from labkit.errors import PathForbidden, SocketMissing
from tests.oracles import docker

HERE = ["python", "jupyterlab"]
ASKED = ["passed_over", "engine", "api", "store", "cgroup", "architecture", "place", "root", "docker", "busybox"]
NAMES = [*HERE, "daemon", *ASKED, "leftovers", "host"]


def found(findings: list[Finding], name: str) -> Finding:
    """The finding of that name."""
    return next(finding for finding in findings if finding.name == name)


@pytest.fixture
def no_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ``DOCKER_HOST`` where nothing is."""
    monkeypatch.setattr(daemons, "_current", None)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent")


def pretend(monkeypatch: pytest.MonkeyPatch, **info: Any) -> None:
    """Let the doctor find a daemon that says this of itself."""
    from labkit.endpoint import DEFAULT_SOCKET, Endpoint

    client: Any = None
    daemon = Daemon(Endpoint(DEFAULT_SOCKET, "the usual socket"), client, ("The rootless socket is dead.",), info)
    monkeypatch.setattr(doctor, "connect", lambda **_: daemon)


# --- pure -------------------------------------------------------------------------------------------------


def test_without_a_daemon_the_remedy_is_there(no_daemon: None) -> None:
    """Where no daemon answers that is what is wrong, with its remedy, and what needs one is unknown."""
    findings = doctor.examine()
    assert [finding.name for finding in findings] == NAMES
    assert not doctor.ready(findings)
    assert found(findings, "daemon").state == "bad"
    assert "/nonexistent" in found(findings, "daemon").fact
    assert found(findings, "daemon").remedy
    assert {finding.state for finding in findings[NAMES.index("daemon") + 1 :]} == {"unknown"}


def test_the_object_is_the_same_everywhere(no_daemon: None) -> None:
    """The object for programs has the same names and fields also where nothing was found, and is JSON."""
    told = json.loads(json.dumps(doctor.as_object(doctor.examine())))
    assert told["ready"] is False
    assert list(told["findings"]) == NAMES
    assert all(list(told["findings"][name]) == ["name", "state", "fact", "value", "remedy"] for name in NAMES)


@pytest.mark.parametrize(("state", "ready"), [("ok", True), ("note", True), ("bad", False), ("unknown", False)])
def test_a_note_keeps_nobody_from_starting(state: doctor.State, ready: bool) -> None:
    """A learner can start unless something is bad or could not be looked at."""
    assert doctor.ready([Finding("x", "ok", ""), Finding("y", state, "")]) is ready


def test_python_and_jupyterlab_are_named() -> None:
    """The versions are those of the interpreter and of the installed package."""
    assert doctor._python().value == platform.python_version()
    assert doctor._jupyterlab().value == metadata.version("jupyterlab")


def test_jupyterlab_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where JupyterLab is not installed, that is bad, and `make lab` is named."""

    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "version", missing)
    assert doctor._jupyterlab().state == "bad"
    assert "make lab" in doctor._jupyterlab().remedy


@pytest.mark.parametrize(
    ("error", "fact"),
    [
        (SocketMissing("it went away.", "Start it."), "it went away."),
        (PathForbidden("cannot read /proc.", "Be root."), "cannot read /proc."),
        (
            ConnectionResetError(104, "Connection reset"),
            "The question failed: ConnectionResetError(104, 'Connection reset')",
        ),
    ],
)
def test_an_error_is_an_answer(monkeypatch: pytest.MonkeyPatch, error: Exception, fact: str) -> None:
    """A question that fails is a bad finding with a remedy, and the others are still asked."""

    def fail(*_: Any, **__: Any) -> Any:
        raise error

    pretend(monkeypatch, ServerVersion="28.0.0", Architecture="x86_64", Driver="overlay2", DockerRootDir="/var/lib")
    for module, name in ((images, "listing"), (leftovers, "things"), (doctor, "_run")):
        monkeypatch.setattr(module, name, fail)
    monkeypatch.setattr(shutil, "which", lambda _: "docker")
    monkeypatch.setattr(Daemon, "api", "1.48")
    findings = doctor.examine()
    for name in ("docker", "busybox", "leftovers", "host"):
        assert (found(findings, name).state, found(findings, name).fact) == ("bad", fact)
        assert found(findings, name).remedy
    assert (found(findings, "engine").value, found(findings, "passed_over").state) == ("28.0.0", "note")


def test_the_docker_command_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no docker command, that is bad: chapter 00 uses it."""
    pretend(monkeypatch)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert found(doctor.examine(), "docker").state == "bad"
    assert "apt install" in found(doctor.examine(), "docker").remedy


# --- daemon -----------------------------------------------------------------------------------------------


@pytest.mark.daemon
def test_the_daemon_is_described(daemon: Daemon, world: str) -> None:
    """What is said of the daemon is what the docker command says of it."""
    words = "{{.ServerVersion}} {{.OSType}}/{{.Architecture}} {{.DockerRootDir}} {{.CgroupVersion}}"
    engine, machine, root, cgroup = docker("info", "--format", words).split()
    told = doctor.as_object(doctor.examine())
    values = {name: finding["value"] for name, finding in told["findings"].items()}
    assert engine.startswith(values["engine"])
    assert (values["root"], str(values["cgroup"])) == (root, cgroup or "1")
    assert values["api"] == docker("version", "--format", "{{.Server.APIVersion}}")
    assert docker("--version").startswith(f"Docker version {values['docker']}")
    assert f"linux/{values['architecture']}".replace("amd64", "x86_64").replace("arm64", "aarch64") == machine
    assert told["ready"] is True


@pytest.mark.daemon
@pytest.mark.parametrize("way", ["helper", "local"])
def test_looking_leaves_nothing(daemon: Daemon, world: str, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """A host is asked one question, and the helper and image that were made for it are gone afterwards."""
    monkeypatch.setenv("LABKIT_LEARNER", world)
    monkeypatch.setenv("LABKIT_HOST", way)
    host = found(doctor.examine(), "host")
    assert host.value == {"helper": "HelperHost", "local": "LocalHost"}[way]
    if way == "helper":
        assert (host.state, f"kernel {daemon.info['KernelVersion']}" in host.fact) == ("ok", True)
    assert leftovers.things(daemon) == []


@pytest.mark.daemon
def test_a_helper_that_was_there_stays(daemon: Daemon, world: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A helper that a notebook is using is used for the question too, and stays."""
    from labkit.helper import start

    monkeypatch.setenv("LABKIT_LEARNER", world)
    monkeypatch.setenv("LABKIT_HOST", "helper")
    helper = start(daemon)
    assert found(doctor.examine(), "host").state == "ok"
    assert helper in [thing.id for thing in leftovers.things(daemon)]


@pytest.mark.daemon
def test_another_computer_is_noticed(daemon: Daemon, world: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the host that would be read is not the daemon's, that is bad."""
    info = daemon.info | {"KernelVersion": "6.6.6-elsewhere"}
    monkeypatch.setattr(doctor, "connect", lambda **_: replace(daemon, info=info))
    monkeypatch.setenv("LABKIT_HOST", "local")
    assert "the daemon's has 6.6.6-elsewhere" in found(doctor.examine(), "host").fact
    assert not doctor.ready(doctor.examine())


@pytest.mark.daemon
def test_leftovers_are_counted(daemon: Daemon, world: str) -> None:
    """What the course left is counted by kind: a container is worth a note, an image is not."""
    assert found(doctor.examine(), "leftovers").fact == "Nothing on the daemon has the course's label."
    images.ensure(daemon)
    assert found(doctor.examine(), "leftovers").state == "ok"
    sandbox.create(images.BUSYBOX, daemon=daemon)
    noted = found(doctor.examine(), "leftovers")
    assert (noted.state, noted.value) == ("note", {"container": 1, "network": 0, "volume": 0, "image": 1})
    assert "labkit clean" in noted.remedy


@pytest.mark.daemon
def test_the_part_or_the_image_is_enough(
    daemon: Daemon, world: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A local part is good, an image without a part is good, and neither is bad with the three ways."""
    assert found(doctor.examine(), "busybox").value == "part"
    images.ensure(daemon)
    monkeypatch.setattr(parts, "PLACES", (str(tmp_path / "none"),))
    monkeypatch.delenv("LABKIT_BUSYBOX", raising=False)
    assert found(doctor.examine(), "busybox").value == "image"
    leftovers.clean(daemon)
    assert found(doctor.examine(), "busybox").state == "bad"
    assert found(doctor.examine(), "busybox").remedy == parts.REMEDY


@pytest.mark.daemon
def test_a_docker_command_that_goes_elsewhere_is_noticed(
    daemon: Daemon, world: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A docker command that reaches another daemon is bad, and so is one that reaches none."""
    for line, reason in (("echo other", "it reaches another one"), ("echo no such host >&2; exit 1", "no such host")):
        script = tmp_path / "docker"
        script.write_text(f"#!/bin/sh\n[ \"$1\" = --version ] && echo 'Docker version 1, build x' || {{ {line}; }}\n")
        script.chmod(0o755)
        monkeypatch.setattr(shutil, "which", lambda *_, script=script, **__: str(script))
        noticed = found(doctor.examine(), "docker")
        assert (noticed.state, noticed.value, reason in noticed.fact) == ("bad", "1", True)
