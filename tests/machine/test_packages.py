"""What is said before a build, and what is known after it."""

from __future__ import annotations

import json
import platform
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from labkit.errors import BuildFailed
from labkit.machine import build, packages


@pytest.mark.parametrize(
    ("processor", "there", "why", "remedy"),
    [
        ("x86_64", True, "", ""),
        ("aarch64", True, "this computer is aarch64", "Docker Desktop"),
        ("x86_64", False, "mmdebstrap and apt-get are not installed", "apt install mmdebstrap"),
    ],
)
def test_what_is_missing_is_said(
    monkeypatch: pytest.MonkeyPatch, processor: str, there: bool, why: str, remedy: str
) -> None:
    """Another processor, or a program that is not there, is named, with what to do."""
    monkeypatch.setattr(platform, "machine", lambda: processor)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if there else None)
    assert why in packages.missing()
    assert bool(packages.missing()) == bool(why)
    assert remedy in packages.remedy()


def test_versions_are_those_of_the_files(tmp_path: Path) -> None:
    """The names of the fetched files say package and version; a colon stands there as %3a."""
    (tmp_path / packages.LIST).write_text("lock\npartial\ntini_0.19.0-3_amd64.deb\niproute2_1%3a6.1-2_amd64.deb\n")
    assert packages.versions(tmp_path) == {"tini": "0.19.0-3", "iproute2": "1:6.1-2"}


@pytest.mark.parametrize(
    ("text", "usable"), [(json.dumps({"recipe": build.RECIPE}), True), ('{"recipe": 0}', False), ("{", False)]
)
def test_another_recipe_is_not_usable(tmp_path: Path, text: str, usable: bool) -> None:
    """Parts of another recipe, or without a whole manifest, count as not built."""
    (tmp_path / build.MANIFEST).write_text(text)
    assert bool(build.manifest(tmp_path)) == usable


def test_too_little_room_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without room the build fails before anything is fetched, and says how much it needs."""
    monkeypatch.setenv("LABKIT_MACHINE_PARTS", str(tmp_path / "parts"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10 << 20))
    with pytest.raises(BuildFailed, match="has 10 MB left; a build needs 1500"):
        build.build(step=lambda said: None)
