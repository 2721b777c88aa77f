"""Run chapters in a fresh kernel and store what they print: ``python -m tests.outputs [NN …]``.

A reader on a web page sees the course as it runs. Answer and check cells are stored as they are shipped: not run.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from labkit.course.desk import tidy
from labkit.grade.chapters import edition
from labkit.grade.compose import identity
from tests import chapters

READER = "reader"
"""The learner whose names stand in the stored outputs."""

LIMIT = 120
"""Seconds for one cell."""


class NotStored(Exception):
    """A chapter was not stored; its file, if there is one, is as it was."""


def main(numbers: list[str]) -> None:
    """Store the outputs of these chapters, or of all."""
    if unknown := set(numbers) - set(chapters.FILES):
        raise NotStored(f"There is no chapter {', '.join(sorted(unknown))}; there are {', '.join(chapters.FILES)}.")
    for number in numbers or chapters.FILES:
        path, start = chapters.FILES[number], time.monotonic()
        store(path)
        print(f"{path.name}: {time.monotonic() - start:.1f} s")


def store(path: Path) -> None:
    """Run one chapter and write it with its outputs.

    Raises:
        NotStored: if a cell fails that is not tagged ``raises-exception``, or an output names this machine.
    """
    notebook = chapters.read(path)
    try:
        with tempfile.TemporaryDirectory() as home:
            run(notebook, path, chapters.environment(READER, Path(home)))
    except CellExecutionError as error:
        raise NotStored(f"{path.name} was not stored, because a cell failed:\n{error}") from None
    finally:
        os.environ["LABKIT_LEARNER"] = READER
        tidy()
    reduce(notebook)
    _check_paths(notebook, path)
    notebook.metadata["labkit"] = {"chapter": path.name[:2], "edition": edition(notebook.cells)}
    nbformat.write(notebook, path)


def run(notebook: NotebookNode, path: Path, environ: dict[str, str]) -> None:
    """Execute all cells in order, in a fresh kernel that works where the file lies."""
    client = NotebookClient(
        notebook,
        timeout=LIMIT,
        resources={"metadata": {"path": str(path.parent)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
    )
    client.execute(env=environ, stderr=subprocess.DEVNULL)  # the kernel's own remarks; what a cell prints comes anyway


def reduce(notebook: NotebookNode) -> None:
    """Leave out what differs from run to run without meaning, and the outputs of answer and check cells."""
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"].pop("version", None)
    for cell in chapters.code_cells(notebook):
        cell.metadata.pop("execution", None)
        if identity(cell)[0] in ("answer", "check"):
            cell.outputs, cell.execution_count = [], None


def _check_paths(notebook: NotebookNode, path: Path) -> None:
    """Refuse outputs that name a folder of this machine."""
    for cell in chapters.code_cells(notebook):
        for folder in (str(chapters.ROOT), sys.prefix, tempfile.gettempdir() + "/tmp"):
            if folder in str(cell.outputs):
                raise NotStored(f"{path.name} was not stored: the output of {chapters.cell_id(cell)} names {folder}.")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except NotStored as error:
        raise SystemExit(str(error)) from None
