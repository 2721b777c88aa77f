"""A class as grading leaves it, made by hand: every status, every kind of name, and the usual misunderstandings."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace

from labkit.course.exercise import Exercise, exercises
from labkit.grade.results import Batch, ExerciseResult, PartResult, Result, summed

TRACEBACK = "\n".join(
    [
        "\x1b[0;31m---------------------------------------------------------------------------\x1b[0m",
        "\x1b[0;31mKeyError\x1b[0m                                  Traceback (most recent call last)",
        *(f"Cell \x1b[0;32mIn[5]\x1b[0m, line {n}, in deeper({n})\n----> {n} deeper({n + 1})" for n in range(400)),
        "\x1b[0;31mKeyError\x1b[0m: 'garden\x00 " + "x" * 3000 + "'",
    ]
)
"""Eight hundred lines, in colours."""

NAMES = """
    Ada Lovelace, Alan Turing, Barbara Liskov, Dennis Ritchie, Donald Knuth, Edsger Dijkstra, Frances Allen,
    Grace Hopper, Hedy Lamarr, Ivan Sutherland, John Backus, Karen Jones, Katherine Johnson, Ken Thompson,
    Leslie Lamport, Margaret Hamilton, Mary Jackson, Niklaus Wirth, Radia Perlman, Tony Hoare, Vint Cerf
