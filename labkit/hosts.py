"""Choose how to look at the daemon's host: directly, where that is proven to be the same, or by the helper."""

from __future__ import annotations

import os
import socket
import struct

from labkit import errors
from labkit.daemon import Daemon
from labkit.helper import HelperHost
from labkit.host import Host
from labkit.local import LocalHost
from labkit.sandbox import volume


def open_host(daemon: Daemon) -> Host:
    """Return the way to look at the daemon's host: directly where that is proven possible, else by the helper.

    ``LABKIT_HOST=local`` or ``helper`` decides it by hand.
    """
    wish = os.environ.get("LABKIT_HOST")
    if wish not in (None, "", "local", "helper"):
        raise errors.HostError(f"LABKIT_HOST is {wish!r}.", "It can be 'local', 'helper', or unset.")
    local = wish == "local" or (not wish and is_local(daemon))
    return LocalHost() if local else HelperHost(daemon)


def is_local(daemon: Daemon) -> bool:
    """Tell whether this process, as root, sees the same files and processes as the daemon.

    The proof: the process behind the socket is one of ours (``SO_PEERCRED``, ``unix(7)``), and a volume with
    a random name that the daemon makes appears in our own file system.
    """
    if os.name != "posix" or os.geteuid() != 0 or not peer(daemon):
        return False
    with volume(daemon, what="needle") as needle:
        return os.path.isdir(needle.attrs["Mountpoint"])


def peer(daemon: Daemon) -> int:
    """The process id of the daemon, as this process sees it; 0 if it does not."""
    if daemon.endpoint.scheme != "unix" or not hasattr(socket, "SO_PEERCRED"):
        return 0
    with daemon.dial() as sock:
        return int(struct.unpack("3i", sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0])
