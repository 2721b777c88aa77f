"""Lay out what was unpacked: a root file system for the guest, and the few programs that run on the host."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from labkit import errors
from labkit.machine.prelink import CannotPrelink, prelink

PROGRAMS = (  # noqa: SIM905 - words read better than a dozen quotes
    "bin/busybox bin/containerd bin/containerd-shim-runc-v2 bin/crun bin/ctr bin/docker bin/docker-init "
    "sbin/dockerd sbin/docker-proxy sbin/runc"
).split()
"""What the guest runs, below /usr."""

MODULES = ("overlay", "bridge", "veth", "br_netfilter")
"""Of the kernel; what they depend on comes with them."""

EMPTY = (  # noqa: SIM905
    "proc sys dev run tmp root disk var/lib/docker var/lib/containerd etc/docker usr/bin usr/sbin usr/lib usr/lib64"
).split()
"""Folders to make."""

LIBRARIES = "usr/lib/x86_64-linux-gnu"
LOADER = "ld-linux-x86-64.so.2"

FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "etc/shadow": "root:*:20000:0:99999:7:::\n",
    "etc/group": "root:x:0:\ndocker:x:999:\n",
    "etc/hostname": "machine\n",
    "etc/hosts": "127.0.0.1\tlocalhost machine\n",
    "etc/resolv.conf": "nameserver 10.0.2.3\n",
    "etc/modules": " ".join(MODULES) + "\n",
    "etc/os-release": 'ID=labkit\nNAME="labkit machine"\nPRETTY_NAME="labkit machine ({suite})"\n',
}

CONTAINERD = "etc/containerd/config.toml"
UNUSED = (  # noqa: SIM905
    "grpc.v1.cri cri.v1.images cri.v1.runtime podsandbox.controller.v1.podsandbox grpc.v1.sandbox-controllers "
    "snapshotter.v1.btrfs snapshotter.v1.zfs snapshotter.v1.devmapper snapshotter.v1.erofs snapshotter.v1.blockfile "
    "snapshotter.v1.native internal.v1.opt internal.v1.tracing tracing.processor.v1.otlp ttrpc.v1.otelttrpc nri.v1.nri "
    "differ.v1.erofs image-verifier.v1.bindir grpc.v1.healthcheck monitor.container.v1.restart monitor.task.v1.cgroups"
).split()
"""Plugins of containerd that dockerd does not ask for; each takes time at every start."""


def lay_out_guest(unpacked: Path, guest: Path, *, suite: str) -> None:
    """Make the guest's root file system out of the unpacked packages.

    Raises:
        BuildFailed: if one of them lacks a file.
    """
    for folder in EMPTY:
        (guest / folder).mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (guest / name).symlink_to(f"usr/{name}")
    (guest / "var/run").symlink_to("/run")
    for program in PROGRAMS:
        _copy(unpacked / "usr" / program, guest / "usr" / program)
    _prelink(guest / "usr/sbin/dockerd")
    shutil.copytree(unpacked / LIBRARIES, guest / LIBRARIES, symlinks=True)
    shutil.copytree(unpacked / "usr/lib64", guest / "usr/lib64", symlinks=True, dirs_exist_ok=True)
    for path, text in FILES.items():
        (guest / path).write_text(text.replace("{suite}", suite))
    (guest / CONTAINERD).parent.mkdir()
    (guest / CONTAINERD).write_text(
        "version = 3\ndisabled_plugins = [" + ", ".join(f'"io.containerd.{name}"' for name in UNUSED) + "]\n"
    )
    _add_applets(guest)
    _add_modules(unpacked, guest)
    _copy(Path(__file__).parent / "guest" / "init", guest / "init")
    (guest / "init").chmod(0o755)


def lay_out_host(unpacked: Path, host: Path, final: Path) -> None:
    """Make the folder of what runs outside: kernel, network and mke2fs, with the libraries that they were made for.

    The kernel starts itself again by its own name, so that its loader is written into it (``patchelf(1)``); the
    others are called through the loader.

    Args:
        unpacked: the packages.
        host: the folder to make.
        final: where that folder will lie at last.
    """
    (host / "lib").mkdir(parents=True)
    for source in (unpacked / LIBRARIES).glob("*.so*"):
        if source.is_file():
            _copy(source, host / "lib" / source.name)
    _copy(unpacked / "usr/lib64" / LOADER, host / "lib" / LOADER)
    for program, name in (("bin/linux.uml", "linux"), ("bin/slirp4netns", ""), ("sbin/mke2fs", "")):
        _copy(unpacked / "usr" / program, host / (name or Path(program).name))
    for file in ("bin/docker", "share/bash-completion/completions/docker"):
        _copy(unpacked / "usr" / file, host / file)
    patch = [shutil.which("patchelf", path=_path()) or "patchelf", "--set-interpreter", str(final / "lib" / LOADER)]
    _run([*patch, "--force-rpath", "--set-rpath", "$ORIGIN/lib", str(host / "linux")])


def through_loader(host: Path, program: str, *words: str) -> list[str]:
    """Return how to call a program of the host's folder with its own libraries."""
    return [str(host / "lib" / LOADER), "--library-path", str(host / "lib"), str(host / program), *words]


