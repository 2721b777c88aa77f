"""The programs that the course runs do what their summaries say."""

from __future__ import annotations

import re
import signal
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from labkit import errors, kit, programs, sandbox
from labkit.daemon import Daemon
from labkit.programs import EIGHT, PROGRAMS, ensure_program, find_program, run_program

each_program = pytest.mark.parametrize("name", PROGRAMS)


@each_program
def test_an_image_starts_a_script_that_it_brings(name: str) -> None:
    """The first word of what an image starts, or the shell's, is one of its own scripts."""
    program = PROGRAMS[name]
    first = str((program.config.get("Entrypoint") or program.config["Cmd"])[-1])
    assert f"bin/{first.partition(';')[0]}" in program.files
    assert program.summary.endswith(".")
    assert program.summary.count(".") == 1


@each_program
def test_a_program_can_be_read(name: str) -> None:
    """What is printed of a program has its summary, every line of its scripts, and what the image starts."""
    program, said = PROGRAMS[name], str(PROGRAMS[name])
    assert program.summary in said
    assert all(script.rstrip() in said for script in program.files.values())
    assert re.search(r"^CMD \[", said, re.MULTILINE)


def test_four_images_have_the_very_same_app() -> None:
    """Shell form, exec form, and both scripts start the same file, byte for byte."""
    images = ("shell", "exec", "entrypoint", "forward")
    assert {PROGRAMS[name].files["bin/polite"] for name in images} == {PROGRAMS["polite"].files["bin/polite"]}


def test_eight_stand_in_the_table() -> None:
    """The table of the chapter on signals has eight programs, each with its own way to end."""
    assert len({PROGRAMS[name].version for name in EIGHT}) == 8


def test_an_unknown_program_is_named() -> None:
    """The error for a name that is none has the names that are."""
    with pytest.raises(errors.ImageError, match=r"(?s)'impolite'.*polite, slow"):
        find_program("impolite")


# --- Their images ---------------------------------------------------------------------------------------------


def image(daemon: Daemon, tag: str) -> Any:
    return daemon.client.images.get(tag)


@pytest.mark.daemon
def test_an_image_is_made_once(daemon: Daemon, world: str) -> None:
    """The image of a program is found again; when it is gone, the same one is made anew, for everybody."""
    tag = ensure_program(daemon, "deaf")
    first = image(daemon, tag)
    assert tag == f"{world}/deaf:latest"
    assert {key: value for key, value in first.labels.items() if "." not in key} == {world: "image"}
    assert not first.labels.keys() & {f"{world}.owner", f"{world}.run"}
    made = [thing for thing in sandbox.things(daemon) if thing.name == tag]
    assert [thing.left for thing in sandbox.remove(daemon, made)] == [""]
    assert image(daemon, ensure_program(daemon, "deaf")).id == first.id


