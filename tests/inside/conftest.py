"""A second opinion for readers: what the host's own programs say."""

from __future__ import annotations

import pytest

from labkit.host import Host


def ask(host: Host, *argv: str) -> str:
    """What a program of the host prints, as a second opinion; the test is skipped where the host has none."""
    for _ in range(5):  # lsns gives up, without a word, where some process ends while it is read
        ran = host.run(*argv)
        if ran.status == 0:
            break
    if ran.status in (126, 127):
        pytest.skip(f"the daemon's host has no {argv[0]}")
    assert ran.status == 0, ran.err or f"{' '.join(argv)} ended with {ran.status}"
    return ran.out
