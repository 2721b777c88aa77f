"""What a first write costs, and where the copy is found on the daemon's host."""

from __future__ import annotations

import time
from typing import Any

import pytest

from labkit import errors, images, sandbox
from labkit.daemon import Daemon
from labkit.host import Host
from labkit.inside import copyup
from labkit.inside.copyup import FILE, CopyUp, measure_copy_up


class Shell:
    """A shell that answers with what the test chose, after a while."""

    def __init__(self, *answers: str, wait: float = 0) -> None:
        self.answers, self.wait, self.lines = list(answers), wait, b""

    def send(self, data: bytes) -> None:
        self.lines += data

    def receive(self, end: float) -> tuple[int, bytes]:
        assert end > time.monotonic()
        time.sleep(self.wait)
        return 1, self.answers.pop(0).encode()


@pytest.mark.daemon
def test_the_first_write_copies_the_file(daemon: Daemon, host: Host, world: str) -> None:
    """The first write puts the whole file into the upper directory, and takes longer than the second."""
    found = measure_copy_up(host, megabytes=8, daemon=daemon)
    assert (found.megabytes, found.copied) == (8, True)
    assert 0 < found.second < found.first < 60


@pytest.mark.daemon
def test_nothing_is_left(daemon: Daemon, host: Host, world: str) -> None:
    """Containers and images of the measurement are gone, but for busybox itself."""
    measure_copy_up(host, megabytes=1, daemon=daemon)
    assert [(thing.kind, thing.name) for thing in sandbox.things(daemon)] in (
        [("image", images.BUSYBOX)],
        [("container", f"labkit-helper-{sandbox.owner()}"), ("image", images.BUSYBOX)],
    )


@pytest.mark.daemon
def test_a_file_that_was_written_before_is_not_copied(
    daemon: Daemon, host: Host, world: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where somebody wrote the file before, the first write is no copy, and that is said."""
    monkeypatch.setattr(copyup, "_REST", ["sh", "-c", f"[ -e {FILE} ] && printf X 1<>{FILE}; sleep 1000"])
    run = sandbox.run

    def waited(image: str, *args: Any, **options: Any) -> sandbox.Box:
        box = run(image, *args, **options)
        if "/copy-up:" in image:
            sandbox.wait_until(lambda: "sleep 1000" in box.sh("ps | grep -v sh"), "it has written")
        return box

    monkeypatch.setattr(sandbox, "run", waited)
    assert not measure_copy_up(host, megabytes=2, daemon=daemon).copied


@pytest.mark.daemon
def test_a_small_disk_is_not_filled(daemon: Daemon, host: Host, world: str) -> None:
    """More than the disk has is refused with both numbers before anything is written, and nothing is left."""
    with pytest.raises(errors.SandboxError, match=r"needs 3000000200 MB for a while, and the daemon's disk has \d+ MB"):
        measure_copy_up(host, megabytes=10**9, daemon=daemon)
    assert [thing.name for thing in sandbox.things(daemon) if "copy-up" in thing.name] == []


def test_the_shells_own_clock_is_used() -> None:
    """Where the shell has a clock, the difference of its two times is what a write took."""
    shell: Any = Shell("1795711481.853665 1795711481.857095\n", wait=0.05)
    assert copyup._write(shell, "true") == pytest.approx(0.00343, abs=1e-6)
    assert shell.lines == b"begun=$EPOCHREALTIME; { true; } 2>&1; echo $begun $EPOCHREALTIME\n"


def test_an_old_shell_is_timed_from_here() -> None:
    """A shell without a clock says nothing, and the time until its answer is taken."""
    shell: Any = Shell("\n", wait=0.05)
    assert 0.05 <= copyup._write(shell, "true") < 5


@pytest.mark.parametrize("said", ["sh: can't create /big: No space left on device\n", "1.0\n"])
def test_a_write_that_fails_is_said(said: str) -> None:
    """What the shell says instead of its times is in the error."""
    shell: Any = Shell(said)
    with pytest.raises(errors.SandboxError, match=f"/big cannot be written: {said.strip()}"):
        copyup._write(shell, "true")


def test_a_measurement_fits_into_one_line() -> None:
    """It is printed with size, both times in milliseconds, and whether the file was copied."""
    assert repr(CopyUp(64, 0.0582, 0.00002, copied=True)) == "<64 MB: 58.2 ms, then 0.02 ms, copied>"
    assert repr(CopyUp(1, 0.00001, 0.00002, copied=False)) == "<1 MB: 0.01 ms, then 0.02 ms, not copied>"
