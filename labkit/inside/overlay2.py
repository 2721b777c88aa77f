"""Where the overlay2 store keeps layers: a directory with a random name for each, and a small database of text files.

``image/overlay2/layerdb/sha256/<chain-id>`` has ``cache-id``, the directory's name; ``diff``, the layer's diff-id; and
``parent``, the chain-id below. ``layerdb/mounts/<container-id>`` has the same of a container. The files themselves are
in ``overlay2/<cache-id>/diff``. fuse-overlayfs keeps its own in the same way.

Source: moby, ``layer/filestore.go``.
"""

from __future__ import annotations

from dataclasses import dataclass

from labkit import errors
from labkit.host import Host, decode
from labkit.inside.stack import Layer


@dataclass(frozen=True)
class Overlay2:
    """The store of one daemon.

    Attributes:
        host: the daemon's host.
        root: the daemon's data directory there.
        driver: ``"overlay2"``, or another one that keeps its layers in the same way.
    """

    host: Host
    root: str
    driver: str = "overlay2"

    def image_layers(self, chain_id: str) -> list[Layer]:
        """Follow an image from its top to its lowest layer; return the lowest first.

        Args:
            chain_id: that of its top; empty for an image without layers.

        Raises:
            PathMissing, PathForbidden: if the store does not have it, or does not show it.
        """
        found: list[Layer] = []
        seen = set[str]()
        while chain_id:
            if chain_id in seen:
                raise errors.HostError(f"{chain_id} lies below itself in {self._db}.", "Restart the daemon.")
            seen.add(chain_id)
            cache_id, diff_id, parent = self._read(f"sha256/{_hex(chain_id)}", "cache-id", "diff", "parent")
            found.append(Layer(0, "image", self._directory(cache_id), diff_id, chain_id))
            chain_id = parent
        return found[::-1]

    def container_layers(self, container: str) -> list[Layer]:
        """Return a container's layers, the lowest first: its image's, the daemon's, and its own.

        Args:
            container: its full id.
        """
        own, init, parent = self._read(f"mounts/{container}", "mount-id", "init-id", "parent")
        upper = [Layer(0, kind, self._directory(name)) for kind, name in (("init", init), ("own", own)) if name]
        return self.image_layers(parent) + upper

    def blob(self, digest: str) -> bytes:
        """Return an image's configuration; the store keeps nothing else by its digest."""
        return self.host.read(f"{self.root}/image/{self.driver}/imagedb/content/sha256/{_hex(digest)}")

    @property
    def _db(self) -> str:
        return f"{self.root}/image/{self.driver}/layerdb"

    def _directory(self, name: str) -> str:
        return f"{self.root}/{self.driver}/{name}/diff"

    def _read(self, folder: str, *names: str) -> list[str]:
        """The texts of files in a folder; only the first of them must be there."""
        paths = [f"{self._db}/{folder}/{name}" for name in names]
        texts = [decode(data).strip() for data in self.host.read_each(paths)]
        return texts if texts[0] else [self.host.text(paths[0]).strip(), *texts[1:]]  # which says why it cannot


def _hex(digest: str) -> str:
    return digest.rpartition(":")[2]
