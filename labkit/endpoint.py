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
from collections.abc import Iterator, Mapping
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
        if self.scheme == "unix" and hasattr(socket, "AF_UNIX"):  # Python on Windows has none
            if not self.path.startswith("/"):  # the kernel would start here, docker-py at /
                raise errors.BadAddress(f"{self.url!r} names no socket by its full path.", remedies.ADDRESS)
            return socket.AF_UNIX, self.path
        if self.scheme == "tcp":
            found = socket.getaddrinfo(*self.host_and_port(), type=socket.SOCK_STREAM)
            family, *_, address = min(found, key=lambda item: item[0] != socket.AF_INET)
            return int(family), (str(address[0]), int(address[1]))
        raise errors.BadAddress(f"{self.url} is not an address that a plain socket can open.", remedies.BY_HAND)

    def dial(self, *, timeout: float | None = None) -> socket.socket:
        """Open the connection: ``socket``, ``connect``, then TLS if asked for; each within ``timeout`` seconds."""
        family, address = self.address()
        trust = self.trust() if self.certificates else None
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.settimeout(timeout)
        try:
            sock.connect(address)
            return trust.wrap_socket(sock, server_hostname=self.host_and_port()[0]) if trust else sock
        except BaseException:
            sock.close()
            raise

    def pem(self, name: str) -> str | None:
        """The file ``name``.pem in the folder of certificates, or None where there is no such file."""
        path = os.path.join(self.certificates or "", f"{name}.pem")
        return path if os.path.exists(path) else None

    def trust(self) -> ssl.SSLContext:
        """Read the certificates: whom to believe, and who we are."""
        try:
            context = ssl.create_default_context(cafile=self.pem("ca"))
            if not self.verify:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            if cert := self.pem("cert"):
                context.load_cert_chain(cert, self.pem("key"), password="")  # "": never ask at a terminal
            return context
        except OSError as error:
            raise errors.TLSFailed(f"the certificates in {self.certificates}: {error}.", remedies.TLS) from error

    def host_and_port(self) -> tuple[str, int]:
        """The two parts of a ``tcp://`` address; the port is 2375 where none is named, with TLS 2376."""
        try:
            parts = urlsplit(self.url)
            if not parts.hostname:
                raise ValueError("it names no host")
            return parts.hostname, parts.port or (2376 if self.certificates else 2375)
        except ValueError as error:
            raise errors.BadAddress(f"{self.url!r}: {error}.", remedies.ADDRESS) from error


def endpoints(environ: Mapping[str, str] = os.environ) -> Iterator[Endpoint]:
    """Yield the addresses to try, most binding first: what a person named, then the usual places.

    Raises:
        ContextBroken: if the current docker context cannot be read.
    """
    if url := environ.get("DOCKER_HOST"):
        yield from_environment(url, environ=environ)
        return
    if context := current_context():
        yield read_context(context)
        return
    if os.name == "nt":
        yield Endpoint("npipe:////./pipe/docker_engine", "the usual pipe", named=False)
        return
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    yield Endpoint(DEFAULT_SOCKET, "the usual socket", named=False)
    yield Endpoint(f"unix://{runtime}/docker.sock", "the socket of a rootless daemon", named=False)
    yield Endpoint(f"unix://{Path.home()}/.docker/run/docker.sock", "the socket of Docker Desktop", named=False)


def from_environment(url: str, *, source: str = "DOCKER_HOST", environ: Mapping[str, str] = os.environ) -> Endpoint:
    """Return the endpoint at ``url`` with the TLS variables that the docker CLI reads.

    ``DOCKER_TLS_VERIFY`` (any value but empty) switches TLS on, ``DOCKER_CERT_PATH`` names the folder.
    """
    url = url.strip() if "://" in url else f"tcp://{url.strip()}"
    verify = bool(environ.get("DOCKER_TLS_VERIFY"))
    folder = environ.get("DOCKER_CERT_PATH") or str(config_folder())
    wanted = url.startswith("tcp://") and (verify or environ.get("DOCKER_TLS"))
    return Endpoint(url, source, folder if wanted else None, verify)


