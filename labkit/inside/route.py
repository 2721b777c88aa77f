"""The way from a notebook to the daemon: which door, and whether both stand on one kernel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit import errors
from labkit.host import Host

BOOT_ID = "/proc/sys/kernel/random/boot_id"
"""A number that the kernel draws when it starts: equal means the same running kernel (``random(4)``)."""

SOCKETS = ("/var/run/docker.sock", "/run/docker.sock")


@dataclass(frozen=True)
class Route:
    """From client to containers.

    Attributes:
        door: the address at which the client knocks.
        engine: the daemon's version.
        host: the name of the daemon's host.
        one_kernel: True if notebook and daemon run on the same kernel.
        desktop: True if the daemon sits in the hidden virtual machine of a desktop product.
    """

    door: str
    engine: str
    host: str
    one_kernel: bool
    desktop: bool

    @property
    def near(self) -> bool:
        """True if the door is on the notebook's computer: a file, a pipe or a port of its own."""
        place = self.door.partition("://")[2]
        own = place.startswith(("127.", "localhost:", "[::1]:"))
        return self.door.startswith(("unix:", "npipe:")) or (own and self.door.startswith("tcp:"))

    @property
    def walled(self) -> bool:
        """True if the daemon's kernel is another, and its door is here all the same: a virtual machine's."""
        return not self.one_kernel and (self.desktop or self.near)

    @property
    def wall(self) -> str:
        """What stands between the notebook and the daemon."""
        if self.one_kernel:
            return "nothing but the door"
        return "the wall of a virtual machine" if self.walled else "a network"

    def __str__(self) -> str:
        kernel = "share one kernel" if self.one_kernel else "run on two kernels"
        return f"Your notebook and the daemon {kernel}; between them is {self.wall}, {self.door}."


def read_route(url: str, info: dict[str, Any], host: Host) -> Route:
    """Find out how a notebook reaches the daemon.

    Args:
        url: the daemon's address.
        info: what the daemon says of itself, ``GET /info``.
        host: the daemon's host.
    """
    return Route(
        door=url,
        engine=str(info["ServerVersion"]).partition("+")[0],
        host=str(info["Name"]),
        one_kernel=host.text(BOOT_ID).strip() == _boot_id() != "",
        desktop="Docker Desktop" in str(info.get("OperatingSystem")),
    )


def _boot_id() -> str:
    """The boot id of the kernel under the notebook; empty where there is none (macOS, Windows)."""
    try:
        return Path(BOOT_ID).read_text().strip()
    except OSError:
        return ""


def find_socket(host: Host, *candidates: str) -> str:
    """Return the path of the daemon's socket on its own host.

    Args:
        host: the daemon's host.
        candidates: paths to try before the usual ones.

    Raises:
        PathMissing: if none of them is a socket.
    """
    for path in (*filter(None, candidates), *SOCKETS):
        try:
            if host.stat(path, follow=True).kind == "s":
                return path
        except errors.PathMissing:
            continue
    raise errors.PathMissing(
        f"The daemon's host has no socket at {', '.join(SOCKETS)}.", "A daemon that listens on TCP only has none."
    )
