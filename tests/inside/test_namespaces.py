"""Who is in which namespace, compared with lsns and with what the containers were asked to share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from labkit import errors, images, sandbox
from labkit.daemon import Daemon
from labkit.host import Host
from labkit.inside.namespaces import (
    HOST,
    KINDS,
    Comparison,
    compare_namespaces,
    host_process,
    read_namespaces,
    same_namespace,
)
from labkit.inside.processes import read_process
from labkit.local import LocalHost
from labkit.sandbox import Box
from tests.inside.conftest import ask
from tests.inside.fakeproc import NAMESPACES, Guarded, add_namespaces, add_process

OTHERS = {kind: number + 100 for kind, number in NAMESPACES.items()}


def test_the_links_are_read(tmp_path: Path) -> None:
    """Each kind has the number in its link; what children will get is left out."""
    add_namespaces(tmp_path, 7, NAMESPACES)
    assert read_namespaces(LocalHost(tmp_path), 7) == NAMESPACES
    assert tuple(NAMESPACES) == KINDS


@pytest.mark.parametrize("missing", [{"time"}, {"time", "cgroup"}])
def test_an_older_kernel_has_fewer_kinds(tmp_path: Path, missing: set[str]) -> None:
    """Kinds that the kernel does not know are left out, and the others are found."""
    there = {kind: number for kind, number in NAMESPACES.items() if kind not in missing}
    add_namespaces(tmp_path, 7, there)
    assert read_namespaces(LocalHost(tmp_path), 7) == there


@pytest.mark.parametrize("link", ["net", "net:[]", "net:[x]", "/proc/7/ns/net", "net:[1]\n"])
def test_what_is_no_namespace_is_an_error(tmp_path: Path, link: str) -> None:
    """A link that does not look like one to a namespace is quoted, not read."""
    (tmp_path / "proc/7/ns").mkdir(parents=True)
    (tmp_path / "proc/7/ns/net").symlink_to(link)
    with pytest.raises(errors.HostError, match="is not a namespace"):
        read_namespaces(LocalHost(tmp_path), 7)


def test_missing_and_guarded_processes_are_told_apart(tmp_path: Path) -> None:
    """The namespaces of nobody, of a zombie, and of somebody whom the kernel guards are errors of their kinds."""
    add_namespaces(tmp_path, 7, NAMESPACES)
    with pytest.raises(errors.PathForbidden):
        read_namespaces(Guarded(tmp_path, "/proc/7/ns/"), 7)
    with pytest.raises(errors.PathMissing):
        read_namespaces(LocalHost(tmp_path), 8)
    with pytest.raises(errors.PathMissing):
        read_namespaces(Vanishing(tmp_path), 7)


class Vanishing(LocalHost):
    """A host on which whatever is listed has ended when it is looked at."""

    def readlink(self, path: str) -> str:
        """Nothing is there any more."""
        return super().readlink(path + "-")


# --- The host's own ---------------------------------------------------------------------------------------


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A host with init, a kernel thread, two daemons, a shim, a container that has a daemon in it."""
    add_process(tmp_path, 1, 0, b"systemd", inside="")
    add_process(tmp_path, 2, 0, b"kthreadd", inside="", started=1)
    add_process(tmp_path, 90, 1, b"dockerd", inside="", started=9000)
    add_process(tmp_path, 91, 1, b"dockerd", inside="", started=8000)
    add_process(tmp_path, 300, 1, b"containerd-shim", inside="")
    add_process(tmp_path, 301, 300, b"sh", inside="1")
    add_process(tmp_path, 60, 301, b"dockerd", inside="2", started=5)
    for pid in (1, 2, 90, 91, 300):
        add_namespaces(tmp_path, pid, NAMESPACES)
    for pid in (301, 60):
        add_namespaces(tmp_path, pid, OTHERS)
    return tmp_path


@pytest.mark.parametrize(
    ("pids", "closed", "chosen"),
    [
        ((301,), (), 300),
        ((301,), (300,), 1),
        ((999, 301), (), 300),
        ((1,), (), 1),
        ((), (), 1),
        ((), (1,), 91),
        ((), (1, 91), 90),
        ((), (1, 90, 91), 2),
        ((301,), (1, 300, 90, 91), 2),
    ],
)
def test_the_next_best_process_stands_for_the_host(
    machine: Path, pids: tuple[int, ...], closed: tuple[int, ...], chosen: int
) -> None:
    """The parent of a container comes first, then init, the oldest dockerd in no container, a kernel thread."""
    host = Guarded(machine, *(f"/proc/{pid}/ns/" for pid in closed))
    assert host_process(host, *pids) == chosen


