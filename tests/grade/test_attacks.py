"""Attacks: answers that want points for what they did not do, each handed in by somebody else to ``labkit grade``.

A file in ``attacks`` is the text of an answer cell below a head that says which exercise it answers, the points that
it must get, and what must be said. Behind it in the notebook stands an exercise that is answered honestly.
``REMAINING`` says what only a wall prevents.
"""

from __future__ import annotations

import copy
import csv
import itertools
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from nbformat import NotebookNode

from labkit.cli import main
from labkit.course.exercise import find
from labkit.daemon import Daemon
from labkit.grade import chapters, levels
from labkit.grade.compose import compose, identity
from labkit.grade.results import ExerciseResult, Result
from labkit.grade.tables import read_results, read_schema
from tests.chapters import cell_id, chapter
from tests.grade.copies import ANSWERS

pytestmark = [pytest.mark.daemon, pytest.mark.notebook]

REMAINING = {
    "reading a reference answer": "tests/solutions lies on the grader's disk, where the kernel's user may read it",
    "importing a judge's function": "the judges are installed beside the kernel; 01.mode's has what is asked for",
    "rebuilding what was broken": "who removes the neighbour of 00.trace and plants an equal one is not found out",
    "looking into the judge's memory": "/proc/PID/mem and ptrace(2) are open to the same user, to root always",
    "changing what Python imports": "whoever may write to site-packages or the checkout changes the next worker",
    "forging an interrupted run": "results.partial.jsonl is believed by the next run if its keys are right",
    "being root on the host": "the daemon's socket is as good: a container may mount the disk, and outlive the run",
    "disturbing others": "kernels of other submissions, their windows and containers are the same user's",
    "ending the grader": "the command and its workers are processes of the same user: a signal to a worker costs the "
    "attacker the score, one to the command ends it; what was graded by then is kept",
}
"""What remains possible without a wall, and why: the same user, the same disk, and at level ``self`` one daemon."""

ATTACKS = Path(__file__).parent / "attacks"


@dataclass(frozen=True)
class Attack:
    """An answer that wants more than it did."""

    path: Path

    @property
    def name(self) -> str:
        """What it is called."""
        return self.path.stem

    @property
    def head(self) -> dict[str, str]:
        """What is said above it: ``exercise``, ``points``, and ``says``, ``later`` or ``remains``."""
        return dict(re.findall(r"^# (exercise|points|says|later|remains): (.*)$", self.path.read_text("utf-8"), re.M))

    @property
    def text(self) -> str:
        """What stands in the answer cell."""
        return "".join(self.path.read_text("utf-8").splitlines(keepends=True)[len(self.head) :])

    @property
    def later(self) -> str:
        """The exercise that is answered honestly behind it."""
        return "01.group" if self.head["exercise"] == "01.mode" else "01.mode"


EVERY = [Attack(path) for path in sorted(ATTACKS.glob("*.ipy"))]
FUTILE = [attack for attack in EVERY if "remains" not in attack.head]
LEFT = [attack for attack in EVERY if "remains" in attack.head]


@dataclass(frozen=True)
class Graded:
    """What came of all attacks: the command's exit status, its folder, and each result by the attack's name."""

    status: int
    out: Path
    results: dict[str, Result]

    def found(self, attack: Attack) -> ExerciseResult:
        """What the attacked exercise came to."""
        return next(one for one in self.results[attack.name].exercises if one.exercise == attack.head["exercise"])

    def later(self, attack: Attack) -> ExerciseResult:
        """What the honest answer behind it came to."""
        return next(one for one in self.results[attack.name].exercises if one.exercise == attack.later)


