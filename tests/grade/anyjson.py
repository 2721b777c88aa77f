"""JSON that nobody would think of, for hypothesis; and notebooks of it, in which some things are as they should be."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)


def _some(**known: list[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that have some of these keys, each with a known value or any other."""
    return st.fixed_dictionaries({}, optional={key: st.sampled_from(values) | JSON for key, values in known.items()})


MARKS = _some(
    role=["answer", "check", "setup", "demo"],
    exercise=["01.ping", "00.word", "42.x"],
    cell=["01.ping.answer", "01.ls"],
    chapter=["00", "01", "42"],
    edition=["0123456789ab"],
    learner=["ada"],
)
METADATA = JSON | st.fixed_dictionaries({"labkit": JSON | MARKS})
CELLS = st.builds(
    lambda cell, metadata: {**cell, "metadata": metadata},
    _some(
        cell_type=["code", "markdown", "raw"],
        source=["# 01.ping", "check(task, ping)", ["x = 1\r\n", "y"]],
        id=["01-ping-answer", "00-word-check"],
    ),
    METADATA,
)
NOTEBOOKS = st.builds(
    lambda notebook, cells, metadata: {**notebook, "cells": cells, "metadata": metadata},
    _some(nbformat=[4], nbformat_minor=[5]),
    JSON | st.lists(JSON | CELLS, max_size=6),
    METADATA,
)