def config_folder() -> Path:
    """The docker CLI's own folder: ``DOCKER_CONFIG``, or ``~/.docker``."""
    return Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")


def current_context() -> str | None:
    """The name of the docker context in force, or None for ``default``."""
    name = os.environ.get("DOCKER_CONTEXT")
    config = config_folder() / "config.json"
    try:
        name = name or json.loads(config.read_bytes()).get("currentContext")
    except FileNotFoundError:
        return None
    except (OSError, ValueError, AttributeError) as error:
        raise errors.ContextBroken(f"{config} cannot be read: {error}.", remedies.CONTEXT) from error
    return str(name) if name and name != "default" else None


def read_context(name: str) -> Endpoint:
    """Return the endpoint of the docker context ``name``.

    The CLI keeps it in ``contexts/meta/<sha256 of the name>/meta.json``, its certificates beside it.

    Raises:
        ContextBroken: if there is no such context, or its file makes no sense.
    """
    key = hashlib.sha256(os.fsencode(name)).hexdigest()
    meta = config_folder() / "contexts" / "meta" / key / "meta.json"
    tls = config_folder() / "contexts" / "tls" / key / "docker"
    try:
        docker = json.loads(meta.read_bytes())["Endpoints"]["docker"]
        if not (url := str(docker["Host"] or "")):
            raise ValueError("its Host is empty")
    except FileNotFoundError:
        raise errors.ContextBroken(f"the docker context {name!r} does not exist.", remedies.CONTEXT) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise errors.ContextBroken(f"{meta} is not a docker context: {error!r}.", remedies.CONTEXT) from error
    skip = bool(docker.get("SkipTLSVerify"))
    certificates = str(tls) if url.startswith("tcp://") and (skip or tls.is_dir()) else None
    return Endpoint(url, f"the docker context {name!r}", certificates, not skip)


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
    while b"\r\n\r\n" not in head and b"HTTP/".startswith(head[:5]) and len(head) < 65536:
        if (left := end - time.monotonic()) <= 0:
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
    if "HTTPS server" in head or head.startswith("\x15\x03"):  # Go's words for plain HTTP; a TLS alert
        raise errors.TLSFailed(f"{endpoint.url} speaks TLS only.", remedies.TLS)
    said = f"answered {head.splitlines()[0][:60]!r}" if head else "closed the connection without a word"
    raise errors.NotADaemon(f"{endpoint.url} is not a Docker daemon: it {said}.", remedies.OTHER)


def _explain(endpoint: Endpoint, error: Exception, deadline: float) -> errors.DaemonError:
    """Turn what the kernel said into the error that a learner can act on."""
    where = f"{endpoint.path or endpoint.url} ({endpoint.source})"
    code = error.errno if isinstance(error, OSError) else None
    if isinstance(error, ssl.SSLError):
        reason = getattr(error, "verify_message", "") or error.reason or error
        return errors.TLSFailed(f"{where}: no TLS with {endpoint.certificates}: {reason}.", remedies.TLS)
    if isinstance(error, TimeoutError | BlockingIOError):  # the latter: its queue of connections is full
        return errors.DaemonHung(f"{where} did not answer within {deadline:g} s.", remedies.hung())
    if isinstance(error, socket.gaierror) or code is None:  # no such host; a path or name that is too long
        return errors.BadAddress(f"{where}: {error}.", remedies.ADDRESS)
    if isinstance(error, PermissionError) and endpoint.path:
        return errors.SocketForbidden(f"{where}: permission denied.", remedies.forbidden(endpoint.path))
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return errors.NotADaemon(f"{where} is not a Docker daemon: it cut the connection.", remedies.OTHER)
    remedy = remedies.absent(endpoint.url, named=endpoint.named)
    if code in (errno.ENOENT, errno.ENOTDIR):
        return errors.SocketMissing(f"{where} does not exist.", remedy)
    return errors.ConnectionRefused(f"{where}: nobody answers there ({error}).", remedy)
