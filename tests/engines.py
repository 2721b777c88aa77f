"""Another engine, from Debian's packages, beside the one that runs: ``with engine("forky", "containerd") as url:``.

``ENGINES`` says which there are.

It is unpacked into ``build/engines``, never installed, and runs in a network namespace of its own: two daemons in
one namespace take each other's bridge away. ``nsenter`` enters it; ``ip netns exec`` would remount ``/sys``, where
dockerd then finds no devices cgroup. It ends with its owner, whatever ended that (``PR_SET_PDEATHSIG`` of prctl(2)).
By hand: ``python -m tests.engines forky containerd``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from labkit import daemon as opened
from labkit.daemon import Daemon, connect
from labkit.endpoint import Endpoint, knock
from labkit.errors import DaemonError
from labkit.sandbox import wait_until

CACHE = Path(__file__).parents[1] / "build" / "engines"
PACKAGES = ("docker.io", "containerd")
ENGINES = {
    ("bookworm", "overlay2"): "20.10",  # older than the store of containerd, and than the word for it in daemon.json
    ("trixie", "overlay2"): "26.1",
    ("trixie", "containerd"): "26.1",
    ("forky", "overlay2"): "28.5",
    ("forky", "containerd"): "28.5",
}
"""A Debian suite and an image store → the engine that is started."""

DRIVERS = {"overlay2": "overlay2", "containerd": "overlayfs"}
"""A store → what ``docker info`` calls it."""


def why_not() -> str:
    """Why no second engine can run here; an empty text if one can."""
    if os.name != "posix" or os.geteuid() != 0:
        return "a second engine needs root"
    missing = [
        name
        for name in ("apt-get", "dpkg-deb", "ip", "nsenter", "setpriv", "runc", "iptables")
        if not shutil.which(name)
    ]
    if missing:
        return f"a second engine needs {', '.join(missing)}"
    return "" if _mirror() else "a second engine needs a mirror of Debian in /etc/apt"


@contextlib.contextmanager
def engine(suite: str, store: str) -> Iterator[str]:
    """Run the engine of a Debian suite; yield its address.

    Args:
        suite: ``"bookworm"`` has 20.10, ``"trixie"`` 26.1, ``"forky"`` 28.5.
        store: ``"overlay2"`` or ``"containerd"``, which 20.10 has not.

    Raises:
        KeyError: if there is no such engine in ``ENGINES``; nothing is downloaded then.
        RuntimeError: if it does not start, with the end of its log, or has another store than it was told.
    """
    _ = ENGINES[suite, store]
    programs = fetch(suite)
    space = f"labkit-{os.getpid()}"
    with tempfile.TemporaryDirectory(prefix="labkit-engine-", ignore_cleanup_errors=True) as folder, _netns(space):
        command = _command(Path(folder), store)
        path = f"{programs}/usr/sbin:{programs}/usr/bin:{os.environ['PATH']}"
        with (Path(folder) / "log").open("w") as log:
            daemon = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "nsenter", f"--net=/run/netns/{space}", *command],
                env=os.environ | {"PATH": path},
                stdout=log,
                stderr=log,
            )
            try:
                url = f"unix://{folder}/docker.sock"
                wait_until(lambda: daemon.poll() is not None or _answers(url), "the engine answers", deadline=120)
                if daemon.poll() is not None:
                    raise RuntimeError((Path(folder) / "log").read_text()[-3000:])
                if (driver := facts(url)["Driver"]) != DRIVERS[store]:
                    raise RuntimeError(f"the engine of {suite} keeps images with {driver}, not with {DRIVERS[store]}")
                yield url
            finally:
                daemon.terminate()
                daemon.wait(60)
                _unmount(Path(folder))


@contextlib.contextmanager
def connected(suite: str, store: str) -> Iterator[Daemon]:
    """Run such an engine, and have ``connect()`` find it and no other as long as the ``with`` block lasts."""
    with engine(suite, store) as url, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", url)
        for name in ("_current", "_set_by_us"):  # what connect() remembers is undone
            patch.setattr(opened, name, getattr(opened, name))
        yield connect(url, quiet=True)


def _unmount(folder: Path) -> None:
    """Unmount what a daemon leaves below its folder, such as the file that stands for its network namespace."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in sorted((place for place in mounts if place.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", mount], check=True)


