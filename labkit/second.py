"""A second daemon for a lesson: the learner's own dockerd once more, in a labelled container that listens on TCP.

It is another daemon, with a name, an id and a data directory of its own, and it can do nothing to its host: it has
one capability, sees programs and libraries of the host to read, and cannot start a container. It sits in a network of
its own that leads nowhere. The learner's daemon is not touched.
"""

from __future__ import annotations

import contextlib
import io
import os
import secrets
import shlex
import shutil
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labkit import errors, images, sandbox
from labkit.daemon import Daemon
from labkit.endpoint import Endpoint, knock
from labkit.engine import Engine, find_engine, read_libraries
from labkit.forward import Forward
from labkit.host import Host
from labkit.hosts import open_host, peer
from labkit.leftovers import remove_one
from labkit.machine import certificates
from labkit.sandbox import Box

PORT, TLS_PORT = 2375, 2376
"""Where a daemon listens without and with TLS, by custom."""

RIGHTS: dict[str, Any] = {
    "cap_drop": ["ALL"],
    "cap_add": ["DAC_OVERRIDE"],  # dockerd keeps a socket in a folder whose mode forbids even its owner to enter
    "security_opt": ["no-new-privileges"],
    "tmpfs": {"/run": "size=64m", "/var": "size=64m", "/etc/docker": "size=1m"},
    "environment": {"PATH": "/engine:/bin"},
}
"""What the container may do, as options of ``docker create``."""

OPTIONS = (  # noqa: SIM905 - words read better than ten quotes
    "--bridge=none --iptables=false --ip6tables=false --userland-proxy=false --storage-driver=vfs "
    "--host=unix:///run/docker.sock"
).split()
"""No networks and no layers: for that, a daemon needs more rights than a lesson about clients should give."""

NO_RUNC = b"#!/bin/sh\necho 'this daemon runs no containers' >&2\nexit 1\n"
"""Stands where dockerd looks for runc: since 23.0 it does not start without one."""

START = 60.0
"""Seconds for the daemon to answer. Natively it takes about one."""


@dataclass(frozen=True)
class Second:
    """A second daemon that answers. Close it, or use ``with``.

    Attributes:
        box: the container that it runs in.
        address: the container's own address, for its neighbours.
        port: where it listens there.
        forward: the port of this computer that leads to it.
        certificates: a folder with ``ca.pem``, ``cert.pem`` and ``key.pem`` for its clients; None without TLS.
    """

    box: Box
    address: str
    port: int
    forward: Forward = field(repr=False)
    certificates: Path | None = field(repr=False)

    def __enter__(self) -> Second:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def network(self) -> str:
        """The name of the network that it sits in; whoever is connected to it is its neighbour."""
        return self.box.name

    @property
    def url(self) -> str:
        """Its address for this computer, as in ``DOCKER_HOST``."""
        return self.forward.url

    def docker(self, words: str, *, certificates: Path | None = None) -> str:
        """Return the line that asks this daemon by the docker command, such as ``docker -H tcp://… version``.

        Args:
            words: what comes behind.
            certificates: a folder with what the client shows and trusts, where TLS is spoken.
        """
        if certificates is None:
            return f"{_plain()}docker -H {self.url} {words}"
        files = {f"tls{word}": certificates / f"{name}.pem" for word, name in _FLAGS.items()}
        flags = " ".join(f"--{name} {shlex.quote(str(path))}" for name, path in files.items())
        return f"{_plain()}docker -H {self.url} --tlsverify {flags} {words}"

    def close(self) -> None:
        """Remove the container, its network and the certificates."""
        self.forward.close()
        _remove(self.box.daemon, self.box.name, self.certificates)


_FLAGS = {"cacert": "ca", "cert": "cert", "key": "key"}


def _plain() -> str:
    """What goes before ``docker`` where the learner's own daemon speaks TLS, and the variables say so."""
    names = [name for name in ("DOCKER_TLS_VERIFY", "DOCKER_TLS") if os.environ.get(name)]
    return "".join(["env ", *(f"-u {name} " for name in names)]) if names else ""