def test_nobody_stands_for_a_host_that_hides_all(machine: Path) -> None:
    """Where nothing of the host's can be read, that is said, and no container is taken for the host."""
    host = Guarded(machine, *(f"/proc/{pid}/ns/" for pid in (1, 2, 90, 91, 300)))
    with pytest.raises(errors.PathForbidden, match="no process can be read"):
        host_process(host, 301)


def test_a_parent_that_is_not_seen_is_passed_over(machine: Path) -> None:
    """Where a container's parent lives outside of what /proc shows, its number is 0, and init is asked."""
    add_process(machine, 400, 0, b"sh", inside="1")
    assert host_process(LocalHost(machine), 400) == 1


# --- Comparisons ------------------------------------------------------------------------------------------

TABLE = Comparison(
    ("host", "web", "db", "log"), {"net": (33, 133, 234, 133), "pid": (36, 136, 136, 36), "user": (37,) * 4}
)


def test_two_share_the_kinds_with_equal_numbers() -> None:
    """What two share does not depend on who is named first, and everybody shares all with itself."""
    assert TABLE.shared("host", "web") == TABLE.shared("web", "host") == ["user"]
    assert TABLE.shared("web", "db") == ["pid", "user"]
    assert TABLE.shared("log", "log") == ["net", "pid", "user"]
    with pytest.raises(ValueError, match="not in tuple"):
        TABLE.shared("host", "nobody")


def test_groups_are_in_order_of_appearance() -> None:
    """For each kind those who share stand together, and everybody stands in one group."""
    assert TABLE.groups("net") == [("host",), ("web", "log"), ("db",)]
    assert TABLE.groups("pid") == [("host", "log"), ("web", "db")]
    assert TABLE.groups("user") == [("host", "web", "db", "log")]


def test_a_comparison_is_printed_as_a_table_of_letters() -> None:
    """The same letter in a row is the same namespace; numbers, which differ each time, are not printed."""
    assert str(TABLE).splitlines() == [
        "       host web db log",
        "net    a    b   c  b",
        "pid    a    b   b  a",
        "user   a    a   a  a",
    ]


class Standing:
    """What a comparison needs of a box: a name and a process."""

    def __init__(self, name: str, pid: int) -> None:
        self.name, self.pid = name, pid


def compare(host: Host, *boxes: Standing) -> Comparison:
    """Compare boxes that no daemon has made."""
    return compare_namespaces(host, *boxes)  # type: ignore[arg-type]


def test_mapped_users_are_a_namespace_of_their_own(machine: Path) -> None:
    """Where the daemon maps users (userns-remap), the user namespace differs from the host's, too."""
    add_process(machine, 310, 300, b"sh", inside="1")
    add_namespaces(machine, 310, NAMESPACES | {"user": 500})
    found = compare(LocalHost(machine), Standing("plain", 301), Standing("mapped", 310))
    assert "user" not in found.shared("host", "mapped")
    assert found.shared("host", "mapped") == [kind for kind in KINDS if kind != "user"]


def test_only_kinds_of_the_kernel_are_compared(tmp_path: Path) -> None:
    """On a kernel without time namespaces, nobody is compared by them."""
    there = {kind: number for kind, number in NAMESPACES.items() if kind != "time"}
    for pid in (1, 7):
        add_process(tmp_path, pid)
        add_namespaces(tmp_path, pid, there)
    assert list(compare(LocalHost(tmp_path), Standing("web", 7)).ids) == list(there)


def test_what_does_not_run_is_in_no_namespace(machine: Path) -> None:
    """A container whose process has ended cannot be compared; the error names it."""
    with pytest.raises(errors.SandboxError, match="web does not run"):
        compare(LocalHost(machine), Standing("web", 0))


def test_the_host_is_not_compared_with_itself() -> None:
    """Without a container there is no daemon to ask, and nothing to learn."""
    assert repr(HOST) == "HOST"
    with pytest.raises(ValueError, match="name a container"):
        same_namespace("net", HOST, HOST)


# --- The real ones ----------------------------------------------------------------------------------------

MODES = ("network_mode", "pid_mode", "ipc_mode", "uts_mode")


