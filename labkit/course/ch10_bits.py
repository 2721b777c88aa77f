"""Chapter 10, Signals, first part: masks, and what they say."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.course.exercise import Program, World, register
from labkit.course.outputs import Case
from labkit.course.verdict import Part

KILL, STOP = 9, 19


@register
class Mask(Program):
    """Read masks, and say what a signal will do."""

    id = "10.mask"
    title = "read a mask, and say what happens"
    brief = "The judge will call your function with status texts of its own."
    parts = (
        Part("bits", 2, "a handler is found by its bit, whatever the signal's number, and by nothing else"),
        Part("order", 1, "what is blocked waits, what is ignored is gone"),
        Part("first", 1, "the first process of a container gets only what it has a handler for"),
        Part("kill", 1, "SIGKILL and SIGSTOP ask no mask"),
    )
    hints = (
        "The lowest bit of a mask belongs to signal 1. Which one belongs to signal 15, and how far must you shift?",
        "Before a process sees a signal, the kernel asks several questions. Which of them comes first for "
        "a signal that is both caught and blocked? And which signals are asked about nothing at all?",
        "int(digits, 16) >> signal - 1 & 1 is one bit. First 9 and 19, then SigBlk, SigIgn, SigCgt, and what is left "
        "depends on first.",
    )
    look_at = "host.text(f'/proc/{box.pid}/status'), the lines SigBlk, SigIgn, SigCgt"
    whys = {  # noqa: RUF012 - a table to read, like the parts
        "bits": "There is no signal 0, so the lowest bit is signal 1. And only how a line begins says what it is.",
        "order": "A blocked signal waits, whatever else the masks say of it. An ignored one was not handled: "
        "the kernel threw it away.",
        "first": "Number 1 is spared every default action: a signal that it has no handler for does nothing.",
        "kill": "No mask can hold 9 and 19 back. From outside they reach the first process of a container, too.",
    }

    def cases(self, world: World) -> list[Case]:
        """Draw texts, signals, and who the process is, in an order of their own."""
        stream = world.draws.stream("signals")
        plain = [number for number in range(1, 65) if number not in (KILL, 17, 18, STOP, 23, 28, 32, 33)]
        a, b, c, d, e = stream.sample(plain[1:-1], 5)
        own = world.draws.word("name")[:15]
        forged = "SigCgt:\t" + "f" * 7
        every = set(range(1, 65)) - {KILL, STOP}
        drawn = [
            ("bits", "a signal with a handler", status(own, caught=(a, b)), a, False, "handler"),
            ("bits", "the neighbour of a caught signal", status(own, caught=(a - 1, a + 1)), a, False, "default"),
            ("bits", "signal 1, caught", status(own, caught=(1, c)), 1, True, "handler"),
            ("bits", "signal 64, caught", status(own, caught=(64,)), 64, False, "handler"),
            ("bits", "a process that catches nothing", status(own), d, False, "default"),
            ("bits", "a process that calls itself SigCgt", status(forged, caught=(b,)), 1, False, "default"),
            ("order", "an ignored signal", status(own, ignored=(a, d), caught=(b,)), d, False, "nothing"),
            ("order", "a signal that is blocked", status(own, blocked=(e,)), e, False, "waits"),
            ("order", "a signal that is caught and blocked", status(own, blocked=(a,), caught=(a,)), a, False, "waits"),
            ("order", "one that is ignored and blocked", status(own, blocked=(c,), ignored=(c,)), c, True, "waits"),
            ("first", "a first process without a handler", status(own, caught=(b,)), c, True, "nothing"),
            ("first", "a first process with one", status(own, caught=(b,)), b, True, "handler"),
            ("first", "another process without one", status(own, caught=(a,)), e, False, "default"),
            ("kill", "SIGKILL", status(own, caught=(a,)), KILL, False, "default"),
            ("kill", "SIGKILL to a first process that blocks all it can", status(own, every), KILL, True, "default"),
            ("kill", "SIGSTOP to a first process that ignores all", status(own, (), every), STOP, True, "default"),
        ]
        stream.shuffle(drawn)
        return [Case(part, (text, number, first), truth, words) for part, words, text, number, first, truth in drawn]


def status(name: str, blocked: Iterable[int] = (), ignored: Iterable[int] = (), caught: Iterable[int] = ()) -> str:
    """The text of ``/proc/<pid>/status``, as far as signals are concerned (``proc_pid_status(5)``)."""
    zero = mask(())
    return (
        f"Name:\t{name}\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t4711\nPid:\t4711\nPPid:\t4690\nThreads:\t1\n"
        f"SigQ:\t0/31415\nSigPnd:\t{zero}\nShdPnd:\t{zero}\nSigBlk:\t{mask(blocked)}\nSigIgn:\t{mask(ignored)}\n"
        f"SigCgt:\t{mask(caught)}\nCapInh:\t{zero}\nCapPrm:\t00000000a80425fb\nSeccomp:\t2\n"
    )


def mask(signals: Iterable[int]) -> str:
    """A set of signals as 16 hexadecimal digits."""
    return f"{sum(1 << number - 1 for number in set(signals)):016x}"
