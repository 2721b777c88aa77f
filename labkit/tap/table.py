"""The table of what went over the wire: one line for each request."""

from __future__ import annotations

from collections.abc import Sequence

from labkit.inside.exchanges import Exchange

ROOM = 58
"""Letters for a request line; longer ones lose their middle."""

HEAD = ("", "request", "status", "sent", "received", "ms", "note")


def write_table(exchanges: Sequence[Exchange], *, times: bool = True) -> str:
    """Return the table as text, numbers to the right; without ``times``, it has no column of milliseconds."""
    columns = [column for column in range(len(HEAD)) if times or HEAD[column] != "ms"]
    rows = [[row[column] for column in columns] for row in (HEAD, *map(_row, exchanges))]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    left = [HEAD[column] in ("request", "note") for column in columns]
    lines = (
        "  ".join(f"{word:{'<' if at else '>'}{width}}" for word, width, at in zip(row, widths, left, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def _row(exchange: Exchange) -> tuple[str, ...]:
    return (
        str(exchange.number),
        shorten(exchange.brief if exchange.method else "(not understood)", ROOM),
        str(exchange.status or "–"),
        str(exchange.sent),
        str(exchange.received),
        f"{(exchange.ended - exchange.started) * 1000:.0f}",
        shorten(exchange.note, 2 * ROOM),
    )


def shorten(words: str, room: int) -> str:
    """Take letters out of the middle until at most ``room`` are left; what cannot be printed is as in Python."""
    words = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in words)
    if len(words) <= room:
        return words
    behind = room // 3
    return f"{words[: room - 1 - behind]}…{words[-behind:]}"
