"""The harness under the benchmarks, on made-up numbers: nothing here is timed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit.daemon import Daemon
from tests.benchmarks import __main__ as program
from tests.benchmarks import harness, report
from tests.benchmarks.harness import Pair, Result, Row, Skip, Target

NOBODY: Any = None  # a daemon that no made-up row asks
HEAD = {
    "spread": harness.SPREAD,
    "engine": "1",
    "store": "s",
    "cgroup": 2,
    "kernel": "k",
    "cores": 1,
    "load": 0,
    "date": "d",
}


@pytest.fixture(autouse=True)
def no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows that a test makes up are registered for that test alone."""
    harness.load()
    monkeypatch.setattr(harness, "ROWS", dict(harness.ROWS))


def made_up(
    target: Target, pair: Pair | Exception | None = None, *, log: list[str] | None = None, each: int = 1
) -> Row:
    """A row of three turns whose generator yields ``pair`` or raises it, and writes into ``log`` that it cleaned up."""

    @harness.row("made-up", what="ours", comparison="theirs", target=target, turns=3, each=each)
    def made(_: Daemon) -> Iterator[Pair]:
        try:
            if not isinstance(pair, Pair):
                raise pair or AssertionError
            yield pair
        finally:
            if log is not None:
                log.append("cleaned")

    return made


def results() -> list[Result]:
    """One row of each fate: held, missed, not for this host, broken."""
    row = made_up(Target("ratio", "≤", 3))
    held, missed = harness.judge(row, [1, 2, 3], [1, 1, 1]), harness.judge(row, [4, 4, 4], [1, 1, 1])
    return [held, missed, Result(row, None, None, None, "elsewhere"), Result(row, None, None, False, "broken")]


def test_median_and_spread() -> None:
    """The spread is the interquartile range, and one wild run moves neither figure far."""
    assert harness.summarise([5, 1, 4, 2, 3]) == harness.Figures(3, 2, 5)
    assert harness.summarise([1, 2, 3, 4, 1000]) == harness.Figures(3, 2, 5)


@pytest.mark.parametrize(
    "target, value, holds",
    [
        (Target("median", "≤", 4), 4, True),
        (Target("median", "≤", 3.9), 4, False),
        (Target("ratio", "≤", 2), 2, True),
        (Target("ratio", "≥", 2.1), 2, False),
        (Target("difference", "≤", 2), 2, True),
        (Target("difference", "≥", 3), 2, False),
    ],
)
def test_judgement(target: Target, value: float, holds: bool) -> None:
    """The figure that the target names is computed from the two medians, and a bound belongs to its good side."""
    result = harness.judge(made_up(target), [3, 4, 9], [2, 2, 2])
    assert (result.value, result.holds) == (value, holds)
    assert (result.ratio, result.difference) == (2, 2)


def test_a_ratio_to_nothing_does_not_hold() -> None:
    """Where the other side measured 0 there is no ratio, and a target for it is missed."""
    result = harness.judge(made_up(Target("ratio", "≤", 9)), [1, 1], [0, 0])
    assert (result.ratio, result.holds) == (None, False)


def test_a_target_for_other_hosts_is_not_judged() -> None:
    """A row can say that its target does not count here: it is measured, and neither holds nor fails."""
    pair = Pair(lambda: 9.0, lambda: 1.0, unjudged="far away")
    result = harness.measure(made_up(Target("median", "≤", 1), pair), NOBODY)
    assert (result.value, result.holds, result.note) == (9, None, "far away")


