"""What an exchange says of itself in one line."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.inside.exchanges import Exchange, Frame

ID = "85ccbc1444e46e19a98c6aa9accff59407d621033bd744dcf456a6a20c0615d7"


def exchange(**fields: Any) -> Exchange:
    """An exchange with these fields, and the others as usual."""
    usual: dict[str, Any] = {"number": 3, "connection": 1, "method": "GET", "path": "/_ping", "status": 200}
    return Exchange(**usual | fields)


@pytest.mark.parametrize(
    ("fields", "line", "brief", "template"),
    [
        ({"query": {"all": "1"}, "path": "/containers/json"}, *["GET /containers/json?all=1"] * 2, None),
        ({"method": "HEAD"}, "HEAD /_ping", "HEAD /_ping", "HEAD /_ping"),
        (
            {"method": "POST", "path": f"/containers/{ID}/wait", "query": {"condition": "removed", "x": ""}},
            f"POST /containers/{ID}/wait?condition=removed&x=",
            f"POST /containers/{ID[:12]}/wait?condition=removed&x=",
            "POST /containers/{id}/wait",
        ),
        ({"path": f"/images/sha256:{ID}/json"}, None, f"GET /images/{ID[:12]}/json", "GET /images/{id}/json"),
        ({"path": "/containers/web/json"}, None, "GET /containers/web/json", "GET /containers/web/json"),
    ],
)
def test_the_request_in_one_line(fields: dict[str, Any], line: str | None, brief: str, template: str | None) -> None:
    """The line has method, path and query; the brief one short ids; the template none."""
    found = exchange(**fields)
    assert line is None or found.request_line == line
    assert found.brief == brief
    assert template is None or found.template == template


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "<3: GET /_ping → 200>"),
        ({"status": 0}, "<3: GET /_ping → no answer>"),
        ({"path": f"/exec/{ID}/json"}, "<3: GET /exec/85ccbc1444e4/json → 200>"),
    ],
)
def test_it_is_short_in_a_notebook(fields: dict[str, Any], words: str) -> None:
    """An exchange prints as one short line."""
    assert repr(exchange(**fields)) == words


def test_long_lines_are_cut() -> None:
    """However long a path is, the line is not."""
    assert len(repr(exchange(path="/images/" + "x" * 300))) < 80


FRAMES = (Frame(1.0, "stdin", b"a"), Frame(2.0, "stdout", b"b"))
LINES = ((1.0, "a"), (2.0, "b"), (3.0, "c"), (4.0, "d"))


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({}, ""),
        ({"status": 101, "upgraded": True, "frames": FRAMES}, "101 UPGRADED, 2 frames"),
        ({"status": 101, "upgraded": True, "frames": FRAMES[:1]}, "101 UPGRADED, 1 frame"),
        ({"upgraded": True, "frames": FRAMES}, "raw stream, 2 frames"),
        ({"status": 101, "upgraded": True, "answer_headers": {"upgrade": "h2c"}}, "101 UPGRADED to h2c"),
        ({"chunks": LINES}, "chunked, 4 events"),
        ({"chunks": LINES[:1]}, ""),
        ({"chunks": LINES[:2], "frames": FRAMES}, "chunked, 2 frames"),
        ({"problem": "it broke"}, "it broke"),
        ({"chunks": LINES, "problem": "it broke"}, "chunked, 4 events; it broke"),
    ],
)
def test_what_is_unusual_is_noted(fields: dict[str, Any], note: str) -> None:
    """The note tells of raw streams, of answers that came line by line, and of problems."""
    assert exchange(**fields).note == note
