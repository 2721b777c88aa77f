"""Where a daemon may be listening, and what one knock tells: servers of every temper, none of them Docker."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from labkit import endpoint as where
from labkit import errors, remedies
from labkit.daemon import Daemon
from labkit.endpoint import Endpoint, knock
from tests import fakes
from tests.fakes import Places, server

DEADLINE = 0.5


def refusal(place: str | Endpoint, *, deadline: float = DEADLINE) -> errors.DaemonError:
    """Return the error of a knock at ``place``, which must fail."""
    target = Endpoint(place, "the test") if isinstance(place, str) else place
    with pytest.raises(errors.DaemonError) as caught:
        knock(target, deadline=deadline)
    return caught.value


# --- Who names an address ---------------------------------------------------------------------------------


def test_the_usual_places_come_in_their_order(places: Places) -> None:
    """Where nobody named a daemon, the usual, the rootless and the Desktop socket are tried, in this order."""
    found = list(where.endpoints())
    assert [Path(e.path) for e in found] == [places.usual, places.rootless, places.desktop]
    assert [e.named for e in found] == [False, False, False]


def test_docker_host_is_the_only_candidate(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """DOCKER_HOST goes before a context, and nothing else is tried after it."""
    places.choose_context("moon")
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.7:2375")
    assert list(where.endpoints()) == [Endpoint("tcp://192.0.2.7:2375", "DOCKER_HOST", verify=False)]


def test_the_current_context_is_the_only_candidate(places: Places) -> None:
    """A current docker context names its daemon, and nothing else is tried after it."""
    places.write_context("moon", {"Host": "ssh://ada@moon"})
    places.choose_context("moon")
    assert list(where.endpoints()) == [Endpoint("ssh://ada@moon", "the docker context 'moon'")]


def test_docker_context_goes_before_the_current_context(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """DOCKER_CONTEXT overrides what `docker context use` chose."""
    places.choose_context("moon")
    monkeypatch.setenv("DOCKER_CONTEXT", "mars")
    assert where.current_context() == "mars"


def test_the_context_default_means_the_usual_places(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """DOCKER_CONTEXT=default switches the current context off."""
    places.choose_context("moon")
    monkeypatch.setenv("DOCKER_CONTEXT", "default")
    assert where.current_context() is None
    assert len(list(where.endpoints())) == 3


@pytest.mark.parametrize("config", ["{}", '{"currentContext": ""}', '{"currentContext": "default"}'])
def test_a_config_without_a_context_means_the_usual_places(places: Places, config: str) -> None:
    """A config.json that chooses no context leaves the usual places."""
    (places.config / "config.json").write_text(config)
    assert where.current_context() is None


def test_windows_has_one_usual_pipe(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows the only usual place is a named pipe."""
    monkeypatch.setattr("labkit.endpoint.current_context", lambda: None)  # pathlib, too, believes in os.name
    monkeypatch.setattr("os.name", "nt")
    assert [e.scheme for e in where.endpoints()] == ["npipe"]


