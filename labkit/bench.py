"""The workbench: a container in which file systems can be mounted and namespaces made by hand, and broken safely.

It has a file system of its own to work on, no network and no directory of the host. What is mounted in it is
mounted nowhere else, and is gone with it. What it may do beyond other containers is named in ``RIGHTS``.
"""

from __future__ import annotations

from typing import Any

from labkit import errors, images, sandbox
from labkit.daemon import Daemon, current

PLACE = "/bench"
"""The directory to work in. It is in memory: overlayfs takes no overlay, which a container's own root is, as upper."""

RIGHTS: dict[str, Any] = {
    # Beside what Docker gives to every container. Of that, an overlay mount needs DAC_OVERRIDE, since overlayfs keeps
    # a directory of mode 000 in its work directory, and a whiteout made by hand needs MKNOD before Linux 5.8.
    "cap_add": [
        "SYS_ADMIN",  # mount, pivot_root, unshare, and the attribute trusted.overlay.opaque
        "NET_ADMIN",  # pairs of interfaces in network namespaces of its own
    ],
    "security_opt": [
        "seccomp=unconfined",  # Docker's filter lets unshare and mount through, and not pivot_root
        "apparmor=unconfined",  # its profile denies every mount
        "label=disable",  # the same for SELinux
    ],
    "network_mode": "none",
    "tmpfs": {PLACE: "exec,mode=755,size=512m"},  # exec, because a root for programs may be built of it
}
"""What the workbench may do, as options of ``docker create``. ``--privileged`` is not among them."""


def workbench(*, daemon: Daemon | None = None, name: str = "") -> sandbox.Box:
    """Start a container that may mount and unshare, and has nothing of the host's to lose.

    Use it in a ``with`` block, or call ``remove()``. Work in ``/bench``: ``bench.sh("mkdir /bench/lower")``.

    Args:
        daemon: where; default the one that ``connect()`` found.
        name: its name; default ``labkit-workbench-<four digits>``.

    Raises:
        SandboxError: if the daemon refuses its rights, with the daemon's own words.
    """
    daemon = daemon or current()
    image, command = images.ensure(daemon), ["sleep", "2147483647"]
    try:
        return sandbox.run(image, command, name=name, what="workbench", daemon=daemon, **RIGHTS)
    except errors.SandboxError as error:
        raise errors.SandboxError(f"there is no workbench: {error}", _REFUSED) from error


_REFUSED = (
    "If the daemon, or a policy in front of it, does not allow its rights (labkit.bench.RIGHTS), "
    "use a daemon of your own; `labkit doctor` lists what is found."
)
