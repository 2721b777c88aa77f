"""Where the machine lies: what was built once, what one machine keeps, and what is there only while it runs."""

from __future__ import annotations

import os
import re
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from labkit import errors
from labkit.machine import NAME

LONGEST = 107
"""Bytes of a unix socket's path: ``unix(7)``."""

DEEPEST = "guest/kernel/ask-01234567"
"""The longest path of a socket below a machine's folder ``run``."""


def parts_folder() -> Path:
    """Return the folder of the built parts: ``LABKIT_MACHINE_PARTS``, or one among the user's own data."""
    given = os.environ.get("LABKIT_MACHINE_PARTS")
    return Path(given) if given else Path(platformdirs.user_data_dir("labkit", appauthor=False), "machine")


@dataclass(frozen=True)
class Places:
    """The folders of one machine.

    Attributes:
        name: what it is called.
        state: disk, certificates and log: they stay.
        run: socket, lock and console: they are there only while it runs.
    """

    name: str
    state: Path
    run: Path

    @property
    def socket(self) -> Path:
        """Where its daemon is reached."""
        return self.run / "docker.sock"

    @property
    def log(self) -> Path:
        """What kernel and daemon said since the last start."""
        return self.state / "log"

    @property
    def disk(self) -> Path:
        """The file that is the guest's disk."""
        return self.state / "disk.img"

    @property
    def changes(self) -> Path:
        """The folder for the copy-on-write file: what the guest has changed of the root that all machines share."""
        return self.state / "root"

    def make(self) -> None:
        """Make both folders, for nobody else.

        Raises:
            MachineError: if the name of the socket would be too long, or another user owns the folder, or it
                cannot be made.
        """
        if len(os.fsencode(self.run / DEEPEST)) > LONGEST:
            raise errors.MachineError(
                f"{self.run} is too long: sockets lie in it, whose path may have {LONGEST} bytes.",
                "Take a shorter --name, or point XDG_RUNTIME_DIR at a folder with a short path.",
            )
        for folder in (self.state, self.changes, self.run):
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise errors.MachineError(
                    f"{folder} cannot be made: {error.strerror}.", "Point XDG_STATE_HOME or XDG_RUNTIME_DIR elsewhere."
                ) from error
            check_own(folder)


def places(name: str = NAME) -> Places:
    """Return the folders of the machine with this name.

    Raises:
        MachineError: if a folder cannot have that name.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}", name):
        raise errors.MachineError(
            f"{name!r} is no name for a machine.", "Take up to 32 letters, digits, points, dashes and underlines."
        )
    state = Path(platformdirs.user_state_dir("labkit", appauthor=False), "machine", name)
    return Places(name, state, _runtime() / "machine" / name)


def _runtime() -> Path:
    """A folder that is empty after a reboot: the user's runtime folder, or one of our own beside everybody's."""
    given = os.environ.get("XDG_RUNTIME_DIR")
    if given and os.access(given, os.W_OK):
        return Path(given) / "labkit"
    own = Path(tempfile.gettempdir()) / f"labkit-{os.getuid()}"
    own.mkdir(mode=0o700, exist_ok=True)
    check_own(own)
    return own


def check_own(folder: Path) -> None:
    """Make sure that a folder is the user's, and nobody else may write in it.

    Raises:
        MachineError: if not.
    """
    found = folder.lstat()
    if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o077:
        raise errors.MachineError(
            f"{folder} is not a folder of your own with mode 0700.", "Remove it, or set XDG_RUNTIME_DIR to another."
        )
