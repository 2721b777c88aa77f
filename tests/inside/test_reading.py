"""What was recorded, as a person reads it: decoded, indented, with a note for what is no text."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tarfile

import pytest

from labkit.inside.exchanges import Exchange
from labkit.inside.masking import MASK
from labkit.inside.reading import read_exchanges, read_target


def exchange(request: bytes, answer: bytes, *, body: bytes = b"", kind: bytes = b"application/json") -> Exchange:
    """Read one exchange whose answer has this body."""
    head = b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n" % (answer, kind, len(body))
    told = [(1.0, "client", request), (1.5, "daemon", head), (2.0, "daemon", body), (3.0, "daemon", b"")]
    [found] = read_exchanges([piece for piece in told if piece[2] or piece[0] == 3.0])
    return found


def get(path: bytes) -> bytes:
    """Return a request."""
    return b"GET %b HTTP/1.1\r\nHost: docker\r\n\r\n" % path


def tar() -> bytes:
    """Return an archive with one file."""
    with io.BytesIO() as data:
        with tarfile.open(fileobj=data, mode="w") as archive:
            archive.addfile(tarfile.TarInfo("x"))
        return data.getvalue()


def test_json_is_indented() -> None:
    """A JSON body stands in indented lines, with letters as they are."""
    found = exchange(get(b"/v1.41/containers/json?all=1"), b"200 OK", body='[{"Id":"ä"}]'.encode())
    assert found.answer == '[\n  {\n    "Id": "ä"\n  }\n]'
    assert (found.request_line, found.version, found.status) == ("GET /containers/json?all=1", "1.41", 200)
    assert (found.sent, found.received, found.started, found.answered, found.ended) == (0, 13, 1.0, 1.5, 2.0)


@pytest.mark.parametrize(
    ("body", "note"),
    [
        (tar(), f"<tar, {len(tar())} bytes>"),
        (gzip.compress(b"x", mtime=0), "<gzip, 21 bytes>"),
        (b"\xff\xfe\xfd", "<3 bytes>"),
        (b"a\0b", "<3 bytes>"),
        (b"OK", "OK"),
        (b'{"a":1}\n{"b":2}\n', '{"a":1}\n{"b":2}'),
        (b"{no json", "{no json"),
        (b"", ""),
    ],
)
def test_a_body_or_a_note(body: bytes, note: str) -> None:
    """What is text is shown; of what is none, kind and size."""
    assert exchange(get(b"/x"), b"200 OK", body=body, kind=b"application/octet-stream").answer == note


def test_secrets_are_masked_everywhere() -> None:
    """A password in a body, a credential in a header and a token in a query are not in the exchange."""
    body = b'{"username":"ada","password":"hunter2"}'
    head = b"POST /auth HTTP/1.1\r\nHost: d\r\nX-Registry-Auth: hunter2\r\nContent-Length: %d\r\n\r\n" % len(body)
    found = exchange(head + body, b"200 OK", body=b'{"IdentityToken":"hunter2"}')
    assert "hunter2" not in json.dumps([found.body, dict(found.headers), found.answer])
    assert [MASK in part for part in (found.body, found.headers["x-registry-auth"], found.answer)] == [True] * 3


def test_a_stream_line_by_line() -> None:
    """Each line of an answer in chunks has the time at which it was whole."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = [(1.0, "client", get(b"/events")), (2.0, "daemon", head + b'4\r\n{"a"\r\n')]
    pieces += [(3.0, "daemon", b"4\r\n:1}\n\r\n"), (4.0, "daemon", b'8\r\n{"b":2}\n\r\n')]
    [found] = read_exchanges(pieces)
    assert found.chunks == ((3.0, '{"a":1}'), (4.0, '{"b":2}'))
    assert found.note == "chunked, 2 events"


def test_a_raw_stream_frame_by_frame() -> None:
    """After an upgrade, what the client typed and what came back are frames in the order of their times."""
    upgrade = b"Connection: Upgrade\r\nUpgrade: tcp\r\n"
    kind = b"Content-Type: application/vnd.docker.raw-stream\r\n"
    out = struct.pack(">BxxxL", 1, 2) + b"hi" + struct.pack(">BxxxL", 2, 3) + b"err"
    [found] = read_exchanges(
        [
            (1.0, "client", b"POST /exec/x/start HTTP/1.1\r\nHost: d\r\n" + upgrade + b"\r\n"),
            (2.0, "daemon", b"HTTP/1.1 101 UPGRADED\r\n" + kind + upgrade + b"\r\n"),
            (3.0, "client", b"typed"),
            (4.0, "daemon", out),
        ]
    )
    told = [(frame.seconds, frame.stream, frame.data) for frame in found.frames]
    assert told == [(3.0, "stdin", b"typed"), (4.0, "stdout", b"hi"), (4.0, "stderr", b"err")]
    assert (found.upgraded, found.sent, found.received) == (True, 5, len(out))
    assert found.note == "101 UPGRADED, 3 frames"


@pytest.mark.parametrize(
    ("target", "found"),
    [
        (b"/_ping", ("/_ping", "", {})),
        (b"/v1.51/images/json?a=1&a=2&b=", ("/images/json", "1.51", {"a": "1, 2", "b": ""})),
        (b"/v1.51", ("/v1.51", "", {})),
        (b"/version/x?q=%7B%22a%22%3A1%7D", ("/version/x", "", {"q": '{"a":1}'})),
        (b"", ("", "", {})),
    ],
)
def test_the_target_is_taken_apart(target: bytes, found: tuple[str, str, dict[str, str]]) -> None:
    """Path, version of the API and query are told apart, and the query is decoded."""
    assert read_target(target) == found