def test_an_empty_docker_host_is_none(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty DOCKER_HOST counts as unset, as for the docker CLI."""
    monkeypatch.setenv("DOCKER_HOST", "")
    assert len(list(where.endpoints())) == 3


@pytest.mark.parametrize("text", ["192.0.2.7:2375", " tcp://192.0.2.7:2375\n"])
def test_an_address_may_come_without_tcp_or_with_blanks(places: Places, text: str) -> None:
    """A bare host and port means tcp://, and blanks around an address are nobody's intention."""
    assert where.from_environment(text).url == "tcp://192.0.2.7:2375"


@pytest.mark.parametrize(
    ("variables", "url", "certificates", "verify"),
    [
        ({}, "tcp://h", None, False),
        ({"DOCKER_CERT_PATH": "/c"}, "tcp://h", None, False),
        ({"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c"}, "tcp://h", "/c", True),
        ({"DOCKER_TLS_VERIFY": "0", "DOCKER_CERT_PATH": "/c"}, "tcp://h", "/c", True),  # "0" is not empty
        ({"DOCKER_TLS": "1", "DOCKER_CERT_PATH": "/c"}, "tcp://h", "/c", False),
        ({"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c"}, "unix:///s", None, True),
    ],
)
def test_tls_is_what_the_variables_say(
    places: Places, variables: dict[str, str], url: str, certificates: str | None, verify: bool
) -> None:
    """TLS is spoken over TCP when DOCKER_TLS_VERIFY or DOCKER_TLS is not empty; only the first one checks."""
    found = where.from_environment(url, environ=variables)
    assert (found.certificates, found.verify) == (certificates, verify)


def test_certificates_lie_in_the_clis_folder(places: Places) -> None:
    """Without DOCKER_CERT_PATH the certificates are looked for in the CLI's own folder."""
    found = where.from_environment("tcp://h", environ={"DOCKER_TLS_VERIFY": "1"})
    assert found.certificates == str(places.config)


# --- Contexts ---------------------------------------------------------------------------------------------


def test_a_contexts_certificates_switch_tls_on(places: Places) -> None:
    """A context whose certificates lie beside it is spoken to with TLS, and checked."""
    places.write_context("moon", {"Host": "tcp://moon:2376"}).mkdir(parents=True)
    found = where.read_context("moon")
    assert found.certificates and found.verify


def test_a_context_may_ask_not_to_check(places: Places) -> None:
    """SkipTLSVerify means TLS without a check, even without certificates."""
    places.write_context("moon", {"Host": "tcp://moon:2376", "SkipTLSVerify": True})
    found = where.read_context("moon")
    assert found.certificates and not found.verify


def test_a_contexts_socket_needs_no_tls(places: Places) -> None:
    """A context at a socket file is spoken to without TLS, whatever lies beside it."""
    places.write_context("moon", {"Host": "unix:///moon.sock"}).mkdir(parents=True)
    assert where.read_context("moon").certificates is None


@pytest.mark.parametrize("name", ["moon", 5, "../../moon", "caf\udce9"])
def test_a_context_that_is_not_there_is_said_with_its_name(places: Places, name: object) -> None:
    """A current context without a file is an error that names it and shows the way back to the default."""
    places.choose_context(name)
    with pytest.raises(errors.ContextBroken, match="does not exist") as caught:
        list(where.endpoints())
    assert repr(str(name)) in caught.value.problem
    assert "docker context use default" in caught.value.remedy


@pytest.mark.parametrize("endpoint", [{}, {"Host": ""}, {"Host": None}, None, [], "tcp://h", 5])
def test_a_context_without_an_address_is_broken(places: Places, endpoint: object) -> None:
    """A context whose file names no Host is an error that names the file."""
    places.write_context("moon", endpoint)
    with pytest.raises(errors.ContextBroken, match=r"meta\.json is not a docker context"):
        where.read_context("moon")


@pytest.mark.parametrize("bytes_", [b"", b"{", b"[]", b"\xff\xfe\x00", b'{"Endpoints": {}}'])
def test_a_corrupt_context_is_broken(places: Places, bytes_: bytes) -> None:
    """A context whose file is not what the CLI writes is an error that names the file."""
    places.write_context("moon", {})
    next(places.config.rglob("meta.json")).write_bytes(bytes_)
    with pytest.raises(errors.ContextBroken, match=r"meta\.json is not a docker context"):
        where.read_context("moon")


@pytest.mark.parametrize("bytes_", [b"", b"{", b"[]", b"\xff\xfe\x00", b"null"])
def test_a_corrupt_config_is_said(places: Places, bytes_: bytes) -> None:
    """A config.json that is no object of JSON is an error that names the file."""
    (places.config / "config.json").write_bytes(bytes_)
    with pytest.raises(errors.ContextBroken, match=r"config\.json cannot be read"):
        where.current_context()


def test_a_config_that_belongs_to_root_is_said(places: Places) -> None:
    """A config.json that this user may not read, as `sudo docker` leaves it, is an error that tells of chown."""
    places.choose_context("moon")
    (places.config / "config.json").chmod(0)
    with fakes.ordinary_user(), pytest.raises(errors.ContextBroken, match="Permission denied") as caught:
        where.current_context()
    assert "chown" in caught.value.remedy


def test_a_closed_config_folder_is_said(places: Places) -> None:
    """A folder of the CLI that this user may not enter is an error, not a traceback from pathlib."""
    places.config.chmod(0)
    with fakes.ordinary_user(), pytest.raises(errors.ContextBroken, match="Permission denied"):
        where.current_context()


# --- Bad addresses ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "tcp://",
        "tcp://:2375",
        "tcp://h:99999",
        "tcp://h:http",
        "tcp://[::1",
        "tcp://" + "h" * 64,
        "tcp://daemon.invalid",
        "unix://",
        "unix://docker.sock",
        "unix:///" + "s" * 200,
        "ssh://ada@moon",
        "npipe:////./pipe/docker_engine",
        "foo://h",
        "",
    ],
)
def test_a_bad_address_is_said_with_its_text(url: str) -> None:
    """An address that cannot be opened is a BadAddress that shows it and what a good one looks like."""
    error = refusal(url)
    assert type(error) is errors.BadAddress
    assert url.removeprefix("unix://") in error.problem
    assert "unix://" in error.remedy


