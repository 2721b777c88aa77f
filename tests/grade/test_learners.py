"""Whose a file is stands in its path, and each platform writes it there in its own way."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.grade.learners import read_learner

PLATFORMS = {
    "Ada Lovelace": ("class.zip", "Ada Lovelace_12345_assignsubmission_file_", "01_socket.ipynb"),
    "Ada B. Lovelace": ("class.zip", "Ada B. Lovelace_12_assignsubmission_file", "x.ipynb"),
    "Teilnehmer 7": ("class", "week1", "Teilnehmer 7_99_assignsubmission_file_", "sub", "x.ipynb"),
    "Ada": ("Ada_12345_assignsubmission_file_", "01_socket.ipynb"),
    "Björk 🐙": ("class.zip", "Björk 🐙_1_assignsubmission_file_01_socket.ipynb"),
    "lovelaceada": ("class.zip", "lovelaceada_12345_67890_01_socket.ipynb"),
    "turingalan": ("class", "turingalan_LATE_12345_67890_01_socket-1.ipynb"),
}

FOLDERS = {
    "first folder": ("submitted", "ada", "ps1", "01_socket.ipynb"),
    "folder in a zip": ("week1.zip", "ada", "01_socket.ipynb"),
    "folder named as the zip": ("week1.zip", "week1", "ada", "01_socket.ipynb"),
    "folder named as the folder": ("Week1", "WEEK1", "ada", "01_socket.ipynb"),
    "zip of one learner": ("ada.zip", "ada", "01_socket.ipynb"),
    "folder before file": ("week1.zip", "ada", "01_socket.bob.ipynb"),
    "folder of a file": ("ada", "01_socket.ipynb"),
    "learner's zip": ("ada.zip", "01_socket.ipynb"),
}

STEMS = """
    01_socket.ada.ipynb 01_socket_ada.ipynb 01_socket-ada.ipynb ada_01_socket.ipynb ada-01-socket.IPYNB
    ada.01_socket.ipynb submission-01-ada.ipynb submission-01-ada(1).ipynb ada.ipynb ada-Copy1.ipynb
    ada_01_socket-Copy1.ipynb ada_01_socket-1.ipynb ada.zip
"""


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platform_names_the_learner(name: str) -> None:
    """The name that a learning platform put into a folder's or a file's name is taken, and known as such."""
    assert read_learner(PLATFORMS[name]) == (name, True)


@pytest.mark.parametrize("case", FOLDERS)
def test_a_folder_names_the_learner(case: str) -> None:
    """Elsewhere it is the first folder that says more than the path given, or where the notebook lies."""
    assert read_learner(FOLDERS[case]) == ("ada", False)


@pytest.mark.parametrize("file", STEMS.split())
def test_a_file_names_the_learner(file: str) -> None:
    """The file's name without the chapter and the marks of a copy is the learner."""
    assert read_learner(("downloads", file)) == ("ada", False)


@pytest.mark.parametrize(
    "file", ["01_socket.ipynb", "01_socket (1).ipynb", "01_socket-Copy2.ipynb", "01_socket-1.ipynb"]
)
def test_a_chapter_names_nobody(file: str) -> None:
    """A file that is only called after the chapter belongs to the folder that it lies in."""
    assert read_learner(("downloads", file)) == ("downloads", False)


@pytest.mark.parametrize("name", ["🐙", "=cmd()", "a\nb", "..", "Zoë O'Neil", "9" * 5000])
def test_any_name_is_only_a_name(name: str) -> None:
    """What would mean something elsewhere is a name like others here; what no file system has is cut."""
    assert read_learner(("week1.zip", name, "01_socket.ipynb")) == (name[:255], False)


@given(st.lists(st.text(), min_size=2, max_size=4))
def test_every_path_has_a_learner(parts: list[str]) -> None:
    """Whatever the path, there is a text and no exception."""
    name, _ = read_learner(parts)
    assert name == name.strip()
