"""The helper container: its rights, how it is lost and found again, and that nothing of it stays behind."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator

import pytest

from labkit import errors, images, sandbox
from labkit import helper as helpers
from labkit.daemon import Daemon, connect
from labkit.helper import RIGHTS, HelperHost, container_name, start
from labkit.host import Ran
from labkit.hosts import open_host
from labkit.sandbox import Box, wait_until
from labkit.stream import Stream
from tests.fakes import Places
from tests.forwarder import forwarded
from tests.hostfiles import HostFiles

pytestmark = pytest.mark.daemon

SLEEP = "31415926"
"""Seconds that only this module's processes sleep for."""


def box(daemon: Daemon) -> Box:
    """The container behind this module's helper."""
    found = sandbox.find(daemon, container_name())
    assert found
    return found


def processes(daemon: Daemon) -> list[str]:
    """The command lines of all processes in the helper's container, as `docker top` tells them."""
    return [row[-1] for row in daemon.client.api.top(box(daemon).id)["Processes"]]


@contextlib.contextmanager
def meanwhile(helper: HelperHost, files: HostFiles) -> Iterator[list[object]]:
    """Have a command in flight that takes long; the list gets what came of it."""
    ended: list[object] = []

    def ask() -> None:
        try:
            ended.append(helper.run("sleep", SLEEP))
        except errors.LabError as error:
            ended.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    wait_until(lambda: files.runs(SLEEP), "the command is in flight")
    yield ended
    thread.join(20)
    assert not thread.is_alive()


# --- Rights -----------------------------------------------------------------------------------------------

CAPABILITIES = {"DAC_READ_SEARCH": 2, "SYS_CHROOT": 18, "SYS_PTRACE": 19, "SYS_ADMIN": 21}  # linux/capability.h


@pytest.mark.parametrize("kind", ["CapPrm", "CapEff", "CapBnd"])
def test_the_helper_has_the_capabilities_that_it_names(helper: HelperHost, kind: str) -> None:
    """What the kernel allows the helper is exactly what RIGHTS lists, and no program could gain more."""
    line = next(line for line in helper.text("/proc/self/status").splitlines() if line.startswith(kind))
    assert int(line.split()[1], 16) == sum(1 << CAPABILITIES[name] for name in RIGHTS["cap_add"])


def test_the_helper_is_not_privileged(helper: HelperHost, daemon: Daemon) -> None:
    """The container runs without --privileged, with its own root read-only."""
    helper.list("/")
    config = box(daemon).inspect()["HostConfig"]
    assert (config["Privileged"], config["ReadonlyRootfs"], config["Binds"]) == (False, True, ["/:/host:ro"])


@pytest.mark.parametrize("script", ["touch /labkit-was-here", "mkdir /labkit-was-here", "mv /etc /labkit-was-here"])
def test_the_hosts_root_cannot_be_written(helper: HelperHost, script: str) -> None:
    """A command that just tries to make or move something in the host's root file system fails."""
    ran = helper.run("sh", "-c", script)
    assert ran.status != 0
    assert "Read-only file system" in ran.err
    assert "labkit-was-here" not in helper.list("/")


@pytest.mark.parametrize("kind", ["pid", "net", "uts", "ipc", "user", "cgroup"])
def test_the_helper_is_in_the_hosts_namespaces(helper: HelperHost, daemon: Daemon, kind: str) -> None:
    """Six of the helper's namespaces are those of the process that started it on the host."""
    status = helper.text(f"/proc/{Box('', start(daemon), daemon).pid}/status")
    parent = next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:"))
    if parent == "0":
        pytest.skip("the process that starts containers is not visible here")
    assert helper.readlink(f"/proc/self/ns/{kind}") == helper.readlink(f"/proc/{parent}/ns/{kind}")


def test_the_helper_reads_what_belongs_to_others(helper: HelperHost, files: HostFiles) -> None:
    """Files without any permission, and the memory maps of other processes, are open to the helper."""
    path = files.write(b"file", b"secret")
    files.do("chown 1234 file; chmod 0 file; mkdir -m 0 closed")
    assert helper.read(path) == b"secret"
    assert helper.list(files.at(b"closed")) == []
    assert "busybox" in helper.text(f"/proc/{files.box.pid}/maps")
    assert helper.readlink(f"/proc/{files.box.pid}/ns/net").startswith("net:[")


# --- Lost and found ---------------------------------------------------------------------------------------


def test_a_restarted_kernel_finds_the_same_helper(helper: HelperHost, daemon: Daemon) -> None:
    """A second HelperHost of the same learner uses the container of the first."""
    helper.list("/")
    before = box(daemon).id
    again = HelperHost(daemon)
    assert again.list("/") == helper.list("/")
    again.close()
    assert box(daemon).id == before