def make_file_system(host: Path, file: Path, size: int, *words: str) -> None:
    """Make a file with an empty ext4 in it, or with the contents of a folder (``-d``): ``mke2fs(8)``.

    Raises:
        BuildFailed: if mke2fs fails, for example because there is no room.
    """
    new = file.with_suffix(".new")
    with open(new, "wb") as sparse:
        sparse.truncate(size)
    try:
        _run(through_loader(host, "mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", *words, str(new)))
        new.replace(file)
    finally:
        new.unlink(missing_ok=True)


def _add_applets(guest: Path) -> None:
    """Make a link to busybox for each of its commands that the guest has no better program for."""
    said = _run([str(guest / "usr/bin/busybox"), "--list"])
    for applet in said.split():
        link = guest / "usr/bin" / applet
        if not os.path.lexists(link) and not os.path.lexists(guest / "usr/sbin" / applet):
            link.symlink_to("busybox")


def _add_modules(unpacked: Path, guest: Path) -> None:
    [source] = (unpacked / "usr/lib/uml/modules").iterdir()
    target = guest / "usr/lib/modules" / source.name
    target.mkdir(parents=True)
    for table in source.glob("modules.*"):
        _copy(table, target / table.name)
    needs = dict(line.split(":", 1) for line in (source / "modules.dep").read_text().splitlines())
    for path in _with_dependencies(needs):
        _copy(source / path, target / path)


def _with_dependencies(needs: dict[str, str]) -> Iterator[str]:
    wanted = [path for path in needs if Path(path).name.partition(".")[0] in MODULES]
    if len(wanted) < len(MODULES):
        raise errors.BuildFailed(f"The kernel has only these of its modules: {wanted}.", REPORT)
    yield from {path for module in wanted for path in [module, *needs[module].split()]}


def _prelink(program: Path) -> None:
    """Make a program start faster, if it is one that this can be done with; else leave it as it is."""
    with contextlib.suppress(CannotPrelink):
        program.write_bytes(prelink(program.read_bytes()))


def _copy(source: Path, target: Path) -> None:
    """Copy what the name leads to."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copy2(source.resolve(strict=True), target)
    except FileNotFoundError:
        raise errors.BuildFailed(f"The packages have no {source.name}.", REPORT) from None


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise errors.BuildFailed(f"{Path(command[0]).name} ended with status {done.returncode}: {said}", ROOM)
    return done.stdout


def _path() -> str:
    """Where programs are found: beside this Python first, as pip installs them there."""
    import sys

    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])


REPORT = (
    "Another version of the packages may have another layout: please report it with `labkit machine build`'s output."
)
ROOM = "Look whether there is room: `df -h`. Then try again."
