"""A learner's copies of a chapter, as Jupyter writes them, and the kernel that ran them."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

UNTOUCHED = {"90.fruit": "answer = None  # TODO", "90.double": "def double(n):\n    '''Double it.'''\n    # TODO"}
"""The answer cells of chapter 90 as shipped."""


def cell(text: str, exercise: str = "", *, role: str = "answer", kind: str = "code", **more: Any) -> dict[str, Any]:
    """A cell; with an exercise, one that is marked as its answer or as another part of it."""
    marks = {"labkit": {"cell": f"{exercise}.{role}", "role": role, "exercise": exercise}} if exercise else {}
    found: dict[str, Any] = {"cell_type": kind, "metadata": marks, "source": text.splitlines(keepends=True)}
    if kind == "code":
        found |= {"execution_count": None, "outputs": [{"output_type": "stream", "name": "stdout", "text": "said\n"}]}
    return found | more


def write(path: Path, *cells: object, **marks: str) -> Path:
    """Write a notebook of these cells; the marks are what the course wrote into its metadata."""
    data = {"cells": list(cells), "metadata": {"labkit": marks} if marks else {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(data), "utf-8")
    return path


def chapter(path: Path, **answers: str) -> Path:
    """Write a copy of chapter 90 with these answers: ``fruit`` and ``double``; without, they are untouched."""
    texts = UNTOUCHED | {f"90.{name}": text for name, text in answers.items()}
    cells = [cell(text, exercise, id=exercise.replace(".", "-") + "-answer") for exercise, text in texts.items()]
    return write(path, cell("# 90", kind="markdown", id="top"), *cells, chapter="90", edition="0123456789ab")


def kernel(monkeypatch: pytest.MonkeyPatch, *ran: str, **names: str) -> None:
    """Let a kernel run here that ran these cells, the last one now, and has these names."""
    history = SimpleNamespace(input_hist_raw=["", *ran])
    shell = SimpleNamespace(user_ns=names, history_manager=history)
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
