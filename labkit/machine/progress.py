"""Show how far a build or a start has come: a bar in a terminal and in a notebook, sentences everywhere else.

In a notebook it is one output that changes, and in the end only a sentence is left of it: that is what is saved.
"""

from __future__ import annotations

import contextlib
import contextvars
import html
import math
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from labkit.machine.build import TASKS, fetched

Say = Callable[[str], None]

TICK = 0.2
"""Seconds between two looks at how far it is."""

FETCHED, UNPACKED = 0.5, 0.85
"""How far a build's bar is when all packages are fetched, and when they are unpacked."""

DOWNLOAD, UNPACKING = 120 << 20, 6.0
"""Bytes of the packages, beside which there are the mirror's lists; seconds in which most of them are unpacked."""

WIDTH = 40
"""Letters of a bar that is drawn with letters."""


class Sentences:
    """Where nobody watches: each task once, as a sentence.

    Args:
        say: prints one.
    """

    def __init__(self, say: Say) -> None:
        self.say, self.last = say, ""

    def show(self, task: str, share: float, note: str) -> None:
        """Show a task, how much of everything is done, from 0 to 1, and something that changes all the time."""
        if task != self.last:
            self.say(f"  {task} …")
        self.last = task

    def finish(self, sentence: str) -> None:
        """Leave this sentence."""
        if sentence:
            self.say(sentence)

    def clear(self) -> None:
        """Leave nothing that would go on moving."""


class Terminal(Sentences):
    """A line with a bar, which is gone in the end."""

    def __init__(self, say: Say) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        super().__init__(say)
        columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(24), TextColumn("{task.fields[note]}")
        self.bar = Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True)
        self.task = self.bar.add_task("", total=1.0, note="")
        self.bar.start()

    def show(self, task: str, share: float, note: str) -> None:
        """Move the bar."""
        self.bar.update(self.task, description=task, completed=share, note=note)

    def finish(self, sentence: str) -> None:
        """Put the sentence where the bar was."""
        self.clear()
        super().finish(sentence)

    def clear(self) -> None:
        """Remove the bar."""
        self.bar.stop()


class Drawing:
    """One moment of a bar, as a front end asks for it: as a page's own bar, or as letters."""

    def __init__(self, task: str, share: float, note: str) -> None:
        self.task, self.share, self.note = task, share, note

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        words = " · ".join(filter(None, (self.task, self.note)))
        full = round(self.share * WIDTH)
        bar = f'<progress max="1" value="{self.share:.3f}" style="width: 24em" aria-label="{html.escape(self.task)}">'
        return {
            "text/plain": f"{'█' * full}{'░' * (WIDTH - full)}  {words}",
            "text/html": f"<div>{bar}</progress><div>{html.escape(words)}</div></div>",
        }


class Said:
    """A sentence where a bar was."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": self.sentence}


class Notebook(Sentences):
    """One output of the cell, which changes."""

    def __init__(self, say: Say) -> None:
        super().__init__(say)
        self.output: Any = None

    def show(self, task: str, share: float, note: str) -> None:
        """Move the bar."""
        self._display(Drawing(task, share, note))
        self.last = task

    def finish(self, sentence: str) -> None:
        """Put the sentence where the bar was."""
        self._display(Said(sentence))
        self.output = None

    def clear(self) -> None:
        """Say which task was not done."""
        if self.output:
            self.finish(f"{self.last}: not finished.")

    def _display(self, what: Any) -> None:
        from IPython.display import display

        if self.output:
            self.output.update(what)
        else:
            self.output = display(what, display_id=True)


def choose(say: Say) -> Sentences:
    """Return the way that fits where this process shows what it says."""
    here = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if here is not None and getattr(here, "kernel", None) is not None:
        return Notebook(say)
    return Terminal(say) if sys.stderr.isatty() else Sentences(say)


class Moving:
    """A bar that moves by itself until it is told to end.

    Args:
        way: how it is shown.
        look: is called with the seconds so far; returns task, share and note.
    """

    def __init__(self, way: Sentences, look: Callable[[float], tuple[str, float, str]]) -> None:
        self.way, self.look, self.begun = way, look, time.monotonic()
        self.over, self.alone = threading.Event(), threading.Lock()

    def now(self) -> None:
        """Look now, and show what is seen."""
        with self.alone:
            if not self.over.is_set():
                self.way.show(*self.look(time.monotonic() - self.begun))

    def end(self, sentence: str) -> None:
        """Stop, and leave this sentence."""
        with self.alone:
            self.over.set()
            self.way.finish(sentence)

    def run(self) -> None:
        """Look again and again."""
        while not self.over.wait(TICK):
            self.now()


@contextlib.contextmanager
def moving(say: Say, look: Callable[[float], tuple[str, float, str]]) -> Iterator[Moving]:
    """Show how far it is again and again while the block runs, or until it calls ``end``.

    Args:
        say: prints a sentence, where there is no bar.
        look: is called with the seconds so far; returns task, share and note.
    """
    bar = Moving(choose(say), look)
    bar.now()
    # A cell's outputs are told apart by a context variable: the thread needs the cell's.
    thread = threading.Thread(target=contextvars.copy_context().run, args=(bar.run,), daemon=True)
    thread.start()
    try:
        yield bar
    finally:
        with bar.alone:
            ended = bar.over.is_set()
            bar.over.set()
            if not ended:
                bar.way.clear()
        thread.join()


class Building:
    """How far a build is."""

    def __init__(self) -> None:
        self.task, self.bytes, self.fetched_at = TASKS[0], 0, 0.0
        self.unpacking = False

    def step(self, said: str) -> bool:
        """Take note of what a build says; return whether another task has begun."""
        self.unpacking = self.unpacking or "extracting" in said
        if begins := said in TASKS and said != self.task:
            self.task = said
        return begins

    def look(self, seconds: float) -> tuple[str, float, str]:
        """Return task, share and note: by bytes as long as something is fetched, then by time, then task by task."""
        if place := TASKS.index(self.task):
            rest = (place - 1) / (len(TASKS) - 1)
            return self.task, UNPACKED + (1 - UNPACKED) * rest, f"{seconds:.0f} s"
        if self.unpacking:
            self.fetched_at = self.fetched_at or seconds
            some = 1 - math.exp(-(seconds - self.fetched_at) / UNPACKING)
            return self.task, FETCHED + (UNPACKED - FETCHED) * some, f"unpacking, {seconds:.0f} s"
        self.bytes = max(self.bytes, fetched())
        doing = f"{self.bytes >> 20} MB so far" if self.bytes else "reading the mirror's lists"
        return self.task, FETCHED * min(1.0, self.bytes / DOWNLOAD), f"{doing}, {seconds:.0f} s"
