"""The names of signals, compared with those of the computer that the tests run on, and of its shell."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys

import pytest

from labkit import errors
from labkit.inside.numbers import ALIASES, HIGHEST, SIGNALS, read_signal, signal_name, signal_number

linux = pytest.mark.skipif(sys.platform != "linux", reason="the table is that of Linux")


@linux
def test_the_table_is_linuxs() -> None:
    """Each number up to 31 has the name that Python, built on this Linux, gives it; 16 has one in signal(7) only."""
    names = {number: name for number, name in SIGNALS.items() if number < 32}
    ours = {int(one): one.name for one in signal.Signals if one < 32}
    assert names == {16: "SIGSTKFLT"} | ours


@linux
def test_all_names_are_those_of_the_shell() -> None:
    """Bash lists the same numbers with the same names, real-time signals too."""
    bash = shutil.which("bash") or pytest.skip("there is no bash here")
    listed = subprocess.run([bash, "-c", "kill -l"], capture_output=True, check=True, text=True).stdout
    words = listed.replace(")", "").split()
    assert dict(zip(map(int, words[::2]), words[1::2], strict=True)) == SIGNALS


@linux
@pytest.mark.parametrize("alias", ALIASES)
def test_second_names_are_linuxs(alias: str) -> None:
    """A second name stands for the same number in Python's table."""
    assert getattr(signal, alias) == signal_number(alias)
    assert read_signal(alias) == signal_name(signal_number(alias)) == ALIASES[alias]


@pytest.mark.parametrize("text", ["SIGKILL", "KILL", "kill", "sigkill", "9"])
def test_a_signal_is_read_however_it_is_written(text: str) -> None:
    """Docker takes names with and without SIG, in any case, and numbers."""
    assert read_signal(text) == signal_name(9) == "SIGKILL"
    assert signal_number(text) == signal_number(9) == 9


@pytest.mark.parametrize("number", range(1, HIGHEST + 1))
def test_every_number_comes_back(number: int) -> None:
    """A number stands for itself, and so does its name where it has one."""
    assert signal_number(SIGNALS.get(number, number)) == signal_number(str(number)) == number


def test_others_have_a_word_too() -> None:
    """A number without a name in the table is still named."""
    assert signal_name(32) == read_signal("32") == "signal 32"


@pytest.mark.parametrize(
    "nonsense", ["", "TREM", "SIG", "SIGSIGTERM", "RTMIN+16", "0", 0, 65, "-9", -9, "9.5", "signal x"]
)
def test_what_is_no_signal_is_refused(nonsense: str | int) -> None:
    """The error repeats what was written, and says what can be."""
    with pytest.raises(errors.LabError, match="is no signal of Linux") as caught:
        signal_number(nonsense)
    assert repr(nonsense) in caught.value.problem
    assert "SIGTERM" in caught.value.remedy


def test_a_name_that_nobody_knows_is_kept() -> None:
    """An image may name a stop signal of another system: it is read as it is written."""
    assert read_signal("info") == "SIGINFO"
