"""Zips, looked at without unpacking them: what is in them, and the first bytes of one file.

An archive is somebody else's: its names may lead anywhere, its sizes may lie, and it may be damaged everywhere.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

from labkit import errors

MEMBERS = 5_000
"""Files and folders in one zip at most: fifteen for each of three hundred learners."""

ENCRYPTED = 0x1  # bit 0 of a member's flags: APPNOTE.TXT 4.4.4
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True)
class Member:
    """One file in a zip.

    Attributes:
        name: as it is in the zip.
        parts: the folders that it lies in, and its own name; some zips from Windows have backslashes between them.
        problem: why it is not read, and what to do; empty if it can be tried.
    """

    name: str
    parts: tuple[str, ...]
    problem: str = ""


def read_members(path: Path) -> list[Member]:
    """Return the files of a zip. Of two with one name the last counts, as it does when a zip is unpacked.

    Raises:
        CourseError: if it is damaged, or has more than ``MEMBERS``.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
    except Exception as error:  # BadZipFile, OSError, struct.error, UnicodeDecodeError …: wherever the damage is
        raise _damaged(error) from error
    if len(infos) > MEMBERS:
        raise errors.CourseError(
            f"The zip has {len(infos)} entries, more than the {MEMBERS} that are looked at.",
            "Take the notebooks out of it, and name their folder.",
        )
    return list({info.filename: _member(info) for info in infos if not info.is_dir()}.values())


def _member(info: zipfile.ZipInfo) -> Member:
    name = info.filename.replace("\\", "/")
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    problem = ""
    if info.flag_bits & ENCRYPTED:
        problem = "It is encrypted: ask for a zip without a password."
    elif info.compress_type not in METHODS:
        problem = "It is packed by an unusual method: unpack the zip, and pack it again or name the folder."
    elif name.startswith("/") or name[1:3] == ":/" or ".." in parts:
        problem = f"Its name in the zip, {name[:200]!r}, leads out of it: look into that, and name the file itself."
    return Member(info.filename, parts or (name,), problem)


def read_member(path: Path, name: str, size: int) -> bytes:
    """Return the first bytes of a file in a zip: really read, whatever size the zip says it has.

    Raises:
        CourseError: if the archive is damaged there, or has changed.
    """
    try:
        with zipfile.ZipFile(path) as archive, archive.open(name) as file:
            return file.read(size)
    except Exception as error:  # also zlib.error, EOFError, KeyError, RuntimeError
        raise _damaged(error) from error


def _damaged(error: Exception) -> errors.CourseError:
    said = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"[:200]
    return errors.CourseError(f"The zip cannot be read there ({said}).", "Download it again, or ask for it again.")
