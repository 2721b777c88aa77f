"""The way to the daemon: one kernel or two, which wall, which door."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest

from labkit import errors
from labkit.daemon import Daemon
from labkit.hosts import open_host
from labkit.inside import route
from labkit.inside.route import BOOT_ID, Route, find_socket, read_route
from labkit.local import LocalHost

INFO = {"ServerVersion": "20.10.24+dfsg1", "Name": "thinkpad", "OperatingSystem": "Debian GNU/Linux 12"}
DESKTOP = INFO | {"OperatingSystem": "Docker Desktop", "Name": "docker-desktop"}
SOCKET = "unix:///var/run/docker.sock"


def read(folder: Path, theirs: str, ours: str, url: str = SOCKET, info: dict[str, Any] = INFO) -> Route:
    """The route to a host with this boot id, from a notebook with that."""
    for name, text in (("theirs", theirs), ("ours", ours)):
        file = folder / name / BOOT_ID.lstrip("/")
        file.parent.mkdir(parents=True)
        file.write_text(text)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(route, "BOOT_ID", BOOT_ID)
        patched.setattr(route, "_boot_id", lambda: (folder / "ours" / BOOT_ID.lstrip("/")).read_text().strip())
        return read_route(url, info, LocalHost(folder / "theirs"))


@pytest.mark.parametrize(
    ("theirs", "ours", "one"), [("a-1\n", "a-1\n", True), ("a-1\n", "b-2\n", False), ("", "", False), ("a", "", False)]
)
def test_equal_boot_ids_are_one_kernel(tmp_path: Path, theirs: str, ours: str, one: bool) -> None:
    """Notebook and daemon share a kernel if both read the same boot id, and not if neither reads any."""
    assert read(tmp_path, theirs, ours).one_kernel == one


def test_a_computer_without_boot_id_has_another_kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A notebook on a system without /proc, such as macOS, never shares the daemon's kernel."""
    monkeypatch.setattr(route, "BOOT_ID", str(tmp_path / "nowhere"))
    assert route._boot_id() == ""


def test_the_daemons_own_words_are_read(tmp_path: Path) -> None:
    """Version and name come from the daemon, the version without a distribution's suffix."""
    found = read(tmp_path, "a", "a")
    assert (found.door, found.engine, found.host, found.desktop) == (SOCKET, "20.10.24", "thinkpad", False)


@pytest.mark.parametrize(
    ("url", "info", "wall"),
    [
        (SOCKET, DESKTOP, "the wall of a virtual machine"),
        ("npipe:////./pipe/docker_engine", DESKTOP, "the wall of a virtual machine"),
        ("unix:///home/learner/.colima/docker.sock", INFO, "the wall of a virtual machine"),
        ("tcp://127.0.0.1:2375", INFO, "the wall of a virtual machine"),
        ("tcp://[::1]:2375", INFO, "the wall of a virtual machine"),
        ("tcp://localhost:2375", INFO, "the wall of a virtual machine"),
        ("tcp://192.0.2.7:2376", INFO, "a network"),
        ("tcp://localhost.example.org:2376", INFO, "a network"),
        ("ssh://ada@example.org", INFO, "a network"),
    ],
)
def test_two_kernels_have_a_wall(tmp_path: Path, url: str, info: dict[str, Any], wall: str) -> None:
    """With a door on this computer the other kernel is a virtual machine's, else it is beyond a network."""
    found = read(tmp_path, "a", "b", url, info)
    assert found.wall == wall
    assert str(found) == f"Your notebook and the daemon run on two kernels; between them is {wall}, {url}."


@pytest.mark.parametrize("info", [INFO, DESKTOP])
@pytest.mark.parametrize("url", [SOCKET, "tcp://127.0.0.1:2375", "tcp://192.0.2.7:2376"])
def test_one_kernel_has_no_wall(tmp_path: Path, url: str, info: dict[str, Any]) -> None:
    """On one kernel nothing but the door is between, whatever the daemon calls itself."""
    found = read(tmp_path, "a", "a", url, info)
    assert not found.walled
    assert str(found) == f"Your notebook and the daemon share one kernel; between them is nothing but the door, {url}."


# --- The socket -------------------------------------------------------------------------------------------


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short path for a folder that plays the root of a host: a socket's address has room for 107 bytes."""
    folder = tmp_path_factory.mktemp("r")
    (folder / "run").mkdir()
    monkeypatch.chdir(folder)
    return folder


def listen(path: str) -> None:
    """Make a socket file at a path below the current folder."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)


def test_the_socket_is_found_where_it_usually_is(root: Path) -> None:
    """Without a wish the usual places are tried, empty wishes are none."""
    listen("run/docker.sock")
    assert find_socket(LocalHost(root), "", "") == "/run/docker.sock"
    listen("var/run/docker.sock")
    assert find_socket(LocalHost(root)) == "/var/run/docker.sock"


def test_a_candidate_comes_first(root: Path) -> None:
    """A socket that is named is found before the usual ones; a file that is no socket is passed over."""
    listen("run/docker.sock")
    listen("my/docker.sock")
    Path("plain").write_text("")
    assert find_socket(LocalHost(root), "/plain", "/my/docker.sock") == "/my/docker.sock"
    assert find_socket(LocalHost(root), "/plain", "/missing") == "/run/docker.sock"


def test_a_link_to_a_socket_is_one(root: Path) -> None:
    """A symbolic link that leads to a socket will do."""
    listen("real.sock")
    os.symlink("../real.sock", "run/docker.sock")
    assert find_socket(LocalHost(root)) == "/run/docker.sock"


def test_no_socket_is_an_error(root: Path) -> None:
    """Where no socket is, the places and the likely reason are told."""
    with pytest.raises(errors.PathMissing, match=r"/var/run/docker\.sock, /run/docker\.sock\.\n.*TCP only"):
        find_socket(LocalHost(root), "/nowhere")


@pytest.mark.daemon
def test_the_real_route_is_as_docker_says(daemon: Daemon) -> None:
    """Engine and name are those of docker info, and one kernel means one boot id in a container too."""
    host = open_host(daemon)
    try:
        found = read_route(daemon.endpoint.url, daemon.info, host)
        same = host.run("cat", BOOT_ID).out == (Path(BOOT_ID).read_text() if Path(BOOT_ID).exists() else "none")
    finally:
        host.close()
    assert found.one_kernel == same
    if shutil.which("docker"):
        words = ["docker", "info", "--format", "{{.ServerVersion}} {{.Name}}"]
        version, name = subprocess.run(words, capture_output=True, check=True, text=True).stdout.split()
        assert (found.engine, found.host) == (version.partition("+")[0], name)
