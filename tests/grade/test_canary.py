"""The canary: a submission that every grader must be able to grade, before anybody's points depend on it."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import docker
import pytest

from labkit import leftovers
from labkit.course.claims import Claim
from labkit.course.exercise import World
from labkit.course.seed import mark
from labkit.course.verdict import Finding
from labkit.daemon import Daemon
from labkit.errors import DaemonError
from labkit.grade import canary
from labkit.grade.canary import ID, Canary
from labkit.grade.compose import compose, identity
from labkit.grade.kernels import Limits
from labkit.grade.nursery import Nursery
from labkit.grade.one import Desk, Ticket, grade_one
from labkit.grade.results import Result
from labkit.grade.traces import cleared
from tests.fakes import forwards, server

NOBODY: Any = None  # a daemon that nobody asks


def graded(daemon: Daemon, nursery: Nursery, ticket: Ticket, text: str = "") -> Result:
    """Send the canary all the way; with another answer where there is one."""
    submission = canary.submission()
    if text:
        object.__setattr__(submission.answers[ID], "text", text)
    desk = Desk(daemon, nursery, Limits(), alone=False)
    return grade_one(submission, canary.chapter(), {ID: Canary()}, desk, ticket)


def test_the_chapter_is_one_exercise() -> None:
    """Its chapter has the three cells of an exercise, and the right answer fits into it."""
    chapter, submission = canary.chapter(), canary.submission()
    assert [identity(cell) for cell in chapter.notebook.cells] == [(role, ID) for role in ("setup", "answer", "check")]
    composed = compose(chapter.notebook, {ID: submission.answers[ID].text})
    assert composed.cells[1].source == "answer = task.word" and chapter.exercises == (ID,)
    assert (submission.problem, submission.chapter) == ("", chapter.number)


@pytest.mark.parametrize(("word", "points"), [("right", 2), ("wrong", 1), (None, 0)])
def test_without_a_daemon_the_word_decides(word: str | None, points: int) -> None:
    """Where there is no daemon, the word that was drawn from the secret is what must come back."""
    world = World(NOBODY, ID, "grade-1", secret="a secret")
    drawn = Canary().prepare(world)["word"]
    claim = Claim(drawn if word == "right" else word)
    assert Canary().verdict(claim, world).points == points
    assert drawn != World(NOBODY, ID, "grade-1").seed.word("word")


def test_no_exercise_of_the_course_is_called_so() -> None:
    """The canary is in no chapter, and no learner meets it."""
    from labkit.course.exercise import exercises

    assert ID not in [exercise.id for exercise in exercises()]


@pytest.mark.notebook
def test_it_is_graded_like_any_submission(nursery: Nursery) -> None:
    """The canary passes where everything works; with a wrong word it does not, so it does not pass by itself."""
    right, wrong = graded(NOBODY, nursery, Ticket()), graded(NOBODY, nursery, Ticket(), "answer = 'heron'")
    assert (right.status, right.points, right.total) == ("pass", 2, 2)
    assert (wrong.status, wrong.points) == ("fail", 1)


@pytest.mark.notebook
@pytest.mark.daemon
def test_a_container_runs_and_nothing_is_left(nursery: Nursery, daemon: Daemon) -> None:
    """With a daemon a container has to run and end as told; afterwards nothing of it is left there."""
    ticket = Ticket(f"canary-{secrets.token_hex(4)}")
    result = graded(daemon, nursery, ticket)
    assert (result.status, result.points, result.notes) == ("pass", 2, ())
    assert [thing for thing in leftovers.things(daemon) if thing.owner == ticket.learner] == []


@pytest.mark.notebook
@pytest.mark.daemon
def test_a_container_that_is_gone_is_noticed(nursery: Nursery, daemon: Daemon) -> None:
    """Where the daemon has lost the container, the canary does not pass, though its word came back."""
    ticket = Ticket(f"canary-{secrets.token_hex(4)}")
    mine = f"current().client.containers.list(all=True, filters={{'name': {mark(ticket.learner)!r}}})"
    text = f"from labkit.daemon import current\n(box,) = {mine}\nbox.remove()\nanswer = task.word"
    result = graded(daemon, nursery, ticket, text)
    states = {part.key: part.state for part in result.exercises[0].parts}
    assert (result.status, states) == ("fail", {"word": "pass", "container": "fail"})


@pytest.mark.notebook
@pytest.mark.daemon
def test_a_daemon_that_dies_meanwhile_is_nobodys_fault(
    nursery: Nursery, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the daemon goes away before the judge asks it, there is no result but the daemon's own error."""
    ticket, calls, asked = Ticket(f"canary-{secrets.token_hex(4)}"), list[str](), list[str]()
    with cleared(daemon, ticket.learner, alone=False), contextlib.ExitStack() as line:
        url = line.enter_context(server(forwards(daemon.dial, calls)))
        far = replace(daemon, client=docker.DockerClient(base_url=url, timeout=5))
        judge = Canary.judge

        def dies(self: Canary, claim: Claim, world: World) -> Iterator[Finding]:
            asked.append(ticket.learner)
            line.close()
            return judge(self, claim, world)

        monkeypatch.setattr(Canary, "judge", dies)
        with pytest.raises(DaemonError, match="gone"):
            graded(far, nursery, ticket)
        far.client.close()
    assert calls and asked == [ticket.learner]
