"""A chapter of plain Python, number 90: five functions to write, and not one question to a daemon.

It is no chapter of the course, and importing this registers nothing: ``INSTALL`` does, in each process that judges.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from labkit.course.exercise import Program, World, exercises, register
from labkit.course.outputs import Case
from labkit.course.seed import BIRDS
from labkit.course.verdict import Part
from labkit.grade.compose import ALLOWED_TO_FAIL, compose

FILE = "90_plain.ipynb"
CLASS = 30  # learners
INSTALL = f"{__name__}:install"

Kind = Literal["perfect", "partial", "wrong"]
KINDS: tuple[Kind, ...] = ("perfect", "partial", "wrong")

Draw = tuple[str, tuple[Any, ...]]
"""The part that a call is for, and its arguments."""


class Plain(Program):
    """One function: its judge draws three calls for each part, and needs nothing else."""

    brief = "The judge will call your function with values of its own."
    head: ClassVar[str]
    """The answer cell's first line."""
    bodies: ClassVar[tuple[str, str, str]]
    """The line below it, for each of ``KINDS``; the partial one passes the first part, the wrong one none."""
    truth: Callable[..., Any]
    """The right result of a call."""
    demos: ClassVar[tuple[str, ...]]
    """Cells before the exercise that show what it needs."""

    @property
    def function(self) -> str:
        """The name that the check cell hands in."""
        return self.head.removeprefix("def ").partition("(")[0]

    def answer(self, kind: Kind) -> str:
        """The text of an answer cell."""
        return f"{self.head}\n    {self.bodies[KINDS.index(kind)]}"

    def points(self, kind: Kind) -> int:
        """What that answer is worth."""
        return {"perfect": self.total, "partial": self.parts[0].points, "wrong": 0}[kind]

    def reference(self) -> str:
        """Return the perfect answer."""
        return self.answer("perfect")

    def cases(self, world: World) -> list[Case]:
        """Draw the calls, in any order."""
        drawn = [Case(part, words, self.truth(*words), repr(words), reveal=True) for part, words in self.draw(world)]
        world.draws.stream("order").shuffle(drawn)
        return drawn

    def draw(self, world: World) -> Iterator[Draw]:
        """Yield each part's calls, drawn from ``world.draws``."""
        raise NotImplementedError


class Add(Plain):
    """Two numbers."""

    id = "90.add"
    title = "add two numbers"
    parts = (Part("plain", 1, "numbers above zero are added"), Part("signed", 1, "numbers below zero are added too"))
    hints = ("What is two and three?", "What is two and minus three?", "The operator + adds whatever has a sign.")
    look_at = "the sum that you get by hand"
    demos = "total = sum(range(10))\ntotal", "divmod(17, 5)"
    head = "def add(a, b):"
    bodies = "return a + b", "return abs(a) + abs(b)", "return a - b"
    truth = staticmethod(operator.add)

    def draw(self, world: World) -> Iterator[Draw]:
        """Three pairs, then three with a minus."""
        for n in range(3):
            a, b = (world.draws.number(f"{name}{n}", 1, 10**6) for name in "ab")
            yield "plain", (a, b)
            yield "signed", ((a, -b), (-a, b), (-a, -b))[n]


class Words(Plain):
    """A text."""

    id = "90.words"
    title = "count words"
    parts = (Part("single", 1, "one space separates two words"), Part("runs", 1, "so do many, and so does a new line"))
    hints = ("What stands between two words?", "And where two spaces stand there?", "str.split() takes no argument.")
    look_at = "help(str.split): what it does without a separator"
    demos = "'a b c'.split()", "len('abc')"
    head = "def count_words(text):"
    bodies = "return len(text.split())", 'return text.count(" ") + 1', "return len(text)"
    truth = staticmethod(lambda text: len(text.split()))

    def draw(self, world: World) -> Iterator[Draw]:
        """Three sentences, then three that somebody typed in a hurry."""
        a, b, c = world.draws.stream("birds").sample(BIRDS, 3)
        yield from (("single", (text,)) for text in (a, f"{a} {b}", f"{c} {b} {a}"))
        yield from (("runs", (text,)) for text in (f"  {a} {b} ", f"{a}\n{c}", f"{b}  {c}"))


class Evens(Plain):
    """A list of numbers."""

    id = "90.evens"
    title = "keep the even numbers"
    parts = (Part("plain", 1, "even numbers above zero are kept"), Part("signed", 1, "zero and those below it as well"))
    hints = ("What is left when an even number is halved?", "Is zero even?", "number % 2 is 0 for every even number.")
    look_at = "the operator %, with a negative number before it"
    demos = "squares = [n * n for n in range(10)]\nsquares", "{n % 3 for n in squares}"
    head = "def evens(numbers):"
    bodies = (
        "return [n for n in numbers if n % 2 == 0]",
        "return [n for n in numbers if n > 0 and n % 2 == 0]",
        "return [n for n in numbers if n % 2]",
    )
    truth = staticmethod(lambda numbers: [n for n in numbers if not n & 1])

    def draw(self, world: World) -> Iterator[Draw]:
        """Three lists, each with its mirror image below zero."""
        for n in range(3):
            numbers = [2 * world.draws.number(f"{n}", 1, 1000) + odd for odd in (0, 1, 0, 1, 1)]
            yield "plain", (numbers,)
            yield "signed", ([-number for number in numbers] + [0],)


