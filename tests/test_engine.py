"""The programs of an engine on the daemon's host: found by who runs, then by name, and never inside a container."""

from __future__ import annotations

import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from labkit import errors
from labkit.daemon import Daemon
from labkit.engine import Engine, find_engine, read_libraries
from labkit.host import Entry, Host, Names, Ran
from labkit.hosts import open_host
from tests.inside.fakeproc import STAT, STATUS


@dataclass
class Files(Host):
    """A host that is a table: path → contents, ``None`` for a folder, and links."""

    files: dict[str, str | None] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)

    def process(self, pid: int, name: str, exe: str, *, path: str = "") -> None:
        """Let a process run."""
        facts = {"name": name, "pid": pid, "state": "S", "parent": 1, "inside": "", "started": pid}
        self.files |= {f"/proc/{pid}/status": STATUS.format(**facts), f"/proc/{pid}/stat": STAT.format(**facts)}
        self.files[f"/proc/{pid}/environ"] = f"A=b\0PATH={path}\0"
        self.links[f"/proc/{pid}/exe"] = exe

    def read(self, path: str, *, offset: int = 0, limit: int | None = None) -> bytes:
        if (text := self.files.get(path)) is None:
            raise errors.PathMissing(path)
        return text.encode()

    def list(self, path: str) -> list[str]:
        return sorted({name.split("/")[2] for name in self.files if name.startswith(f"{path}/")}, reverse=True)

    def stat(self, path: str, *, follow: bool = False) -> Entry:
        inside = path.startswith("/proc/") and path.endswith("/exe") and self.links[path].startswith("/engine/")
        path = self.links.get(path, path)
        if path not in self.files and not inside:
            raise errors.PathMissing(path)
        kind = stat.S_IFDIR if self.files.get(path, "") is None else stat.S_IFREG
        return Entry(path, kind, 1, 0, 0, 0, hash((path, inside)), 1, 0, 0, 0)

    def walk(self, path: str) -> Iterator[Entry]:
        raise NotImplementedError

    def names(self, base: str, paths: Sequence[str]) -> Iterator[Names]:
        raise NotImplementedError

    def entries(self, base: str, paths: Sequence[str]) -> Iterator[Sequence[Entry]]:
        raise NotImplementedError

    def opaque(self, base: str, paths: Sequence[str]) -> set[str]:
        raise NotImplementedError

    def readlink(self, path: str) -> str:
        if path not in self.links:
            raise errors.PathForbidden(path)
        return self.links[path]

    def run(self, *argv: str, timeout: float = 30) -> Ran:
        raise NotImplementedError


def test_the_engine_that_runs_is_found() -> None:
    """The program behind a process called dockerd is taken, and the containerd that it would start itself."""
    host = Files(
        {"/opt/sbin/dockerd": "", "/opt/bin/containerd": "", "/usr/bin/containerd": "", "/usr/bin/dockerd": ""}
    )
    host.process(70, "dockerd", "/opt/sbin/dockerd", path="/opt/sbin:/opt/bin")
    assert find_engine(host) == Engine("/opt/sbin/dockerd", "/opt/bin/containerd")


def test_the_learners_own_engine_goes_first() -> None:
    """Where several engines run, the one of the learner's daemon is taken, if its number is known."""
    host = Files({"/a/dockerd": "", "/b/dockerd": "", "/usr/bin/containerd": ""})
    host.process(7, "dockerd", "/a/dockerd")
    host.process(70, "dockerd", "/b/dockerd")
    assert find_engine(host).dockerd == "/a/dockerd"
    assert find_engine(host, 70).dockerd == "/b/dockerd"


def test_an_engine_in_a_container_is_passed_over() -> None:
    """A second daemon runs on the host as well, but its program lies in its container, where nothing can be mounted."""
    host = Files({"/usr/bin/dockerd": "", "/usr/bin/containerd": "", "/engine/dockerd": "another file of that name"})
    host.process(5, "dockerd", "/engine/dockerd")
    host.process(6, "dockerd", "/usr/bin/dockerd")
    assert find_engine(host).dockerd == "/usr/bin/dockerd"


def test_a_program_that_was_replaced_is_looked_up() -> None:
    """After an upgrade the running program is deleted; then, and where it is hidden, the host's PATH decides."""
    host = Files({"/usr/sbin/dockerd": "", "/usr/bin/containerd": ""})
    host.process(5, "dockerd", "/usr/sbin/dockerd (deleted)")
    assert find_engine(host) == Engine("/usr/sbin/dockerd", "/usr/bin/containerd")
    del host.links["/proc/5/exe"]
    assert find_engine(host) == Engine("/usr/sbin/dockerd", "/usr/bin/containerd")


@pytest.mark.parametrize("there", ["dockerd", "containerd"])
def test_what_is_missing_is_named(there: str) -> None:
    """A host without one of the two programs is an error that names it and says what to do."""
    missing = {"dockerd": "containerd", "containerd": "dockerd"}[there]
    with pytest.raises(errors.SandboxError, match=f"there is no {missing} on the daemon's host") as raised:
        find_engine(Files({f"/usr/bin/{there}": "", "/proc/1/status": "Name:\tinit\n"}))
    assert "labkit machine up" in raised.value.remedy


def test_only_folders_that_are_there_are_mounted() -> None:
    """Docker would make a folder that is missing, on the host; so only those that are there are named."""
    assert read_libraries(Files({"/usr": None, "/lib64": None, "/nix/store": "a file"})) == ["/usr", "/lib64"]


@pytest.mark.daemon
def test_it_is_an_engine(daemon: Daemon) -> None:
    """What is found on the daemon's host says of itself that it is dockerd, and containerd."""
    host = open_host(daemon)
    found = find_engine(host)
    said = [host.run(program, "--version").out for program in (found.dockerd, found.containerd)]
    host.close()
    assert said[0].startswith("Docker version ")
    assert said[1].startswith("containerd ")
