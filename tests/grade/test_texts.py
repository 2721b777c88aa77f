"""What others wrote loses what could colour a terminal, break a row or leave a folder; and nothing else."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.grade.results import STATUSES, Result, Status
from labkit.grade.texts import (
    SENTENCES,
    SIGNS,
    WORDS,
    file_names,
    last_lines,
    one_line,
    plain,
    sentence_case,
    what_happened,
)
from tests.grade import anything, samples

any_text = st.text(st.characters(codec=None) | st.sampled_from("\x1b[]m\x07\r\n\t\x9b0;\ud800\udcff"), max_size=30)


def test_every_status_has_its_words() -> None:
    """Each status has a sign, two or three words, and a sentence that ends."""
    assert list(WORDS) == list(SENTENCES) == list(SIGNS) == list(STATUSES)
    assert all(sentence.endswith(".") for sentence in SENTENCES.values())
    assert set(SIGNS.values()) == {"✓", "✗", "–"}
    assert [status for status, sign in SIGNS.items() if sign == "✓"] == ["pass"]


@pytest.mark.parametrize(
    ("status", "sentence", "read"),
    [
        ("missing", "", "There is no answer to this exercise in your notebook."),
        ("missing", "The answer cell gives no answer yet.", "The answer cell gives no answer yet."),
        ("missing", "\x1f ", SENTENCES["missing"]),
        ("infra-error", "It died.", SENTENCES["infra-error"] + " It died."),
        ("kernel-died", "Exit code 1.", SENTENCES["kernel-died"] + " Exit code 1."),
    ],
)
def test_what_happened_is_said_once(status: Status, sentence: str, read: str) -> None:
    """What is known about a case takes the place of what its status means, unless the learner needs both."""
    assert what_happened(status, sentence) == read


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("\x1b[0;31mKeyError\x1b[0m: 'a'", "KeyError: 'a'"),
        ("\x9b1mbold\x9b0m", "bold"),
        ("\x1b]8;;file:///etc\x1b\\link\x1b]8;;\x07", "link"),
        ("\x1b(Bplain\x1b7", "plain"),
        ("cut \x1b[", "cut "),
        ("one\r\ntwo\rthree\n", "one\ntwo\nthree\n"),
        ("a\x00\x08\x7fb\tc", "ab\tc"),
        ("\udcff\ufffe", "��"),
        ("Zoë 🦊 日本 ✓", "Zoë 🦊 日本 ✓"),
    ],
)
def test_plain(text: str, left: str) -> None:
    """Colour codes and control characters go; letters of every language stay."""
    assert plain(text) == left


@given(any_text)
def test_plain_texts_fit_anywhere(text: str) -> None:
    """A plain text can be encoded, is valid in XML, and has no control characters but line break and tab."""
    left = plain(text)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", left)
    element = ElementTree.Element("said")
    element.text = left
    assert (ElementTree.fromstring(ElementTree.tostring(element, "utf-8")).text or "") == left


@given(any_text)
def test_one_line_is_one_line(text: str) -> None:
    """However a text breaks its lines, what is left is one line for every reader."""
    assert len(one_line(text).splitlines()) <= 1


@pytest.mark.parametrize("breaks", ["\n", "\r\n", "\r", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"])
def test_breaks_are_seen(breaks: str) -> None:
    """Each way to break a line becomes one visible sign."""
    assert one_line(f"Ada{breaks}Lovelace") == "Ada↵Lovelace"


def test_last_lines_keep_the_end() -> None:
    """Of a long traceback the last lines are left, in plain text, cut in width, and the number of others is said."""
    lines = last_lines(samples.TRACEBACK, 3, width=80).split("\n")
    assert lines[0] == "… 800 lines above …"
    assert lines[2:] == ["----> 399 deeper(400)", "KeyError: 'garden " + "x" * 61 + "…"]
    assert len(lines) == 4
    assert last_lines("a\nb\n", 1) == "… 1 line above …\nb"
    assert last_lines("short") == "short"


def test_sentence_case_touches_one_letter() -> None:
    """The first letter becomes a capital; names further on keep theirs."""
    assert [sentence_case(text) for text in ("the API", "Docker", "")] == ["The API", "Docker", ""]


@given(st.lists(anything.results, max_size=6))
def test_file_names_are_safe_and_their_own(results: list[Result]) -> None:
    """However learners call themselves, each submission has a name of its own that is safe on every system."""
    found = file_names(results)
    assert len({name.casefold() for name in found}) == len(results)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) and len(name) <= 60 for name in found)


def test_file_names_tell_files_apart() -> None:
    """Two submissions of one learner have two names, and the name of a file never changes with the batch."""
    one, two = (samples.handed_in("Grace Hopper", "01", file=file) for file in ("a.ipynb", "b.ipynb"))
    assert [name[:16] for name in file_names([one, two])] == ["grace-hopper-01-", "grace-hopper-01-"]
    assert file_names([one, two])[1] == file_names([two])[0] != file_names([one])[0]
    assert file_names([one, one])[1] == file_names([one])[0] + "-2"


@pytest.mark.parametrize(
    ("learner", "begins"),
    [("Zoë 🦊", "zoe-01-"), ("../../etc", "etc-01-"), ("🦊", "learner-01-"), ("", "learner-01-"), ("CON", "con-01-")],
)
def test_file_names_say_who(learner: str, begins: str) -> None:
    """What is left of a learner's name in plain letters begins the file's name."""
    assert file_names([samples.handed_in(learner, "01")])[0].startswith(begins)
