"""The way from the notebook to the containers, and the computers it crosses."""

from __future__ import annotations

from labkit.draw import paper
from labkit.inside.route import Route


def route(way: Route) -> None:
    """Draw who talks to whom: notebook, door, daemon, containers, and the wall between two computers."""
    axes = paper.sheet(18, 5)
    for x, width, name in _computers(way):
        paper.box(axes, x, 0.3, width, 4.2, face="white", line="--")
        paper.write(axes, x + 0.3, 4.1, name, at="left")
    paper.box(axes, 0.7, 1.4, 3.6, 1.8, "your notebook\ndocker-py, CLI", face=paper.BLUE)
    paper.box(axes, 6.0, 1.7, 4.0, 1.2, _door(way.door), mono=True, size=8)
    paper.box(axes, 11.5, 1.4, 2.4, 1.8, f"dockerd\n{way.engine}", face=paper.SAND)
    for index in range(3):
        paper.box(axes, 15.4, 0.8 + index * 1.05, 1.9, 0.8, "container", size=8)
        paper.arrow(axes, (13.9, 2.3), (15.4, 1.2 + index * 1.05))
    paper.arrow(axes, (4.3, 2.3), (6.0, 2.3))
    paper.arrow(axes, (10.0, 2.3), (11.5, 2.3))
    paper.write(axes, 5.15, 2.65, "HTTP", size=8)
    paper.show(axes, str(way))


def _computers(way: Route) -> list[tuple[float, float, str]]:
    if way.one_kernel:
        return [(0.2, 17.6, f"one computer, one kernel: {way.host}")]
    other = "a virtual machine" if way.desktop else "another computer"
    return [(0.2, 4.8, "this computer"), (5.4, 12.4, f"{other}: {way.host}")]


def _door(url: str) -> str:
    kind, _, place = url.partition("://")
    name = {"unix": "unix socket", "tcp": "TCP port", "npipe": "named pipe", "ssh": "ssh"}.get(kind, kind)
    return f"{name}\n{place if len(place) < 26 else '…' + place[-25:]}"
