"""Second opinions: what the docker CLI says of the daemon that the tests talk to."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest


def docker(*words: str) -> str:
    """Return what ``docker …`` prints; the test is skipped where there is no docker CLI."""
    if not shutil.which("docker"):
        pytest.skip("no docker CLI to ask for a second opinion")
    return subprocess.run(["docker", *words], capture_output=True, check=True, text=True).stdout.strip()


def inspect(kind: str, name: str) -> dict[str, Any]:
    """Return ``docker <kind> inspect <name>``; empty if there is no such object."""
    try:
        return dict(json.loads(docker(kind, "inspect", name))[0])
    except subprocess.CalledProcessError:
        return {}
