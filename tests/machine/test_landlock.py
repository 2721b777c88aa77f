"""What a process that Landlock confines can still do, tried in a process of its own."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.machine import landlock

pytestmark = pytest.mark.skipif(not landlock.version(), reason="the running kernel has no Landlock")

CHILD = """
import os, socket, sys
from pathlib import Path
from labkit.machine import landlock
landlock.confine([Path(sys.argv[1])], [Path(sys.argv[2])])
try:
    exec(sys.argv[3])
    print("done")
except OSError as error:
    print(type(error).__name__)
"""


def confined(tmp_path: Path, deed: str) -> str:
    """Do something where ``seen`` may be read and ``own`` written; return how it ended."""
    for name in ("seen", "own", "other"):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "file").write_text("text")
    words = [sys.executable, "-c", CHILD, str(tmp_path / "seen"), str(tmp_path / "own"), deed]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, timeout=30)
    return done.stdout.strip() or done.stderr


@pytest.mark.parametrize(
    ("deed", "end"),
    [
        ("open('seen/file').read()", "done"),
        ("os.listdir('seen')", "done"),
        ("open('own/file', 'w').write('x')", "done"),
        ("os.mkdir('own/folder')", "done"),
        ("open('seen/file', 'w')", "PermissionError"),
        ("os.unlink('seen/file')", "PermissionError"),
        ("open('other/file').read()", "PermissionError"),
        ("os.listdir('other')", "PermissionError"),
        ("os.listdir('/')", "PermissionError"),
        ("open('seen/../other/file')", "PermissionError"),
        ("os.symlink('a', 'own/link')", "PermissionError"),
        ("os.mkfifo('own/pipe')", "PermissionError"),
    ],
)
def test_only_what_was_named_is_open(tmp_path: Path, deed: str, end: str) -> None:
    """A confined process reads what is readable, changes what is writable, makes no link, and opens nothing else."""
    assert confined(tmp_path, deed) == end


@pytest.mark.skipif(landlock.version() < 4, reason="this kernel's Landlock knows nothing of TCP")
def test_no_tcp(tmp_path: Path) -> None:
    """A confined process can open no TCP connection, not even to the host itself."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        deed = f"socket.create_connection({listening.getsockname()!r})"
        assert confined(tmp_path, deed) == "PermissionError"


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    """What is named must be there: a wall with a hole where nobody looked is none."""
    with pytest.raises(FileNotFoundError):
        landlock.confine([tmp_path / "nothing"], [])
