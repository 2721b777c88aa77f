"""What was handed in, as data: whose it is, for which chapter, the answers, and what does not count."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Answer:
    """The answer to one exercise, as it was found in a submission.

    Attributes:
        exercise: the exercise's id.
        text: the code.
        matched: by what the cell was recognised: ``"metadata"``, ``"id"`` or ``"comment"``.
        notes: one sentence for each thing that was put right, such as two halves that were joined.
    """

    exercise: str
    text: str = field(repr=False)
    matched: str = "metadata"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Submission:
    """One notebook that was handed in.

    Attributes:
        file: where it came from, as the instructor knows it: ``"week1.zip/ada/01_socket.ipynb"``.
        learner: whose it is.
        chapter: its two digits; empty if nobody can tell.
        answers: what was found, by exercise id; an exercise that is not here has no answer cell.
        ignored: one line for each of the learner's own or changed cells, none of which counts.
        notes: one sentence for each thing an instructor should know, such as an older edition.
        sha256: of the file's bytes, in hexadecimal digits.
        problem: why it cannot be graded, and what to do; empty if it can.
    """

    file: str
    learner: str
    chapter: str
    answers: dict[str, Answer] = field(repr=False)
    ignored: tuple[str, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()
    sha256: str = field(default="", repr=False)
    problem: str = ""
