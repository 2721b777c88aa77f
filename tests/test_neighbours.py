"""Somebody else's things on the same daemon come through a whole course untouched."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from labkit import images, leftovers, parts
from labkit.daemon import Daemon
from tests import engines, seats
from tests.seats import Seat

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


@dataclass(frozen=True)
class Shared:
    """An engine that no other test uses, a learner's seat at it, and somebody else beside them."""

    daemon: Daemon
    seat: Seat
    neighbour: Neighbour


@pytest.fixture(scope="module", params=[("tcp", "overlay2"), ("beside", "containerd")], ids=" ".join)
def shared(request: pytest.FixtureRequest) -> Iterator[Shared]:
    """An engine of today with either store: `labkit clean` would take away other tests' images, or find them used."""
    name, store = request.param
    if reason := engines.why_not():
        pytest.skip(reason)
    with engines.connected("forky", store) as daemon, seats.seat(name, daemon) as seat:
        somebody = Neighbour(daemon)
        yield Shared(daemon, seat, somebody)
        somebody.leave()


def test_the_seat_looks_at_the_host(shared: Shared) -> None:
    """The learner behind the port looks through the helper, the one beside the daemon directly."""
    assert seats.looks(shared.seat) == [shared.seat.host, "Linux"]


def test_a_whole_course_and_a_clean_leave_somebody_elses_things_as_they_were(shared: Shared) -> None:
    """After every chapter, solved, and `labkit clean`, the neighbour's things are as before and nothing is labelled."""
    before = shared.neighbour.state()
    seats.run_nbval(shared.seat, seats.solve(shared.seat))
    clean = shared.seat.run("-c", "from labkit.cli import main; main()", "clean")
    assert (clean.returncode, clean.stderr) == (0, ""), clean.stdout
    assert shared.neighbour.state() == before
    assert leftovers.things(shared.daemon, whose=shared.seat.learner) == []
