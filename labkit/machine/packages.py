"""The parts of the machine: Debian's packages, fetched, verified and unpacked without root by mmdebstrap.

``--variant=extract --mode=chrootless`` runs nothing of what it unpacks; apt checks the signatures.
Source: ``mmdebstrap(1)``.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from labkit import errors

SUITE = "forky"
"""Debian's release with a user-mode kernel that needs no ptrace (7.2), and engine 28.5."""

WANTED = (  # noqa: SIM905 - words read better than a dozen quotes
    "user-mode-linux docker.io docker-cli containerd crun iptables iproute2 tini busybox-static "
    "slirp4netns e2fsprogs ca-certificates libgcc-s1"
).split()

NEEDS = {"mmdebstrap": "mmdebstrap", "apt-get": "apt"}
"""Program of this computer → Debian's package that it comes in."""

LIST = "fetched.txt"
"""Written into the folder of what was unpacked."""

PROCESSOR = "x86_64"
"""The only one that user-mode Linux is packaged for."""


def missing() -> str:
    """Say why the parts cannot be fetched here; empty if they can."""
    if platform.machine() != PROCESSOR:
        return f"the machine is made for {PROCESSOR}; this computer is {platform.machine()}"
    lacking = [program for program in NEEDS if not shutil.which(program)]
    return f"{' and '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} not installed" if lacking else ""


def remedy() -> str:
    """Return what to do about what is missing."""
    if platform.machine() != PROCESSOR:
        return "Install Docker Desktop, or use a hub with this course."
    names = " ".join(NEEDS[program] for program in NEEDS if not shutil.which(program))
    return f"Once, as root: `apt install {names or 'mmdebstrap'}`. (On Ubuntu also debian-archive-keyring.)"


def fetch(target: Path, *, suite: str = SUITE, mirror: str = "") -> Iterator[str]:
    """Fetch and unpack the parts into a folder; yield the lines in which mmdebstrap says what it does.

    Args:
        target: a folder that is not there yet.
        suite: Debian's release.
        mirror: where from; empty for mmdebstrap's own default.

    Raises:
        BuildFailed: with its last lines.
    """
    if why := missing():
        raise errors.BuildFailed(f"The machine cannot be built: {why}.", remedy())
    # A mirror may be a dated copy, whose lists have expired by now; the signatures hold all the same.
    options = ["--variant=extract", "--mode=chrootless", f"--include={','.join(WANTED)}"]
    options += ['--aptopt=Acquire::Check-Valid-Until "false"', "--format=directory"]
    options += ["--skip=check/chrootless"]  # newer ones refuse root, whom a program that is run could harm: none is
    options += [f'--extract-hook=ls "$1/var/cache/apt/archives" > "$1/{LIST}"']
    command = ["mmdebstrap", *options, suite, str(target), *filter(None, [mirror])]
    pipe = subprocess.PIPE
    lines: list[str] = []
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout
        for line in process.stdout:
            lines.append(line.rstrip())
            yield lines[-1]
    if process.returncode:
        said = "\n".join(lines[-8:])
        raise errors.BuildFailed(f"mmdebstrap ended with status {process.returncode}:\n{said}", NETWORK)


def versions(target: Path) -> dict[str, str]:
    """Return package → version of what was unpacked: the names of the files that apt fetched."""
    names = [name.split("_") for name in (target / LIST).read_text().split() if name.endswith(".deb")]
    return {package: unquote(version) for package, version, _ in names}


NETWORK = "Look whether this computer reaches Debian's mirror: `apt-get update` as root says. What was fetched is kept."
