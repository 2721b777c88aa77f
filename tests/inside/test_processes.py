"""Processes and their trees, compared with ps, with docker top, and with what the processes say of themselves."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit import errors, images, sandbox
from labkit.daemon import Daemon
from labkit.host import Host, encode
from labkit.inside.processes import (
    STATES,
    Process,
    container_tree,
    find_ancestors,
    grow_tree,
    parse_process,
    read_process,
    read_processes,
    read_program,
    read_tree,
)
from labkit.local import LocalHost
from labkit.sandbox import Box, wait_until
from tests.hostfiles import HostFiles
from tests.inside.conftest import ask
from tests.inside.fakeproc import Guarded, add_process


def read(root: Path, pid: int = 7) -> Process:
    """Read one process of a host that is a folder."""
    return read_process(LocalHost(root), pid)


# --- One process ------------------------------------------------------------------------------------------


def test_every_fact_is_read(tmp_path: Path) -> None:
    """Numbers, name, words, state, the four users and groups, and the start are those of the files."""
    add_process(tmp_path, 7, 3, b"sleep", [b"sleep", b"3600"], state="T", inside="5\t1", started=1234)
    assert read(tmp_path) == Process(
        pid=7,
        pids=(7, 5, 1),
        parent=3,
        name="sleep",
        words=("sleep", "3600"),
        state="T",
        uids=(0, 1, 2, 3),
        gids=(4, 5, 6, 7),
        started=1234,
    )
    assert (read(tmp_path).inside, read(tmp_path).depth, read(tmp_path).command) == (1, 2, "sleep 3600")


def test_a_kernel_without_nspid_shows_the_hosts_number(tmp_path: Path) -> None:
    """Before Linux 4.1 a process has one number here, and it is not known how deep it lives."""
    add_process(tmp_path, 7)
    assert (read(tmp_path).pids, read(tmp_path).inside, read(tmp_path).depth) == ((7,), 7, 0)


def test_a_process_fits_into_one_line(tmp_path: Path) -> None:
    """A process is printed with its numbers, its name and its words."""
    add_process(tmp_path, 7, 3, b"a\nb", [b"a\nb"], inside="1")
    assert repr(read(tmp_path)) == r"Process(pid=7, pids=(7, 1), parent=3, name='a\nb', words=('a\nb',))"


@pytest.mark.parametrize("state", "RSDTtZXI")
def test_states_have_words(tmp_path: Path, state: str) -> None:
    """Every letter that proc_pid_status(5) gives to a state of today's kernels has words here."""
    add_process(tmp_path, 7, state=state)
    assert read(tmp_path).state == state
    assert STATES[state]


names = st.binary(max_size=15).map(lambda data: data.replace(b"\0", b"?"))


@given(names, st.lists(names), st.integers(0, 2**63))
def test_names_and_words_are_any_bytes(
    tmp_path_factory: pytest.TempPathFactory, name: bytes, words: list[bytes], started: int
) -> None:
    """Parentheses, blanks, newlines, backslashes and bytes that are no UTF-8 change nothing else that is read."""
    root = tmp_path_factory.mktemp("host")
    add_process(root, 7, 3, name, words, inside="1", started=started)
    found = read(root)
    assert (encode(found.name), [encode(word) for word in found.words]) == (name, words)
    assert (found.pids, found.parent, found.started) == ((7, 1), 3, started)
    assert found.command.isprintable()


@pytest.mark.parametrize(
    ("name", "words", "command"),
    [
        (b"sh", [b"sh", b"-c", b"sleep 1; sleep 2"], "sh -c sleep 1; sleep 2"),
        (b"sleep", [], "[sleep]"),
        (b"sh", [b""], "[sh]"),
        (b"sh", [b"sh", b"", b"x"], "sh  x"),
        (b"nginx", [b"nginx: worker process"], "nginx: worker process"),
        (b"kworker/0:1-eve", [], "[kworker/0:1-eve]"),
        (b"x", [b"two\nlines", b"\x1b[31mred"], "two?lines ?[31mred"),
        (b"x", ["grün \u202e".encode(), b"\xff"], "grün ? ?"),
        (b"a\nb", [], "[a?b]"),
    ],
)
def test_a_command_is_one_line(tmp_path: Path, name: bytes, words: list[bytes], command: str) -> None:
    """Words are joined by blanks, without any the name is in brackets, and no letter moves a terminal."""
    add_process(tmp_path, 7, 3, name, words)
    assert read(tmp_path).command == command


@pytest.mark.parametrize("status", ["", "Name:\tx\n"])
def test_half_of_a_process_is_none(status: str) -> None:
    """A process that ended before all was read is not made of what there was."""
    assert parse_process(status, "", "") is None
    assert parse_process("", "7 (x) S 1" + " 0" * 30, "x\0") is None


