"""One submission from its answers to its result: what each kind of answer is worth, and what of it stays."""

from __future__ import annotations

import copy
import itertools
import json
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from labkit.course.exercise import Exercise, World
from labkit.course.verdict import Finding
from labkit.grade import kernels, one
from labkit.grade.chapters import Chapter
from labkit.grade.kernels import DEAF
from labkit.grade.nursery import Nursery
from labkit.grade.one import Ticket, environment, grade_one
from labkit.grade.results import ExerciseResult, Result, Status
from labkit.grade.submission import Answer
from tests.chapters import cell_id
from tests.grade import plain
from tests.grade.conftest import Grader, handed_in

pytestmark = pytest.mark.notebook

ADD, WORDS = plain.Add(), plain.Words()
RIGHT, PARTLY, WRONG = (ADD.answer(kind) for kind in plain.KINDS)

SWALLOW = "while True:\n  try:\n    while True: {}\n  except KeyboardInterrupt: pass"
BY_HAND = "from labkit.course import window\n"
LONG = "It took longer than 1.5 s and was interrupted."

TABLE: dict[str, tuple[str | None, Status, int, str]] = {
    # what was written: the text, the status, the points of two, the beginning of the sentence
    "right": (RIGHT, "pass", 2, ""),
    "partly right": (PARTLY, "fail", 1, ""),
    "wrong": (WRONG, "fail", 0, ""),
    "as shipped": (f"{ADD.head}\n    # TODO\n    return None", "missing", 0, "The answer cell gives no answer"),
    "no answer cell": (None, "missing", 0, "The notebook has no answer cell"),
    "empty": ("", "error", 0, "The cell failed, and nothing was handed in. NameError"),
    "prose": ("My answer is 5.", "error", 0, "The cell failed, and nothing was handed in. SyntaxError"),
    "raises": (f"1 / 0\n{RIGHT}", "error", 0, "The cell failed, and nothing was handed in. ZeroDivisionError"),
    "right, then raises": (f"{RIGHT}\n1 / 0", "pass", 2, ""),
    "partly right, then raises": (f"{PARTLY}\n1 / 0", "error", 1, "The answer cell raised an exception; what it had"),
    "raises when called": (f"{ADD.head} return a + nothing", "fail", 0, ""),
    "sys.exit": ("import sys; sys.exit(0)", "error", 0, "The cell failed, and nothing was handed in. SystemExit"),
    "exit()": ("exit()", "kernel-died", 0, "Python itself ended"),
    "os._exit": ("import os; os._exit(0)", "kernel-died", 0, "Python itself ended"),
    "ends when called": (f"{ADD.head} import os; os._exit(0)", "kernel-died", 0, "Python itself ended"),
    "input": ("input()", "error", 0, "The cell failed, and nothing was handed in. StdinNotImplementedError"),
    "loop": ("while True: pass", "timeout", 0, LONG),
    "right, then a loop": (f"{RIGHT}\nwhile True: pass", "pass", 2, ""),
    "partly right, then a loop": (f"{PARTLY}\nwhile True: pass", "timeout", 1, "The answer took longer than 1.5"),
    "loops when called": (f"{ADD.head}\n  while True: pass", "timeout", 0, LONG),
    "deaf and silent": (SWALLOW.format("sum(range(99))"), "timeout", 0, f"{LONG} {DEAF}"),
    "deaf and loud": (SWALLOW.format("print('x', flush=True)"), "timeout", 0, f"{LONG} {DEAF}"),
    "memory": ("x = bytearray(10 << 30)", "error", 0, "The cell failed, and nothing was handed in. MemoryError"),
    "output": ("print('x' * 5_000_000)", "kernel-died", 0, "It printed more than 4 MB"),
    "children": (
        "import os, time\nfor _ in range(200):\n  if os.fork() == 0: time.sleep(1000)\ntime.sleep(1000)",
        "kernel-died",
        0,
        "It had ",
    ),
    "its parent killed": ("import os; os.kill(os.getppid(), 9); input()", "kernel-died", 0, "Python itself ended"),
    "background": (
        f"{RIGHT}\nimport subprocess as s; s.Popen(['sleep', '999'], start_new_session=True)",
        "pass",
        2,
        "",
    ),
    "magic": (f"%time x = 1\n!true\n{RIGHT}", "pass", 2, ""),
    "skip marker": (f"# NBVAL_SKIP\n{RIGHT}", "pass", 2, ""),
    "nothing but a skip marker": ("# NBVAL_SKIP", "error", 0, "The cell failed, and nothing was handed in. NameError"),
    "raises marker": (
        "# NBVAL_RAISES_EXCEPTION\n1 / 0",
        "error",
        0,
        "The cell failed, and nothing was handed in. Zero",
    ),
    # what somebody tried
    "the next cell is emptied": (
        "get_ipython().input_transformers_post.append(lambda lines: ['pass\\n'])",
        "fail",
        0,
        "The check cell ran, and nothing was handed in",
    ),
    "tracebacks are silenced": (f"{WRONG}\nget_ipython().showtraceback = lambda *_, **__: None", "fail", 0, ""),
    "always equal": ("class E(int): __eq__ = lambda *_: True\nadd = lambda a, b: E(0)", "fail", 0, ""),
    "another check": (
        "import labkit, labkit.course.desk as d\nadd = labkit.check = d.check = check = print",
        "fail",
        0,
        "The check cell ran, and nothing was handed in",
    ),
    "another world": (
        f"{WRONG}\nfrom labkit.course.exercise import Program\nProgram.cases = Program.judge = lambda *_: []",
        "fail",
        0,
        "",
    ),
    "handed in early": (f"{WRONG}\n{BY_HAND}window.hand_in('90.add', lambda a, b: a + b)", "fail", 0, ""),
    "handed in twice": (
        f"{BY_HAND}def check(task, f): [window.hand_in(task.id, f) for _ in range(2)]\n{RIGHT}",
        "fail",
        0,
        "More than one answer was handed in",
    ),
    "handed in beside it": (
        f"{WRONG}\n{BY_HAND}import threading\ndef go():\n  while True: window.hand_in('90.add', lambda a, b: a + b)\n"
        "threading.Thread(target=go, daemon=True).start()",
        "fail",
        0,
        "More than one answer was handed in",
    ),
    "another's task": (
        f"{RIGHT}\ntask = begin('90.' + 'add00')",
        "fail",
        0,
        "The check cell ran, and nothing was handed in",
    ),
}


