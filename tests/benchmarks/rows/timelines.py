"""How exactly a timeline tells when something happened, directly and through the helper."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle

from labkit.daemon import Daemon
from labkit.hosts import is_local
from labkit.inside.timelines import timeline
from labkit.local import LocalHost
from labkit.programs import run_program
from tests.benchmarks.harness import Pair, Skip, Target, row
from tests.benchmarks.rows.hosts import helper


@row(
    "timeline-resolution",
    what="resolution of a timeline of docker kill -s STOP or CONT, directly",
    comparison="the same through the helper",
    target=Target("median", "≤", 0.005),
    turns=20,
    each=1,
)
def timeline_resolution(daemon: Daemon) -> Iterator[Pair]:
    """A change of state is known within five milliseconds on the daemon's own host."""
    if not is_local(daemon):
        raise Skip("a look without the helper needs root on the daemon's own host")
    with run_program(daemon, "deaf") as box, helper(daemon) as far:
        actions = cycle(("kill -s STOP", "kill -s CONT"))

        def ours() -> float:
            return timeline(box, next(actions), host=LocalHost(), watch=0.1).resolution

        def other() -> float:
            return timeline(box, next(actions), host=far, watch=0.1).resolution

        yield Pair(ours, other)