# --- All processes ----------------------------------------------------------------------------------------


class Ending(LocalHost):
    """A host on which the processes end while they are read: some of their files are empty, or gone."""

    lost: tuple[str, ...] = ()

    def read(self, path: str, *, offset: int = 0, limit: int | None = None) -> bytes:
        """Read it, if it is not lost."""
        return super().read(path + "-" if path.endswith(self.lost) else path, offset=offset, limit=limit)


@pytest.mark.parametrize("lost", [("7/status",), ("7/stat",), ("7/status", "7/stat", "7/cmdline")])
def test_what_ends_meanwhile_is_left_out(tmp_path: Path, lost: tuple[str, ...]) -> None:
    """A process whose files are gone is missing among all, and an error alone; the others are whole."""
    for pid in (1, 7, 9):
        add_process(tmp_path, pid, words=[b"sleep", b"%d" % pid])
    host = Ending(tmp_path)
    host.lost = lost
    assert {pid: process.words[1] for pid, process in read_processes(host).items()} == {1: "1", 9: "9"}
    with pytest.raises(errors.PathMissing):
        read_process(host, 7)


def test_words_that_are_lost_are_none(tmp_path: Path) -> None:
    """A process that gave its memory back between the questions has no words, as a zombie has none."""
    add_process(tmp_path, 7, words=[b"sleep"])
    host = Ending(tmp_path)
    host.lost = ("/cmdline",)
    assert read_process(host, 7).command == "[sleep]"


def test_hidden_processes_are_left_out_and_refused(tmp_path: Path) -> None:
    """With hidepid, others' processes are missing among all, and forbidden alone."""
    for pid in (1, 7):
        add_process(tmp_path, pid)
    host = Guarded(tmp_path, "/proc/1/")
    assert list(read_processes(host)) == [7]
    with pytest.raises(errors.PathForbidden):
        read_process(host, 1)


def test_processes_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    """Numbers are sorted as numbers, and what else lies in /proc is no process."""
    for pid in (10, 9, 100, 1):
        add_process(tmp_path, pid)
    for name in ("sys", "7x", "٣"):
        (tmp_path / "proc" / name).mkdir()
    assert list(read_processes(LocalHost(tmp_path))) == [1, 9, 10, 100]


def test_nobody_runs(tmp_path: Path) -> None:
    """Where /proc is empty there is no process, and asking for one is an error."""
    (tmp_path / "proc").mkdir()
    assert read_processes(LocalHost(tmp_path)) == {}
    with pytest.raises(errors.PathMissing, match="no process 7"):
        read_tree(LocalHost(tmp_path), 7)
    with pytest.raises(errors.PathMissing):
        read(tmp_path)


