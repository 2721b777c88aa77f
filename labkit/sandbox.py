"""Containers, volumes and networks of the course: labelled, named for what they are, removed again.

Everything labkit makes carries the label ``labkit``. Containers and images that grow out of the course's
images inherit it, as Docker lets labels be inherited. ``clean()`` removes labelled things, nothing else.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

from labkit import errors
from labkit.daemon import Daemon, current
from labkit.leftovers import LABEL as LABEL
from labkit.leftovers import Thing as Thing
from labkit.leftovers import clean as clean
from labkit.leftovers import remove as remove
from labkit.leftovers import remove_one
from labkit.leftovers import things as things

RUN = os.environ.get("LABKIT_RUN") or secrets.token_hex(4)
"""The id of this process's run; a grader sets ``LABKIT_RUN`` so that each submission has its own."""

T = TypeVar("T")


def owner() -> str:
    """Who the labelled things belong to: ``LABKIT_LEARNER``, the hub's user, or the user logged in here."""
    return plain_name(os.environ.get("LABKIT_LEARNER") or os.environ.get("JUPYTERHUB_USER") or _user())


def plain_name(name: str) -> str:
    """Return a learner's name as the owner that it becomes.

    A name that Docker would not take in a container's name is written plainly, with four digits that keep
    two such learners apart.
    """
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")
    if plain == name:
        return name or "learner"
    return f"{plain or 'learner'}-{hashlib.sha256(name.encode(errors='surrogateescape')).hexdigest()[:4]}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # a hub's pod may run as a number that /etc/passwd does not know
        return ""


def labels(what: str, **more: str) -> dict[str, str]:
    """The labels of a new object: ``labkit`` says what it is, the others whose and from which run."""
    return {LABEL: what, f"{LABEL}.owner": owner(), f"{LABEL}.run": RUN} | {
        f"{LABEL}.{key}": value for key, value in more.items()
    }


@dataclass(frozen=True)
class Box:
    """A container of the course. Use it in a ``with`` block, or call ``remove()``.

    Attributes:
        daemon: where it lives.
        name: its name on that daemon.
        id: its full id, 64 hexadecimal digits.
    """

    name: str
    id: str = field(repr=False)
    daemon: Daemon = field(repr=False)

    def __enter__(self) -> Box:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def inspect(self) -> dict[str, Any]:
        """``docker inspect``, asked anew each time.

        Raises:
            SandboxError: if it has been removed.
        """
        from docker.errors import NotFound

        try:
            return dict(self.daemon.client.api.inspect_container(self.id))
        except NotFound:
            raise errors.SandboxError(f"{self.name} is gone.", "Somebody removed it; run it again.") from None

    @property
    def status(self) -> str:
        """``created``, ``running``, ``paused``, ``restarting``, ``exited`` or ``dead``."""
        return str(self.inspect()["State"]["Status"])

    @property
    def pid(self) -> int:
        """The number of its first process on the daemon's host; 0 when it does not run."""
        return int(self.inspect()["State"]["Pid"])

    def start(self) -> None:
        """Start it; nothing happens if it runs.

        Raises:
            SandboxError: if it does not start, with the daemon's own words.
        """
        from docker.errors import APIError

        try:
            self.daemon.client.api.start(self.id)
        except APIError as error:
            raise errors.SandboxError(f"{self.name} does not start: {error.explanation}") from error

    def sh(self, script: str) -> str:
        """Run a line of shell inside; return what it printed.

        Raises:
            SandboxError: if the script's exit status is not 0.
        """
        api: Any = self.daemon.client.api
        execution = api.exec_create(self.id, ["sh", "-c", script])["Id"]
        # exec_start() would ask to upgrade the connection, and may lose what comes right behind the daemon's answer
        # (docker-py's issue 3332).
        start = api._url("/exec/{0}/start", execution)
        answer = api._post_json(start, data={"Detach": False, "Tty": False}, stream=True)
        output, status = b"".join(api._multiplexed_buffer_helper(answer)), api.exec_inspect(execution)["ExitCode"]
        text: str = output.decode(errors="replace").removesuffix("\n")
        if status != 0:
            raise errors.SandboxError(f"`{script}` in {self.name} ended with status {status}: {text}")
        return text

    def logs(self) -> str:
        """What its processes printed so far: ``docker logs``."""
        return bytes(self.daemon.client.api.logs(self.id)).decode(errors="replace")

    def wait(self, *, deadline: float = 30) -> int:
        """Wait until it has ended; return its exit code."""
        wait_until(lambda: self.status == "exited", f"{self.name} has ended", deadline=deadline)
        return int(self.inspect()["State"]["ExitCode"])

    def remove(self) -> None:
        """Kill it if need be and remove it, its anonymous volumes too; nothing happens if it is gone.

        Raises:
            SandboxError: if the daemon cannot.
        """
        _remove(self.daemon, "container", self.name, self.id)


