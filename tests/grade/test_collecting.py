"""What was handed in is found in files, folders and zips; nothing is unpacked, followed or lost."""

from __future__ import annotations

import os
import pickle
import random
import zipfile
from pathlib import Path

import pytest

from labkit.errors import CourseError
from labkit.grade import archives
from labkit.grade.collecting import EMPTY, LIMIT, Found, collect, natural


def write(root: Path, *names: str, content: bytes = b"{}") -> Path:
    """A folder with these files."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def pack(path: Path, *names: str, content: bytes = b"{}") -> Path:
    """A zip with these files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return path


def files(found: list[Found]) -> list[str]:
    """Where they are, as the instructor knows it."""
    return [one.file for one in found]


def test_a_folder_is_searched_to_its_ground(tmp_path: Path) -> None:
    """Notebooks count, at any depth and in natural order; what machines put beside them does not."""
    own = ["ada/01_socket.ipynb", "b2/01_socket.ipynb", "b10/deep/er/01_socket.IPYNB"]
    others = [
        "ada/.ipynb_checkpoints/01_socket.ipynb",
        ".git/x.ipynb",
        "__MACOSX/ada/x.ipynb",
        "ada/._x.ipynb",
        "ada/notes.txt",
    ]
    found = collect([write(tmp_path / "week1", *own, *others)])
    assert files(found) == [f"week1/{name}" for name in own]
    assert [one.learner for one in found] == ["ada", "b2", "b10"]


def test_a_zip_is_searched_like_a_folder(tmp_path: Path) -> None:
    """The same names in a zip are found by the same rules, and read in memory."""
    names = ["ada/01_socket.ipynb", "b10/deep/01_socket.ipynb"]
    others = ["__MACOSX/ada/._01_socket.ipynb", "ada/.ipynb_checkpoints/x.ipynb", "ada/picture.png"]
    path = pack(tmp_path / "week1.zip", *names, *others, content=b"[1]")
    found = collect([path])
    assert files(found) == [f"week1.zip/{name}" for name in names]
    assert [one.read() for one in found] == [b"[1]"] * 2
    assert list(tmp_path.iterdir()) == [path]


def test_the_folder_of_results_is_not_searched(tmp_path: Path) -> None:
    """What an earlier run wrote into its results is nobody's submission."""
    write(tmp_path, "ada/01_socket.ipynb", "results/ada/01_socket.ipynb")
    assert files(collect([tmp_path], out=tmp_path / "results")) == [f"{tmp_path.name}/ada/01_socket.ipynb"]


