"""What a guest is told when it starts: a tar archive on a disk of its own, with keys and the daemon's configuration."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

from labkit.machine import certificates, slirp

PORT = 2376
"""On which the guest's daemon speaks TLS."""

PLACE = "/run/labkit"
"""Where the guest unpacks it."""

SHUTDOWN = 3
"""Seconds that containers have to end when the machine does."""

_BLOCK = 1 << 16


def daemon_json(store: str) -> dict[str, Any]:
    """Return the daemon's configuration: ``dockerd(8)``.

    The user-mode kernel has no NAT for iptables; published ports go through docker-proxy.
    """
    keys = dict(zip(("tlscacert", "tlscert", "tlskey"), certificates.SERVER, strict=True))
    return {
        "hosts": ["unix:///var/run/docker.sock", f"tcp://{slirp.GUEST}:{PORT}"],
        "tlsverify": True,
        **{option: f"{PLACE}/{name}" for option, name in keys.items()},
        "containerd": "/run/containerd/containerd.sock",
        "storage-driver": "overlayfs" if store == "containerd" else "overlay2",
        "features": {"containerd-snapshotter": store == "containerd"},
        "runtimes": {"crun": {"path": "/usr/bin/crun"}},
        "default-runtime": "crun",
        "iptables": False,
        "ip6tables": False,
        "shutdown-timeout": SHUTDOWN,
        "log-level": "warn",
    }


def write(file: Path, tls: Path, store: str) -> None:
    """Write the archive.

    Args:
        file: where to.
        tls: the folder with the certificates.
        store: one of ``wishes.STORES``.
    """
    configuration = json.dumps(daemon_json(store), indent=1).encode()
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for name in certificates.SERVER:
            tar.add(tls / name, name)
        entry = tarfile.TarInfo("daemon.json")
        entry.size = len(configuration)
        tar.addfile(entry, io.BytesIO(configuration))
    whole = data.getvalue()
    file.unlink(missing_ok=True)
    file.touch(0o600)
    file.write_bytes(whole.ljust(-len(whole) // _BLOCK * -_BLOCK, b"\0"))  # a disk has whole blocks
