"""Chapter 04, Images are layers, first part: what images are called, and what layers are called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit import errors
from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, Program, World, register
from labkit.course.outputs import Case
from labkit.course.verdict import Finding, Part, found
from labkit.images import digest
from labkit.inside.config import inspect_image
from labkit.inside.layers import chain_ids

VERSIONS = ("1.0", "1.1", "1.2", "1.3")
FURTHER = ("latest", "stable", "edge", "test")
"""Tags that say nothing of a version: each is drawn for one of the images, or not at all."""


@register
class Names(Exercise):
    """Tell names from images."""

    id = "04.names"
    title = "how many images are that?"
    kind = "value"
    brief = "Images of yours with this name have come to the daemon, each with one tag or several:"
    parts = (
        Part("rows", 1, "the rows that docker images has for the name are counted"),
        Part("images", 1, "the images behind them are counted, each once"),
        Part("latest", 1, "what latest stands for is named by its version"),
    )
    hints = (
        "Which column of docker images would be the same in two rows, if both were names of one image?",
        "docker images NAME shows the rows of one name only, and --format prints the columns that you want.",
        "sh(f\"docker images {task.name} --format '{{{{.Tag}}}} {{{{.ID}}}}'\") has one line for each row. "
        "Which version has the ID of latest?",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Load the images, each under its version, and give further tags to some of them."""
        drawn = tags(world)
        for version in sorted(set(drawn.values())):
            files = {"version": f"{world.name()} {version}\n"}
            image = world.daemon.client.images.get(world.image(f"app:{version}", files, base=""))
            for tag, meant in drawn.items():
                if meant == version != tag:
                    image.tag(world.name("app"), tag=tag)
        return {"name": world.name("app")}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Count what the daemon has now; all that was prepared must be there."""
        ids = read_ids(world)
        if not ids:
            return
        value = claim.value if isinstance(claim.value, dict) else {}
        look_at = f"docker images {world.name('app')}"
        for key, truth, expected in (
            ("rows", len(ids), "how many rows have the name"),
            ("images", len(set(ids.values())), "how many images these rows name"),
        ):
            said, why = value.get(key), _why(key, value, ids)
            right = type(said) is int and said == truth
            yield found(key, right, expected=expected, saw=repr(said), look_at=look_at, why=why)
        said, why = value.get("latest"), _why("latest", value, ids)
        right = said == f"{world.name('app')}:{tags(world)['latest']}"
        look_at += ", the column with the ids"
        yield found("latest", right, expected="NAME:VERSION", saw=repr(said), look_at=look_at, why=why)


def tags(world: World) -> dict[str, str]:
    """What each tag of this learner's images stands for: a version; latest is not the newest."""
    versions = VERSIONS[: world.seed.number("versions", 3, 4)]
    further = ["latest", *(tag for tag in FURTHER[1:] if world.seed.number(tag, 0, 1))]
    return {version: version for version in versions} | {
        tag: world.seed.pick(f"{tag} is", versions[:-1] if tag == "latest" else versions) for tag in further
    }


def read_ids(world: World) -> dict[str, str]:
    """Each tag with the id of its image, as the daemon has them; nothing if one is missing or was moved."""
    drawn = tags(world)
    try:
        ids = {tag: str(inspect_image(world.daemon, f"{world.name('app')}:{tag}")["Id"]) for tag in drawn}
    except errors.ImageError:
        return {}
    return ids if all(ids[tag] == ids[version] for tag, version in drawn.items()) else {}


_FORM = 'Hand in a dictionary: answer = {"rows": …, "images": …, "latest": "NAME:VERSION"}.'


def _why(key: str, value: dict[str, Any], ids: dict[str, str]) -> str:
    """Name the misunderstanding, where it is a usual one."""
    if not value:
        return _FORM
    said, newest = value.get(key), max(tag for tag in ids if tag in VERSIONS)
    match key:
        case "images" if said == len(ids):
            return "A row is a name. One image has as many rows as it has names, and all of them show the same id."
        case "rows" if said == len(set(ids.values())):
            return "Those are the images. docker images has a row for each of their names."
        case "latest" if said in ids:
            return "Hand in the whole name, with its version: NAME:VERSION."
        case "latest" if str(said).endswith(f":{newest}"):
            return "latest is a tag like any other: somebody set it once, and nothing moves it to the newest version."
        case "latest" if str(said).partition(":")[2] in ids and str(said).partition(":")[2] not in VERSIONS:
            return "That is another of its names, or not even that. Asked for is the one with a version."
    return ""


@register
class Chain(Program):
    """Compute the name of a layer together with all below it."""

    id = "04.chain"
    title = "name a stack of layers"
    brief = "The judge will call your function with lists of diff-ids, the lowest first."
    parts = (
        Part("one", 1, "the chain-id of a single layer is told"),
        Part("two", 1, "the chain-id of a layer on one other is told"),
        Part("many", 2, "it is told of as many layers as there are"),
    )
    hints = (
        "What would a name have to be made of, if it is to be another one as soon as anything below is another?",
        "hashlib.sha256(text.encode()).hexdigest() is the digest of a text. Print what you hash: does sha256: stand "
        "before both digests, one blank between them, and nothing behind?",
        "Begin with chain = diff_ids[0]. For each further diff-id, chain becomes sha256: and the digest of "
        "chain, a blank and this diff-id.",
    )
    look_at = "the section above, the cell with hashlib"
    whys = {  # noqa: RUF012 - a table to read, like the parts
        "one": "The lowest layer has nothing below it: its chain-id is its diff-id, and nothing is hashed.",
        "two": "What is hashed is a text: the chain-id below, one blank, the diff-id; each with its sha256: in front.",
        "many": "Before the blank stands the chain-id below, which has all the others in it: go up layer by layer.",
    }

    def cases(self, world: World) -> list[Case]:
        """Draw stacks of one layer, of two and of many; the same layers in another order are another stack."""
        drawn = [digest(world.draws.word(f"layer {number}").encode()) for number in range(24)]
        many = drawn[: world.draws.number("many", 9, 24)]
        stacks: list[tuple[str, str, list[str]]] = [
            ("one", "one layer", drawn[:1]),
            ("one", "another single layer", drawn[1:2]),
            ("two", "two layers", drawn[2:4]),
            ("two", "the same two, the other way round", drawn[2:4][::-1]),
            ("two", "the same layer twice", [drawn[4], drawn[4]]),
            ("many", "three layers", drawn[5:8]),
            ("many", f"{len(many)} layers", many),
            ("many", f"the same {len(many)}, upside down", many[::-1]),
        ]
        return [Case(part, (layers,), chain_ids(layers)[-1], words) for part, words, layers in stacks]
