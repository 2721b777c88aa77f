"""What an exercise is: a world to prepare, parts to be judged, hints to be given.

An exercise is one class in its chapter's module. It is registered by its id; the notebook's cells carry the
same id in their metadata, the reference answer and the typical mistakes in their file names.
"""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import labkit.course
from labkit import errors, images, sandbox
from labkit.course.claims import Claim, hand_in
from labkit.course.outputs import Case, compare, read_outputs
from labkit.course.seed import Seed, mark
from labkit.course.verdict import Finding, Part, Verdict
from labkit.daemon import Daemon
from labkit.host import Host
from labkit.hosts import open_host

Kind = Literal["value", "state", "program"]


class World:
    """What an exercise and its judge see: a daemon, its host, and this learner's own values.

    Args:
        daemon: where the exercise happens.
        exercise: its id.
        learner: whose values; the judge can name anybody.
        nonce: what a judge draws its inputs from, so that nobody knows them before.
        secret: what the values are drawn from instead of the learner's name, where nobody may work them out.
    """

    def __init__(self, daemon: Daemon, exercise: str, learner: str, nonce: str = "", *, secret: str = "") -> None:
        self.daemon = daemon
        self.exercise = exercise
        self.learner = learner
        self.seed = Seed(secret or learner, exercise)
        self.nonce = nonce
        self.notes: dict[str, Any] = {}
        """What was observed while the learner's function ran."""

    @cached_property
    def host(self) -> Host:
        """The daemon's host."""
        return open_host(self.daemon)

    @property
    def draws(self) -> Seed:
        """The judge's own draws: other than the learner's values, and other at each check."""
        return Seed(self.learner, f"{self.exercise}\0{self.nonce}")

    def name(self, what: str = "") -> str:
        """The name of one object of this exercise: ``labkit-01-ping-heron-3f07-<what>``."""
        words = (sandbox.LABEL, self.exercise.replace(".", "-"), mark(self.learner), what)
        return "-".join(word for word in words if word)

    def run(
        self, command: str | list[str], what: str = "", *, image: str = "", start: bool = True, **options: Any
    ) -> sandbox.Box:
        """Create a labelled container of this exercise, on ``labkit/busybox`` unless another is given, and start it."""
        marks = {f"{sandbox.LABEL}.exercise": self.exercise} | options.pop("labels", {})
        return (sandbox.run if start else sandbox.create)(
            image or images.ensure(self.daemon),
            command,
            name=self.name(what),
            what="exercise",
            daemon=self.daemon,
            labels=marks,
            **options,
        )

    def image(self, what: str, *layers: images.Files, **options: Any) -> str:
        """Make a labelled image of this exercise, as ``images.stack`` does; return its tag."""
        marks = {f"{sandbox.LABEL}.exercise": self.exercise}
        tag = self.name(what if ":" in what else f"{what}:latest")
        return images.stack(self.daemon, *layers, tag=tag, what="exercise", labels=marks, **options)

    def find(self, what: str = "") -> sandbox.Box | None:
        """Return the container ``name(what)``, or None if the daemon has none of that name."""
        return sandbox.find(self.daemon, self.name(what))

    def running(self, what: str = "") -> sandbox.Box | None:
        """Return the container ``name(what)`` if it runs, else None."""
        box = self.find(what)
        return box if box and box.pid else None

    def clear(self) -> None:
        """Remove every labelled object whose name is this exercise's: a clean world to begin in.

        A grader without a daemon has only exercises that make nothing.

        Raises:
            CourseError: if something of it cannot be removed.
        """
        if not self.daemon:
            return
        for thing in sandbox.clean(self.daemon, named=self.name()):
            if thing.left:
                problem = f"The {thing.kind} {thing.name} of an earlier try cannot be removed: {thing.left}."
                raise errors.CourseError(problem, "Remove what uses it, then begin again.")

    def close(self) -> None:
        """Hang up on the host, if it was asked anything."""
        if "host" in self.__dict__:
            self.host.close()