def in_a_row(chapter: Chapter, ids: list[str]) -> Chapter:
    """A chapter in which the exercise 90.add comes again and again, each time with another id."""
    notebook = copy.deepcopy(chapter.notebook)
    notebook.cells = [cell for cell in notebook.cells if cell_id(cell) == "90.start"]
    for exercise, role in itertools.product(ids, ("setup", "answer", "check")):
        cell = copy.deepcopy(chapter.cell(ADD.id, role))
        cell.id, cell.source = f"{exercise}-{role}".replace(".", "-"), cell.source.replace(ADD.id, exercise)
        if role == "setup":  # what earlier answers have left is no answer to this one
            cell.source = f"from labkit import begin, check\nglobals().pop('add', None)\n{cell.source}"
        cell.metadata["labkit"] = {"cell": f"{exercise}.{role}", "role": role, "exercise": exercise}
        notebook.cells.append(cell)
    return replace(chapter, notebook=notebook, exercises=tuple(ids))


@pytest.fixture(scope="module")
def table(nursery: Nursery, short: Chapter) -> dict[str, ExerciseResult]:
    """What came of the whole table: one notebook, in which one exercise follows the other."""
    texts = {f"90.add{number:02}": text for number, (text, *_) in enumerate(TABLE.values())}
    exercises: dict[str, Exercise] = {one: type("Again", (plain.Add,), {"id": one})() for one in texts}
    answers = {one: text.replace(ADD.id, one) for one, text in texts.items() if text is not None}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(one, "WHOLE", 1000)
        patch.setattr(kernels, "GRACE", 0.5)
        grader = Grader(nursery, in_a_row(short, list(texts)), exercises)
        result = grader.grade(answers, seconds=1.5, processes=16)
    return dict(zip(TABLE, result.exercises, strict=True))


@pytest.mark.parametrize("kind", TABLE)
def test_what_an_answer_is_worth(table: dict[str, ExerciseResult], kind: str) -> None:
    """Each kind of answer has its status, points and sentence, whatever the answers before it in the notebook did."""
    _, status, points, sentence = TABLE[kind]
    found = table[kind]
    assert (found.status, found.points, found.total) == (status, points, 2), found
    assert found.sentence.startswith(sentence) and bool(found.sentence) == bool(sentence)


