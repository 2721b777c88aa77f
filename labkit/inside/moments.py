"""What happened around one action on a container, on one clock: moments, spans of state, and how exact they are.

Only values: ``labkit.inside.timelines`` measures them, ``draw.timeline`` draws them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

SOURCES = ("asked", "daemon", "log", "state")
"""Who tells of a moment: whoever asked, the daemon's events, the program's log, ``/proc`` of the daemon's host."""

LIVING = ("alive", "stopped", "frozen", "zombie")
"""What a process can be: a stopped one got a signal (``T``), a frozen one got none (``docker pause``, cgroups(7))."""

_GONE = " is gone"
_KILL, _DIE = "kill with ", "die with exit code "


@dataclass(frozen=True)
class Moment:
    """One thing that happened.

    Attributes:
        seconds: since the action was asked for; negative before.
        source: one of ``SOURCES``.
        words: ``"docker stop"``, ``"docker stop returns"``, ``"kill with SIGTERM"``, ``"die with exit code 137"``, a
            line of the log, and of the container's first process ``"PID 1 is a zombie"``, ``"PID 1 is gone"`` …
        within: seconds: the truth lies at most so long before. What is told with its time has none.
    """

    seconds: float
    source: str
    words: str
    within: float = field(default=0.0, repr=False)

    @property
    def signal(self) -> str:
        """The name of the signal that the daemon tells to have sent; empty where it tells something else."""
        kill = self.source == "daemon" and self.words.startswith(_KILL)
        return self.words.removeprefix(_KILL) if kill else ""

    @property
    def tells_the_end(self) -> bool:
        """Whether it says that the container's first process is no more."""
        seen = self.source == "state" and self.words.endswith(_GONE)
        return seen or (self.source == "daemon" and self.words.startswith(_DIE))

    def __str__(self) -> str:
        return f"{self.seconds:8.3f} s  {self.source:6}  {self.words}"


@dataclass(frozen=True)
class Span:
    """A stretch of time in which a process was in one state.

    Attributes:
        begin, end: seconds since the action was asked for. The one ends where the next begins.
        state: one of ``LIVING``.
    """

    begin: float
    end: float
    state: str

    def __repr__(self) -> str:
        return f"Span({self.begin:.3f}, {self.end:.3f}, {self.state!r})"


@dataclass(frozen=True)
class Track:
    """One process of the container, from when it was first seen until it was gone, or no longer watched.

    Attributes:
        pid: its number inside.
        name: of its program.
        spans: its states, in order, without gaps.
    """

    pid: int
    name: str
    spans: tuple[Span, ...] = field(repr=False)

    @property
    def states(self) -> tuple[str, ...]:
        """The states in order."""
        return tuple(span.state for span in self.spans)


@dataclass(frozen=True)
class Timeline:
    """What happened around one action. ``print`` lists the moments.

    Attributes:
        name: the container's.
        action: what was done to it: ``"docker stop"``.
        moments: in order.
        tracks: its processes, the first one first.
        grace: seconds that the action grants between its first signal and SIGKILL; None where it grants none.
        resolution: seconds: how far off an instant can be that was seen and not told, and the clocks from each other.
        exit_code: what its first process ended with; None: it still ran when nobody watched any more.
        remarks: sentences on what could not be seen or told.
    """

    name: str
    action: str
    moments: tuple[Moment, ...] = field(repr=False)
    tracks: tuple[Track, ...] = field(repr=False)
    grace: float | None
    resolution: float = field(repr=False)
    exit_code: int | None
    remarks: tuple[str, ...] = field(default=(), repr=False)

    @property
    def ended(self) -> float | None:
        """Seconds from the asking to the end of the first process: the earliest that tells of it; None if it runs."""
        return None if self.exit_code is None else next((it.seconds for it in self.moments if it.tells_the_end), None)

    @property
    def signals(self) -> tuple[str, ...]:
        """The names of the signals that the daemon sent, in order."""
        return tuple(it.signal for it in self.moments if it.signal)

    def __str__(self) -> str:
        end = "it still runs" if self.exit_code is None else f"exit code {self.exit_code}"
        head = f"{self.name}: {self.action}, {end}; exact to {self.resolution * 1000:.1f} ms"
        return "\n".join([head, *map(str, self.moments), *self.remarks])
