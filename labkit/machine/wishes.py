"""What a machine can be asked for, and how long it may take: apart from what does it, because that loads slowly."""

from __future__ import annotations

from dataclasses import dataclass

STORES = ("overlay2", "containerd")
"""The image stores to choose from; the first if nothing is said."""

PATIENCE = 120.0
"""Seconds until the guest's daemon must answer; on one slow processor it takes about ten."""

GOODBYE = 20.0
"""Seconds that the guest has to power off."""


@dataclass(frozen=True)
class Wishes:
    """What ``up`` was asked for.

    Attributes:
        memory: of the guest, in bytes.
        disk: its size in bytes, where it is made now.
        store: of images.
        owner: a process to end with; 0 for none.
        fresh: begin with an empty disk.
    """

    memory: int
    disk: int
    store: str = STORES[0]
    owner: int = 0
    fresh: bool = False