class Mirror(Plain):
    """A text that may read the same backwards."""

    id = "90.mirror"
    title = "read it backwards"
    parts = (Part("plain", 1, "letters are compared"), Part("loose", 2, "capitals, spaces and commas do not count"))
    hints = ("What does text[::-1] give?", "Is an A an a here?", "Compare the letters alone: str.isalpha, str.lower.")
    look_at = "the text and text[::-1], one below the other"
    demos = "'abc'[::-1]", "'Abc'.lower()"
    head = "def is_mirror(text):"
    bodies = (
        "letters = [c.lower() for c in text if c.isalpha()]; return letters == letters[::-1]",
        "return text == text[::-1]",
        "return text[::-1]",
    )
    truth = staticmethod(lambda text: (letters := re.sub(r"\W", "", text.lower())) == letters[::-1])

    def draw(self, world: World) -> Iterator[Draw]:
        """Three words, some of them doubled, then the same in a sentence."""
        for bird in world.draws.stream("birds").sample(BIRDS, 3):
            yield from (("plain", (text,)) for text in (bird, bird + bird[::-1]))
            yield "loose", (f"{bird.title()}, {bird[::-1]}",)


class Tally(Plain):
    """A list of words."""

    id = "90.tally"
    title = "count each word"
    parts = (Part("once", 1, "words that come once count one"), Part("again", 2, "words that come again count more"))
    hints = ("Which type has a number for each word?", "What if it is there already?", "dict.get(word, 0) + 1 helps.")
    look_at = "the list, and how often its first word stands there"
    demos = ("ages = {'ada': 36, 'alan': 41}\nages.get('grace', 0)",)
    head = "def tally(words):"
    bodies = "return {w: words.count(w) for w in words}", "return {w: 1 for w in words}", "return len(words)"
    truth = staticmethod(lambda words: {word: len([w for w in words if w == word]) for word in words})

    def draw(self, world: World) -> Iterator[Draw]:
        """Three lists without a double, three with."""
        a, b, c = world.draws.stream("birds").sample(BIRDS, 3)
        yield from (("once", (words,)) for words in ([a], [a, b], [c, b, a]))
        yield from (("again", (words,)) for words in ([a, a], [b, a, b, c], [c, c, a, c, b, b]))


EXERCISES: tuple[type[Plain], ...] = (Add, Words, Evens, Mirror, Tally)


def install() -> None:
    """Register the five exercises in this process; once more changes nothing."""
    known = {found.id for found in exercises()}
    for kind in EXERCISES:
        if kind.id not in known:
            register(kind)


def notebook() -> NotebookNode:
    """Return the chapter: 25 code cells, none of which was run."""
    cells = [new_markdown_cell("# 90 Plain", id="90"), _cell("start", "setup", "from labkit import begin, check")]
    for kind in EXERCISES:
        one = kind()
        cells.append(new_markdown_cell(f"## {one.id}\n\nHere we {one.title}:", id=one.function))
        cells += [_cell(f"{one.function}-{n}", "demo", text) for n, text in enumerate(one.demos, 1)]
        cells.append(_cell("begin", "setup", f'task = begin("{one.id}")', one.id))
        cells.append(_cell("answer", "answer", f"{one.head}\n    # TODO\n    return None", one.id))
        cells.append(_cell("check", "check", f"check(task, {one.function})", one.id, tags=[ALLOWED_TO_FAIL]))
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    made: NotebookNode = new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})
    return made


def _cell(name: str, role: str, source: str, exercise: str = "", **metadata: Any) -> NotebookNode:
    marks = {"cell": f"{exercise or '90'}.{name}", "role": role} | ({"exercise": exercise} if exercise else {})
    identity = marks["cell"].replace(".", "-")
    made: NotebookNode = new_code_cell(source, id=identity, metadata={"labkit": marks} | metadata)
    return made


def write_chapter(folder: Path) -> Path:
    """Write the chapter into a folder, as shipped; return its file."""
    nbformat.write(notebook(), folder / FILE)
    return folder / FILE


def answers(kind: Kind, n: int) -> dict[str, str]:
    """Return what the n-th learner of this kind wrote: exercise id → the text of the answer cell."""
    return {one.id: f"# learner {n}\n{one.answer(how)}" for one, how in _mixed(kind, n)}


def points(kind: Kind, n: int) -> int:
    """Return what those answers are worth."""
    return sum(one.points(how) for one, how in _mixed(kind, n))


def _mixed(kind: Kind, n: int) -> list[tuple[Plain, Kind]]:
    return [(one(), KINDS[(n // 3 + at) % 3] if kind == "partial" else kind) for at, one in enumerate(EXERCISES)]


def pupils(count: int = CLASS) -> dict[str, tuple[Kind, int]]:
    """Return a class, by name: what kind of learner, and which number; as many of each kind."""
    return {f"learner-{n:02}": (KINDS[n % 3], n) for n in range(1, count + 1)}


def write_class(folder: Path, count: int = CLASS) -> dict[str, int]:
    """Write one notebook for each learner, ``learner-07/90_plain.ipynb``; return the points that each must get."""
    chapter = notebook()
    for name, who in pupils(count).items():
        (folder / name).mkdir(parents=True)
        nbformat.write(compose(chapter, answers(*who)), folder / name / FILE)
    return {name: points(*who) for name, who in pupils(count).items()}
