"""The stored notebooks: their form, as the style asks for it, and the identity of their cells."""

from __future__ import annotations

import ast
import re
from itertools import groupby, pairwise

import nbformat
import pytest
from nbformat import NotebookNode

from labkit.course.exercise import exercises, find
from labkit.grade.compose import identity
from tests import chapters
from tests.chapters import cell_id, chapter, code_cells

ROLES = ("setup", "demo", "answer", "check")
each = pytest.mark.parametrize("number", chapters.FILES)


def prose(notebook: NotebookNode) -> list[str]:
    """The texts of the Markdown cells."""
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def lines(text: str) -> list[str]:
    """The lines of a Markdown text that hold sentences: no code blocks, no tables, no headings."""
    plain = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [line for line in plain.splitlines() if not re.match(r"\s*\||#", line)]


def headings(notebook: NotebookNode, level: int) -> list[str]:
    """The texts of the headings of one level."""
    found = re.compile(rf"^{'#' * level} (.+)$", re.MULTILINE)
    return [words for text in prose(notebook) for words in found.findall(re.sub(r"(?ms)^```.*?^```", "", text))]


# --- What a reader sees --------------------------------------------------------------------------------------


@each
def test_it_is_a_notebook(number: str) -> None:
    """A chapter follows nbformat's own schema, with an id for each cell."""
    nbformat.validate(chapter(number))
    assert len({cell.id for cell in chapter(number).cells}) == len(chapter(number).cells)


@each
def test_it_has_been_run(number: str) -> None:
    """Every code cell but answers and checks is stored as it ran, from the top of a fresh kernel."""
    cells = code_cells(chapter(number))
    counts = [cell.execution_count for cell in cells if identity(cell)[0] not in ("answer", "check")]
    assert None not in counts, "make outputs"
    assert counts[0] == 1
    assert all(first < second for first, second in pairwise(counts))


@each
def test_exercises_are_stored_untouched(number: str) -> None:
    """Answer and check cells have neither outputs nor counts: nobody's attempt is shipped."""
    exercise_cells = [cell for cell in code_cells(chapter(number)) if identity(cell)[0] in ("answer", "check")]
    assert [cell_id(cell) for cell in exercise_cells if cell.outputs or cell.execution_count is not None] == []


@each
def test_failures_are_on_purpose(number: str) -> None:
    """A stored error stands where the tag ``raises-exception`` is, and such a tag outside exercises shows one."""
    for cell in code_cells(chapter(number)):
        failed = any(output.output_type == "error" for output in cell.outputs)
        tagged = "raises-exception" in cell.metadata.get("tags", [])
        assert failed == tagged or identity(cell)[0] == "check", cell_id(cell)


# --- Form ----------------------------------------------------------------------------------------------------


@each
def test_it_has_the_size_of_a_chapter(number: str) -> None:
    """A chapter has 40 to 60 cells, one H1, 5 to 10 headings of level 2, and 50 to 80 words for each code cell."""
    notebook = chapter(number)
    words = sum(len(text.split()) for text in prose(notebook))
    assert 40 <= len(notebook.cells) <= 60
    assert len(headings(notebook, 1)) == 1
    assert 5 <= len(headings(notebook, 2)) <= 10
    assert 50 <= words / len(code_cells(notebook)) <= 80


@each
def test_code_is_short(number: str) -> None:
    """No code cell has more than 25 lines, nine of ten have at most 7, and at most two follow each other."""
    sizes = [len(cell.source.splitlines()) for cell in code_cells(chapter(number))]
    runs = [(kind, len(list(cells))) for kind, cells in groupby(cell.cell_type for cell in chapter(number).cells)]
    assert max(sizes) <= 25
    assert sum(size <= 7 for size in sizes) >= 0.9 * len(sizes)
    assert max(length for kind, length in runs if kind == "code") <= 2


@each
def test_code_is_announced(number: str) -> None:
    """The text above a demo cell ends in a colon: it says what will be seen."""
    above = [(text, cell) for text, cell in pairwise(chapter(number).cells) if text.cell_type == "markdown"]
    demos = [(text, cell) for text, cell in above if cell.cell_type == "code" and identity(cell)[0] == "demo"]
    assert [cell_id(cell) for text, cell in demos if not text.source.rstrip().endswith(":")] == []


def crowded(line: str) -> bool:
    """Whether a line of Markdown holds the end of one sentence and the start of the next."""
    plain = re.sub(r"`[^`]*`", "x", line)
    plain = re.sub(r"^\s*(\d+\.|[-*])\s+|\b(e\.g|i\.e|cf|vs|No)\. ", "", plain)
    return bool(re.search(r"[.!?][\"*)]* +[\"*(]*[A-Z]", plain))


