"""The engines that can be started beside the one that runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from labkit import images, sandbox
from labkit.sandbox import wait_until
from tests import engines
from tests.engines import ENGINES


@pytest.mark.daemon
@pytest.mark.parametrize(("suite", "store"), ENGINES)
def test_each_engine_starts(suite: str, store: str) -> None:
    """An engine that was fetched before has the version and the store that were asked for, and runs a container."""
    if reason := engines.why_not():
        pytest.skip(reason)
    if not (engines.CACHE / suite).exists():
        pytest.skip(f"`python -m tests.engines {suite} {store}` has not fetched it")
    with engines.connected(suite, store) as other:
        url = other.endpoint.url
        facts = engines.facts(url)
        assert facts["ServerVersion"].startswith(ENGINES[suite, store])
        with sandbox.run(images.ensure(other), ["sleep", "1000"], daemon=other) as box:
            (root,) = [line for line in box.sh("cat /proc/mounts").splitlines() if line.split()[1] == "/"]
        kept = {
            "overlay2": f"{facts['DockerRootDir']}/overlay2/",
            "containerd": "/io.containerd.snapshotter.v1.overlayfs/",
        }
        assert kept[store] in root
    assert not Path(url.removeprefix("unix://")).parent.exists()


@pytest.mark.daemon
def test_an_engine_ends_with_its_owner() -> None:
    """Nothing of an engine runs on when the process that started it is killed."""
    if reason := engines.why_not():
        pytest.skip(reason)
    words = [sys.executable, "-m", "tests.engines", "bookworm", "overlay2"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, cwd=engines.CACHE.parents[1]) as owner:
        assert owner.stdout
        said = [owner.stdout.readline() for _ in range(2)]
        folder = Path(said[1].partition("unix://")[2]).parent
        pid = int((folder / "pid").read_text())
        owner.kill()
    wait_until(lambda: not Path(f"/proc/{pid}").exists(), "the engine has ended")
    engines._unmount(folder)
    shutil.rmtree(folder)
    subprocess.run(["ip", "netns", "delete", f"labkit-{owner.pid}"], check=True)


@pytest.mark.parametrize("others", ["", "usr/sbin/dockerd"], ids=["alone", "somebody was quicker"])
def test_an_engine_is_fetched_whole(others: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is fetched stands there all at once, whoever else fetches it, and nothing lies beside it."""

    def run(words: list[str], **options: Any) -> None:
        if "download" in words:
            (Path(options["cwd"]) / "docker.deb").touch()
        elif words[0] == "dpkg-deb":
            assert not (tmp_path / "sid").exists()
            for file in (Path(words[-1]) / "usr/sbin/dockerd", tmp_path / "sid" / others if others else None):
                if file:
                    file.parent.mkdir(parents=True)
                    file.touch()

    monkeypatch.setattr(engines, "CACHE", tmp_path)
    monkeypatch.setattr(engines, "_mirror", lambda: "http://localhost/debian")
    monkeypatch.setattr(subprocess, "run", run)
    assert engines.fetch("sid") == tmp_path / "sid"
    assert (tmp_path / "sid/usr/sbin/dockerd").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["sid"]


def test_an_engine_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """20.10 has no store of containerd: nothing is fetched for it, and the script says why."""
    monkeypatch.setattr(engines, "fetch", lambda suite: pytest.fail(f"{suite} is fetched"))
    with pytest.raises(KeyError), engines.engine("bookworm", "containerd"):
        pass
    monkeypatch.setattr(sys, "argv", ["engines", "bookworm", "containerd"])
    with pytest.raises(SystemExit):
        engines.main()
    assert "the engine of bookworm has no store of containerd" in capsys.readouterr().err


def test_the_help_lists_what_there_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """``--help`` has a line for each engine: suite, store, version."""
    monkeypatch.setattr(sys, "argv", ["engines", "--help"])
    with pytest.raises(SystemExit):
        engines.main()
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line for line in lines if line[-1:] and line[-1][0].isdigit()] == [
        [suite, store, version] for (suite, store), version in ENGINES.items()
    ]