"""

HOSTILE = [
    "Zoë 🦊 Ångström",
    "../../etc/passwd",
    "Two\nLines",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "\udcff",
]
"""Names that somebody thought about."""

FAILED = "The cell failed, and nothing was handed in."
TWICE = "Grace Hopper handed in 2 notebooks of chapter 01; each was graded."

TURNS: dict[str, dict[str, tuple[str, str, str, str]]] = {
    "00.word": {
        "word": (
            "the value of the label 'word', as a text",
            "'brisk-heron'",
            "docker inspect labkit-00-word-heron-3f07-box, under Config.Labels",
            "This is the word of the other container, the twin: names that differ by one word are two containers.",
        )
    },
    "00.file": {
        "path": (
            "an absolute path on the daemon's host",
            "'/data/word.txt'",
            "docker volume inspect labkit-00-file-heron-3f07-data",
            "That is its name inside the container; the host calls the same file by another path.",
        )
    },
    "00.trace": {
        "stopped": (
            "no container labkit-00-trace-heron-3f07-tulip",
            "it is still there",
            "docker ps -a",
            "docker ps does not show it: a container whose process has ended is still there until it is removed.",
        )
    },
    "01.mode": {
        "class": (
            "True, for a socket 0o606 of user 0 and group 312, user 4711 in groups [4711, 312]",
            "False",
            "the picture of the ten letters, and unix(7), 'Pathname socket ownership and permissions'",
            "The classes do not add up: an owner is judged as owner, even where the group would be allowed more.",
        ),
        "root": (
            "True, for a socket 0o0 of user 4711 and group 312, user 0 in groups [0]",
            "False",
            "the picture of the ten letters, and unix(7), 'Pathname socket ownership and permissions'",
            "User id 0 passes whatever the nine bits say, and nobody else does.",
        ),
    },
    "01.group": {
        "primary": (
            "['otter1'], for 'docker', the group file 'docker:x:312:\\n', the passwd file 'lynx0:x:1001:1001::/:/bin…'",
            "[]",
            "man 5 group and man 5 passwd: what stands between the colons",
            "A user's primary group stands in /etc/passwd. /etc/group need not repeat it, and may.",
        )
    },
    "01.ping": {
        "pieces": (
            "[503, '1.47'], for status 503 and API 1.47, sent in 9 pieces",
            "raised ValueError: not enough values to unpack\n(expected 2, got 1)",
            "how often you call recv",
            "One recv is not one answer: the bytes come as they please, and even the headers in two parts.",
        )
    },
    "01.by-hand": {
        "ended": (
            "exited, exit code 42",
            "running, exit code 0",
            "docker inspect, under State",
            "It still runs. Waiting for it is the third request.",
        ),
        "statuses": (
            "three numbers, in the order of asking",
            "[201, 204, 201]",
            "the first line of each answer",
            "",
        ),
    },
    "01.events": {
        "code": (
            "a number",
            "'42'",
            "the event die, exitCode",
            "Hand in a number: the daemon writes it as a text, as all attributes are.",
        )
    },
}
"""Exercise → part → expected, saw, look at, why."""


def solved(exercise: Exercise) -> ExerciseResult:
    """An exercise with all points."""
    parts = tuple(PartResult(part.key, part.truth, part.points, part.points, "pass") for part in exercise.parts)
    total = exercise.total
    return ExerciseResult(exercise.id, exercise.title, "pass", total, total, "", parts, "", "metadata", (), 1.25)


def failed(exercise: Exercise, *keys: str) -> ExerciseResult:
    """An exercise with a usual misunderstanding in these parts; without any, in all that have one."""
    wrong = keys or tuple(TURNS[exercise.id])
    parts = tuple(_turned(part, exercise.id) if part.key in wrong else part for part in solved(exercise).parts)
    points = sum(part.points for part in parts)
    return replace(solved(exercise), status="fail", points=points, parts=parts)


def _turned(part: PartResult, exercise: str) -> PartResult:
    expected, saw, look_at, why = TURNS[exercise][part.key]
    return replace(part, points=0, state="fail", expected=expected, saw=saw, look_at=look_at, why=why)


def unreached(exercise: Exercise, status: str, sentence: str = "", **changes: object) -> ExerciseResult:
    """An exercise of which no part could be judged."""
    parts = tuple(replace(part, points=0, state="not reached") for part in solved(exercise).parts)
    points = None if status == "infra-error" else 0
    one = replace(solved(exercise), status=status, points=points, parts=parts, sentence=sentence)  # type: ignore[arg-type]
    return replace(one, **changes)  # type: ignore[arg-type]  # what the tests say they change


def handed_in(learner: str, chapter: str, *found: ExerciseResult, **changes: object) -> Result:
    """A submission with these exercises in place of solved ones."""
    known = {one.exercise: one for one in found}
    chapter_of = tuple(known.get(exercise.id) or solved(exercise) for exercise in exercises(chapter))
    file = f"week1.zip/{learner}/{chapter}_chapter.ipynb"
    sha256 = hashlib.sha256(file.encode("utf-8", "surrogatepass")).hexdigest()
    bare = Result(file, learner, chapter, sha256, "pass", 0, 0, exercises=chapter_of, seconds=9.84, key=sha256[:12])
    return replace(summed(bare), **changes)  # type: ignore[arg-type]  # what the tests say they change


def refused(learner: str, file: str, status: str, sentence: str) -> Result:
    """A submission that never ran."""
    points = None if status == "infra-error" else 0
    return Result(file, learner, "", hashlib.sha256(file.encode()).hexdigest(), status, points, 0, sentence)  # type: ignore[arg-type]


def ordinary() -> list[Result]:
    """The learners of whom there are many, in both chapters: what they get wrong is drawn, always alike."""
    draw = random.Random(2)
    found = []
    for name in (name.strip() for name in NAMES.split(",")):
        skill = draw.random() ** 0.5
        for chapter in ("00", "01"):
            wrong = [_attempt(draw, exercise) for exercise in exercises(chapter) if draw.random() > skill]
            notes = (TWICE,) if (name, chapter) == ("Grace Hopper", "01") else ()
            found.append(handed_in(name, chapter, *wrong, notes=notes))
    return found


def _attempt(draw: random.Random, exercise: Exercise) -> ExerciseResult:
    kind = draw.random()
    if kind < 0.2:
        return unreached(exercise, "missing", matched="")
    if kind < 0.3:
        return unreached(exercise, "error", FAILED, traceback="KeyError: 'word'")
    keys = list(TURNS[exercise.id])
    return failed(exercise, *draw.sample(keys, draw.randint(1, len(keys))))


def unusual() -> list[Result]:
    """One learner for each thing that can happen."""
    mode, group, ping, by_hand, events = exercises("01")
    stopped = "The answer took longer than 20 s and was interrupted."
    died = "Python ended with exit code 1."
    outage = "The daemon no longer answers: connection refused."
    late = [unreached(exercise, "not-reached") for exercise in (by_hand, events)]
    split = (
        "Your answer was in two cells; they were joined.",
        "A line that would have hidden the check is now a comment.",
    )
    return [
        handed_in("Linus T.", "01", failed(group), unreached(ping, "timeout", stopped), matched_by_id(by_hand)),
        handed_in("Brian K.", "01", unreached(ping, "kernel-died", died), *late),
        handed_in(
            "Bjarne S.",
            "01",
            failed(mode),
            failed(by_hand),
            unreached(events, "error", FAILED, traceback=TRACEBACK, notes=split, matched="comment"),
            unreached(group, "missing", matched=""),
            ignored=("cell 12, new: print(daemon.client.containers.list())", "cell 19, a changed check of 01.mode"),
            notes=(
                "This is an older edition of the chapter (3f07ab12cd34); its answers were put into the current one.",
            ),
        ),
        handed_in(
            "Guido v. R.",
            "01",
            *[unreached(e, "infra-error", outage) for e in (ping, by_hand, events)],
            sentence=outage,
        ),
        handed_in("Grace Hopper", "01", failed(ping), file="week1.zip/Grace Hopper/again.ipynb", notes=(TWICE,)),
        refused(
            "Rasmus L.", "week1.zip/Rasmus L./01_socket.ipynb", "unreadable", "The file is empty: hand it in again."
        ),
        refused(
            "Yukihiro M.", "week1.zip/Yukihiro M./huge.ipynb", "unreadable", "The file has 50 MB; 20 MB are allowed."
        ),
        *(handed_in(name, "01", failed(mode), file=f"zip/{number}.ipynb") for number, name in enumerate(HOSTILE)),
    ]


def matched_by_id(exercise: Exercise) -> ExerciseResult:
    """A solved exercise whose answer cell had lost its mark."""
    return replace(solved(exercise), matched="id")


def batch(*results: Result) -> Batch:
    """These results as one batch; without any, the whole class."""
    return Batch(
        results=results or (*ordinary(), *unusual()),
        level="self",
        isolation="Level self: the answers ran as your own user and on your own daemon. Labels keep their containers "
        "apart from yours; nothing keeps the code itself from your files. Use it for your own notebooks only.",
        made="2026-03-01T09:30:00+00:00",
        labkit="0.1.0",
        engine="Docker 20.10.24, overlay2, cgroup v2",
    )
