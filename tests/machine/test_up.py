"""The life of a real machine: up, down, what stays, and what a docker command meets."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable

import psutil
import pytest

from labkit.errors import MachineError
from labkit.machine import control
from labkit.machine.state import State
from labkit.oci import BUSYBOX
from labkit.sandbox import wait_until
from tests.machine.machines import Machine, members, named, wait_until_nobody

pytestmark = pytest.mark.machine


def at_once(*jobs: Callable[[], State]) -> list[State]:
    """Do all jobs at the same time; return what each returned."""
    results: list[State] = []
    threads = [threading.Thread(target=lambda job=job: results.append(job())) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_two_ups_at_once_give_one_machine(off: Machine) -> None:
    """Who starts the machine at the same moment as somebody else gets the same machine."""
    off.down()
    states = at_once(off.up, off.up, off.up)
    assert len(states) == 3
    assert {now.supervisor for now in states} == {off.state.supervisor}


def test_up_is_idempotent(machine: Machine) -> None:
    """A second `up` changes nothing, and starts nothing."""
    before, processes = machine.state, members(machine.state.supervisor)
    assert machine.up() == before
    assert {before.supervisor, before.kernel, before.network} <= processes <= members(before.supervisor) | processes


def test_what_docker_keeps_is_there_after_down(machine: Machine) -> None:
    """After `down` and `up`, a stopped container and a volume are as they were; `down` leaves no process."""
    keep = "echo kept >/own/file; echo kept >/file; sync; sleep 1000"
    machine.docker("run", "--detach", "--name=keeper", "--volume=own:/own", BUSYBOX, "sh", "-c", keep)
    wait_until(lambda: machine.docker("exec", "keeper", "cat", "/file").stdout == b"kept\n", "the file is written")
    supervisor = machine.state.supervisor
    assert machine.down()
    assert (machine.state.phase, machine.state.why) == ("down", "")
    wait_until_nobody(supervisor)
    machine.up()
    assert machine.docker("cp", "keeper:/file", "-").stdout.count(b"kept\n") == 1
    assert machine.run("--volume=own:/own", "cat", "/own/file") == (0, "kept\n")
    machine.docker("rm", "--force", "keeper")


def test_down_twice_is_no_error(off: Machine) -> None:
    """`down` says whether there was a machine; what it says of itself then has no reason to give."""
    off.down()
    assert not off.down()
    assert off.status.lines() == [("machine", "machine is down")]


def test_fresh_empties_the_disk(machine: Machine) -> None:
    """`up --fresh` ends a machine that runs, and begins with the course's image and nothing else."""
    machine.docker("volume", "create", "mine")
    before = machine.state.supervisor
    assert machine.up(fresh=True).supervisor != before
    assert machine.docker("volume", "ls", "--quiet").stdout == b""
    assert machine.docker("images", "--format={{.Repository}}:{{.Tag}}").stdout.decode().split() == [BUSYBOX]


def test_two_machines_side_by_side(machine: Machine) -> None:
    """A second machine has its own disk, port and store, and the containerd store has the course's image, too."""
    with named("two") as two:
        assert two.up(store="containerd").port != machine.state.port
        assert two.docker("info", "--format={{.Driver}} {{.DriverStatus}}").stdout.startswith(
            b"overlayfs [[driver-type io.c"
        )
        assert two.run("hostname") != machine.run("hostname")
        two.docker("volume", "create", "mine")
        assert b"mine" not in machine.docker("volume", "ls", "--quiet").stdout
        with pytest.raises(MachineError, match="runs with the image store containerd, not overlay2"):
            two.up(store="overlay2")
    assert (two.state.phase, machine.state.phase) == ("down", "up")


def test_down_while_it_starts_ends_both(off: Machine) -> None:
    """`down` ends a machine that is still starting, and the `up` that waits for it says so."""
    off.down()
    errors: list[MachineError] = []

    def start() -> None:
        try:
            off.up()
        except MachineError as error:
            errors.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    wait_until(lambda: off.state.kernel, "the kernel runs")
    supervisor = off.state.supervisor
    assert off.down()
    thread.join()
    assert [error.problem for error in errors] == ["The machine was ended while it started."]
    wait_until_nobody(supervisor)


def test_it_ends_with_its_owner(off: Machine) -> None:
    """When the process that it belongs to is gone, so is the machine, with every process, and `status` says why."""
    off.down()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as owner:
        now = off.up(owner=owner.pid)
        assert len(members(now.supervisor)) > 3
        owner.kill()
    wait_until_nobody(now.supervisor)
    assert off.status.lines()[1] == ("why", f"It ended with process {owner.pid}, to which it belonged.")


def test_status_has_sane_numbers(machine: Machine) -> None:
    """What `status` counts agrees with the machine's own processes, its disk's file and its daemon."""
    found = machine.status
    alone = psutil.Process(machine.state.kernel).memory_info().rss
    assert alone // 2 < found.resident < 1 << 30
    assert 0 < found.cpu < 1000
    assert 0 < found.on_disk < found.disk == os.path.getsize(machine.where.disk)
    assert found.engine == machine.docker("version", "--format={{.Server.Version}}").stdout.decode().strip()
    assert int(machine.docker("info", "--format={{.MemTotal}}").stdout) <= found.memory


@pytest.mark.parametrize("size", [0, 6, 3_000_000])
def test_what_is_piped_in_comes_back(machine: Machine, size: int) -> None:
    """`docker run -i` reads its input to the end, and everything that it prints arrives, however much is on the way."""
    said = os.urandom(size)
    assert machine.docker("run", "--rm", "--interactive", BUSYBOX, "cat", said=said).stdout == said


def test_a_published_port_answers_inside(machine: Machine) -> None:
    """A port that is published is reached on the guest's loopback."""
    serve = "mkdir /w; echo hello >/w/index.html; exec httpd -f -p 80 -h /w"
    made = machine.docker("run", "--detach", "--rm", "--publish=8080:80", BUSYBOX, "sh", "-c", serve).stdout.decode()
    try:
        ask = ("--network=host", "wget", "-q", "-O", "-", "http://127.0.0.1:8080/")
        wait_until(lambda: machine.run(*ask) == (0, "hello\n"), "the port answers", deadline=20)
    finally:
        assert machine.docker("rm", "--force", made.strip()).returncode == 0


def test_a_memory_limit_kills(machine: Machine) -> None:
    """A container that takes more than its limit ends with status 137, and Docker says that memory was the reason."""
    machine.docker("run", "--name=eater", "--memory=32m", BUSYBOX, "sh", "-c", "x=$(tail /dev/zero)")
    told = machine.docker("inspect", "--format={{.State.OOMKilled}} {{.State.ExitCode}}", "eater").stdout
    machine.docker("rm", "eater")
    assert told == b"true 137\n"


def test_the_shell_is_on_the_machine(machine: Machine) -> None:
    """`labkit machine shell` sees what no container does: the folder where Docker keeps its layers."""
    assert "overlay2" in machine.shell("ls /var/lib/docker").split()
    assert control.on_the_machine(machine.where, (), terminal=True)[0][-1] == "sh"
