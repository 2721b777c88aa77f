"""What comes bit by bit: the frames of a raw stream, and the lines of an answer, each with its time.

Source: Engine API, ``ContainerAttach``: without a terminal, each piece of output has eight bytes before it, one that
names the stream, three of padding, and four with the length. With a terminal there are only the bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence

from labkit.inside.exchanges import Frame

Pieces = Sequence[tuple[float, bytes]]
"""Bytes with the seconds at which they came."""

_HEADER = struct.Struct(">BxxxL")
_STREAMS = ("stdin", "stdout", "stderr", "stderr")  # the last: an error of the daemon's own, "systemerr"


def read_frames(pieces: Pieces) -> list[Frame]:
    """Read the output of a raw stream; a frame that is cut off at the end is left out."""
    if not _is_framed(b"".join(data for _, data in pieces[:8])):
        return [Frame(seconds, "tty", data) for seconds, data in pieces]
    frames, buffer = [], bytearray()
    for seconds, data in pieces:
        buffer += data
        while len(buffer) >= _HEADER.size:
            stream, length = _HEADER.unpack_from(buffer)
            if len(buffer) < (end := _HEADER.size + length):
                break
            frames.append(Frame(seconds, _STREAMS[stream & 3], bytes(buffer[_HEADER.size : end])))
            del buffer[:end]
    return frames


def _is_framed(data: bytes) -> bool:
    """Whether the stream begins with the head of a frame: a terminal never sends three zeros there."""
    return len(data) >= _HEADER.size and data[0] < 4 and data[1:4] == bytes(3)


def read_lines(pieces: Pieces, *, whole: bool) -> Iterator[tuple[float, str]]:
    """Yield each line that is not empty, with the seconds at which it was complete.

    Args:
        pieces: what came.
        whole: whether nothing is missing at the end, so that a last line without its end is one too.
    """
    rest, seconds = b"", 0.0
    for seconds, data in pieces:
        *lines, rest = (rest + data).split(b"\n")
        yield from ((seconds, line.decode(errors="replace").rstrip("\r")) for line in lines if line.strip())
    if whole and rest.strip():
        yield seconds, rest.decode(errors="replace")
