"""Any JSON becomes cells of checked types, and their texts fit into a file."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.grade.cells import clean, read_cells
from tests.grade.anyjson import CELLS, JSON
from tests.grade.copies import Json, code


@pytest.mark.parametrize("source", ["a = 1\nb = 2", ["a = 1\n", "b = 2"], ["a = 1\r\nb", " = 2"], "a = 1\rb = 2"])
def test_a_source_is_text_or_lines(source: str | list[str]) -> None:
    """Both forms of a source are the same text, whatever ends its lines."""
    assert read_cells([code("") | {"source": source}])[0].text == "a = 1\nb = 2"


MALFORMED: dict[str, Any] = {
    "no object": 7,
    "no type": {"source": ""},
    "unknown type": code("") | {"cell_type": "heading"},
    "list as type": code("") | {"cell_type": ["code"]},
    "no source": {"cell_type": "code"},
    "number as source": code("") | {"source": 1},
    "number in source": code("") | {"source": ["a", 1]},
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_cell_has_no_kind(name: str) -> None:
    """Something that has not the form of a cell keeps its number and nothing else."""
    cells = read_cells([code("x"), MALFORMED[name]])
    assert [(cell.number, cell.kind, cell.text) for cell in cells] == [(1, "code", "x"), (2, "", "")]


@pytest.mark.parametrize("metadata", [None, [], "x", {"labkit": []}, {"labkit": {"role": 1, "exercise": ["01.ping"]}}])
def test_metadata_of_another_form_says_nothing(metadata: Json | None) -> None:
    """A cell whose metadata has other types than the course's is read as one without."""
    [cell] = read_cells([code("x", metadata=metadata)])
    assert (cell.name, cell.role, cell.exercise, cell.id) == ("", "", "", "")


def test_marks_and_ids_are_read() -> None:
    """What the course wrote into a cell is known, and its id also where a front end moved it."""
    marks = {"cell": "01.ping.answer", "role": "answer", "exercise": "01.ping"}
    one, other = read_cells([code("", metadata={"labkit": marks}, id="a"), code("", metadata={"id": "b"})])
    assert (one.name, one.role, one.exercise, one.id) == (*marks.values(), "a")
    assert other.id == "b"


@pytest.mark.parametrize(
    "source, text, mended",
    [
        ("\ud83d\ude00", "😀", False),
        (["\ud83d", "\ude00"], "😀", False),
        ("\ud800x", "\ufffdx", True),
        ("a\0b", "a\ufffdb", True),
        ("\ufffd", "\ufffd", False),
        ("a\fb\u2028", "a\fb\u2028", False),
    ],
)
def test_texts_fit_into_a_file(source: str | list[str], text: str, mended: bool) -> None:
    """What no file and no compiler takes is replaced, and the cell says so; an emoji in two halves is put together."""
    [cell] = read_cells([code("") | {"source": source}])
    assert (cell.text, cell.mended) == (text, mended)


@given(st.text(st.characters(codec=None)))
def test_clean_text_is_utf8(text: str) -> None:
    """Cleaned text can be written, cleaning it again changes nothing, and ordinary text stays as it is."""
    cleaned = clean(text)
    assert cleaned.encode().decode() == clean(cleaned) == cleaned
    assert cleaned == text or any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text)


@given(st.lists(JSON | CELLS))
def test_any_json_becomes_cells(items: list[Any]) -> None:
    """Whatever stands in the list of cells, each item is one cell whose texts are texts."""
    cells = read_cells(items)
    assert [cell.number for cell in cells] == list(range(1, len(items) + 1))
    assert all("".join((cell.text, cell.name, cell.role, cell.exercise, cell.id)).encode() or True for cell in cells)
