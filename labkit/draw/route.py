"""The way from the notebook to the containers, and the computers it crosses."""

from __future__ import annotations

from labkit.draw import paper
from labkit.inside.route import Route


def route(way: Route) -> None:
    """Draw who talks to whom: notebook, door, daemon, containers, and the wall between two computers."""
    axes = paper.sheet(18, 5)
    for x, width, name in _computers(way):
        paper.box(axes, x, 0.3, width, 4.4, face="white", line="--")
        paper.write(axes, x + 0.3, 4.25, name, at="left", room=width - 0.6)
    paper.box(axes, 0.6, 1.3, 3.6, 1.8, "your notebook\ndocker-py, CLI", face=paper.BLUE)
    paper.arrow(axes, (4.2, 2.2), (6.2, 2.2))
    paper.write(axes, 5.2, 2.5, "HTTP", size=8)
    paper.box(axes, 6.2, 1.6, 4.0, 1.2, _door(way.door), mono=True, size=9)
    paper.arrow(axes, (10.2, 2.2), (12.1, 2.2))
    paper.box(axes, 12.1, 1.3, 2.4, 1.8, f"dockerd\n{way.engine}", face=paper.SAND)
    for middle in (1.15, 2.2, 3.25):
        paper.arrow(axes, (14.5, 2.2), (15.4, middle))
        paper.box(axes, 15.4, middle - 0.4, 2.0, 0.8, "container", size=8)
    paper.show(axes, str(way))


def _computers(way: Route) -> list[tuple[float, float, str]]:
    """Left edge, width and name of each computer; a socket is a file on the notebook's own."""
    if way.one_kernel:
        return [(0.2, 17.6, f"one computer, one kernel: {way.host}")]
    other = "a virtual machine" if way.walled else "another computer"
    end, start = (10.6, 11.7) if way.near else (4.6, 5.8)
    return [(0.2, end - 0.2, "this computer"), (start, 17.8 - start, f"{other}: {way.host}")]


def _door(url: str) -> str:
    kind, _, place = url.partition("://")
    name = {"unix": "unix socket", "tcp": "TCP port", "npipe": "named pipe", "ssh": "ssh"}.get(kind, kind)
    return f"{name}\n{place}"
