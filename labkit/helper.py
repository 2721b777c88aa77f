"""A container that looks at the daemon's host for us, when the notebook cannot.

It runs a shell whose root is the host's root, and keeps one connection open: each question is one line of
shell, each answer ends with a random mark that was drawn after the question's file was written, so any
bytes in names and contents survive. Its rights are named one by one in ``RIGHTS``.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from typing import IO, Any

from labkit import errors, images, sandbox
from labkit.answers import STAT, check, new_mark, quote, quote_words, read_all, read_entries, read_entry, receive
from labkit.daemon import Daemon
from labkit.folders import HelperFolders
from labkit.host import WHOLE, Entry, Ran, bounded, check_part, decode, encode, not_a_file, too_slow
from labkit.stream import Stream

RIGHTS: dict[str, Any] = {
    "pid_mode": "host",  # sees the host's processes
    "network_mode": "host",  # sees its network interfaces
    "uts_mode": "host",  # has its host name
    "ipc_mode": "host",
    "cgroupns": "host",  # /proc/<pid>/cgroup reads as on the host
    "userns_mode": "host",  # root there is root here, also where the daemon maps users
    # Sees its files, to read. That keeps accidents away, not intentions: before Docker 25, file systems mounted
    # below / can be written, and whoever has SYS_ADMIN can mount anew.
    "volumes": {"/": {"bind": "/host", "mode": "ro"}},
    "cap_drop": ["ALL"],
    "cap_add": [
        "SYS_ADMIN",  # enter another process's namespaces
        "SYS_PTRACE",  # read /proc/<pid>/ns, root and maps of processes that are not its own
        "DAC_READ_SEARCH",  # read files and folders whatever their mode
        "SYS_CHROOT",  # make /host its root
    ],
    "security_opt": ["seccomp=unconfined", "apparmor=unconfined", "label=disable"],
    "read_only": True,
}
"""What the helper may do, as options of ``docker create``. ``--privileged`` is not among them."""

ANSWER_TIME = 10.0
"""Seconds for one question."""

SLACK = 1 << 16
"""Bytes of complaints and marks that come with an answer."""

# The outer shell stays in the container's own root, so that the inner one, whose root is the host's, can
# reach our busybox through /proc/<outer>/root; nothing is written on the host. When we hang up, or die, `cat`
# ends, and then everything that was started for us: all of it is in the outer shell's process group.
_SHELL = (
    "{ cat; kill -9 -$$; } | chroot /host /proc/$$/root/bin/busybox env PATH=/proc/$$/root/bin LC_ALL=C sh -o pipefail"
)

# Both outputs go through a `cat` that ends when nobody can write any more, so nothing comes late, into the
# answer to another question. The shell's own remarks ("Terminated") are left out.
_RUN = "{{ {{ {words} </dev/null 2>&3 3>&- 4>&- | cat >&4; }} 3>&1 2>/dev/null | cat >&2; }} 4>&1"


class HelperHost(HelperFolders):
    """The daemon's host, seen by a labelled container: ``labkit-helper-<owner>``.

    The container starts on the first question, is found again by its label after a restart of the kernel, and
    goes with ``labkit clean``. Questions of several threads wait for each other.

    Args:
        daemon: whose host to look at.
    """

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self._stream: Stream | None = None
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"HelperHost({container_name()})"

    def read(self, path: str, *, offset: int = 0, limit: int | None = None) -> bytes:
        check_part(offset, limit)
        count = WHOLE + 1 if limit is None else limit
        name = quote(path)
        if offset:
            script = (
                f"dd if={name} bs=64k skip={offset} count={count} iflag=skip_bytes,count_bytes,fullblock status=none"
            )
        else:
            script = f"head -c {count} {name}"
        unreadable = f"[ -d {name} ] || [ -p {name} ] || [ -S {name} ]"
        script = f"if {unreadable}; then (exit 99); else {script}; fi"
        status, data, complaint = self._ask(script, most=count + SLACK)
        if status == 99:
            raise not_a_file(self.stat(path, follow=True))
        check(path, status, complaint)
        return bounded(path, data, limit)

    def read_each(self, paths: Sequence[str]) -> Sequence[bytes]:
        script, end = read_all(paths, new_mark())
        *found, rest = self._ask(script)[1].split(end)  # complaints are about what cannot be read
        if rest or len(found) != len(paths):
            raise errors.HostError(f"{len(found)} of {len(paths)} files were read.", "Ask again, or for fewer.")
        return found

    def list(self, path: str) -> list[str]:
        status, data, complaint = self._ask(f"find {quote(path)}/. -mindepth 1 -maxdepth 1 -print0")
        if complaint.startswith(b"find: " + encode(path) + b"/.: "):  # others are about what vanished meanwhile
            check(path, status, complaint)
        return sorted(decode(name.rpartition(b"/")[2]) for name in data.split(b"\0")[:-1])

    def stat(self, path: str, *, follow: bool = False) -> Entry:
        status, data, complaint = self._ask(f"{STAT} {'-L' if follow else ''} {quote(path)}")
        check(path, status, complaint)
        return read_entry(decode(data[2:-1]))

    def walk(self, path: str) -> Iterator[Entry]:
        top = self.stat(path)
        yield top
        if top.kind != "d":
            return
        with tempfile.SpooledTemporaryFile(max_size=1 << 23) as answer:
            # From inside, because short names are sooner found, and sooner here.
            script = f"(cd -P {quote(path)} && find . -mindepth 1 -print0 | xargs -0 -r {STAT})"
            self._ask(script, into=answer, timeout=600)
            answer.seek(0)
            yield from read_entries(answer, path.rstrip("/"))

    def readlink(self, path: str) -> str:
        status, data, complaint = self._ask(f"readlink -nv {quote(path)}")
        check(path, status, complaint)
        return decode(data)

    def run(self, *argv: str, timeout: float = 30) -> Ran:
        script = _RUN.format(words=quote_words(argv))
        with self._lock:
            self._ask(":")  # a command is not run twice, so a helper that is gone is found out before
            try:
                status, out, err = self._ask(script, timeout=timeout, again=False)
            except errors.QuestionTimeout:
                raise too_slow(argv, timeout) from None
        return Ran(status, decode(out), decode(err))

    def close(self) -> None:
        with self._lock:
            if self._stream:
                self._stream.close()
            self._stream = None

    # --- one question ---------------------------------------------------------------------------

    def _ask(
        self,
        script: str,
        *,
        into: IO[bytes] | None = None,
        timeout: float | None = None,
        again: bool = True,
        most: int = 4 * WHOLE,
    ) -> tuple[int, bytes, bytes]:
        """Send one line of shell; return its exit status, its output and its complaints.

        A question that only reads is asked a second time when the helper was lost under it.
        """
        with self._lock:
            try:
                return self._once(script, into, timeout, most)
            except errors.HelperLost:
                if not again:
                    raise
            if into:
                into.seek(0)
                into.truncate()
            return self._once(script, into, timeout, most)

    def _once(self, script: str, into: IO[bytes] | None, timeout: float | None, most: int) -> tuple[int, bytes, bytes]:
        mark = new_mark()
        try:
            stream = self._connected()
            stream.send(encode(f"{script}\nprintf '\\n{mark} %d\\n' $?; echo {mark} >&2\n"))
            end = time.monotonic() + (ANSWER_TIME if timeout is None else timeout)
            return receive(stream, mark.encode(), into, end, most)
        except BaseException:  # half-way: what is still to come belongs to no question; hanging up ends it
            self.close()
            raise

    def _connected(self) -> Stream:
        if self._stream is None:
            self._stream = Stream(self.daemon, start(self.daemon), ["/bin/busybox", "sh", "-c", _SHELL])
            self._stream.send(b"echo in\n")
            said = self._stream.receive(time.monotonic() + ANSWER_TIME)[1]
            if said != b"in\n":
                raise errors.HostError(f"the helper cannot enter the host: {decode(said)}", "Run `labkit doctor`.")
        return self._stream


def container_name() -> str:
    """The name of this learner's helper."""
    return f"labkit-helper-{sandbox.owner()}"


