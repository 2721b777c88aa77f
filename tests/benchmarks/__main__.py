"""``python -m tests.benchmarks [name …]``: measure, print a table, write ``build/benchmarks.json``.

The exit status is 1 if a row misses its target, 2 for a name that no row has, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace

from labkit import sandbox
from labkit.daemon import Daemon, connect
from labkit.errors import DaemonError
from tests.benchmarks import harness, report

LEARNER = "bench"
"""Who the labelled things of the rows belong to, so that they are nobody else's."""


def main(words: Sequence[str] | None = None) -> int:
    """Run the rows that were asked for; return the exit status."""
    parser = argparse.ArgumentParser("make bench", description="Measure labkit; all rows, or those named.")
    parser.add_argument("names", nargs="*", metavar="ONLY", help="a row's name")
    try:
        rows = harness.choose(harness.load(), parser.parse_args(words).names)
    except ValueError as error:
        parser.error(str(error))
    os.environ["LABKIT_LEARNER"] = LEARNER
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a runner that gives up is met like Ctrl-C
    try:
        return run(rows, connect(quiet=True))
    except DaemonError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; what the rows had made is removed.", file=sys.stderr)
        return 130


def run(rows: Sequence[harness.Row], daemon: Daemon) -> int:
    """Measure, print and write; return 1 if a row misses its target, else 0."""
    head, results = report.header(daemon), []
    try:
        for row in rows:
            print(f"{row.name}: {row.what}, {row.turns} turns …", file=sys.stderr, flush=True)
            result = harness.attempt(row, daemon)
            left = sweep(daemon)
            results.append(replace(result, holds=False, note=f"left behind: {', '.join(left)}") if left else result)
    finally:
        sweep(daemon)
    print(report.table(head, results))
    report.write(head, results, report.FILE)
    return int(any(result.holds is False for result in results))


def sweep(daemon: Daemon) -> list[str]:
    """Remove what a row left behind, perhaps interrupted while the daemon was making it; return the names."""
    left = [thing for thing in sandbox.things(daemon, whose=LEARNER) if thing.owner == LEARNER]
    return [thing.name for thing in sandbox.remove(daemon, left)]


if __name__ == "__main__":
    sys.exit(main())
