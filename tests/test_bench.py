"""The workbench: overlay mounts, whiteouts and namespaces by hand, unseen by the host and gone at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from labkit import bench, images, sandbox
from labkit.daemon import Daemon
from labkit.errors import SandboxError
from labkit.host import Host
from labkit.inside.mounts import read_mounts
from labkit.sandbox import Box
from tests.oracles import inspect

LAYERS = """
cd /bench
mkdir one two upper work merged one/etc two/etc
echo below > one/both; echo above > two/both
echo 1 > one/etc/one; echo 2 > two/etc/two
"""
MOUNT = "cd /bench; mount -t overlay overlay -o lowerdir=two:one,upperdir=upper,workdir=work merged"

pytestmark = pytest.mark.daemon


@pytest.fixture
def box(daemon: Daemon, world: str) -> Iterator[Box]:
    """A workbench with two lower directories, as yet unmounted."""
    with bench.workbench(daemon=daemon) as box:
        box.sh(LAYERS)
        yield box


def upper(host: Host, box: Box, path: str = "") -> str:
    """Where something in the upper directory lies for the daemon's host."""
    return f"/proc/{box.pid}/root/bench/upper/{path}"


def test_two_lower_directories_are_one(box: Box) -> None:
    """Of an overlay mounted by hand the first lower directory wins, and directories are joined."""
    box.sh(MOUNT)
    assert box.sh("cd /bench/merged; cat both; ls etc") == "above\none\ntwo"


def test_a_write_goes_up(box: Box) -> None:
    """What is written into the merged directory is in the upper one, and the lower one is as it was."""
    box.sh(MOUNT)
    assert box.sh("cd /bench; echo more >> merged/both; cat upper/both two/both") == "above\nmore\nabove"


def test_a_deleted_file_leaves_a_whiteout(box: Box, host: Host) -> None:
    """The upper directory has a character device 0,0 instead of a file that was deleted."""
    box.sh(MOUNT)
    box.sh("rm /bench/merged/both")
    found = host.stat(upper(host, box, "both"))
    assert (found.kind, found.major, found.minor) == ("c", 0, 0)


def test_a_directory_made_anew_is_opaque(box: Box) -> None:
    """A directory that was deleted and made again shows nothing of the lower ones, which still have it."""
    box.sh(MOUNT)
    box.sh("cd /bench/merged; rm -r etc; mkdir etc; echo 3 > etc/three")
    assert box.sh("cd /bench; ls merged/etc; ls one/etc; ls two/etc").split() == ["three", "one", "two"]


def test_a_whiteout_can_be_made_by_hand(box: Box) -> None:
    """A device 0,0 in the upper directory makes a file vanish that nobody deleted."""
    box.sh("mknod /bench/upper/both c 0 0")
    box.sh(MOUNT)
    assert box.sh("cd /bench; ls merged one two") == "merged:\netc\n\none:\nboth\netc\n\ntwo:\nboth\netc"


def test_a_whiteout_cannot_be_made_through_the_overlay(box: Box) -> None:
    """In the merged directory nobody may make a device 0,0: it would be nothing at once."""
    box.sh(MOUNT)
    with pytest.raises(SandboxError, match="mknod: /bench/merged/x: Operation not permitted"):
        box.sh("mknod /bench/merged/x c 0 0")


def test_namespaces_can_be_left(box: Box) -> None:
    """Behind unshare a shell is process 1, has a host name of its own, and mounts what its own /proc shows."""
    inner = "hostname inner; hostname; echo $$; mount -t proc proc /proc; ls -d /proc/1*"
    said = box.sh(f"unshare -muinpf sh -c '{inner}'; hostname")
    assert said.split() == ["inner", "1", "/proc/1", box.id[:12]]


def test_a_root_can_be_changed(box: Box) -> None:
    """A shell moves into an overlay as its root, and the old one is out of its reach."""
    box.sh("cd /bench; mkdir one/old; cp -r /bin one/bin")
    box.sh(MOUNT)
    inner = "cd /bench/merged; pivot_root . old; umount -l old; ls / /old"
    assert box.sh(f"unshare -mpf sh -c '{inner}'").split() == ["/:", "bin", "both", "etc", "old", "/old:"]


def test_interfaces_can_be_made(box: Box) -> None:
    """A pair of interfaces joins two network namespaces of the workbench, which has none but its own to begin with."""
    assert box.sh("ls /sys/class/net").split() == ["lo"]
    joined = "ip link add outer type veth peer name inner; ip link set inner netns $1; ls /sys/class/net"
    box.sh("unshare -n sleep 1000 & :")
    sandbox.wait_until(lambda: box.sh("pidof sleep | wc -w") == "2", "there is a second sleep")
    assert "outer" in box.sh(f"set -- $(pidof sleep | tr ' ' '\\n' | sort -n | tail -1); {joined}").split()


def test_the_host_sees_no_mount(box: Box, host: Host) -> None:
    """What is mounted in the workbench is in no process's table of mounts but its own."""
    box.sh(MOUNT)
    assert "/bench/merged" in [mount.target for mount in read_mounts(host, box.pid)]
    tables = [host.text(f"/proc/{pid}/mountinfo") for pid in ("self", str(box.pid))]
    assert ["/bench" in table for table in tables] == [False, True]


def test_rights_are_named(box: Box) -> None:
    """The workbench is not privileged, and has no directory of the host."""
    facts = inspect("container", box.id)
    settings = facts["HostConfig"]
    assert (settings["Privileged"], settings["Binds"], facts["Mounts"]) == (False, None, [])
    assert sorted(name.removeprefix("CAP_") for name in settings["CapAdd"]) == ["NET_ADMIN", "SYS_ADMIN"]


def test_nothing_is_left(daemon: Daemon, world: str) -> None:
    """It is removed at its end with all that was mounted in it, and while it is there it is listed."""
    with bench.workbench(daemon=daemon) as box:
        box.sh(LAYERS + MOUNT)
        assert [thing.name for thing in sandbox.things(daemon) if thing.kind == "container"] == [box.name]
    assert inspect("container", box.id) == {}


def test_refused_rights_are_said(daemon: Daemon, world: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that does not give the rights is quoted, the error says what to do, and nothing is left."""
    monkeypatch.setitem(bench.RIGHTS, "cap_add", ["SYS_NOTHING"])
    with pytest.raises(SandboxError, match=r"(?s)there is no workbench: .*SYS_NOTHING.*labkit\.bench\.RIGHTS"):
        bench.workbench(daemon=daemon)
    assert [thing for thing in sandbox.things(daemon) if thing.kind == "container"] == []


def test_an_ordinary_container_may_not_mount(daemon: Daemon, world: str) -> None:
    """Without the rights of the workbench neither a mount nor a whiteout by hand is possible."""
    with sandbox.run(images.ensure(daemon), ["sleep", "1000"], daemon=daemon) as box:
        for line in ("mount -t tmpfs none /tmp", "mknod /tmp/x c 0 0", "unshare -m true"):
            with pytest.raises(SandboxError, match=r"(?i)not permitted|permission denied"):
                box.sh(line)
