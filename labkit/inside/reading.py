"""Turn what was recorded of a request and its answer into an ``Exchange``: decoded, indented, masked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

import h11

from labkit.inside.conversation import RAW_STREAM, Conversation, Recording
from labkit.inside.exchanges import Exchange, Frame
from labkit.inside.following import Log
from labkit.inside.masking import mask_headers, mask_json, mask_query
from labkit.inside.streams import read_frames, read_lines

_VERSION = re.compile(r"/v(\d+\.\d+)(?=/)")

_LOGS = re.compile(r"/logs$")
_RAW = {"content-type": RAW_STREAM[0].decode()}
"""What the answer to ``GET …/logs`` is, and says only since API 1.42."""


def read_exchanges(pieces: Sequence[tuple[float, str, bytes]]) -> list[Exchange]:
    """Read what came over one connection.

    Args:
        pieces: seconds, ``"client"`` or ``"daemon"`` (who sent it), and the bytes; none at the end of that side.
    """
    recordings: list[Recording] = []
    conversation = Conversation(1, recordings.append)
    for seconds, who, data in pieces:
        (conversation.said if who == "client" else conversation.answered)(seconds, data)
    return [read_exchange(recording, number) for number, recording in enumerate(recordings, 1)]


def read_exchange(recording: Recording, number: int) -> Exchange:
    """Read one recording; nothing that it holds makes this fail: what cannot be read is the exchange's ``problem``."""
    try:
        return _read(recording, number)
    except Exception as error:
        problem = f"not understood: {error!r}"
        return Exchange(number, recording.connection, recording.method, "", started=recording.started, problem=problem)


def _read(recording: Recording, number: int) -> Exchange:
    path, version, query = read_target(recording.request.target if recording.request else b"")
    asked, answered = _headers(recording.request), _headers(recording.answer)
    said = answered if answered.get("content-type") or not _LOGS.search(path) else answered | _RAW
    frames, chunks = _frames(recording, said), _chunks(recording, said, path)
    if recording.chunked and frames:
        chunks = tuple((frame.seconds, frame.data.decode(errors="replace")) for frame in frames)
    return Exchange(
        number=number,
        connection=recording.connection,
        method=recording.method,
        path=path,
        version=version,
        query=mask_query(query),
        headers=mask_headers(asked),
        body=_text(recording.said, asked, path),
        status=recording.answer.status_code if recording.answer else 0,
        answer_headers=mask_headers(answered),
        answer="" if recording.upgraded else _text(recording.answered, said, path),
        sent=recording.said.size + recording.typed.size,
        received=recording.answered.size,
        started=recording.started,
        answered=recording.ended if recording.answered_at is None else recording.answered_at,
        ended=recording.ended,
        chunks=chunks,
        upgraded=recording.upgraded,
        frames=frames,
        problem=recording.problem or _cut(recording, frames, chunks),
    )


def _cut(recording: Recording, frames: Sequence[Frame], chunks: Sequence[object]) -> str:
    whole = recording.answered.whole and recording.typed.whole
    return "" if whole or not (frames or len(chunks) > 1) else "only the beginning of the stream was kept"


def read_target(target: bytes) -> tuple[str, str, dict[str, str]]:
    """Split what stands behind the method into path, version of the API and query."""
    path, _, query = target.decode("latin-1").partition("?")
    found = _VERSION.match(path)
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    joined = {name: ", ".join(several) for name, several in values.items()}
    return (path[found.end() :], found.group(1), joined) if found else (path, "", joined)


def _headers(head: h11.Request | h11.Response | h11.InformationalResponse | None) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in head.headers} if head else {}


def _frames(recording: Recording, answered: Mapping[str, str]) -> tuple[Frame, ...]:
    """The pieces of a raw stream, in the order in which they came."""
    if not _is_raw(answered) or answered.get("upgrade", "tcp").lower() != "tcp":
        return ()
    typed = [Frame(seconds, "stdin", data) for seconds, data in recording.typed.pieces]
    return tuple(sorted([*typed, *read_frames(recording.answered.pieces)], key=lambda frame: frame.seconds))


def _is_raw(headers: Mapping[str, str]) -> bool:
    return headers.get("content-type", "").encode() in RAW_STREAM


def _chunks(recording: Recording, answered: Mapping[str, str], path: str) -> tuple[tuple[float, str], ...]:
    """The lines of an answer in chunks; an image has none."""
    if not recording.chunked or not recording.answered.size or _note(recording.answered, answered):
        return ()
    lines = read_lines(recording.answered.pieces, whole=recording.finished and recording.answered.whole)
    return tuple((seconds, _line(text, path)) for seconds, text in lines)


def _text(log: Log, headers: Mapping[str, str], path: str) -> str:
    """A body as it can be shown: JSON in indented lines, lines of JSON or of text, or a note."""
    if not log.size:
        return ""
    if note := _note(log, headers):
        return note
    text = log.text().decode(errors="replace")  # the end may be cut in the middle of a letter
    if text.lstrip()[:1] not in ("{", "["):
        return text if log.whole else f"{text}… ({log.size} bytes in all)"
    try:
        return json.dumps(mask_json(json.loads(text), path=path), indent=2, ensure_ascii=False)
    except ValueError:
        lines = [_line(line, path) for _, line in read_lines(log.pieces, whole=log.whole)]
        return "\n".join(lines) or f"<JSON, {log.size} bytes>"


def _note(log: Log, headers: Mapping[str, str]) -> str:
    """What a body is that cannot be shown as text; empty for text."""
    data = log.text()
    kind = headers.get("content-type", "")
    if _is_raw(headers):
        return f"<raw stream, {log.size} bytes>"
    if data[:2] == b"\x1f\x8b":  # RFC 1952
        return f"<gzip, {log.size} bytes>"
    if data[257:262] == b"ustar" or "tar" in kind:  # the header of a POSIX archive: tar(5)
        return f"<tar, {log.size} bytes>"
    try:
        data[: len(data) if log.whole else data.rfind(b"\n") + 1].decode()
    except UnicodeDecodeError:
        return f"<{log.size} bytes>"
    return "" if b"\0" not in data else f"<{log.size} bytes>"


def _line(text: str, path: str) -> str:
    """A line with the secrets masked in it, if it is JSON."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    masked = mask_json(value, path=path)
    return text if masked == value else json.dumps(masked, ensure_ascii=False)