@each
def test_a_line_is_a_sentence(number: str) -> None:
    """Markdown sources have one sentence per line, so that a change of one is a change of one line."""
    assert [line for text in prose(chapter(number)) for line in lines(text) if crowded(line)] == []


@pytest.mark.parametrize("line", ["One. Two.", "Why? Because.", "*One.* Two.", "(One.) Two.", 'One. "Two."'])
def test_two_sentences_are_noticed(line: str) -> None:
    """The heuristic sees two sentences in a line, also through emphasis and quotes."""
    assert crowded(line)


@pytest.mark.parametrize("line", ["1. The client asks.", "See e.g. Docker.", "`a. B` is code.", "Docker 20.10 works."])
def test_one_sentence_is_left_alone(line: str) -> None:
    """Numbered lists, abbreviations, code and version numbers are no second sentence."""
    assert not crowded(line)


SHELL = re.compile(r"^\s*(?:[\w, ]+=\s*)?(?:!|%%?(?:system|sx|!)\b)", re.MULTILINE)


@each
def test_a_shell_command_that_fails_is_seen(number: str) -> None:
    """No cell uses ``!command`` or ``%system``: their failures do not fail a cell."""
    assert [cell_id(cell) for cell in code_cells(chapter(number)) if SHELL.search(cell.source)] == []


@pytest.mark.parametrize(
    "source", ["!docker ps", "x = 1\n!ls", "found = !ls", "%system ls", "%%sx\nls", "a, b = %sx ls"]
)
def test_shell_commands_are_recognised(source: str) -> None:
    """The pattern finds IPython's ways to a shell, also on the right of an assignment."""
    assert SHELL.search(source)
    assert not SHELL.search("x != 1\nprint('!ls')\nx = not y")


def drawings(source: str) -> int:
    """How many times a cell calls ``draw.…``."""
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return sum(isinstance(f, ast.Attribute) and isinstance(f.value, ast.Name) and f.value.id == "draw" for f in calls)


@each
def test_a_figure_says_what_it_shows(number: str) -> None:
    """A cell draws at most one figure, and its stored output has the picture and a sentence."""
    for cell in code_cells(chapter(number)):
        if count := drawings(cell.source):
            pictures = [output for output in cell.outputs if "image/png" in output.get("data", {})]
            said = "".join(output.text for output in cell.outputs if output.output_type == "stream")
            assert (count, len(pictures), said.strip()[-1:]) == (1, 1, "."), cell_id(cell)
            assert said.strip() == pictures[0].metadata["image/png"]["alt"]


# --- Identity ------------------------------------------------------------------------------------------------


@each
def test_cells_have_names(number: str) -> None:
    """Every code cell has a name of its own that begins with the chapter's number, and a role."""
    cells = code_cells(chapter(number))
    names = [cell_id(cell) for cell in cells]
    assert len(set(names)) == len(names)
    assert [name for name in names if not re.fullmatch(rf"{number}\.[a-z0-9.-]+", name)] == []
    assert {identity(cell)[0] for cell in cells} <= set(ROLES)


@each
def test_an_exercise_is_three_cells(number: str) -> None:
    """Each exercise of the chapter stands in it once: begin, answer, check, in this order, with their tags."""
    cells = [cell for cell in code_cells(chapter(number)) if identity(cell)[1]]
    found = {key: list(group) for key, group in groupby(cells, key=lambda cell: identity(cell)[1])}
    assert list(found) == [key for key in found if find(key).chapter == number]
    assert set(found) == {exercise.id for exercise in exercises(number)}
    for key, (begin, answer, check) in found.items():
        assert [cell_id(c) for c in (begin, answer, check)] == [
            f"{key}.{part}" for part in ("begin", "answer", "check")
        ]
        assert [identity(c)[0] for c in (begin, answer, check)] == ["setup", "answer", "check"]
        assert begin.source.endswith(f'task = begin("{key}")')
        assert set(begin.metadata.get("tags", [])) <= {"nbval-ignore-output"}
        assert [c.metadata.get("tags", []) for c in (answer, check)] == [[], ["raises-exception"]]


@each
def test_the_headings_of_exercises_are_the_registrys(number: str) -> None:
    """Title and points above an exercise are those that the judge has."""
    wanted = [f"Exercise {e.id} — {e.title} · {e.total} points" for e in exercises(number)]
    found = [heading for heading in headings(chapter(number), 3) if heading.startswith("Exercise ")]
    assert sorted(found) == sorted(wanted)
