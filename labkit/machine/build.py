"""Build the parts of the machine: a kernel, a root file system, and the course's image. Once per user; no root.

What is built lies in one folder. It appears there whole or not at all; the packages, once fetched, are kept until
then, so that a build that was broken off goes on.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labkit import errors
from labkit.machine import layout, packages
from labkit.machine.limits import MB
from labkit.machine.places import parts_folder

RECIPE = 3
"""Grows when the parts are laid out in another way; older ones are built anew."""

ROOM = 1500 * MB
"""Bytes that a build needs while it works; about 420 MB stay."""

TASKS = (
    "fetch Debian's packages, about 150 MB",
    "lay out the guest's file system",
    "write its disk",
    "make the course's image",
)
"""What is done, in its order."""

Step = Callable[[str], None]

ROOT_IMAGE, MANIFEST, HOST, IMAGES = "root.img", "manifest.json", "host", "images.tar"


def manifest(folder: Path | None = None) -> dict[str, Any]:
    """Return what was built: recipe, suite, and the version of each package; empty where nothing (usable) is."""
    try:
        found: dict[str, Any] = json.loads(((folder or parts_folder()) / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if found.get("recipe") == RECIPE else {}


def build(*, again: bool = False, mirror: str = "", step: Step = print) -> Path:
    """Build what is missing; return the folder.

    Args:
        again: build also where everything is there.
        mirror: of Debian; empty for mmdebstrap's default.
        step: is called with a sentence at the beginning of each task, and with what mmdebstrap says.

    Raises:
        BuildFailed: if this computer lacks something, or the packages are not to be had.
    """
    folder = parts_folder()
    if manifest(folder) and not again:
        return folder
    with _alone(folder):
        if again or not manifest(folder):  # somebody else may have built it meanwhile
            _build(folder, mirror, step)
    return folder


def fetched() -> int:
    """Return the bytes of packages that a build which is under way has fetched so far."""
    folder, found = parts_folder(), 0
    for file in folder.with_name(f"{folder.name}.building").glob("packages/var/cache/apt/archives/**/*.deb"):
        with contextlib.suppress(OSError):  # it was renamed meanwhile
            found += file.stat().st_size
    return found


def _build(folder: Path, mirror: str, step: Step) -> None:
    work = folder.with_name(f"{folder.name}.building")
    unpacked, guest, new = work / "packages", work / "guest", work / "new"
    shutil.rmtree(new, ignore_errors=True)
    if not (work / "fetched").exists():
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        _check_room(work)
        step(TASKS[0])
        for line in packages.fetch(unpacked, mirror=mirror):
            step(f"  {line}")
        (work / "fetched").touch()
    step(TASKS[1])
    new.mkdir()
    shutil.rmtree(guest, ignore_errors=True)
    guest.mkdir()
    layout.lay_out_guest(unpacked, guest, suite=packages.SUITE)
    layout.lay_out_host(unpacked, new / HOST, folder / HOST)
    step(TASKS[2])
    size = sum(file.lstat().st_size + 4096 for file in guest.rglob("*")) * 9 // 8 + 64 * MB
    options = ("-b", "4096", "-O", "^has_journal", "-E", "root_owner=0:0", "-d", str(guest))
    layout.make_file_system(new / HOST, new / ROOT_IMAGE, size // MB * MB, *options)
    step(TASKS[3])
    (new / IMAGES).write_bytes(_course_image(guest / "usr/bin/busybox"))
    known = {"recipe": RECIPE, "suite": packages.SUITE, "packages": packages.versions(unpacked)}
    (new / MANIFEST).write_text(json.dumps(known, indent=1) + "\n")
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)
    shutil.rmtree(work, ignore_errors=True)


def _course_image(program: Path) -> bytes:
    from labkit import busybox as course
    from labkit import oci, parts

    busybox = parts.read(program.read_bytes())
    return course.write(oci.BUSYBOX, course.busybox_files(busybox), architecture=busybox.architecture)


def _check_room(work: Path) -> None:
    if (free := shutil.disk_usage(work).free) < ROOM:
        raise errors.BuildFailed(
            f"{work} has {free // MB} MB left; a build needs {ROOM // MB}.",
            "Make room there, or set LABKIT_MACHINE_PARTS to a folder with more.",
        )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until nobody else builds into this folder."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_name(f"{folder.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
