"""Chapter 01, The socket, first half: who may connect."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit.course.claims import Claim
from labkit.course.exercise import Program, World, register
from labkit.course.outputs import Case, compare, read_outputs
from labkit.course.verdict import Finding, Part


@register
class Mode(Program):
    """Nine bits decide who may connect."""

    id = "01.mode"
    title = "nine bits decide who may connect"
    brief = "The judge will call your function with sockets and users of its own."
    parts = (
        Part("write", 1, "connecting takes the write bit of the user's class"),
        Part("class", 2, "exactly one class counts: owner, else group, else others"),
        Part("root", 1, "root needs no bit, everybody else does"),
    )
    hints = (
        "Before anything is read or executed, somebody has to connect. Which of the three bits is left for that?",
        "Somebody owns the socket and is also in its group. The kernel looks at one class only: the first that fits.",
        "mode & 0o200 is the owner's write bit, 0o020 the group's, 0o002 the others'. User id 0 is asked for none.",
    )
    look_at = "the picture of the ten letters, and unix(7), 'Pathname socket ownership and permissions'"
    whys = {  # noqa: RUF012 - a table to read, like the parts
        "write": "Reading and writing come after connecting; to connect, the kernel asks for w alone.",
        "class": "The classes do not add up: an owner is judged as owner, even where the group would be allowed more.",
        "root": "User id 0 passes whatever the nine bits say, and nobody else does.",
    }

    def cases(self, world: World) -> list[Case]:
        """Draw sockets and users: the arguments are (mode, owner, group, uid, gids)."""
        uid, gid = world.draws.number("uid", 1000, 60000), world.draws.number("gid", 100, 999)
        me, other, root = (uid, [uid, gid]), (uid + 1, [uid + 1, 50]), (0, [0])
        drawn: list[tuple[Any, ...]] = [
            *(("write", mode, uid, 0, *me) for mode in (0o660, 0o550, 0o600)),
            *(("write", mode, 0, gid, *me) for mode in (0o660, 0o640, 0o650)),
            *(("write", mode, 0, gid, *other) for mode in (0o660, 0o666, 0o664)),
            *(("class", mode, uid, gid, *me) for mode in (0o060, 0o206, 0o466)),
            *(("class", mode, 0, gid, *me) for mode in (0o606, 0o006, 0o020)),
            *(("root", mode, uid, gid, *root) for mode in (0o000, 0o060)),
            *(("root", 0o000, 0, gid, *user) for user in (me, other)),
        ]
        world.draws.stream("order").shuffle(drawn)  # so that a fixed list of results is no answer
        words = "a socket {:#o} of user {} and group {}, user {} in groups {}"
        return [Case(part, tuple(r), may_connect(*r), words.format(*r), reveal=True) for part, *r in drawn]


def may_connect(mode: int, owner: int, group: int, uid: int, gids: list[int]) -> bool:
    """Say whether the kernel lets a user connect to a unix socket: ``unix(7)``, ``path_resolution(7)``."""
    if uid == 0:
        return True
    bit = 0o200 if uid == owner else 0o020 if group in gids else 0o002
    return bool(mode & bit)


@register
class Group(Program):
    """Two files decide who is in a group."""

    id = "01.group"
    title = "who is in the group"
    brief = "The judge will call your function with files of its own."
    parts = (
        Part("listed", 1, "users in the last field of the group's line are members"),
        Part("primary", 1, "users whose primary group it is are members too"),
        Part("strict", 1, "nobody else is a member"),
    )
    hints = (
        "Which field of a line in /etc/group names people? What stands between two names?",
        "A user's first group need not be in /etc/group. Which file, and which of its fields, has it?",
        "Find the group's number in /etc/group, then compare it with the fourth field of each line of /etc/passwd.",
    )
    look_at = "man 5 group and man 5 passwd: what stands between the colons"
    whys = {  # noqa: RUF012 - a table to read, like the parts
        "listed": "The last field has the names, with a comma between two of them.",
        "primary": "A user's primary group stands in /etc/passwd. /etc/group need not repeat it, and may.",
        "strict": "Compare whole fields: docker-users and notdocker are other groups, and a group may be missing.",
    }

    def cases(self, world: World) -> list[Case]:
        """Draw files: the arguments are (name of the group, text of /etc/group, text of /etc/passwd)."""
        a, b, c = (f"{world.draws.word(name).partition('-')[0]}{number}" for number, name in enumerate("abc"))
        gid = world.draws.number("gid", 100, 900)
        passwd = f"{a}:x:1001:1001::/:/bin/sh\n{b}:x:1002:{gid}::/:/bin/sh\n{c}:x:1003:1003::/:/bin/sh\n"
        alone = passwd.replace(f":{gid}:", ":1002:")
        nearly = f"docker-users:x:{gid + 1}:{a}\nnotdocker:x:{gid + 2}:{c}\n"
        drawn = [
            ("listed", f"root:x:0:\ndocker:x:{gid}:{a},{c}\n", alone, [a, c]),
            ("listed", f"docker:x:{gid}:{c}\n{nearly}", alone, [c]),
            ("primary", f"docker:x:{gid}:\n", passwd, [b]),
            ("primary", f"docker:x:{gid}:{a},{b}\n", passwd, [a, b]),
            ("strict", f"{nearly}docker:x:{gid}:\n", alone, []),
            ("strict", f"root:x:0:{a}\n", alone, []),
        ]
        words = "'docker', the group file {!r}, the passwd file {!r}"
        return [Case(part, ("docker", g, p), sorted(truth), words.format(g, p)) for part, g, p, truth in drawn]

    def judge(self, claim: Claim, world: World) -> Iterator[Finding]:
        """Compare each output, in any order, with the members that the files give."""
        cases = self.cases(world)
        outputs = [_in_order(output) for output in read_outputs(claim, len(cases))]
        if not any(output["returned"] for output in outputs):
            yield compare(
                "listed", zip(cases, outputs, strict=True), look_at=self.look_at, why="Nobody was found at all."
            )
            return
        nameless = any("" in output["returned"] for output in outputs if isinstance(output["returned"], list))
        for part in self.parts:
            told, why = zip(cases, outputs, strict=True), _NAMELESS if nameless else self.whys[part.key]
            yield compare(part.key, told, look_at=self.look_at, why=why)


_NAMELESS = "No member at all is an empty text; cut at commas, that gives one member without a name."


def _in_order(output: dict[str, Any]) -> dict[str, Any]:
    returned = output.get("returned")
    return output | {"returned": sorted(returned, key=str) if isinstance(returned, list) else returned}
