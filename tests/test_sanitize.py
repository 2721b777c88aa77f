"""The rules by which nbval overlooks differences: each is needed, and none overlooks more than it should."""

from __future__ import annotations

import re

import pytest
from nbval.plugin import get_sanitize_patterns

from labkit.course.seed import Seed
from tests import chapters

FILE = chapters.ROOT / "tests" / "sanitize.cfg"
RULES: list[tuple[str, str]] = get_sanitize_patterns(FILE.read_text("utf-8"))
each = pytest.mark.parametrize(("pattern", "replacement"), RULES)


def printed() -> list[str]:
    """Every text that the stored notebooks have printed."""
    cells = [cell for number in chapters.FILES for cell in chapters.code_cells(chapters.chapter(number))]
    outputs = [output for cell in cells for output in cell.outputs]
    return [str(output.get("text") or output.get("data", {}).get("text/plain", "")) for output in outputs]


def prose() -> list[str]:
    """Every text that somebody has written: the chapters' and the repository's own."""
    cells = [cell for number in chapters.FILES for cell in chapters.chapter(number).cells]
    pages = [page.read_text("utf-8") for page in chapters.ROOT.glob("*.md")]
    return [cell.source for cell in cells] + pages


def test_nbval_reads_every_rule() -> None:
    """No rule is lost to its spelling, and there are few."""
    assert len(RULES) == FILE.read_text("utf-8").count("regex:") <= 5


@each
def test_a_rule_is_used(pattern: str, replacement: str) -> None:
    """Some stored output holds what the rule replaces."""
    assert any(re.search(pattern, text) for text in printed())


@each
def test_a_rule_is_narrow(pattern: str, replacement: str) -> None:
    """A rule matches no prose, no code, and not its own replacement."""
    assert [text for text in [*prose(), replacement] if re.search(pattern, text)] == []


@pytest.mark.parametrize("learner", ["ada", "bob", "reader", "learner-1", "learner-2"])
def test_drawn_words_are_replaced(learner: str) -> None:
    """Names and words look the same for every learner once the rules were applied."""
    seed = Seed(learner, "00.word")
    text = f"  task.container  'labkit-00-word-{seed.word('mark')}-box'\n  task.word  '{seed.word('word')}'"
    for pattern, replacement in RULES:
        text = re.sub(pattern, replacement, text)
    assert text == "  task.container  'labkit-NAME-box'\n  task.word  'WORD'"
