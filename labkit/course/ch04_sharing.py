"""Chapter 04, Images are layers, third part: which images share which layers, and what that saves."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from labkit import errors
from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, World, register
from labkit.course.verdict import Finding, Part, found
from labkit.inside.config import inspect_image
from labkit.inside.layers import chain_ids

LETTERS = "abcd"


@register
class Shared(Exercise):
    """Find the two of four that share the most layers."""

    id = "04.shared"
    title = "who shares with whom?"
    kind = "value"
    brief = "Four images. Two of them share more layers with each other than any others do:"
    parts = (
        Part("pair", 2, "the two are those who share the most"),
        Part("number", 2, "the number of layers is what both have, and the disk has once"),
    )
    hints = (
        "Two images hold a layer with the same files. What else must be the same, for the store to keep it once?",
        "A layer is shared if its chain-id is: it names the layer and all below. draw.image_tree shows where two "
        "images part.",
        "chain_ids(diff_ids) for each image; then, for each two, count what both lists have: "
        "len(set(one) & set(other)).",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Load the four; none of them can run, and none needs to."""
        for letter, layers in stacks(world).items():
            world.image(letter, *({word: f"{world.name()} {word}\n"} for word in layers), base="")
        return {"images": [f"{world.name(letter)}:latest" for letter in LETTERS]}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Compare the chain-ids of what the daemon has now."""
        diff_ids = read_stacks(world, LETTERS)
        if len(diff_ids) < len(LETTERS):
            return
        names, number = _read(claim.value)
        chains = {name: set(chain_ids(layers)) for name, layers in diff_ids.items()}
        most = max(itertools.combinations(chains, 2), key=lambda two: len(chains[two[0]] & chains[two[1]]))
        saw, look_at = repr(claim.value), "draw.image_tree of the four"
        expected, why = "two names, of images that share the most", _not_a_pair(names, diff_ids)
        yield found("pair", names == set(most), expected=expected, saw=saw, look_at=look_at, why=why)
        if names != set(most):
            return
        truth = len(chains[most[0]] & chains[most[1]])
        right, why = type(number) is int and number == truth, _not_the_number(number, truth)
        yield found("number", right, expected="a number of layers", saw=repr(number), look_at=look_at, why=why)


def stacks(world: World) -> dict[str, list[str]]:
    """The layers of each image as words, the lowest first, for this learner.

    The first two share what is at the bottom. The third has the same layers as the first in another order, the
    fourth those of the second on one more.
    """
    words = ["base", *(f"part-{number}" for number in range(world.seed.number("parts", 2, 4)))]
    turned = [words[0], *words[:0:-1]]
    drawn = [[*words, "red"], [*words, "blue"], [*turned, "red"], ["under", *words, "blue"]]
    letters = world.seed.stream("letters").sample(LETTERS, len(LETTERS))
    return dict(zip(letters, drawn, strict=True))


def read_stacks(world: World, letters: str) -> dict[str, list[str]]:
    """Each image of this exercise with its diff-ids, as the daemon has them; those that are gone are left out."""
    found = {}
    for letter in letters:
        name = f"{world.name(letter)}:latest"
        try:
            found[name] = list(inspect_image(world.daemon, name)["RootFS"]["Layers"])
        except errors.ImageError:
            continue
    return found


def _read(value: object) -> tuple[set[str], object]:
    if not isinstance(value, list) or len(value) != 3 or not all(isinstance(word, str) for word in value[:2]):
        return set(), None
    return {word if ":" in word else f"{word}:latest" for word in value[:2]}, value[2]


def _not_a_pair(names: set[str], diff_ids: dict[str, list[str]]) -> str:
    """Why these two are not the ones who share the most."""
    if not names:
        return "Hand in three things: answer = (one name, the other name, how many layers they share)."
    if len(names) < 2 or not names <= set(diff_ids):
        return "Hand in the names of two of the four images, as begin() printed them."
    one, other = (diff_ids[name] for name in names)
    if len(set(one) & set(other)) >= min(len(one), len(other)) - 1:
        return "They have layers with the same files, but on other layers below: for the store these are other layers."
    return "They share something, as others do; two share more."


def _not_the_number(number: object, truth: int) -> str:
    if number == truth + 1:
        return "So many has each of the two. The top one of each is its own."
    if number == truth - 1:
        return "The lowest layer counts too: it is shared like the others."
    return ""


@register
class Next(Exercise):
    """Predict what one more image costs."""

    id = "04.next"
    title = "what does one more image cost?"
    kind = "value"
    brief = "Two images that were there first, and a third that came after them:"
    parts = (
        Part("comes", 2, "the bytes of files that the third brought along are counted"),
        Part("all", 2, "the bytes of files of all three together are counted, each layer once"),
    )
    hints = (
        "What of the third did the daemon have already, when the first two were there?",
        "read_layers(host, NAME).layers has the size of each layer, and the names of all images that share it. Beware "
        "of SIZE in docker images: it rounds, and may count other things.",
        "Put the layers of all three into one dictionary, chain_id → size, and add up its values; then do it without "
        "the third. The difference is what came.",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Load the three; none of them can run, and none needs to."""
        for letter, layers in PLAN.items():
            world.image(letter, *({word: content(world, word)} for word in layers), base="")
        first, second, third = (f"{world.name(letter)}:latest" for letter in PLAN)
        return {"there": [first, second], "next": third}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Add up the sizes that were drawn, if the images are still there."""
        if len(read_stacks(world, "".join(PLAN))) < len(PLAN):
            return
        value = claim.value if isinstance(claim.value, dict) else {}
        turns = wrong_turns(world)
        for key, truth in totals(world).items():
            said = value.get(key)
            why = turns[key].get(said, "") if type(said) is int else _FORM
            right, look_at = type(said) is int and said == truth, "read_layers(host, NAME).layers, size and shared_by"
            yield found(key, right, expected="a number of bytes", saw=repr(said), look_at=look_at, why=why)


PLAN = {"a": ["base", "tools", "red"], "b": ["base", "data"], "c": ["base", "tools", "data", "blue"]}
"""The layers of the images, the lowest first: the last one shares two with the first. Its data is on other layers."""

_FORM = 'Hand in a dictionary with two numbers: answer = {"comes": …, "all": …}.'


def sizes(world: World) -> dict[str, int]:
    """The bytes of each layer's one file, for this learner."""
    words = dict.fromkeys(word for layers in PLAN.values() for word in layers)
    return {word: world.seed.number(word, 10_000, 99_999) for word in words}


def content(world: World, word: str) -> str:
    """A file of the drawn size, of which nobody else has the like."""
    size = sizes(world)[word]
    return f"{world.name()} {word}\n".ljust(size, ".")[:size]


def totals(world: World) -> dict[str, int]:
    """The right numbers."""
    size = sizes(world)
    return {"comes": size["data"] + size["blue"], "all": sum(size.values()) + size["data"]}


def wrong_turns(world: World) -> dict[str, dict[int, str]]:
    """Numbers that misunderstandings lead to, with what they misunderstand."""
    size = sizes(world)
    whole = {letter: sum(size[word] for word in layers) for letter, layers in PLAN.items()}
    return {
        "comes": {
            whole["c"]: "That is the third image as a whole. What it shares with the first was there already.",
            size["blue"]: _SAME_FILES,
            size["tools"] + size["data"] + size["blue"]: "It shares more than the lowest layer with the first.",
        },
        "all": {
            sum(whole.values()): "That counts a layer as often as there are images that have it. The disk has it once.",
            sum(size.values()): _SAME_FILES,
        },
    }


_SAME_FILES = (
    "The same files on other layers below are a layer of their own, with a directory of its own: data is twice."
)
