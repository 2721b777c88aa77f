"""Somebody else's things on the same daemon come through a whole course untouched."""

from __future__ import annotations

import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit import daemon as opened
from labkit import images, leftovers, parts
from labkit.daemon import Daemon, connect
from labkit.grade.compose import compose, read_answers
from tests import chapters, engines, outputs

pytestmark = [pytest.mark.daemon, pytest.mark.notebook]


class Neighbour:
    """Two images, three containers (one named like ours), a volume and a network, none of them labelled."""

    def __init__(self, daemon: Daemon) -> None:
        self.client, self.name = daemon.client, f"neighbour-{secrets.token_hex(4)}"
        layer = images.write_layer(images.busybox_files(parts.find(daemon.architecture)))
        for tag in ("app", "old"):
            self.client.api.import_image_from_data(layer, repository=self.name, tag=tag)
        self.volume = self.client.volumes.create(self.name)
        self.network = self.client.networks.create(self.name)
        mount = {self.name: {"bind": "/data", "mode": "rw"}}
        self.boxes = [
            self.run("sleep 3600", "running", volumes=mount, network=self.name),
            self.run("echo kept > /mine; exit 3", "stopped"),
            self.run("sleep 3600", f"labkit-demo-{self.name[-4:]}"),
        ]
        self.boxes[1].wait()

    def run(self, script: str, name: str, **options: Any) -> Any:
        """Start a container as a neighbour would: with docker-py, and nothing of the course."""
        name = name if name.startswith("labkit") else f"{self.name}-{name}"
        return self.client.containers.run(f"{self.name}:app", ["sh", "-c", script], name=name, detach=True, **options)

    def state(self) -> list[Any]:
        """Everything that would tell if a thing had been touched."""
        found = [box.client.api.inspect_container(box.id) for box in self.boxes]
        return [
            *((facts["Id"], facts["Name"], facts["State"], facts["Mounts"]) for facts in found),
            *(self.client.images.get(f"{self.name}:{tag}").id for tag in ("app", "old")),
            self.client.volumes.get(self.name).attrs,
            self.client.networks.get(self.name).attrs["Id"],
            sorted(self.client.networks.get(self.name).attrs["Containers"]),
        ]

    def leave(self) -> None:
        """Remove everything again."""
        for box in self.boxes:
            box.remove(force=True)
        self.network.remove()
        self.volume.remove()
        for tag in ("app", "old"):
            self.client.images.remove(f"{self.name}:{tag}")


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """A daemon on which no other test runs: `labkit clean` would take away its images, or find them used."""
    if reason := engines.why_not():
        pytest.skip(reason)
    for name in ("_current", "_set_by_us"):  # so that the tests after this one keep to their daemon
        monkeypatch.setattr(opened, name, getattr(opened, name))
    with engines.engine("forky", "overlay2") as url:
        monkeypatch.setenv("DOCKER_HOST", url)
        yield connect(url, quiet=True)


@pytest.fixture
def neighbour(apart: Daemon) -> Iterator[Neighbour]:
    """Somebody else, for the length of one test."""
    somebody = Neighbour(apart)
    yield somebody
    somebody.leave()


def test_a_whole_course_and_a_clean_leave_somebody_elses_things_as_they_were(
    apart: Daemon, neighbour: Neighbour, tmp_path: Path
) -> None:
    """After every chapter, solved, and `labkit clean`, the neighbour's things are as before and nothing is labelled."""
    before = neighbour.state()
    environ = chapters.environment("visitor", tmp_path, DOCKER_HOST=apart.endpoint.url)
    answers = read_answers(chapters.SOLUTIONS)
    for number, path in chapters.FILES.items():
        mine = {exercise: text for exercise, text in answers.items() if exercise.startswith(number)}
        outputs.run(compose(chapters.chapter(number), mine), path, environ)
    command = [sys.executable, "-c", "from labkit.cli import main; main()", "clean"]
    clean = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (clean.returncode, clean.stderr) == (0, ""), clean.stdout
    assert neighbour.state() == before
    assert leftovers.things(apart, whose="visitor") == []
