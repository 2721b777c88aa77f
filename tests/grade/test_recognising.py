"""A cell is recognised by what it carries, never by where it stands."""

from __future__ import annotations

import pytest

from labkit.grade.cells import read_cells
from labkit.grade.recognising import Shipped, commented
from tests.chapters import FILES
from tests.grade.copies import Json, cell, chapters, code, pristine, strip


@pytest.fixture(scope="module")
def shipped() -> Shipped:
    """Chapter 01 as shipped."""
    return Shipped(chapters()["01"])


@pytest.mark.parametrize("number", FILES)
def test_a_copy_is_recognised_by_its_metadata(number: str) -> None:
    """Every marked cell of every chapter is itself, in any order."""
    shipped = Shipped(chapters()[number])
    seen = shipped.recognise(read_cells(reversed(pristine(number)["cells"])))
    assert [one.shipped for one in reversed(seen) if one.how] == shipped.marked
    assert {one.how for one in seen if one.shipped} == {"metadata"}


def test_without_metadata_the_id_is_enough(shipped: Shipped) -> None:
    """A tool that drops metadata and keeps ids leaves every cell recognisable."""
    seen = shipped.recognise(read_cells(strip(pristine("01"), ids=False)["cells"]))
    assert [one.shipped for one in seen if one.how == "id"] == shipped.marked


MARKS: dict[str, Json] = {
    "role and exercise": {"role": "answer", "exercise": "01.ping"},
    "name": {"cell": "01.ping.answer"},
    "role, and a name of nothing": {"cell": "x", "role": "answer", "exercise": "01.ping"},
    "name, and a role of nothing": {"cell": "01.ping.answer", "role": "x", "exercise": "01.ping"},
}


@pytest.mark.parametrize("name", MARKS)
def test_half_of_the_metadata_is_enough(shipped: Shipped, name: str) -> None:
    """The role with the exercise, or the name, says which cell it is."""
    [one] = shipped.recognise(read_cells([code("", metadata={"labkit": MARKS[name]})]))
    assert one.is_of("01.ping", "answer")
    assert not one.is_of("01.ping", "check", "setup")


def test_metadata_comes_before_the_id(shipped: Shipped) -> None:
    """A cell with the marks of one exercise, the id of another and the comment of a third is of the first."""
    marks = cell(pristine("01"), "01.ping.answer")["metadata"]
    [one] = shipped.recognise(read_cells([code("# 01.group", metadata=marks, id="01-mode-answer")]))
    assert (one.how, one.is_of("01.ping", "answer")) == ("metadata", True)


@pytest.mark.parametrize(
    "line",
    [
        "# 01.by-hand",
        "#01.by-hand",
        "# Exercise 01.by-hand",
        "## exercise 01.by-hand — run a container by hand",
        "# 01.by-hand.answer",
        "\n\n  # 01.BY-HAND: mine",
    ],
)
def test_a_first_line_can_name_the_exercise(shipped: Shipped, line: str) -> None:
    """A comment in a code cell's first line names the exercise that the cell answers."""
    [one] = shipped.recognise(read_cells([code(f"{line}\nanswer = 1")]))
    assert (one.how, one.is_of("01.by-hand", "answer")) == ("comment", True)


@pytest.mark.parametrize(
    "text", ["answer = 1  # 01.ping", "# see 01.ping", "# 01.ping.check", "# 01.pong", "# 01.ping2", "x = 1\n# 01.ping"]
)
def test_other_comments_name_nothing(shipped: Shipped, text: str) -> None:
    """A comment that stands elsewhere, or names anything else than an exercise or its answer, says nothing."""
    assert shipped.recognise(read_cells([code(text)]))[0].shipped is None


def test_a_heading_is_no_comment() -> None:
    """The same line in a Markdown cell is a heading of the chapter."""
    [one] = read_cells([code("# Exercise 01.ping") | {"cell_type": "markdown"}])
    assert commented(one) == ""


@pytest.mark.parametrize("number", FILES)
def test_what_stands_around_an_answer(number: str) -> None:
    """From the begin cell to the check there are these two and prose, and never the answer."""
    shipped = Shipped(chapters()[number])
    for exercise in chapters()[number].exercises:
        around = shipped.around(exercise)
        assert [one.role for one in around if one.kind == "code"] == ["setup", "check"]
        assert {one.exercise for one in around} <= {exercise, ""}
    assert shipped.around("99.none") == []