def _command(folder: Path, store: str) -> list[str]:
    (folder / "daemon.json").write_text(json.dumps({"features": {"containerd-snapshotter": store == "containerd"}}))
    places = {"config-file": "daemon.json", "data-root": "data", "exec-root": "exec", "pidfile": "pid"}
    options = [f"--{name}={folder}/{place}" for name, place in places.items()]
    return ["dockerd", f"--host=unix://{folder}/docker.sock", *options]


def _answers(url: str) -> bool:
    with contextlib.suppress(DaemonError):
        return bool(knock(Endpoint(url, "a test")))
    return False


def facts(url: str) -> dict[str, Any]:
    """``docker info`` of the engine at an address."""
    with contextlib.closing(docker.DockerClient(url)) as client:
        return dict(client.info())


@contextlib.contextmanager
def _netns(name: str) -> Iterator[None]:
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        subprocess.run(["nsenter", f"--net=/run/netns/{name}", "ip", "link", "set", "lo", "up"], check=True)
        yield
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


def fetch(suite: str) -> Path:
    """Download and unpack the engine of a suite, with the mirror that this machine's apt uses; return the folder."""
    folder = CACHE / suite
    if (folder / "usr" / "sbin" / "dockerd").exists():
        return folder
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{suite}.", dir=CACHE) as scratch:
        options = _apt(Path(scratch), suite)
        subprocess.run(["apt-get", *options, "update", "-qq"], check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["apt-get", *options, "download", "-qq", *PACKAGES], check=True, cwd=scratch)
        root = Path(scratch) / "root"
        for package in Path(scratch).glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(package), str(root)], check=True)
        try:
            root.rename(folder)
        except OSError:  # somebody else has fetched it meanwhile; theirs is as good
            if not folder.exists():
                raise
    return folder


def _apt(scratch: Path, suite: str) -> list[str]:
    """Options that make apt use lists of its own, with one suite and the mirror and keys of this machine."""
    (scratch / "lists" / "partial").mkdir(parents=True)
    (scratch / "cache" / "archives" / "partial").mkdir(parents=True)
    (scratch / "sources.list").write_text(_source(suite))
    settings = {
        "Dir::Etc::sourcelist": scratch / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": scratch / "lists",
        "Dir::Cache": scratch / "cache",
        "Acquire::Check-Valid-Until": "false",
        "APT::Sandbox::User": "root",
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def _source(suite: str) -> str:
    """One line of ``sources.list(5)``."""
    return f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {_mirror()} {suite} main\n"


def _mirror() -> str:
    """The first mirror of Debian that this machine's apt knows; an empty text if it knows none."""
    files = [*Path("/etc/apt").glob("sources.list.d/*"), Path("/etc/apt/sources.list")]
    found = re.search(r"https?://\S+/debian/?(?=\s)", "\n".join(file.read_text() for file in files if file.is_file()))
    return found.group() if found else ""


def main() -> None:
    """Run the engine that is asked for until stdin ends, a line comes in, or somebody ends it with SIGTERM."""
    listed = "\n".join(f"  {suite:9} {store:11} {version}" for (suite, store), version in ENGINES.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.engines",
        description="Run another engine beside the one that runs, until Enter is pressed or stdin ends.",
        epilog=f"what is possible:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("suite", choices=dict.fromkeys(suite for suite, _ in ENGINES), help="of Debian")
    parser.add_argument("store", choices=list(DRIVERS), help="where the images are kept")
    asked = parser.parse_args()
    if (asked.suite, asked.store) not in ENGINES:
        parser.error(f"the engine of {asked.suite} has no store of {asked.store}")
    if reason := why_not():
        parser.error(reason)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with engine(asked.suite, asked.store) as url:
        said = facts(url)
        print(f"# Docker {said['ServerVersion']}, {said['Driver']}, below {said['DockerRootDir']}")
        print(f"export DOCKER_HOST={url}\n# Press Enter to stop it.", flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    main()