def run(image: str, command: str | list[str] = "", *, name: str = "", what: str = "demo", **options: Any) -> Box:
    """Create and start a labelled container; return it as soon as it runs.

    Args:
        image: a tag or id that the daemon has.
        command: a line for ``sh -c``, or the list of words to execute.
        name: its name; default ``labkit-<what>-<four digits>``.
        what: the label's value: ``demo``, ``exercise``, ``helper``.
        options: further options of docker-py's ``containers.create``; ``labels`` are added to ours.

    Raises:
        SandboxError: if it cannot be created or does not start; nothing is left of it then.
    """
    box = create(image, command, name=name, what=what, **options)
    try:
        box.start()
    except BaseException:
        box.remove()
        raise
    return box


def create(image: str, command: str | list[str] = "", *, name: str = "", what: str = "demo", **options: Any) -> Box:
    """Create a labelled container without starting it; the arguments are those of ``run()``."""
    from docker.errors import APIError

    daemon: Daemon = options.pop("daemon", None) or current()
    name = name or f"{LABEL}-{what}-{secrets.token_hex(2)}"
    words = ["sh", "-c", command] if isinstance(command, str) and command else command or None
    marks = labels(what) | options.pop("labels", {})
    try:
        made = daemon.client.containers.create(image, words, name=name, labels=marks, **options)
    except APIError as error:
        raise errors.SandboxError(f"{name} cannot be created from {image}: {error.explanation}") from error
    return Box(name, str(made.id), daemon)


def find(daemon: Daemon, name: str) -> Box | None:
    """Return the container of that name, whoever made it, or None."""
    from docker.errors import NotFound

    try:
        return Box(name, str(daemon.client.api.inspect_container(name)["Id"]), daemon)
    except NotFound:
        return None


@contextlib.contextmanager
def volume(daemon: Daemon, *, name: str = "", what: str = "demo", **more: str) -> Iterator[Any]:
    """A labelled volume, as docker-py's ``Volume``, for the length of a ``with`` block.

    Raises:
        SandboxError: if somebody has a volume of that name: Docker would hand out theirs.
    """
    made = daemon.client.volumes.create(name or f"{LABEL}-{what}-{secrets.token_hex(8)}", labels=labels(what, **more))
    if (made.attrs.get("Labels") or {}).get(f"{LABEL}.owner") != owner():
        raise errors.SandboxError(f"the volume {made.name} exists and is not yours.", "Choose another name.")
    try:
        yield made
    finally:
        _remove(daemon, "volume", made.name, made.name)


def _remove(daemon: Daemon, kind: str, name: str, key: str) -> None:
    if reason := remove_one(daemon, kind, key):
        raise errors.SandboxError(f"the {kind} {name} cannot be removed: {reason}", "`labkit clean` tries again.")


def wait_until(condition: Callable[[], T], what: str, *, deadline: float = 30) -> T:
    """Ask ``condition`` until it holds; return its value.

    Args:
        condition: anything that is false, empty or None until it holds.
        what: the condition in words, for the error.
        deadline: seconds.

    Raises:
        SandboxError: if it did not hold before the deadline.
    """
    end = time.monotonic() + deadline
    while not (value := condition()):
        if time.monotonic() > end:
            raise errors.SandboxError(f"waited {deadline:g} s in vain until {what}.")
        time.sleep(0.02)
    return value
