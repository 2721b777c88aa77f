"""Bodies are followed to their end; h11 reads the same bytes for a second opinion."""

from __future__ import annotations

import itertools

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.inside.following import LONGEST_HEAD, Body, Log, for_answers, read_framing

HEAD = b"HTTP/1.1 200 OK\r\n"
BEHIND = b"HTTP/1.1 204 No Content\r\n\r\n"


def chunked(pieces: list[bytes], *, extension: bytes = b"", trailers: bytes = b"") -> bytes:
    """The pieces as RFC 9112, 7.1 frames them."""
    chunks = b"".join(b"%X%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces if piece)
    return chunks + b"0\r\n" + trailers + b"\r\n"


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """The bytes in pieces, cut at these places."""
    ends = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[begin:end] for begin, end in itertools.pairwise(ends)]


def follow(body: Body, pieces: list[bytes]) -> tuple[bytes, bytes]:
    """What belongs to the body, and what comes behind it."""
    inside, behind = b"", b""
    for piece in pieces:
        if body.done:
            behind += piece
            continue
        taken, rest = body.take(memoryview(piece))
        inside += b"".join(taken)
        behind += rest
    return inside, behind


def second_opinion(framing: bytes, data: bytes) -> tuple[bytes, bytes]:
    """The same as h11 reads it, in one piece."""
    parser = for_answers("GET", upgrade=False)
    parser.receive_data(HEAD + framing + b"\r\n" + data)
    body = b""
    while not isinstance(event := parser.next_event(), h11.EndOfMessage):
        assert isinstance(event, h11.Response | h11.Data)
        body += event.data if isinstance(event, h11.Data) else b""
    return body, parser.trailing_data[0]


@given(
    st.lists(st.binary(max_size=50)),
    st.lists(st.integers(0, 2000)),
    st.sampled_from([b"", b";x=1", b';name="value"']),
    st.sampled_from([b"", b"Digest: x\r\n", b"A: 1\r\nB: 2\r\n"]),
)
def test_chunks_end_where_h11_says(pieces: list[bytes], places: list[int], extension: bytes, trailers: bytes) -> None:
    """However a body in chunks is cut, its bytes and its end are those that h11 finds."""
    data = chunked(pieces, extension=extension, trailers=trailers) + BEHIND
    found = follow(Body(Body.CHUNKED), cut(data, places))
    assert found == second_opinion(b"Transfer-Encoding: chunked\r\n", data) == (b"".join(pieces), BEHIND)


@given(st.binary(max_size=200), st.lists(st.integers(0, 300)))
def test_a_length_ends_a_body(content: bytes, places: list[int]) -> None:
    """However a body of a known length is cut, its bytes and its end are those that h11 finds."""
    found = follow(Body(len(content)), cut(content + BEHIND, places))
    assert found == second_opinion(b"Content-Length: %d\r\n" % len(content), content + BEHIND) == (content, BEHIND)


def test_a_body_may_last_as_long_as_the_connection() -> None:
    """Without a length, everything that comes is the body."""
    body = Body(Body.UNTIL_CLOSE)
    assert follow(body, [b"one", BEHIND]) == (b"one" + BEHIND, b"")
    assert not body.done


@pytest.mark.parametrize("line", [b"zz\r\n", b"\r\n", b"0x5 5\r\n", b"1" * LONGEST_HEAD + b"1"])
def test_what_is_no_size_is_an_error(line: bytes) -> None:
    """A line that should be a size and is none, or has no end, is an error."""
    body = Body(Body.CHUNKED)
    with pytest.raises(ValueError, match=r"invalid literal|has no end"):
        for piece in cut(line, list(range(0, len(line), 4000))):
            follow(body, [piece])


@pytest.mark.parametrize(
    ("method", "head", "length"),
    [
        ("GET", b"200 OK\r\nContent-Length: 5\r\n", 5),
        ("GET", b"200 OK\r\nTransfer-Encoding: chunked\r\n", Body.CHUNKED),
        ("GET", b"200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n", Body.CHUNKED),
        ("GET", b"200 OK\r\n", Body.UNTIL_CLOSE),
        ("HEAD", b"200 OK\r\nContent-Length: 5\r\n", 0),
        ("GET", b"204 No Content\r\n", 0),
        ("GET", b"304 Not Modified\r\nContent-Length: 5\r\n", 0),
    ],
)
def test_the_head_says_how_long_the_body_is(method: str, head: bytes, length: int) -> None:
    """The length of an answer's body follows the rules of RFC 9112, 6.3."""
    parser = for_answers(method, upgrade=False)
    parser.receive_data(b"HTTP/1.1 " + head + b"\r\n")
    found = parser.next_event()
    assert isinstance(found, h11.Response)
    assert read_framing(found, method) == length


@given(st.lists(st.binary(max_size=20)), st.integers(0, 100))
def test_a_log_keeps_the_beginning(pieces: list[bytes], keep: int) -> None:
    """A log counts everything and keeps the first bytes, up to its limit."""
    log = Log(keep)
    for seconds, piece in enumerate(pieces):
        log.add(float(seconds), memoryview(piece))
    whole = b"".join(pieces)
    assert (log.size, log.text(), log.whole) == (len(whole), whole[:keep], len(whole) <= keep)
