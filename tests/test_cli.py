"""What is typed after ``labkit``: it prints facts, errors without a traceback, and an honest exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import requests
from click.testing import CliRunner, Result

import labkit
from labkit import cli, images, leftovers, remedies, sandbox
from labkit import daemon as daemons
from labkit.cli import main
from labkit.daemon import Daemon
from labkit.errors import NoDaemon
from tests.oracles import inspect

COMMAND = [sys.executable, "-c", "from labkit.cli import main; main(prog_name='labkit')"]
NOWHERE = "unix:///nonexistent"


def run(*words: str) -> Result:
    """Type a command; an error that is not labkit's own fails the test."""
    result = CliRunner().invoke(main, words)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def type_in(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Type a command into a process of its own, whose output goes into pipes."""
    return subprocess.run([*COMMAND, *words], env=os.environ | environment, capture_output=True, text=True, timeout=60)


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ``DOCKER_HOST`` where nothing is."""
    monkeypatch.setattr(daemons, "_current", None)
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)


# --- help, and how light it is ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", [(), ("doctor",), ("clean",), ("lab",), ("images",), ("images", "pack"), ("grade",), ("compose",)]
)
def test_every_command_explains_itself(words: tuple[str, ...]) -> None:
    """Each command has a help page whose first paragraph is a sentence."""
    page = run(*words, "--help").stdout
    assert page.startswith("Usage: ")
    assert page.split("\n\n")[1].strip().endswith(".")


def test_the_version_is_the_packages() -> None:
    """``--version`` prints the package's version."""
    assert run("--version").stdout == f"labkit, version {labkit.__version__}\n"


def test_help_is_light() -> None:
    """The help page loads neither docker-py nor any module of labkit that needs it."""
    code = "import sys; from labkit.cli import main; main(['--help'], standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    ours = "labkit labkit.cli labkit.errors labkit.version labkit.grade labkit.grade.commands labkit.grade.composing"
    ours += " labkit.machine labkit.machine.commands"
    assert {name for name in loaded if name.startswith("labkit")} == set(ours.split())
    assert not loaded & {"docker", "requests", "jupyterlab", "nbformat", "pytest"}


# --- no daemon ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", ["clean", "lab", "images build", "images list", "images pack x.tar", "images load x.tar"]
)
def test_without_a_daemon_there_is_a_remedy(nowhere: None, words: str) -> None:
    """Each command that needs a daemon prints what happened and what to do on stderr, and ends with status 1."""
    result = run(*words.split())
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("/nonexistent (DOCKER_HOST) does not exist.\n")
    assert len(result.stderr.splitlines()) >= 2


def test_lab_without_any_daemon_has_three_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing on this computer could be a daemon, `labkit lab` prints that, and exactly three choices."""

    def nothing(**_: Any) -> Daemon:
        raise NoDaemon("No Docker daemon was found: …", remedies.no_daemon())

    monkeypatch.setattr(daemons, "connect", nothing)
    result = run("lab")
    problem, *choices = result.stderr.splitlines()
    assert (result.exit_code, problem) == (1, "No Docker daemon was found: …")
    assert [choice[:2] for choice in choices] == ["1.", "2.", "3."]


def test_a_process_without_a_daemon_shows_no_traceback() -> None:
    """In a process of its own, an error is two sentences on stderr and status 1."""
    done = type_in("clean", DOCKER_HOST=NOWHERE)
    assert (done.returncode, done.stdout) == (1, "")
    assert "does not exist" in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_without_a_daemon_ends_with_1(nowhere: None) -> None:
    """The doctor says what is wrong in a line marked FIX, what to do below it, and ends with status 1."""
    result = run("doctor")
    lines = result.stdout.splitlines()
    fix = next(number for number, line in enumerate(lines) if line.startswith("FIX   daemon"))
    assert lines[fix + 1].startswith(" " * 20 + "Start ")
    assert (result.exit_code, lines[-1]) == (1, "Not yet: see the lines marked FIX.")


def test_doctor_speaks_json_without_a_daemon_too(nowhere: None) -> None:
    """With ``--json`` the output is one object, and the exit status is the same."""
    result = run("doctor", "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["ready"], told["findings"]["daemon"]["state"]) == (1, False, "bad")


# --- what a terminal is not ---------------------------------------------------------------------------------


def test_a_pipe_gets_no_colours_and_a_poor_one_no_traceback() -> None:
    """Into a pipe there are no colours; a letter that the pipe's encoding lacks becomes a question mark."""
    done = type_in("doctor", DOCKER_HOST="unix:///n→n", PYTHONIOENCODING="cp1252")
    assert "\x1b" not in done.stdout
    assert "FIX   daemon        /n?n (DOCKER_HOST) does not exist." in done.stdout
    assert done.stderr == ""


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    """When the pipe is closed early, as `| head -1` does, the command ends quietly."""
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run([*COMMAND, "--help"], stdout=write, stderr=subprocess.PIPE, text=True)
    finally:
        os.close(write)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("error", [requests.ConnectionError("Connection aborted."), requests.ReadTimeout("60 s")])
