"""How far apart submissions are kept from each other, from the grader and from its host; every report says it."""

from __future__ import annotations

from dataclasses import dataclass

from labkit import errors


@dataclass(frozen=True)
class Level:
    """One level of isolation.

    Attributes:
        name: as on the command line.
        who: for whom it is.
        keeps: what it keeps apart.
        leaves: what it does not keep apart.
    """

    name: str
    who: str
    keeps: str
    leaves: str

    @property
    def sentence(self) -> str:
        """What every report says."""
        return f"Level {self.name}, for {self.who}. {self.keeps} {self.leaves}"


_KEPT = (
    "Every submission runs in a fresh kernel with an environment and a folder of its own, under names and values that "
    "nobody has seen before{}. The judge is another process and asks the daemon itself."
)
_SHARED = "; what it makes on the daemon is removed by its labels"
_OWN = ", on a Docker host of its own that nobody has used and that is thrown away afterwards"

LEVELS = {
    level.name: level
    for level in (
        Level(
            "self",
            "yourself, and whoever you would let use your computer",
            _KEPT.format(_SHARED),
            "The kernel runs as you and speaks to your daemon, which is as good as being root on its host: a "
            "submission that means harm can do there what you can.",
        ),
        Level(
            "class",
            "a class that you trust",
            _KEPT.format(_OWN),
            "The kernel runs as the grader's user: a submission that means harm can read the grader's files, reference "
            "answers among them, speak to whatever daemon that user may speak to, and look at or disturb what others "
            "run at the same time.",
        ),
        Level(
            "sandbox",
            "everybody else",
            "Every submission runs in a fresh kernel, beside a Docker host of its own, in a container without network, "
            "without capabilities, and without any way to the grader's files and daemon; nbval and the judge sit in a "
            "second one. Both are thrown away afterwards.",
            "Containers share the computer's kernel. And whoever takes over the Docker host in their sandbox can tell "
            "the judge lies about its containers, though not about values and functions: those the judge draws.",
        ),
    )
}


def choose(name: str) -> Level:
    """Return the level of this name.

    Raises:
        CourseError: if there is none.
    """
    if name not in LEVELS:
        raise errors.CourseError(f"There is no level {name!r}.", f"There are: {', '.join(LEVELS)}.")
    return LEVELS[name]
