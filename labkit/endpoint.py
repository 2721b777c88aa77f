"""Where a daemon may be listening: the addresses, in order, and one honest knock at each.

Sources: ``docker context`` (docs.docker.com/engine/manage-resources/contexts), ``dockerd -H``,
``unix(7)``, and the daemon's own ``GET /_ping``.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from labkit import errors, remedies

DEADLINE = 5.0
"""Seconds that a daemon has to answer the first knock."""

DEFAULT_SOCKET = "unix:///var/run/docker.sock"


@dataclass(frozen=True)
class Endpoint:
    """One address of a daemon, and where it was written down.

    Attributes:
        url: as in ``DOCKER_HOST``: ``unix://``, ``tcp://``, ``ssh://``, ``npipe://``.
        source: who named it, in words for the learner.
        certificates: folder with ``ca.pem``, ``cert.pem``, ``key.pem``, or None for no TLS.
        verify: whether the daemon's own certificate is checked.
        named: True if a person named it, so that a failure there is final.
    """

    url: str
    source: str
    certificates: str | None = None
    verify: bool = True
    named: bool = True

    @property
    def scheme(self) -> str:
        """The word before ``://``."""
        return self.url.partition("://")[0]

    @property
    def path(self) -> str:
        """The socket file of a ``unix://`` address, or ``""``."""
        return self.url.removeprefix("unix://") if self.scheme == "unix" else ""

    def address(self) -> tuple[int, str | tuple[str, int]]:
        """The two things ``socket`` wants: the family, and the address in that family.

        Raises:
            BadAddress: for ``ssh://`` and ``npipe://``, which Python's ``socket`` cannot open.
        """
        if self.scheme == "unix":
            return socket.AF_UNIX, self.path
        if self.scheme == "tcp":
            host, port = _host_and_port(self)
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            family, *_, address = min(found, key=lambda item: item[0] != socket.AF_INET)
            return int(family), (str(address[0]), int(address[1]))
        raise errors.BadAddress(
            f"{self.url} is not an address that a plain socket can open.",
            "Cells that speak by hand need unix:// or tcp://; all others work over this one too.",
        )

    def dial(self, *, timeout: float | None = None) -> socket.socket:
        """Open the connection: ``socket``, ``connect``, and TLS around it where the daemon wants it.

        Args:
            timeout: seconds for each later step; None waits for ever.
        """
        family, address = self.address()
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.settimeout(timeout)
        try:
            sock.connect(address)
            return self._wrap(sock) if self.certificates else sock
        except BaseException:
            sock.close()
            raise

    def _wrap(self, sock: socket.socket) -> ssl.SSLSocket:
        folder = Path(self.certificates or "")
        ca, cert, key = (folder / f"{name}.pem" for name in ("ca", "cert", "key"))
        context = ssl.create_default_context(cafile=str(ca) if ca.exists() else None)
        if not self.verify:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if cert.exists():
            context.load_cert_chain(cert, key)
        return context.wrap_socket(sock, server_hostname=_host_and_port(self)[0])


