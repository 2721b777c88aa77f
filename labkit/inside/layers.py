"""Where the layers of an image or a container lie on the daemon's host, whichever store keeps them.

Sources: OCI Image Specification, ``config.md``, for how layers are named; ``overlay2.py`` and ``snapshots.py`` have
those of the directories.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from labkit import errors
from labkit.daemon import Daemon, current
from labkit.host import Host
from labkit.inside.config import Config, read_config, read_diff_ids, read_documents
from labkit.inside.config import chain_ids as chain_ids
from labkit.inside.overlay2 import Overlay2
from labkit.inside.snapshots import PLACES, Snapshots
from labkit.inside.stack import Layer, Stack
from labkit.sandbox import Box


class Store(Protocol):
    """What each of Docker's image stores can be asked; all answers have the lowest layer first."""

    def image_layers(self, chain_id: str) -> list[Layer]:
        """Return the layer of a chain-id and all below it; none for an empty one."""

    def container_layers(self, container: str) -> list[Layer]:
        """Return all layers of the container with this full id."""

    def blob(self, digest: str) -> bytes:
        """Return what is kept under a digest."""


def read_layers(host: Host, thing: Box | str, *, daemon: Daemon | None = None) -> Stack:
    """Find each layer's directory: ``read_layers(host, box)``, ``read_layers(host, "python:3.12")``.

    The image need not be able to run, and the container need not run. Sizes are counted on the host, in one walk for
    each layer; that takes about as long as ``du`` there.

    Args:
        host: the daemon's host.
        thing: a container, or the name or id of an image.
        daemon: whose image it is; default the notebook's. A container knows its own.

    Raises:
        ImageError: if the daemon has no such image.
        SandboxError: if the container has been removed.
        PathMissing, PathForbidden: if a directory is gone, or not shown.
        HostError: if the daemon keeps its layers in another way than overlay2 or containerd's overlayfs.
    """
    if isinstance(thing, Box):
        name, daemon = thing.name, thing.daemon
        store = open_store(host, daemon)
        facts = thing.inspect()
        config, layers = _config_of(facts, daemon, store), store.container_layers(str(facts["Id"]))
    else:
        name, daemon = thing, daemon or current()
        store = open_store(host, daemon)
        config = read_config(daemon, thing, store.blob)
        layers = store.image_layers(*chain_ids(config.diff_ids)[-1:] or [""])
    return Stack(name, daemon.store, _filled(host, config, layers, names_by_chain(daemon, store)))


def open_store(host: Host, daemon: Daemon) -> Store:
    """Return the store where a daemon keeps its layers.

    Raises:
        HostError: if it is of another kind than those two.
    """
    if daemon.store in ("overlay2", "fuse-overlayfs"):
        return Overlay2(host, daemon.root, daemon.store)
    if daemon.store == "containerd" and daemon.info["Driver"] == "overlayfs":
        namespace = ((daemon.info.get("Containerd") or {}).get("Namespaces") or {}).get("Containers") or "moby"
        return Snapshots(host, (f"{daemon.root}/containerd/daemon", *PLACES), namespace)
    raise errors.HostError(
        f"the daemon keeps its layers with {daemon.info['Driver']}, which labkit cannot read.",
        "Use a daemon whose `docker info` says overlay2 or overlayfs, such as that of `labkit machine up`.",
    )


def _config_of(facts: Mapping[str, Any], daemon: Daemon, store: Store) -> Config:
    """What a container's image says; nothing where it was removed by force."""
    image = str(facts["Image"])
    try:
        return read_config(daemon, image, store.blob)
    except errors.ImageError:
        return Config(image)


def _filled(host: Host, config: Config, layers: list[Layer], names: Mapping[str, set[str]]) -> tuple[Layer, ...]:
    """The layers with everything that is not told by where they lie."""
    chain = chain_ids(config.diff_ids)
    diff_ids, commands = dict(zip(chain, config.diff_ids, strict=True)), dict(zip(chain, config.commands, strict=True))
    return tuple(
        replace(
            layer,
            number=number,
            diff_id=diff_ids.get(layer.chain_id, layer.diff_id),
            command=commands.get(layer.chain_id, ""),
            size=read_size(host, layer.directory),
            shared_by=tuple(sorted(names.get(layer.chain_id, ()))),
        )
        for number, layer in enumerate(layers, 1)
    )


def names_by_chain(daemon: Daemon, store: Store) -> dict[str, set[str]]:
    """Return the names of all images that contain a layer on the same layers below, by its chain-id.

    They are looked up in the store: to inspect each of a hundred images costs containerd's store seconds.
    """
    api: Any = daemon.client.api
    found = dict[str, set[str]]()
    for image in api.images():
        names = {name for name in image.get("RepoTags") or () if name != "<none>:<none>"}
        for document in read_documents(str(image["Id"]), store.blob) if names else ():
            for chain_id in chain_ids(read_diff_ids(document)):
                found.setdefault(chain_id, set()).update(names)
    return found


def read_size(host: Host, directory: str) -> int:
    """Count the bytes of all files below a directory, each inode once, as the daemon does for ``docker image ls``.

    A directory's own bytes are none of a file; a link's are the letters of its target.
    """
    found = {(entry.device, entry.inode): entry.size for entry in host.walk(directory) if entry.kind != "d"}
    return sum(found.values())