@pytest.fixture(scope="module")
def boxes(daemon: Daemon) -> Iterator[dict[str, Box]]:
    """Containers that were asked to share something: with nobody, with the first, with the host."""
    images.ensure(daemon)
    with ExitStack() as stack:

        def start(**options: Any) -> Box:
            options |= {"daemon": daemon, "what": "test", "stop_signal": "KILL"}
            return stack.enter_context(sandbox.run(images.BUSYBOX, "sleep 3600", **options))

        first = start(ipc_mode="shareable")
        yield {
            "first": first,
            "alone": start(),
            "pid": start(pid_mode=f"container:{first.id}"),
            "net": start(network_mode=f"container:{first.id}"),
            "ipc": start(ipc_mode=f"container:{first.id}"),
            "host": start(**dict.fromkeys(MODES, "host")),
        }


@pytest.mark.daemon
@pytest.mark.parametrize("name", ["first", "pid", "net", "host"])
def test_numbers_are_those_of_lsns(host: Host, boxes: dict[str, Box], name: str) -> None:
    """The namespaces of a container's process are those that lsns on the host lists for it."""
    pid = boxes[name].pid
    told = json.loads(ask(host, "lsns", "-J", "-o", "NS,TYPE", "-p", str(pid)))["namespaces"]
    assert read_namespaces(host, pid) == {row["type"]: int(row["ns"]) for row in told}


@pytest.mark.daemon
def test_numbers_are_those_that_the_container_reads_itself(host: Host, boxes: dict[str, Box]) -> None:
    """What the host reads of a container's process is what the process reads of itself."""
    own = boxes["alone"].sh("for kind in /proc/1/ns/*; do readlink $kind; done").split()
    found = {f"{kind}:[{number}]" for kind, number in read_namespaces(host, boxes["alone"].pid).items()}
    assert found == set(own)


@pytest.mark.daemon
@pytest.mark.parametrize("name", ["pid", "net", "ipc"])
def test_who_was_asked_to_share_shares(host: Host, boxes: dict[str, Box], name: str) -> None:
    """A container has the kind in common with the first that it was started with, and no other but the host's."""
    found = compare_namespaces(host, boxes["first"], boxes[name], boxes["alone"])
    first, other, alone = (boxes[box].name for box in ("first", name, "alone"))
    assert set(found.shared(first, other)) == {name, *found.shared("host", first)}
    assert found.shared(other, alone) == found.shared("host", alone) == found.shared("host", first)
    assert (first, other) in found.groups(name)


@pytest.mark.daemon
def test_the_hosts_namespaces_are_those_that_docker_calls_so(host: Host, boxes: dict[str, Box]) -> None:
    """A container that was started with the host's network, processes, ipc and name shares them with the host."""
    found = compare_namespaces(host, boxes["host"], boxes["alone"])
    assert {"net", "pid", "ipc", "uts"} <= set(found.shared("host", boxes["host"].name))
    assert "mnt" not in found.shared("host", boxes["host"].name)
    assert not {"net", "pid", "ipc", "uts", "mnt"} & set(found.shared("host", boxes["alone"].name))


@pytest.mark.daemon
def test_an_execd_process_is_in_the_containers_namespaces(host: Host, boxes: dict[str, Box]) -> None:
    """What `docker exec` starts has all namespaces of the container's own process."""
    box = boxes["alone"]
    box.sh("sleep 271828 >/dev/null 2>&1 &")
    rows = box.daemon.client.api.top(box.id, ps_args="-eo pid,args")["Processes"]
    pids = [int(pid) for pid, words in rows if words == "sleep 271828"]
    assert pids
    assert [read_namespaces(host, pid) for pid in pids] == [read_namespaces(host, box.pid)] * len(pids)


@pytest.mark.daemon
def test_the_host_is_read_from_beside_the_container(host: Host, boxes: dict[str, Box]) -> None:
    """The process that stands for the host is in no container's namespaces, and is the parent where that is seen."""
    pid = host_process(host, boxes["alone"].pid)
    parent = read_process(host, boxes["alone"].pid).parent
    assert pid == parent or parent == 0
    assert read_process(host, pid).depth == 0


@pytest.mark.daemon
def test_a_notebook_asks_in_one_line(boxes: dict[str, Box], host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two names and a kind give True or False, the same in both orders."""
    monkeypatch.setenv("LABKIT_HOST", "local" if isinstance(host, LocalHost) else "helper")
    alone, first, shares, hosts = (boxes[name] for name in ("alone", "first", "net", "host"))
    pairs: list[tuple[Any, Any]] = [(first, shares), (alone, first), (HOST, alone), (HOST, hosts), (hosts, hosts)]
    assert [same_namespace("net", one, other) for one, other in pairs] == [True, False, False, True, True]
    assert [same_namespace("net", other, one) for one, other in pairs] == [True, False, False, True, True]
    with pytest.raises(ValueError, match="'network' is none of this kernel's namespaces: "):
        same_namespace("network", HOST, alone)