def test_files_are_called_so_that_one_tells_them_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file has its own name, and as many folders before it as it takes to tell all of them apart."""
    write(tmp_path, "ada/01_socket.ipynb", "bob/01_socket.ipynb")
    monkeypatch.chdir(tmp_path)
    given = [Path("bob/01_socket.ipynb"), Path("ada/01_socket.ipynb")]
    assert files(collect(given[:1])) == ["01_socket.ipynb"]
    assert files(collect(given)) == ["ada/01_socket.ipynb", "bob/01_socket.ipynb"]
    assert [one.learner for one in collect(given)] == ["ada", "bob"]


def test_what_is_named_twice_is_found_once(tmp_path: Path) -> None:
    """A folder and a file in it, or the same file again, give one submission."""
    write(tmp_path, "ada/01_socket.ipynb", "bob/01_socket.ipynb")
    again = tmp_path / "bob" / ".." / "ada" / "01_socket.ipynb"
    assert len(collect([tmp_path, tmp_path / "ada" / "01_socket.ipynb", again])) == 2


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """A path that does not exist is named, and nothing is graded."""
    with pytest.raises(CourseError, match=r"There is no .*nowhere\.ipynb"):
        collect([write(tmp_path, "a.ipynb"), tmp_path / "nowhere.ipynb"])


@pytest.mark.parametrize("names", [[], ["x.txt"], [".ipynb_checkpoints/a.ipynb"]])
def test_nothing_at_all_is_an_error(tmp_path: Path, names: list[str]) -> None:
    """Where no path has any notebook, it is the instructor who hears about it, with the names of the paths."""
    empty = write(tmp_path / "week1", *names)
    empty.mkdir(exist_ok=True)
    with pytest.raises(CourseError, match=r"no notebook in week1 or week2\.zip"):
        collect([empty, pack(tmp_path / "week2.zip", *names)])
    with pytest.raises(CourseError, match="no notebook"):
        collect([])


def test_one_empty_zip_does_not_stop_the_others(tmp_path: Path) -> None:
    """A learner whose zip has no notebook is in the list beside those who have one, and it says why."""
    good, bad = pack(tmp_path / "ada.zip", "01_socket.ipynb"), pack(tmp_path / "bob.zip", "answer.py")
    found = collect([good, bad])
    assert [(one.learner, one.problem) for one in found] == [("ada", ""), ("bob", EMPTY)]


def test_a_file_of_another_kind_is_in_the_list(tmp_path: Path) -> None:
    """A text file that was named is found with a problem, and reading it raises that."""
    [one] = collect([write(tmp_path, "ada.txt") / "ada.txt"])
    assert one.file == "ada.txt"
    with pytest.raises(CourseError, match="not a notebook"):
        one.read()


SILENT = {
    "Bob_2_assignsubmission_file_/answer.py": "not a notebook",
    "Bob_2_assignsubmission_onlinetext_/onlinetext.html": "not a notebook",
    "Bob/work.zip": "a zip inside",
}


@pytest.mark.parametrize("name", SILENT)
@pytest.mark.parametrize("packed", [False, True])
def test_a_learner_without_a_notebook_is_not_lost(tmp_path: Path, name: str, packed: bool) -> None:
    """Who handed in something else is in the list once; beside a notebook of the same learner it is passed over."""
    names = ["Ada_1_assignsubmission_file_/x.ipynb", "Ada_1_assignsubmission_file_/data.zip", name]
    path = pack(tmp_path / "week1.zip", *names) if packed else write(tmp_path / "week1", *names)
    ada, bob = collect([path])
    assert (ada.learner, ada.problem, bob.learner) == ("Ada", "", "Bob")
    assert SILENT[name] in bob.problem


def test_platforms_are_known(tmp_path: Path) -> None:
    """A name that a platform wrote is marked as such; a folder's name is not."""
    names = ["Ada Lovelace_12_assignsubmission_file_/x.ipynb", "bob/x.ipynb"]
    found = collect([pack(tmp_path / "week1.zip", *names)])
    assert [(one.learner, one.platform) for one in found] == [("Ada Lovelace", True), ("bob", False)]


@pytest.mark.parametrize("name", ["../x.ipynb", "/x.ipynb"])
def test_a_member_that_leads_out_is_refused(tmp_path: Path, name: str) -> None:
    """It is in the list under its own name, with a problem."""
    found = collect([pack(tmp_path / "week1.zip", name, "ada/x.ipynb")])
    assert sorted(bool(one.problem) for one in found) == [False, True]


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + bytes(17)])
def test_a_damaged_zip_is_in_the_list(tmp_path: Path, content: bytes) -> None:
    """A zip that cannot be opened is one submission with a problem; the others are found."""
    write(tmp_path, "ada.zip", content=content)
    found = collect([tmp_path / "ada.zip", pack(tmp_path / "bob.zip", "01_socket.ipynb")])
    assert [(one.learner, "cannot be read" in one.problem) for one in found] == [("ada", True), ("bob", False)]


