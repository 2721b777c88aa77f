"""Restart policies, read from documents as docker inspect has them."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.inside.policy import Policy, read_policy


def found(name: str, most: int = 0, stop_signal: str | None = None) -> dict[str, Any]:
    """The part of docker inspect that tells the policy."""
    config = {"StopSignal": stop_signal} if stop_signal else {}
    return {"HostConfig": {"RestartPolicy": {"Name": name, "MaximumRetryCount": most}}, "Config": config}


@pytest.mark.parametrize(
    ("document", "policy"),
    [
        ({}, Policy("no", 0, "SIGTERM")),
        ({"HostConfig": {"RestartPolicy": {"Name": "", "MaximumRetryCount": 0}}, "Config": None}, Policy()),
        (found("on-failure", 2), Policy("on-failure", 2)),
        (found("always", stop_signal="15"), Policy("always", named=True)),
        (found("unless-stopped", stop_signal="quit"), Policy("unless-stopped", 0, "SIGQUIT", named=True)),
    ],
)
def test_a_policy_is_read(document: dict[str, Any], policy: Policy) -> None:
    """Name, count and stop signal are read; what is missing has Docker's default."""
    assert read_policy(document) == policy


@pytest.mark.parametrize(
    ("policy", "code", "times", "again"),
    [
        (Policy("no"), 1, 0, False),
        (Policy("always"), 0, 99, True),
        (Policy("unless-stopped"), 1, 99, True),
        (Policy("on-failure"), 1, 99, True),
        (Policy("on-failure"), 0, 0, False),
        (Policy("on-failure", 2), 1, 1, True),
        (Policy("on-failure", 2), 1, 2, False),
    ],
)
def test_a_policy_decides(policy: Policy, code: int, times: int, again: bool) -> None:
    """on-failure looks at the exit code and counts; always and unless-stopped do neither."""
    assert policy.restarts(code, times) is again


@pytest.mark.parametrize(("signal", "ends"), [(9, True), (3, True), (15, False), (37, False), (None, False)])
def test_some_signals_end_it_for_good(signal: int | None, ends: bool) -> None:
    """SIGKILL and the container's own stop signal say that it shall stay stopped; where it has none, every signal."""
    assert Policy("always", 0, "SIGQUIT", named=True).ends(signal) is ends
    assert Policy("always").ends(signal) is (signal is not None)
