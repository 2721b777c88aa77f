"""Chapter 06, Commit, save, load, first part: what a container has changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from labkit import errors
from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, World, register
from labkit.course.verdict import Finding, Part, found

PROGRAMS = ("vi", "tr", "uniq", "head", "sort", "wc", "awk", "cut")
LETTERS = ("C", "A", "D")
"""What ``docker diff`` calls a change; the API has the place in this row."""


@register
class Changes(Exercise):
    """Predict what docker diff says."""

    id = "06.diff"
    title = "seven lines, what is different?"
    kind = "value"
    brief = "The container has never run. These are the lines that its shell will run, one after the other:"
    parts = (
        Part("A", 1, "all that is new is told as new, and nothing else"),
        Part("D", 1, "all that is missing is told as removed, and nothing else"),
        Part("C", 2, "all that has changed is told as changed, and nothing else"),
    )
    hints = (
        "docker diff compares two states, the image's and the container's. What does it know of the way in between?",
        "A directory is a list of names. Which directories have another list than in the image? "
        "Which are not in the image at all?",
        "For each path in the lines: is it there before, is it there after? Only after: A; only before: D; both: "
        "C, if contents, mode or the list of names differ. What is in a new folder has lines of its own.",
    )

    def prepare(self, world: World) -> dict[str, Any]:
        """Create the container, which nobody starts."""
        box = world.run("\n".join(lines(world)), "box", start=False)
        return {"container": box.name, "lines": lines(world)}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Run the lines in another container, and ask the daemon for its diff."""
        if world.find("box") is None:
            return
        said, true = read_lines(claim.value), changes(world)
        for letter in (part.key for part in self.parts):
            right = bool(true[letter]) and said[letter] == true[letter]
            why = _why(letter, said, true, words(world)) if any(said.values()) else _FORM
            yield found(
                letter,
                right,
                expected=f"the paths that docker diff shows with {letter}",
                saw=", ".join(sorted(said[letter])) or f"no line with {letter}",
                look_at="docker diff of a container in which you run the lines",
                why=why,
            )


Said = Mapping[str, set[str]]
"""Letter → paths."""


def words(world: World) -> dict[str, str]:
    """The names in this learner's lines."""
    drawn = {name: world.seed.word(name) for name in ("new", "moved", "folder", "inner", "brief")}
    return drawn | {
        "program": world.seed.pick("program", PROGRAMS),
        "renamed": world.seed.pick("renamed", ("passwd", "group")),
    }


def lines(world: World) -> list[str]:
    """What the container's shell runs."""
    word = words(world)
    other = "group" if word["renamed"] == "passwd" else "passwd"
    folder = f"/srv/{word['folder']}"
    together = [
        f"mkdir -p {folder}",
        f"echo one > {folder}/{word['inner']}",
        f"echo two > {folder}/{word['brief']}",
        f"rm {folder}/{word['brief']}",
    ]
    single = [
        f"rm /bin/{word['program']}",
        f"mv /etc/{word['renamed']} /etc/{word['moved']}",
        world.seed.pick("touched", (f"chmod 600 /etc/{other}", f"echo more >> /etc/{other}")),
    ]
    world.seed.stream("order").shuffle(single)
    place = world.seed.number("place", 0, len(single))
    return [*single[:place], *together, *single[place:]]


def read_lines(value: object) -> dict[str, set[str]]:
    """Lines such as ``"A /newfile.txt"``, as a list or as one text, by their letter."""
    texts = value.splitlines() if isinstance(value, str) else value if isinstance(value, list) else []
    said: dict[str, set[str]] = {letter: set() for letter in LETTERS}
    for text in texts:
        letter, _, path = str(text).strip().partition(" ")
        if letter in said:
            said[letter].add(path.strip())
    return said


def changes(world: World) -> dict[str, set[str]]:
    """What the daemon says of a container that has run the lines.

    Raises:
        SandboxError: if they do not run.
    """
    with world.run("set -e\n" + "\n".join(lines(world)), "again") as box:
        if box.wait() != 0:
            raise errors.SandboxError(f"The lines of {world.exercise} do not run: {box.logs()}", "Begin again.")
        told: Sequence[Mapping[str, Any]] = world.daemon.client.api.diff(box.id)
    return {letter: {str(c["Path"]) for c in told if c["Kind"] == kind} for kind, letter in enumerate(LETTERS)}


_FORM = 'Hand in a list of lines as docker diff prints them: answer = ["A /newfile.txt", …].'


def _why(letter: str, said: Said, true: Said, word: Mapping[str, str]) -> str:
    """Name the misunderstanding, where it is a usual one."""
    folder = f"/srv/{word['folder']}"
    extra, missing = said[letter] - true[letter], true[letter] - said[letter]
    if f"{folder}/{word['brief']}" in extra:
        return "It came and went: docker diff compares two states, and neither of them has it."
    if {f"/etc/{word['renamed']}", f"/etc/{word['moved']}"} & missing:
        return "A layer knows no renaming: the old name is removed, and the new one is new."
    match letter:
        case "A" if {"/srv", folder} & missing:
            return "A folder that the image does not have is new, like the files in it."
        case "C" if {"/srv", folder} & extra:
            return "The image does not have that folder: what is new has not changed."
        case "C" if {"/etc", "/bin"} & missing:
            return "A directory is a list of names: where one was added or removed, it has changed too."
        case "C" if missing:
            return "Contents are not all of a file: its mode and its owner are in the layer as well."
    return ""
