"""Find a Docker daemon, open it, and know what kind it is.

``connect()`` tries what a person named first (an argument, ``DOCKER_HOST``, the docker context), then the
usual places, then the course's own machine, and says what it chose and why.
"""

from __future__ import annotations

import functools
import itertools
import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from labkit import endpoint as where
from labkit import errors, remedies
from labkit.endpoint import Endpoint
from labkit.machine import resort

if TYPE_CHECKING:
    from docker import DockerClient

OLDEST_API = (1, 41)
"""Engine 20.10, the oldest that the course is tested on."""

PATIENCE = 20
"""Seconds that a daemon which answered the knock has for ``GET /info``: it counts its containers there."""

ARGUMENT = "the argument of connect"

_current: Daemon | None = None
_set_by_us: dict[str, tuple[str, str]] = {}  # variable → what connect() wrote, what stood there before; "" is unset


@dataclass(frozen=True)
class Daemon:
    """A daemon that answered: its address, a docker-py client, and what it says of itself.

    Attributes:
        endpoint: the address, and who named it.
        client: docker-py's client, its API version negotiated.
        passed_over: one sentence for each address that was tried before and did not answer.
        info: the daemon's own ``GET /info``.
    """

    endpoint: Endpoint
    client: DockerClient = field(repr=False)
    passed_over: tuple[str, ...] = field(repr=False)
    info: dict[str, Any] = field(repr=False)

    def __repr__(self) -> str:
        return f"<Docker {self.engine}, {self.store}, cgroup v{self.cgroup}, at {self.endpoint.url}>"

    @property
    def engine(self) -> str:
        """The engine's version, such as ``"28.5.2"``, without a distribution's suffix."""
        return str(self.info["ServerVersion"]).partition("+")[0]

    @property
    def api(self) -> str:
        """The version of the HTTP API that client and daemon agreed on."""
        return str(self.client.api.api_version)

    @cached_property
    def store(self) -> str:
        """Which store holds the images: ``"containerd"``, or the graph driver (``"overlay2"``)."""
        status = [tuple(pair) for pair in self.info.get("DriverStatus") or ()]
        snapshotter = ("driver-type", "io.containerd.snapshotter.v1") in status
        return "containerd" if snapshotter else str(self.info["Driver"])

    @property
    def cgroup(self) -> int:
        """The version of the cgroup file system on the daemon's host: 1 or 2."""
        return int(self.info.get("CgroupVersion") or 1)

    @property
    def architecture(self) -> str:
        """The daemon's processor, as Docker writes it in images: ``"amd64"``, ``"arm64"``."""
        machine = str(self.info["Architecture"])
        return {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}.get(machine, machine)

    @property
    def root(self) -> str:
        """The daemon's data directory on its own host, usually ``/var/lib/docker``."""
        return str(self.info["DockerRootDir"])

    @property
    def place(self) -> str:
        """Where the daemon runs: ``"here"`` (perhaps behind a VM's wall), ``"desktop"`` or ``"elsewhere"``."""
        near = self.endpoint.scheme in ("unix", "npipe")
        walled = near and remedies.system() in ("mac", "windows")
        if walled or "Docker Desktop" in str(self.info.get("OperatingSystem")):
            return "desktop"
        return "here" if near else "elsewhere"

    def dial(self) -> socket.socket:
        """Open one more connection to the daemon, as bytes: ``socket``, ``connect``, nothing else."""
        return self.endpoint.dial()

    def report(self) -> str:
        """Say what was chosen and why, and what was passed over."""
        lines = [f"Docker {self.engine} answers at {self.endpoint.url} ({self.endpoint.source})."]
        return "\n".join([*lines, *(f"Passed over: {sentence}" for sentence in self.passed_over)])


def connect(url: str | None = None, *, quiet: bool = False) -> Daemon:
    """Open the daemon at ``url``, or the first that answers; make it the notebook's daemon.

    The order: ``url``, ``DOCKER_HOST``, the current docker context, the usual sockets, the embedded machine.
    ``DOCKER_HOST`` is then set, so that ``!docker ps`` and a child process reach the same daemon.

    Args:
        url: an address as in ``DOCKER_HOST``; later calls without one keep to it.
        quiet: do not print the report, and do not start a machine where nothing else is found.

    Raises:
        DaemonError: its subclass says what went wrong, and what to do.
        MachineError: if the machine, as the last resort, does not start.
    """
    global _current
    daemon = _first(_candidates(url), start=not quiet)
    _export(daemon.endpoint)
    _current = daemon
    if not quiet:
        print(daemon.report())
    return daemon


def current() -> Daemon:
    """Return the daemon of the last ``connect()``, connecting now if there was none."""
    return _current or connect(quiet=True)


def _candidates(url: str | None) -> Iterable[Endpoint]:
    if url is not None:
        return [where.from_environment(url, source=ARGUMENT, environ=_wished())]
    if _current and _current.endpoint.source == ARGUMENT and os.environ.get("DOCKER_HOST") == _current.endpoint.url:
        return [_current.endpoint]
    return itertools.chain(where.endpoints(_wished()), resort.endpoints())


