"""The host is looked at directly exactly where that is proven to work."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from labkit import errors, hosts, sandbox
from labkit.daemon import Daemon, connect
from labkit.helper import HelperHost
from labkit.host import Host
from labkit.hosts import is_local, open_host
from labkit.local import LocalHost
from tests.fakes import Places, ordinary_user
from tests.forwarder import forwarded
from tests.hostfiles import HostFiles


class Unasked:
    """In place of a daemon that must not be asked."""


UNASKED: Daemon = Unasked()  # type: ignore[assignment]


@pytest.mark.parametrize(("wish", "kind"), [("local", LocalHost), ("helper", HelperHost)])
def test_labkit_host_decides_by_hand(wish: str, kind: type[Host], monkeypatch: pytest.MonkeyPatch) -> None:
    """LABKIT_HOST chooses the host, and then nothing is tried out."""
    monkeypatch.setenv("LABKIT_HOST", wish)
    assert type(open_host(UNASKED)) is kind


@pytest.mark.parametrize(("local", "kind"), [(True, LocalHost), (False, HelperHost)])
@pytest.mark.parametrize("wish", [None, ""])
def test_without_a_wish_the_proof_decides(
    wish: str | None, local: bool, kind: type[Host], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without LABKIT_HOST, or with an empty one, the host is read directly exactly where that is proven to work."""
    monkeypatch.delenv("LABKIT_HOST", raising=False)
    if wish is not None:
        monkeypatch.setenv("LABKIT_HOST", wish)
    monkeypatch.setattr(hosts, "is_local", lambda daemon: local)
    assert type(open_host(UNASKED)) is kind


@pytest.mark.parametrize("wish", ["remote", "Helper", " local"])
def test_an_unknown_wish_is_said_with_its_value(wish: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A LABKIT_HOST that names no host is an error that quotes it and lists what it can be."""
    monkeypatch.setenv("LABKIT_HOST", wish)
    with pytest.raises(errors.HostError) as caught:
        open_host(UNASKED)
    assert repr(wish) in caught.value.problem
    assert "'local', 'helper'" in caught.value.remedy


@pytest.mark.daemon
def test_local_is_who_sees_the_daemons_files_as_root(daemon: Daemon, files: HostFiles) -> None:
    """The host is local exactly where this process is root and reads what a container wrote into a volume."""
    needle = random.randbytes(16)
    path = Path(files.write(b"needle", needle))
    seen = os.geteuid() == 0 and path.exists() and path.read_bytes() == needle
    assert is_local(daemon) == seen


@pytest.mark.daemon
def test_behind_a_forwarder_nothing_is_local(daemon: Daemon, places: Places) -> None:
    """Over tcp:// the host is never taken for local, since nobody can tell what is behind the port."""
    with forwarded(daemon) as url:
        assert not is_local(connect(url, quiet=True))


@pytest.mark.daemon
def test_to_an_ordinary_user_nothing_is_local(daemon: Daemon) -> None:
    """Who is not root does not see the daemon's files, though the daemon may be next door."""
    with ordinary_user():
        assert not is_local(daemon)


@pytest.mark.daemon
def test_the_proof_leaves_nothing_behind(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    """The volume that the proof needs is removed with it."""
    monkeypatch.setenv("LABKIT_LEARNER", owner := f"test-{random.SystemRandom().randrange(10**9)}")
    is_local(daemon)
    assert [thing for thing in sandbox.things(daemon, whose=owner) if thing.owner] == []
