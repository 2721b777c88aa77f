"""Find a daemon, open it, pass it on to children: with stand-ins first, then with the real one."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import certifi
import pytest
import trustme

from labkit import endpoint as where
from labkit import errors, remedies
from labkit.daemon import Daemon, connect, current
from labkit.endpoint import Endpoint
from labkit.machine import resort
from tests import fakes
from tests.fakes import Places, server

module = sys.modules[Daemon.__module__]


def failure(url: str | None = None) -> errors.DaemonError:
    """Return the error of ``connect(url)``, which must fail."""
    with pytest.raises(errors.DaemonError) as caught:
        connect(url, quiet=True)
    return caught.value


def names(daemon: Daemon) -> tuple[str, str]:
    """Return who answered, and who named the address."""
    return str(daemon.info["Name"]), daemon.endpoint.source


@contextlib.contextmanager
def daemon_called(name: str, at: Path | None = None) -> Iterator[str]:
    """Run a stand-in whose ``/info`` gives this name."""
    with server(fakes.docker(info={"ServerVersion": "25.0.3+fake", "Name": name}), at=at) as url:
        yield url


# --- The order --------------------------------------------------------------------------------------------

ORDER = {
    "argument": "the argument of connect",
    "variable": "DOCKER_HOST",
    "chosen": "the docker context 'chosen'",
    "current": "the docker context 'current'",
    "usual": "the usual socket",
    "rootless": "the socket of a rootless daemon",
    "desktop": "the socket of Docker Desktop",
}


@pytest.mark.parametrize("first", ORDER)
def test_the_first_in_the_order_is_taken(places: Places, monkeypatch: pytest.MonkeyPatch, first: str) -> None:
    """Of all the daemons from one place of the order on, the first is taken, whoever named it is reported."""
    there = list(ORDER)[list(ORDER).index(first) :]
    with contextlib.ExitStack() as stack:
        urls = {name: stack.enter_context(daemon_called(name, getattr(places, name, None))) for name in there}
        if "variable" in there:
            monkeypatch.setenv("DOCKER_HOST", urls["variable"])
        if "chosen" in there:
            monkeypatch.setenv("DOCKER_CONTEXT", "chosen")
        for context in {"chosen", "current"} & set(there):
            places.write_context(context, {"Host": urls[context]})
        if "current" in there:
            places.choose_context("current")
        daemon = connect(urls.get("argument"), quiet=True)
        assert names(daemon) == (first, ORDER[first])
        assert os.environ["DOCKER_HOST"] == urls[first]


def test_the_choice_is_reported(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    """connect() prints the engine, its address and who named it, once."""
    with daemon_called("usual", places.usual) as url:
        connect()
    assert capsys.readouterr().out == f"Docker 25.0.3 answers at {url} (the usual socket).\n"


def test_quiet_prints_nothing(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    """connect(quiet=True) leaves the report to whoever asks for it."""
    with daemon_called("usual", places.usual):
        connect(quiet=True)
    assert capsys.readouterr().out == ""


def test_a_forbidden_socket_is_passed_over_and_said(places: Places) -> None:
    """A usual socket that refuses gives way to a rootless one, and the report says what was passed over."""
    with daemon_called("usual", places.usual), daemon_called("rootless", places.rootless):
        places.usual.chmod(0)
        places.rootless.chmod(0o777)
        with fakes.ordinary_user():
            daemon = connect(quiet=True)
    assert names(daemon) == ("rootless", "the socket of a rootless daemon")
    assert daemon.passed_over == (f"{places.usual} (the usual socket): permission denied.",)
    assert daemon.report().splitlines()[1] == f"Passed over: {daemon.passed_over[0]}"


def test_what_was_passed_over_is_said_again(places: Places) -> None:
    """A second connect() searches again, and says again what it passed over."""
    with server(fakes.hang_up, at=places.usual), daemon_called("rootless", places.rootless):
        assert connect(quiet=True).passed_over == connect(quiet=True).passed_over != ()


def test_a_missing_socket_is_not_worth_a_word(places: Places) -> None:
    """Places where there is nothing are passed over in silence."""
    with daemon_called("desktop", places.desktop):
        assert connect(quiet=True).passed_over == ()


@pytest.mark.parametrize("who", ["argument", "variable", "context"])
def test_what_a_person_named_is_final(places: Places, monkeypatch: pytest.MonkeyPatch, who: str) -> None:
    """An address that a person named and that does not answer is an error, though the usual socket would answer."""
    dead = f"unix://{places.folder}/dead.sock"
    if who == "variable":
        monkeypatch.setenv("DOCKER_HOST", dead)
    places.write_context("moon", {"Host": dead})
    places.choose_context("moon" if who == "context" else "default")
    with daemon_called("usual", places.usual):
        error = failure(dead if who == "argument" else None)
    assert type(error) is errors.SocketMissing
    assert "dead.sock" in error.problem


# --- DOCKER_HOST, for children and for the next connect() -------------------------------------------------


def test_a_second_connect_is_not_deceived_by_the_first(places: Places) -> None:
    """The DOCKER_HOST that connect() wrote is not reported as the user's wish by the next connect()."""
    with daemon_called("usual", places.usual):
        assert names(connect(quiet=True)) == names(connect(quiet=True)) == ("usual", "the usual socket")


