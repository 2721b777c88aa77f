"""Each learner's own names, words and numbers: the same every time for the same learner, different for each.

An answer copied from a neighbour is wrong, and a judge can make the expected value again from the name alone.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import TypeVar

from labkit import sandbox

BIRDS = (  # noqa: SIM905 - words read better than sixty quotes
    "avocet bittern bunting buzzard chough coot crake crane crow cuckoo curlew dipper dotterel dunlin dunnock eider "
    "falcon finch fulmar gadwall gannet garganey godwit goldeneye goosander grebe grouse gull harrier hawk heron hobby "
    "hoopoe jackdaw jay kestrel kite knot lapwing lark linnet magpie martin merlin nightjar nuthatch oriole osprey "
    "ouzel owl partridge petrel pigeon pintail pipit plover pochard puffin quail rail raven redpoll robin rook"
).split()

T = TypeVar("T")


class Seed:
    """Values drawn for one learner and one exercise; every name has its own stream.

    Args:
        learner: who; or a secret, where the learner's own code must not be able to work the values out.
        exercise: the exercise's id, such as ``"01.ping"``.
    """

    def __init__(self, learner: str, exercise: str) -> None:
        self.learner = learner
        self.exercise = exercise

    def stream(self, name: str) -> random.Random:
        """Return the generator of everything that is drawn under ``name``."""
        key = "\0".join(("labkit", self.learner, self.exercise, name))
        return random.Random(hashlib.sha256(key.encode(errors="surrogateescape")).digest())

    def word(self, name: str) -> str:
        """Return a bird and four hexadecimal digits, such as ``"heron-3f07"``."""
        stream = self.stream(name)
        return f"{stream.choice(BIRDS)}-{stream.randrange(1 << 16):04x}"

    def number(self, name: str, low: int, high: int) -> int:
        """Return a whole number from ``low`` to ``high``, both included."""
        return self.stream(name).randint(low, high)

    def pick(self, name: str, among: Sequence[T]) -> T:
        """Return one of ``among``."""
        return self.stream(name).choice(among)


def learner() -> str:
    """Who sits here; the owner of everything labelled."""
    return sandbox.owner()


def mark(who: str) -> str:
    """Return the word in the names of everything that this learner's exercises make."""
    return Seed(who, "").word("mark")
