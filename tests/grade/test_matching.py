"""The answers of a chapter are found again, whatever happened to its cells."""

from __future__ import annotations

import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from labkit.grade.matching import LONGEST, MERGES, trimmed, unfenced
from labkit.grade.recognising import first_line
from labkit.grade.submission import Answer
from tests.chapters import FILES
from tests.grade.copies import (
    ANSWERS,
    Json,
    cell,
    code,
    handed_in,
    merge,
    of,
    place,
    pristine,
    solved,
    split,
    strip,
    text,
    texts,
)

PING = ANSWERS["01.ping"]


def found(notebook: Json, exercise: str = "01.ping") -> Answer:
    """The answer to an exercise; the other answers of the chapter must be the reference answers."""
    submission = handed_in(notebook, chapter="01")
    others = {key: words for key, words in texts(submission).items() if key != exercise}
    assert others == {key: words for key, words in of("01").items() if key != exercise}
    return submission.answers[exercise]


@pytest.mark.parametrize("number", FILES)
def test_every_answer_is_found(number: str) -> None:
    """A solved chapter gives exactly the reference answers, and there is nothing to say about them."""
    submission = handed_in(solved(number))
    assert texts(submission) == of(number)
    assert {(answer.matched, answer.notes) for answer in submission.answers.values()} == {("metadata", ())}


@pytest.mark.parametrize("number", FILES)
def test_an_untouched_copy_has_the_shipped_answers(number: str) -> None:
    """Where nobody wrote anything, each answer is the text of the shipped cell."""
    notebook = pristine(number)
    assert texts(handed_in(notebook)) == {one: text(notebook, f"{one}.answer") for one in of(number)}


@given(st.sampled_from(list(FILES)), st.randoms(use_true_random=False), st.booleans())
def test_order_means_nothing(number: str, draw: random.Random, with_ids: bool) -> None:
    """In whatever order the cells stand, the answers are the same."""
    notebook = solved(number)
    draw.shuffle(notebook["cells"])
    for one in notebook["cells"]:
        if not with_ids:
            del one["id"]
    assert texts(handed_in(notebook)) == of(number)


def lines(words: str) -> list[str]:
    """The lines of a text that are not empty: those that a split keeps."""
    return [line for line in words.split("\n") if line.strip()]


@given(st.data(), st.sampled_from([exercise for exercise, words in sorted(ANSWERS.items()) if "\n" in words]))
def test_split_cells_are_joined(data: st.DataObject, exercise: str) -> None:
    """An answer that was split between any of its lines is whole again, wherever its parts now stand."""
    notebook, words = solved(exercise[:2]), ANSWERS[exercise]
    ends = [at for at, letter in enumerate(words) if letter == "\n"]
    at = place(notebook, f"{exercise}.answer")
    parts = split(notebook, f"{exercise}.answer", *data.draw(st.sets(st.sampled_from(ends), min_size=1, max_size=4)))
    others = notebook["cells"][:at] + notebook["cells"][at + len(parts) :]
    places = sorted(data.draw(st.integers(0, len(others))) for _ in parts)
    for where, part in reversed([*zip(places, parts, strict=True)]):
        others.insert(where, part)
    notebook["cells"] = others
    answer = handed_in(notebook).answers[exercise]
    sources = [part["source"] for part in parts if part["source"].strip()]
    assume(len(set(sources)) == len(sources))  # equal parts count as copies
    assert lines(answer.text) == lines(words)
    assert answer.notes == ((f"Joined from {len(sources)} cells.",) if len(sources) > 1 else ())


# --- Copies --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extra", [[PING], [PING, PING], ["shipped"], ["shipped", PING], ["", PING], [f"\n{PING}\n\n"]])
@pytest.mark.parametrize("before", [False, True])
def test_a_copy_is_not_run_twice(extra: list[str], before: bool) -> None:
    """Copies of an answer, and copies of the untouched cell, are left out, wherever they stand."""
    notebook = solved("01")
    at, marks = place(notebook, "01.ping.answer"), cell(notebook, "01.ping.answer")["metadata"]
    shipped = text(pristine("01"), "01.ping.answer")
    copies = [code(shipped if words == "shipped" else words, metadata=marks) for words in extra]
    notebook["cells"][at + 1 - before : at + 1 - before] = copies
    answer = found(notebook)
    assert (answer.text, answer.notes) == (PING, ("A copy of it was left out.",))


def test_an_untouched_cell_that_was_split_is_untouched() -> None:
    """Of an empty part and the shipped text, the shipped text is the answer."""
    notebook = pristine("01")
    shipped = text(notebook, "01.events.answer")
    split(notebook, "01.events.answer", 0)
    assert handed_in(notebook).answers["01.events"] == Answer("01.events", shipped)