def second_daemon(
    daemon: Daemon, *, tls: bool = False, host: Host | None = None, name: str = "", what: str = "demo", **labels: str
) -> Second:
    """Start a second daemon on the host of ``daemon``; return when it answers.

    Args:
        daemon: who starts its container.
        tls: whether it speaks TLS, and only to clients with a certificate of its own authority.
        host: the daemon's host, where the programs are found; opened for the moment where none is given.
        name: of the container and of its network; default ``labkit-<what>-<four digits>``.
        what: the label's value, as for ``sandbox.run()``.
        labels: more labels, without the ``labkit.`` before them.

    Raises:
        SandboxError: if there is no dockerd on the host, or it does not start; nothing is left of it then.
    """
    name = name or f"{sandbox.LABEL}-{what}-{secrets.token_hex(2)}"
    marks = sandbox.labels(what, **labels)
    keys = Path(tempfile.mkdtemp(prefix="labkit-")) if tls else None
    try:
        if keys:
            certificates.make(keys)
        with contextlib.nullcontext(host) if host else contextlib.closing(open_host(daemon)) as there:
            box = _create(daemon, there, name, marks, keys)
        box.start()
        return _answering(box, keys)
    except BaseException:
        _remove(daemon, name, keys)
        raise


def _create(daemon: Daemon, host: Host, name: str, marks: dict[str, str], keys: Path | None) -> Box:
    """Make the network and, in it, the container with the programs and the certificates; it does not run yet."""
    mounts = _mounts(host, find_engine(host, peer(daemon)))
    daemon.client.networks.create(name, labels=marks, internal=True)
    box = sandbox.create(
        images.ensure(daemon),
        ["dockerd", *OPTIONS, *_listening(tls=bool(keys))],
        name=name,
        daemon=daemon,
        network=name,
        labels=marks,
        mounts=mounts,
        stop_signal="SIGKILL",
        **RIGHTS,
    )
    files = {f"tls/{file}": (keys / file).read_bytes() for file in certificates.SERVER} if keys else {}
    daemon.client.api.put_archive(box.id, "/", _tar({"engine/runc": NO_RUNC} | files))
    return box


def _listening(*, tls: bool) -> list[str]:
    if not tls:
        return ["--tls=false", f"--host=tcp://0.0.0.0:{PORT}"]
    names = dict(zip(("cacert", "cert", "key"), certificates.SERVER, strict=True))
    files = [f"--tls{name}=/tls/{file}" for name, file in names.items()]
    return ["--tlsverify", *files, f"--host=tcp://0.0.0.0:{TLS_PORT}"]


def _answering(box: Box, keys: Path | None) -> Second:
    """Wait until it answers through a forward, or has ended; its last words say why."""
    port = TLS_PORT if keys else PORT
    forward = Forward(box, port)
    endpoint = Endpoint(forward.url, "the second daemon", str(keys) if keys else None)
    try:
        sandbox.wait_until(lambda: _answers(endpoint) or box.status != "running", "it answers", deadline=START)
        if box.status != "running":
            raise errors.SandboxError(f"the second daemon ended: {box.logs().strip()[-600:]}", _ENDED)
    except BaseException:
        forward.close()
        raise
    address = str(box.inspect()["NetworkSettings"]["Networks"][box.name]["IPAddress"])
    return Second(box, address, port, forward, keys)


def _answers(endpoint: Endpoint) -> bool:
    with contextlib.suppress(errors.DaemonError):
        return bool(knock(endpoint))
    return False


def _remove(daemon: Daemon, name: str, keys: Path | None) -> None:
    if keys:
        shutil.rmtree(keys, ignore_errors=True)
    if box := sandbox.find(daemon, name):
        box.remove()
    remove_one(daemon, "network", name)


def _tar(files: dict[str, bytes]) -> bytes:
    """Files that only root can read, and programs of them that everybody can execute."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755 if data.startswith(b"#!") else 0o600
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def _mounts(host: Host, engine: Engine) -> list[dict[str, Any]]:
    programs = {"/engine/dockerd": engine.dockerd, "/engine/containerd": engine.containerd}
    seen = {folder: folder for folder in read_libraries(host)} | programs
    return [{"Type": "bind", "Source": seen[place], "Target": place, "ReadOnly": True} for place in seen]


_ENDED = "A host that confines dockerd by a policy of its own (AppArmor, SELinux, snap) may refuse it in a container."