@pytest.mark.daemon
def test_an_image_of_another_version_is_replaced(daemon: Daemon, world: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image that an older labkit made of another script makes room for the one of today."""
    older = replace(PROGRAMS["deaf"], files={"bin/deaf": "#!/bin/sh\nexit 7\n"})
    with monkeypatch.context() as patch:
        patch.setattr(programs, "PROGRAMS", {"deaf": older})
        before = image(daemon, ensure_program(daemon, "deaf")).id
    after = image(daemon, ensure_program(daemon, "deaf"))
    assert after.id != before
    assert after.labels[f"{world}.program"] == f"{PROGRAMS['deaf'].version}-{daemon.architecture}"
    assert before not in {found["Id"] for found in daemon.client.api.images(all=True)}


@pytest.mark.daemon
def test_a_program_lies_on_the_layers_of_busybox(daemon: Daemon, world: str) -> None:
    """What an image adds to ``labkit/busybox`` is a single layer, so that all of them together are small."""
    above = image(daemon, ensure_program(daemon, "slow")).attrs["RootFS"]["Layers"]
    assert above[:-1] == image(daemon, f"{world}/busybox:latest").attrs["RootFS"]["Layers"]


@pytest.mark.daemon
def test_a_kit_has_the_programs(daemon: Daemon, world: str, tmp_path: Path) -> None:
    """What a kit brings along is not made again: the images of programs are the course's own."""
    tag = ensure_program(daemon, "deaf")
    made = image(daemon, tag).id
    assert tag in kit.pack(daemon, tmp_path / "kit.tar")
    sandbox.clean(daemon)
    assert tag in kit.load(daemon, tmp_path / "kit.tar")
    assert image(daemon, ensure_program(daemon, "deaf")).id == made


@pytest.mark.daemon
def test_clean_removes_the_images(daemon: Daemon, world: str) -> None:
    """The programs' images go with everything else of the course, whoever made them."""
    tags = {ensure_program(daemon, name) for name in ("polite", "exec")}
    removed = {thing.name for thing in sandbox.clean(daemon, whose="somebody else") if not thing.left}
    assert tags < removed
    assert not sandbox.things(daemon)


# --- What they do ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ended:
    """How a program ended, whether its item was kept, and what its first process had been."""

    code: int
    log: tuple[str, ...]
    item: bool
    first: str
    masks: Mapping[str, frozenset[int]]


Case = tuple[str, tuple[tuple[str, Any], ...], int]


def stopped(daemon: Daemon, case: Case) -> Ended:
    """Run a program until it is ready, stop it, and look."""
    name, options, grace = case
    with run_program(daemon, name, **dict(options)) as box:
        status, first = box.sh("cat /proc/1/status"), box.sh("tr '\\0' ' ' </proc/1/cmdline")
        daemon.client.api.stop(box.id, timeout=grace)
        item = any(change["Path"] == "/tmp/item" for change in daemon.client.api.diff(box.id) or ())
        return Ended(box.wait(), tuple(box.logs().splitlines()), item, first.strip(), read_masks(status))


def read_masks(status: str) -> dict[str, frozenset[int]]:
    """The numbers of the signals in each mask of a ``/proc/<pid>/status``."""
    masks = re.findall(r"^(Sig\w+):\t([0-9a-f]{16})$", status, re.MULTILINE)
    return {name: frozenset(n for n in range(1, 65) if int(mask, 16) >> n - 1 & 1) for name, mask in masks}


PLAIN: tuple[tuple[str, Any], ...] = ()
INT = (("stop_signal", "SIGINT"),)
INIT = (("init", True),)
CASES: dict[Case, tuple[int, str]] = {
    ("polite", PLAIN, 10): (0, "polite: ready, polite: heard TERM, polite: finished"),
    ("polite", INT, 10): (0, "polite: ready, polite: heard INT, polite: finished"),
    ("polite", INIT, 10): (0, "polite: ready, polite: heard TERM, polite: finished"),
    ("slow", PLAIN, 1): (137, "slow: ready, slow: heard TERM"),
    ("slow", PLAIN, 20): (0, "slow: ready, slow: heard TERM, slow: finished"),
    ("interrupted", PLAIN, 1): (137, "interrupted: ready"),
    ("interrupted", INT, 5): (130, "interrupted: ready, interrupted: heard INT, interrupted: finished"),
    ("interrupted", INIT, 5): (143, "interrupted: ready"),
    ("deaf", PLAIN, 1): (137, "deaf: ready"),
    ("deaf", INT, 1): (137, "deaf: ready"),
    ("deaf", INIT, 5): (143, "deaf: ready"),
    ("stubborn", PLAIN, 1): (137, "stubborn: ready"),
    ("stubborn", INT, 1): (137, "stubborn: ready"),
    ("stubborn", INIT, 1): (137, "stubborn: ready"),
    ("shell", PLAIN, 1): (137, "polite: ready"),
    ("shell", INIT, 5): (143, "polite: ready"),
    ("exec", PLAIN, 5): (0, "polite: ready, polite: heard TERM, polite: finished"),
    ("entrypoint", PLAIN, 5): (0, "entrypoint: prepared, polite: ready, polite: heard TERM, polite: finished"),
    ("forward", PLAIN, 5): (
        0,
        "polite: ready, forward: heard TERM, polite: heard TERM, polite: finished, forward: finished",
    ),
    ("forgetful", PLAIN, 1): (137, "forgetful: ready"),
    ("orphans", PLAIN, 1): (137, "orphans: ready"),
    ("reaper", PLAIN, 1): (137, "reaper: ready"),
}
"""Program, options and seconds of grace → exit code and log."""


@pytest.fixture(scope="module")
def endings(daemon: Daemon) -> dict[Case, Ended]:
    """All cases, four at a time."""
    for name in PROGRAMS:
        ensure_program(daemon, name)
    with ThreadPoolExecutor(4) as pool:
        return dict(zip(CASES, pool.map(lambda case: stopped(daemon, case), CASES), strict=True))


@pytest.mark.daemon
@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join([case[0], *(o for o, _ in case[1]), str(case[2])]))
def test_a_program_ends_as_its_summary_says(endings: Mapping[Case, Ended], case: Case) -> None:
    """After ``docker stop`` a program's exit code and its log are the ones that are told of it."""
    code, log = CASES[case]
    assert (endings[case].code, ", ".join(endings[case].log)) == (code, log)


