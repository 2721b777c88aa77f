"""What a notebook's first cell waits for."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from labkit.daemon import Daemon
from tests.benchmarks.harness import Pair, Target, row, timed

ROOT = Path(__file__).parents[3]
HEAVY = "docker", "matplotlib"


def python(code: str) -> str:
    """Run ``code`` in a fresh interpreter; return what it printed."""
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True).stdout


@row(
    "import-labkit",
    what="a fresh Python that imports labkit",
    comparison="a fresh Python that does nothing",
    target=Target("difference", "≤", 0.4),
    turns=30,
)
def import_labkit(_: Daemon) -> Iterator[Pair]:
    """The import itself is light, because docker-py and matplotlib wait for their first use."""
    loaded = python("import sys, labkit; print(*sys.modules)").split()
    assert not (heavy := [name for name in HEAVY if name in loaded]), f"import labkit loads {heavy}"
    yield Pair(timed(lambda: python("import labkit")), timed(lambda: python("pass")))
