"""Where a machine lies, and whose folders they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.errors import MachineError
from labkit.machine import places as module
from labkit.machine.places import Places, check_own, parts_folder, places


@pytest.fixture
def homes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Folders for state and run-time files."""
    for name in ("STATE_HOME", "RUNTIME_DIR"):
        (tmp_path / name).mkdir(mode=0o700)
        monkeypatch.setenv(f"XDG_{name}", str(tmp_path / name))
    monkeypatch.setattr(module, "LONGEST", 1000)
    return tmp_path


def test_each_name_has_its_folders(homes: Path) -> None:
    """Two names share no folder, and the machine's folders are made for nobody else."""
    one, two = places(), places("two")
    one.make()
    assert {one.state, one.run, one.socket}.isdisjoint({two.state, two.run, two.socket})
    assert [oct(folder.stat().st_mode)[-3:] for folder in (one.state, one.changes, one.run)] == ["700"] * 3


@pytest.mark.parametrize("name", ["", "a/b", "..", ".a", "-a", "a" * 33, "a b", "ä", "a\n"])
def test_a_bad_name_is_refused(homes: Path, name: str) -> None:
    """A name that is no folder's is refused before anything is made."""
    with pytest.raises(MachineError, match="is no name for a machine"):
        places(name)
    assert list((homes / "STATE_HOME").iterdir()) == []


def test_a_long_path_is_refused(homes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket's path has at most 107 bytes; where it would have more, the error says what to shorten."""
    monkeypatch.setattr(module, "LONGEST", 107)
    where = Places("x", homes / "s", homes / ("r" * 100))
    with pytest.raises(MachineError, match="is too long") as caught:
        where.make()
    assert "--name" in caught.value.remedy
    assert not where.run.exists()


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_an_open_folder_is_refused(tmp_path: Path, mode: int) -> None:
    """A folder that others may enter is refused."""
    tmp_path.chmod(mode)
    with pytest.raises(MachineError, match="not a folder of your own with mode 0700"):
        check_own(tmp_path)


def test_a_link_is_refused(tmp_path: Path) -> None:
    """A link is no folder of one's own, wherever it leads."""
    (tmp_path / "real").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(MachineError):
        check_own(tmp_path / "link")


def test_anothers_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of somebody else is refused, whatever its mode."""
    tmp_path.chmod(0o700)
    monkeypatch.setattr("os.getuid", lambda: 12345)
    with pytest.raises(MachineError):
        check_own(tmp_path)


def test_the_parts_lie_where_the_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """LABKIT_MACHINE_PARTS names the folder of the parts."""
    monkeypatch.setenv("LABKIT_MACHINE_PARTS", "/elsewhere/parts")
    assert parts_folder() == Path("/elsewhere/parts")
