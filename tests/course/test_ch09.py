"""Chapter 09's judges know what they say: what they hold for true is what happens when it is tried."""

from __future__ import annotations

import contextlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from labkit.course import ch09_hearing
from labkit.course.ch09_hearing import FORMS, Hears, await_line, forms, script, start
from labkit.course.ch09_orphans import after, numbers
from labkit.course.ch09_unnoticed import LETTERS, PACKS, PROGRAM, Unnoticed, culprits, packs
from labkit.course.exercise import World
from labkit.errors import SandboxError
from labkit.sandbox import Box, wait_until
from tests.course.samples import LEARNERS, nowhere

SORTS = {(False, False): 2, (False, True): 1, (True, True): 2}
"""Of a learner's five forms: whether the app is number 1, and whether it hears; how many of each."""

PATIENCE = 1.5
"""Seconds after which a container that should go on is believed: the slowest number 1 looks five times a second."""


# --- Who hears it ---------------------------------------------------------------------------------------------


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["09.hears"], indirect=True)
def test_the_forms_do_what_they_say(real_world: World) -> None:
    """Of each form, number 1 has the name that the judge expects, and the log says of TERM what the judge does."""

    def tried(name: str) -> tuple[str, bool]:
        app = ch09_hearing.app(real_world)
        box = start(real_world, name, name)
        await_line(box, f"{app}: ready")
        first = box.sh("cat /proc/1/comm")
        box.daemon.client.api.stop(box.id, timeout=3)
        return "app" if first == app else first, f"{app}: heard TERM" in box.logs()

    with ThreadPoolExecutor(4) as pool:
        happened = dict(zip(FORMS, pool.map(tried, FORMS), strict=True))
    assert happened == {name: (form.first, form.hears) for name, form in FORMS.items()}


def test_every_learner_has_all_sorts_of_forms() -> None:
    """Five different ones, some whose app is number 1, some whose app is not, and of those one that hears."""
    for learner in LEARNERS:
        names = forms(nowhere(Hears.id, learner))
        assert len({*names}) == len(names) == 5
        assert Counter((FORMS[name].first == "app", FORMS[name].hears) for name in names) == SORTS


# --- Who may die unnoticed ------------------------------------------------------------------------------------


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["09.unnoticed"], indirect=True)
@pytest.mark.parametrize("pack", PACKS)
def test_those_who_are_named_take_the_container_along(real_world: World, pack: str) -> None:
    """Whoever is killed alone, the container ends if the judge says so, and only then."""
    image = real_world.image("image", {f"bin/{name}": script(PROGRAM) for name in ("one", "other")})
    command = PACKS[pack].command.format(one="one", other="other")
    ends = set()
    for program in ("sh", "one", "other"):
        with real_world.run(command, program, image=image) as box:
            both_begun(box)
            patience = 30 if program in PACKS[pack].ends else PATIENCE
            if program in people(box) and ends_with(box, people(box)[program], patience):
                ends.add(program)
    assert ends == set(PACKS[pack].ends)


def both_begun(box: Box) -> None:
    """Wait until both programs of a container run."""
    wait_until(lambda: {"one", "other"} <= {*people(box)}, "both have begun")


def people(box: Box) -> dict[str, int]:
    """Who lives in a container, by name; a shell only where it is number 1."""
    rows = [line.split() for line in box.sh("ps -o pid,comm").splitlines()[1:]]
    return {name: int(pid) for pid, name in rows if name != "sh" or pid == "1"}


def ends_with(box: Box, pid: int, patience: float) -> bool:
    """Kill one process of a container, from outside if it is number 1; return whether the container ended."""
    try:
        box.daemon.client.api.kill(box.id) if pid == 1 else box.sh(f"kill -KILL {pid}")
    except SandboxError as error:
        if "status 137" not in str(error):  # the shell that kills may be taken along with the container
            raise
    with contextlib.suppress(SandboxError):
        wait_until(lambda: box.status == "exited", f"{box.name} has ended", deadline=patience)
    return box.status == "exited"


def test_learners_have_other_packs() -> None:
    """Each learner has four different ones, and one in which only number 1 counts."""
    for learner in LEARNERS:
        world = nowhere(Unnoticed.id, learner)
        assert len(set(packs(world))) == len(LETTERS)
        assert ["sh"] in [culprits(world, letter) for letter in LETTERS]


# --- When one of them ends ------------------------------------------------------------------------------------


def test_who_ends_is_kept_until_somebody_waits() -> None:
    """A child of number 1 is a zombie, or gone at once where number 1 waits."""
    family = [(1, 0, "S"), (7, 1, "S")]
    assert after(family, 7, False) == [[1, 0, "S"], [7, 1, "Z"]]
    assert after(family, 7, True) == [[1, 0, "S"]]


def test_a_living_parent_keeps_its_zombies() -> None:
    """Number 1 waits for nobody else's children, until their parent ends."""
    assert after([(1, 0, "S"), (7, 1, "S"), (8, 7, "S")], 8, True) == [[1, 0, "S"], [7, 1, "S"], [8, 7, "Z"]]
    assert after([(1, 0, "S"), (7, 1, "S"), (8, 7, "Z")], 7, True) == [[1, 0, "S"]]


def test_without_number_1_there_is_nobody() -> None:
    """The end of number 1 is everybody's."""
    assert after([(1, 0, "S"), (7, 1, "S"), (8, 7, "Z")], 1, False) == []


def test_families_are_drawn_anew() -> None:
    """Two checks have other numbers, and no number twice."""
    once, again = (numbers(nowhere("09.after", "ada", nonce), "one") for nonce in ("one", "two"))
    assert once != again
    assert len({*once}) == len(once)
