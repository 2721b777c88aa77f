"""A container that looks at the daemon's host for us, when the notebook cannot.

It runs a shell whose root is the host's root, and keeps one connection open: each question is one line of
shell, each answer ends with a random mark that was drawn after the question's file was written, so any
bytes in names and contents survive. Its rights are named one by one in ``RIGHTS``.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import IO, Any

from labkit import errors, images, sandbox
from labkit.answers import STAT, check, new_mark, quote, quote_word, read_entries, read_entry, receive
from labkit.daemon import Daemon
from labkit.host import PATH, WHOLE, Entry, Host, Ran, bounded, decode, not_a_file, too_slow
from labkit.stream import Stream

RIGHTS: dict[str, Any] = {
    "pid_mode": "host",  # sees the host's processes
    "network_mode": "host",  # sees its network interfaces
    "uts_mode": "host",  # has its host name
    "ipc_mode": "host",
    "userns_mode": "host",  # root there is root here, also where the daemon maps users
    "volumes": ["/:/host:ro"],  # sees its files, to read
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

# The outer shell stays in the container's own root, so that the inner one, whose root is the host's, can
# reach our busybox through /proc/<outer>/root; nothing is written on the host.
_SHELL = "chroot /host /proc/$$/root/bin/busybox env PATH=/proc/$$/root/bin LC_ALL=C sh"


class HelperHost(Host):
    """The daemon's host, seen by a labelled container: ``labkit-helper-<owner>``.

    The container starts on the first question, is found again by its label after a restart of the kernel, and
    goes with ``labkit clean``. Questions of several threads wait for each other.

    Args:
        daemon: whose host to look at.
    """

    def __init__(self, daemon: Daemon) -> None:
        self.daemon = daemon
        self._stream: Stream | None = None
        self._shell = ""
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"HelperHost({container_name()})"

    def read(self, path: str, *, offset: int = 0, limit: int | None = None) -> bytes:
        count = WHOLE + 1 if limit is None else limit
        name = quote(path)
        if offset:
            script = (
                f"dd if={name} bs=64k skip={offset} count={count} iflag=skip_bytes,count_bytes,fullblock status=none"
            )
        else:
            script = f"head -c {count} {name}"
        unreadable = f"[ -d {name} ] || [ -p {name} ] || [ -S {name} ]"
        status, data, complaint = self._ask(f"if {unreadable}; then (exit 99); else {script}; fi")
        if status == 99:
            raise not_a_file(self.stat(path, follow=True))
        check(path, status, complaint)
        return bounded(path, data, limit)

    def list(self, path: str) -> list[str]:
        folder = quote(path.rstrip("/") + "/.")
        status, data, complaint = self._ask(f"find {folder} -mindepth 1 -maxdepth 1 -print0")
        if complaint:
            check(path, status or 1, complaint)
        return sorted(os.fsdecode(name.rpartition(b"/")[2]) for name in data.split(b"\0")[:-1])

    def stat(self, path: str, *, follow: bool = False) -> Entry:
        mark = new_mark()
        status, data, complaint = self._ask(f"{STAT.format(mark=mark)} {'-L' if follow else ''} {quote(path)}")
        check(path, status, complaint)
        return read_entry(data[len(mark) + 1 : -1])

    def walk(self, path: str) -> Iterator[Entry]:
        self.stat(path)
        mark = new_mark()
        with tempfile.SpooledTemporaryFile(max_size=1 << 23) as answer:
            script = f"find {quote(path)} -print0 | xargs -0 {STAT.format(mark=mark)}"
            self._ask(script, into=answer, timeout=600)
            answer.seek(0)
            yield from read_entries(answer, mark.encode() + b" ")

    def readlink(self, path: str) -> str:
        status, data, complaint = self._ask(f"readlink -nv {quote(path)}")
        check(path, status, complaint)
        return os.fsdecode(data)

    def run(self, *argv: str, timeout: float = 30) -> Ran:
        words = " ".join(quote_word(os.fsencode(word)) for word in argv)
        script = f"timeout -s KILL {timeout} /usr/bin/env PATH={PATH} {words} </dev/null"
        begun = time.monotonic()
        status, out, err = self._ask(script, timeout=timeout + 5, again=False)
        if status == 137 and time.monotonic() - begun >= timeout:
            raise too_slow(argv, timeout)
        return Ran(status, decode(out), decode(err))

    def close(self) -> None:
        with self._lock:
            if self._stream:
                self._stream.close()
            self._stream = None

    # --- one question ---------------------------------------------------------------------------

    def _ask(
        self, script: str, *, into: IO[bytes] | None = None, timeout: float = ANSWER_TIME, again: bool = True
    ) -> tuple[int, bytes, bytes]:
        """Send one line of shell; return its exit status, its output and its complaints.

        A question that only reads is asked a second time when the helper was lost under it.
        """
        with self._lock:
            try:
                return self._once(script, into, timeout)
            except errors.HelperLost:
                self.close()
                if not again:
                    raise
            if into:
                into.seek(0)
                into.truncate()
            return self._once(script, into, timeout)

    def _once(self, script: str, into: IO[bytes] | None, timeout: float) -> tuple[int, bytes, bytes]:
        stream = self._connected()
        mark = new_mark()
        stream.send(f"{script}\nprintf '\\n{mark} %d\\n' $?; echo {mark} >&2\n".encode(errors="surrogateescape"))
        try:
            return receive(stream, mark.encode(), into, time.monotonic() + timeout)
        except errors.QuestionTimeout:
            self._abandon()
            raise
        except BaseException:  # interrupted half-way: what is still to come belongs to no question
            self.close()
            raise

    def _connected(self) -> Stream:
        if self._stream is None:
            container = start(self.daemon)
            self._stream = Stream(self.daemon, container, ["/bin/busybox", "sh", "-c", _SHELL])
            self._stream.send(b"echo $$\n")
            self._shell = self._stream.receive(time.monotonic() + ANSWER_TIME)[1].decode().strip()
            if not self._shell.isdigit():
                self.close()
                raise errors.HostError(f"the helper cannot enter the host: {self._shell}", "Run `labkit doctor`.")
        return self._stream

    def _abandon(self) -> None:
        """Leave a shell that hangs, and end it and what it waits for."""
        stuck = self._shell
        self.close()
        self._connected().send(f"pkill -9 -P {stuck}; kill -9 {stuck}\n".encode())
        self.close()


def container_name() -> str:
    """The name of this learner's helper."""
    return f"labkit-helper-{sandbox.owner()}"