class Exercise(ABC):
    """One exercise. Subclasses say what they are in class attributes and write ``prepare`` and ``judge``."""

    id: ClassVar[str]
    title: ClassVar[str]
    kind: ClassVar[Kind]
    brief: ClassVar[str]
    """What ``begin`` prints, above the values that ``prepare`` returns."""
    parts: ClassVar[tuple[Part, ...]]
    hints: ClassVar[tuple[str, ...]]
    seconds: ClassVar[int] = 30
    """How long one check may take."""

    @property
    def chapter(self) -> str:
        """The two digits before the dot."""
        return self.id.partition(".")[0]

    @property
    def total(self) -> int:
        """All points that can be reached."""
        return sum(part.points for part in self.parts)

    def reference(self) -> str:
        """Return the text of the reference answer, from the course's own tests.

        Raises:
            CourseError: if the tests are not on this computer.
        """
        file = Path(__file__).parents[2] / "tests" / "solutions" / f"{self.id}.py"
        try:
            return file.read_text("utf-8").strip()
        except FileNotFoundError:
            remedy = "It is in the course's repository, in tests/solutions."
            raise errors.CourseError(f"{file.name} is not on this computer.", remedy) from None

    def prepare(self, world: World) -> dict[str, Any]:
        """Make the world of this exercise; return the values that the learner is told."""
        return {}

    @contextlib.contextmanager
    def stage(self, world: World) -> Iterator[list[tuple[Any, ...]] | None]:
        """Yield the arguments of each call of the learner's function, for as long as what they speak of is there.

        None is yielded where the answer is no function.
        """
        yield None

    def gather(self, claim: Claim, world: World) -> Claim:
        """Add what was observed while the stage stood; nothing that the learner's cell could say of itself."""
        return claim

    def claim(self, world: World, answer: object) -> Claim:
        """Turn the learner's answer into JSON; what the judge will see of it is only that."""
        with self.stage(world) as calls:
            claim = hand_in(answer, calls)
        return self.gather(claim, world)

    @abstractmethod
    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Yield what is found out about each part; stop where the rest cannot be reached."""

    def verdict(self, claim: Claim, world: World) -> Verdict:
        """Judge a claim. An answer that is not there yet is not judged."""
        if self.kind != "state" and claim.empty:
            return Verdict(self.id, self.parts, {}, answered=False)
        return Verdict.of(self.id, self.parts, self.judge(claim, world))


class Program(Exercise):
    """An exercise whose answer is a function: the judge chooses the inputs and compares the outputs.

    Most write ``cases`` and say in ``look_at`` and ``whys`` what a learner reads where a result is wrong.
    """

    kind = "program"
    look_at: ClassVar[str] = ""
    whys: ClassVar[Mapping[str, str]] = {}
    """The misunderstanding behind a wrong result, by part."""

    @contextlib.contextmanager
    def stage(self, world: World) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the arguments of each call: plain data, or texts and numbers that say where something waits."""
        yield self.inputs(world)

    def cases(self, world: World) -> list[Case]:
        """Return the calls to make and their right results, drawn from ``world.draws``."""
        raise NotImplementedError

    def inputs(self, world: World) -> list[tuple[Any, ...]]:
        """Return the arguments of each call."""
        return [case.arguments for case in self.cases(world)]

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Compare the outputs with the right results, part by part."""
        cases = self.cases(world)
        told = list(zip(cases, read_outputs(claim, len(cases)), strict=True))
        for part in self.parts:
            yield compare(part.key, told, look_at=self.look_at, why=self.whys.get(part.key, ""))


_registry: dict[str, Exercise] = {}


def register(exercise: type[Exercise]) -> type[Exercise]:
    """Class decorator: make an exercise known by its id."""
    if exercise.id in _registry:
        raise ValueError(f"there are two exercises {exercise.id}")
    _registry[exercise.id] = exercise()
    return exercise


def exercises(chapter: str = "") -> list[Exercise]:
    """Return the exercises of a chapter, or of all, in the order of their modules."""
    for module in sorted(pkgutil.iter_modules(labkit.course.__path__), key=lambda module: module.name):
        if module.name.startswith("ch"):
            importlib.import_module(f"labkit.course.{module.name}")
    known = sorted(_registry.values(), key=lambda exercise: type(exercise).__module__)  # whichever was imported first
    return [exercise for exercise in known if exercise.id.startswith(chapter)]


def find(exercise_id: str) -> Exercise:
    """Return the exercise with this id.

    Raises:
        CourseError: if there is none; the nearest ids are named.
    """
    import difflib

    known = {exercise.id: exercise for exercise in exercises()}
    if exercise_id in known:
        return known[exercise_id]
    near = ", ".join(difflib.get_close_matches(str(exercise_id), known, 3, 0.3)) or ", ".join(known)
    raise errors.CourseError(f"There is no exercise {exercise_id!r}.", f"Did you mean: {near}?")
