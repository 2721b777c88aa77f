"""Process groups, as far as they matter for signals: orphaned ones, and others.

A shell with a terminal puts each job into a group of its own, and can continue it when the terminal has stopped it.
POSIX protects a group that nobody could continue: a terminal cannot stop it.

Sources: ``credentials(7)``, and ``setpgid(2)`` for what an orphaned group is; ``proc_pid_stat(5)``.
"""

from __future__ import annotations

from collections.abc import Iterator

from labkit.host import Host, decode


def read_orphaned(host: Host, pid: int) -> bool:
    """Tell whether a process is in an orphaned process group: SIGTSTP, SIGTTIN and SIGTTOU do nothing there.

    It is one unless some member has a parent in another group of the same session: the shell that could continue it.
    What the daemon starts has none, so only jobs of a shell with a terminal are in other groups.
    """
    members = {member[0]: member for member in _members(host)}
    if pid not in members:
        return True
    group = members[pid][2]
    return not any(
        above and above[2] != group and above[3] == session
        for _, parent, its, session in members.values()
        if its == group
        for above in [members.get(parent)]
    )


def _members(host: Host) -> Iterator[tuple[int, int, int, int]]:
    """Process, parent, group and session of all processes but zombies (``proc_pid_stat(5)``)."""
    pids = [name for name in host.list("/proc") if name.isdecimal()]
    for pid, data in zip(pids, host.read_each([f"/proc/{pid}/stat" for pid in pids]), strict=True):
        if (words := decode(data).rpartition(")")[2].split()) and words[0] not in "ZX":
            yield int(pid), int(words[1]), int(words[2]), int(words[3])
