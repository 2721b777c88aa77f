"""Find a Docker daemon, open it, and know what kind it is.

``connect()`` tries what a person named first (an argument, ``DOCKER_HOST``, the docker context), then the
usual places, and says what it chose and why.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from labkit import endpoint as where
from labkit import errors, remedies
from labkit.endpoint import Endpoint

if TYPE_CHECKING:
    from docker import DockerClient

OLDEST_API = (1, 41)
"""Engine 20.10, the oldest that the course is tested on."""

_current: Daemon | None = None
_set_by_us: str | None = None


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
        if "Docker Desktop" in str(self.info.get("OperatingSystem")) or remedies.system() in ("mac", "windows"):
            return "desktop"
        return "here" if self.endpoint.scheme == "unix" else "elsewhere"

    def dial(self) -> socket.socket:
        """Open one more connection to the daemon, as bytes: ``socket``, ``connect``, nothing else."""
        return self.endpoint.dial()

    def report(self) -> str:
        """Say what was chosen and why, and what was passed over."""
        lines = [f"Docker {self.engine} answers at {self.endpoint.url} ({self.endpoint.source})."]
        return "\n".join([*lines, *(f"Passed over: {sentence}" for sentence in self.passed_over)])


def connect(url: str | None = None, *, quiet: bool = False) -> Daemon:
    """Open the daemon at ``url``, or the first that answers; make it the notebook's daemon.

    The order: ``url``, ``DOCKER_HOST``, the current docker context, the usual sockets.
    ``DOCKER_HOST`` is then set, so that ``!docker ps`` and a child process reach the same daemon.

    Args:
        url: an address as in ``DOCKER_HOST``.
        quiet: do not print the report.

    Raises:
        DaemonError: its subclass says which of nine things went wrong, and what to do.
    """
    global _current
    daemon = _first([where.from_environment(url, source="you")] if url else _candidates())
    _export(daemon.endpoint)
    _current = daemon
    if not quiet:
        print(daemon.report())
    return daemon


def current() -> Daemon:
    """Return the daemon of the last ``connect()``, connecting now if there was none."""
    return _current or connect(quiet=True)


def _candidates() -> Iterable[Endpoint]:
    """The endpoints to try; a ``DOCKER_HOST`` that an earlier ``connect()`` wrote names nobody's wish."""
    if _current and os.environ.get("DOCKER_HOST") == _set_by_us:
        return [_current.endpoint]
    return where.endpoints()


def _first(candidates: Iterable[Endpoint]) -> Daemon:
    failures: list[errors.DaemonError] = []
    for endpoint in candidates:
        try:
            return replace(_open(endpoint), passed_over=_said(failures))
        except errors.DaemonError as error:
            if endpoint.named:
                raise
            failures.append(error)
    for failure in failures:  # a socket that refuses is worth more than one that is not there
        if not isinstance(failure, errors.SocketMissing):
            raise failure
    tried = "; ".join(failure.problem for failure in failures)
    raise errors.NoDaemon(f"No Docker daemon was found: {tried}", remedies.no_daemon())


def _said(failures: list[errors.DaemonError]) -> tuple[str, ...]:
    return tuple(error.problem for error in failures if not isinstance(error, errors.SocketMissing))


def _open(endpoint: Endpoint) -> Daemon:
    import docker
    from docker.errors import DockerException

    if endpoint.scheme in ("unix", "tcp"):
        _check_version(endpoint, where.knock(endpoint))
    elif endpoint.scheme not in ("ssh", "npipe"):
        raise errors.BadAddress(f"{endpoint.url!r} (named by {endpoint.source}).", remedies.ADDRESS)
    try:
        client = docker.DockerClient(endpoint.url, version="auto", tls=_tls(endpoint), use_ssh_client=True)
        return Daemon(endpoint, client, (), client.info())
    except (DockerException, OSError) as error:
        remedy = remedies.SSH if endpoint.scheme == "ssh" else remedies.start()
        raise errors.ConnectionRefused(f"{endpoint.url}: {error}.", remedy) from error


def _tls(endpoint: Endpoint) -> Any:
    from docker.tls import TLSConfig

    if endpoint.certificates is None:
        return False
    ca, cert, key = (f"{endpoint.certificates}/{name}.pem" for name in ("ca", "cert", "key"))
    pair = (cert, key) if os.path.exists(cert) else None
    return TLSConfig(client_cert=pair, ca_cert=ca if os.path.exists(ca) else None, verify=endpoint.verify)


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
    if endpoint.named and os.environ.get("DOCKER_HOST") == endpoint.url:
        return
    os.environ["DOCKER_HOST"] = _set_by_us = endpoint.url
    for name in ("DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        os.environ.pop(name, None)
    if endpoint.certificates:
        os.environ["DOCKER_CERT_PATH"] = endpoint.certificates
        os.environ["DOCKER_TLS_VERIFY" if endpoint.verify else "DOCKER_TLS"] = "1"