def start(daemon: Daemon) -> str:
    """Return the id of this learner's running helper, starting it if there is none.

    Raises:
        HelperLost: if the daemon refuses it, with the daemon's own words.
    """
    from docker.errors import APIError, NotFound

    image = images.ensure(daemon)
    recipe = hashlib.sha256(json.dumps(RIGHTS, sort_keys=True).encode()).hexdigest()[:12]
    try:
        found = daemon.client.containers.get(container_name())
        if found.status == "running" and found.labels.get("labkit.recipe") == recipe:
            return str(found.id)
        if sandbox.LABEL not in found.labels:
            raise errors.HelperLost(f"{container_name()} exists and is not labkit's.", "Rename or remove it.")
        found.remove(force=True)
    except NotFound:
        pass
    marks = {"labkit.recipe": recipe}
    try:
        box = sandbox.run(
            image, ["sleep", "2147483647"], name=container_name(), what="helper", daemon=daemon, labels=marks, **RIGHTS
        )
    except (errors.SandboxError, APIError) as error:
        raise errors.HelperLost(f"the helper container does not start: {error}", _REFUSED) from error
    return box.id


_REFUSED = (
    "The daemon, or a policy in front of it, does not allow these rights (labkit.helper.RIGHTS). "
    "Use a daemon of your own, or run the notebook as root on the daemon's host."
)