def _wished() -> dict[str, str]:
    """The environment as the user left it: what ``connect()`` wrote there is nobody's wish."""
    return dict(os.environ) | {
        name: before for name, (written, before) in _set_by_us.items() if os.environ.get(name, "") == written
    }


def _first(candidates: Iterable[Endpoint], *, start: bool) -> Daemon:
    failures: list[errors.DaemonError] = []
    for endpoint in candidates:
        try:
            heard = [error.problem for error in failures if not isinstance(error, errors.SocketMissing)]
            return replace(_open(endpoint), passed_over=tuple(heard))
        except errors.DaemonError as error:
            if endpoint.named:
                raise
            failures.append(error)
    for failure in failures:  # a socket that refuses is worth more than one that is not there
        if not isinstance(failure, errors.SocketMissing):
            raise failure
    if start and resort.possible():
        say = functools.partial(print, flush=True)  # it takes a while: whoever reads through a pipe waits, too
        say("No Docker daemon was found here: the course brings its own.")
        return _open(resort.start(say))
    tried = " ".join(failure.problem for failure in failures)
    raise errors.NoDaemon(f"No Docker daemon was found. {tried}", remedies.no_daemon())


def _open(endpoint: Endpoint) -> Daemon:
    import docker
    from docker.constants import DEFAULT_TIMEOUT_SECONDS
    from docker.errors import DockerException

    api = "auto"
    if endpoint.scheme in ("unix", "tcp"):
        _check_version(endpoint, api := where.knock(endpoint))
    elif endpoint.scheme not in ("ssh", "npipe"):
        raise errors.BadAddress(f"{endpoint.url!r} ({endpoint.source}) is not an address.", remedies.ADDRESS)
    url = endpoint.url
    if endpoint.scheme == "tcp":
        host, port = endpoint.host_and_port()
        url = f"tcp://[{host}]:{port}" if ":" in host else f"tcp://{host}:{port}"
    try:
        client = docker.DockerClient(url, version=api, timeout=PATIENCE, tls=_tls(endpoint), use_ssh_client=True)
        client.api.trust_env = False  # else REQUESTS_CA_BUNDLE goes before ca.pem, and a proxy before the daemon
        if "ServerVersion" not in (info := client.info()):
            raise DockerException("its /info names no version")
    except (DockerException, OSError, LookupError, TypeError) as error:  # docker-py trusts the form of an answer
        raise _explain(endpoint, error) from error
    _check_version(endpoint, str(client.api.api_version))  # over ssh and npipe nobody did so far
    client.api.timeout = DEFAULT_TIMEOUT_SECONDS
    return Daemon(endpoint, client, (), info)


def _explain(endpoint: Endpoint, error: Exception) -> errors.DaemonError:
    """Turn what docker-py said, after the knock was answered, into the error that a learner can act on."""
    from requests import exceptions as told

    at = f"{endpoint.url} ({endpoint.source})"
    cause = error.__cause__ or error  # docker-py wraps what happens while it asks for the version
    if isinstance(cause, told.Timeout | TimeoutError):
        return errors.DaemonHung(f"{at} answers a ping, and nothing else within {PATIENCE:g} s.", remedies.hung())
    if isinstance(cause, told.SSLError):
        return errors.TLSFailed(f"{at}: {error}.", remedies.TLS)
    if endpoint.scheme in ("ssh", "npipe"):  # nobody knocked there
        remedy = remedies.SSH if endpoint.scheme == "ssh" else remedies.start()
        return errors.ConnectionRefused(f"{at}: {error}.", remedy)
    return errors.NotADaemon(f"{at} answers a ping, but not as Docker does: {error}.", remedies.OTHER)


def _tls(endpoint: Endpoint) -> Any:
    from docker.tls import TLSConfig

    if endpoint.certificates is None:
        return False
    cert, key = endpoint.pem("cert"), endpoint.pem("key")
    pair = (cert, key) if cert and key else None
    return TLSConfig(client_cert=pair, ca_cert=endpoint.pem("ca"), verify=endpoint.verify)


def _check_version(endpoint: Endpoint, api: str) -> None:
    try:
        version = tuple(int(part) for part in api.split("."))
    except ValueError:
        raise errors.NotADaemon(f"{endpoint.url} offers API version {api!r}.", remedies.OTHER) from None
    if version < OLDEST_API:
        raise errors.ApiTooOld(f"{endpoint.url} speaks API {api}; labkit needs 1.41.", remedies.TOO_OLD)


def _export(endpoint: Endpoint) -> None:
    """Make every child of this process speak to the same daemon."""
    global _set_by_us
    wished, tls = _wished(), endpoint.certificates or ""
    written = {
        "DOCKER_HOST": endpoint.url,
        "DOCKER_CERT_PATH": tls,
        "DOCKER_TLS_VERIFY": "1" if tls and endpoint.verify else "",
        "DOCKER_TLS": "1" if tls and not endpoint.verify else "",
    }
    os.environ |= resort.with_docker(os.environ)
    _set_by_us = {name: (value, wished.get(name, "")) for name, value in written.items()}
    for name, value in written.items():
        if value:
            os.environ[name] = value
        else:
            os.environ.pop(name, None)
