"""What was recorded, made readable."""

from __future__ import annotations

import gzip
import io
import json
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.inside.conversation import KEEP
from labkit.inside.exchanges import Exchange
from labkit.inside.masking import MASK
from labkit.inside.reading import read_exchanges, read_target
from tests.inside.test_conversation import ATTACH, UPGRADED
from tests.inside.test_following import chunked
from tests.inside.test_streams import frame

RAW = "application/vnd.docker.raw-stream"


def spoken(body: bytes = b"", *answers: bytes, path: str = "/x", kind: str = "", **headers: str) -> Exchange:
    """The exchange of a POST with this body, whose answer has these pieces, one a second, in chunks."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    asked = f"POST /v1.41{path} HTTP/1.1\r\nHost: docker\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body
    kinds = f"Content-Type: {kind}\r\n" if kind else ""
    head = f"HTTP/1.1 200 OK\r\n{kinds}Transfer-Encoding: chunked\r\n\r\n".encode()
    pieces = [(2.0 + n, "daemon", chunked([answer])[:-5]) for n, answer in enumerate(answers) if answer]
    (found,) = read_exchanges([(0.5, "client", asked), (1.0, "daemon", head), *pieces, (99.0, "daemon", b"0\r\n\r\n")])
    return found


@pytest.mark.parametrize(
    ("target", "found"),
    [
        (b"/_ping", ("/_ping", "", {})),
        (b"/v1.41/containers/json?all=1", ("/containers/json", "1.41", {"all": "1"})),
        (
            b"/v1.41/events?filters=%7B%22a%22%3Atrue%7D&since=",
            ("/events", "1.41", {"filters": '{"a":true}', "since": ""}),
        ),
        (b"/build?t=a&t=b", ("/build", "", {"t": "a, b"})),
        (b"/v1.41", ("/v1.41", "", {})),
        (b"/volumes/v1.0/x", ("/volumes/v1.0/x", "", {})),
        (b"", ("", "", {})),
        (b"/\xff?\xfe=%ff", None),
    ],
)
def test_a_target_has_three_parts(target: bytes, found: tuple[str, str, dict[str, str]] | None) -> None:
    """Path, version of the API and query are told apart, and the query is decoded."""
    assert found is None or read_target(target) == found
    assert len(read_target(target)) == 3


def test_json_is_indented() -> None:
    """Bodies that are JSON are shown in indented lines, in their own order and letters."""
    found = spoken('{"Image":"wéb","Cmd":["a"]}'.encode(), b'{"Id":"4f1c",', b'"Warnings":[]}\n')
    assert found.body == '{\n  "Image": "wéb",\n  "Cmd": [\n    "a"\n  ]\n}'
    assert found.answer == '{\n  "Id": "4f1c",\n  "Warnings": []\n}'
    assert (found.path, found.version, found.status) == ("/x", "1.41", 200)
    assert (found.sent, found.received) == (28, 28)
    assert (found.started, found.answered, found.ended) == (0.5, 1.0, 99.0)
    assert found.headers["content-length"] == "28"
    assert found.answer_headers == {"transfer-encoding": "chunked"}


def test_lines_of_json_are_events() -> None:
    """Of an answer in chunks, each line of JSON is an event with its time."""
    found = spoken(b"", b'{"a":1}\n{"b":', b"2}\n", b'{"c":3}\n')
    assert found.chunks == ((2.0, '{"a":1}'), (3.0, '{"b":2}'), (4.0, '{"c":3}'))
    assert found.answer == '{"a":1}\n{"b":2}\n{"c":3}'


def packed(kind: str) -> bytes:
    """A small archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("Dockerfile"))
    return gzip.compress(buffer.getvalue()) if kind == "gzip" else buffer.getvalue()


@pytest.mark.parametrize(
    ("body", "kind", "note"),
    [
        (packed("tar"), "application/x-tar", f"<tar, {len(packed('tar'))} bytes>"),
        (packed("tar"), "", f"<tar, {len(packed('tar'))} bytes>"),
        (b"short", "application/x-tar", "<tar, 5 bytes>"),
        (b"\x1f\x8b\x08rest", "", "<gzip, 7 bytes>"),
        (b"\xff\xfe", "", "<2 bytes>"),
        (b"a\0b", "", "<3 bytes>"),
        (frame(1, b"hello"), RAW, "<raw stream, 13 bytes>"),
        (b"OK", "text/plain", "OK"),
        (b"{no json", "application/json", "{no json"),
        ("ünï\n".encode(), "", "ünï\n"),
        (b"", "", ""),
    ],
)
def test_what_is_no_text_is_noted(body: bytes, kind: str, note: str) -> None:
    """An archive or other bytes are a note with their size; text is shown."""
    assert spoken(b"", body, kind=kind).answer == note