@pytest.mark.daemon
@pytest.mark.parametrize(
    ("name", "caught", "ignored"),
    [
        ("polite", {"TERM", "INT"}, set()),
        ("interrupted", {"INT"}, set()),
        ("deaf", set(), set()),
        ("stubborn", set(), {"TERM", "INT"}),
        ("shell", set(), set()),
        ("exec", {"TERM", "INT"}, set()),
        ("entrypoint", {"TERM", "INT"}, set()),
        ("forward", {"TERM"}, set()),
        ("orphans", set(), set()),
    ],
)
def test_the_masks_of_a_first_process(
    endings: Mapping[Case, Ended], name: str, caught: set[str], ignored: set[str]
) -> None:
    """What a container's first process catches and ignores is what its script says; INT a shell may catch unasked."""
    ended = next(ended for case, ended in endings.items() if case[:2] == (name, PLAIN))
    numbers = {word: getattr(signal, f"SIG{word}") for word in ("TERM", "INT")}
    kept = {word for word, number in numbers.items() if number in ended.masks["SigCgt"]}
    assert kept - ({"INT"} if name in ("shell", "forward") else set()) == caught
    assert {word for word, number in numbers.items() if number in ended.masks["SigIgn"]} == ignored


@pytest.mark.daemon
def test_who_the_first_process_is(endings: Mapping[Case, Ended]) -> None:
    """In shell form it is the shell, in exec form and behind an entry point with ``exec`` the app itself."""
    first = {case[0]: ended.first for case, ended in endings.items() if case[1] == PLAIN}
    assert first["shell"] == "/bin/sh -c polite; true"
    assert first["exec"] == first["entrypoint"] == "/bin/sh /bin/polite"
    assert first["forward"] == "/bin/sh /bin/forward"
    assert first["deaf"] == first["stubborn"] == first["forgetful"] == first["orphans"] == "sleep 2147483647"


@pytest.mark.daemon
@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("polite", "/bin/sh /bin/polite"),
        ("cd / && polite", "/bin/sh /bin/polite"),
        ("polite; true", "sh -c polite; true"),
        ("polite | cat", "sh -c polite | cat"),
    ],
)
def test_a_shell_gives_its_place_to_the_last_command(daemon: Daemon, nothing_left: None, line: str, first: str) -> None:
    """Shell form alone does not make the shell the first process: something must be left for it to do."""
    with run_program(daemon, "polite", command=line) as box:
        assert box.sh("tr '\\0' ' ' </proc/1/cmdline").strip() == first


@pytest.mark.daemon
def test_a_slow_program_keeps_its_item_only_in_time(endings: Mapping[Case, Ended]) -> None:
    """With a short grace period the item is not there afterwards, with a long one it is."""
    assert [endings["slow", PLAIN, grace].item for grace in (1, 20)] == [False, True]


@pytest.mark.daemon
def test_a_worker_loses_the_item_that_it_works_on(daemon: Daemon, nothing_left: None) -> None:
    """A worker without a handler is killed in the middle of an item: more are begun than kept."""
    with run_program(daemon, "worker") as box:
        sandbox.wait_until(lambda: "item 2 begun" in box.logs(), "the second item is begun")
        daemon.client.api.stop(box.id, timeout=1)
        assert box.wait() == 137
        log = box.logs()
        assert log.count("begun") == log.count("kept") + 1


@pytest.mark.daemon
def test_a_program_can_be_started_again(daemon: Daemon, nothing_left: None) -> None:
    """What was stopped and is started again says the same as the first time, and nothing goes wrong."""
    with run_program(daemon, "polite") as box:
        daemon.client.api.stop(box.id)
        box.start()
        sandbox.wait_until(lambda: box.logs().count("polite: ready") == 2, "it is ready again")
        assert {line.partition(":")[0] for line in box.logs().splitlines()} == {"polite"}


@pytest.mark.daemon
def test_nothing_is_left_of_a_program_that_does_not_get_ready(daemon: Daemon, nothing_left: None) -> None:
    """A program that says nothing within the deadline is removed, and the error says what was waited for."""
    with pytest.raises(errors.SandboxError, match="says 'polite: ready'"):
        run_program(daemon, "polite", command=["sleep", "600"], deadline=0.5)


def test_a_version_is_that_of_its_content() -> None:
    """A program with another script or another start has another version; the summary does not count."""
    program = PROGRAMS["shell"]
    others = [replace(program, files={}), replace(program, config={"Cmd": ["polite"]})]
    assert len({program.version, *(other.version for other in others)}) == 3
    assert replace(program, summary="").version == program.version
