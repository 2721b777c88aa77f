"""Words of the reports, and what must happen to texts that others wrote before they go into a file of ours.

A learner chooses names, answers and outputs. None of them may colour a terminal, break a row or leave a folder.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from labkit.grade.results import Result, Status

WORDS: dict[Status, str] = {
    "pass": "all points",
    "fail": "points missing",
    "error": "raised an exception",
    "timeout": "took too long",
    "kernel-died": "ended Python",
    "not-reached": "not reached",
    "missing": "no answer",
    "unreadable": "could not be read",
    "infra-error": "not graded",
}
"""Each status in two or three words."""

SENTENCES: dict[Status, str] = {
    "pass": "Everything is as it should be.",
    "fail": "Your answer ran. What is missing is marked below.",
    "error": "Your answer raised an exception; what was true nevertheless is marked below.",
    "timeout": "One of the cells took longer than its limit and was stopped.",
    "kernel-died": "Your answer ended Python, or went beyond a limit. Nothing could be asked of it afterwards.",
    "not-reached": "This exercise could not be run because of what happened before it.",
    "missing": "There is no answer to this exercise in your notebook.",
    "unreadable": "Your file could not be read as a notebook of the course.",
    "infra-error": "The grader failed, not you. There is no score yet, and you need not do anything.",
}
"""Each status as a learner reads it."""

_BOTH = ("kernel-died", "infra-error", "unreadable")
"""The statuses of which the learner reads the sentence also where the grader knows more."""


def what_happened(status: Status, sentence: str) -> str:
    """Return what a learner reads: what the grader knows about this case, or else what the status means."""
    if not plain(sentence).strip():
        return SENTENCES[status]
    return f"{SENTENCES[status]} {sentence}" if status in _BOTH else sentence


SIGNS: dict[Status, str] = {
    "pass": "✓",
    "fail": "✗",
    "error": "✗",
    "timeout": "✗",
    "kernel-died": "✗",
    "not-reached": "–",
    "missing": "–",
    "unreadable": "–",
    "infra-error": "–",
}
"""✓ all points, ✗ points are missing, – there was nothing to judge."""

# ECMA-48: a control sequence, a control string (a window's title, a link), any other escape.
_ESCAPES = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]")
_BREAKS = re.compile(r"\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_NO_LETTERS = re.compile(r"[\ud800-\udfff\ufffe\uffff]")


def plain(text: str) -> str:
    r"""Return the text without colour codes and control characters: what is left is valid in UTF-8, XML and HTML.

    >>> plain("\x1b[31mred\x1b[0m\x00")
    'red'
    """
    without = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _NO_LETTERS.sub("\N{REPLACEMENT CHARACTER}", _CONTROLS.sub("", without))


def one_line(text: str) -> str:
    r"""Return the plain text in one line: a line break becomes a visible ↵, a tab a space.

    >>> one_line("Ada\nLovelace")
    'Ada↵Lovelace'
    """
    return plain(_BREAKS.sub("↵", text)).replace("\t", " ")


def last_lines(text: str, count: int = 12, *, width: int = 400) -> str:
    """Return the last lines of a plain text; long ones are cut, and how many are left out is said."""
    lines = plain(text).rstrip().split("\n")
    kept = [line if len(line) <= width else line[: width - 1] + "…" for line in lines[-count:]]
    left = len(lines) - len(kept)
    return "\n".join([f"… {left} line{'s' * (left > 1)} above …"] * bool(left) + kept)


def sentence_case(text: str) -> str:
    """Return the text with a capital letter in front, and the rest as it is.

    >>> sentence_case("nine bits decide")
    'Nine bits decide'
    """
    return text[:1].upper() + text[1:]


def file_names(results: Iterable[Result]) -> list[str]:
    """Return a file name for each submission, without suffix: never the same twice, and safe in any folder.

    >>> file_names([Result("a.ipynb", "../Zoë", "01", "", "pass", 1, 1)])
    ['zoe-01-d1e52b21']
    """
    taken: Counter[str] = Counter()
    found = []
    for result in results:
        mark = hashlib.sha256(result.file.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        name = "-".join(
            filter(None, (_ascii(result.learner)[:40].strip("-") or "learner", _ascii(result.chapter), mark))
        )
        taken[name] += 1
        found.append(name if taken[name] == 1 else f"{name}-{taken[name]}")
    return found


def _ascii(text: str) -> str:
    """What is left of a text in small ASCII letters and digits, with single hyphens between."""
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")
