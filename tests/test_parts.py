"""A file is a part if its bytes say so: static, whole, busybox, for the processor that is asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit import parts
from labkit.errors import PartMissing
from tests import elf

PROCESSORS = [
    (0x3E, 64, "<", "amd64"),
    (0xB7, 64, "<", "arm64"),
    (0x28, 32, "<", "arm"),
    (0x03, 32, "<", "386"),
    (0x15, 64, "<", "ppc64le"),
    (0x16, 64, ">", "s390x"),
    (0xF3, 64, "<", "riscv64"),
]


@pytest.fixture
def only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one place where a busybox is looked for: a file that is not there yet."""
    place = tmp_path / "busybox"
    monkeypatch.setattr(parts, "PLACES", (str(place),))
    monkeypatch.delenv("LABKIT_BUSYBOX", raising=False)
    return place


@pytest.fixture(scope="module")
def installed() -> parts.Busybox:
    """The busybox of this computer, whatever its processor."""
    for place in map(Path, parts.PLACES):
        if place.exists():
            return parts.read(place.read_bytes())
    pytest.skip("no busybox-static is installed here")


@pytest.mark.parametrize(("machine", "bits", "order", "name"), PROCESSORS)
def test_the_header_names_the_processor(machine: int, bits: int, order: str, name: str) -> None:
    """The processor is read from headers of 32 and 64 bits, little-endian and big-endian, in Docker's words."""
    assert parts.read(elf.busybox(machine, bits=bits, order=order)).architecture == name


@pytest.mark.parametrize(
    ("machine", "bits", "order"), [(0x3E, 32, "<"), (0xB7, 64, ">"), (0x15, 64, ">"), (0x08, 32, ">")]
)
def test_what_docker_has_no_name_for_is_refused(machine: int, bits: int, order: str) -> None:
    """A known machine with other bits or another byte order is another processor, and refused with its number."""
    with pytest.raises(PartMissing, match=f"ELF machine {machine}, {bits} bits"):
        parts.read(elf.busybox(machine, bits=bits, order=order))


def test_the_commands_are_read_from_the_file() -> None:
    """The commands are those of the file's own table, in its order, and the table ends at the first empty name."""
    assert parts.read(elf.busybox()).applets == elf.COMMANDS


def test_the_commands_are_what_busybox_says(installed: parts.Busybox) -> None:
    """What is read from the installed file without running it is what ``busybox --list`` prints."""
    place = next(place for place in parts.PLACES if Path(place).exists())
    listed = subprocess.run([place, "--list"], capture_output=True, check=True, text=True).stdout.split()
    assert list(installed.applets) == listed


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("order", ["<", ">"])
def test_no_prefix_is_a_part(bits: int, order: str) -> None:
    """Cut off after any number of bytes, the file is refused, and with no other error than PartMissing."""
    whole = elf.busybox(0x16 if order == ">" else 0x3E, bits=bits, order=order, segments=(1, 2, 4))
    for length in range(len(whole)):
        with pytest.raises(PartMissing):
            parts.read(whole[:length])


@given(share=st.floats(0, 1, exclude_max=True))
def test_half_a_download_is_no_part(installed: parts.Busybox, share: float) -> None:
    """The installed busybox, cut off anywhere, is refused: its header promises more than is there."""
    with pytest.raises(PartMissing):
        parts.read(installed.data[: int(share * len(installed.data))])


@given(place=st.integers(0, 175), junk=st.binary(min_size=1, max_size=16))
def test_a_damaged_header_is_refused_or_read(place: int, junk: bytes) -> None:
    """Whatever stands in the header, reading ends in a part or in PartMissing, never in another error."""
    whole = elf.busybox(segments=(1, 2))
    damaged = whole[:place] + junk + whole[place + len(junk) :]
    try:
        assert parts.read(damaged).data == damaged
    except PartMissing as error:
        assert error.remedy == parts.REMEDY


