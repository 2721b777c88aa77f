"""What the course has on a daemon: everything that carries its label can be listed and removed, nothing else.

A label is inherited: a container has its image's labels, an image those of the container or image that it was
made from, and ``docker run --label`` can change a value but not take a label away. So what a learner makes from
the course's images by hand is found here too.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import Any

from labkit.daemon import Daemon
from labkit.oci import LABEL as LABEL


@dataclass(frozen=True)
class Thing:
    """One labelled object on a daemon: ``kind`` is container, image, network or volume."""

    kind: str
    name: str
    id: str = field(repr=False)
    owner: str = ""
    left: str = ""
    """Why it could not be removed; empty if it was."""


def things(daemon: Daemon, *, whose: str | None = None, named: str = "") -> list[Thing]:
    """List the labelled objects, in the order in which they can be removed.

    Args:
        daemon: where.
        whose: only this owner's, and what has no owner (images, and what grew out of them); None for all.
        named: only those whose name begins so.
    """
    api: Any = daemon.client.api
    chosen = {"label": [LABEL]}
    found = [
        *(_thing("container", _name(c), c["Id"], c) for c in api.containers(all=True, filters=chosen)),
        *(_thing("network", n["Name"], n["Id"], n) for n in api.networks(filters=chosen)),
        *(_thing("volume", v["Name"], v["Name"], v) for v in api.volumes(filters=chosen)["Volumes"] or ()),
        *(_thing("image", tag, tag, i) for i in api.images(filters=chosen) for tag in _tags(i)),
    ]
    mine = [thing for thing in found if whose is None or thing.owner in ("", whose)]
    return [thing for thing in mine if thing.name.startswith(named)]


def _thing(kind: str, name: str, key: str, data: dict[str, Any]) -> Thing:
    return Thing(kind, name, key, (data.get("Labels") or {}).get(f"{LABEL}.owner", ""))


def _name(container: dict[str, Any]) -> str:
    """A container's own name: not the one by which another links to it, and perhaps none while it is removed."""
    names = sorted(container["Names"] or (), key=lambda name: name.count("/"))
    return str(names[0][1:] if names else container["Id"][:12])


def _tags(image: dict[str, Any]) -> list[str]:
    tags = [tag for tag in image.get("RepoTags") or () if tag != "<none>:<none>"]
    return tags or [image["Id"]]


def clean(daemon: Daemon, *, whose: str | None = None, named: str = "", dry_run: bool = False) -> list[Thing]:
    """Remove what ``things()`` lists; return the list, with the reason beside each thing that was left.

    Args:
        daemon: where.
        whose: as for ``things()``.
        named: as for ``things()``.
        dry_run: list only.
    """
    found = things(daemon, whose=whose, named=named)
    return found if dry_run else remove(daemon, found)


def remove(daemon: Daemon, found: list[Thing]) -> list[Thing]:
    """Remove these things, whatever they are doing; return them with the reason beside each that was left."""
    return [replace(thing, left=remove_one(daemon, thing.kind, thing.id)) for thing in found]


def remove_one(daemon: Daemon, kind: str, key: str) -> str:
    """Remove one object; return why that was not possible, or an empty string.

    A container is killed first. A network, volume or image that somebody still uses is never forced away. A removal
    that has begun, ``--rm`` or somebody else's, is waited for, and tried again where the container is still there.
    """
    api: Any = daemon.client.api
    reason = _remove(api, kind, key)
    for _ in range(2):
        if kind != "container" or "already in progress" not in reason:
            break
        with contextlib.suppress(OSError):
            api.wait(key, timeout=10, condition="removed")
        reason = _remove(api, kind, key)
    return reason


def _remove(api: Any, kind: str, key: str) -> str:
    from docker.errors import NotFound

    try:
        match kind:
            case "container":
                api.remove_container(key, force=True, v=True)
            case "network":
                # The daemon itself would take it from under a stopped container, which could then not start again.
                names = [key, api.inspect_network(key)["Name"]]  # a container that never ran knows only the name
                if users := api.containers(all=True, filters={"network": names}):
                    return f"used by the container {', '.join(map(_name, users))}"
                api.remove_network(key)
            case "volume":
                api.remove_volume(key)
            case "image":
                api.remove_image(key)
    except NotFound:
        pass
    except OSError as error:  # also what the daemon answers: docker-py's APIError is one
        return str(getattr(error, "explanation", "") or error)
    return ""
