"""What the tests share: a daemon that is really there, and a world without labelled leftovers."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from labkit import busybox, endpoint, images, kit, leftovers, oci, sandbox
from labkit.daemon import Daemon, connect
from labkit.errors import DaemonError
from labkit.helper import HelperHost, container_name
from labkit.host import Host
from labkit.hosts import is_local
from labkit.local import LocalHost
from tests import hub
from tests.fakes import Places
from tests.hostfiles import HostFiles, host_files

# A shared machine is slow at times, and that is no failure. CI looks at more examples than `make check`, at the same
# ones each time: what nobody has changed does not fail there. New ones are found by whoever runs the tests by hand.
settings.register_profile(
    "ours",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=100 if os.environ.get("CI") else 40,
)
settings.load_profile("ours")

# A shell without job control starts what runs in its background deaf to Ctrl-C, and that is inherited: signal(7).
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


WORLDS = {
    "machine": ("tests/machine/", "tests/test_binder.py"),
    "engines": ("tests/test_laws.py", "tests/test_neighbours.py"),
    "daemon": ("",),
}
"""Tests that see nothing of each other, by how their ids begin: those of the machine, those that have an engine of
their own, and all that are left."""


class Worlds(LoadScopeScheduling):  # type: ignore[misc]
    """The tests of each world run in one worker, beside those of the others.

    What talks to one daemon stays together, because some tests look at everything of a learner that it has; the hub's
    image has no learner. (``--dist loadgroup`` groups nothing under pytest 9.2: pytest-xdist's issue 1386.)
    """

    def _split_scope(self, nodeid: str) -> str:
        return next(name for name, begins in WORLDS.items() if nodeid.startswith(begins))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling | None:
    """The worlds with ``--dist loadscope``; with every other, pytest-xdist's own."""
    return Worlds(config, log) if config.getoption("dist") == "loadscope" else None


@pytest.fixture(scope="session")
def daemon() -> Daemon:
    """The daemon that ``connect()`` finds; a test that needs one is skipped, saying why, where there is none."""
    try:
        return connect(quiet=True)
    except DaemonError as error:
        pytest.skip(f"no Docker daemon: {error.problem}")


@pytest.fixture(scope="session")
def say(request: pytest.FixtureRequest) -> hub.Say:
    """Print a measurement, also where pytest keeps what tests print."""
    plugins = request.config.pluginmanager
    capture, reporter = plugins.getplugin("capturemanager"), plugins.getplugin("terminalreporter")

    def line(text: str) -> None:
        with capture.global_and_fixture_disabled():
            reporter.write_line(f"  hub: {text}")

    return line


@pytest.fixture(scope="session")
def hub_image(daemon: Daemon, say: hub.Say) -> Iterator[str]:
    """The image for hubs, built once; a test with it needs minutes of time."""
    if why := hub.why_not(daemon):
        pytest.skip(why)
    with hub.image(daemon, say) as tag:
        yield tag


@pytest.fixture
def nothing_left(daemon: Daemon) -> Iterator[None]:
    """Fail the test that leaves a container, network or volume of its run behind."""
    before = ours(daemon)
    yield
    assert [name for key, name in ours(daemon).items() if key not in before] == []


def ours(daemon: Daemon) -> dict[str, str]:
    """The names, by id, of the containers, networks and volumes that this process has labelled as its run's."""
    api: Any = daemon.client.api
    chosen = {"label": [sandbox.LABEL]}
    found = [
        *((it["Id"], it["Names"] or (), it) for it in api.containers(all=True, filters=chosen)),
        *((it["Id"], [it["Name"]], it) for it in api.networks(filters=chosen)),
        *((it["Name"], [it["Name"]], it) for it in api.volumes(filters=chosen)["Volumes"] or ()),
    ]
    run = f"{sandbox.LABEL}.run"
    return {key: " ".join(names) for key, names, it in found if (it["Labels"] or {}).get(run) == sandbox.RUN}


VARIABLES = """
    DOCKER_HOST DOCKER_CONTEXT DOCKER_TLS DOCKER_TLS_VERIFY DOCKER_CERT_PATH DOCKER_API_VERSION
    HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy
    REQUESTS_CA_BUNDLE CURL_CA_BUNDLE SSL_CERT_FILE SSL_CERT_DIR
"""


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> Iterator[Places]:
    """A world in which nobody named a daemon; what ``connect()`` does to it is undone after the test.

    The folder is not ``tmp_path``: a socket's path has room for 107 bytes, and another user must reach it.
    """
    for name in VARIABLES.split():
        monkeypatch.setenv(name, "")  # so that monkeypatch undoes what the test sets
        monkeypatch.delenv(name)
    with tempfile.TemporaryDirectory(prefix="lk") as folder:
        here = Places(Path(folder))
        here.make()
        monkeypatch.setenv("HOME", str(here.home))
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(here.rootless.parent))
        monkeypatch.setenv("DOCKER_CONFIG", str(here.config))
        monkeypatch.setenv("LABKIT_MACHINE", "no")  # whether one is built or running here is not these tests' concern
        monkeypatch.setattr(endpoint, "DEFAULT_SOCKET", f"unix://{here.usual}")
        monkeypatch.setattr(sys.modules[connect.__module__], "_current", None)
        monkeypatch.setattr(sys.modules[connect.__module__], "_set_by_us", {})
        yield here


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    """An authority that signs certificates for the tests; nobody else trusts it."""
    return trustme.CA()


@pytest.fixture
def world(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A label of the test's own instead of ``labkit``: what it lists and removes is nobody else's."""
    label = f"labkit-test-{secrets.token_hex(4)}"
    for module in (busybox, leftovers, sandbox, images, kit, oci):
        monkeypatch.setattr(module, "LABEL", label)
    monkeypatch.setattr(images, "BUSYBOX", f"{label}/busybox:latest")
    monkeypatch.setenv("LABKIT_LEARNER", "ada")
    yield label
    assert [thing for thing in leftovers.clean(daemon) if thing.left] == []


@pytest.fixture(scope="module")
def helper(daemon: Daemon) -> Iterator[HelperHost]:
    """A helper that is only this module's, gone afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABKIT_LEARNER", f"test-{secrets.token_hex(4)}")
        host = HelperHost(daemon)
        yield host
        host.close()
        if box := sandbox.find(daemon, container_name()):
            box.remove()


@pytest.fixture(scope="module", params=["local", "helper"])
def host(request: pytest.FixtureRequest, daemon: Daemon) -> Host:
    """Each of the two ways to look at the daemon's host: directly, and by the helper."""
    if request.param == "helper":
        return request.getfixturevalue("helper")  # type: ignore[no-any-return]
    if not is_local(daemon):
        pytest.skip("LocalHost needs root on the daemon's own host")
    return LocalHost()


@pytest.fixture(scope="module")
def shelf(daemon: Daemon) -> Iterator[HostFiles]:
    """Where a module's files on the daemon's host are."""
    with host_files(daemon) as files:
        yield files


@pytest.fixture
def files(shelf: HostFiles) -> HostFiles:
    """A new, empty folder on the daemon's host."""
    return shelf.folder()
