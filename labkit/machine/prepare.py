"""Before a machine starts: what an earlier one has left, and what it needs on the host."""

from __future__ import annotations

import shutil
from pathlib import Path

from labkit.machine import certificates, layout, mode, processes, slirp, told
from labkit.machine.build import HOST, ROOT_IMAGE
from labkit.machine.places import Places
from labkit.machine.wishes import Wishes


def prepare(where: Places, wishes: Wishes, parts: Path) -> None:
    """Remove what a machine that was killed has left; make certificates, disk, and what the guest is told.

    Raises:
        MachineError: if a machine cannot run here, or there is no room for its disk.
    """
    mode.check()
    slirp.dismiss(where.run / "line")
    for left in where.run.iterdir():
        if left.name not in ("lock", "state.json"):
            shutil.rmtree(left) if left.is_dir() and not left.is_symlink() else left.unlink()
    _keep_changes(where, parts, wishes.fresh)
    certificates.make(where.state / "tls")
    (where.state / "store").write_text(wishes.store)
    told.write(where.run / "told.tar", where.state / "tls", wishes.store)
    if wishes.fresh or not where.disk.exists():
        for mark in where.state.glob("images-*"):
            mark.unlink()
        layout.make_file_system(
            parts / HOST,
            where.disk,
            wishes.disk,
            "-J",
            "size=16",
            "-E",
            "lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0",
        )
        where.disk.chmod(0o600)


def _keep_changes(where: Places, parts: Path, fresh: bool) -> None:
    """Keep what the guest had changed of its root, if it was powered off cleanly and the root is still the same.

    The root has no journal; the disk, with all that Docker keeps, has one.
    """
    clean, root = where.state / "clean", parts / ROOT_IMAGE
    if fresh or not clean.exists() or clean.read_text() != edition(root):
        (where.changes / processes.COW).unlink(missing_ok=True)
    clean.unlink(missing_ok=True)


def edition(root: Path) -> str:
    """Return what tells one build of the root from another."""
    return str(root.stat().st_mtime_ns)
