"""What a guest is told: an archive that any tar reads, in whole blocks."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from labkit.machine import certificates, told


@pytest.mark.parametrize(("store", "driver"), [("overlay2", "overlay2"), ("containerd", "overlayfs")])
def test_the_archive_has_keys_and_configuration(tmp_path: Path, store: str, driver: str) -> None:
    """The archive holds the server's three files and the daemon's configuration for this store, for its owner alone."""
    certificates.make(tmp_path / "tls")
    told.write(tmp_path / "told.tar", tmp_path / "tls", store)
    with tarfile.open(tmp_path / "told.tar") as tar:
        files = {name: tar.extractfile(name).read() for name in tar.getnames()}  # type: ignore[union-attr]
    assert files.keys() == {*certificates.SERVER, "daemon.json"}
    assert files["server-key.pem"] == (tmp_path / "tls" / "server-key.pem").read_bytes()
    said = json.loads(files["daemon.json"])
    assert (said["storage-driver"], said["tlsverify"]) == (driver, True)
    assert said["features"] == {"containerd-snapshotter": store == "containerd"}
    assert (tmp_path / "told.tar").stat().st_mode & 0o777 == 0o600


def test_it_fills_whole_blocks(tmp_path: Path) -> None:
    """A disk has whole blocks: the file ends on one, also when it is written again over a longer one."""
    certificates.make(tmp_path / "tls")
    (tmp_path / "told.tar").write_bytes(b"x" * 1_000_000)
    told.write(tmp_path / "told.tar", tmp_path / "tls", "overlay2")
    assert (tmp_path / "told.tar").stat().st_size % 512 == 0
    assert (tmp_path / "told.tar").stat().st_size < 1_000_000
