"""The ten letters of ``ls -l``, the two numbers of an owner, and the files that give numbers their names.

Sources: ``inode(7)`` for type and mode bits, ``passwd(5)`` and ``group(5)`` for the names.
"""

from __future__ import annotations

from dataclasses import dataclass

from labkit.host import Entry

KINDS = {
    "-": "regular file",
    "d": "directory",
    "l": "symbolic link",
    "s": "socket",
    "p": "named pipe",
    "c": "character device",
    "b": "block device",
}

BITS = {"owner": "set-user-ID", "group": "set-group-ID", "others": "sticky"}
"""What a third letter other than ``x`` and ``-`` says besides; a capital one says it without an ``x``."""


@dataclass(frozen=True)
class Rights:
    """What one class of users may do with a file.

    Attributes:
        who: ``"owner"``, ``"group"`` or ``"others"``.
        name: which user or group that is; empty for others.
        letters: three letters, such as ``"rw-"`` or ``"r-s"``.
    """

    who: str
    name: str
    letters: str

    @property
    def connect(self) -> bool:
        """For a socket: whether this class may connect, which takes ``w`` (``unix(7)``)."""
        return self.letters[1] == "w"

    @property
    def execute(self) -> bool:
        """Whether this class may execute the file, or enter the directory: ``s`` and ``t`` have an ``x`` below."""
        return self.letters[2] in "xst"

    def __str__(self) -> str:
        told = [("read", self.letters[0] == "r"), ("write", self.letters[1] == "w"), ("execute", self.execute)]
        words = [word for word, may in told if may] or ["nothing"]
        may = " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)
        bit = f" ({BITS[self.who]})" if self.letters[2] in "sStT" else ""
        return f"{self.who} {self.name}".strip() + f": {may}{bit}"


@dataclass(frozen=True)
class Permissions:
    """Type and rights of one file, with names instead of numbers."""

    path: str
    letters: str
    kind: str
    classes: tuple[Rights, Rights, Rights]

    def __str__(self) -> str:
        return "\n".join([f"{self.letters[0]}  {self.kind}", *(f"{c.letters}  {c}" for c in self.classes)])


def read_permissions(entry: Entry, *, passwd: str = "", group: str = "") -> Permissions:
    """Decode type and rights of ``entry``; the texts of the two files turn numbers into names."""
    letters = entry.permissions
    names = (read_name(entry.uid, passwd), read_name(entry.gid, group), "")
    classes = [
        Rights(who, name, letters[start : start + 3])
        for who, name, start in zip(("owner", "group", "others"), names, (1, 4, 7), strict=True)
    ]
    return Permissions(entry.path, letters, KINDS[entry.kind], (classes[0], classes[1], classes[2]))


def read_name(number: int, text: str) -> str:
    """Return the first name that a text in the form of ``passwd(5)`` or ``group(5)`` gives to a number.

    Without one, the number itself, as ``ls -l`` does.
    """
    for line in text.split("\n"):  # not splitlines(): a comment field may hold other separators
        fields = line.split(":")
        if len(fields) > 2 and fields[2] == str(number):
            return fields[0]
    return str(number)
