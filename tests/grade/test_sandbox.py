"""A worker of sandboxes, here without containers: each pair is used once, and what comes out of one is only data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from types import SimpleNamespace
from typing import Any

import pytest

from labkit.errors import CourseError, HelperLost, LabError, SandboxError
from labkit.grade import sandbox
from labkit.grade.chapters import read_chapters
from labkit.grade.journal import judges
from labkit.grade.limits import Limits
from labkit.grade.one import Ticket
from labkit.grade.results import Result
from labkit.grade.sandbox import SandboxedWorker
from labkit.grade.workers import WorkerFailed, WorkerLost
from labkit.sandbox import wait_until
from tests.chapters import ROOT
from tests.grade.conftest import handed_in

ADA = handed_in({}, "ada")
GRADED = Result(ADA.file, ADA.learner, ADA.chapter, ADA.sha256, "pass", 4, 4)
CANARY = Result("canary", "canary", "canary", "", "pass", 2, 2)


class Street:
    """Every pair that was opened, and what the next ones say.

    Attributes:
        opened: in order.
        answers: to the next questions; an error is raised.
        fails: errors of the next pairs that are opened.
        judges: the fingerprint of those that pairs were made from.
    """

    def __init__(self) -> None:
        self.opened: list[Pretend] = []
        self.answers: list[Any] = []
        self.fails: list[Exception] = []
        self.judges = judges()

    def pair(self, *_: Any) -> Pretend:
        """Stand in for ``Pair``."""
        return Pretend(self)


class Pretend:
    """Two containers that are none."""

    def __init__(self, street: Street) -> None:
        self.street, self.closed, self.asked = street, False, list[dict[str, Any]]()
        chapters = {number: chapter.edition for number, chapter in read_chapters().items()}
        self.said = {"docker": "unix:///d", "engine": "Docker 28.5", "judges": street.judges, "chapters": chapters}

    def open(self) -> Pretend:
        """Open."""
        self.street.opened.append(self)
        if self.street.fails:
            raise self.street.fails.pop(0)
        return self

    def ask(self, message: dict[str, Any], seconds: float) -> Any:
        """Say what is to be said; a canary lives unless told otherwise."""
        self.asked.append(message)
        said = self.street.answers.pop(0) if self.street.answers else {"result": CANARY.as_json()}
        if isinstance(said, Exception):
            raise said
        return said

    def close(self) -> None:
        """Close."""
        self.closed = True


@pytest.fixture
def street(monkeypatch: pytest.MonkeyPatch) -> Street:
    """Nothing but pretended pairs."""
    street = Street()
    monkeypatch.setattr(sandbox, "Pair", street.pair)
    monkeypatch.setattr(sandbox, "connect", lambda quiet: None)
    monkeypatch.setattr(sandbox, "find_image", lambda daemon: "labkit/course")
    monkeypatch.setattr(sandbox, "sweep", lambda daemon: None)
    return street


@pytest.fixture
def worker(street: Street) -> Iterator[SandboxedWorker]:
    """A worker, of which no pair is left in the end."""
    first = {"notebooks": str(ROOT / "notebooks"), "limits": asdict(Limits()), "docker": True}
    worker = SandboxedWorker(first)
    yield worker
    worker.close()
    assert all(pair.closed for pair in street.opened) and not worker.there


def graded(result: Result = GRADED) -> dict[str, Any]:
    """An answer of the desk."""
    return {"result": result.as_json()}


def test_each_submission_has_a_pair_of_its_own(street: Street, worker: SandboxedWorker) -> None:
    """Two submissions meet two pairs; each knows the address of its own Docker host; a used one goes."""
    for n in (0, 1):
        street.answers = [graded()]
        assert worker.grade(ADA, Ticket(), 9) == GRADED
        assert street.opened[n].asked[0]["ticket"]["docker"] == "unix:///d"
        wait_until(lambda n=n: street.opened[n].closed, "it goes")  # type: ignore[misc]
    assert worker.ready == "Docker 28.5" and len(street.opened) >= 2


def test_the_next_pair_opens_meanwhile(street: Street, worker: SandboxedWorker) -> None:
    """While one is in use, the next is opened; who only starts waits for nothing."""
    worker.start()
    assert worker.canary(Ticket()) == CANARY
    wait_until(lambda: len(street.opened) == 2, "the next one opens")


LOST: dict[str, Any] = {
    "it ended": HelperLost("The container has ended."),
    "no object": ValueError("list is no answer"),
    "no result": {"ready": "yes"},
    "a result of nothing": {"result": {}},
    "another learner's": graded(replace(GRADED, learner="eve")),
    "another file's": graded(replace(GRADED, sha256="other")),
}


@pytest.mark.parametrize("said", LOST.values(), ids=LOST)
def test_what_is_no_answer_is_none(street: Street, worker: SandboxedWorker, said: Any) -> None:
    """Whatever comes out of a sandbox that is not the result of this submission is no result."""
    street.answers = [said]
    with pytest.raises(WorkerLost):
        worker.grade(ADA, Ticket(), 9)


FAILED = [{"failed": "The daemon hung up."}, graded(replace(GRADED, status="infra-error", points=None))]


@pytest.mark.parametrize("said", FAILED, ids=["failed", "infra-error"])
def test_who_ends_the_sandbox_is_not_the_graders_fault(street: Street, worker: SandboxedWorker, said: Any) -> None:
    """After an error the canary flies in the same sandbox: where it falls, the submission has ended that."""
    street.answers = [said, HelperLost("The container has ended.")]
    with pytest.raises(WorkerLost, match="did not survive"):
        worker.grade(ADA, Ticket(), 9)


def test_an_error_in_a_sandbox_that_lives_is_the_graders(street: Street, worker: SandboxedWorker) -> None:
    """Where the canary lives after an error, the error is told as what it is."""
    street.answers = [FAILED[0]]
    with pytest.raises(WorkerFailed, match="hung up"):
        worker.grade(ADA, Ticket(), 9)
    street.answers = [FAILED[1]]
    assert worker.grade(ADA, Ticket(), 9).status == "infra-error"


@pytest.mark.parametrize("error", [SandboxError("No room."), OSError("no daemon"), ValueError("nonsense")], ids=repr)
def test_a_pair_that_does_not_open_is_an_error_and_goes(
    street: Street, worker: SandboxedWorker, error: Exception
) -> None:
    """The grader hears why no sandbox opened, what was made of it is removed, and the next one is tried."""
    street.fails = [error]
    with pytest.raises(WorkerFailed, match="No sandbox could be started"):
        worker.canary(Ticket())
    assert street.opened[0].closed
    assert worker.canary(Ticket()) == CANARY


def test_an_image_of_another_edition_is_refused(street: Street, worker: SandboxedWorker) -> None:
    """What was made from other judges grades nobody; the command that makes it anew is shown."""
    street.judges = "others"
    with pytest.raises(CourseError, match="another edition") as caught:
        worker.grade(ADA, Ticket(), 9)
    assert "docker build --tag labkit/course" in caught.value.remedy


def test_without_the_image_the_command_is_shown() -> None:
    """A daemon that has no image of the course is named, with the command that makes one."""
    client = SimpleNamespace(images=SimpleNamespace(list=lambda name: []))
    daemon: Any = SimpleNamespace(client=client, endpoint=SimpleNamespace(url="unix:///d"))
    with pytest.raises(LabError, match="unix:///d has no labkit/course") as caught:
        sandbox.find_image(daemon)
    assert caught.value.remedy.endswith("docker build --tag labkit/course --file binder/Dockerfile .")
