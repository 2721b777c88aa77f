"""Nothing of a learner's disappears without a line that says so."""

from __future__ import annotations

import pytest

from labkit.grade.ignoring import MOST
from tests.chapters import FILES
from tests.grade.copies import Json, cell, code, handed_in, merge, place, pristine, solved, strip, text


def ignored(notebook: object) -> tuple[str, ...]:
    """What does not count in chapter 01."""
    return handed_in(notebook, chapter="01").ignored


@pytest.mark.parametrize("number", FILES)
@pytest.mark.parametrize("copied", [pristine, solved])
def test_nothing_is_said_about_an_honest_copy(number: str, copied: object) -> None:
    """Where only answers were written, no cell is listed, nor if every cell stands there twice."""
    notebook: Json = copied(number)  # type: ignore[operator]
    assert handed_in(notebook).ignored == ()
    others = [one for one in notebook["cells"] if one["metadata"].get("labkit", {}).get("role") != "answer"]
    assert handed_in(notebook | {"cells": others + notebook["cells"]}).ignored == ()


@pytest.mark.parametrize("name", ["01.ping.check", "01.ping.begin", "01.connect", "01.ls"])
def test_changed_and_deleted_cells_are_named(name: str) -> None:
    """A begin, check or demo cell that was changed or deleted is named once, and that the shipped one is used."""
    notebook = solved("01")
    one = cell(notebook, name)
    one["source"] = "pass"
    notebook["cells"].append(one)
    assert ignored(notebook) == (f"{name}: changed; the shipped one is used",)
    one.update(cell_type="markdown", source=text(pristine("01"), name))
    assert ignored(notebook) == (f"{name}: changed; the shipped one is used",)
    notebook["cells"] = [other for other in notebook["cells"] if other is not one]
    assert ignored(notebook) == (f"{name}: deleted; the shipped one is used",)


def test_white_space_is_no_change() -> None:
    """Empty lines and spaces around a shipped cell are not worth a line."""
    notebook = solved("01")
    cell(notebook, "01.ping.check")["source"] = f"\n{text(notebook, '01.ping.check')}  \n"
    assert ignored(notebook) == ()


OWN = {
    "print(task)": "print(task)",
    "\n\n  print(task)\n": "print(task)",
    "print(task)\nprint(2)": "print(task)…",
    "x" * 60: "x" * 60,
    "x" * 61: "x" * 59 + "…",
    "\x1b[31mred\tx": "red x",
    "'\ud800'": "'\ufffd'",
}


@pytest.mark.parametrize("source", OWN)
def test_own_cells_are_quoted(source: str) -> None:
    """A learner's own cell is listed with its number and its first line: cut, plain and without control characters."""
    notebook = solved("01")
    notebook["cells"].insert(1, code(source))
    assert ignored(notebook) == (f"cell 2 (yours): {OWN[source]}",)


@pytest.mark.parametrize("source", ["", " \n\t", "\n"])
def test_empty_and_written_cells_are_not_listed(source: str) -> None:
    """Empty code cells and a learner's notes in Markdown are no loss."""
    notebook = solved("01")
    notebook["cells"] += [code(source), code("My notes") | {"cell_type": "markdown"}]
    assert ignored(notebook) == ()


def test_an_emptied_check_is_changed() -> None:
    """A check cell in which nothing is left was changed."""
    notebook = solved("01")
    cell(notebook, "01.ping.check")["source"] = ""
    assert ignored(notebook) == ("01.ping.check: changed; the shipped one is used",)


@pytest.mark.parametrize("keeps", ["01.ping.begin", "01.ping.answer", "01.ping.check"])
def test_merged_cells_are_not_deleted(keeps: str) -> None:
    """A begin and a check cell that were merged into the answer are still there."""
    notebook = solved("01")
    merge(notebook, "01.ping.begin", "01.ping.check", keeps=keeps)
    assert ignored(notebook) == ()


def test_a_file_of_answers_lacks_nothing() -> None:
    """A file that has only answer cells, as the one that is made for handing in, lists no deleted cell."""
    notebook = solved("01")
    marked = [one for one in notebook["cells"] if "labkit" in one["metadata"]]
    notebook["cells"] = [one for one in marked if one["metadata"]["labkit"]["role"] == "answer"]
    submission = handed_in(notebook)
    assert (len(submission.answers), submission.ignored) == (5, ())


def test_answers_to_nothing_are_listed() -> None:
    """An answer to an exercise that the chapter does not have, and what is no cell, have a line of their own."""
    notebook = solved("01")
    marks = {"labkit": {"role": "answer", "exercise": "01.old", "cell": "01.old.answer"}}
    notebook["cells"] = [code("x", metadata=marks), 7, *notebook["cells"]]
    assert ignored(notebook) == (
        "cell 1: it answers 01.old, which the chapter does not have",
        "cell 2: it has not the form of a cell",
    )


def test_a_worse_name_is_listed() -> None:
    """A cell that names an exercise in a comment, beside the real answer, is the learner's own."""
    notebook = solved("01")
    notebook["cells"].insert(0, code("# 01.ping\nprint(1)"))
    assert ignored(notebook) == ("cell 1 (yours): # 01.ping…",)


def test_an_untouched_answer_is_not_listed() -> None:
    """The shipped answer cell is nobody's own, also where another cell has the answer."""
    notebook = pristine("01")
    notebook["cells"].append(code("# 01.ping\nprint(1)"))
    assert ignored(notebook) == ()


def test_a_long_list_ends() -> None:
    """After fifty lines the rest is counted, and the order is that of the notebook, then of the chapter."""
    notebook = solved("01")
    del notebook["cells"][place(notebook, "01.ls")]
    notebook["cells"] += [code(f"print({number})") for number in range(MOST + 1)]
    lines = ignored(notebook)
    assert len(lines) == MOST + 1
    assert lines[0].endswith("(yours): print(0)")
    assert lines[-1] == "… and 2 more"


def test_a_notebook_of_somebody_else_is_all_listed() -> None:
    """Where nothing is recognised, every code cell is the learner's own, and nothing is called deleted."""
    notebook = strip(solved("01"))
    number = sum(one["cell_type"] == "code" for one in notebook["cells"])
    lines = ignored(notebook)
    assert len(lines) == number
    assert all("(yours): " in line for line in lines)
