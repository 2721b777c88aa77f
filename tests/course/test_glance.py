"""What an answer's text and the kernel's history tell before anybody grades it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.course.exercise import exercises, find
from labkit.course.glance import cells_run, is_empty, is_fixed, ran_since, was_run
from tests import chapters
from tests.attempts import reference, wrong_answers
from tests.course.copies import cell, kernel

IDS = [exercise.id for exercise in exercises()]
each = pytest.mark.parametrize("exercise_id", IDS)


def fixed(exercise_id: str, text: str) -> bool:
    """Whether this answer to an exercise of the course is a fixed one."""
    return is_fixed(text, value=find(exercise_id).kind == "value")


# --- Its text ------------------------------------------------------------------------------------------------


@each
def test_a_shipped_cell_is_empty(exercise_id: str) -> None:
    """No answer cell of the course has an answer as it is shipped."""
    assert is_empty(chapters.source(exercise_id, "answer"))


@each
def test_an_answer_is_not_empty(exercise_id: str) -> None:
    """Every reference answer and every known wrong answer is one, also under the TODO that was left standing."""
    texts = [reference(exercise_id), *(wrong.text for wrong in wrong_answers(exercise_id))]
    assert [text for text in texts if is_empty(text) or is_empty(f"# TODO\n{text}")] == []


EMPTY = ["", "  \n", "# TODO", "answer = None", "answer = ...", "answer: str", "def f(x):\n    pass", "'''Soon.'''"]
EMPTY += ["def f(x):\n    'Double it.'\n    return None", "def f(x): ..."]


@pytest.mark.parametrize("text", EMPTY)
def test_what_says_nothing_is_empty(text: str) -> None:
    """Comments, None, the ellipsis, docstrings and functions without a body are no answer."""
    assert is_empty(text)


FULL = ["answer = 0", "answer = ''", "answer = False", "answer = f()", "f()", "!docker ps", "def f(x): return x", "1 +"]


@pytest.mark.parametrize("text", FULL)
def test_what_says_something_is_not_empty(text: str) -> None:
    """Any value but None, any call, and what Python cannot parse is an answer."""
    assert not is_empty(text)


FIXED = [
    "answer = 'heron-3f07'",
    "answer = None\nanswer = ('/var/lib/x', \"word\")  # TODO",
    "word = 'w'\nanswer = [word, {'a': -1}]",
    "answer = 'a b'.split()",
    "answer = [2 * n for n in (1, 2)]",
    "answer = f'{1}-{2}'",
]


@pytest.mark.parametrize("text", FIXED)
def test_a_value_that_looks_at_nothing_is_fixed(text: str) -> None:
    """A value is fixed if the cell makes it of constants alone, in however many steps."""
    assert is_fixed(text, value=True)


FREE = ["answer = f()", "answer = task.word", "answer = host", "import os\nanswer = 1", "answer = [x[0] for x in y]"]
FREE += ["answer = !docker ps", "1 +"]


@pytest.mark.parametrize("text", FREE)
def test_a_value_that_looks_at_something_is_not_fixed(text: str) -> None:
    """A value is not fixed if the cell uses any name from outside, or is not plain Python."""
    assert not is_fixed(text, value=True)


@pytest.mark.parametrize("text", ["sh('docker rm x-heron-3f07-y')", "!docker rm labkit-00-trace-heron-3f07-rose"])
def test_a_drawn_word_makes_an_answer_fixed(text: str) -> None:
    """What was drawn for one learner is in no other world, so no answer may hold it, whatever its kind."""
    assert is_fixed(text, value=False)


def test_a_state_may_be_reached_by_constants() -> None:
    """Where the answer is no value, constants are right in every world."""
    assert not is_fixed("answer = [201, 204, 200]", value=False)


@each
def test_no_right_answer_is_fixed(exercise_id: str) -> None:
    """No reference answer is taken for a fixed one."""
    assert not fixed(exercise_id, reference(exercise_id))


@given(st.text(st.sampled_from("answer=[]()'\"\\{}:,\n \t\0!#%d1éheron-3f07")) | st.text())
def test_any_text_can_be_looked_at(text: str) -> None:
    """Whatever stands in a cell, it is looked at without an error or a warning, and without being run."""
    assert is_empty(text) in (True, False)
    assert is_fixed(text, value=True) or not is_fixed(text, value=False)


# --- What this kernel ran ------------------------------------------------------------------------------------


def test_the_cells_that_ran_are_ipythons(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each text stands where its count points; without IPython, nobody counts."""
    kernel(monkeypatch, "x = 1", "submit()")
    assert cells_run()[1] == "x = 1"
    monkeypatch.setattr("IPython.get_ipython", lambda: None)
    assert cells_run() == []


def test_white_space_does_not_count() -> None:
    """A cell ran as it is saved if its words are the same; each half of a split one has to have run."""
    halves = [cell("x = 1\n\n"), cell("y = 2 ")]
    assert was_run(halves, ["", " x  = 1", "y = 2"])
    assert not was_run(halves, ["", "x = 1"])
    assert was_run([cell(" ")], [""])


RAN = {
    "saved at the end": ("a", "b", "submit()"),
    "saved before a cell that is in the file": ("a", "b", "a", "submit()"),
    "saved, then handed in twice": ("a", "b", "from labkit import submit", "submit()", "submit()"),
    "an older text of a cell": ("older a", "a", "submit()"),
}
CELLS = [cell("b", execution_count=2), cell("a", execution_count=1), cell("c"), cell("d", execution_count=[])]


@pytest.mark.parametrize("ran", RAN.values(), ids=RAN)
def test_a_file_as_new_as_the_screen(ran: tuple[str, ...]) -> None:
    """Nothing but what is saved ran since the newest run that the file tells of."""
    cells = [*CELLS, cell("a", execution_count=2)]
    assert not ran_since(cells, ["", *ran])


@pytest.mark.parametrize("ran", [("a", "b", "newer b", "submit()"), ("new", "submit()")])
def test_a_screen_newer_than_the_file(ran: tuple[str, ...]) -> None:
    """A cell ran after the notebook was saved, and its text is not in the file; or no run of this kernel is."""
    assert ran_since(CELLS, ["", *ran])


def test_without_a_history_nothing_ran() -> None:
    """Where nobody counts what ran, nothing is said to be newer."""
    assert not ran_since(CELLS, [])
