"""What goes wrong with a real machine: each fault ends in a working machine or a clear sentence, and nobody is left."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.errors import MachineError
from labkit.machine import state
from labkit.machine.places import places
from labkit.oci import BUSYBOX
from labkit.sandbox import wait_until
from tests.machine.machines import Machine, members, wait_until_nobody
from tests.test_cli import COMMAND

pytestmark = pytest.mark.machine

WITHOUT_A_WORD = "It ended without a word: it was killed, or the computer lost its power."
BUSY = "sleep 1000 & while :; do true | cat; sleep 0.1; done"


@pytest.mark.parametrize(
    ("victim", "phase", "why"),
    [
        ("kernel", "failed", "The kernel was killed by SIGKILL."),
        ("network", "failed", "slirp4netns was killed by SIGKILL."),
        ("supervisor", "down", WITHOUT_A_WORD),
    ],
)
def test_kill_9_leaves_nobody(machine: Machine, victim: str, phase: str, why: str) -> None:
    """When a part of a busy machine is killed, all of it ends, `status` says what happened, and `up` works again."""
    machine.docker("run", "--detach", "--name=busy", BUSYBOX, "sh", "-c", BUSY)
    now = machine.state
    assert len(members(now.supervisor)) > 5
    os.kill(getattr(now, victim), signal.SIGKILL)
    wait_until_nobody(now.supervisor)
    assert (machine.status.phase, machine.status.why) == (phase, why)
    machine.up()
    assert machine.run("echo", "again") == (0, "again\n")
    assert machine.docker("rm", "--force", "busy").returncode == 0


def test_kill_9_while_it_starts(off: Machine) -> None:
    """A supervisor that is killed while it starts leaves nothing that the next `up` would not remove."""
    off.down()
    started = subprocess.Popen([*COMMAND, "machine", "up"], stderr=subprocess.PIPE)
    wait_until(lambda: off.state.kernel, "the kernel runs", deadline=30)
    supervisor = off.state.supervisor
    os.kill(supervisor, signal.SIGKILL)
    _, said = started.communicate(timeout=60)
    assert said.startswith(b"Its supervisor was killed by SIGKILL.\n")
    off.up()
    wait_until_nobody(supervisor)
    assert off.run("true") == (0, "")


def test_what_another_boot_left_is_no_obstacle(off: Machine) -> None:
    """Sockets, folders and a state of a machine that is no more are swept away by the next `up`."""
    off.down()
    (off.where.run / "docker.sock").write_text("no socket")
    (off.where.run / "guest" / "kernel").mkdir(parents=True, exist_ok=True)
    (off.where.run / "guest" / "kernel" / "pid").write_text("1\n")
    (off.where.run / "line").unlink(missing_ok=True)
    (off.where.run / "line").symlink_to("nowhere")
    state.write(off.where, state.State("up", supervisor=1, kernel=1, network=1))
    assert off.status.why == WITHOUT_A_WORD
    off.up()
    assert off.run("true") == (0, "")


@pytest.mark.parametrize("damage", ["cut in half", "zeros"])
def test_a_damaged_disk_is_said(off: Machine, damage: str) -> None:
    """Where the disk cannot be read, the error says so and names --fresh, with which it works."""
    off.down()
    size = os.path.getsize(off.where.disk)
    os.truncate(off.where.disk, 0 if damage == "zeros" else size // 2)
    os.truncate(off.where.disk, size if damage == "zeros" else size // 2)
    with pytest.raises(MachineError) as caught:
        off.up()
    assert "It said last: machine: the disk cannot be read" in caught.value.problem
    assert "--fresh" in caught.value.remedy
    off.up(fresh=True)
    assert off.run("true") == (0, "")


def test_a_guest_without_memory_goes_on(machine: Machine) -> None:
    """A container without a limit that eats all memory is killed, and the daemon answers as before."""
    status, _ = machine.run("sh", "-c", "x=$(tail /dev/zero)")
    assert status == 137
    assert machine.run("true") == (0, "")


def test_a_full_guest_disk_is_said(machine: Machine) -> None:
    """A container that fills the disk is told so; when it is gone, there is room again."""
    status, said = machine.run("dd", "if=/dev/zero", "of=/big", "bs=1M")
    assert (status, "No space left on device" in said) == (1, True)
    assert machine.run("dd", "if=/dev/zero", "of=/big", "bs=1M", "count=64")[0] == 0


@pytest.mark.parametrize("date", ["2037-01-01 00:00:00", "2001-01-01 00:00:00"])
def test_a_jump_of_the_clock_changes_nothing(machine: Machine, date: str) -> None:
    """When the guest's clock jumps years ahead or back, containers run as before."""
    before = machine.shell("date +%s").strip()
    try:
        machine.shell(f"date -s '{date}'")
        assert machine.run("date", "+%Y") == (0, f"{date[:4]}\n")
    finally:
        machine.shell(f"date -s @{before}")


@pytest.fixture
def small(homes: dict[str, str], monkeypatch: pytest.MonkeyPatch, off: Machine, tmp_path: Path) -> Iterator[Path]:
    """A file system of 100 MB for the machine's state."""
    if os.getuid():
        pytest.skip("only root can mount a small file system")
    off.down()
    command = ["mount", "-t", "tmpfs", "-o", "size=100M,mode=700", "small", str(tmp_path)]
    if subprocess.run(command, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("nothing can be mounted here")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


@pytest.mark.usefixtures("small")
def test_a_full_host_folder_is_said() -> None:
    """Too little room for a disk is said at once; when the folder fills up later, Docker or `status` says it."""
    crowded = Machine(places("crowded"))
    with pytest.raises(MachineError, match="left; the machine's disk needs at least 1024"):
        crowded.up(disk="")
    crowded.up()
    try:
        status, said = crowded.run("sh", "-c", "dd if=/dev/zero of=/big bs=1M count=200 && sync", deadline=120)
        broken = crowded.docker("info", "--format={{.ID}}").returncode or crowded.status.why
        assert status or broken, said
    finally:
        crowded.down()
    with pytest.raises(MachineError):
        crowded.up(fresh=True, disk="")
