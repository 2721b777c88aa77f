"""How programs end, as values: which way each was ended, who sent it what, and what it ended with."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

WIDTH = 92
"""Letters of a line: what fits into the text column of a notebook."""


@dataclass(frozen=True)
class Way:
    """A way to end a container.

    Attributes:
        words: what it is called.
        action: the command: ``"stop -t 2"``.
        init: whether ``docker run --init`` puts a first process in front of the program.
        stop_signal: what ``STOPSIGNAL`` of the image, or ``docker run --stop-signal``, names; empty if nothing.
    """

    words: str
    action: str
    init: bool = False
    stop_signal: str = ""

    @property
    def options(self) -> dict[str, Any]:
        """What it needs when the container is made."""
        signal = {"stop_signal": self.stop_signal} if self.stop_signal else {}
        return signal | ({"init": True} if self.init else {})


WAYS = (
    Way("stop", "stop"),
    Way("kill", "kill"),
    Way("kill -s INT", "kill -s INT"),
    Way("--init, stop", "stop", init=True),
    Way("STOPSIGNAL INT", "stop", stop_signal="SIGINT"),
    Way("stop -t 2", "stop -t 2"),
)
"""The ways of chapter 10."""


@dataclass(frozen=True)
class Ending:
    """What became of one program.

    Attributes:
        program, way: their names.
        seconds: from the first signal to the end, on the daemon's clock; None if it runs on.
        exit_code: what it ended with; None if it runs on.
        sent: who sent what, in order: ``"docker stop: SIGTERM"``, ``"docker-init: SIGTERM"``.
        log: what the programs said of signals and of their end: ``"polite: heard TERM"``.
        remark: why it could not be tried; empty if it was.
    """

    program: str
    way: str
    seconds: float | None
    exit_code: int | None
    sent: tuple[str, ...] = field(repr=False)
    log: tuple[str, ...] = field(default=(), repr=False)
    remark: str = ""

    @property
    def mechanism(self) -> str:
        """What happened, without times."""
        end = "runs on" if self.exit_code is None else f"exit code {self.exit_code}"
        said = (line.removeprefix(f"{self.program}: ") for line in self.log)
        return self.remark or "; ".join([*self.sent, *said, end])

    def __str__(self) -> str:
        if self.seconds is None or self.exit_code is None:
            return "not tried" if self.remark else "runs on"
        return f"{self.seconds:.1f} s, {self.exit_code}"


@dataclass(frozen=True, repr=False)
class Endings:
    """What became of several programs in several ways; ``print`` shows the table with seconds and exit codes."""

    found: tuple[Ending, ...]

    def __repr__(self) -> str:
        return f"Endings({len({it.program for it in self})} programs, {len({it.way for it in self})} ways)"

    def __iter__(self) -> Iterator[Ending]:
        return iter(self.found)

    def of(self, program: str, way: str) -> Ending:
        """Return what became of one program in one way.

        Raises:
            KeyError: if that was not tried.
        """
        return {(it.program, it.way): it for it in self.found}[program, way]

    def table(self) -> str:
        """Return seconds and exit codes: a row for each program, a column for each way."""
        programs, ways = dict.fromkeys(it.program for it in self), dict.fromkeys(it.way for it in self)
        rows = [["", *ways], *([name, *(str(self.of(name, way)) for way in ways)] for name in programs)]
        wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join("  ".join(map(str.ljust, row, wide)).rstrip() for row in rows)

    def mechanisms(self) -> str:
        """Return who sent what and what came of it, without times: the same wherever it is measured."""
        wide = max((len(it.way) for it in self), default=0)
        lines = dict[str, list[str]]()
        for it in self:
            told = it.mechanism.replace(" ", "\0").replace(";\0", "; ")  # a line ends only behind a semicolon
            line = textwrap.fill(f"  {it.way:{wide}}  {told}", WIDTH, subsequent_indent=" " * (wide + 4))
            lines.setdefault(it.program, [it.program]).append(line.replace("\0", " "))
        return "\n".join(line for group in lines.values() for line in group)

    def __str__(self) -> str:
        return self.table()