def start(daemon: Daemon) -> str:
    """Return the id of this learner's running helper, making and starting it if need be.

    Raises:
        HelperLost: if the daemon refuses it, with the daemon's own words.
    """
    images.ensure(daemon)
    try:
        return sandbox.wait_until(lambda: _started(daemon), f"{container_name()} runs")
    except errors.SandboxError as error:
        raise errors.HelperLost(f"the helper container does not start: {error}", _REFUSED) from error


def _started(daemon: Daemon) -> str:
    """The id of the helper, which runs now; "" where another kernel came in between."""
    name, recipe = container_name(), hashlib.sha256(json.dumps(RIGHTS, sort_keys=True).encode()).hexdigest()[:12]
    found = sandbox.find(daemon, name)
    if found is None:
        return _make(daemon, name, recipe)
    try:
        facts = found.inspect()
    except errors.SandboxError:
        return ""
    marks = facts["Config"]["Labels"] or {}
    if marks.get(sandbox.LABEL) != "helper":  # an image's own label is inherited: "labkit" alone says little
        raise errors.HelperLost(f"{name} exists and is not labkit's helper.", "Rename or remove it.")
    if marks.get("labkit.recipe") == recipe and facts["State"]["Status"] in ("created", "exited", "running"):
        found.start()
        return found.id
    found.remove()
    return ""


def _make(daemon: Daemon, name: str, recipe: str) -> str:
    command, marks = ["sleep", "2147483647"], {"labkit.recipe": recipe}
    try:
        return sandbox.run(images.BUSYBOX, command, name=name, what="helper", daemon=daemon, labels=marks, **RIGHTS).id
    except errors.SandboxError as error:
        if getattr(error.__cause__, "status_code", 0) == 409:  # the name was taken meanwhile
            return ""
        raise


_REFUSED = (
    "The daemon, or a policy in front of it, does not allow these rights (labkit.helper.RIGHTS). "
    "Use a daemon of your own, or run the notebook as root on the daemon's host."
)
