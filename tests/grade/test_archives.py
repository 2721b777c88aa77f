"""A zip is looked at, never unpacked, and never believed."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.errors import CourseError
from labkit.grade import archives
from labkit.grade.archives import read_member, read_members


def zipped(path: Path, *names: str, content: bytes = b"{}") -> Path:
    """A zip with these files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return path


def test_folders_are_no_members(tmp_path: Path) -> None:
    """Files are listed with their folders, in both spellings; folders by themselves are not."""
    path = zipped(tmp_path / "a.zip", "week/", "week/a.ipynb", "./week//b.ipynb", "week\\c.ipynb")
    names = [("week", "a.ipynb"), ("week", "b.ipynb"), ("week", "c.ipynb")]
    assert [member.parts for member in read_members(path)] == names


@pytest.mark.parametrize("name", ["../x.ipynb", "a/../../x.ipynb", "/x.ipynb", "C:/x.ipynb", "..\\x.ipynb"])
def test_a_name_that_leads_out_is_a_problem(tmp_path: Path, name: str) -> None:
    """A member that would land outside of the folder it is unpacked in says so; it is still in the list."""
    [member] = read_members(zipped(tmp_path / "a.zip", name))
    assert "leads out" in member.problem


def test_an_encrypted_file_is_a_problem(tmp_path: Path) -> None:
    """The flag of encryption is seen before anything is read."""
    path = zipped(tmp_path / "a.zip", "x.ipynb")
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02") + 8
    data[at : at + 2] = struct.pack("<H", archives.ENCRYPTED)
    path.write_bytes(data)
    assert "password" in read_members(path)[0].problem


def test_an_unusual_method_is_a_problem(tmp_path: Path) -> None:
    """A packing method that platforms do not use, and that may want any amount of memory, is not tried."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x.ipynb", "{}")
    assert "unusual method" in read_members(tmp_path / "a.zip")[0].problem


def test_of_two_members_with_one_name_the_last_counts(tmp_path: Path) -> None:
    """It is what unpacking would leave."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("x.ipynb", "first")
        archive.writestr("x.ipynb", "last")
    assert len(read_members(tmp_path / "a.zip")) == 1
    assert read_member(tmp_path / "a.zip", "x.ipynb", 100) == b"last"


def test_a_bomb_is_read_no_further_than_asked(tmp_path: Path) -> None:
    """A file that unpacks to much more than the zip has is cut at the size that was asked for."""
    path = zipped(tmp_path / "a.zip", "x.ipynb", content=b"0" * 5_000_000)
    assert path.stat().st_size < 10_000
    assert len(read_member(path, "x.ipynb", 1001)) == 1001


def test_too_many_members_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A zip with more entries than a class can have is refused as a whole."""
    monkeypatch.setattr(archives, "MEMBERS", 2)
    with pytest.raises(CourseError, match="3 entries, more than the 2"):
        read_members(zipped(tmp_path / "a.zip", "a", "b", "c"))


@given(at=st.integers(0, 400), junk=st.binary(max_size=8), end=st.integers(0, 400))
def test_damage_is_an_error_of_the_course(
    tmp_path_factory: pytest.TempPathFactory, at: int, junk: bytes, end: int
) -> None:
    """Wherever a zip is cut or overwritten, it is read, or the error says that it cannot be."""
    path = zipped(tmp_path_factory.mktemp("zips") / "a.zip", "ada/x.ipynb", "bob/x.ipynb", content=b"{}" * 30)
    data = path.read_bytes()
    path.write_bytes((data[:at] + junk + data[at + len(junk) :])[: max(end, 50)])
    try:
        contents = [read_member(path, member.name, 1000) for member in read_members(path)]
    except CourseError as error:
        contents = [error.remedy.encode()]
    assert all(isinstance(content, bytes) for content in contents)


def test_a_member_that_is_gone_is_an_error(tmp_path: Path) -> None:
    """A zip that changed since it was listed is an error of the course, too."""
    with pytest.raises(CourseError, match="cannot be read there"):
        read_member(zipped(tmp_path / "a.zip", "a"), "b", 10)