def test_two_attempts_are_both_run() -> None:
    """Two cells of one answer that differ are run in the order of the notebook; of equal ones the last counts."""
    notebook = solved("01")
    at, marks = place(notebook, "01.ping.answer"), cell(notebook, "01.ping.answer")["metadata"]
    notebook["cells"][at + 1 : at + 1] = [code("ping = None", metadata=marks), code(PING, metadata=marks)]
    answer = found(notebook)
    assert answer.text == f"ping = None\n{PING}"
    assert answer.notes == ("Joined from 2 cells.", "A copy of it was left out.")


# --- Identity that was lost ----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", FILES)
def test_ids_replace_metadata(number: str) -> None:
    """A notebook whose metadata is gone gives the same answers by its ids, and says so."""
    submission = handed_in(strip(solved(number), ids=False))
    assert (submission.chapter, texts(submission)) == (number, of(number))
    assert {answer.matched for answer in submission.answers.values()} == {"id"}


@pytest.mark.parametrize("number", FILES)
def test_first_lines_replace_ids(number: str) -> None:
    """A notebook without metadata and ids gives the answers whose first line names the exercise."""
    notebook = solved(number)
    for exercise, words in of(number).items():
        cell(notebook, f"{exercise}.answer")["source"] = f"# Exercise {exercise}\n{words}"
    submission = handed_in(strip(notebook))
    assert texts(submission) == {exercise: f"# Exercise {exercise}\n{words}" for exercise, words in of(number).items()}
    assert {answer.matched for answer in submission.answers.values()} == {"comment"}


def test_an_answer_without_any_name_is_missing() -> None:
    """Where nothing says which exercise a cell answers, there is no answer, and the notebook is no problem."""
    submission = handed_in(strip(solved("01")), chapter="01")
    assert (submission.answers, submission.problem) == ({}, "")


def test_a_better_name_comes_first() -> None:
    """A cell with the metadata of the answer counts, and one that only has its name in a comment does not."""
    notebook = solved("01")
    notebook["cells"].insert(0, code("# 01.ping\nprint(1)"))
    assert (found(notebook).text, found(notebook).matched) == (PING, "metadata")


@pytest.mark.parametrize("left", ["", "shipped"])
def test_an_untouched_cell_leaves_room(left: str) -> None:
    """Where the answer cell was not touched, the learner's cell that names the exercise counts."""
    notebook = solved("01")
    cell(notebook, "01.ping.answer")["source"] = text(pristine("01"), "01.ping.answer") if left else ""
    notebook["cells"].append(code(f"# 01.ping\n{PING}"))
    assert (found(notebook).text, found(notebook).matched) == (f"# 01.ping\n{PING}", "comment")


# --- Retyped -------------------------------------------------------------------------------------------------

RETYPED = {"markdown": "The answer cell was Markdown.", "raw": "The answer cell was raw text."}


@pytest.mark.parametrize("kind", RETYPED)
@pytest.mark.parametrize("form", ["{}", "```python\n{}\n```", "\n~~~~\n{}\n~~~~\n"])
def test_a_retyped_answer_counts(kind: str, form: str) -> None:
    """An answer in a cell of another type is taken, without the fence around it, and the note says so."""
    notebook = solved("01")
    cell(notebook, "01.ping.answer").update(cell_type=kind, source=form.format(PING))
    assert (found(notebook).text, found(notebook).notes) == (PING, (RETYPED[kind],))


def test_prose_beside_code_is_no_answer() -> None:
    """Where one part of a split answer became Markdown and another has code, only the code is run."""
    notebook = solved("01")
    split(notebook, "01.ping.answer", 0)
    first = cell(notebook, "01.ping.answer")
    first.update(cell_type="markdown", source="This is how I did it.")
    assert (found(notebook).text, found(notebook).notes) == (PING, ("What stood in a Markdown cell was left out.",))


@pytest.mark.parametrize("words", ["```\nx", "x\n```", "```", "a ``` b\n```", "```\nx\n~~~"])
def test_half_a_fence_is_text(words: str) -> None:
    """What is not surrounded by a fence stays as it is."""
    assert unfenced(words) == words


# --- Merged --------------------------------------------------------------------------------------------------

BEGIN, ANSWER, CHECK = "01.ping.begin", "01.ping.answer", "01.ping.check"


