"""What the tests share: a daemon that is really there, and a world without labelled leftovers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from labkit import sandbox
from labkit.daemon import Daemon, connect
from labkit.errors import DaemonError


@pytest.fixture(scope="session")
def daemon() -> Daemon:
    """The daemon that ``connect()`` finds; a test that needs one is skipped, saying why, where there is none."""
    try:
        return connect(quiet=True)
    except DaemonError as error:
        pytest.skip(f"no Docker daemon: {error.problem}")


@pytest.fixture
def nothing_left(daemon: Daemon) -> Iterator[None]:
    """Fail the test that leaves a labelled container, network or volume behind."""
    before = {thing.id for thing in sandbox.things(daemon)}
    yield
    after = [thing for thing in sandbox.things(daemon) if thing.kind != "image" and thing.id not in before]
    assert not after