def _host_and_port(endpoint: Endpoint) -> tuple[str, int]:
    try:
        parts = urlsplit(endpoint.url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise errors.BadAddress(f"{endpoint.url!r}: {error}.", remedies.ADDRESS) from error
    if not host:
        raise errors.BadAddress(f"{endpoint.url!r} names no host.", remedies.ADDRESS)
    return host, port or (2376 if endpoint.certificates else 2375)


def endpoints() -> Iterator[Endpoint]:
    """Yield the addresses to try, most binding first: what a person named, then the usual places.

    Raises:
        ContextBroken: if the current docker context cannot be read.
    """
    if url := os.environ.get("DOCKER_HOST"):
        yield from_environment(url)
        return
    if context := current_context():
        yield read_context(context)
        return
    runtime = os.environ.get("XDG_RUNTIME_DIR") or (f"/run/user/{os.getuid()}" if os.name == "posix" else "")
    if os.name == "nt":
        yield Endpoint("npipe:////./pipe/docker_engine", "the usual pipe", named=False)
        return
    yield Endpoint(DEFAULT_SOCKET, "the usual socket", named=False)
    yield Endpoint(f"unix://{runtime}/docker.sock", "the socket of a rootless daemon", named=False)
    yield Endpoint(f"unix://{Path.home()}/.docker/run/docker.sock", "the socket of Docker Desktop", named=False)


def from_environment(url: str, *, source: str = "DOCKER_HOST") -> Endpoint:
    """Return the endpoint at ``url`` with the TLS variables that the docker CLI reads.

    ``DOCKER_TLS_VERIFY`` (any value but empty) switches TLS on, ``DOCKER_CERT_PATH`` names the folder.
    """
    url = f"tcp://{url}" if "://" not in url else url
    wanted = os.environ.get("DOCKER_TLS_VERIFY") or os.environ.get("DOCKER_TLS")
    folder = os.environ.get("DOCKER_CERT_PATH") or str(config_folder())
    certificates = folder if wanted and url.startswith("tcp://") else None
    return Endpoint(url, source, certificates, verify=bool(os.environ.get("DOCKER_TLS_VERIFY")))


def config_folder() -> Path:
    """The docker CLI's own folder: ``DOCKER_CONFIG``, or ``~/.docker``."""
    return Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")


def current_context() -> str | None:
    """The name of the docker context in force, or None for ``default``."""
    name = os.environ.get("DOCKER_CONTEXT")
    config = config_folder() / "config.json"
    if not name and config.exists():
        try:
            name = json.loads(config.read_text()).get("currentContext")
        except (OSError, ValueError, AttributeError) as error:
            raise errors.ContextBroken(f"{config} cannot be read: {error}.", remedies.CONTEXT) from error
    return name if name and name != "default" else None


def read_context(name: str) -> Endpoint:
    """Return the endpoint of the docker context ``name``.

    The CLI keeps it in ``contexts/meta/<sha256 of the name>/meta.json``, its certificates beside it.

    Raises:
        ContextBroken: if there is no such context, or its file makes no sense.
    """
    key = hashlib.sha256(name.encode()).hexdigest()
    meta = config_folder() / "contexts" / "meta" / key / "meta.json"
    tls = config_folder() / "contexts" / "tls" / key / "docker"
    try:
        docker = json.loads(meta.read_text())["Endpoints"]["docker"]
        url = str(docker["Host"])
    except FileNotFoundError:
        raise errors.ContextBroken(f"the docker context {name!r} does not exist.", remedies.CONTEXT) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise errors.ContextBroken(f"{meta} is not a docker context: {error!r}.", remedies.CONTEXT) from error
    certificates = str(tls) if tls.is_dir() else None
    return Endpoint(url, f"the docker context {name!r}", certificates, not docker.get("SkipTLSVerify"))


def knock(endpoint: Endpoint, *, deadline: float = DEADLINE) -> str:
    """``GET /_ping`` on a plain socket; return the API version that the daemon offers.

    Args:
        endpoint: where; ``unix://`` or ``tcp://``.
        deadline: seconds for everything together, however slowly the bytes drip in.

    Raises:
        DaemonError: one subclass per cause, each with its remedy.
    """
    end = time.monotonic() + deadline
    try:
        with endpoint.dial(timeout=deadline) as sock:
            sock.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
            head = _read_head(sock, end)
    except (OSError, ValueError) as error:
        raise _explain(endpoint, error, deadline) from error
    return _api_version(endpoint, head)


def _read_head(sock: socket.socket, end: float) -> str:
    head = b""
    while b"\r\n\r\n" not in head and len(head) < 65536:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        sock.settimeout(left)
        if not (data := sock.recv(4096)):
            break
        head += data
    return head.decode("latin-1")


def _api_version(endpoint: Endpoint, head: str) -> str:
    for line in head.splitlines():
        name, _, value = line.partition(":")
        if name.lower() == "api-version":
            return value.strip()
    if "HTTPS server" in head:  # what Go's TLS listener answers to plain HTTP
        raise errors.TLSFailed(f"{endpoint.url} speaks TLS only.", remedies.TLS)
    first = head.splitlines()[0] if head else "nothing, and the connection was closed"
    raise errors.NotADaemon(f"{endpoint.url} is not a Docker daemon: it answered {first!r}.", remedies.OTHER)


def _explain(endpoint: Endpoint, error: Exception, deadline: float) -> errors.DaemonError:
    """Turn what the kernel said into the error that a learner can act on."""
    where = f"{endpoint.path or endpoint.url} (named by {endpoint.source})"
    if isinstance(error, ssl.SSLError):
        return errors.TLSFailed(f"no trust between this computer and {where}: {error.reason}.", remedies.TLS)
    if isinstance(error, TimeoutError):
        return errors.DaemonHung(f"{where} did not answer within {deadline:g} s.", remedies.hung())
    if isinstance(error, socket.gaierror):
        return errors.BadAddress(f"{where}: there is no such host name.", remedies.ADDRESS)
    if isinstance(error, PermissionError):
        return errors.SocketForbidden(f"{where}: permission denied.", remedies.forbidden(endpoint.path))
    code = error.errno if isinstance(error, OSError) else None
    if code in (errno.ENOENT, errno.ENOTDIR):
        return errors.SocketMissing(f"{where} does not exist.", remedies.start())
    return errors.ConnectionRefused(f"{where}: {error}. Nobody listens there.", remedies.start())
