"""The chapters run to their end, as shipped and solved, wherever a learner sits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from labkit.daemon import Daemon
from labkit.grade.compose import compose, identity, read_answers
from tests import chapters, seats
from tests.seats import Seat

pytestmark = [pytest.mark.daemon, pytest.mark.notebook]


@pytest.fixture(scope="module", params=seats.NAMES)
def seat(request: pytest.FixtureRequest, daemon: Daemon) -> Iterator[Seat]:
    """One learner after the other, each in another seat."""
    with seats.seat(request.param, daemon) as there:
        yield there
        there.run("-c", "from labkit import tidy; tidy()")


def run_nbval(seat: Seat, notebooks: list[Path]) -> None:
    """Run notebooks in one process: every cell must pass and print what is stored, none be skipped or let fail."""
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(seat.checkout / "pyproject.toml")]
    words += ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=120"]
    words += ["--nbval-sanitize-with", str(seat.checkout / "tests" / "sanitize.cfg"), *map(str, notebooks)]
    done = seat.run(*words)
    last = ["", *done.stdout.splitlines()][-1]
    cells = sum(len(chapters.code_cells(chapters.read(notebook))) for notebook in notebooks)
    assert re.fullmatch(rf"{cells} passed in .*", last), done.stdout[-8000:] + done.stderr[-2000:]
    assert done.returncode == 0


LEFT = """
from labkit import connect, things
from labkit.course.seed import learner, mark

mine = [t for t in things(connect(quiet=True), whose=learner()) if t.kind != "image"]
print([t for t in mine if t.owner or mark(learner()) in t.name])
"""


def left(seat: Seat) -> str:
    """What is still there of a learner: what they own, and what is named after them."""
    done = seat.run("-c", LEFT)
    return done.stdout.strip() or done.stderr


def test_the_seat_looks_at_the_host_as_it_says(seat: Seat) -> None:
    """Root beside the daemon looks directly, everybody else through the helper, and both see the host's kernel."""
    asks = "from labkit import connect, open_host; host = open_host(connect(quiet=True)); "
    done = seat.run("-c", asks + "print(type(host).__name__, host.text('/proc/sys/kernel/ostype'))")
    assert (done.stdout.split(), done.stderr) == ([seat.host, "Linux"], "")


@pytest.mark.parametrize("seat", ["as found", "containerd"], indirect=True, scope="module")
def test_the_chapters_as_shipped(seat: Seat) -> None:
    """Every cell of the pristine chapters runs and prints what is stored; nothing of the learner is left but images."""
    run_nbval(seat, [seat.checkout / "notebooks" / path.name for path in chapters.FILES.values()])
    assert left(seat) == "[]"


def test_the_chapters_solved(seat: Seat) -> None:
    """With the reference answers every check passes, and every other cell prints what is stored; nothing is left."""
    solved = {number: seat.place / path.name for number, path in chapters.FILES.items()}
    answers = read_answers(chapters.SOLUTIONS)
    for number, path in solved.items():
        mine = {exercise: text for exercise, text in answers.items() if exercise.startswith(number)}
        notebook = compose(chapters.chapter(number), mine)
        for cell in notebook.cells:
            if identity(cell)[0] in ("answer", "check"):  # what is stored is what the unanswered exercise prints
                cell.metadata["tags"] = [*cell.metadata.get("tags", []), "nbval-ignore-output"]
        nbformat.write(notebook, path)
    run_nbval(seat, list(solved.values()))
    assert left(seat) == "[]"
