"""The layers of an image or of a container, as one value: what each is, and where it lies on the daemon's host."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Layer:
    """One layer: a directory on the daemon's host, whose files lie over those of the layers below.

    Attributes:
        number: its place, counted from below; the lowest is 1.
        kind: ``"image"``, ``"init"`` (what the daemon puts between, such as an empty ``/etc/hosts``) or ``"own"``, the
            container's writable one.
        directory: where its files lie on the daemon's host.
        diff_id: the digest of the layer's tar before it is packed; empty unless it is of an image
            (OCI Image Specification, ``config.md``).
        chain_id: the digest that names this layer together with all below it; empty unless it is of an image.
        command: the line of the image's history that made it, as far as it is told.
        size: bytes of its files, each inode once.
        shared_by: the names of the images on this daemon that have it, on the same layers below; sorted.
    """

    number: int
    kind: str
    directory: str = field(repr=False)
    diff_id: str = ""
    chain_id: str = field(default="", repr=False)
    command: str = field(default="", repr=False)
    size: int = 0
    shared_by: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Stack:
    """All layers of one image or container.

    Attributes:
        name: the image's or container's name, as it was asked for.
        store: ``"overlay2"`` or ``"containerd"``: which of Docker's two image stores keeps them.
        layers: the lowest first.
    """

    name: str
    store: str
    layers: tuple[Layer, ...] = field(repr=False)

    @property
    def image(self) -> tuple[Layer, ...]:
        """The image's layers, which are read-only; the lowest first."""
        return tuple(layer for layer in self.layers if layer.kind == "image")

    @property
    def own(self) -> Layer | None:
        """The container's own writable layer; None for an image."""
        return next((layer for layer in self.layers if layer.kind == "own"), None)
