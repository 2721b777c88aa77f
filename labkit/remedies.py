"""What to do when no daemon answers, for the platform that the learner sits at."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

ADDRESS = (
    "An address looks like unix:///var/run/docker.sock, tcp://192.0.2.7:2376 or ssh://user@host. "
    "Correct DOCKER_HOST, or remove it (`unset DOCKER_HOST`) to use the usual socket."
)
CONTEXT = "`docker context ls` shows the contexts there are; `docker context use default` goes back to the usual one."
TLS = (
    "Set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH to the folder with ca.pem, cert.pem and key.pem "
    "that belong to this daemon; a certificate is also refused when it is for another host name or expired."
)
SSH = (
    "Over ssh, `pip install 'docker[ssh]'` here, and `ssh user@host docker version` must answer without "
    "asking for a password."
)
OTHER = "Another program listens there. Correct DOCKER_HOST, or remove it to use the usual socket."
TOO_OLD = "Upgrade the engine to 20.10 or newer (API 1.41): the course is tested from there on."


def system() -> str:
    """One of ``linux``, ``wsl``, ``mac``, ``windows``."""
    if sys.platform == "darwin":
        return "mac"
    if os.name == "nt":
        return "windows"
    return "wsl" if "microsoft" in platform.release().lower() else "linux"


def start() -> str:
    """How to start a daemon here."""
    return {
        "linux": "Start it: `sudo systemctl start docker`, or without systemd `sudo dockerd &`. "
        "Not installed? On Debian or Ubuntu: `sudo apt install docker.io`.",
        "wsl": "Start Docker Desktop with WSL integration for this distribution; "
        "where dockerd runs inside WSL: `sudo service docker start`.",
        "mac": "Start Docker Desktop (or `colima start`), and wait until its icon stands still.",
        "windows": "Start Docker Desktop, and wait until its icon stands still.",
    }[system()]


def hung() -> str:
    """What to do with a daemon that listens and stays silent."""
    return {
        "linux": "Look at its log (`journalctl -u docker -n 50`) and restart it: `sudo systemctl restart docker`.",
        "wsl": "Restart Docker Desktop; where dockerd runs inside WSL: `sudo service docker restart`.",
    }.get(system(), "Restart Docker Desktop (Troubleshoot → Restart).")


def forbidden(path: str) -> str:
    """Why the kernel refuses this socket, read from the socket itself."""
    try:
        info = Path(path).stat()
        group = _group_name(info.st_gid)
    except OSError:
        return f"A directory on the way to {path} is closed to you: `namei -l {path}` shows which."
    return (
        f"The socket belongs to group {group!r}, mode {info.st_mode & 0o777:o}, and you are not in that group. "
        f"Join it with `sudo usermod -aG {group} $USER`, then log out and in (chapter 01 shows what that means: "
        f"whoever is in that group can become root)."
    )


def _group_name(gid: int) -> str:
    import grp

    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def no_daemon() -> str:
    """The three choices of somebody who has no daemon yet."""
    return (
        f"1. Here: {start()}\n"
        "2. Elsewhere: point DOCKER_HOST at a daemon, e.g. `export DOCKER_HOST=ssh://user@host`.\n"
        "3. Nowhere yet: install Docker Desktop, Colima or Docker Engine (docs.docker.com/get-started/get-docker)."
    )
