"""What a root user of the guest, and another user of the host, cannot do: tried on a real machine."""

from __future__ import annotations

import os
import socket
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.machine.places import parts_folder
from tests.machine.machines import Machine, folders_of, listening

pytestmark = pytest.mark.machine


@pytest.fixture
def confined(machine: Machine) -> Machine:
    """The machine, where the host's kernel can confine it."""
    if not machine.state.confined:
        pytest.skip("this kernel has no Landlock: `labkit machine status` says that the machine is not confined")
    return machine


def look_at_host(machine: Machine, place: str, script: str) -> tuple[int, str]:
    """Mount a folder of the host in a privileged container, and run a script there."""
    mount = f"mkdir -p /mnt && mount -t hostfs none /mnt -o {place} || exit 77; cd /mnt; {script}"
    status, said = machine.run("--privileged", "sh", "-c", mount)
    assert status != 77, said
    return status, said


def shown(said: str) -> list[str]:
    """Return the lines that are no refusal. Whether a name is there, Landlock lets everybody ask: ``landlock(7)``."""
    refusals = ("Permission denied", "No such file or directory", "File exists", "Operation not permitted")
    return [line for line in said.splitlines() if not line.endswith(refusals)]


@pytest.mark.parametrize("place", ["/", "../../..", "/etc", "/proc", "/dev/shm", "/dev/pts", "/tmp"])
def test_hostfs_shows_nothing_of_the_host(confined: Machine, place: str) -> None:
    """A privileged container that mounts a folder of the host can list, read and write nothing in it."""
    script = "ls -A .; cat etc/passwd passwd self/status; touch mine; mkdir mine; ln -s a b"
    status, said = look_at_host(confined, place, script)
    assert (status != 0, shown(said)) == (True, [])


def test_hostfs_shows_nothing_of_the_machine(confined: Machine) -> None:
    """Nor does it show what the supervisor believes: state, sockets and keys on the host's side."""
    for place in (confined.where.run, confined.where.state, confined.where.state / "tls"):
        status, said = look_at_host(confined, str(place), "ls -A .; cat state.json key.pem log; echo {} >state.json")
        assert (status != 0, shown(said)) == (True, [])
    assert confined.state.phase == "up"


def test_what_the_guest_may_write_holds_no_link(confined: Machine) -> None:
    """In the few folders that the kernel needs, a guest's root can make no link that would lead the host astray."""
    for place in (confined.where.changes, confined.where.run / "guest"):
        status, said = look_at_host(confined, str(place), "ln -s /etc/passwd trap")
        assert (status, "Permission denied" in said, os.path.lexists(place / "trap")) == (1, True, False)


def test_the_parts_cannot_be_changed(confined: Machine) -> None:
    """The parts that all machines share are read-only for the guest."""
    host = parts_folder() / "host"
    before = (host / "mke2fs").stat().st_mtime_ns
    status, said = look_at_host(confined, str(host), "echo >>mke2fs; touch lib/mine")
    assert (status != 0, shown(said)) == (True, [])
    assert (host / "mke2fs").stat().st_mtime_ns == before
    assert not (host / "lib" / "mine").exists()


@pytest.mark.parametrize("network", ["--network=host", "--network=bridge"])
def test_the_hosts_loopback_is_out_of_reach(machine: Machine, network: str) -> None:
    """A service on the host's loopback cannot be reached from the guest, by whichever address."""
    with listening() as port:
        with socket.create_connection(("127.0.0.1", port)) as sock:
            assert b"secret" in sock.recv(100)
        for address in ("10.0.2.2", "127.0.0.1", "10.0.2.3"):
            status, said = machine.run(network, "wget", "-T", "2", "-q", "-O", "-", f"http://{address}:{port}/")
            assert (status, "secret" in said) == (1, False)


def test_without_the_certificate_the_port_serves_nothing(machine: Machine) -> None:
    """Whoever finds the port, and trusts whatever it shows, gets no answer without the owner's certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    said = b""
    ask = b"GET /version HTTP/1.0\r\n\r\n"
    door = ("127.0.0.1", machine.state.port)
    with (
        pytest.raises(ssl.SSLError, match=r"(?i)certificate.required"),
        socket.create_connection(door, timeout=10) as sock,
        context.wrap_socket(sock) as tls,
    ):
        tls.sendall(ask)
        said = tls.recv(100)
    assert said == b""
    with socket.create_connection(door, timeout=10) as sock:
        sock.sendall(ask)
        assert b"200" not in sock.recv(100).split(b"\r\n")[0]


def test_only_the_owner_may_enter(machine: Machine) -> None:
    """Folders have mode 0700; the socket, the disk, the log and each key have 0600."""
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders_of(machine.where)} == {0o700}
    files = [machine.where.socket, machine.where.disk, machine.where.log, *(machine.where.state / "tls").iterdir()]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


def test_another_user_cannot_connect(machine: Machine) -> None:
    """Another user of the host can neither open the socket nor list the folders."""
    if os.getuid():
        pytest.skip("only root can become another user")
    script = (
        "import os, socket, sys\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "for deed in (lambda: socket.socket(socket.AF_UNIX).connect(sys.argv[1]), lambda: os.listdir(sys.argv[2])):\n"
        "    try: deed()\n"
        "    except PermissionError: print('refused')\n"
    )
    words = [sys.executable, "-I", "-W", "ignore", "-c", script, str(machine.where.socket), str(machine.where.state)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30)
    assert (done.stdout, done.stderr) == ("refused\nrefused\n", "")


def test_the_log_says_no_secret(machine: Machine) -> None:
    """Nothing of a key is in what the machine writes down."""
    key = Path(machine.where.state, "tls", "key.pem").read_text().splitlines()[1]
    assert key not in machine.where.log.read_text(errors="replace")