def test_a_zip_of_thousands_is_in_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More members than a class can have are one problem, and none of them is looked at."""
    monkeypatch.setattr(archives, "MEMBERS", 1)
    [one] = collect([pack(tmp_path / "week1.zip", "a.ipynb", "b.ipynb")])
    assert "2 entries" in one.problem


def test_too_large_is_not_loaded(tmp_path: Path) -> None:
    """A notebook over the limit is refused, packed or not; one at the limit is read."""
    large = write(tmp_path, "a/large.ipynb", content=b" " * (LIMIT + 1)) / "a"
    path = pack(tmp_path / "b.zip", "large.ipynb", content=b" " * (LIMIT + 1))
    for one in collect([large, path]):
        with pytest.raises(CourseError, match="larger than the 10 MB"):
            one.read()
    assert len(collect([write(tmp_path / "c", "a.ipynb", content=b" " * LIMIT)])[0].read()) == LIMIT


def test_links_stay_in_the_folder(tmp_path: Path) -> None:
    """A link to a file of the folder is read, one that leads out is a problem, one to a folder is not followed."""
    write(tmp_path, "outside/secret.ipynb", "week1/ada/x.ipynb", content=b"[]")
    week = tmp_path / "week1"
    for name, target in {"in": "ada/x.ipynb", "out": "../outside/secret.ipynb", "loop": "loop.ipynb"}.items():
        (week / f"{name}.ipynb").symlink_to(target)
    (week / "folder").symlink_to(tmp_path / "outside")
    (week / "up").symlink_to("..")
    found = {one.file: one for one in collect([week])}
    assert list(found) == ["week1/ada/x.ipynb", "week1/in.ipynb", "week1/loop.ipynb", "week1/out.ipynb"]
    assert found["week1/in.ipynb"].read() == b"[]"
    for name, words in {"out": "leads out", "loop": "not a regular file"}.items():
        with pytest.raises(CourseError, match=words):
            found[f"week1/{name}.ipynb"].read()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """Something that is called a notebook and would never end is refused."""
    os.mkfifo(tmp_path / "a.ipynb")
    with pytest.raises(CourseError, match="not a regular file"):
        collect([tmp_path])[0].read()


def test_what_is_gone_or_closed_is_an_error_of_the_course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that vanishes after it was found, or that may not be read, raises no other error."""
    gone, closed = collect([write(tmp_path, "a.ipynb", "b.ipynb")])
    (tmp_path / "a.ipynb").unlink()

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr(Path, "open", refuse)
    for one, words in ((gone, "it is gone"), (closed, r"cannot be read: Permission denied\.")):
        with pytest.raises(CourseError, match=words):
            one.read()


def test_a_closed_folder_is_in_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A learner's folder that cannot be looked into is a submission with a problem, and not nothing."""
    write(tmp_path, "ada/x.ipynb", "bob/x.ipynb")
    scandir = os.scandir

    def refuse(path: str) -> object:
        if Path(path).name == "bob":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = collect([tmp_path])
    assert [(one.learner, one.problem[:33]) for one in found] == [
        ("ada", ""),
        ("bob", "The folder cannot be looked into "),
    ]


@pytest.mark.parametrize("name", ["🐙", "=cmd()", "a\nb", "x..y", "<b>", "a'b\"c"])
@pytest.mark.parametrize("packed", [False, True])
def test_names_survive_as_data(tmp_path: Path, name: str, packed: bool) -> None:
    """Whatever a folder is called, that is its learner's name, in a folder as in a zip."""
    file = f"{name}/01_socket.ipynb"
    [one] = collect([pack(tmp_path / "w.zip", file) if packed else write(tmp_path / "w", file)])
    assert one.learner == name
    assert one.read() == b"{}"


@pytest.mark.skipif(os.name != "posix", reason="names are bytes only there")
def test_a_name_that_is_no_text_can_be_written(tmp_path: Path) -> None:
    """A folder whose name is not UTF-8 is read, and what is shown of its name can stand in a file."""
    folder = os.fsencode(tmp_path) + b"/\xff"
    os.mkdir(folder)
    (Path(os.fsdecode(folder)) / "x.ipynb").write_bytes(b"{}")
    [one] = collect([tmp_path])
    assert one.learner.encode() == "\ufffd".encode()
    assert one.read() == b"{}"


def test_what_was_found_can_be_sent() -> None:
    """It is plain data: another process can read it."""
    found = Found("a.ipynb", "ada", path=Path("a.ipynb"))
    assert pickle.loads(pickle.dumps(found)) == found


def test_numbers_count_as_numbers() -> None:
    """Names are sorted as people count, however long the number, and never in another order."""
    names = ["week1", "week2", "week007", "week10", "week" + "9" * 5000, "Week", "week", "", "ª2", "²"]
    once = sorted(names, key=natural)
    places = [once.index(name) for name in ("week1", "week2", "week007", "week10", "week" + "9" * 5000)]
    assert places == sorted(places)
    assert once == sorted(random.Random(1).sample(names, len(names)), key=natural)
