"""The ten letters of ``ls -l``, taken apart."""

from __future__ import annotations

from labkit.draw import paper
from labkit.inside.permissions import Permissions


def permissions(found: Permissions) -> None:
    """Draw the ten letters with what each group of them says and about whom."""
    axes = paper.sheet(18, 4.6)
    paper.write(axes, 0.4, 4.2, paper.printable(found.path), mono=True, size=11, at="left", room=17.2)
    labels = [found.kind, *(str(rights).replace(": ", "\n").replace(" (", "\n(") for rights in found.classes)]
    places = [(0.4, 3.2, 0, 1), (4.0, 4.3, 1, 4), (8.7, 4.3, 4, 7), (13.4, 4.3, 7, 10)]
    for label, (left, width, first, end) in zip(labels, places, strict=True):
        middle = left + width / 2
        for index in range(first, end):
            x = middle + (index - (first + end) / 2) * 1.15 + 0.075
            paper.box(axes, x, 2.6, 1.0, 1.1, found.letters[index], mono=True, size=16, face=_face(index))
        paper.arrow(axes, (middle, 1.9), (middle, 2.6), style="-")
        paper.box(axes, left, 0.3, width, 1.6, label, face="white")
    paper.show(axes, _sentence(found))


def _face(index: int) -> str:
    return (paper.PALE, paper.BLUE, paper.SAND, paper.BLUE)[(index + 2) // 3]


def _sentence(found: Permissions) -> str:
    may = [f"{rights.who} {rights.name}".strip() for rights in found.classes if rights.connect]
    verb = "connect to" if found.kind == "socket" else "write to"
    return f"{found.path} is a {found.kind}; {paper.series(may, 'nobody')} may {verb} it."
