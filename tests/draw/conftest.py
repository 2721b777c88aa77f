"""What a picture prints and displays, and where its words stand on the sheet."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import pytest
from IPython.display import Image
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch
from matplotlib.text import Text

from labkit.draw import paper


@dataclass
class Drawn:
    """Every sheet that was drawn on, and every image that was displayed."""

    sheets: list[Axes] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)

    @property
    def texts(self) -> list[Text]:
        """The words on the last sheet."""
        return [text for text in self.sheets[-1].texts if text.get_text()]

    @property
    def words(self) -> list[str]:
        """What they say."""
        return [text.get_text() for text in self.texts]

    def misplaced(self) -> list[str]:
        """What is wrong with the last sheet: words outside of it or of their box, over each other, or too small."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about letters that the font lacks
            places = [(text.get_text(), text.get_window_extent()) for text in self.texts]
        figure: Any = self.sheets[-1].figure
        outside = [f"{w!r} leaves the sheet" for w, p in places if not _within(p, figure.bbox)]
        over = [f"{a!r} over {b!r}" for (a, p), (b, q) in combinations(places, 2) if p.overlaps(q)]
        boxes = [box.get_window_extent() for box in self.sheets[-1].patches if isinstance(box, FancyBboxPatch)]
        cut = [f"{w!r} crosses a box" for w, p in places for b in boxes if p.overlaps(b) and not _within(p, b)]
        small = [f"{t.get_text()!r} is small" for t in self.texts if float(t.get_fontsize()) < 8]
        return outside + over + cut + small


def _within(inner: Any, outer: Any) -> bool:
    return bool(
        outer.x0 <= inner.x0 and inner.x1 <= outer.x1 and outer.y0 <= inner.y0 and inner.y1 <= outer.y1,
    )


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Iterator[Drawn]:
    """What the test draws."""
    drawn, sheet = Drawn(), paper.sheet

    def kept(width: float, height: float) -> Axes:
        drawn.sheets.append(sheet(width, height))
        return drawn.sheets[-1]

    monkeypatch.setattr(paper, "sheet", kept)
    monkeypatch.setattr("IPython.display.display", drawn.images.append)
    yield drawn