def test_a_dynamic_busybox_is_refused() -> None:
    """A busybox that asks for an interpreter needs libraries that the image does not have."""
    with pytest.raises(PartMissing, match="dynamically linked"):
        parts.read(elf.busybox(segments=(elf.LOAD, elf.INTERP)))


@pytest.mark.skipif(sys.platform != "linux", reason="programs elsewhere are not ELF files")
def test_any_dynamic_program_is_refused() -> None:
    """This computer's own shell is a dynamic ELF file, and refused as that."""
    with pytest.raises(PartMissing, match=r"dynamically linked|not a busybox"):
        parts.read(Path("/bin/sh").resolve().read_bytes())


@pytest.mark.parametrize("data", [b"", b"\x7fEL", b"#!/bin/sh\nexec busybox\n", b"MZ" + bytes(100), b"PK\x03\x04"])
def test_what_is_no_elf_file_is_refused(data: bytes) -> None:
    """An empty file, a script, a Windows program and an archive are called what they are: not ELF."""
    with pytest.raises(PartMissing, match="not an ELF file"):
        parts.read(data)


@pytest.mark.parametrize("commands", [(), ("[", "[[", "cat"), ("ash", "cat", "sh")])
def test_a_program_without_a_shell_is_refused(commands: tuple[str, ...]) -> None:
    """A static program that is not busybox, or a busybox without ``sh``, is no part."""
    with pytest.raises(PartMissing, match="not a busybox with a shell"):
        parts.read(elf.busybox(commands=commands))


def test_the_part_says_what_it_is() -> None:
    """A notebook line shows processor, number of commands and size, not two megabytes of bytes."""
    assert repr(parts.read(elf.busybox())) == f"<busybox for amd64, 6 commands, {len(elf.busybox())} bytes>"


def test_find_takes_the_one_that_fits(only: Path) -> None:
    """The file at a usual place is found when it is for the processor that is asked for."""
    only.write_bytes(elf.busybox(0xB7))
    assert parts.find("arm64").architecture == "arm64"


def test_find_names_the_processor_that_does_not_fit(only: Path) -> None:
    """A busybox for another processor is refused, and the error names both processors and the file."""
    only.write_bytes(elf.busybox(0xB7))
    with pytest.raises(PartMissing, match=rf"no static busybox for amd64 .*{only}: for arm64"):
        parts.find("amd64")


def test_find_says_why_each_place_failed(only: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error has a reason for each file: a folder, one that is not there, one that is dynamic."""
    (tmp_path / "dynamic").write_bytes(elf.busybox(segments=(elf.INTERP,)))
    monkeypatch.setattr(parts, "PLACES", (str(tmp_path), str(only), str(tmp_path / "dynamic")))
    with pytest.raises(PartMissing) as caught:
        parts.find("amd64")
    assert all(reason in caught.value.problem for reason in ("a directory", "No such file", "dynamically linked"))


def test_the_remedy_has_three_ways(only: Path) -> None:
    """Whoever has no part reads three ways to get one: the package, a kit, and the registry as the last."""
    with pytest.raises(PartMissing) as caught:
        parts.find("amd64")
    ways = ["apt install busybox-static", "labkit images load", "labkit images build --pull"]
    assert [way for way in ways if way in caught.value.remedy] == ways


def test_a_named_file_comes_first(only: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``LABKIT_BUSYBOX`` is looked at before the usual places."""
    only.write_bytes(elf.busybox())
    mine = tmp_path / "mine"
    mine.write_bytes(elf.busybox(commands=(*elf.COMMANDS, "zz")))
    monkeypatch.setenv("LABKIT_BUSYBOX", str(mine))
    assert "zz" in parts.find("amd64").applets


def test_a_named_file_that_does_not_fit_is_passed_over(only: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ``LABKIT_BUSYBOX`` that is missing does not hide the one at a usual place."""
    only.write_bytes(elf.busybox())
    monkeypatch.setenv("LABKIT_BUSYBOX", str(only) + ".gone")
    assert parts.find("amd64").applets == elf.COMMANDS
