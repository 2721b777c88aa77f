"""A line of shell on the notebook's own computer, as one would type it in a terminal."""

from __future__ import annotations

import subprocess

from labkit import errors


def sh(line: str, *, timeout: float = 60) -> str:
    """Run a line as in a terminal, and return what it printed.

    Unlike ``!line`` in a cell, a line that fails is an error.

    Args:
        line: for the shell; ``docker`` in it reaches the daemon that ``connect()`` chose.
        timeout: seconds.

    Raises:
        LabError: if its exit status is not 0; what it complained of is in the text.
    """
    try:
        done = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        raise errors.LabError(f"`{line}` still ran after {timeout:g} s.", "It was killed; give it more.") from None
    if done.returncode == 127:
        raise errors.LabError(f"`{line}`: {done.stderr.strip()}", _MISSING)
    if done.returncode != 0:
        raise errors.LabError(f"`{line}` ended with status {done.returncode}: {done.stderr.strip()}")
    return done.stdout.rstrip("\n")


_MISSING = "Without the docker command: on Debian or Ubuntu `sudo apt install docker-cli` (or docker.io)."
