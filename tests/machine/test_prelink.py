"""Programs that were prelinked do what they did; what is not understood is refused."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.machine.prelink import BASE, CannotPrelink, prelink
from tests import elf

here = pytest.mark.skipif(sys.platform != "linux", reason="the programs of other systems are no ELF files")

LINES = b"pear\napple\nquince\napple\n"


@here
@pytest.mark.parametrize("words", ["sort -u", "ls -l /usr", "env -i A=b env", "wc -c", "date -u -d @0"])
def test_a_prelinked_program_does_the_same(words: str, tmp_path: Path) -> None:
    """A position-independent program of this computer does the same at its fixed address."""
    name, *options = words.split()
    original = Path(shutil.which(name) or pytest.skip(f"there is no {name}"))
    try:
        made = prelink(original.read_bytes())
    except CannotPrelink as reason:
        pytest.skip(f"{name} is another kind of program: {reason}")
    (tmp_path / name).write_bytes(made)
    (tmp_path / name).chmod(0o755)
    expected = subprocess.run([original, *options], input=LINES, capture_output=True, check=True)
    found = subprocess.run([tmp_path / name, *options], input=LINES, capture_output=True, check=True)
    assert (found.stdout, found.stderr) == (expected.stdout, expected.stderr)


@here
def test_it_begins_at_the_base() -> None:
    """What was linked for any address says that it has one, above the base, and needs it."""
    original = Path("/usr/bin/sort").resolve().read_bytes()
    try:
        made = prelink(original)
    except CannotPrelink as reason:
        pytest.skip(f"sort is another kind of program: {reason}")
    entry = struct.unpack_from("<Q", original, 24)[0]
    assert struct.unpack_from("<H6xQ", made, 16) == (2, entry + BASE)
    with pytest.raises(CannotPrelink, match="no position-independent program"):
        prelink(made)


@pytest.mark.parametrize("program", [b"", b"#!/bin/sh\n", elf.busybox()], ids=["nothing", "a script", "a static one"])
def test_what_is_no_such_program_is_refused(program: bytes) -> None:
    """Scripts, and programs that have their address already, are refused and not damaged."""
    with pytest.raises(CannotPrelink, match="no position-independent program"):
        prelink(program)
