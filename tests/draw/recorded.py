"""Timelines as they are recorded: of programs that listen, do not, are frozen; and some that nobody hopes for."""

from __future__ import annotations

from dataclasses import replace

from labkit.inside.moments import Moment, Span, Timeline, Track

GONE = "PID 1 is gone"


def told(*moments: tuple[float, str, str]) -> tuple[Moment, ...]:
    """Moments; what is seen is known within two milliseconds."""
    return tuple(Moment(*words, within=0.002 * (words[1] == "state")) for words in moments)


def lived(pid: int, name: str, *spans: tuple[float, float, str]) -> Track:
    """A process with its states."""
    return Track(pid, name, tuple(Span(*span) for span in spans))


POLITE = Timeline(
    "labkit-polite-heron",
    "docker stop",
    told(
        (-0.004, "log", "polite: ready"),
        (0, "asked", "docker stop"),
        (0.006, "daemon", "kill with SIGTERM"),
        (0.009, "log", "polite: heard TERM"),
        (0.021, "log", "polite: finished"),
        (0.026, "state", GONE),
        (0.038, "daemon", "die with exit code 0"),
        (0.04, "daemon", "stop"),
        (0.04, "asked", "docker stop returns"),
    ),
    (lived(1, "sh", (-0.004, 0.026, "alive")), lived(7, "sleep", (-0.004, 0.018, "alive"), (0.018, 0.0245, "zombie"))),
    *(10, 0.0023, 0),
)


def deaf(name: str, grace: float = 10, action: str = "docker stop") -> Timeline:
    """A program that does not hear and takes its whole grace period; the daemon tells of SIGKILL after the end."""
    moments = told(
        (0, "asked", action),
        (0.006, "daemon", "kill with SIGTERM"),
        (grace + 0.016, "state", GONE),
        (grace + 0.018, "daemon", "kill with SIGKILL"),
        (grace + 0.038, "daemon", "die with exit code 137"),
        (grace + 0.21, "daemon", "stop"),
        (grace + 0.21, "asked", f"{action} returns"),
    )
    return Timeline(name, action, moments, (lived(1, name, (-0.02, grace + 0.016, "alive")),), grace, 0.0013, 137)


SLOW = replace(
    deaf("slow"),
    moments=told(
        (0, "asked", "docker stop"),
        (0.006, "daemon", "kill with SIGTERM"),
        (0.009, "log", "slow: heard TERM"),
        (3.01, "log", "slow: finished"),
        (3.016, "state", GONE),
    ),
    tracks=(lived(1, "slow", (-0.02, 3.016, "alive")),),
    exit_code=0,
)
PAUSED = Timeline(
    "labkit-box",
    "docker pause",
    told((0, "asked", "docker pause"), (0.03, "state", "PID 1 is frozen"), (0.031, "daemon", "pause")),
    (
        lived(1, "sh", (-0.02, 0.03, "alive"), (0.03, 1, "frozen")),
        lived(8, "sleep", (-0.02, 0.4, "stopped"), (0.4, 1, "frozen")),
    ),
    *(None, 0.0013, None),
)
NOTHING = Timeline("labkit-box", "something else", (), (), None, 0.0, None)
TALKATIVE = replace(
    deaf("talkative", 2),
    moments=tuple(
        sorted(
            (
                *deaf("talkative", 2).moments,
                *told(*((-1 + n / 50, "log", f"{n} " + "🐳 日本 $a_b$ \n\x1b[31m " * n) for n in range(150))),
            ),
            key=lambda moment: moment.seconds,
        )
    ),
)
CROWDED = replace(
    PAUSED,
    tracks=tuple(lived(1000 * n, "program" * n, (0, n / 20, "zombie"), (n / 20, 1, "alive")) for n in range(1, 21)),
    remarks=("Its cgroup is not seen from here: only its first process was watched.", "word " * 60, "x" * 300),
)
ONE = {
    "polite": POLITE,
    "deaf": deaf("deaf"),
    "two seconds": deaf("deaf", 2, "docker stop -t 2"),
    "no grace": deaf("deaf", 0, "docker stop -t 0"),
    "slow": SLOW,
    "paused": PAUSED,
    "nothing": NOTHING,
    "talkative": TALKATIVE,
    "crowded": CROWDED,
    "long ago": replace(POLITE, moments=(*told((-86400, "log", "ready")), *POLITE.moments)),
    "only before": replace(NOTHING, moments=told((-3, "log", "a"), (-1, "log", "b"))),
    "odd names": replace(POLITE, name="$a_b$ 日本\n" * 20, action="kill -TERM 1 " * 20, exit_code=255),
    "a new state": replace(NOTHING, tracks=(lived(1, "sh", (0, 1, "traced")),)),
    "killed often": replace(NOTHING, moments=told(*((n, "daemon", f"kill with SIGRTMIN+{n}") for n in range(1, 31)))),
}
EIGHT = {
    "polite": POLITE,
    "deaf": deaf("deaf"),
    "stubborn": deaf("stubborn"),
    "shell": deaf("shell"),
    "exec": POLITE,
    "entrypoint": POLITE,
    "interrupted": deaf("interrupted"),
    "slow": SLOW,
}
MANY = {
    "eight": EIGHT,
    "fast": {"polite": POLITE, "exec": POLITE},
    "several actions": {"polite": POLITE, "deaf": deaf("deaf", 2, "docker stop -t 2"), "box": PAUSED, "x": NOTHING},
    "all": dict(ONE),
    "a hundred": {f"deaf{n}": deaf("deaf", n, f"docker stop -t {n}") for n in range(100)},
    "nothing": {"a": NOTHING, "b": NOTHING},
}