@pytest.mark.parametrize(("certificates", "port"), [(None, 2375), ("/c", 2376)])
def test_the_port_has_a_default(certificates: str | None, port: int) -> None:
    """A tcp:// address without a port means 2375, and 2376 with TLS, as for the docker CLI."""
    assert Endpoint("tcp://127.0.0.1", "the test", certificates).address()[1] == ("127.0.0.1", port)


def test_an_address_of_ipv6_is_understood() -> None:
    """The brackets of an IPv6 address are not part of the host."""
    assert Endpoint("tcp://[::1]:99", "the test").address() == (socket.AF_INET6, ("::1", 99))


# --- Nobody there, or no entry ----------------------------------------------------------------------------


def test_a_missing_socket_is_said_with_its_path(places: Places) -> None:
    """A socket that is not there is a SocketMissing that names it, and the remedy starts a daemon."""
    error = refusal(f"unix://{places.usual}")
    assert type(error) is errors.SocketMissing
    assert str(places.usual) in error.problem
    assert remedies.start() in error.remedy


def test_a_missing_socket_that_was_named_may_be_a_slip(places: Places) -> None:
    """Only where a person named the missing socket does the remedy doubt the address."""
    named, usual = (Endpoint(f"unix://{places.usual}", "the test", named=named) for named in (True, False))
    assert remedies.ADDRESS in refusal(named).remedy
    assert remedies.ADDRESS not in refusal(usual).remedy


def test_a_file_on_the_way_is_a_missing_socket(places: Places) -> None:
    """A path that leads through a file leads nowhere."""
    places.usual.touch()
    assert type(refusal(f"unix://{places.usual}/docker.sock")) is errors.SocketMissing


def test_a_stale_socket_refuses(places: Places) -> None:
    """A socket file whose daemon has died is a ConnectionRefused that names it."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(places.usual))
    error = refusal(f"unix://{places.usual}")
    assert type(error) is errors.ConnectionRefused
    assert str(places.usual) in error.problem
    assert remedies.start() in error.remedy


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels say ENOTSOCK here")
def test_what_is_not_a_socket_refuses(places: Places) -> None:
    """A folder in the socket's place, as a bind mount makes it, is a ConnectionRefused."""
    places.usual.mkdir()
    assert type(refusal(f"unix://{places.usual}")) is errors.ConnectionRefused


def test_a_closed_port_refuses() -> None:
    """A port where nobody listens is a ConnectionRefused, and the remedy knows that TCP is not the default."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    error = refusal(f"tcp://127.0.0.1:{port}")
    assert type(error) is errors.ConnectionRefused
    assert str(port) in error.problem
    assert "dockerd -H tcp://" in error.remedy


def test_a_forbidden_socket_is_said_with_its_group(places: Places) -> None:
    """A socket closed to this user is a SocketForbidden that names it, and the remedy names its group."""
    with server(fakes.docker(), at=places.usual) as url:
        places.usual.chmod(0)
        with fakes.ordinary_user():
            error = refusal(url)
    assert type(error) is errors.SocketForbidden
    assert str(places.usual) in error.problem
    assert repr(places.usual.group()) in error.remedy


def test_a_closed_folder_on_the_way_is_said(places: Places) -> None:
    """Where a folder on the way is closed, the remedy speaks of the way, not of a group."""
    with server(fakes.docker(), at=places.rootless) as url:
        places.rootless.parent.chmod(0)
        with fakes.ordinary_user():
            error = refusal(url)
    assert type(error) is errors.SocketForbidden
    assert "namei" in error.remedy


def test_a_firewall_is_no_matter_of_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Permission denied over TCP, as a firewall says it, is a refusal and never speaks of a socket's group."""

    def denied(*_: object, **__: object) -> socket.socket:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Endpoint, "dial", denied)
    error = refusal("tcp://192.0.2.7:2375")
    assert type(error) is errors.ConnectionRefused
    assert error.remedy == remedies.TCP


