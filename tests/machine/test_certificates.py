"""The certificates open the machine's door to their owner, and are nobody else's to read."""

from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

from labkit.machine import certificates, proxy


def test_the_files_are_the_owners(tmp_path: Path) -> None:
    """Five files of mode 0600 in a folder of mode 0700, and no key of the authority among them."""
    certificates.make(tmp_path / "tls")
    files = {file.name: file.stat().st_mode & 0o777 for file in (tmp_path / "tls").iterdir()}
    assert files == dict.fromkeys({*certificates.SERVER, *certificates.CLIENT}, 0o600)
    assert (tmp_path / "tls").stat().st_mode & 0o777 == 0o700


def test_nothing_is_made_twice(tmp_path: Path) -> None:
    """What is there stays; where one file is missing, all are made anew, since its authority is gone."""
    certificates.make(tmp_path)
    before = (tmp_path / "ca.pem").read_bytes()
    certificates.make(tmp_path)
    assert (tmp_path / "ca.pem").read_bytes() == before
    (tmp_path / "key.pem").unlink()
    certificates.make(tmp_path)
    assert (tmp_path / "ca.pem").read_bytes() != before


def test_each_side_trusts_the_other(tmp_path: Path) -> None:
    """A server and a client with these files shake hands, and the server has seen a certificate."""
    certificates.make(tmp_path)
    ca, certificate, key = (str(tmp_path / name) for name in certificates.SERVER)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ca)
    context.load_cert_chain(certificate, key)
    context.verify_mode = ssl.CERT_REQUIRED
    ours, theirs = socket.socketpair()
    said: list[bytes] = []

    def serve() -> None:
        with context.wrap_socket(theirs, server_side=True) as sock:
            said.append(sock.getpeercert(binary_form=True) or b"")
            sock.sendall(b"welcome")

    thread = threading.Thread(target=serve)
    thread.start()
    with proxy.trust(tmp_path).wrap_socket(ours, server_hostname="127.0.0.1") as sock:
        assert sock.recv(10) == b"welcome"
    thread.join()
    assert len(said[0]) > 100
