"""What the nursery imports before it forks."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from labkit.grade.warm import BEHIND, WARM

LOOK = "import json, sys; from labkit.grade.warm import warm; warm(sys.argv[1:]); print(json.dumps([*sys.modules]))"


def warmed(*packages: str) -> set[str]:
    """The modules that a fresh Python has after it was warmed with these packages."""
    done = subprocess.run([sys.executable, "-c", LOOK, *packages], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


def test_what_no_chapter_imports_costs_nothing() -> None:
    """A course of plain Python has what kernels want, and neither pictures nor Docker."""
    found = warmed("calendar", "labkit_no_such_package")
    assert {*WARM, "calendar"} <= found
    assert not {"matplotlib", "docker", "labkit.daemon"} & found


@pytest.mark.parametrize("package", BEHIND)
def test_what_is_behind_a_package_comes_with_it(package: str) -> None:
    """Every name in the lists is a module that exists, and is there."""
    assert {package, *BEHIND[package]} <= warmed(package)