def test_a_result_says_all_that_a_report_needs(grader: Grader) -> None:
    """A result has whose it is, each part with what was expected and seen, how long it took, and what was noted."""
    answer = Answer(ADD.id, PARTLY, "id", ("Two halves were joined.",))
    submission = replace(handed_in({ADD.id: PARTLY}), answers={ADD.id: answer}, ignored=("cell 3",), notes=("old",))
    result = grade_one(submission, grader.chapter, grader.exercises, grader.desk(), Ticket())
    assert (result.file, result.learner, result.chapter) == ("ada.ipynb", "ada", "90")
    assert (result.ignored, result.notes, result.sha256) == (("cell 3",), ("old",), submission.sha256)
    first, second = result.exercises
    assert (first.exercise, first.title, first.matched, first.notes) == (ADD.id, ADD.title, "id", answer.notes)
    assert [(part.key, part.points, part.state) for part in first.parts] == [
        ("plain", 1, "pass"),
        ("signed", 0, "fail"),
    ]
    assert all((part := first.parts[1]).__dict__[name] for name in ("expected", "saw", "look_at")), part
    assert [part.state for part in second.parts] == ["not reached"] * 2
    assert 0 < first.seconds + second.seconds <= result.seconds
    assert Result.from_json(json.loads(json.dumps(result.as_json()))) == result


def test_a_traceback_is_plain_text(grader: Grader) -> None:
    """The last lines of what the answer raised stand in the result without colour codes; the longest lines are cut."""
    text = f"{WRONG}\ndef deep(n): return deep(n - 1) if n else {{}}['x' * 1000]\ndeep(50)"
    first = grader.grade({ADD.id: text}).exercises[0]
    lines = first.traceback.splitlines()
    assert "\x1b" not in first.traceback and lines[-1].startswith("KeyError: 'xxx")
    assert len(lines) <= 12 and max(map(len, lines)) <= 200


def test_what_passes_has_no_traceback(grader: Grader) -> None:
    """An answer that raised nothing has no traceback, also where its function raises at the check."""
    result = grader.grade({ADD.id: f"{ADD.head} return a / 0", WORDS.id: WORDS.answer("perfect")})
    assert [exercise.traceback for exercise in result.exercises] == ["", ""]
    assert "ZeroDivisionError" in result.exercises[0].parts[0].saw


