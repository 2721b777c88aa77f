"""What the pages for people promise is there: their links lead somewhere, and their commands run."""

from __future__ import annotations

import re
import shlex
import zipfile
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from labkit.cli import main
from labkit.grade.compose import compose, read_answers
from tests.chapters import ROOT, SOLUTIONS, chapter

PAGES = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "binder/README.md"]


def commands(program: str) -> list[list[str]]:
    """Return the words behind a program's name, for each line of the README's shell blocks that begins with it."""
    blocks = re.findall(r"```bash\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    lines = [shlex.split(line, comments=True) for block in blocks for line in block.splitlines()]
    return [line[1:] for line in lines if line[:1] == [program]]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(page: str) -> None:
    """Every link of a page to a file of the project leads to one."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / page).read_text("utf-8"))
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []


def test_the_makefile_has_what_the_readme_types() -> None:
    """`make lab` and `make test` are targets."""
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert [words[0] for words in commands("make")] == ["lab", "test"]
    assert {"lab", "test", "check", "bench", "outputs"} <= set(targets)


def hand_in(file: Path) -> None:
    """Write what a learning platform gives a teacher: here, the solved chapter 00 of one learner."""
    answers = {name: text for name, text in read_answers(SOLUTIONS).items() if name.startswith("00")}
    with zipfile.ZipFile(file, "w") as archive:
        solved = nbformat.writes(compose(chapter("00"), answers))
        archive.writestr("Ada Lovelace_12345_assignsubmission_file_/00_start.ipynb", solved)


@pytest.mark.daemon
def test_the_commands_of_the_readme_run(world: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every `labkit` line of the README that needs no machine runs as it stands, in this order, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    wanted = [words for words in commands("labkit") if words[0] not in ("machine", "grade")]
    ran = [(words, CliRunner().invoke(main, words)) for words in wanted]
    assert [(words, result.output) for words, result in ran if result.exit_code] == []
    assert (tmp_path / "kit.tar").stat().st_size > 1_000_000
    assert len(ran) == 5