@pytest.mark.parametrize("keeps", [BEGIN, ANSWER, CHECK])
@pytest.mark.parametrize("first", [BEGIN, ANSWER])
@pytest.mark.parametrize("last", [ANSWER, CHECK])
def test_merged_cells_are_cut_apart(first: str, last: str, keeps: str) -> None:
    """Whichever neighbours were merged with an answer, and whichever's metadata was kept, the answer is the same."""
    names = [BEGIN, ANSWER, CHECK]
    if keeps not in names[names.index(first) : names.index(last) + 1]:
        keeps = ANSWER
    notebook = solved("01")
    merge(notebook, first, last, keeps=keeps)
    answer = found(notebook)
    assert answer.text == PING
    assert [note for note in answer.notes if "check cell" in note] == (
        []
        if last == ANSWER
        else ["It stood in the check cell." if keeps == CHECK else "The check cell was merged into it."]
    )
    assert ["begin cell" in " ".join(answer.notes)] == [first == BEGIN]


@pytest.mark.parametrize("exercise", sorted(ANSWERS))
def test_every_exercise_survives_merging(exercise: str) -> None:
    """In every exercise the check at the end of the answer's cell is cut, so that it does not run early."""
    notebook = solved(exercise[:2])
    merge(notebook, f"{exercise}.answer", f"{exercise}.check", keeps=f"{exercise}.answer")
    assert texts(handed_in(notebook)) == of(exercise[:2])


def test_merged_and_split_again() -> None:
    """Cells that were merged with both neighbours and then split in another place give the answer all the same."""
    notebook = solved("01")
    merge(notebook, BEGIN, CHECK, keeps=CHECK)
    split(notebook, CHECK, text(notebook, CHECK).index("    with socket"))
    assert lines(found(notebook).text) == lines(PING)


def test_a_call_in_the_begin_cell_is_no_answer() -> None:
    """What a learner adds to the begin or the check cell counts only where the answer cell is gone."""
    notebook = solved("01")
    cell(notebook, BEGIN)["source"] = text(notebook, BEGIN) + "\nprint(task)"
    cell(notebook, CHECK)["source"] = "print(ping)\n" + text(notebook, CHECK)
    assert (found(notebook).text, found(notebook).notes) == (PING, ())


def test_a_cell_with_nothing_but_the_check_is_empty() -> None:
    """An answer cell in which only the check stands is an empty answer."""
    notebook = solved("01")
    cell(notebook, ANSWER)["source"] = "\n".join([text(notebook, CHECK)] * MERGES)
    assert found(notebook).text == ""


# --- Texts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_are_python_s(end: str) -> None:
    """Line ends of other systems become those that Python compiles."""
    notebook = solved("01")
    cell(notebook, ANSWER)["source"] = [line.replace("\n", end) for line in PING.splitlines(keepends=True)]
    assert found(notebook).text == PING


@pytest.mark.parametrize("odd", ["\0", "\ud800"])
def test_what_no_file_holds_is_replaced(odd: str) -> None:
    """An answer with such characters counts with others in their place, and a note."""
    notebook = solved("01")
    cell(notebook, ANSWER)["source"] = f"{PING}\n# {odd}"
    answer = found(notebook)
    assert answer.text.encode().decode() == f"{PING}\n# \ufffd"
    assert answer.notes == ("Characters that no file can hold were replaced.",)


@pytest.mark.parametrize("parts", [1, 3])
def test_a_flood_is_no_answer(parts: int) -> None:
    """More characters than are run count as missing, in one cell or in several, and the notes say so."""
    notebook = solved("01")
    at, marks = place(notebook, ANSWER), cell(notebook, ANSWER)["metadata"]
    size = LONGEST // parts + 1
    notebook["cells"][at : at + 1] = [code(f"#{number}{'x' * size}", metadata=marks) for number in range(parts)]
    submission = handed_in(notebook)
    assert "01.ping" not in submission.answers
    assert [note[:26] for note in submission.notes] == ["The answer to 01.ping has "]
    assert len(submission.answers) == len(of("01")) - 1


def test_a_flood_of_cells_is_one_answer() -> None:
    """A thousand cells of one answer, each another, are joined in their order."""
    notebook = solved("01")
    marks = cell(notebook, ANSWER)["metadata"]
    notebook["cells"] += [code(f"#{number}", metadata=marks) for number in range(1000)]
    answer = found(notebook)
    assert answer.text == "\n".join([PING, *(f"#{number}" for number in range(1000))])
    assert answer.notes == ("Joined from 1001 cells.",)


@given(st.text(st.sampled_from(" \t\f\nx#")))
def test_trimming_takes_only_white_space(words: str) -> None:
    """Trimmed text has the same words, no empty line at either end, and its first line keeps its indentation."""
    assert trimmed(words).split() == words.split()
    assert trimmed(trimmed(words)) == trimmed(words)
    assert not words.strip() or first_line(trimmed(words)).rstrip() == first_line(words).rstrip()
    assert trimmed(words) in words
