"""Where a learner can sit: as who they run, by which address they reach the daemon, how they look at its host."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import nbformat
import pytest

from labkit.daemon import Daemon
from labkit.hosts import is_local
from labkit.sandbox import owner
from tests import chapters
from tests.forwarder import forwarded
from tests.test_repository import project_files

NOBODY = 65534
"""A user whom every system has, and who owns nothing."""


@dataclass(frozen=True)
class Seat:
    """One learner's place.

    Attributes:
        learner: whose things are made there.
        place: a folder that is theirs.
        checkout: the course's files, where they can read them.
        host: the class of ``open_host()``.
        environ: the environment.
        python: the interpreter, with everything that the course needs.
        user: as whom they run: keywords of ``subprocess.run``.
    """

    learner: str
    place: Path
    checkout: Path
    host: str
    environ: dict[str, str] = field(repr=False)
    python: str = sys.executable
    user: dict[str, Any] = field(default_factory=dict)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run this Python with these words, as this learner."""
        command, options = [self.python, *words], {"capture_output": True, "text": True, "check": False} | self.user
        done: subprocess.CompletedProcess[str] = subprocess.run(
            command, cwd=self.place, env=self.environ, timeout=1800, **options
        )
        return done


@contextlib.contextmanager
def seat(name: str, daemon: Daemon) -> Iterator[Seat]:
    """Prepare one of the five, by its name.

    ``"as found"``: as the tests run. ``"helper"``: told to use the helper. ``"user"``: an ordinary user.
    ``"beside"``: root beside a daemon that nobody would find. ``"tcp"``: behind a TCP port.
    """
    with tempfile.TemporaryDirectory(prefix="labkit-") as folder:
        Path(folder).chmod(0o755)  # for the ordinary user
        place = Path(folder) / "home"
        place.mkdir()
        learner = f"seat-{name.replace(' ', '-')}-{secrets.token_hex(4)}"
        environ = chapters.environment(learner, place, PYTHONPATH=str(chapters.ROOT))
        plain = Seat(learner, place, chapters.ROOT, "HelperHost", environ)
        match name:
            case "as found":
                yield replace(plain, host="LocalHost" if is_local(daemon) else "HelperHost")
            case "helper":
                yield replace(plain, environ=environ | {"LABKIT_HOST": "helper"})
            case "user":
                yield ordinary(plain, daemon)
            case "tcp":
                with forwarded(daemon) as url:
                    yield replace(plain, environ=environ | {"DOCKER_HOST": url})
            case "beside":
                yield replace(plain, host="LocalHost", environ=environ | {"DOCKER_HOST": daemon.endpoint.url})


def looks(seat: Seat) -> list[str]:
    """How a seat looks at the daemon's host: the class of ``open_host()``, and the kernel that it sees there."""
    asks = "from labkit import connect, open_host; host = open_host(connect(quiet=True)); "
    done = seat.run("-c", asks + "print(type(host).__name__, host.text('/proc/sys/kernel/ostype'))")
    return [*done.stdout.split(), *done.stderr.splitlines()]


def solve(seat: Seat) -> list[Path]:
    """Write the chapters with the reference answers into the learner's folder; return their paths."""
    paths = {number: seat.place / path.name for number, path in chapters.FILES.items()}
    for number, path in paths.items():
        nbformat.write(chapters.solved(number), path)
    return list(paths.values())


def run_nbval(seat: Seat, notebooks: list[Path]) -> None:
    """Run notebooks in one process: every cell must pass and print what is stored, none be skipped or let fail."""
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(seat.checkout / "pyproject.toml")]
    words += ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=120"]
    words += ["--nbval-sanitize-with", str(seat.checkout / "tests" / "sanitize.cfg"), *map(str, notebooks)]
    done = seat.run(*words)
    last = ["", *done.stdout.splitlines()][-1]
    cells = sum(len(chapters.code_cells(chapters.read(notebook))) for notebook in notebooks)
    assert re.fullmatch(rf"{cells} passed in .*", last), done.stdout[-8000:] + done.stderr[-2000:]
    assert done.returncode == 0


LEFT = """
from labkit import connect, things
from labkit.course.seed import learner, mark

mine = [t for t in things(connect(quiet=True), whose=learner()) if t.kind != "image"]
print([t for t in mine if t.owner or mark(learner()) in t.name])
"""


def left(seat: Seat) -> str:
    """What is still there of a learner, as a list: what they own, and what is named after them, but for images."""
    done = seat.run("-c", LEFT)
    return done.stdout.strip() or done.stderr


def ordinary(seat: Seat, daemon: Daemon) -> Seat:
    """Make it the seat of somebody who is not root, and is in the group of the daemon's socket."""
    if os.name != "posix" or os.geteuid() != 0:
        pytest.skip(f"only root can become somebody else, and {owner()} is not root")
    if daemon.endpoint.scheme != "unix":
        pytest.skip(f"{daemon.endpoint.url} is no unix socket: nobody is in its group")
    socket = os.stat(daemon.endpoint.path)
    user = {"user": NOBODY, "group": NOBODY, "extra_groups": [socket.st_gid]}
    os.chown(seat.place, NOBODY, NOBODY)
    checkout = seat.place.parent / "checkout"
    copy_project(checkout)
    environ = {name: value for name, value in seat.environ.items() if not name.startswith(("XDG_", "DOCKER_CONFIG"))}
    environ |= {"HOME": str(seat.place), "USER": "nobody", "PYTHONPATH": str(checkout)}
    there = replace(seat, checkout=checkout, environ=environ, user=user)
    return there if works(there) else with_own_python(there)


def copy_project(target: Path) -> None:
    """Copy the files of the project: the checkout may lie where nobody else can read."""
    for name in project_files():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(chapters.ROOT / name, target / name)


def works(seat: Seat) -> bool:
    """Whether the seat's Python runs and finds what the course needs."""
    try:
        return seat.run("-c", "import docker, ipykernel, matplotlib, nbval").returncode == 0
    except PermissionError:
        return False


def with_own_python(seat: Seat) -> Seat:
    """Give the seat a copy of this Python and its packages, by hard links where that is possible."""
    own, version = seat.place.parent / "python", "python{}.{}".format(*sys.version_info)
    base, left_out = Path(sys.base_prefix), shutil.ignore_patterns("site-packages", "dist-packages", "test")
    shutil.copytree(base / "lib" / version, own / "lib" / version, copy_function=link, ignore=left_out)
    for file in [base / "bin" / version, *(base / "lib").glob("libpython*.so*")]:
        (own / file.parent.name).mkdir(exist_ok=True)
        link(str(file), str(own / file.parent.name / file.name))
    for packages in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        shutil.copytree(packages, own / "packages", copy_function=link, dirs_exist_ok=True)
    paths = {"PYTHONPATH": f"{seat.checkout}:{own / 'packages'}", "LD_LIBRARY_PATH": str(own / "lib")}
    there = replace(seat, python=str(own / "bin" / version), environ=seat.environ | paths)
    assert works(there), there.run("-c", "import docker, ipykernel, matplotlib, nbval").stderr
    return there


def link(source: str, target: str) -> None:
    """Give a file one more name, or copy it to another file system."""
    try:
        os.link(os.path.realpath(source), target)
    except OSError:
        shutil.copy2(source, target)
