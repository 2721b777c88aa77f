"""The programs that the course starts and stops: scripts of a few lines, each in an image of its own.

They are told apart by what they do when a signal arrives, and by what becomes of their children. Each of them says in
its log, under its own name, when it is ready, which signal it heard, and when it has finished.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from labkit import errors, images, oci, sandbox, scripts
from labkit.daemon import Daemon
from labkit.leftovers import remove_one
from labkit.oci import Item


@dataclass(frozen=True)
class Program:
    """An image to be run for what it does.

    Attributes:
        name: what it is called; the image is ``labkit/<name>``.
        summary: what it does, in one sentence.
        files: path without leading slash → script.
        config: fields of the image configuration, such as ``{"Cmd": ["polite"]}``.
        ready: the line of its log that says that it is.
    """

    name: str
    summary: str
    files: Mapping[str, str] = field(repr=False)
    config: Mapping[str, Any] = field(repr=False)
    ready: str = field(repr=False)

    def __str__(self) -> str:
        lines = [f"# {self.summary}", f"FROM {oci.BUSYBOX.partition(':')[0]}"]
        lines += [f"COPY {path} /{path}" for path in self.files]
        lines += [f"{key.upper()} {json.dumps(value)}" for key, value in self.config.items()]
        return "\n".join([*lines, *(f"\n# {path}\n{script.rstrip()}" for path, script in self.files.items())])

    @property
    def version(self) -> str:
        """A digest of what is in it, by which an image that an older labkit made is recognised."""
        content = json.dumps([dict(self.files), dict(self.config)], sort_keys=True)
        return oci.digest(content.encode()).partition(":")[2][:12]


def ensure_program(daemon: Daemon, name: str) -> str:
    """Make the image of a program unless the daemon has it; return its tag, such as ``labkit/polite:latest``.

    Raises:
        ImageError: if there is no program of that name, or the daemon refuses the image.
        PartMissing: if there is no local part to make the course's own image from.
    """
    program, tag = find_program(name), f"{oci.LABEL}/{name}:latest"
    key, version = f"{oci.LABEL}.program", f"{program.version}-{daemon.architecture}"
    if daemon.client.api.images(name=tag, filters={"label": f"{key}={version}"}):
        return tag
    remove_one(daemon, "image", tag)  # of another version, if there is one
    files = {path: Item(script.encode(), mode=0o755) for path, script in program.files.items()}
    base, marks = images.ensure(daemon), {key: version}
    images.stack(daemon, files, base=base, tag=tag, what="image", labels=marks, shared=True, **program.config)
    return tag


def find_program(name: str) -> Program:
    """Return the program of that name.

    Raises:
        ImageError: if there is none.
    """
    if name not in PROGRAMS:
        raise errors.ImageError(f"there is no program {name!r}.", f"There are {', '.join(PROGRAMS)}.")
    return PROGRAMS[name]


def run_program(daemon: Daemon, name: str, /, *, deadline: float = 30, **options: Any) -> sandbox.Box:
    """Start a program in a labelled container; return it once it is ready.

    Args:
        daemon: where.
        name: one of ``PROGRAMS``.
        deadline: seconds until it must have said so.
        options: as for ``sandbox.run()``, such as ``init=True`` or ``stop_signal="SIGINT"``.

    Raises:
        SandboxError: if it does not start, or not get ready; nothing is left of it then.
    """
    box = sandbox.run(ensure_program(daemon, name), daemon=daemon, **options)
    try:
        wait_ready(box, name, deadline=deadline)
    except BaseException:
        box.remove()
        raise
    return box


def wait_ready(box: sandbox.Box, name: str, *, deadline: float = 30) -> None:
    """Wait until the program of that name has said in the container's log that it is ready."""
    line = find_program(name).ready
    sandbox.wait_until(lambda: line in box.logs().splitlines(), f"{box.name} says {line!r}", deadline=deadline)


# --- All of them ---------------------------------------------------------------------------------------------


def _program(name: str, script: str, summary: str) -> Program:
    """A program of one script, in exec form."""
    return Program(name, summary, {f"bin/{name}": script}, {"Cmd": [name]}, f"{name}: ready")


_ALL = (
    _program("polite", scripts.POLITE, "It finishes on TERM and on INT at once, with exit code 0."),
    _program("slow", scripts.SLOW, "On TERM it writes its item for three seconds, and ends with exit code 0."),
    _program(
        "interrupted", scripts.INTERRUPTED, "It finishes on INT, with exit code 130, and has no handler for TERM."
    ),
    _program("deaf", scripts.DEAF, "It has no handler for any signal."),
    _program("stubborn", scripts.STUBBORN, "It ignores TERM and INT."),
    Program(
        "shell",
        "The polite program in shell form: a child of the shell, which is PID 1.",
        {"bin/polite": scripts.POLITE},
        # Behind `-c` many a shell gives its own place to the last command: `polite` alone would be the first process.
        {"Cmd": ["/bin/sh", "-c", "polite; true"]},
        "polite: ready",
    ),
    Program(
        "exec",
        "The polite program in exec form: it is PID 1 itself.",
        {"bin/polite": scripts.POLITE},
        {"Cmd": ["polite"]},
        "polite: ready",
    ),
    Program(
        "entrypoint",
        "A script prepares something, and then becomes the polite program.",
        {"bin/entrypoint": scripts.ENTRYPOINT, "bin/polite": scripts.POLITE},
        {"Entrypoint": ["entrypoint"], "Cmd": ["polite"]},
        "polite: ready",
    ),
    Program(
        "forward",
        "A script as PID 1 hands TERM to polite, and ends with its exit code.",
        {"bin/forward": scripts.FORWARD, "bin/polite": scripts.POLITE},
        {"Cmd": ["forward"]},
        "polite: ready",
    ),
    _program(
        "worker", scripts.WORKER, "It works on one item after the other, a second each, and has no handler for TERM."
    ),
    _program(
        "forgetful", scripts.FORGETFUL, "It starts ten children that end within four seconds, and waits for none."
    ),
    _program("orphans", scripts.ORPHANS, "It leaves ten orphans that end within four seconds, and waits for none."),
    _program("reaper", scripts.REAPER, "A shell that leaves ten orphans, stays, and waits for whatever ends."),
)

PROGRAMS: Mapping[str, Program] = MappingProxyType({program.name: program for program in _ALL})
"""All of them, by name."""

EIGHT = ("polite", "slow", "interrupted", "deaf", "stubborn", "shell", "entrypoint", "forward")
"""Those that the chapter on signals stops in every way."""