def test_a_daemon_that_goes_away_is_no_traceback(monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    """A daemon that stops answering in the middle is a sentence on stderr, with what to do."""

    def fail(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(daemons, "connect", lambda **_: None)
    monkeypatch.setattr(leftovers, "things", fail)
    result = run("clean")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"The daemon did not do it: {error}\n`labkit doctor` looks at the daemon.\n"


# --- lab ----------------------------------------------------------------------------------------------------


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """The commands that this process became; a checkout with a first chapter is the current folder."""
    commands: list[list[str]] = []
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "00_start.ipynb").write_text("{}")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "__file__", str(tmp_path / "elsewhere" / "labkit" / "cli.py"))
    monkeypatch.setattr(daemons, "connect", lambda **_: print("Docker answers."))
    monkeypatch.setattr(os, "execv", lambda path, words: commands.append(words))
    monkeypatch.setenv("PATH", os.environ["PATH"])
    return commands


def test_lab_becomes_jupyterlab_on_the_first_chapter(became: list[list[str]], tmp_path: Path) -> None:
    """`labkit lab` prints the report, then becomes JupyterLab on chapter 00, with what else was typed."""
    result = run("lab", "--no-browser", "--port", "9999")
    assert result.stdout == "Docker answers.\n"
    ((python, *words),) = became
    opens = [f"--ServerApp.root_dir={tmp_path / 'notebooks'}", "--LabApp.default_url=/lab/tree/00_start.ipynb"]
    assert (python, words[:4], words[-3:]) == (
        sys.executable,
        ["-m", "jupyterlab", *opens],
        ["--no-browser", "--port", "9999"],
    )


def test_a_terminal_in_the_lab_finds_labkit(became: list[list[str]]) -> None:
    """In JupyterLab, `labkit` and `python` are those of this installation, also where nobody activated it."""
    run("lab")
    assert os.environ["PATH"].split(os.pathsep)[0] == str(Path(sys.executable).parent)


def test_lab_needs_the_chapters(became: list[list[str]], tmp_path: Path) -> None:
    """Without the checkout, the error says where it looked, and nothing is started."""
    (tmp_path / "notebooks" / "00_start.ipynb").unlink()
    result = run("lab")
    assert (result.exit_code, became) == (1, [])
    assert f"is not in {tmp_path / 'elsewhere'} nor in {tmp_path}." in result.stderr