def test_a_whole_notebook_has_its_time(grader: Grader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the cells before have used up the time of the whole notebook, the rest is not run, and says why."""
    monkeypatch.setattr(one, "WHOLE", 1.0)
    text = f"{RIGHT}\nimport time; time.sleep(1000)"
    *_, last = grader.grade({ADD.id: text, WORDS.id: text}, seconds=1.0).exercises
    assert (last.status, last.points, last.seconds) == ("timeout", 0, 0.0)
    assert last.sentence == "The whole notebook took longer than 1 s; this was not reached."


def test_a_demo_that_fails_is_noted(grader: Grader) -> None:
    """A cell of the course that fails because of an answer is noted with its name and reason, and costs no points."""
    text = f"{RIGHT}\nlen = 5"
    result = grader.grade({ADD.id: text, WORDS.id: WORDS.answer("wrong")})
    assert result.notes == ("The cell 90.count_words-2 failed: TypeError: 'int' object is not callable",)
    assert result.exercises[0].status == "pass"


def test_what_the_judge_fails_at_is_nobodys_fault(grader: Grader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a judge fails, the exercise and the whole have no score, and the sentence names the error."""

    def judge(*_: object) -> list[Finding]:
        raise ConnectionError("the daemon hung up")

    monkeypatch.setattr(grader.exercises[ADD.id], "judge", judge)
    result = grader.grade({ADD.id: RIGHT, WORDS.id: WORDS.answer("perfect")})
    first, second = result.exercises
    assert (first.status, first.points) == ("infra-error", None)
    assert first.sentence == "The grader or its daemon failed: ConnectionError: the daemon hung up"
    assert (second.status, result.status, result.points) == ("pass", "infra-error", None)


def test_without_a_kernel_nobody_has_a_score(grader: Grader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no kernel comes up in time, every exercise is the grader's failure, not one that was not reached."""
    monkeypatch.setattr(kernels, "START", 0.0)
    result = grader.grade({ADD.id: RIGHT})
    assert [exercise.status for exercise in result.exercises] == ["infra-error"] * 2 and result.points is None
    assert "did not start" in result.exercises[0].sentence


def test_a_pytest_that_does_not_run_is_an_error(grader: Grader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pytest ends in any other way than with cells that ran, that is raised with what it said."""
    monkeypatch.setattr(pytest, "main", lambda *_, **__: print("no such option") or pytest.ExitCode.USAGE_ERROR)
    with pytest.raises(RuntimeError, match="pytest ended with status 4: no such option"):
        grader.grade({})


# --- what of it stays -------------------------------------------------------------------------------------


def test_nothing_of_a_run_stays(
    grader: Grader, nursery: Nursery, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """After a submission its folder and its processes are gone, and whose name the grader has is as before."""
    monkeypatch.setenv("LABKIT_LEARNER", "the instructor")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    grader.grade({ADD.id: f"{RIGHT}\nopen('file', 'w').write('x')\n!sleep 1000 &\n!chmod 0 ."})
    assert list(tmp_path.glob("labkit-grade-*")) == []
    assert nursery.offspring() == [] and os.environ["LABKIT_LEARNER"] == "the instructor"


def test_a_name_that_was_not_there_is_not_afterwards(grader: Grader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the grader had no name, it has none after a submission."""
    monkeypatch.delenv("LABKIT_LEARNER", raising=False)
    grader.grade({})
    assert "LABKIT_LEARNER" not in os.environ


def test_two_submissions_share_nothing(grader: Grader) -> None:
    """What one submission writes at home, or does to a module, the next one does not meet."""
    leave = f"{RIGHT}\nfrom pathlib import Path; import labkit\nPath.home().joinpath('x').touch(); labkit.x = 1"
    grader.grade({ADD.id: leave})
    look = f"{RIGHT}\nfrom pathlib import Path; import labkit\nassert not (Path.home() / 'x').exists()\n"
    result = grader.grade({ADD.id: f"{look}assert not hasattr(labkit, 'x') and Path.home() == Path.cwd()"})
    assert (result.exercises[0].status, result.exercises[0].traceback) == ("pass", "")


def test_the_kernel_never_sees_the_secret(grader: Grader) -> None:
    """Neither the environment nor a file of the kernel's holds what the values are drawn from."""
    ticket = Ticket()
    text = "\n".join(
        [
            "import os, subprocess",
            "seen = repr(dict(os.environ)) + subprocess.getoutput('cat -- ../* .* * /proc/self/environ')",
            f"assert {ticket.learner!r} in seen, seen",
            f"assert {ticket.secret[:16]!r} + {ticket.secret[16:]!r} not in seen",
            RIGHT,
        ]
    )
    first = grade_one(handed_in({ADD.id: text}), grader.chapter, grader.exercises, grader.desk(), ticket).exercises[0]
    assert (first.status, first.traceback) == ("pass", "")


def test_an_environment_has_nothing_that_cells_need_not_know(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of the grader's variables a kernel gets the few that lead to the daemon; every home is its own."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("DOCKER_HOST", "unix:///somewhere")
    monkeypatch.setenv("HOME", "/the/instructors")
    found = environment("grade-1", tmp_path)
    assert found["DOCKER_HOST"] == "unix:///somewhere" and "hush" not in found.values()
    assert {found[name] for name in ("HOME", "TMPDIR", "LABKIT_HOME", "IPYTHONDIR")} == {str(tmp_path)}
    assert set(found) <= {*one.PASSED_ON, "HOME", "TMPDIR", "LABKIT_HOME", "IPYTHONDIR", "LABKIT_LEARNER"}


def test_values_come_from_the_ticket(grader: Grader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a secret a submission gets the values of the learner whose name it runs under; with one, other values."""
    drawn: list[str] = []

    def prepare(world: World) -> dict[str, Any]:
        drawn.append(world.seed.word("word"))
        return {}

    monkeypatch.setattr(grader.exercises[ADD.id], "prepare", prepare)
    for ticket in (Ticket("ada", ""), Ticket("ada", "a secret"), Ticket("alan", "a secret")):
        grade_one(handed_in({}), grader.chapter, grader.exercises, grader.desk(), ticket)
    nobody: Any = None
    assert drawn[0] == World(nobody, ADD.id, "ada").seed.word("word") != drawn[1] == drawn[2]