# --- Trees ------------------------------------------------------------------------------------------------


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A host with a daemon, and a container in which three processes and one from `docker exec` run."""
    add_process(tmp_path, 1, 0, b"systemd", [b"/sbin/init"], inside="", started=0)
    add_process(tmp_path, 2, 0, b"kthreadd", inside="", started=0)
    add_process(tmp_path, 50, 1, b"dockerd", [b"dockerd"], inside="", started=50)
    add_process(tmp_path, 300, 1, b"containerd-shim", [b"containerd-shim-runc-v2", b"-id"], inside="", started=300)
    add_process(tmp_path, 301, 300, b"sh", [b"sh", b"-c", b"x & y"], inside="1", started=301)
    add_process(tmp_path, 9, 301, b"worker", [b"worker"], inside="8", started=900)  # the numbers began anew
    add_process(tmp_path, 303, 301, b"worker", inside="7", state="Z", started=303)
    add_process(tmp_path, 304, 300, b"ash", [b"ash"], inside="30", started=304)
    add_process(tmp_path, 305, 304, b"containerd-shim", [b"containerd-shim"], inside="31", started=305)
    add_process(tmp_path, 306, 305, b"sleep", [b"sleep"], inside="32", started=306)
    return tmp_path


def test_a_tree_is_drawn_with_lines(machine: Path) -> None:
    """Children stand below their parents, the oldest first; the border is where the shim ends, wherever names lie."""
    assert str(read_tree(LocalHost(machine), 301)).splitlines() == [
        "systemd (1)",
        "└── containerd-shim (300)",
        "    ├═╪ sh -c x & y (301, inside 1)",
        "    │   ├── [worker] (303, inside 7)",
        "    │   └── worker (9, inside 8)",
        "    └═╪ ash (304, inside 30)",
        "        └── containerd-shim (305, inside 31)",
        "            └── sleep (306, inside 32)",
    ]


def test_a_tree_has_its_processes_parents_first(machine: Path) -> None:
    """Going through a tree meets each process once, parents before children."""
    assert [process.pid for process in read_tree(LocalHost(machine), 301)] == [1, 300, 301, 303, 9, 304, 305, 306]
    assert [process.pid for process in grow_tree(read_processes(LocalHost(machine)), 304)] == [304, 305, 306]


def test_ancestors_lead_up_to_the_first(machine: Path) -> None:
    """Above a process stand its parent, grandparent and so on; above the first, and above nobody, stands nobody."""
    processes = read_processes(LocalHost(machine))
    assert [process.pid for process in find_ancestors(processes, 9)] == [301, 300, 1]
    assert find_ancestors(processes, 1) == find_ancestors(processes, 999) == []


def test_a_container_that_shares_the_hosts_numbers_has_a_border_too(tmp_path: Path) -> None:
    """With --pid host only the shim tells where the container begins."""
    add_process(tmp_path, 300, 1, b"containerd-shim", inside="")
    add_process(tmp_path, 301, 300, b"sleep", [b"sleep", b"9"], inside="")
    assert str(read_tree(LocalHost(tmp_path), 301)) == "containerd-shim (300)\n└═╪ sleep (301)"


def test_a_process_without_a_shim_is_a_tree_too(machine: Path) -> None:
    """Of a process that no shim has started, those above and below are shown, and none beside it."""
    assert [process.pid for process in read_tree(LocalHost(machine), 50)] == [1, 50]
    assert [process.pid for process in container_tree(read_processes(LocalHost(machine)), 303)] == [1, 300, 301, 303]


@pytest.mark.parametrize("pairs", [[(7, 7)], [(7, 8), (8, 7)], [(7, 9), (8, 7), (9, 8)]])
def test_a_number_that_is_used_again_makes_no_endless_tree(tmp_path: Path, pairs: list[tuple[int, int]]) -> None:
    """Where a reused number makes a process its own ancestor, tree and ancestors end all the same."""
    for pid, parent in pairs:
        add_process(tmp_path, pid, parent)
    processes = read_processes(LocalHost(tmp_path))
    assert sorted(process.pid for process in grow_tree(processes, 7)) == [pid for pid, _ in pairs]
    assert len(find_ancestors(processes, 7)) == len(pairs) - 1


# --- The real ones ----------------------------------------------------------------------------------------

STRANGE = "a) R (b\\\n c"
SCRIPT = r"""
printf 'a) R (b\\\n c' >/proc/self/comm
(sleep 31415 & exec sleep 27182) &
(sleep 0 & exec sleep 16180) &
wait
"""


@pytest.fixture(scope="module")
def box(daemon: Daemon) -> Iterator[Box]:
    """A container whose first process has a strange name, and which has grandchildren and a zombie."""
    options = {"what": "test", "stop_signal": "KILL", "user": "12:34"}
    with sandbox.run(images.ensure(daemon), SCRIPT, daemon=daemon, **options) as found:
        wait_until(lambda: "State:\tZ" in found.sh("cat /proc/[0-9]*/status || true"), "the container has a zombie")
        yield found


def top(box: Box) -> dict[int, tuple[int, str]]:
    """What `docker top` says: number on the host → its parent's, and the command line."""
    rows = box.daemon.client.api.top(box.id, ps_args="-eo pid,ppid,args")["Processes"]
    return {int(pid): (int(parent), words) for pid, parent, words in rows}


@pytest.mark.daemon
def test_processes_are_those_of_docker_top(host: Host, box: Box) -> None:
    """Below the shim stand exactly the processes that docker top lists, which leaves out zombies."""
    inside = {found.pid: found for found in read_tree(host, box.pid) if found.depth and found.state != "Z"}
    told = top(box)
    assert {pid: found.parent for pid, found in inside.items()} == {pid: parent for pid, (parent, _) in told.items()}
    first = inside.pop(box.pid)  # of several lines, each ps makes one in its own way
    assert first.inside == 1
    assert {pid: found.command for pid, found in inside.items()} == {pid: told[pid][1] for pid in inside}
    assert {"sleep 27182", "sleep 31415", "sleep 16180"} <= {found.command for found in inside.values()}


@pytest.mark.daemon
def test_facts_are_those_of_ps(host: Host, box: Box) -> None:
    """Parent, state, users and groups of each process, zombies too, are what ps on the host prints."""
    columns = "pid=,ppid=,s=,ruid=,euid=,suid=,fsuid=,rgid=,egid=,sgid=,fsgid="
    found = {one.pid: one for one in read_tree(host, box.pid) if one.depth}
    told = [line.split() for line in ask(host, "ps", "-o", columns, "-p", ",".join(map(str, found))).splitlines()]
    facts = [[one.pid, one.parent, one.state, *one.uids, *one.gids] for _, one in sorted(found.items())]
    assert facts == [[int(word) if word.isdecimal() else word for word in row] for row in told]
    assert {one.uids for one in found.values()} == {(12,) * 4}
    assert {one.command for one in found.values() if one.state == "Z"} == {"[sleep]"}


