"""Chapter 09, PID 1, first part: who is number 1, and who hears what is said to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from labkit import images, sandbox
from labkit.course.claims import Claim
from labkit.course.exercise import Exercise, World, register
from labkit.course.verdict import Finding, Part, failed, passed
from labkit.oci import Item

LETTERS = "abcde"
READY = 10.0
"""Seconds in which an app is ready."""


class Form(NamedTuple):
    """One way to start an app: the image's configuration, what its script does, and what comes of it."""

    config: Mapping[str, list[str]]
    script: str
    first: str
    hears: bool
    why: str


APP = """\
#!/bin/sh
trap 'echo "{app}: heard TERM"; exit 0' TERM
mkfifo /tmp/queue
echo "{app}: ready"
while :; do read -r -t 1 item <>/tmp/queue; done
"""
"""An app that hears TERM, and has no children."""

_SPELLING = (
    "Exec form and shell form are not two spellings of one command: in shell form a shell is number 1, and the app its "
    "child. What is sent to number 1 is sent to nobody else."
)
_BECOMES = "exec starts no process: the shell becomes the app, with the number that it has."
_STAYS = "Without exec, a script stays number 1 until the app has ended; the app is its child, and hears nothing."
_BYE = "Number 1 hears TERM and ends. With it ends everybody else, by SIGKILL: nobody has asked the app."
_FORWARD = "Number 1 hears TERM, and its trap sends the app a TERM of its own: the app hears that."
_ITSELF = "In exec form no shell stands in between: the app itself is number 1."

_ENTRYPOINT = {"Entrypoint": ["start"], "Cmd": ["{app}"]}

FORMS: Mapping[str, Form] = {
    "shell": Form({"Cmd": ["/bin/sh", "-c", "{app}; echo done"]}, "", "sh", False, _SPELLING),
    "script": Form(_ENTRYPOINT, 'echo prepared\n"$@"', "start", False, _STAYS),
    "bye": Form(_ENTRYPOINT, "trap 'echo bye; exit 0' TERM\n\"$@\" &\nwait", "start", False, _BYE),
    "forward": Form(
        _ENTRYPOINT,
        "trap 'kill -TERM $app' TERM\n\"$@\" &\napp=$!\nwait $app\nwait $app",
        "start",
        True,
        _FORWARD,
    ),
    "becomes": Form({"Cmd": ["/bin/sh", "-c", "echo prepared; exec {app}"]}, "", "app", True, _BECOMES),
    "entrypoint": Form(_ENTRYPOINT, 'echo prepared\nexec "$@"', "app", True, _BECOMES),
    "exec": Form({"Cmd": ["{app}"]}, "", "app", True, _ITSELF),
}
"""By name; of several mistakes, the one about the first of these is told."""


@register
class Hears(Exercise):
    """Tell of five images who is number 1, and whether the app hears TERM."""

    id = "09.hears"
    title = "who hears it?"
    kind = "value"
    brief = "Five images, a container of each, and what the app is called in all of them:"
    parts = (
        Part("first", 2, "of all five it is told which program is number 1"),
        Part("own", 1, "where the app is number 1, it is told whether it hears TERM"),
        Part("other", 2, "where another is number 1, it is told whether the app hears TERM"),
    )
    hints = (
        "To which of a container's processes does docker stop send its signal? And what becomes of the others?",
        "docker inspect shows Entrypoint and Cmd, and /bin/start is a file that can be read inside. Where does a shell "
        "stay, where does exec let it become the app, and what does a trap do?",
        'answer = {"CONTAINER": ("sh", False), …}: the first is what box.sh("cat /proc/1/comm") prints.',
    )
    seconds = 60

    def prepare(self, world: World) -> dict[str, Any]:
        """Load the images and start a container of each; wait until each app is ready."""
        name = app(world)
        boxes = [start(world, letter, form) for letter, form in zip(LETTERS, forms(world), strict=True)]
        for box in boxes:
            await_line(box, f"{name}: ready")
        return {"app": name, "containers": [box.name for box in boxes]}

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Compare with what the images are made for; all containers must still run."""
        boxes = [box for letter in LETTERS if (box := world.running(letter))]
        if len(boxes) < len(LETTERS):
            return
        value = claim.value if isinstance(claim.value, dict) else {}
        order = sorted(zip(forms(world), boxes, strict=True), key=lambda pair: [*FORMS].index(pair[0]))
        told = [(box.name, FORMS[form], _pair(value.get(box.name))) for form, box in order]
        for part in self.parts:
            yield _finding(part.key, told, app(world), why="" if value else _FORM)


_FORM = 'Hand in a dictionary: answer = {"CONTAINER": (the program of number 1, whether the app hears TERM), …}.'

Told = tuple[str, Form, tuple[object, object]]


def _finding(key: str, told: list[Told], name: str, *, why: str) -> Finding:
    """Whether one part is right of all containers that it is about; the words are about the first that is wrong."""
    for box, form, (first, hears) in told:
        own = form.first == "app"
        if key == "first":
            said, right, wanted = first, first == (name if own else form.first), "the name of a program"
        else:
            said, right, wanted = hears, hears is form.hears or own != (key == "own"), "True or False"
        if not right:
            look_at = "docker inspect, Entrypoint and Cmd; ps inside"
            return failed(key, expected=wanted, saw=f"{said!r} of {box}", look_at=look_at, why=why or form.why)
    return passed(key)


def _pair(said: object) -> tuple[object, object]:
    return (said[0], said[1]) if isinstance(said, list) and len(said) == 2 else (None, None)


def app(world: World) -> str:
    """What the app is called."""
    return world.seed.word("app")


def forms(world: World) -> list[str]:
    """How each of this learner's images starts its app, in the order of the letters."""
    either = [world.seed.pick("own", ("exec", "entrypoint")), world.seed.pick("other", ("bye", "script"))]
    drawn = ["shell", "forward", "becomes", *either]
    world.seed.stream("forms").shuffle(drawn)
    return drawn


def start(world: World, letter: str, name: str) -> sandbox.Box:
    """Make one image, and start a container of it."""
    form = FORMS[name]
    files: images.Files = {f"bin/{app(world)}": script(APP.format(app=app(world)))}
    if form.script:
        files = {**files, "bin/start": script(f"#!/bin/sh\n{form.script}\n")}
    config = {key: [word.format(app=app(world)) for word in words] for key, words in form.config.items()}
    return world.run([], letter, image=world.image(letter, files, **config))


def await_line(box: sandbox.Box, line: str) -> None:
    """Wait until a container has printed a line."""
    sandbox.wait_until(lambda: line in box.logs(), f"{box.name} says {line!r}", deadline=READY)


def script(text: str) -> Item:
    """A file that can be executed."""
    return Item(text.encode(), mode=0o755)
