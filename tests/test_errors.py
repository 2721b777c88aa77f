"""What a learner sees of an error: two sentences, in a terminal and in IPython."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from labkit import errors

ROOT = Path(__file__).parents[1]


def test_an_error_is_two_sentences() -> None:
    """The text of an error is what happened, and below it what to do."""
    assert str(errors.LabError("No daemon answered.", "Start it.")) == "No daemon answered.\nStart it."


def test_an_error_without_a_remedy_is_one_sentence() -> None:
    """Where there is nothing to do, no empty line follows."""
    assert str(errors.LabError("No daemon answered.")) == "No daemon answered."


@pytest.mark.parametrize("kind", [errors.PathMissing, errors.PathForbidden, errors.QuestionTimeout])
def test_an_error_that_is_also_pythons_keeps_its_sentences(kind: type[errors.LabError]) -> None:
    """An error that `except OSError` catches still says its two sentences, not an errno."""
    error = kind("There is no /a.", "Look at /b.")
    assert isinstance(error, OSError)
    assert str(error) == "There is no /a.\nLook at /b."
    assert (error.problem, error.remedy) == ("There is no /a.", "Look at /b.")


def test_the_traceback_is_the_two_sentences() -> None:
    """IPython is given the name of the error and its sentences, and no frame."""
    assert errors.NoDaemon("Nothing.", "Start it.")._render_traceback_() == ["NoDaemon: Nothing.\nStart it."]


def test_ipython_shows_no_frames(tmp_path: Path) -> None:
    """An error raised three calls deep and from another one is shown by IPython as two sentences, nothing else."""
    code = """if True:
        from labkit.errors import SocketMissing
        def deep():
            try:
                open("/no/such/file")
            except OSError as error:
                raise SocketMissing("There is no socket.", "Start the daemon.") from error
        deep()"""
    ipython = [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", "-c", code]
    environ = os.environ | {"IPYTHONDIR": str(tmp_path)}
    shown = subprocess.run(ipython, capture_output=True, text=True, cwd=ROOT, env=environ)
    assert shown.stdout.strip() == "SocketMissing: There is no socket.\nStart the daemon."
    assert shown.stderr == ""