@pytest.mark.daemon
def test_a_process_knows_its_own_numbers(host: Host, box: Box) -> None:
    """The numbers inside are those that the container's own /proc has."""
    own = {int(name) for name in box.sh("ls /proc").split() if name.isdecimal()}
    inside = {found.inside for found in read_tree(host, box.pid) if found.depth}
    assert inside <= own
    assert read_process(host, box.pid).pids == (box.pid, 1)


@pytest.mark.daemon
def test_a_strange_name_is_read_from_a_real_kernel(host: Host, box: Box) -> None:
    """A name with blanks, parentheses, a backslash and a newline is the one that the process gave to itself."""
    found = read_process(host, box.pid)
    assert found.name == STRANGE
    assert found.words == ("sh", "-c", SCRIPT)
    assert found.started > 0
    assert "\n" not in found.command


@pytest.mark.daemon
def test_an_execd_process_is_a_child_of_the_shim(host: Host, box: Box) -> None:
    """What docker exec starts is in the tree, beside the first process, and has no parent inside."""
    client = box.daemon.client.api
    number = secrets.randbelow(10**6) + 10**6
    client.exec_start(client.exec_create(box.id, ["sleep", str(number)])["Id"], detach=True)
    wait_until(lambda: f"sleep {number}" in str(top(box)), "the process runs")
    tree = read_tree(host, box.pid)
    (found,) = (process for process in tree if process.words == ("sleep", str(number)))
    assert found.parent == read_process(host, box.pid).parent
    assert str(tree).count("═╪") >= 2


@pytest.mark.daemon
def test_a_container_in_anothers_pid_namespace_has_its_own_tree(host: Host, box: Box, daemon: Daemon) -> None:
    """Two containers that share process numbers have two shims, and each tree has only its own processes."""
    options = {"what": "test", "stop_signal": "KILL", "pid_mode": f"container:{box.id}"}
    with sandbox.run(images.ensure(daemon), "sleep 3600", daemon=daemon, **options) as guest:
        tree = read_tree(host, guest.pid)
        assert {found.pid for found in tree if found.depth} == set(top(guest)) == {guest.pid}
        assert read_process(host, guest.pid).inside != 1
        assert guest.pid not in {found.pid for found in read_tree(host, box.pid)}


@pytest.mark.daemon
def test_the_program_is_the_one_that_the_container_has(host: Host, box: Box) -> None:
    """The program of a container's process is the path inside; a zombie executes none."""
    assert read_program(host, box.pid) == box.sh("readlink -f /proc/self/exe")
    zombie = next(found.pid for found in read_tree(host, box.pid) if found.depth and found.state == "Z")
    with pytest.raises(errors.PathMissing):
        read_program(host, zombie)


@pytest.mark.daemon
def test_threads_of_the_kernel_have_no_words(host: Host) -> None:
    """A thread of the kernel descends from kthreadd, has no command line, and executes no file."""
    threads = [
        one for one in read_processes(host).values() if (one.pid, one.name) == (2, "kthreadd") or one.parent == 2
    ]
    if not threads or threads[0].pid != 2:
        pytest.skip("this host's /proc shows no threads of the kernel")
    assert {one.words for one in threads} == {()}
    assert threads[0].command == "[kthreadd]"
    with pytest.raises(errors.PathMissing):
        read_program(host, 2)


@pytest.mark.daemon
def test_reading_goes_on_while_processes_end(host: Host, files: HostFiles) -> None:
    """While processes come and go, everybody else is read whole each time."""
    mine, words = files.box.pid, ("sleep", "3600")
    wait_until(lambda: read_process(host, mine).words == words, "runc's init has become the program")
    with files.loop("busybox true & busybox true & busybox true & wait"):
        for _ in range(20):
            assert read_processes(host)[mine].words == words


@pytest.mark.daemon
def test_all_processes_are_those_of_ps(host: Host, box: Box) -> None:
    """Whoever runs before and after reading, as ps on the host lists them, is read, and nobody else of those."""
    before = set(map(int, ask(host, "ps", "-e", "-o", "pid=").split()))
    found = set(read_processes(host))
    after = set(map(int, ask(host, "ps", "-e", "-o", "pid=").split()))
    assert before & after <= found
    assert box.pid in found
    assert os.getpid() in found or not isinstance(host, LocalHost)
