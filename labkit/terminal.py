"""A line of shell on the notebook's own computer, as one would type it in a terminal."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess

from labkit import errors


def sh(line: str, *, timeout: float = 60) -> str:
    """Run a line as in a terminal, and return what it printed.

    Unlike ``!line`` in a cell, a line that fails is an error. Of a pipe, the last command decides.

    Args:
        line: for the shell; ``docker`` in it reaches the daemon that ``connect()`` chose.
        timeout: seconds.

    Raises:
        LabError: if its exit status is not 0; what it complained of is in the text.
    """
    command = subprocess.Popen(
        line,
        shell=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    with command:
        try:
            out, err = command.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            _kill(command)
            raise errors.LabError(f"`{line}` still ran after {timeout:g} s.", "It was killed; give it more.") from None
        except BaseException:  # the cell was interrupted
            _kill(command)
            raise
    if command.returncode != 0:
        said = err.strip() or out.strip() or "it said nothing"
        remedy = _MISSING if re.search(r"docker: (command )?not found", err) else ""
        raise errors.LabError(f"`{line}` ended with status {command.returncode}: {said}", remedy)
    return out.rstrip("\n")


def _kill(command: subprocess.Popen[str]) -> None:
    """End the shell and everything that it started, which would otherwise hold the pipes open."""
    with contextlib.suppress(ProcessLookupError):  # it has just ended
        if os.name == "posix":
            os.killpg(command.pid, signal.SIGKILL)
        else:
            command.kill()
    command.wait()


_MISSING = "Without the docker command: on Debian or Ubuntu `sudo apt install docker-cli` (or docker.io)."
