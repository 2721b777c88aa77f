"""What to do when no daemon answers, for the platform that the learner sits at."""

from __future__ import annotations

import os
import platform
import stat
import sys
from pathlib import Path

ADDRESS = (
    "An address looks like unix:///var/run/docker.sock, tcp://192.0.2.7:2376 or ssh://user@host. "
    "Correct it where it was named, or remove DOCKER_HOST (`unset DOCKER_HOST`) to use the usual socket."
)
BY_HAND = "Cells that speak by hand need unix:// or tcp://; all others work over this one too."
TCP = (
    "A daemon listens on TCP only when it was told to (`dockerd -H tcp://…`), and a firewall may stand between. "
    "Correct the address where it was named, or remove DOCKER_HOST to use the usual socket."
)
CONTEXT = (
    "`docker context ls` shows the contexts there are; `docker context use default` goes back to the usual one. "
    "Where `sudo docker` left the folder to root: `sudo chown -R $USER ~/.docker`."
)
TLS = (
    "Set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH to the folder with ca.pem, cert.pem and key.pem "
    "that belong to this daemon; a certificate is also refused when it is for another host name or expired. "
    "WRONG_VERSION_NUMBER means that the daemon speaks without TLS: `unset DOCKER_TLS_VERIFY DOCKER_TLS`."
)
SSH = (
    "Over ssh, `pip install 'docker[ssh]'` here, and `ssh user@host docker version` must answer without "
    "asking for a password."
)
OTHER = (
    "Another program listens there: correct the address where it was named, or remove DOCKER_HOST. "
    "Or it is a daemon that wants TLS: DOCKER_TLS_VERIFY=1."
)
MACHINE = "Or without Docker, on Debian and Ubuntu: `sudo apt install mmdebstrap`, and `labkit lab` brings its own."
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


def absent(url: str, *, named: bool) -> str:
    """What to do where nobody listens: start a daemon, or name another address."""
    if url.startswith("tcp://"):
        return TCP
    return f"{start()}\n{ADDRESS}" if named else start()


def forbidden(path: str) -> str:
    """Why the kernel refuses this socket, read from the socket itself."""
    try:
        info = Path(path).stat()
    except OSError:
        return f"A directory on the way to {path} is closed to you: `namei -l {path}` shows which."
    group = _group_name(info.st_gid)
    facts = f"The socket belongs to group {group!r}, mode {info.st_mode & 0o777:o}"
    if not info.st_mode & stat.S_IWGRP or info.st_gid in {os.getegid(), *os.getgroups()}:
        return f"{facts}, and joining that group would not let you in: work as root, or ask who runs the daemon."
    if _joined(info.st_gid):
        return f"{facts}, and you joined it after this session began: log out and in, then start Jupyter anew."
    return (
        f"{facts}, and you are not in that group. "
        f"Join it with `sudo usermod -aG {group} $USER`, then log out and in (chapter 01 shows what that means: "
        f"whoever is in that group can become root)."
    )


def _group_name(gid: int) -> str:
    import grp

    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _joined(gid: int) -> bool:
    """Whether ``/etc/group`` counts this user in, whatever this process was given when it began."""
    import grp
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name in grp.getgrgid(gid).gr_mem
    except KeyError:
        return False


def no_daemon() -> str:
    """The three choices of somebody who has no daemon yet."""
    return (
        f"1. Here: {start()}\n"
        "2. Elsewhere: point DOCKER_HOST at a daemon, e.g. `export DOCKER_HOST=ssh://user@host`.\n"
        "3. Nowhere yet: install Docker Desktop, Colima or Docker Engine (docs.docker.com/get-started/get-docker)."
        + (f" {MACHINE}" if system() in ("linux", "wsl") else "")
    )