# --- Silence ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("temper", [fakes.silent, fakes.drips(1.0), fakes.drips(DEADLINE / 10)])
def test_a_daemon_that_hangs_ends_at_the_deadline(temper: fakes.Conversation) -> None:
    """A server that never comes to an answer is a DaemonHung soon after the deadline, however it delays."""
    with server(temper) as url:
        begun = time.monotonic()
        error = refusal(url)
        took = time.monotonic() - begun
    assert type(error) is errors.DaemonHung
    assert url in error.problem and f"{DEADLINE:g} s" in error.problem
    assert error.remedy == remedies.hung()
    assert took < 30 * DEADLINE


@pytest.mark.parametrize("line", [b"X-More: yes\r\n", b"no end of line"])
def test_endless_headers_end_early(line: bytes) -> None:
    """A server that never stops talking is given up after 64 KiB: it is no daemon."""
    with server(fakes.never_ends(line)) as url:
        begun = time.monotonic()
        assert type(refusal(url, deadline=60 * DEADLINE)) is errors.NotADaemon
        assert time.monotonic() - begun < 30 * DEADLINE


def test_silence_in_the_tls_handshake_ends_at_the_deadline(tmp_path: Path, ca: trustme.CA) -> None:
    """A server that never answers the TLS greeting is a DaemonHung soon after the deadline."""
    fakes.issue(ca, tmp_path)
    with server(fakes.silent) as url:
        begun = time.monotonic()
        assert type(refusal(Endpoint(url, "the test", str(tmp_path)))) is errors.DaemonHung
        assert time.monotonic() - begun < 30 * DEADLINE


@pytest.mark.skipif(sys.platform != "linux", reason="other kernels refuse where the queue is full")
def test_a_full_queue_of_connections_is_a_hung_daemon(places: Places) -> None:
    """A listener that has stopped accepting is a DaemonHung, though the kernel says EAGAIN at once."""
    with socket.socket(socket.AF_UNIX) as frozen, socket.socket(socket.AF_UNIX) as waiting:
        frozen.bind(str(places.usual))
        frozen.listen(0)
        waiting.connect(str(places.usual))
        assert type(refusal(f"unix://{places.usual}")) is errors.DaemonHung


# --- Not a daemon -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.0 404 File not found\r\nServer: SimpleHTTP/0.6\r\n\r\n", "404 File not found"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "SSH-2.0-OpenSSH"),
        (b"\x00\xff\x00\xff", r"\x00ÿ\x00ÿ"),
        (b"\r\n\r\n", "''"),
        (b"", "closed the connection without a word"),
    ],
)
def test_another_program_is_quoted(answer: bytes, said: str) -> None:
    """A server that is not Docker is a NotADaemon that quotes the first line of what it said."""
    with server(fakes.says(answer)) as url:
        error = refusal(url)
    assert type(error) is errors.NotADaemon
    assert url in error.problem and said in error.problem


def test_a_long_answer_is_quoted_in_part() -> None:
    """A server that says a whole page on one line does not fill the learner's screen."""
    with server(fakes.says(b"x" * 60000)) as url:
        assert len(refusal(url).problem) < 200


@pytest.mark.parametrize("temper", [fakes.hang_up, fakes.slam])
@pytest.mark.parametrize("family", ["unix", "tcp"])
def test_a_cut_connection_is_not_a_refusal(temper: fakes.Conversation, family: str, places: Places) -> None:
    """Whoever accepts and hangs up does listen, so the error is NotADaemon and does not say "nobody"."""
    with server(temper, at=places.usual if family == "unix" else None) as url:
        error = refusal(url)
    assert type(error) is errors.NotADaemon
    assert "nobody" not in error.problem


def test_a_greeting_is_judged_at_once() -> None:
    """A server that speaks first and then waits is no daemon, and its silence is not waited for."""

    def greets(sock: socket.socket, over: Any) -> None:
        sock.sendall(b"220 mail.example.org ESMTP\r\n")
        over.wait()

    with server(greets) as url:
        assert type(refusal(url)) is errors.NotADaemon


