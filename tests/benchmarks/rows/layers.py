"""Where every file of a large image comes from, told from its layers' directories alone."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from labkit import images, oci
from labkit.daemon import Daemon
from labkit.host import Host
from labkit.hosts import is_local
from labkit.inside.layers import read_layers
from labkit.inside.provenance import read_provenance
from labkit.inside.stack import Stack
from labkit.local import LocalHost
from tests.benchmarks.harness import Pair, Skip, Target, row, timed
from tests.benchmarks.rows.hosts import helper

LAYERS = 100
FOLDERS = 20
FILES = 50
TAG = "labkit/bench-layers:latest"
IMAGE = f"an image with {LAYERS} layers and {LAYERS * FOLDERS * FILES // 1000} 000 files"


def layer(number: int) -> bytes:
    """A layer with folders of its own, one that all layers have, and a file removed from the layer below."""
    shared, own = "usr/lib", [f"usr/share/p{number}/d{folder}" for folder in range(1, FOLDERS)]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder in ["usr", shared, "usr/share", f"usr/share/p{number}", *own]:
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(info)
        for path in [f"{folder}/{number}-{file}.txt" for folder in [shared, *own] for file in range(FILES)]:
            tar.addfile(tarfile.TarInfo(path))
        tar.addfile(tarfile.TarInfo(f"{shared}/.wh.{number - 1}-0.txt"))
    return buffer.getvalue()


@cache
def archive(architecture: str) -> bytes:
    """The image, for `docker load`."""
    tars = [layer(number) for number in range(LAYERS)]
    config = {
        "architecture": architecture,
        "config": {"Cmd": ["/none"], "Labels": {oci.LABEL: "image"}},
    }
    buffer = io.BytesIO()
    oci.write_archive(buffer, oci.Draft(config, tars, [TAG]))
    return buffer.getvalue()


@contextmanager
def loaded(daemon: Daemon, host: Host) -> Iterator[Stack]:
    """The layers of the image, removed again."""
    images.load(daemon, archive(daemon.architecture), TAG)
    try:
        yield read_layers(host, TAG, daemon=daemon)
    finally:
        daemon.client.api.remove_image(TAG)


def here(daemon: Daemon) -> Host:
    """The daemon's host seen directly, for what is compared with its own programs."""
    if not is_local(daemon):
        raise Skip("the notebook does not run as root on the daemon's host")
    return LocalHost()


def told(host: Host, stack: Stack) -> None:
    """Tell where every file comes from, and count them."""
    count = LAYERS * FOLDERS * FILES - (LAYERS - 1)
    assert sum(1 for path, _ in read_provenance(host, stack) if path.endswith(".txt")) == count


def against_find(asked: Host, other: Host, stack: Stack) -> Pair:
    """All provenance against find over the same directories."""
    told(asked, stack)
    words = ["find", *(layer.directory for layer in stack.layers)]
    return Pair(timed(lambda: dict(read_provenance(asked, stack))), timed(lambda: other.run(*words, timeout=120)))


@row(
    "local-provenance",
    what=f"LocalHost: the layer of every file of {IMAGE}",
    comparison="find over the same directories",
    target=Target("ratio", "≤", 1.5),
)
def local_provenance(daemon: Daemon) -> Iterator[Pair]:
    """All names of all layers are put together in little more time than listing them takes."""
    host = here(daemon)
    with loaded(daemon, host) as stack:
        yield against_find(host, host, stack)


@row(
    "helper-provenance",
    what=f"HelperHost: the layer of every file of {IMAGE}",
    comparison="find over the same directories",
    target=Target("ratio", "≤", 3),
)
def helper_provenance(daemon: Daemon) -> Iterator[Pair]:
    """The helper needs no more than three times as long, though it has to ask the kernel which folders are opaque."""
    with helper(daemon) as host, loaded(daemon, host) as stack:
        yield against_find(host, LocalHost() if is_local(daemon) else host, stack)


@row(
    "save-provenance",
    what=f"the layer of every file of {IMAGE}",
    comparison="docker save, unpacked",
    target=Target("ratio", "≤", 0.1),
    turns=3,
)
def save_provenance(daemon: Daemon) -> Iterator[Pair]:
    """To look where the layers lie is at least ten times faster than to have the image saved and to unpack that."""
    if not (docker := shutil.which("docker")):
        raise Skip("there is no docker CLI to save with")
    environ = os.environ | {"DOCKER_HOST": daemon.endpoint.url}

    def save() -> None:
        with tempfile.TemporaryDirectory() as folder:
            script = '"$0" save "$1" | tar -x -C "$2"'
            subprocess.run(["sh", "-c", script, docker, TAG, folder], check=True, env=environ)

    host = here(daemon)
    with loaded(daemon, host) as stack:
        told(host, stack)
        yield Pair(timed(lambda: dict(read_provenance(host, stack))), timed(save))


PEAK = r"""
import json, re, sys
from labkit.inside.stack import Layer, Stack
from labkit.inside.union import read_visible
from labkit.local import LocalHost
layers = tuple(Layer(n, "image", path) for n, path in enumerate(json.loads(sys.argv[1]), 1))
count = sum(1 for _ in read_visible(LocalHost(), Stack("", "", layers))) if layers else 0
print(int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) / 1024)
"""


@row(
    "visible-memory",
    what=f"LocalHost: peak memory for every file of {IMAGE}, described one after the other",
    comparison="a process that reads nothing",
    target=Target("difference", "≤", 20),
    turns=3,
    unit="MB",
)
def visible_memory(daemon: Daemon) -> Iterator[Pair]:
    """What is kept does not grow with the image, but with the largest of its folders."""
    host = here(daemon)

    def peak(directories: list[str]) -> float:
        words = [sys.executable, "-c", PEAK, json.dumps(directories)]
        return float(subprocess.run(words, check=True, capture_output=True, text=True).stdout)

    with loaded(daemon, host) as stack:
        yield Pair(lambda: peak([layer.directory for layer in stack.layers]), lambda: peak([]))
