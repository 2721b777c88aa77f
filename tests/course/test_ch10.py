"""Chapter 10's judges know what they say: masks as the kernel reads them, ends as the daemon makes them."""

from __future__ import annotations

import pytest

from labkit.course.ch10_bits import Mask, mask, status
from labkit.course.ch10_grace import DOES, Grace, foretell_stop, places_of
from labkit.course.ch10_question import CHOICE, Choose, script, signals_of
from labkit.course.ch10_reasons import ENDS, Ended, truth_of
from labkit.course.ch10_shift import STEPS, halves
from labkit.course.ch10_still import Still, count
from labkit.course.claims import Claim
from labkit.course.exercise import World
from labkit.inside.life import read_life
from labkit.inside.signals import foretell, parse_masks
from tests.course.samples import LEARNERS, nowhere

# --- Masks ---------------------------------------------------------------------------------------------------


def test_a_mask_begins_with_signal_1() -> None:
    """The mask of our polite program is the one that the kernel shows."""
    assert (mask((2, 15, 17)), mask((1, 64))) == ("0000000000014002", "8000000000000001")


@pytest.mark.parametrize("nonce", ["one", "two", "three", "four", "five"])
def test_the_fates_are_those_of_the_library(nonce: str) -> None:
    """What the judge wants for each text, ``foretell`` says as well."""
    for case in Mask().cases(nowhere("10.mask", nonce=nonce)):
        text, number, first = case.arguments
        fate = foretell(parse_masks(text), number, first=first)
        words = {"handler": "handler", "nothing": "waits" if fate.waits else "nothing"}
        assert words.get(fate.outcome, "default") == case.truth, case.words


def test_a_name_can_look_like_a_mask() -> None:
    """A process that calls itself SigCgt has its own line, and the mask stays what it is."""
    text = status("SigCgt:\tff", caught=(15,))
    assert text.startswith("Name:\tSigCgt:\tff\n")
    assert parse_masks(text).caught == {15}


# --- docker stop ---------------------------------------------------------------------------------------------


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["10.grace"], indirect=True)
def test_the_five_end_as_foretold(real_world: World) -> None:
    """Stopped for real, those end with 137 of whom it was foretold, the others with 0 or by TERM's default action."""
    Grace().prepare(real_world)
    codes = {}
    for kind, letter in reversed(places_of(real_world).items()):  # the guest before its host
        box = real_world.running(letter)
        assert box
        whole = foretell_stop(real_world, box).whole_grace
        real_world.daemon.client.api.stop(box.id, timeout=2)
        codes[kind] = box.wait()
        assert whole == (codes[kind] == 137)
    assert codes == {"polite": 0, "other": 137, "stubborn": 137, "deaf": 137, "guest": 143}


def test_each_of_the_five_has_a_place() -> None:
    """Learners find the same five programs, and not all in the same places."""
    places = [places_of(nowhere("10.grace", learner)) for learner in LEARNERS]
    assert all(sorted(found) == sorted(DOES) and len(set(found.values())) == 5 for found in places)
    assert len({tuple(found.values()) for found in places}) > 1


def test_a_program_finishes_on_one_signal_of_two() -> None:
    """The two signals of a learner differ, and are traps of their program."""
    for learner in LEARNERS:
        world = nowhere("10.choose", learner)
        pair = signals_of(world)
        assert len(set(pair)) == 2
        assert set(pair) <= set(CHOICE)
        assert all(f"' {signal.removeprefix('SIG')}\n" in script(world) for signal in pair)


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["10.choose"], indirect=True)
def test_only_the_one_signal_finishes_the_program(real_world: World) -> None:
    """The signal for reading settings leaves the program running; the other one ends it with 0."""
    Choose().prepare(real_world)
    finish, reload = signals_of(real_world)
    box = real_world.running("spare")
    assert box
    real_world.daemon.client.api.kill(box.id, reload)
    real_world.daemon.client.api.kill(box.id, finish)
    assert box.wait() == 0
    assert box.logs().splitlines()[-1].startswith("app: finished")


# --- Ends ----------------------------------------------------------------------------------------------------


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["10.ended"], indirect=True)
def test_the_events_tell_the_four_ends_apart(real_world: World) -> None:
    """The daemon's events have two signals for the one that was stopped, one for the killed, none for the others."""
    Ended().prepare(real_world)
    sent: dict[str, list[list[int | None]]] = {}
    for part, names in truth_of(real_world).items():
        for name in names:
            box = real_world.find(name.removeprefix(f"{real_world.name()}-"))
            assert box
            sent.setdefault(part, []).append([step.signal for step in read_life(box).steps if step.action == "kill"])
    assert sent == {"own": [[], []], "stop": [[15, 9]], "kill": [[9]]}


def test_each_end_has_a_name() -> None:
    """The judge knows of every container how it ended."""
    for learner in LEARNERS:
        truth = truth_of(nowhere("10.ended", learner))
        assert len(set.union(*truth.values())) == len(ENDS)


def test_an_item_with_two_steps_is_half_done() -> None:
    """An item is half done as long as one of its steps has begun, or has not."""
    whole = [f"one {step} {word}" for step in STEPS for word in ("begun", "done")]
    assert halves(whole) == []
    assert halves([*whole, "two mix begun"]) == ["two"]
    assert halves([*whole, "two mix begun", "two mix done"]) == ["two"]


@pytest.mark.daemon
@pytest.mark.parametrize("real_world", ["10.still"], indirect=True)
def test_the_judge_freezes_again_what_it_let_go(real_world: World) -> None:
    """After a check the container is as it was found: paused, its count a little higher."""
    Still().prepare(real_world)
    box = real_world.find("box")
    assert box
    real_world.daemon.client.api.pause(box.id)
    before = count(box)
    findings = list(Still().judge(Claim(None), real_world))
    assert [finding.state for finding in findings] == ["pass"] * 3
    assert box.status == "paused"
    assert before < count(box) < before + 50
