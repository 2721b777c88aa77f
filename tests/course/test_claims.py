"""An answer becomes plain data or is refused; nothing of the learner's speaks for itself."""

from __future__ import annotations

import enum
import json
import math
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.course.claims import LIMIT, Claim, call, fingerprint

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


class Yes:
    """Equal to everything."""

    __class__: Any = str

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1

    def __repr__(self) -> str:
        return "'heron-3f07'"


class Text(str):
    """A text that says it is another."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1

    def __str__(self) -> str:
        return "heron-3f07"


class Bytes(bytes):
    """Bytes that say they are others."""

    def __bytes__(self) -> bytes:
        raise SystemExit

    def decode(self, *_: object, **__: object) -> str:
        return "heron-3f07"


class Number(int):
    """A number that equals every number."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1


class Row(list[int]):
    """A list that is never at its end."""

    def __iter__(self) -> Iterator[int]:
        while True:
            yield 1


class Table(dict[str, int]):
    """A dictionary that has everything."""

    def __missing__(self, key: str) -> int:
        return 1


class Liar(type):
    """A type that equals every type."""

    def __eq__(cls, other: object) -> bool:
        return True

    def __hash__(cls) -> int:
        return 1


class Chameleon(metaclass=Liar):
    """An object whose type passes for any."""

    def __iter__(self) -> NoReturn:
        raise SystemExit


class Key:
    """A key that raises when it is asked for its name."""

    def __str__(self) -> str:
        raise SystemExit


class Colour(enum.IntEnum):
    """A number with a name."""

    RED = 1


@given(JSON)
def test_plain_data_stays_what_it_is(answer: Any) -> None:
    """Data that JSON knows is handed in unchanged, types and all."""
    claim = Claim.of(answer)
    assert (claim.problem, json.dumps(claim.value)) == ("", json.dumps(answer))


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ((1, ("a", True)), [1, ["a", True]]),
        ({10, 9, 2}, [2, 9, 10]),
        (frozenset(["b", "a"]), ["a", "b"]),
        ({1: "a", None: "b"}, {"1": "a", "None": "b"}),
        (b"ab\xff", "ab\N{REPLACEMENT CHARACTER}"),
        (bytearray(b"ab"), "ab"),
        ([1, ...], [1, None]),
        ("\udcff", "\udcff"),
    ],
)
def test_what_a_notebook_has_becomes_json(answer: object, value: object) -> None:
    """Tuples become lists, sets lists in order, bytes texts, keys texts."""
    assert Claim.of(answer) == Claim(value)


def test_a_mixed_set_has_an_order_too() -> None:
    """Texts and numbers in one set come in the same order however the set was built."""
    assert Claim.of({1, "a", None}) == Claim.of({None, "a", 1}) != Claim.of({1, "a"})


@pytest.mark.parametrize(("answer", "plain"), [(Text("x"), "x"), (Bytes(b"x"), "x")], ids=["text", "bytes"])
def test_a_text_that_lies_is_taken_at_its_letters(answer: object, plain: str) -> None:
    """Subclasses of text and bytes are copied by their letters; their methods are not asked."""
    value = Claim.of([answer]).value
    assert [(type(item), item) for item in value] == [(str, plain)]


@pytest.mark.parametrize(
    "answer",
    [Yes(), Number(5), Row([1]), Table(), OrderedDict(), Colour.RED, Chameleon(), Path("x"), object(), int, len, 1j],
    ids=lambda answer: type(answer).__name__,
)
def test_objects_are_refused(answer: object) -> None:
    """What is not exactly one of JSON's types is refused with a sentence that says what can be handed in."""
    for claim in (Claim.of(answer), Claim.of([answer]), Claim.of({"key": answer})):
        assert claim.value is None
        assert "hand in a text, a number" in claim.problem or "not JSON serializable" in claim.problem


def test_iterators_are_refused_unread() -> None:
    """A generator is refused, and nothing is taken out of it."""
    numbers = iter([1, 2])
    assert Claim.of(numbers).problem.startswith("list_iterator is not data that can be handed in")
    assert list(numbers) == [1, 2]


@pytest.mark.parametrize("answer", [math.nan, math.inf, -math.inf, [1, math.nan], 10**5000], ids=lambda a: str(type(a)))
def test_numbers_that_json_lacks_are_refused(answer: object) -> None:
    """NaN, the infinities and numbers too long to be written are refused."""
    claim = Claim.of(answer)
    assert claim.value is None
    assert claim.problem


def test_one_and_true_are_two_things() -> None:
    """A bool stays a bool and a number a number."""
    assert [type(item) for item in Claim.of([True, 1, 1.0]).value] == [bool, int, float]


