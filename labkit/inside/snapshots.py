"""Where containerd's store keeps layers: numbered directories, and a database that says whose each number is.

Docker calls a layer by its chain-id, and a container's own by the container's id. containerd makes
``moby/12/sha256:…`` of that, with the name of Docker's namespace and a counter; below this key, in
``io.containerd.snapshotter.v1.overlayfs/metadata.db``, are the number of the directory, ``snapshots/<number>/fs``, and
the key of the layer below. Docker's own snapshots, such as ``<container-id>-init``, may lie between: also in the middle
of an image, where the classic builder ran a container for each line.

Source: containerd, ``core/snapshots/storage/bolt.go`` and ``core/metadata/snapshot.go``; moby, ``daemon/containerd``.
"""

from __future__ import annotations

from dataclasses import dataclass

from labkit import errors
from labkit.host import Host, decode
from labkit.inside.bolt import Bucket, read_bolt
from labkit.inside.stack import Layer

PLACES = ("/var/lib/containerd", "/var/lib/desktop-containerd/daemon")
"""Where a containerd that serves Docker keeps its files: that of the system, and that of Docker Desktop."""

_SNAPSHOTTER = "io.containerd.snapshotter.v1.overlayfs"
_BLOBS = "io.containerd.content.v1.content/blobs"


@dataclass(frozen=True)
class Snapshots:
    """The store of one daemon.

    Attributes:
        host: the daemon's host.
        places: the folders there that may be containerd's; of those that are, the first that has what is sought.
        namespace: what the daemon's own are called in containerd.
    """

    host: Host
    places: tuple[str, ...] = PLACES
    namespace: str = "moby"

    def image_layers(self, chain_id: str) -> list[Layer]:
        """Follow an image from its top to its lowest layer; return the lowest first.

        Args:
            chain_id: that of its top; empty for an image without layers.

        Raises:
            PathMissing, PathForbidden: if the store does not have it, or does not show it.
            HostError: if the database is damaged.
        """
        return self._follow(chain_id) if chain_id else []

    def container_layers(self, container: str) -> list[Layer]:
        """Return a container's layers, the lowest first: its image's, the daemon's, and its own.

        Args:
            container: its full id.
        """
        return self._follow(container)

    def blob(self, digest: str) -> bytes:
        """Return what is kept under a digest: a manifest, a configuration, a packed layer."""
        paths = [f"{place}/{_BLOBS}/{digest.replace(':', '/')}" for place in self.places]
        texts = self.host.read_each(paths)
        return next(filter(None, texts), b"") or self.host.read(paths[0])

    def _follow(self, name: str) -> list[Layer]:
        """The layer of that name and all below it, the lowest first."""
        place, records, key = self._search(name)
        found: list[Layer] = []
        while key:
            record = records.pop(key, None)  # gone then: a damaged database cannot lead round in a circle
            if not isinstance(record, dict):
                raise errors.HostError(f"{decode(key)} is not in {place}.", "Read again: it may have been removed.")
            layer = decode(key).split("/", 2)[-1]
            kind = "own" if layer == name and not found else "init"
            chain_id = layer if layer.startswith("sha256:") else ""
            directory = f"{place}/{_SNAPSHOTTER}/snapshots/{_number(_bytes(record, b'id'))}/fs"
            found.append(Layer(0, "image" if chain_id else kind, directory, chain_id=chain_id))
            key = _bytes(record, b"parent")
        return found[::-1]

    def _search(self, name: str) -> tuple[str, Bucket, bytes]:
        """The first place that knows a name, what is recorded there, and the name's key; the newest, if it has two.

        What was removed is still recorded until containerd has swept.
        """
        for place in self.places:
            records = self._records(place)
            parts = [key.split(b"/", 2) for key in records]
            ours = [int(part[1]) for part in parts if [part[0], part[2:]] == [self.namespace.encode(), [name.encode()]]]
            if ours:
                return place, records, f"{self.namespace}/{max(ours)}/{name}".encode()
        raise errors.PathMissing(
            f"no snapshot {name} is recorded below {' or '.join(self.places)}.",
            "An image is unpacked when a container is made of it: docker create. "
            "A containerd that keeps its files elsewhere says where: containerd config dump.",
        )

    def _records(self, place: str) -> Bucket:
        try:
            found: bytes | Bucket = read_bolt(self.host, f"{place}/{_SNAPSHOTTER}/metadata.db")
        except errors.PathMissing:
            return {}
        for name in (b"v1", b"snapshots"):
            found = found.get(name, {}) if isinstance(found, dict) else {}
        return found if isinstance(found, dict) else {}


def _bytes(record: Bucket, name: bytes) -> bytes:
    value = record.get(name, b"")
    return value if isinstance(value, bytes) else b""


def _number(data: bytes) -> int:
    """A number in sevens of bits, the lowest first (Go's ``encoding/binary``, ``Uvarint``)."""
    return sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(data))
