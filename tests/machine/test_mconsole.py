"""How the kernel's console is asked, against one that answers as it is told."""

from __future__ import annotations

import contextlib
import shutil
import socket
import struct
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.machine import mconsole

Reply = tuple[int, int, bytes]
"""Error, whether more follows, text."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's name."""
    folder = Path(tempfile.mkdtemp(prefix="lk"))
    yield folder
    shutil.rmtree(folder)


@contextlib.contextmanager
def console(folder: Path, *replies: Reply) -> Iterator[tuple[Path, list[bytes]]]:
    """A console that gives these replies to one request; yield its socket, and what it was asked."""
    asked: list[bytes] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(10)
        sock.bind(str(folder / "mconsole"))

        def answer() -> None:
            request, sender = sock.recvfrom(4096)
            asked.append(request)
            for failed, more, text in replies:
                sock.sendto(struct.pack("=III", failed, more, len(text)) + text, sender)

        thread = threading.Thread(target=answer)
        thread.start()
        yield folder / "mconsole", asked
        thread.join()


def test_a_request_has_the_kernels_form(folder: Path) -> None:
    """A request is the magic number, the version, the length, and the command with zeros up to 512 bytes."""
    with console(folder, (0, 0, b"OK Linux\0")) as (place, asked):
        assert mconsole.ask(place, "version") == "OK Linux"
    assert asked == [struct.pack("=III512s", 0xCAFEBABE, 2, 7, b"version")]
    assert [path.name for path in folder.iterdir()] == ["mconsole"]


def test_an_answer_in_parts_is_put_together(folder: Path) -> None:
    """While the kernel says that more follows, the parts are one answer."""
    with console(folder, (0, 1, b"one "), (0, 1, b"two "), (0, 0, b"three")) as (place, _):
        assert mconsole.ask(place, "log") == "one two three"


def test_a_refusal_is_an_error(folder: Path) -> None:
    """What the kernel refuses is an error with its words."""
    with console(folder, (1, 0, b"Unknown command\0")) as (place, _), pytest.raises(OSError, match="Unknown command"):
        mconsole.ask(place, "dance")


def test_silence_is_an_error(folder: Path) -> None:
    """A kernel that does not answer is an error in time, and so is a console that is not there."""
    with console(folder) as (place, _), pytest.raises(TimeoutError):
        mconsole.ask(place, "version", timeout=0.1)
    with pytest.raises(FileNotFoundError):
        mconsole.ask(folder / "nothing", "version")


def test_a_long_command_is_refused(folder: Path) -> None:
    """A command that the kernel would cut is not sent."""
    with pytest.raises(ValueError, match="at most 511 bytes; this has 512"):
        mconsole.ask(folder / "mconsole", "x" * 512)
