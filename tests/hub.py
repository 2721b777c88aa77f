"""The image for hubs and one visitor's container of it: an ordinary user without any privilege, one processor, 2 GB.

``with image(daemon) as tag, pod(daemon, tag, "sleep", "infinity") as visitor:`` builds it with the classic builder, as
BinderHub does, on a base made from Debian's packages: no registry is asked. Both are gone afterwards.
"""

from __future__ import annotations

import io
import json
import secrets
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker.models.containers import Container

from labkit.daemon import Daemon
from labkit.hosts import is_local
from tests.test_repository import project_files

ROOT = Path(__file__).parents[1]
MB = 1 << 20
SUITE = "trixie"
"""Debian's release in the image's BASE."""

POD: dict[str, Any] = {
    "user": "1000",
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "mem_limit": "2g",
    "nano_cpus": 10**9,
    "detach": True,
}
"""What a hub gives a visitor: nothing. The seccomp profile, and 64 MB of /dev/shm, are Docker's own."""

Say = Callable[[str], None]
"""What is called with a measurement."""


def quietly(text: str) -> None:
    """Say nothing."""


# --- The image ----------------------------------------------------------------------------------------------------


def why_not(daemon: Daemon) -> str:
    """Why the image cannot be built here; an empty text if it can."""
    able = is_local(daemon) and shutil.which("mmdebstrap")
    return "" if able else "the image is built by root, with mmdebstrap, and a native daemon on this computer"


@contextmanager
def image(daemon: Daemon, say: Say = quietly) -> Iterator[str]:
    """Build the image; yield its name. It goes afterwards, with everything that was made on the way."""
    began, tag = time.monotonic(), f"labkit-test/binder:{secrets.token_hex(4)}"
    with base(daemon) as below:
        say(f"base {time.monotonic() - began:.0f} s")
        began = time.monotonic()
        said = build(daemon, below, tag)
        assert f"Successfully tagged {tag}" in said, said[-4000:]
        say(f"image {time.monotonic() - began:.0f} s, {daemon.client.images.get(tag).attrs['Size'] // MB} MB")
        yield tag


@contextmanager
def base(daemon: Daemon) -> Iterator[str]:
    """Make a Debian as the registry's from packages; yield its name. What was built on it goes with it."""
    name, version = "labkit-test/base", secrets.token_hex(4)
    tag, label = f"{name}:{version}", f"labkit-test={version}"
    with tempfile.TemporaryDirectory(prefix="labkit-") as folder:
        file = Path(folder) / "base.tar"
        uploads = [f"--customize-hook=upload {path} {path}" for path in configuration()]
        words = ["--quiet", "--variant=minbase", "--include=ca-certificates", *uploads, SUITE, str(file)]
        subprocess.run(["mmdebstrap", *words], check=True, capture_output=True)
        daemon.client.api.import_image_from_file(str(file), name, version, changes=[f"LABEL {label}"])
    try:
        yield tag
    finally:
        heads = daemon.client.images.list(filters={"label": label})  # each takes its unnamed parents along
        for head in sorted(heads, key=lambda head: tag in head.tags):
            daemon.client.images.remove(str(head.id))


def configuration() -> list[Path]:
    """The files in which this computer says how packages are fetched here; an image elsewhere needs none of them."""
    apt = [file for file in Path("/etc/apt/apt.conf.d").iterdir() if "Acquire::" in file.read_text(errors="replace")]
    others = [Path("/etc/pip.conf"), Path("/etc/ssl/certs/ca-certificates.crt")]
    return [file for file in [*apt, *others] if file.is_file()]


def build(daemon: Daemon, base: str, tag: str) -> str:
    """Build what git would keep of this checkout, as BinderHub does; return what the builder said."""
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        for name in project_files():
            tar.add(ROOT / name, name)
    arguments = {"BASE": base, "NB_USER": "jovyan", "NB_UID": "1000"}
    lines = daemon.client.api.build(
        fileobj=io.BytesIO(context.getvalue()),
        custom_context=True,
        dockerfile="binder/Dockerfile",
        buildargs=arguments,
        network_mode="host",
        tag=tag,
        rm=True,
        forcerm=True,
        decode=True,
    )
    return "".join(line.get("stream", "") + line.get("error", "") for line in lines)


# --- A pod --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pod:
    """One visitor's container."""

    container: Container

    def tell(self, *words: str) -> tuple[int, str]:
        """Run a command as the visitor; return its exit status, and what it printed."""
        done = self.container.exec_run(list(words), workdir="/tmp")
        assert isinstance(done.output, bytes)
        return int(done.exit_code or 0), done.output.decode()

    def run(self, *words: str) -> str:
        """Run a command that does not fail; return what it printed."""
        status, said = self.tell(*words)
        assert status == 0, said[-8000:]
        return said

    def put(self, files: dict[str, bytes]) -> None:
        """Write files into ``/tmp``, where ``run`` works."""
        with io.BytesIO() as data:
            with tarfile.open(fileobj=data, mode="w") as tar:
                for name, content in files.items():
                    entry = tarfile.TarInfo(name)
                    entry.size = len(content)
                    tar.addfile(entry, io.BytesIO(content))
            self.container.put_archive("/tmp", data.getvalue())

    def status(self) -> dict[str, Any]:
        """What the machine says of itself."""
        found: dict[str, Any] = json.loads(self.tell("labkit", "machine", "status", "--json")[1])
        return found

    def processor(self) -> float:
        """Seconds of processor time that the control group counts so far."""
        return float(self._counted()["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9

    def memory(self) -> dict[str, int]:
        """Megabytes that the control group counts; everything is all but the cache of files that nobody has mapped."""
        found = self._counted()["memory_stats"]
        count = found["stats"]
        v1 = "total_rss total_cache total_mapped_file total_inactive_file"
        names = (v1 if "total_rss" in count else "anon file file_mapped inactive_file").split()
        anon, file, mapped, inactive = (count[name] for name in names)
        numbers = {"usage": found["usage"], "anon": anon, "file": file, "mapped": mapped, "inactive": inactive}
        numbers["everything"] = found["usage"] - file + mapped
        return {name: number // MB for name, number in numbers.items()}

    def _counted(self) -> dict[str, Any]:
        """What the daemon reads in the control group, at once: it asks nothing in the pod."""
        found: Any = self.container.stats(stream=False, one_shot=True)
        return dict(found)


@contextmanager
def pod(daemon: Daemon, tag: str, *command: str, **settings: Any) -> Iterator[Pod]:
    """Start a visitor's container of the image, with settings that differ from ``POD``; it goes afterwards."""
    container = daemon.client.containers.run(tag, list(command), **POD | settings)
    try:
        yield Pod(container)
    finally:
        container.remove(force=True, v=True)
