"""Under which name, and with which values, a submission is run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit import errors, leftovers
from labkit.course.exercise import World
from labkit.course.seed import learner, mark
from labkit.grade.one import Ticket
from labkit.grade.seeds import check_free, noting_who_has_none, tickets, whose
from labkit.grade.submission import Submission
from labkit.leftovers import Thing

NOBODY: Any = None  # a daemon that nobody asks


def of(name: str) -> Submission:
    """What this learner handed in."""
    return Submission(f"{name}.ipynb", name, "00", {})


def values(ticket: Ticket) -> str:
    """A value that somebody with this ticket gets."""
    return World(NOBODY, "00.word", ticket.learner, secret=ticket.secret).seed.word("word")


def table(folder: Path, text: str, *, encoding: str = "utf-8") -> str:
    """Write a table of seeds; return its path."""
    (folder / "seeds.csv").write_bytes(text.encode(encoding))
    return str(folder / "seeds.csv")


def test_without_a_seed_nobody_has_seen_the_values() -> None:
    """Each submission gets a name and a secret of its own, other ones each time, also the same one again."""
    drawn = [tickets("")(of(name)) for name in ("ada", "ada", "alan")]
    assert len({ticket.learner for ticket in drawn}) == len({ticket.secret for ticket in drawn}) == 3
    assert all(ticket.secret and ticket.learner.startswith("grade-") for ticket in drawn)


@pytest.mark.parametrize(("seed_from", "name"), [("", ""), ("grace", "grace")])
def test_whose_values_they_are(seed_from: str, name: str) -> None:
    """Values that somebody had are that learner's; those that nobody has seen are nobody's."""
    assert whose(tickets(seed_from)(of("ada"))) == name


def test_a_secret_is_not_printed() -> None:
    """A ticket that ends up in a log does not say what the values are drawn from."""
    ticket = tickets("")(of("ada"))
    assert ticket.secret not in repr(ticket) and ticket.learner in repr(ticket)


@given(name=st.text(min_size=1).filter(lambda name: "\0" not in name))
def test_two_tickets_never_meet(name: str) -> None:
    """Whatever a learner is called, the objects of two runs have other names, and none has the learner's."""
    one, other = (tickets("")(of(name)) for _ in range(2))
    assert len({mark(one.learner), mark(other.learner), mark(name)}) == 3


@pytest.mark.parametrize("name", ["ada", "Ada Lovelace", "Zoë 🦊", "x" * 5000])
def test_a_name_gives_everybody_the_values_of_that_learner(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """With a learner's name everybody gets what this learner got in their own notebook, however the name is written."""
    chosen = tickets(name)
    monkeypatch.setenv("LABKIT_LEARNER", name)
    assert chosen(of("alan")) == chosen(of("grace")) == Ticket(learner(), "")
    assert values(chosen(of("alan"))) == World(NOBODY, "00.word", learner()).seed.word("word")


def test_who_is_not_in_a_table_is_noted(tmp_path: Path) -> None:
    """A report says so where the table has no seed for its learner; nobody else's changes."""
    seed_from = table(tmp_path, "learner,seed\nada,grace\n")
    ada, alan = noting_who_has_none([of("ada"), of("alan")], tickets(seed_from), seed_from)
    assert ada == of("ada") and alan == replace(
        of("alan"), notes=(f"{seed_from} has no seed for this learner, so the values were drawn anew.",)
    )
    for other in ("", "grace"):
        assert noting_who_has_none([of("ada")], tickets(other), other) == [of("ada")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_table_gives_each_learner_a_seed(tmp_path: Path, encoding: str) -> None:
    """With a table each learner gets the values of the name beside theirs; who is not in it gets fresh ones."""
    chosen = tickets(table(tmp_path, "learner,seed,room\nZoë,ada,1\nalan,grace,2\nkurt,,3\n", encoding=encoding))
    assert (chosen(of("Zoë")), chosen(of("alan"))) == (Ticket("ada", ""), Ticket("grace", ""))
    assert all(chosen(of(name)).secret for name in ("kurt", "linus"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "names nobody"),
        ("learner,seed\n", "names nobody"),
        ("learner,seed\nada,\n", "names nobody"),
        ("name,seed\nada,heron\n", "KeyError: 'learner'"),
        ("learner;seed\nada;heron\n", "KeyError: 'seed'"),
        ("learner,seed\nada,\udcff\n", "UnicodeDecodeError"),
        ('learner,seed\nada,"' + "x" * 200_000 + '"\n', "Error: field larger"),
    ],
)
def test_a_table_that_is_none_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    """A file that is no such table is refused with its name, what is wrong, and the columns that it needs."""
    file = table(tmp_path, "")
    Path(file).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(errors.CourseError, match=problem) as caught:
        tickets(file)
    assert file in caught.value.problem and "the columns learner and seed" in caught.value.remedy


@pytest.mark.parametrize("name", ["seeds.csv", "seeds.CSV", "here/seeds", "."])
def test_a_table_that_is_not_there_is_no_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A path that leads to no file is refused, and does not become the name whose values everybody gets."""
    monkeypatch.chdir(tmp_path)
    if name == ".":
        name = str(tmp_path)
    with pytest.raises(errors.CourseError, match="is no table of seeds"):
        tickets(name)


THINGS = [
    Thing("container", f"labkit-00-word-{mark('ada')}-box", "1", "ada"),
    Thing("volume", f"labkit-00-file-{mark('grace')}-data", "2", ""),
    Thing("container", f"labkit-00-word-{mark('kurt')}-box", "3", "somebody"),
    Thing("image", "labkit/busybox:latest", "4", ""),
]


@pytest.mark.parametrize(
    ("name", "kind"), [("ada", "container labkit-00-word-"), ("grace", "volume labkit-00-file-")], ids=["owner", "name"]
)
def test_what_a_name_already_has_is_not_replaced(monkeypatch: pytest.MonkeyPatch, name: str, kind: str) -> None:
    """Where the learner whose values are wanted has things on this daemon, grading refuses, and says which."""
    monkeypatch.setattr(leftovers, "things", lambda _: THINGS)
    with pytest.raises(errors.CourseError, match=f"1 things of {name}, such as the {kind}") as caught:
        check_free(NOBODY, ["alan", name, "alan"])
    assert "labkit clean" in caught.value.remedy


@pytest.mark.parametrize("names", [[], ["alan"], ["kurt"], ["grade-12345678", "busybox"]])
def test_other_peoples_things_are_in_nobodys_way(monkeypatch: pytest.MonkeyPatch, names: list[str]) -> None:
    """What belongs to others, or only has such a name, and the course's own images keep nobody from grading."""
    monkeypatch.setattr(leftovers, "things", lambda _: THINGS)
    check_free(NOBODY, names)
    assert leftovers.things(NOBODY) is THINGS