def test_turns() -> None:
    """Both sides run in turn, after one run of each that does not count, and then the row cleans up."""
    log: list[str] = []
    values = iter([100.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    pair = Pair(lambda: log.append("a") or next(values), lambda: log.append("b") or 1.0)  # type: ignore[func-returns-value]
    result = harness.measure(made_up(Target("median", "≤", 4), pair, log=log, each=2), NOBODY)
    assert log == [*"ab", *"aab" * 3, "cleaned"]
    assert (result.ours, result.other) == (harness.Figures(3.5, 2.5, 6), harness.Figures(1, 0, 3))


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_row_cleans_up(error: type[BaseException]) -> None:
    """Ctrl-C in the middle of a row goes through to the program, after the row has cleaned up."""

    def interrupted() -> float:
        raise error

    log: list[str] = []
    with pytest.raises(error):
        harness.attempt(made_up(Target("median", "≤", 1), Pair(interrupted, interrupted), log=log), NOBODY)
    assert log == ["cleaned"]


@pytest.mark.parametrize("error, holds", [(Skip("not here"), None), (OSError("broken"), False)])
def test_a_row_without_figures(error: Exception, holds: bool | None) -> None:
    """A row that cannot be measured is a line that says why: skipped where it says so, otherwise failed."""
    result = harness.attempt(made_up(Target("median", "≤", 1), error), NOBODY)
    assert (result.holds, result.value) == (holds, None)
    assert str(error) in result.note


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """``ONLY=`` with a name that no row has ends with status 2 and the names that there are."""
    with pytest.raises(SystemExit) as stopped:
        program.main(["helper-raed"])
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert "helper-raed" in said
    assert all(name in said for name in harness.ROWS)


def test_names_choose_rows() -> None:
    """A name chooses its row, and no name chooses all."""
    assert [row.name for row in harness.choose(harness.ROWS, ["import-labkit"])] == ["import-labkit"]
    assert harness.choose(harness.ROWS, []) == list(harness.ROWS.values())


@pytest.mark.parametrize(
    ("pair", "left", "status"),
    [
        (Pair(lambda: 1.0, lambda: 1.0), [], 0),
        (Pair(lambda: 2.0, lambda: 1.0), [], 1),
        (Skip("not here"), [], 0),
        (OSError("broken"), [], 1),
        (Pair(lambda: 1.0, lambda: 1.0), ["labkit-tree-1"], 1),
    ],
    ids=["held", "missed", "skipped", "broken", "left something"],
)
def test_the_exit_status(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pair: Pair | Exception, left: list[str], status: int
) -> None:
    """A run ends with 1 if a row misses its target, fails, or leaves something behind; a skipped row is no failure."""
    monkeypatch.setattr(report, "header", lambda _: HEAD)
    monkeypatch.setattr(report, "FILE", tmp_path / "benchmarks.json")
    monkeypatch.setattr(program, "sweep", lambda _: left)
    assert program.run([made_up(Target("ratio", "≤", 1), pair)], NOBODY) == status
    assert [row["holds"] is False for row in json.loads(report.FILE.read_text("utf-8"))["rows"]] == [status == 1]


def test_two_rows_of_one_name_are_refused() -> None:
    """A row cannot take another's place."""
    made_up(Target("median", "≤", 1))
    with pytest.raises(ValueError, match="made-up"):
        made_up(Target("median", "≤", 1))


def test_the_file(tmp_path: Path) -> None:
    """The file is JSON with the header and, for each row, its figures, comparison, target and verdict."""
    file = tmp_path / "build" / "benchmarks.json"
    report.write(HEAD, results(), file)
    said = json.loads(file.read_text("utf-8"))
    assert {**HEAD, "rows": said["rows"]} == said
    first = said["rows"][0]
    assert (first["name"], first["median"], first["spread"], first["unit"], first["runs"]) == ("made-up", 2, 1, "s", 3)
    assert (first["comparison"], first["comparison_median"], first["comparison_runs"]) == ("theirs", 1, 3)
    assert first["target"] == {"figure": "ratio", "sign": "≤", "bound": 3}
    assert [row["holds"] for row in said["rows"]] == [True, False, None, False]


def test_the_table() -> None:
    """The table has one line for each row, says which target was missed, and adds what there is to explain."""
    lines = report.table(HEAD, results()).splitlines()
    assert [line.split()[-4] for line in lines[4:6]] == ["yes", "NO"]
    assert lines[-2:] == ["made-up: elsewhere", "made-up: broken"]


@pytest.mark.parametrize(
    "value, unit, text",
    [
        (0.00123, "s", "1.23 ms"),
        (0.4, "s", "400 ms"),
        (25000, "MB", "25000 MB"),
        (0.9999, "s", "1000 ms"),
        (3, "×", "3.00×"),
        (None, "s", "-"),
    ],
)
def test_values_are_shown_with_three_digits(value: float | None, unit: str, text: str) -> None:
    """A value has three digits and the unit in which a reader thinks of it."""
    assert report.show(value, unit) == text


@pytest.mark.parametrize("row", harness.load().values(), ids=lambda row: row.name)
def test_every_row_is_complete(row: Row) -> None:
    """Every row has a name for ``ONLY=``, says what it measures and against what, and states a target."""
    assert row.name == row.name.lower() and " " not in row.name
    assert row.what and row.comparison and row.unit
    assert row.target.bound > 0
    assert row.turns >= 2 and row.each >= 1