@pytest.mark.parametrize("family", ["unix", "tcp"])
def test_a_daemon_offers_its_version(places: Places, family: str) -> None:
    """A knock at a daemon returns the API version that it offers."""
    with server(fakes.docker("1.47"), at=places.usual if family == "unix" else None) as url:
        assert knock(Endpoint(url, "the test")) == "1.47"


def test_an_answer_in_pieces_is_put_together() -> None:
    """The version is found however the bytes of the answer are cut."""

    def stutters(sock: socket.socket, over: Any) -> None:
        sock.recv(65536)
        for byte in b"HTTP/1.1 200 OK\r\napi-VERSION:1.41\r\n\r\n":
            sock.sendall(bytes([byte]))

    with server(stutters) as url:
        assert knock(Endpoint(url, "the test")) == "1.41"


# --- TLS --------------------------------------------------------------------------------------------------


def test_tls_with_the_right_papers_is_answered(tmp_path: Path, ca: trustme.CA) -> None:
    """With the daemon's CA, a client certificate and its key, a knock over TLS returns the version."""
    with server(fakes.docker(), tls=fakes.issue(ca, tmp_path)) as url:
        assert knock(Endpoint(url, "the test", str(tmp_path))) == "1.43"


def yesterday(days: int) -> datetime:
    """Return the time ``days`` ago."""
    return datetime.now(UTC) - timedelta(days=days)


@pytest.mark.parametrize(
    ("names", "dates", "reason"),
    [
        (["moon.example.org"], {}, "127.0.0.1"),
        (["127.0.0.1"], {"not_before": yesterday(9), "not_after": yesterday(2)}, "expired"),
        (["127.0.0.1"], {"not_before": yesterday(-2)}, "not yet valid"),
    ],
    ids=["other host", "expired", "too early"],
)
def test_a_wrong_certificate_is_said_with_its_fault(
    tmp_path: Path, ca: trustme.CA, names: list[str], dates: dict[str, datetime], reason: str
) -> None:
    """A daemon whose certificate is for another host or another time is a TLSFailed that says which."""
    with server(fakes.docker(), tls=fakes.issue(ca, tmp_path, *names, **dates)) as url:
        error = refusal(Endpoint(url, "the test", str(tmp_path)))
    assert type(error) is errors.TLSFailed
    assert reason in error.problem and url in error.problem
    assert error.remedy == remedies.TLS


def test_a_certificate_from_another_ca_is_not_trusted(tmp_path: Path, ca: trustme.CA) -> None:
    """A daemon whose certificate another authority signed is a TLSFailed that names the folder it was compared with."""
    tls = fakes.issue(trustme.CA(), tmp_path / "theirs")
    fakes.issue(ca, tmp_path / "mine")
    with server(fakes.docker(), tls=tls) as url:
        error = refusal(Endpoint(url, "the test", str(tmp_path / "mine")))
    assert type(error) is errors.TLSFailed
    assert str(tmp_path / "mine") in error.problem


def test_without_verify_any_certificate_will_do(tmp_path: Path, ca: trustme.CA) -> None:
    """Where the user asked not to check, a certificate for another host is accepted."""
    with server(fakes.docker(), tls=fakes.issue(ca, tmp_path, "moon.example.org")) as url:
        assert knock(Endpoint(url, "the test", str(tmp_path), verify=False)) == "1.43"


def test_a_client_without_papers_is_turned_away(tmp_path: Path, ca: trustme.CA) -> None:
    """A daemon that wants a client certificate and gets none is a TLSFailed, though TLS 1.3 says so late."""
    tls = fakes.issue(ca, tmp_path)
    (tmp_path / "cert.pem").unlink()
    with server(fakes.docker(), tls=tls) as url:
        assert type(refusal(Endpoint(url, "the test", str(tmp_path)))) is errors.TLSFailed