@pytest.mark.parametrize("content", [b"x", "é".encode(), b"\xff"])
def test_long_bodies_are_cut(content: bytes) -> None:
    """A body that was not kept as a whole is shown in part, with its whole size, or noted."""
    size = 2 * KEEP * len(content) + 1
    found = spoken(b"", (content * size)[: size - 1] + b"y")
    assert str(size) in found.answer
    assert found.received == size


def test_long_json_is_not_shown_unmasked() -> None:
    """JSON whose end is missing cannot be searched for secrets, so only its size is shown."""
    body = json.dumps({"password": "hunter2", "long": "x" * KEEP}).encode()
    assert spoken(b"", body).answer == f"<JSON, {len(body)} bytes>"


def test_long_streams_show_their_whole_lines() -> None:
    """Of lines of JSON that were not kept as a whole, the whole ones are shown, and the problem says so."""
    line = b'{"a":1}\n'
    found = spoken(b"", line * (KEEP // len(line) + 5))
    assert len(found.chunks) == KEEP // len(line)
    assert found.problem == "only the beginning of the stream was kept"


def test_secrets_are_masked_everywhere() -> None:
    """A secret in a header, the query, the body, the answer or one of its lines is not shown anywhere."""
    secret = json.dumps({"Env": ["TOKEN=hunter2"], "password": "hunter2"}).encode()
    path = "/build?buildargs=%7B%22TOKEN%22%3A%22hunter2%22%7D"
    found = spoken(secret, secret + b"\n", secret + b"\n", path=path, X_Registry_Auth="hunter2")
    shown = [found.body, found.answer, *found.headers.values(), *found.query.values(), *(t for _, t in found.chunks)]
    assert not any("hunter2" in words for words in [*shown, found.request_line, repr(found)])
    assert sum(words.count(MASK) for words in shown) == 12


def test_an_upgraded_stream_has_frames() -> None:
    """What was typed and what came back are frames in the order of their times; the body of the answer is empty."""
    (found,) = read_exchanges(
        [
            (1.0, "client", ATTACH),
            (2.0, "daemon", UPGRADED.replace(b"\r\n\r\n", f"\r\nContent-Type: {RAW}\r\n\r\n".encode())),
            (3.0, "client", b"typed\n"),
            (4.0, "daemon", frame(1, b"out") + frame(2, b"err")),
            (5.0, "client", b""),
            (6.0, "daemon", b""),
        ]
    )
    assert [(f.seconds, f.stream, f.data) for f in found.frames] == [
        (3.0, "stdin", b"typed\n"),
        (4.0, "stdout", b"out"),
        (4.0, "stderr", b"err"),
    ]
    assert (found.status, found.upgraded, found.answer, found.sent, found.received) == (101, True, "", 6, 22)
    assert found.note == "101 UPGRADED, 3 frames"


@pytest.mark.parametrize("kind", ["", RAW, "application/vnd.docker.multiplexed-stream"])
def test_logs_are_a_raw_stream_in_chunks(kind: str) -> None:
    """The answer to /logs has frames, which are its events too; engines before API 1.42 do not say what it is."""
    found = spoken(b"", frame(1, b"one\n"), frame(2, b"two\n"), path="/containers/web/logs", kind=kind)
    assert [(f.seconds, f.stream, f.data) for f in found.frames] == [
        (2.0, "stdout", b"one\n"),
        (3.0, "stderr", b"two\n"),
    ]
    assert found.chunks == ((2.0, "one\n"), (3.0, "two\n"))
    assert not found.upgraded


@given(st.lists(st.tuples(st.sampled_from(["client", "daemon"]), st.binary(max_size=200)), max_size=8))
def test_nothing_makes_reading_fail(told: list[tuple[str, bytes]]) -> None:
    """Whatever two sides say, every request is an exchange that can be shown."""
    pieces = [(1.0, "client", ATTACH), *((2.0, who, data) for who, data in told), (3.0, "daemon", b"")]
    for found in read_exchanges(pieces):
        assert repr(found) and isinstance(found.body + found.answer + found.note, str)
