"""What to do when no daemon answers, for each platform and for each way a socket can be closed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from labkit import remedies
from tests import fakes
from tests.fakes import Places

PLATFORMS = {"linux": "systemctl start", "wsl": "WSL integration", "mac": "colima start", "windows": "Docker Desktop"}


@pytest.mark.parametrize(
    ("platform", "name", "release", "system"),
    [
        ("linux", "posix", "6.1.0-18-amd64", "linux"),
        ("linux", "posix", "5.15.153.1-microsoft-standard-WSL2", "wsl"),
        ("linux", "posix", "4.4.0-19041-Microsoft", "wsl"),
        ("darwin", "posix", "23.4.0", "mac"),
        ("win32", "nt", "11", "windows"),
    ],
)
def test_the_platform_is_recognised(
    monkeypatch: pytest.MonkeyPatch, platform: str, name: str, release: str, system: str
) -> None:
    """The platform is told from Python's own names and, for WSL, from the kernel's release."""
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setattr("platform.release", lambda: release)
    monkeypatch.setattr(remedies, "os", SimpleNamespace(name=name))
    assert remedies.system() == system


@pytest.mark.parametrize("system", PLATFORMS)
def test_each_platform_starts_a_daemon_its_own_way(monkeypatch: pytest.MonkeyPatch, system: str) -> None:
    """The way to start a daemon is the platform's own, and the first of the three choices repeats it."""
    monkeypatch.setattr(remedies, "system", lambda: system)
    assert PLATFORMS[system] in remedies.start()
    assert remedies.no_daemon().startswith(f"1. Here: {remedies.start()}\n2. ")


@pytest.mark.parametrize("text", [remedies.start, remedies.hung])
def test_no_platform_is_sent_to_another_ones_tools(monkeypatch: pytest.MonkeyPatch, text: object) -> None:
    """systemd is for Linux alone, and a Mac and Windows are sent to Docker Desktop."""
    said = {}
    for system in PLATFORMS:
        monkeypatch.setattr(remedies, "system", lambda system=system: system)
        said[system] = text()  # type: ignore[operator]
    assert [system for system in said if "systemctl" in said[system]] == ["linux"]
    assert [system for system in said if "Docker Desktop" not in said[system]] == ["linux"]


def test_an_absent_daemon_over_tcp_is_not_started_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting a daemon on this computer does not open a TCP port, so that is not advised."""
    assert remedies.start() not in remedies.absent("tcp://192.0.2.7:2375", named=True)


# --- A forbidden socket -----------------------------------------------------------------------------------


@pytest.fixture
def socket_file(places: Places, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in the socket's place, of a group that this user is not in: the remedy asks for nothing else."""
    places.usual.touch()
    places.usual.chmod(0o660)
    monkeypatch.setattr("os.getegid", lambda: 65533)
    monkeypatch.setattr("os.getgroups", lambda: [65533])
    return places.usual


def group_of(monkeypatch: pytest.MonkeyPatch, *members: str) -> None:
    """Let ``/etc/group`` say that the socket's group is called ``docker`` and has these members."""
    monkeypatch.setattr("grp.getgrgid", lambda gid: SimpleNamespace(gr_name="docker", gr_mem=list(members)))
    monkeypatch.setattr("pwd.getpwuid", lambda uid: SimpleNamespace(pw_name="ada"))


def test_an_outsider_is_told_how_to_join(socket_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is not in the socket's group is told its name, its mode, and the command that joins it."""
    group_of(monkeypatch, "grace")
    remedy = remedies.forbidden(str(socket_file))
    assert "'docker', mode 660" in remedy
    assert "sudo usermod -aG docker $USER" in remedy


def test_a_new_member_is_told_to_log_in_again(socket_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who joined the group after logging in is not told to join again: the session is older than the membership."""
    group_of(monkeypatch, "ada")
    remedy = remedies.forbidden(str(socket_file))
    assert "log out and in" in remedy
    assert "usermod" not in remedy


def test_a_member_is_not_told_to_join(socket_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is in the group and still kept out is not sent to join it."""
    monkeypatch.setattr("os.getgroups", lambda: [socket_file.stat().st_gid])
    assert "usermod" not in remedies.forbidden(str(socket_file))


def test_a_group_that_may_not_write_is_no_way_in(socket_file: Path) -> None:
    """Where the group itself may not write, as with mode 600, nobody is told to join it, least of all root's."""
    socket_file.chmod(0o600)
    remedy = remedies.forbidden(str(socket_file))
    assert "mode 600" in remedy
    assert "usermod" not in remedy


def test_a_group_without_a_name_is_shown_as_a_number(socket_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container that mounts the host's socket the group may have no name: its number stands there."""

    def nameless(gid: int) -> None:
        raise KeyError(gid)

    monkeypatch.setattr("grp.getgrgid", nameless)
    assert f"group '{socket_file.stat().st_gid}'" in remedies.forbidden(str(socket_file))


def test_a_user_without_a_name_is_an_outsider(socket_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user id that /etc/passwd does not know, as hubs hand out, is no reason to fail."""

    def nameless(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr("pwd.getpwuid", nameless)
    assert "usermod" in remedies.forbidden(str(socket_file))


def test_a_closed_folder_is_shown_by_namei(places: Places) -> None:
    """Where the socket cannot even be looked at, the remedy shows how to find the folder in the way."""
    places.rootless.touch()
    places.rootless.parent.chmod(0)
    with fakes.ordinary_user():
        assert f"namei -l {places.rootless}" in remedies.forbidden(str(places.rootless))