@pytest.fixture(scope="module")
def graded(daemon: Daemon, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graded]:
    """Every attack, graded by the command with two workers."""
    here = tmp_path_factory.mktemp("attacks")
    written = write_chapters(here / "notebooks")
    (here / "attacks").mkdir()
    for attack in EVERY:
        write_submission(here, attack, *written[attack.head["exercise"]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chapters, "find_folder", lambda: here / "notebooks")
        words = [
            "grade",
            "--level=self",
            str(here / "attacks"),
            "--out",
            str(here / "graded"),
            "--jobs",
            "2",
            "--timeout",
            "5",
        ]
        done = CliRunner().invoke(main, words)
    found = read_results(here / "graded" / "results.json")[0]
    assert found, done.output
    yield Graded(done.exit_code, here / "graded", {Path(result.file).stem: result for result in found})


def write_chapters(folder: Path) -> dict[str, tuple[str, NotebookNode]]:
    """Write a short chapter for each exercise that is attacked; return its number and content, by exercise."""
    folder.mkdir()
    pairs = {attack.head["exercise"]: attack.later for attack in EVERY}
    made = {}
    for number, pair in zip(itertools.count(10), pairs.items(), strict=False):
        made[pair[0]] = str(number), short(*pair)
        nbformat.write(made[pair[0]][1], folder / f"{number}_short.ipynb")
    return made


def short(*ids: str) -> NotebookNode:
    """A chapter of the cells of these exercises, and the one that connects."""
    notebook = copy.deepcopy(chapter("01"))
    cells = [cell for cell in notebook.cells if cell_id(cell) == "01.connect"]
    for one in ids:
        cells += [copy.deepcopy(cell) for cell in chapter(one[:2]).cells if identity(cell)[1] == one]
    notebook.cells = cells
    return notebook


def write_submission(here: Path, attack: Attack, number: str, notebook: NotebookNode) -> None:
    """Write what is handed in: the attack, told where the results are, and an honest answer behind it."""
    text = attack.text.replace("OUT", repr(str(here / "graded")))
    made = compose(notebook, {attack.head["exercise"]: text, attack.later: ANSWERS[attack.later]})
    made.metadata["labkit"] = {"chapter": number}
    nbformat.write(made, here / "attacks" / f"{attack.name}.ipynb")


# --- what they come to ------------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", FUTILE, ids=lambda attack: attack.name)
def test_an_attack_earns_nothing(graded: Graded, attack: Attack) -> None:
    """An attack gets no point for what it did not do, and who tried it reads what happened."""
    found = graded.found(attack)
    assert (found.points, found.status == "infra-error") == (int(attack.head["points"]), False), found
    assert attack.head.get("says", "") in words(found), words(found)


def words(found: ExerciseResult) -> str:
    """All that is said about one exercise."""
    said = [found.sentence, found.traceback, *found.notes]
    return "\n".join([*said, *(f"{part.expected}\n{part.saw}\n{part.why}" for part in found.parts)])


@pytest.mark.parametrize("attack", FUTILE, ids=lambda attack: attack.name)
def test_what_is_honest_behind_it_counts(graded: Graded, attack: Attack) -> None:
    """The exercise behind an attack is judged as it deserves, unless the attack ruins what it needs."""
    total = find(attack.later).total
    wanted = attack.head.get("later", str(total))
    assert str(graded.later(attack).points) in (map(str, range(total + 1)) if wanted == "any" else [wanted])


def test_nobody_is_spared(graded: Graded) -> None:
    """No attack makes the grader fail: everybody has a score, and the command ends well."""
    assert [name for name, result in graded.results.items() if result.points is None] == []
    assert graded.status == 0 and len(graded.results) == len(EVERY)


# --- what they leave --------------------------------------------------------------------------------------


def test_what_is_written_into_the_results_folder_does_not_stay(graded: Graded) -> None:
    """Whatever an answer writes into the results, in the end the files hold what the grader found, and no link."""
    made = json.loads((graded.out / "results.json").read_text("utf-8"))
    Draft202012Validator(read_schema()).validate(made)
    assert {Path(one["file"]).stem for one in made["results"]} == {attack.name for attack in EVERY}
    files = [graded.out / name for name in ("results.json", "grades.csv", "report.html")]
    page = next((graded.out / "reports").glob("results-forged-1*.html"))
    assert [file.name for file in (*files, page) if file.is_symlink() or file.read_text("utf-8") == "solved"] == []
    rows = {row["learner"]: row["total"] for row in csv.DictReader(files[1].read_text("utf-8-sig").splitlines())}
    assert rows["results-forged"] == str(graded.results["results-forged"].points)


def test_nothing_that_was_handed_in_is_unpickled(graded: Graded) -> None:
    """Bytes that would run code where they are unpickled run none behind the window."""
    assert "pickled-claim" in graded.results and not (graded.out / "unpickled").exists()


def test_the_folder_that_grading_is_called_from_has_no_modules(daemon: Daemon, tmp_path: Path) -> None:
    """Where an instructor stands in the folder of what was handed in, no file beside the notebooks is imported."""
    for name in ("psutil.py", "docker.py", "json.py", "sitecustomize.py", "labkit/__init__.py", "nbval/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("open('imported', 'a').write(__file__)\nraise SystemExit(9)")
    notebook = short("01.mode", "01.group")
    nbformat.write(compose(notebook, {one: ANSWERS[one] for one in ("01.mode", "01.group")}), tmp_path / "ada.ipynb")
    as_a_script = [sys.executable, "-P", "-c", "from labkit.cli import main; main(prog_name='labkit')"]
    done = subprocess.run([*as_a_script, "grade", "--level=self", "."], cwd=tmp_path, capture_output=True, text=True)
    assert not (tmp_path / "imported").exists() and done.returncode == 0, done.stderr
    (found,) = read_results(tmp_path / "graded" / "results.json")[0]
    assert [one.points for one in found.exercises][:2] == [4, 3]


# --- what remains -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", LEFT, ids=lambda attack: attack.name)
def test_what_remains_possible_is_known(graded: Graded, attack: Attack) -> None:
    """What is still possible without a wall stands in the table above, and gets the points that are said."""
    assert attack.head["remains"] in REMAINING
    assert graded.found(attack).points == int(attack.head["points"]) > 0


def test_at_level_class_a_reference_answer_can_be_read(graded: Graded) -> None:
    """An answer that reads the reference answer from the grader's disk passes, as every report at that level says."""
    attack = Attack(ATTACKS / "reference-answer.ipy")
    assert graded.found(attack).status == "pass"
    assert "can read the grader's files, reference answers among them" in levels.LEVELS["class"].sentence
