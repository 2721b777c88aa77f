"""A second daemon: another one, that answers, may do nothing, and leaves nothing behind."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit import errors, images, sandbox, second
from labkit.daemon import Daemon
from labkit.endpoint import Endpoint, knock
from labkit.machine import certificates
from labkit.second import PORT, TLS_PORT, Second, second_daemon
from tests.test_engine import Files

pytestmark = pytest.mark.daemon


@pytest.fixture(scope="module")
def plain(daemon: Daemon) -> Iterator[Second]:
    """One that speaks plain HTTP."""
    with second_daemon(daemon, what="test") as other:
        yield other


@pytest.fixture(scope="module")
def guarded(daemon: Daemon) -> Iterator[Second]:
    """One that speaks TLS, and only to those whom its authority knows."""
    with second_daemon(daemon, tls=True, what="test") as other:
        yield other


@pytest.fixture
def strangers(tmp_path: Path, guarded: Second) -> Path:
    """The right authority to trust, and a certificate that another authority has signed."""
    certificates.make(tmp_path)
    assert guarded.certificates
    (tmp_path / "ca.pem").write_bytes((guarded.certificates / "ca.pem").read_bytes())
    return tmp_path


def ask(other: Second, path: str) -> Any:
    """What a second daemon answers to a GET, from a neighbour without any right."""
    words = ["wget", "-q", "-O", "-", f"http://{other.address}:{other.port}{path}"]
    options: dict[str, Any] = {"network": other.network, "user": "65534:65534", "cap_drop": ["ALL"]}
    image = images.ensure(other.box.daemon)
    with sandbox.run(image, words, what="test", daemon=other.box.daemon, **options) as neighbour:
        assert neighbour.wait() == 0, neighbour.logs()
        return json.loads(neighbour.logs())


def test_it_is_another_daemon(daemon: Daemon, plain: Second) -> None:
    """It has an id of its own and no containers, and it answers on the forwarded port and to its neighbours alike."""
    info = ask(plain, "/info")
    assert info["ID"] != daemon.client.info()["ID"]
    assert (info["Containers"], info["Driver"]) == (0, "vfs")
    assert knock(Endpoint(plain.url, "a test")) == ask(plain, "/version")["ApiVersion"]
    assert plain.port == PORT


def test_it_may_do_next_to_nothing(plain: Second) -> None:
    """Its container has one capability, nothing of the host that it could write to, and no runc."""
    facts = plain.box.inspect()
    rights, mounts = facts["HostConfig"], facts["Mounts"]
    assert rights["CapDrop"] == ["ALL"]
    assert [name.removeprefix("CAP_") for name in rights["CapAdd"]] == ["DAC_OVERRIDE"]
    assert (rights["Privileged"], rights["PidMode"], rights["IpcMode"] == "host") == (False, "", False)
    assert [mount["Destination"] for mount in mounts if mount["Type"] == "bind" and mount["RW"]] == []
    assert "docker.sock" not in str(mounts)
    with pytest.raises(errors.SandboxError, match="runs no containers"):
        plain.box.sh("runc --version")


def test_its_network_leads_nowhere(daemon: Daemon, plain: Second) -> None:
    """It sits in an internal network of its own, and publishes no port."""
    network = daemon.client.networks.get(plain.network).attrs
    assert (network["Internal"], len(network["Containers"])) == (True, 1)
    assert not plain.box.inspect()["HostConfig"]["PortBindings"]


def test_what_is_made_there_is_not_here(daemon: Daemon, plain: Second) -> None:
    """A volume that is made on it is unknown to the learner's daemon."""
    line = plain.docker("volume create labkit-test-elsewhere")
    subprocess.run(line, shell=True, check=True, capture_output=True)
    assert "labkit-test-elsewhere" in [volume["Name"] for volume in ask(plain, "/volumes")["Volumes"]]
    here: Any = daemon.client.api
    assert "labkit-test-elsewhere" not in [volume["Name"] for volume in here.volumes()["Volumes"] or ()]


def test_with_its_certificate_it_serves(guarded: Second) -> None:
    """A client with a certificate of its authority is answered, on the port of TLS."""
    assert guarded.port == TLS_PORT
    assert knock(Endpoint(guarded.url, "a test", str(guarded.certificates)))


@pytest.mark.parametrize("missing", ["everything", "the certificate", "the right authority"])
def test_without_its_certificate_it_serves_nobody(guarded: Second, strangers: Path, missing: str) -> None:
    """Plain HTTP, no certificate, and one of another authority are all refused."""
    if missing == "the certificate":
        (strangers / "cert.pem").unlink()
    with pytest.raises((errors.TLSFailed, errors.NotADaemon)):
        knock(Endpoint(guarded.url, "a test", None if missing == "everything" else str(strangers)))


def test_nothing_is_left(daemon: Daemon, nothing_left: None) -> None:
    """After close, container, network, port and certificates are gone, and closing again is no error."""
    with second_daemon(daemon, tls=True, what="test") as other:
        assert other.certificates and (other.certificates / "key.pem").exists()
    assert not other.certificates.exists()
    with pytest.raises(errors.ConnectionRefused):
        knock(Endpoint(other.url, "a test"))
    other.close()


def test_without_a_dockerd_nothing_is_left(daemon: Daemon, nothing_left: None) -> None:
    """A host that hides its dockerd is an error that says so, before anything was made."""
    with pytest.raises(errors.SandboxError, match="there is no dockerd"):
        second_daemon(daemon, host=Files({"/proc/1/comm": "init\n"}), what="test")


def test_one_that_ends_says_why(daemon: Daemon, nothing_left: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dockerd that does not start is an error with its own words, and nothing is left of it."""
    monkeypatch.setattr(second, "OPTIONS", ["--log-level=nonsense"])
    with pytest.raises(errors.SandboxError, match="logging level: nonsense"):
        second_daemon(daemon, what="test")


def test_a_line_for_a_terminal(plain: Second, guarded: Second, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line names the address and, with certificates, the three files; variables that ask for TLS are put aside."""
    assert plain.docker("ps") == f"docker -H {plain.url} ps"
    keys = guarded.certificates
    flags = f"--tlsverify --tlscacert {keys}/ca.pem --tlscert {keys}/cert.pem --tlskey {keys}/key.pem"
    assert guarded.docker("ps", certificates=keys) == f"docker -H {guarded.url} {flags} ps"
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    assert plain.docker("ps") == f"env -u DOCKER_TLS_VERIFY docker -H {plain.url} ps"
