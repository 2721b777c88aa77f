"""Certificates for the one door of the machine: made at its first start, for nobody else.

dockerd's own way (docs.docker.com/engine/security/protect-access): the server shows one, and asks the client for one
that the same authority has signed.
"""

from __future__ import annotations

import os
from pathlib import Path

SERVER = ("ca.pem", "server-cert.pem", "server-key.pem")
CLIENT = ("ca.pem", "cert.pem", "key.pem")


def make(folder: Path) -> None:
    """Make what is missing: an authority, a certificate for the machine and one for its owner, with their keys.

    The authority's own key is not kept: nobody can sign another.
    """
    if all((folder / name).is_file() for name in {*SERVER, *CLIENT}):
        return
    import trustme

    authority = trustme.CA(organization_name="labkit machine")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _write(folder / "ca.pem", authority.cert_pem.bytes())
    for prefix, subject in (("server-", "127.0.0.1"), ("", "labkit")):
        issued = authority.issue_cert(subject)
        _write(folder / f"{prefix}key.pem", issued.private_key_pem.bytes())
        _write(folder / f"{prefix}cert.pem", b"".join(blob.bytes() for blob in issued.cert_chain_pems))


def _write(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
