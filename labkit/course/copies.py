"""What judges do with the images that learners make: look at their layers, and run copies of them."""

from __future__ import annotations

import io
import tarfile
from typing import Any

from labkit import errors, sandbox
from labkit.course.exercise import World
from labkit.course.verdict import Finding, failed
from labkit.oci import Item, write_layer


def diff_ids(world: World, image: str) -> list[str] | None:
    """The diff-ids of an image, the lowest layer first; None if the daemon does not have it."""
    from docker.errors import ImageNotFound

    try:
        found = world.daemon.client.images.get(image).attrs
    except ImageNotFound:
        return None
    return list(found["RootFS"].get("Layers") or ())


def copy_of(world: World, image: str, *, command: str = "", what: str = "judge", **options: Any) -> sandbox.Box:
    """A container of a learner's image that has not started; its own command, unless another is given."""
    return world.run(command, what, image=image, start=False, **options)


def put(box: sandbox.Box, **texts: str) -> None:
    """Write files into ``/srv`` of a container, whether it runs or not."""
    files = {f"srv/{name}": Item(f"{text}\n".encode()) for name, text in texts.items()}
    box.daemon.client.api.put_archive(box.id, "/", write_layer(files))


def take(box: sandbox.Box, path: str) -> str | None:
    """The text of a file in a container, whether it runs or not; None if there is no such file."""
    from docker.errors import NotFound

    try:
        chunks, _ = box.daemon.client.api.get_archive(box.id, path)
        data = b"".join(chunks)
    except NotFound:
        return None
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        member = tar.next()
        file = tar.extractfile(member) if member and member.isfile() else None
        return file.read(10_000).decode(errors="replace").strip() if file else None


def printed(box: sandbox.Box, deadline: float = 10) -> str:
    """What a container prints until it has ended, or was given up."""
    try:
        box.start()
        box.wait(deadline=deadline)
    except errors.SandboxError as error:
        return error.problem
    return box.logs().strip()


def missing(key: str, world: World, what: str, why: str = "") -> Finding:
    """The finding that there is no image ``name(what)`` to look at."""
    saw, look_at = "no image of that name", "docker images"
    return failed(key, expected=f"an image {world.name(what)}", saw=saw, look_at=look_at, why=why)
