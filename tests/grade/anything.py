"""Results that nobody would think of, for hypothesis: any text anywhere, in the form that the contract allows."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from labkit.grade.results import STATUSES, Batch, ExerciseResult, PartResult, Result
from tests.grade import samples

texts = st.text(max_size=12) | st.sampled_from(
    [*samples.HOSTILE, "\x1b[31mred\x1b[0m", "\x00", "]]>", "{{ 1 }}", '"><b>']
)
points = st.integers(0, 30)
seconds = st.floats(0, 10_000)
many_texts = st.lists(texts, max_size=2).map(tuple)

parts = st.builds(
    PartResult,
    *(texts, texts, points, points, st.sampled_from(["pass", "fail", "not reached"])),
    *(texts, texts, texts, texts),
)
exercises = st.builds(
    ExerciseResult,
    exercise=texts.filter(bool),
    title=texts,
    status=st.sampled_from(STATUSES),
    points=st.none() | points,
    total=points,
    sentence=texts,
    parts=st.lists(parts, max_size=2).map(tuple),
    traceback=texts,
    matched=st.sampled_from(["metadata", "id", "comment", ""]),
    notes=many_texts,
    seconds=seconds,
)
results = st.builds(
    Result,
    file=texts,
    learner=texts,
    chapter=st.sampled_from(["", "00", "01"]),
    sha256=st.sampled_from(["", "0" * 64]),
    status=st.sampled_from(STATUSES),
    points=st.none() | points,
    total=points,
    sentence=texts,
    exercises=st.lists(exercises, max_size=2).map(tuple),
    ignored=many_texts,
    notes=many_texts,
    seconds=seconds,
    key=texts,
)


def _batch(found: list[Result]) -> Batch:
    return replace(samples.batch(), results=tuple(found))


batches = st.lists(results, max_size=2).map(_batch)
