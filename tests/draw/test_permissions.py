"""The picture of the ten letters."""

from __future__ import annotations

import stat

import pytest

from labkit import draw
from labkit.host import Entry
from labkit.inside.permissions import Permissions, read_permissions
from tests.draw.conftest import Drawn

LONG = "/var/lib/docker/overlay2/" + "0123456789abcdef" * 8 + "/diff/etc/$pa_th/日本\n.conf"
PASSWD = "root:x:0:0:root:/root:/bin/sh\n" + "a-user-whose-name-has-no-end-" * 4 + ":x:7:7::/:/bin/sh\n"
GROUP = "root:x:0:\ndocker:x:998:ada\n"


def found(path: str, mode: int, uid: int = 0, gid: int = 0) -> Permissions:
    """The permissions of a file that is not there."""
    return read_permissions(Entry(path, mode, 1, uid, gid, 0, 1, 1, 0, 0, 0), passwd=PASSWD, group=GROUP)


SOCKET = found("/var/run/docker.sock", stat.S_IFSOCK | 0o660, 0, 998)
CASES = {
    "socket": (SOCKET, "/var/run/docker.sock is a socket; owner root and group docker may connect to it."),
    "open": (
        found("/open.sock", stat.S_IFSOCK | 0o666),
        "/open.sock is a socket; owner root, group root and others may connect to it.",
    ),
    "closed": (
        found("/c.sock", stat.S_IFSOCK | 0o550),
        "/c.sock is a socket; nobody may connect to it.",
    ),
    "tmp": (
        found("/tmp", stat.S_IFDIR | 0o1777),
        "/tmp is a directory; owner root, group root and others may write to it.",
    ),
    "passwd": (
        found("/usr/bin/passwd", stat.S_IFREG | 0o4755),
        "/usr/bin/passwd is a regular file; owner root may write to it.",
    ),
    "names": (found("/a_$b$", stat.S_IFIFO | 0o200, 5, 6), "/a_$b$ is a named pipe; owner 5 may write to it."),
    "long": (found(LONG, stat.S_IFCHR | 0o7777, 7, 2**32 - 2), None),
    "link": (
        found("/l", stat.S_IFLNK | 0o777),
        "/l is a symbolic link; owner root, group root and others may write to it.",
    ),
}
each_case = pytest.mark.parametrize(("permissions", "sentence"), CASES.values(), ids=CASES)


@each_case
def test_the_sentence_says_what_the_picture_shows(
    drawn: Drawn, capsys: pytest.CaptureFixture[str], permissions: Permissions, sentence: str | None
) -> None:
    """Exactly one sentence is printed, and it is the alternative text of the one image."""
    draw.permissions(permissions)
    out = capsys.readouterr().out
    assert sentence is None or out == sentence + "\n"
    assert out.count("\n") == 1
    assert [image.alt for image in drawn.images] == [out.rstrip("\n")]


@each_case
def test_words_stay_in_their_places(drawn: Drawn, permissions: Permissions, sentence: str | None) -> None:
    """However long the names are, no words leave the sheet or their box, and none cover others."""
    draw.permissions(permissions)
    assert drawn.misplaced() == []


@each_case
def test_every_letter_is_there_in_order(drawn: Drawn, permissions: Permissions, sentence: str | None) -> None:
    """The ten letters stand in a row, left to right, as ls -l writes them."""
    draw.permissions(permissions)
    letters = [text for text in drawn.texts if text.get_fontsize() == 16]
    letters.sort(key=lambda text: text.get_window_extent().x0)
    assert "".join(text.get_text() for text in letters) == permissions.letters


def test_each_group_of_letters_has_its_meaning_below(drawn: Drawn) -> None:
    """Below the letters stand the type, and each class with what it may."""
    draw.permissions(SOCKET)
    boxes = ["socket", "owner root\nread and write", "group docker\nread and write", "others\nnothing"]
    assert [words for words in drawn.words if words in boxes] == boxes
