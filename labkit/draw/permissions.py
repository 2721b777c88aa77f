"""The ten letters of ``ls -l``, taken apart."""

from __future__ import annotations

from labkit.draw import paper
from labkit.inside.permissions import Permissions


def permissions(found: Permissions) -> None:
    """Draw the ten letters with what each group of them says and about whom."""
    axes = paper.sheet(18, 5)
    for index, letter in enumerate(found.letters):
        paper.box(axes, 0.6 + index * 1.1, 3.4, 1.0, 1.1, letter, mono=True, size=16, face=_face(index))
    paper.write(axes, 12.2, 3.95, found.path, mono=True, size=11, at="left")
    labels = [found.kind, *(str(rights).replace(": ", ":\n") for rights in found.classes)]
    places = [(0.6, 1.1), (1.7, 3.3), (5.0, 3.3), (8.3, 3.3)]
    for label, (x, width), left in zip(labels, places, (0.2, 3.2, 7.4, 11.6), strict=True):
        paper.box(axes, left, 0.6, 2.8 if left < 1 else 4.0, 1.5, label, face="white", size=9)
        paper.arrow(axes, (left + (1.4 if left < 1 else 2.0), 2.1), (x + width / 2, 3.4), style="-")
    paper.show(axes, _sentence(found))


def _face(index: int) -> str:
    return (paper.PALE, paper.BLUE, paper.SAND, paper.BLUE)[(index + 2) // 3]


def _sentence(found: Permissions) -> str:
    may = [f"{rights.who} {rights.name}".strip() for rights in found.classes if rights.connect]
    verb = "connect to" if found.kind == "socket" else "write to"
    return f"{found.path} is a {found.kind}; {' and '.join(may) or 'nobody'} may {verb} it."