def test_a_daemon_that_moved_is_found_again(places: Places) -> None:
    """When the daemon that was found is gone, the next connect() finds the next one."""
    with daemon_called("usual", places.usual):
        connect(quiet=True)
    places.usual.unlink()
    with daemon_called("rootless", places.rootless):
        assert names(connect(quiet=True)) == ("rootless", "the socket of a rootless daemon")


def test_a_context_chosen_later_is_followed(places: Places) -> None:
    """`docker context use` between two calls of connect() decides the second."""
    with daemon_called("usual", places.usual), daemon_called("moon") as moon:
        connect(quiet=True)
        places.write_context("moon", {"Host": moon})
        places.choose_context("moon")
        assert names(connect(quiet=True)) == ("moon", "the docker context 'moon'")


def test_the_users_own_docker_host_stays_the_users(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """A DOCKER_HOST that the user set is the source in the second report, too."""
    with daemon_called("variable") as url:
        monkeypatch.setenv("DOCKER_HOST", url)
        assert names(connect(quiet=True)) == names(connect(quiet=True)) == ("variable", "DOCKER_HOST")


def test_a_docker_host_set_later_is_a_wish(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """A DOCKER_HOST that the user sets after connect() decides the next one, also after an argument."""
    with daemon_called("argument") as argument, daemon_called("variable") as variable:
        connect(argument, quiet=True)
        monkeypatch.setenv("DOCKER_HOST", variable)
        assert names(connect(quiet=True)) == ("variable", "DOCKER_HOST")


def test_a_docker_host_removed_later_is_no_wish(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the user removes DOCKER_HOST after connect(), the next one looks at the usual places."""
    with daemon_called("usual", places.usual), daemon_called("variable") as variable:
        monkeypatch.setenv("DOCKER_HOST", variable)
        connect(quiet=True)
        monkeypatch.delenv("DOCKER_HOST")
        assert names(connect(quiet=True)) == ("usual", "the usual socket")


def test_an_argument_is_kept_to(places: Places) -> None:
    """After connect(url), connect() stays with that daemon and says that the argument named it."""
    with daemon_called("usual", places.usual), daemon_called("argument") as url:
        connect(url, quiet=True)
        assert names(connect(quiet=True)) == ("argument", "the argument of connect")


def test_our_own_tls_variables_are_nobodys_wish(places: Places, ca: trustme.CA) -> None:
    """After a context with TLS, connect("tcp://…") does not take that context's certificates for the user's."""
    tls = fakes.issue(ca, places.write_context("moon", {"Host": "tcp://127.0.0.1:1"}))
    with server(fakes.docker(), tls=tls) as moon, daemon_called("plain") as plain:
        next(places.config.rglob("meta.json")).write_text(json.dumps({"Endpoints": {"docker": {"Host": moon}}}))
        places.choose_context("moon")
        connect(quiet=True)
        assert os.environ["DOCKER_TLS_VERIFY"] == "1"
        assert connect(plain, quiet=True).endpoint.certificates is None
        assert "DOCKER_TLS_VERIFY" not in os.environ


def test_the_users_tls_variables_survive(places: Places, monkeypatch: pytest.MonkeyPatch, ca: trustme.CA) -> None:
    """A daemon with TLS is reached again after one without, though connect() took the variables away meanwhile."""
    tls = fakes.issue(ca, places.folder / "papers")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(places.folder / "papers"))
    with server(fakes.docker(), tls=tls) as secret, daemon_called("usual", places.usual) as usual:
        assert connect(usual, quiet=True).endpoint.certificates is None
        assert "DOCKER_CERT_PATH" not in os.environ
        assert connect(secret, quiet=True).info["Name"] == "fake"
        assert os.environ["DOCKER_CERT_PATH"] == str(places.folder / "papers")


def test_a_failure_changes_nothing(places: Places) -> None:
    """A connect() that fails leaves DOCKER_HOST and the notebook's daemon as they were."""
    with daemon_called("usual", places.usual) as url:
        daemon = connect(quiet=True)
        failure("foo://h")
        assert current() is daemon
        assert os.environ["DOCKER_HOST"] == url


def test_current_connects_once(places: Places, capsys: pytest.CaptureFixture[str]) -> None:
    """current() connects where nobody did, without a word, and returns the same daemon from then on."""
    with daemon_called("usual", places.usual):
        daemon = current()
    assert current() is daemon
    assert capsys.readouterr().out == ""


# --- The last resort: the course's own machine ------------------------------------------------------------


def test_a_machine_that_runs_comes_after_the_usual_places(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's daemon is taken where no other answers, and only then."""
    own = places.home / "docker.sock"
    monkeypatch.setattr(resort, "endpoints", lambda: iter([Endpoint(f"unix://{own}", resort.MACHINE, named=False)]))
    with daemon_called("the machine's", own):
        assert connect(quiet=True).endpoint.source == resort.MACHINE
        with daemon_called("usual", places.usual):
            monkeypatch.setattr(sys.modules[connect.__module__], "_current", None)
            assert connect(quiet=True).info["Name"] == "usual"


def test_where_nothing_is_found_the_machine_is_started(
    places: Places, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A connect() that may talk starts the machine and says so; a quiet one, or one with a name, starts nothing."""
    own, started = places.home / "docker.sock", list[str]()

    def start(say: Callable[[str], None]) -> Endpoint:
        started.append("once")
        return Endpoint(f"unix://{own}", resort.MACHINE, named=False)

    monkeypatch.setattr(resort, "possible", lambda: True)
    monkeypatch.setattr(resort, "start", start)
    with daemon_called("the machine's", own):
        with pytest.raises(errors.NoDaemon):
            connect(quiet=True)
        with pytest.raises(errors.SocketMissing):
            connect(f"unix://{places.usual}")
        assert started == []
        assert connect().info["Name"] == "the machine's"
    assert started == ["once"]
    assert capsys.readouterr().out.startswith("No Docker daemon was found here: the course brings its own.\n")


def test_a_socket_that_refuses_is_not_replaced_by_a_machine(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a daemon's socket is there and refuses, the error says so, and nothing else is started."""
    monkeypatch.setattr(resort, "possible", lambda: True)
    monkeypatch.setattr(resort, "start", lambda say: pytest.fail("it was started"))
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(places.usual))
    with pytest.raises(errors.ConnectionRefused):
        connect()


# --- What goes wrong --------------------------------------------------------------------------------------


def test_no_daemon_at_all_lists_where_it_was_looked_for(places: Places) -> None:
    """Where there is no socket, the error names the three places and gives three choices."""
    error = failure()
    assert type(error) is errors.NoDaemon
    assert all(str(path) in error.problem for path in (places.usual, places.rootless, places.desktop))
    assert error.remedy == remedies.no_daemon()
    assert "DOCKER_HOST" not in os.environ


def test_a_dead_socket_is_worth_more_than_a_missing_one(places: Places) -> None:
    """If one usual place refuses and the others are empty, the error is the one that refuses."""
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(places.rootless))
    error = failure()
    assert type(error) is errors.ConnectionRefused
    assert str(places.rootless) in error.problem


@pytest.mark.parametrize(
    "url", ["foo://h", "http://h:2375", "/var/run/docker.sock", "tcp://", "", "unix://a", "tcp://h:99999"]
)
def test_an_address_that_docker_does_not_know_is_bad(places: Places, url: str) -> None:
    """A bad argument, the empty one included, is a BadAddress that shows it, and no other daemon is taken."""
    with daemon_called("usual", places.usual):
        error = failure(url)
    assert type(error) is errors.BadAddress
    assert url in error.problem
    assert error.remedy == remedies.ADDRESS


@pytest.mark.parametrize("api", ["1.40", "1.9", "1"])
def test_an_old_daemon_is_said_with_its_version(places: Places, api: str) -> None:
    """A daemon whose newest API is older than 1.41 is an ApiTooOld that names both versions."""
    with server(fakes.docker(api)) as url:
        error = failure(url)
    assert type(error) is errors.ApiTooOld
    assert f"API {api};" in error.problem and "1.41" in error.problem
    assert error.remedy == remedies.TOO_OLD


def test_the_oldest_version_is_still_good(places: Places) -> None:
    """A daemon whose newest API is 1.41 is opened, with that version negotiated."""
    with server(fakes.docker("1.41")) as url:
        assert connect(url, quiet=True).api == "1.41"


@pytest.mark.parametrize("api", ["", "new", "1.x", "1.41-beta"])
def test_a_version_that_is_none_is_not_a_daemons(places: Places, api: str) -> None:
    """A server whose Api-Version is no version is a NotADaemon that quotes it."""
    with server(fakes.docker(api)) as url:
        error = failure(url)
    assert type(error) is errors.NotADaemon
    assert repr(api) in error.problem


def test_a_daemon_that_only_pings_is_hung(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that answers the knock and nothing after it is a DaemonHung, not a minute's silence."""
    monkeypatch.setattr(module, "PATIENCE", 1)
    with server(fakes.pings_only) as url:
        begun = time.monotonic()
        error = failure(url)
        assert time.monotonic() - begun < 30
    assert type(error) is errors.DaemonHung
    assert error.remedy == remedies.hung()


def test_patience_ends_with_the_opening(places: Places) -> None:
    """The short patience of the opening does not cut later requests, such as loading an image."""
    with daemon_called("usual", places.usual):
        assert connect(quiet=True).client.api.timeout > module.PATIENCE


@pytest.mark.parametrize(
    "impostor",
    [
        fakes.docker(info=[]),
        fakes.docker(info={}),
        fakes.docker(status="500 Internal Server Error"),
        fakes.docker(status="403 Forbidden", info={"message": "no"}),
        fakes.says(b"HTTP/1.1 200 OK\r\nApi-Version: 1.43\r\nContent-Length: 2\r\n\r\n{]"),
        fakes.says(b"HTTP/1.1 200 OK\r\nApi-Version: 1.43\r\nContent-Length: 99\r\n\r\n{"),
    ],
)
def test_a_ping_alone_makes_no_daemon(places: Places, impostor: fakes.Conversation) -> None:
    """A server that answers the ping but not the questions after it as Docker does is a NotADaemon."""
    with server(impostor) as url:
        error = failure(url)
    assert type(error) is errors.NotADaemon
    assert url in error.problem


def test_ssh_without_paramiko_says_what_to_install(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ssh:// address where docker-py's ssh part is missing gets the remedy that names it."""
    monkeypatch.delattr("docker.api.client.SSHHTTPAdapter", raising=False)
    error = failure("ssh://ada@moon")
    assert "ssh://ada@moon" in error.problem and "paramiko" in error.problem
    assert error.remedy == remedies.SSH


def test_an_old_daemon_behind_ssh_is_said_too(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over ssh, where nothing is knocked at, a daemon older than API 1.41 is an ApiTooOld as well."""
    monkeypatch.setattr("docker.DockerClient", lambda *_, **__: Client({"ServerVersion": "19.03.15"}, "1.40"))
    assert type(failure("ssh://ada@moon")) is errors.ApiTooOld


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has named pipes")
def test_a_pipe_elsewhere_than_on_windows_is_said(places: Places) -> None:
    """An npipe:// address, which only Windows can open, is an error that says so."""
    assert "only supported on Windows" in failure("npipe:////./pipe/docker_engine").problem


def test_a_broken_context_stops_the_search(places: Places) -> None:
    """A current context that does not exist is an error, though the usual socket would answer."""
    places.choose_context("moon")
    with daemon_called("usual", places.usual):
        assert type(failure()) is errors.ContextBroken


# --- TCP and TLS, through docker-py -----------------------------------------------------------------------


def test_tls_reaches_the_api(places: Places, monkeypatch: pytest.MonkeyPatch, ca: trustme.CA) -> None:
    """With the right certificates the daemon's /info comes over TLS, and children get the same certificates."""
    tls = fakes.issue(ca, places.config)
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    with server(fakes.docker(), tls=tls) as url:
        assert connect(url, quiet=True).info["Name"] == "fake"
    assert os.environ["DOCKER_TLS_VERIFY"] == "1"
    assert os.environ["DOCKER_CERT_PATH"] == str(places.config)


def test_a_context_with_tls_reaches_the_api(places: Places, ca: trustme.CA) -> None:
    """A context brings its own certificates, and children get them through the variables."""
    with contextlib.ExitStack() as stack:
        papers = places.folder / "papers"
        url = stack.enter_context(server(fakes.docker(), tls=fakes.issue(ca, papers)))
        folder = places.write_context("moon", {"Host": url})
        shutil.copytree(papers, folder)
        places.choose_context("moon")
        assert connect(quiet=True).info["Name"] == "fake"
    assert os.environ["DOCKER_CERT_PATH"] == str(folder)


def test_a_companys_settings_are_not_the_daemons(
    places: Places, monkeypatch: pytest.MonkeyPatch, ca: trustme.CA
) -> None:
    """A company's CA bundle and proxy, which requests takes from the environment, do not come before the daemon's."""
    tls = fakes.issue(ca, places.config)
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with server(fakes.docker(), tls=tls) as url:
        assert connect(url, quiet=True).info["Name"] == "fake"


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")  # urllib3 says what the user asked for
def test_unchecked_tls_is_passed_on_unchecked(places: Places, monkeypatch: pytest.MonkeyPatch, ca: trustme.CA) -> None:
    """DOCKER_TLS without VERIFY accepts a certificate for another host, and children are told the same."""
    tls = fakes.issue(ca, places.config, "moon.example.org")
    monkeypatch.setenv("DOCKER_TLS", "1")
    with server(fakes.docker(), tls=tls) as url:
        assert connect(url, quiet=True).info["Name"] == "fake"
    assert (os.environ["DOCKER_TLS"], os.environ.get("DOCKER_TLS_VERIFY")) == ("1", None)


def test_tls_errors_come_through_connect(places: Places, monkeypatch: pytest.MonkeyPatch, ca: trustme.CA) -> None:
    """A wrong certificate ends connect() with TLSFailed and leaves no trace in the environment."""
    tls = fakes.issue(ca, places.config, "moon.example.org")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    with server(fakes.docker(), tls=tls) as url:
        assert type(failure(url)) is errors.TLSFailed
    assert "DOCKER_HOST" not in os.environ


def test_a_port_left_out_is_filled_in_for_docker_py(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """tcp://host without a port, which the CLI knows and docker-py refuses, reaches port 2375."""
    asked = []

    def client(url: str, **_: object) -> Client:
        asked.append(url)
        return Client({"ServerVersion": "25.0.3"})

    monkeypatch.setattr(where, "knock", lambda endpoint: "1.43")
    monkeypatch.setattr("docker.DockerClient", client)
    for url in ("tcp://localhost", "tcp://[::1]/", "tcp://localhost:99"):
        connect(url, quiet=True)
    assert asked == ["tcp://localhost:2375", "tcp://[::1]:2375", "tcp://localhost:99"]


# --- What a daemon says of itself -------------------------------------------------------------------------


class Client:
    """A docker-py client that knows one ``/info``."""

    def __init__(self, info: dict[str, Any], api: str = "1.43") -> None:
        self.info = lambda: info
        self.api: Any = SimpleNamespace(timeout=0, api_version=api)


def said(url: str = "unix:///s", **info: Any) -> Daemon:
    """Return a daemon at ``url`` that says this of itself."""
    client: Any = Client(info)
    return Daemon(Endpoint(url, "the test"), client, (), info)


@pytest.mark.parametrize(
    ("info", "store"),
    [
        ({"Driver": "overlay2", "DriverStatus": [["Backing Filesystem", "extfs"]]}, "overlay2"),
        ({"Driver": "vfs", "DriverStatus": None}, "vfs"),
        ({"Driver": "overlayfs", "DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]}, "containerd"),
    ],
)
def test_the_store_is_told_from_the_driver_and_its_status(info: dict[str, Any], store: str) -> None:
    """The containerd store shows itself in DriverStatus; otherwise the graph driver is the store."""
    assert said(**info).store == store


@pytest.mark.parametrize(("machine", "name"), [("x86_64", "amd64"), ("aarch64", "arm64"), ("riscv64", "riscv64")])
def test_the_architecture_has_dockers_name(machine: str, name: str) -> None:
    """The kernel's name of the processor becomes the one that images use."""
    assert said(Architecture=machine).architecture == name


@pytest.mark.parametrize(("info", "version"), [({}, 1), ({"CgroupVersion": "1"}, 1), ({"CgroupVersion": "2"}, 2)])
def test_the_cgroup_version_is_a_number(info: dict[str, str], version: int) -> None:
    """The version of cgroups is 1 where the daemon does not say."""
    assert said(**info).cgroup == version


@pytest.mark.parametrize(("version", "engine"), [("20.10.24+dfsg1", "20.10.24"), ("28.5.2", "28.5.2")])
def test_the_engine_has_no_suffix(version: str, engine: str) -> None:
    """A distribution's suffix is not part of the engine's version."""
    assert said(ServerVersion=version).engine == engine


@pytest.mark.parametrize(
    ("system", "url", "info", "place"),
    [
        ("linux", "unix:///s", {}, "here"),
        ("linux", "unix:///s", {"OperatingSystem": "Docker Desktop"}, "desktop"),
        ("mac", "unix:///s", {"OperatingSystem": "Alpine Linux"}, "desktop"),  # Colima
        ("windows", "npipe:////./pipe/docker_engine", {}, "desktop"),
        ("linux", "tcp://192.0.2.7:2375", {}, "elsewhere"),
        ("mac", "ssh://ada@moon", {"OperatingSystem": "Debian"}, "elsewhere"),
    ],
)
def test_the_place_is_told_from_address_and_system(
    monkeypatch: pytest.MonkeyPatch, system: str, url: str, info: dict[str, str], place: str
) -> None:
    """A socket file leads here, or behind a VM's wall on a Mac and Windows; other addresses lead elsewhere."""
    monkeypatch.setattr(remedies, "system", lambda: system)
    assert said(url, **info).place == place


# --- The real daemon, and the CLI as the oracle -----------------------------------------------------------


def cli(*words: str) -> str:
    """Return what the docker CLI prints, started as any child of this process is."""
    if not (docker := shutil.which("docker")):
        pytest.skip("no docker command to compare with")
    return subprocess.run([docker, *words], check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.daemon
def test_a_daemon_says_what_the_cli_says(daemon: Daemon) -> None:
    """Engine, store, cgroup version, architecture and data directory are those of `docker info`."""
    info = json.loads(cli("info", "--format", "{{json .}}"))
    assert info["ServerVersion"].startswith(daemon.engine)
    assert daemon.store in ("containerd", info["Driver"])
    assert str(daemon.cgroup) == info["CgroupVersion"]
    assert daemon.architecture == cli("version", "--format", "{{.Server.Arch}}")
    assert daemon.root == info["DockerRootDir"]


@pytest.mark.daemon
def test_the_negotiated_version_is_the_clis(daemon: Daemon) -> None:
    """The version of the API is the newest that the daemon offers."""
    assert daemon.api == cli("version", "--format", "{{.Server.APIVersion}}")


@pytest.mark.daemon
def test_a_child_reaches_the_same_daemon(daemon: Daemon, places: Places) -> None:
    """After connect(url), `docker version` in a child process goes through that address, whatever the context says."""
    calls: list[str] = []
    with server(fakes.forwards(daemon.dial, calls), at=places.usual) as url:
        os.environ["DOCKER_CONTEXT"] = "no-such-context"
        connect(url, quiet=True)
        calls.clear()
        assert cli("version", "--format", "{{.Server.Version}}") == daemon.info["ServerVersion"]
        assert calls


@pytest.mark.daemon
@pytest.mark.parametrize("verify", ["DOCKER_TLS_VERIFY", "DOCKER_TLS"])
@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_a_child_reaches_the_same_daemon_over_tls(
    daemon: Daemon, places: Places, monkeypatch: pytest.MonkeyPatch, ca: trustme.CA, verify: str
) -> None:
    """The variables that connect() writes for TLS are those with which the docker CLI gets through."""
    calls: list[str] = []
    papers = places.folder / "papers"
    monkeypatch.setenv(verify, "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(papers))
    with server(fakes.forwards(daemon.dial, calls), tls=fakes.issue(ca, papers)) as url:
        connect(url, quiet=True)
        calls.clear()
        assert cli("version", "--format", "{{.Server.Version}}") == daemon.info["ServerVersion"]
        assert calls


@pytest.mark.daemon
def test_a_dialled_connection_speaks_http(daemon: Daemon) -> None:
    """dial() is a bare connection: what is written to it by hand is answered by the daemon."""
    with daemon.dial() as sock:
        sock.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
        assert b"".join(iter(lambda: sock.recv(4096), b"")).endswith(b"OK")


@pytest.mark.daemon
def test_the_report_names_the_address(daemon: Daemon) -> None:
    """The report of the real daemon names its engine, its address and who named it."""
    assert replace(daemon, passed_over=()).report() == (
        f"Docker {daemon.engine} answers at {daemon.endpoint.url} ({daemon.endpoint.source})."
    )
