"""The scripts say who they are, and differ in nothing but what they are to show."""

from __future__ import annotations

import re

import pytest

from labkit import scripts
from labkit.programs import PROGRAMS

SCRIPTS = {name.lower(): text for name, text in vars(scripts).items() if name.isupper() and not name.startswith("_")}
each_script = pytest.mark.parametrize("name", SCRIPTS)


@each_script
def test_a_script_says_its_own_name(name: str) -> None:
    """Whatever a script says begins with its name, so that a log tells who is who."""
    said = re.findall(r'echo "(\w+: \w+)', SCRIPTS[name])
    assert said
    assert {line.partition(":")[0] for line in said} == {name}


def test_each_script_is_one_of_a_program() -> None:
    """No script is there that no program has."""
    assert set(SCRIPTS.values()) == {text for program in PROGRAMS.values() for text in program.files.values()}


def test_a_reaper_and_orphans_differ_in_one_word() -> None:
    """What makes the shell stay, and wait, is that ``exec`` is not there; the orphans are the same."""
    orphans, reaper = (scripts.ORPHANS.splitlines(), scripts.REAPER.splitlines())
    assert orphans[:4] == reaper[:4]
    assert [line.partition("#")[0].strip() for line in (orphans[5], reaper[5])] == [
        "exec sleep 2147483647",
        "sleep 2147483647",
    ]


def test_children_are_few_and_end_soon() -> None:
    """Ten children, the last of which ends within four seconds: nobody's computer suffers."""
    seconds = [[float(word) for word in line.split()] for line in re.findall(r"in ([\d. ]+);", scripts.FORGETFUL)]
    assert [len(ends) for ends in seconds] == [10]
    assert 1 <= min(seconds[0]) < max(seconds[0]) < 4