LOSSES: dict[str, Callable[[Daemon, Box], object]] = {
    "removed": lambda daemon, box: box.remove(),
    "killed": lambda daemon, box: daemon.client.api.kill(box.id),
    "stopped": lambda daemon, box: daemon.client.api.stop(box.id, timeout=10),
    "restarted": lambda daemon, box: daemon.client.api.restart(box.id),
}
each_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


@each_loss
@pytest.mark.parametrize("ask", ["read", "run", "walk"])
def test_a_helper_lost_between_questions_is_not_noticed(
    helper: HelperHost, daemon: Daemon, files: HostFiles, loss: Callable[[Daemon, Box], object], ask: str
) -> None:
    """Whatever ended the helper, the next question starts one again and is answered."""
    path = files.write(b"file", b"contents")
    assert helper.read(path) == b"contents"
    loss(daemon, box(daemon))
    answers: dict[str, Callable[[], object]] = {
        "read": lambda: helper.read(path) == b"contents",
        "run": lambda: helper.run("cat", path).out == "contents",
        "walk": lambda: [found.path for found in helper.walk(files.path)] == [files.path, path],
    }
    assert answers[ask]()


def test_a_paused_helper_is_replaced(
    helper: HelperHost, daemon: Daemon, files: HostFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A helper that does not answer is a timeout once; then another one answers."""
    path = files.write(b"file", b"contents")
    assert helper.read(path) == b"contents"
    daemon.client.api.pause(box(daemon).id)
    monkeypatch.setattr(helpers, "ANSWER_TIME", 1)
    with pytest.raises(errors.QuestionTimeout):
        helper.read(path)
    monkeypatch.undo()
    assert helper.read(path) == b"contents"


@pytest.mark.parametrize("loss", [LOSSES["removed"], LOSSES["killed"]], ids=["removed", "killed"])
def test_a_command_that_loses_its_helper_is_not_repeated(
    helper: HelperHost, daemon: Daemon, files: HostFiles, loss: Callable[[Daemon, Box], object]
) -> None:
    """When the helper ends under a command, HelperLost says so, the command is gone, and the next question works."""
    with meanwhile(helper, files) as ended:
        loss(daemon, box(daemon))
    assert [type(end) for end in ended] == [errors.HelperLost]
    wait_until(lambda: not files.runs(SLEEP), "the command has gone")
    assert helper.run("echo", "next") == Ran(0, "next\n", "")


class Losing:
    """Sends to a stream as usual, but so many questions find that the helper ended a moment ago."""

    def __init__(self, daemon: Daemon, times: int) -> None:
        self.daemon, self.times, self.sent = daemon, times, 0
        self.send = Stream.send

    def __call__(self, stream: Stream, data: bytes) -> None:
        """Send the question, perhaps to nobody."""
        if b"head -c" in data:
            self.sent += 1
            if self.sent <= self.times:
                box(self.daemon).remove()
        self.send(stream, data)


def test_a_read_in_flight_is_asked_again(
    helper: HelperHost, daemon: Daemon, files: HostFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A question that only reads is asked once more when its helper ends before the answer."""
    path = files.write(b"file", b"contents")
    losing = Losing(daemon, 1)
    monkeypatch.setattr(Stream, "send", lambda stream, data: losing(stream, data))
    assert (helper.read(path), losing.sent) == (b"contents", 2)


def test_a_read_is_asked_no_more_than_twice(
    helper: HelperHost, daemon: Daemon, files: HostFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the second helper ends under the same question, the question is an error."""
    losing = Losing(daemon, 2)
    monkeypatch.setattr(Stream, "send", lambda stream, data: losing(stream, data))
    with pytest.raises(errors.HelperLost):
        helper.read(files.write(b"file", b"contents"))
    assert losing.sent == 2


@pytest.mark.parametrize("labels", [{}, {"labkit": ""}, {"labkit": "demo"}], ids=["inherited", "empty", "demo"])
def test_somebody_elses_container_is_left_alone(
    helper: HelperHost, daemon: Daemon, labels: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container that only has the helper's name, or its image's label, is an error that names it, and stays."""
    monkeypatch.setenv("LABKIT_LEARNER", sandbox.owner() + "-other")
    image = images.ensure(daemon)
    foreign = daemon.client.containers.create(image, ["sleep", "3600"], name=container_name(), labels=labels)
    try:
        with pytest.raises(errors.HelperLost, match=container_name()):
            HelperHost(daemon).read("/etc/passwd")
        assert (box(daemon).id, box(daemon).status) == (foreign.id, "created")
    finally:
        foreign.remove(force=True)


def test_a_helper_of_another_version_is_replaced(helper: HelperHost, daemon: Daemon) -> None:
    """A helper that was made with other rights than RIGHTS gives way to one with these."""
    helper.close()
    if found := sandbox.find(daemon, container_name()):
        found.remove()
    marks = {"labkit.recipe": "older"}
    image = images.ensure(daemon)
    old = sandbox.run(image, "sleep 3600", name=container_name(), what="helper", daemon=daemon, labels=marks)
    assert helper.text("/proc/self/status")
    assert box(daemon).id != old.id


def test_a_helper_that_was_only_created_is_started(helper: HelperHost, daemon: Daemon) -> None:
    """A helper whose kernel ended between creating and starting it is started, not made again."""
    made = start(daemon)
    helper.close()
    daemon.client.api.kill(made)
    assert (start(daemon), box(daemon).status) == (made, "running")


def test_a_daemon_that_refuses_the_rights_is_quoted(
    helper: HelperHost, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the helper may not be made, the error has the daemon's words and nothing is left behind."""
    monkeypatch.setenv("LABKIT_LEARNER", sandbox.owner() + "-refused")
    monkeypatch.setitem(RIGHTS, "cap_add", ["NO_SUCH_RIGHT"])
    with pytest.raises(errors.HelperLost, match="NO_SUCH_RIGHT") as caught:
        HelperHost(daemon).read("/etc/passwd")
    assert "RIGHTS" in caught.value.remedy
    assert sandbox.find(daemon, container_name()) is None


# --- Nothing stays behind ---------------------------------------------------------------------------------


def test_a_question_beyond_its_deadline_is_gone(
    helper: HelperHost, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read that would wait for ever is a timeout, its process ends, and the next answer is right."""
    assert helper.read("/proc/sys/kernel/ostype") == b"Linux\n"
    monkeypatch.setattr(helpers, "ANSWER_TIME", 1)
    with pytest.raises(errors.QuestionTimeout):
        helper.read("/dev/ptmx", limit=1)
    wait_until(lambda: len(processes(daemon)) == 1, "nothing runs but the container's own process")
    assert helper.read("/proc/sys/kernel/ostype") == b"Linux\n"


def test_hanging_up_leaves_only_the_container(helper: HelperHost, daemon: Daemon) -> None:
    """After close() no shell of ours runs in the helper, and the next question starts one."""
    helper.list("/")
    assert len(processes(daemon)) > 1
    helper.close()
    helper.close()
    wait_until(lambda: len(processes(daemon)) == 1, "the shell has ended")
    assert helper.list("/")


def kernel(code: str) -> subprocess.Popen[str]:
    """Another Python process with the same learner and daemon, and a `host` that is a helper."""
    first = "from labkit.daemon import connect; from labkit.helper import HelperHost; from labkit.host import *"
    script = f"{first}\nhost = HelperHost(connect(quiet=True))\n{textwrap.dedent(code)}"
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("code", [f"host.run('sleep', '{SLEEP}')", f"host.run('sh', '-c', 'sleep {SLEEP} & wait')"])
def test_a_killed_kernel_leaves_nothing_in_the_helper(
    helper: HelperHost, daemon: Daemon, files: HostFiles, code: str
) -> None:
    """When the kernel ends by SIGKILL in the middle of a command, the command and the shell end, too."""
    helper.list("/")
    helper.close()
    with kernel(code) as process:
        wait_until(lambda: files.runs(SLEEP), "the command is in flight")
        process.kill()
    wait_until(lambda: len(processes(daemon)) == 1, "nothing runs but the container's own process")


# --- Several at once --------------------------------------------------------------------------------------

MANY = """
    import sys
    for number in range(100):
        word = f"{sys.argv[0]}{number}" * 50
        assert host.run("printf", "%s", word).out == word
        assert host.read("/proc/sys/kernel/ostype") == b"Linux\\n"
    print(host.daemon.client.api.inspect_container(container_name())["Id"])
"""


def test_kernels_share_a_helper(helper: HelperHost, daemon: Daemon) -> None:
    """Kernels that start at once, with no helper there yet, make one together and each get their own answers."""
    helper.close()
    if found := sandbox.find(daemon, container_name()):
        found.remove()
    kernels = [kernel("from labkit.helper import container_name\n" + textwrap.dedent(MANY)) for _ in range(3)]
    told = [process.communicate(timeout=120)[0].strip() for process in kernels]
    assert [process.returncode for process in kernels] == [0, 0, 0]
    assert set(told) == {box(daemon).id}


def test_the_same_answers_come_through_a_forwarder(
    helper: HelperHost, daemon: Daemon, files: HostFiles, places: Places
) -> None:
    """With DOCKER_HOST=tcp://… the host is a helper, with the same answers as over the socket."""
    path = files.write(b"file\n", bytes(range(256)))
    with forwarded(daemon) as url:
        os.environ["DOCKER_HOST"] = url
        far = open_host(connect(quiet=True))
        assert isinstance(far, HelperHost)
        assert far.daemon.endpoint.scheme == "tcp"
        assert far.read(path) == helper.read(path) == bytes(range(256))
        assert list(far.walk(files.path)) == list(helper.walk(files.path))
        assert far.run("uname", "-a") == helper.run("uname", "-a")
        far.close()
