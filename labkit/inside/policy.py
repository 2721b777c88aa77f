"""When the daemon starts a container again by itself: ``HostConfig.RestartPolicy`` of ``docker inspect``.

Source: Engine API, ``RestartPolicy``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labkit.inside.numbers import read_signal, signal_name


@dataclass(frozen=True)
class Policy:
    """A restart policy.

    Attributes:
        name: ``"no"``, ``"on-failure"``, ``"always"`` or ``"unless-stopped"``.
        most: how often ``on-failure`` starts it again; 0 is without end.
        stop_signal: what ``docker stop`` sends first.
        named: whether the container has this signal from its image or ``--stop-signal``; else it is Docker's default.
    """

    name: str = "no"
    most: int = 0
    stop_signal: str = "SIGTERM"
    named: bool = False

    def restarts(self, code: int | None, times: int) -> bool:
        """Whether it is started again after it ended with this exit code, when it was so ``times`` times before."""
        if self.name == "on-failure":
            return code != 0 and (not self.most or times < self.most)
        return self.name in ("always", "unless-stopped")

    def ends(self, signal: int | None) -> bool:
        """Whether the daemon takes this signal from ``docker kill`` for the wish that it stay stopped.

        That is SIGKILL and the container's own stop signal; of a container without one, every signal.
        """
        return signal is not None and (not self.named or signal_name(signal) in ("SIGKILL", self.stop_signal))


def read_policy(found: Mapping[str, Any]) -> Policy:
    """Read the policy from what ``docker inspect`` says; that of a container that is gone is ``"no"``."""
    policy = (found.get("HostConfig") or {}).get("RestartPolicy") or {}
    signal = (found.get("Config") or {}).get("StopSignal") or ""
    return Policy(
        name=str(policy.get("Name") or "no"),
        most=int(policy.get("MaximumRetryCount") or 0),
        stop_signal=read_signal(str(signal or "SIGTERM")),
        named=bool(signal),
    )