def test_a_tls_client_at_a_plain_server_is_said(tmp_path: Path, ca: trustme.CA) -> None:
    """TLS spoken to a daemon without TLS is a TLSFailed, and the remedy says what OpenSSL's words mean."""
    fakes.issue(ca, tmp_path)
    with server(fakes.says(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as url:
        error = refusal(Endpoint(url, "the test", str(tmp_path)))
    assert type(error) is errors.TLSFailed
    assert "unset DOCKER_TLS_VERIFY" in error.remedy


GO_WANTS_TLS = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"


@pytest.mark.parametrize("answer", [GO_WANTS_TLS, b"\x15\x03\x01\x00\x02\x02\x46"], ids=["words", "alert"])
def test_a_plain_client_at_a_tls_daemon_is_said(answer: bytes) -> None:
    """Plain HTTP spoken to a TLS daemon is a TLSFailed: Go answers in words, others with a TLS alert."""
    with server(fakes.says(answer)) as url:
        error = refusal(url)
    assert type(error) is errors.TLSFailed
    assert "TLS only" in error.problem and "DOCKER_CERT_PATH" in error.remedy


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: path.write_text("no key")], ids=["missing", "garbage"])
@pytest.mark.parametrize("name", ["key.pem", "cert.pem", "ca.pem"])
def test_spoilt_papers_are_a_matter_of_tls(
    tmp_path: Path, ca: trustme.CA, name: str, spoil: Callable[[Path], object]
) -> None:
    """A paper that is missing or garbage is a TLSFailed that names the folder, not a missing socket."""
    with server(fakes.docker(), tls=fakes.issue(ca, tmp_path)) as url:
        spoil(tmp_path / name)
        error = refusal(Endpoint(url, "the test", str(tmp_path)))
    assert type(error) is errors.TLSFailed
    assert str(tmp_path) in error.problem


def test_a_key_that_belongs_to_root_is_a_matter_of_tls(places: Places, ca: trustme.CA) -> None:
    """A key that this user may not read is a TLSFailed: permission here has nothing to do with a socket."""
    fakes.issue(ca, places.config)
    (places.config / "key.pem").chmod(0)
    with fakes.ordinary_user():
        error = refusal(Endpoint("tcp://127.0.0.1:9", "the test", str(places.config)))
    assert type(error) is errors.TLSFailed
    assert "Permission denied" in error.problem


# --- With the real daemon, and the CLI as the oracle ------------------------------------------------------


def cli(*words: str) -> str:
    """Return what the docker CLI prints."""
    if not (docker := shutil.which("docker")):
        pytest.skip("no docker command to compare with")
    return subprocess.run([docker, *words], check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.daemon
def test_the_real_daemon_offers_the_version_that_the_cli_sees(daemon: Daemon) -> None:
    """The version of a knock is the one that `docker version` reports of the server."""
    assert knock(daemon.endpoint) == cli("version", "--format", "{{.Server.APIVersion}}")


@pytest.mark.daemon
@pytest.mark.parametrize("skip", ["true", "false"])
def test_a_context_of_the_cli_is_read(places: Places, ca: trustme.CA, skip: str) -> None:
    """A context that `docker context create` wrote is read as `docker context inspect` shows it."""
    fakes.issue(ca, places.folder)
    papers = ",".join(f"{name}={places.folder}/{name}.pem" for name in ("ca", "cert", "key"))
    cli("context", "create", "moon", "--docker", f"host=tcp://moon:2376,skip-tls-verify={skip},{papers}")
    cli("context", "use", "moon")
    (found,) = where.endpoints()
    (shown,) = json.loads(cli("context", "inspect", "moon"))
    assert found.url == shown["Endpoints"]["docker"]["Host"]
    assert found.verify == (not shown["Endpoints"]["docker"]["SkipTLSVerify"])
    assert found.certificates == f"{shown['Storage']['TLSPath']}/docker"
    assert all(found.pem(name) for name in ("ca", "cert", "key"))


@pytest.mark.daemon
def test_the_real_socket_names_its_group(daemon: Daemon) -> None:
    """The daemon's own socket turns an ordinary user away, and the remedy names the group that `stat` shows."""
    if daemon.endpoint.scheme != "unix":
        pytest.skip(f"{daemon.endpoint.url} is not a socket file")
    with fakes.ordinary_user():
        if Path(daemon.endpoint.path).stat().st_uid == os.geteuid():
            pytest.skip("the socket belongs to the user who runs the tests")
        error = refusal(daemon.endpoint)
    assert type(error) is errors.SocketForbidden
    assert repr(Path(daemon.endpoint.path).group()) in error.remedy