def test_a_list_within_itself_is_refused() -> None:
    """What contains itself is refused at once, however often it does."""
    loop: list[object] = []
    loop.extend([loop] * 10)
    assert "nested too deeply" in Claim.of(loop).problem


def test_a_list_that_no_memory_holds_is_refused() -> None:
    """A short expression that stands for a trillion items is refused before it is written out."""
    answer: object = [0] * 10
    for _ in range(11):
        answer = [answer] * 10
    assert f"more than the {LIMIT} characters" in Claim.of(answer).problem


@pytest.mark.parametrize("answer", ["x" * LIMIT, ["x" * 10] * 90_000, b"x" * 10**7, {"x" * LIMIT: 1}, [0.5] * 500_000])
def test_an_answer_that_is_too_long_is_refused(answer: object) -> None:
    """An answer has at most a million characters."""
    claim = Claim.of(answer)
    assert claim.value is None
    assert f"more than the {LIMIT}" in claim.problem


@pytest.mark.parametrize(("answer", "word"), [({Key(): 1}, "Key"), ({(1,): 1}, "keys"), ({1: 0, "1": 0}, "same text")])
def test_keys_are_texts_or_numbers(answer: object, word: str) -> None:
    """A key that is an object or a tuple is refused unasked, and so are two that would become one."""
    claim = Claim.of(answer)
    assert claim.value is None
    assert word in claim.problem or "hand in a text" in claim.problem


@pytest.mark.parametrize("answer", [None, ..., [{"returned": None, "raised": ""}] * 2])
def test_an_answer_may_not_be_there_yet(answer: object) -> None:
    """None, ``...``, and a function that returns only these are no answer."""
    assert Claim.of(answer).empty


@pytest.mark.parametrize("answer", [0, "", [], {}, False, object(), [{"returned": None, "raised": "ValueError"}]])
def test_an_empty_answer_is_an_answer(answer: object) -> None:
    """Zero, an empty text or list, False, and what cannot be handed in are answers to be judged."""
    assert not Claim.of(answer).empty


def stops(error: type[BaseException]) -> Callable[..., object]:
    """A function that raises."""

    def function(*_: object) -> NoReturn:
        raise error("so it is")

    return function


@pytest.mark.parametrize("error", [ValueError, SystemExit, GeneratorExit, RecursionError, MemoryError])
def test_what_a_function_raises_is_an_output(error: type[BaseException]) -> None:
    """An exception is an output like any other, sys.exit() too: the check goes on, and nothing is returned."""
    assert call(stops(error), (1,)) == {"returned": None, "raised": f"{error.__name__}: so it is"}


def test_the_learner_can_interrupt_a_check() -> None:
    """KeyboardInterrupt, the stop button of the notebook, goes through."""
    with pytest.raises(KeyboardInterrupt):
        call(stops(KeyboardInterrupt), ())


def test_a_wrong_signature_is_said() -> None:
    """A function that takes other arguments fails with Python's own words."""
    assert "takes 0 positional arguments but 2 were given" in call(lambda: 1, (1, 2))["raised"]


def test_an_error_that_cannot_speak_is_named() -> None:
    """An exception whose own text raises is named by its type."""

    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    def function() -> NoReturn:
        raise Mute

    assert call(function, ()) == {"returned": None, "raised": "Mute"}


def test_a_returned_object_is_a_problem() -> None:
    """A function that returns what cannot be handed in has returned nothing, and is told why."""
    output = call(lambda: (n for n in [1]), ())
    assert output["returned"] is None
    assert output["raised"].startswith("generator is not data")


def test_arguments_are_copies() -> None:
    """What a function does to its arguments changes no other call."""
    groups = [1, 2]
    assert call(lambda found: found.pop(), (groups,))["returned"] == 2
    assert groups == [1, 2]


def test_outputs_are_texts_that_can_be_shown() -> None:
    """What is said of an error can be printed and encoded, whatever the error says."""

    def function() -> NoReturn:
        raise ValueError("\udcff" * 1000)

    raised = call(function, ())["raised"]
    assert len(raised) == 300
    assert raised.encode()


def test_a_fingerprint_knows_a_function_again() -> None:
    """The same code has the same fingerprint, other code another, and data none."""
    text = "def answer(n):\n    return n + {}\n"

    def compiled(number: int, cell: str = "cell") -> object:
        names: dict[str, object] = {}
        exec(compile(text.format(number), cell, "exec"), names)
        return names["answer"]

    assert fingerprint(compiled(1)) == fingerprint(compiled(1)) != ""
    assert len({fingerprint(compiled(1)), fingerprint(compiled(2)), fingerprint(compiled(1, "other"))}) == 3
    assert [fingerprint(answer) for answer in (None, "text", 5, len, Yes())] == [""] * 5
