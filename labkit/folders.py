"""What the helper's shell is asked about many folders at once, and how it is answered without the programs for it.

busybox's ``find`` prints names and no types, and nothing in busybox reads extended attributes. So types are told by
repetition, and whether a folder is opaque by the kernel itself: overlayfs is asked to lay it over a mark.
"""

from __future__ import annotations

import tempfile
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import IO

from labkit.answers import STAT, check, new_mark, quote, quote_word, read_entries
from labkit.host import WHOLE, Entry, Host, Names, decode, encode

_XARGS = "xargs -0 -s 1000000"
"""Words from NUL to NUL, as many as one command takes (``execve(2)``)."""

# GNU's find, where the host has it, knows from the folder itself of which type a file is, and looks at none; and it
# can print a name without its path, which is what takes the time on the way here. It is tried once.
_FIND = (
    '[ "$find" ] || { export find=/usr/bin/find print="-printf %f\\0"; '
    "$find / -maxdepth 0 -printf '' 2>/dev/null || { find=find; print=-print0; }; }; "
)

_NAMES = (
    f'{_XARGS} sh -c \'exec $find "$@" -maxdepth 1 -type f $print -o -path "*/." -print0 -o '
    "-type d $print $print -o -type c $print $print $print -o $print' sh"
)
"""Directories are printed twice, character devices three times, everything else once; first each folder itself."""

_ENTRIES = f"{_XARGS} sh -c 'exec find \"$@\" -mindepth 1 -maxdepth 1 -print0' sh | {_XARGS} -r {STAT}"

_HOLES = f"{_XARGS} stat -c '//%t,%T %n'"

# In a mount namespace of its own, so that nobody sees it and it ends with the question. /sys is a folder on every
# host, and no layer lies there.
_OPAQUE = f"""
mount -t tmpfs labkit /sys && mkdir /sys/seen /sys/below && cat >/sys/paths &&
(cd /sys/below && {_XARGS} mkdir -p) </sys/paths &&
{{ read -r inside outside count </proc/self/uid_map; [ "$count" = 4294967295 ] || user=,userxattr; }} &&
mount -t overlay -o ro,lowerdir=.:/sys/below$user labkit /sys/seen && cd /sys/seen &&
{_XARGS} sh -c 'for path; do [ -e "$path" ] || printf "%s\\0" "$path"; done' sh </sys/paths
""".replace("\n", " ")


class HelperFolders(Host):
    """The part of ``HelperHost`` that asks about many folders in one question."""

    together = 500

    @abstractmethod
    def _ask(
        self,
        script: str,
        *,
        into: IO[bytes] | None = None,
        timeout: float | None = None,
        again: bool = True,
        most: int = 4 * WHOLE,
    ) -> tuple[int, bytes, bytes]:
        """Send one line of shell; return its exit status, its output and its complaints."""

    def names(self, base: str, paths: Sequence[str]) -> Iterator[Names]:
        answer = self._of_each(base, [f"{path}/." for path in paths], _NAMES, before=_FIND)
        listed = list(read_names(decode(answer), paths))
        devices = [f"{path}/{name}" for path, found in zip(paths, listed, strict=True) for name in found.whiteouts]
        holes = self._holes(base, devices) if devices else set()
        for path, (folders, whiteouts, others) in zip(paths, listed, strict=True):
            if whiteouts:
                others += [name for name in whiteouts if f"{path}/{name}" not in holes]
            yield Names(folders, [name for name in whiteouts if f"{path}/{name}" in holes], others)

    def _holes(self, base: str, devices: Sequence[str]) -> set[str]:
        """Those character devices that stand for nothing: 0,0."""
        data = decode(self._of_each(base, devices, _HOLES))
        return {
            record.partition(" ")[2].removeprefix("./")
            for record in f"\n{data[:-1]}".split("\n//")
            if record[:4] == "0,0 "
        }

    def entries(self, base: str, paths: Sequence[str]) -> Iterator[Sequence[Entry]]:
        found: dict[str, list[Entry]] = {f"{base}/{path}": [] for path in paths}
        with tempfile.SpooledTemporaryFile(max_size=1 << 23) as answer:
            self._of_each(base, paths, _ENTRIES, into=answer)
            answer.seek(0)
            for entry in read_entries(answer, base):
                found[entry.path.rpartition("/")[0]].append(entry)
        yield from (found[f"{base}/{path}"] for path in paths)

    def opaque(self, base: str, paths: Sequence[str]) -> set[str]:
        if not paths:
            return set()
        mark = new_mark()
        command = f"unshare -m sh -c {quote_word(_OPAQUE.encode())}"
        data = self._of_each(base, [f"{path}/{mark}" for path in paths], command, strict=True)
        return {path.removeprefix("./").removesuffix(f"/{mark}") for path in decode(data).split("\0") if path}

    def _of_each(
        self,
        base: str,
        paths: Sequence[str],
        command: str,
        *,
        before: str = "",
        into: IO[bytes] | None = None,
        strict: bool = False,
    ) -> bytes:
        """Give a command its input: the paths below ``base``, each led by ``./`` and ended by NUL."""
        words = " ".join(quote_word(b"./" + encode(path)) for path in paths)
        script = f"{before}(cd -P {quote(base)} && {{ printf '%s\\0' {words}; }} | {command} | dd obs=64k status=none)"
        status, data, complaint = self._ask(script, into=into, timeout=600)
        if strict or complaint.startswith(b"sh: cd:"):  # other complaints are about what vanished meanwhile
            check(base, status, complaint)
        return data


def read_names(answer: str, paths: Sequence[str]) -> Iterator[Names]:
    """Take apart the names in each folder: what ``_NAMES`` prints.

    Args:
        answer: paths, each led by ``./`` and ended by NUL, one to three times; the folders in the order of ``paths``.
        paths: the folders; one that is not in the answer could not be listed.
    """
    start = 0
    for path in paths:
        head = f"./{path}/.\0"
        if not answer.startswith(head, start):
            yield Names([], [], [])
            continue
        start += len(head)
        after = answer.find("/.\0", start)  # no name holds a slash: that ends the next folder's own path
        end = answer.rfind("\0", start - 1, after) + 1 if after >= 0 else len(answer)
        yield _by_type(answer[start:end].replace(f"./{path}/./", "").split("\0")[:-1])
        start = end


def _by_type(names: list[str]) -> Names:
    """Tell directories and devices by how often they were printed."""
    if len(set(names)) == len(names):
        return Names([], [], names)
    times = Counter(names)
    return Names(*([name for name, count in times.items() if count == wanted] for wanted in (2, 3, 1)))
