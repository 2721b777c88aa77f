"""What a run of the benchmarks leaves: a table to read and ``build/benchmarks.json`` to compare."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from labkit.daemon import Daemon
from tests.benchmarks.harness import SPREAD, Figures, Result, Target

FILE = Path(__file__).parents[2] / "build" / "benchmarks.json"

HOLDS = {True: "yes", False: "NO", None: "-"}
COLUMNS = (
    "row",
    "median",
    "spread",
    "compared with",
    "its median",
    "its spread",
    "ratio",
    "target",
    "is",
    "holds",
    "runs",
)


def header(daemon: Daemon) -> dict[str, Any]:
    """Where and when the figures were taken; ``kernel`` and ``cores`` are the daemon's host's, ``load`` is ours."""
    return {
        "engine": daemon.engine,
        "store": daemon.store,
        "cgroup": daemon.cgroup,
        "kernel": str(daemon.info["KernelVersion"]),
        "cores": int(daemon.info["NCPU"]),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "spread": SPREAD,
    }


def record(result: Result) -> dict[str, Any]:
    """One row of the file; what was not measured is null."""
    row = result.row
    return {
        "name": row.name,
        "what": row.what,
        "unit": row.unit,
        **_side("", result.ours),
        "comparison": row.comparison,
        **_side("comparison_", result.other),
        "ratio": result.ratio,
        "difference": result.difference,
        "target": {"figure": row.target.figure, "sign": row.target.sign, "bound": row.target.bound},
        "value": result.value,
        "holds": result.holds,
        "note": result.note,
    }


def _side(prefix: str, side: Figures | None) -> dict[str, Any]:
    fields = "median", "spread", "runs"
    return {f"{prefix}{field}": getattr(side, field) if side else None for field in fields}


def write(head: dict[str, Any], results: Sequence[Result], file: Path) -> None:
    """Write the file, as JSON without NaN or Infinity."""
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {**head, "rows": [record(result) for result in results]}
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def table(head: dict[str, Any], results: Sequence[Result]) -> str:
    """The same for a reader: one line for each row, a note below it where there is one."""
    about = (
        "Docker {engine}, {store}, cgroup v{cgroup}, kernel {kernel}, {cores} cores, load {load}, {date}\n"
        "spread: {spread}"
    )
    lines = [COLUMNS, *(_cells(result) for result in results)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    notes = [f"{result.row.name}: {result.note}" for result in results if result.note]
    return "\n".join([about.format(**head), "", *text, *([""] if notes else []), *notes])


def _cells(result: Result) -> tuple[str, ...]:
    row, ours, other = result.row, result.ours, result.other
    return (
        row.name,
        *_shown(ours, row.unit),
        row.comparison,
        *_shown(other, row.unit),
        show(result.ratio, "×"),
        _goal(row.target, row.unit),
        show(result.value, _unit(row.target, row.unit)),
        HOLDS[result.holds],
        f"{ours.runs} + {other.runs}" if ours and other else "-",
    )


def _shown(side: Figures | None, unit: str) -> tuple[str, str]:
    return (show(side.median, unit), show(side.spread, unit)) if side else ("-", "-")


def _goal(target: Target, unit: str) -> str:
    return f"{target.figure} {target.sign} {show(target.bound, _unit(target, unit))}"


def _unit(target: Target, unit: str) -> str:
    return "×" if target.figure == "ratio" else unit


def show(value: float | None, unit: str) -> str:
    """A value with three digits and its unit; parts of a second as milliseconds."""
    if value is None:
        return "-"
    if unit == "s" and abs(value) < 1:
        value, unit = value * 1000, "ms"
    digits = f"{value:.0f}" if abs(value) >= 100 else f"{value:#.3g}"
    return digits + ("" if unit == "×" else " ") + unit