def test_lab_needs_jupyterlab(became: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without JupyterLab, the error says how to install it, and nothing is started."""
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    result = run("lab")
    assert (result.exit_code, became) == (1, [])
    assert "make lab" in result.stderr


@pytest.mark.daemon
def test_the_lab_has_the_daemons_address(
    daemon: Daemon, became: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What JupyterLab inherits as ``DOCKER_HOST`` is the daemon that was found."""
    seen: list[str | None] = []
    monkeypatch.setattr(os, "execv", lambda *_: seen.append(os.environ.get("DOCKER_HOST")))
    monkeypatch.setattr(daemons, "connect", lambda: daemons._export(daemon.endpoint))
    run("lab")
    assert seen == [daemon.endpoint.url]


# --- clean --------------------------------------------------------------------------------------------------


@pytest.mark.daemon
def test_clean_says_when_there_is_nothing(daemon: Daemon, world: str) -> None:
    """Where nothing has the label, `labkit clean` says so, and that is a success."""
    for words in ([], ["--dry-run"], ["--all-owners"]):
        result = run("clean", *words)
        assert (result.exit_code, result.stdout) == (0, "nothing to remove\n")


@pytest.mark.daemon
def test_clean_names_what_it_removes(daemon: Daemon, world: str) -> None:
    """Each thing is printed with its kind and name, first with ``--dry-run``, then as removed."""
    box = sandbox.run(images.ensure(daemon), ["sleep", "1000"], daemon=daemon)
    told = f"would go  container  {box.name}\nwould go  image      {images.BUSYBOX}\n"
    assert run("clean", "--dry-run").stdout == told
    assert box.status == "running"
    assert run("clean").stdout == told.replace("would go", "removed ")
    assert inspect("container", box.id) == inspect("image", images.BUSYBOX) == {}


@pytest.mark.daemon
def test_clean_says_what_it_left_and_why(daemon: Daemon, world: str) -> None:
    """What cannot be removed is printed with the reason, and the exit status is 1."""
    with sandbox.run(images.ensure(daemon), ["sleep", "1000"], daemon=daemon, labels={f"{world}.owner": "bob"}) as bobs:
        result = run("clean")
        assert result.exit_code == 1
        assert result.stdout.startswith(f"left      image      {images.BUSYBOX}: ")
        assert f"container {bobs.id[:12]} is using" in result.stdout
        assert bobs.status == "running"


@pytest.mark.daemon
def test_clean_leaves_other_owners_unless_told(daemon: Daemon, world: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another learner made stays, and goes with ``--all-owners``."""
    made = daemon.client.volumes.create(f"{world}-bobs", labels=sandbox.labels("demo", owner="bob"))
    assert run("clean").stdout == "nothing to remove\n"
    assert run("clean", "--all-owners").stdout == f"removed   volume     {made.name}\n"


# --- images -------------------------------------------------------------------------------------------------


@pytest.mark.daemon
def test_images_go_into_a_kit_and_back(daemon: Daemon, world: str, tmp_path: Path) -> None:
    """Build, list, pack, clean, load, list: the images before and after are the same."""
    file = str(tmp_path / "kit.tar")
    assert run("images", "list").stdout == "no images yet: `labkit images build`\n"
    assert run("images", "build").stdout == f"{inspect('image', images.BUSYBOX)['Id']}  {images.BUSYBOX}\n"
    listed = run("images", "list").stdout
    assert listed.split()[0] in inspect("image", images.BUSYBOX)["Id"]
    assert run("images", "pack", file).stdout.splitlines()[0] == f"packed  {images.BUSYBOX}"
    run("clean")
    assert run("images", "load", file).stdout == f"loaded  {images.BUSYBOX}\n"
    assert run("images", "list").stdout == listed


@pytest.mark.daemon
def test_a_bad_kit_is_no_traceback(daemon: Daemon, world: str, tmp_path: Path) -> None:
    """A file that is no kit, or is not there, is two sentences on stderr and status 1."""
    (tmp_path / "kit.tar").write_text("no kit")
    for name, words in (("kit.tar", "is not a whole kit"), ("none.tar", "cannot be read: No such file")):
        result = run("images", "load", str(tmp_path / name))
        assert result.exit_code == 1
        assert words in result.stderr
        assert "labkit images pack" in result.stderr


def test_a_folder_is_no_kit(tmp_path: Path) -> None:
    """A folder instead of a file is refused before anything is asked, as a wrong word is: status 2."""
    for command in ("pack", "load"):
        result = run("images", command, str(tmp_path))
        assert result.exit_code == click.UsageError.exit_code == 2
        assert "is a directory" in result.stderr


# --- the doctor on a daemon -----------------------------------------------------------------------------------


@pytest.mark.daemon
def test_doctor_ends_with_0_on_a_daemon(daemon: Daemon, world: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a learner can start, the doctor says so and ends with status 0; every line has its mark."""
    monkeypatch.setenv("LABKIT_LEARNER", world)
    result = run("doctor")
    lines = result.stdout.splitlines()
    assert (result.exit_code, lines[-1]) == (0, "You can start: `labkit lab`.")
    assert {line[:4].strip() for line in lines[:-1]} <= {"ok", "note", ""}
    assert any(line.startswith("ok    engine        Docker Engine ") for line in lines)


@pytest.mark.daemon
def test_doctor_speaks_json_in_a_pipe(daemon: Daemon) -> None:
    """In a process of its own ``--json`` prints one object and nothing else."""
    done = type_in("doctor", "--json", LABKIT_LEARNER="labkit-test-doctor")
    assert (done.returncode, json.loads(done.stdout)["ready"], done.stderr) == (0, True, "")
