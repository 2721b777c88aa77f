"""Which layer each file comes from: the layers on the left, the files on the right, each with its layer's mark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, groupby, zip_longest

from matplotlib.axes import Axes

from labkit.draw import marks, paper
from labkit.draw.image_tree import command
from labkit.inside.stack import Layer, Stack
from labkit.inside.union import Seen

FILES = 30
"""Files that are listed; the others are counted."""
BOXES = 14
"""Layers that have a box of their own; in a taller stack those without listed files share some."""

HIGH, ROW = 1.05, 0.54
MIDDLE = 7.9
RIGHT = 17.7


@dataclass(frozen=True)
class _Counts:
    """Files by the number of their layer: those that are seen, and those that something above hides."""

    seen: Counter[int]
    hidden: Counter[int]
    deleted: int
    covering: int


def layer_stack(seen: Iterable[Seen], stack: Stack) -> None:
    """Draw the layers of an image or container, and its files with the mark of the layer that they come from.

    Of many files those are listed that hide others, then some of each layer; the rest is counted.

    Args:
        seen: its files, as ``read_visible(host, stack, deleted=True)`` yields them; directories are left out.
        stack: its layers.

    Raises:
        ValueError: if there is no layer.
    """
    if not stack.layers:
        raise ValueError(f"{stack.name} has no layer to draw")
    files = [file for file in seen if file.entry.kind != "d" and (file.hides or not file.entry.whiteout)]
    counts = _count(files)
    listed = _choose(files)
    groups = _groups(stack.layers, {file.layer for file in listed})
    rest = _rest(files, listed)
    left, right = HIGH * len(groups), ROW * (len(listed) + bool(rest) + (not files))
    axes = paper.sheet(18, max(left, right) + 1.1)
    top = max(left, right) + 0.2
    paper.write(axes, 0.4, top + 0.45, f"the layers of {stack.name}, the uppermost first", at="left", room=7.2)
    paper.write(
        axes, MIDDLE, top + 0.45, "its files, each from a layer; struck out is what is not seen", at="left", room=9.8
    )
    for index, group in enumerate(groups):
        _draw_group(axes, group, top - HIGH * index, counts)
    for index, file in enumerate(listed):
        _draw_file(axes, file, top - ROW * (index + 0.5))
    paper.write(
        axes, MIDDLE, top - ROW * (len(listed) + 0.5), rest or ("" if files else "no files"), at="left", room=9.8
    )
    paper.show(axes, _sentence(stack, counts))


def _count(files: Sequence[Seen]) -> _Counts:
    visible = [file for file in files if not file.entry.whiteout]
    return _Counts(
        Counter(file.layer for file in visible),
        Counter(number for file in files for number in file.hides),
        len(files) - len(visible),
        sum(1 for file in visible if file.hides),
    )


def _choose(files: Sequence[Seen]) -> list[Seen]:
    """At most so many files as are listed, in their order: first what hides something, then each layer in turn."""
    loud = [file for file in files if file.entry.whiteout or file.hides]
    by_layer: dict[int, list[Seen]] = {}
    for file in files:
        if not file.entry.whiteout and not file.hides:
            by_layer.setdefault(file.layer, []).append(file)
    turns = zip_longest(*(by_layer[number][:FILES] for number in sorted(by_layer, reverse=True)))
    quiet = (file for turn in turns for file in turn if file is not None)
    chosen = {id(file) for file, _ in zip(chain(loud, quiet), range(FILES), strict=False)}
    return [file for file in files if id(file) in chosen]


def _groups(layers: Sequence[Layer], used: set[int]) -> list[tuple[Layer, ...]]:
    """The layers from above, each alone or with neighbours that nothing listed comes from."""
    numbers = [layer.number for layer in reversed(layers)]
    alone: set[int] = set()
    wanted = [numbers[0], numbers[-1], *(n for n in numbers[1:-1] if n in used), *numbers]
    for number in wanted:
        if len(_runs(numbers, alone | {number})) <= BOXES:
            alone.add(number)
    by_number = {layer.number: layer for layer in layers}
    return [tuple(by_number[number] for number in run) for run in _runs(numbers, alone)]


def _runs(numbers: Sequence[int], alone: set[int]) -> list[list[int]]:
    """The numbers in their order, those that stand alone and runs of the others."""
    return [list(run) for _, run in groupby(numbers, lambda number: number if number in alone else 0)]


def _rest(files: Sequence[Seen], listed: Sequence[Seen]) -> str:
    """How many files are not listed, by their layers."""
    left = Counter(file.layer for file in files) - Counter(file.layer for file in listed)
    if not left:
        return ""
    named = left.most_common(3)
    said = [f"{count} from {marks.letter(number)}" for number, count in named]
    total, others = sum(left.values()), sum(left.values()) - sum(count for _, count in named)
    return f"and {total} more: {paper.series([*said, *[f'{others} from others'] * (others > 0)], '')}"


def _draw_group(axes: Axes, group: Sequence[Layer], top: float, counts: _Counts) -> None:
    low, high = top - HIGH + 0.12, HIGH - 0.12
    own = group[0].kind == "own"
    paper.box(axes, 0.4, low, 6.9, high, face="white", thick=2 if own else 1, line="-" if len(group) == 1 else "--")
    numbers = [layer.number for layer in group]
    names = [marks.letter(number) for number in numbers]
    if len(group) == 1:
        marks.mark(axes, 0.6, low + high / 2, numbers[0])
    else:
        paper.write(axes, 1.0, low + high / 2, f"{names[-1]}\n… {names[0]}", size=8, room=0.95)
    seen, hidden = (sum(found[number] for number in numbers) for found in (counts.seen, counts.hidden))
    size = marks.size(sum(layer.size for layer in group))
    words = f"{size}, {marks.amount(seen, 'file')} seen" + (f", {hidden} hidden" if hidden else "")
    paper.write(axes, 1.65, low + high * 0.68, _title(group), at="left", room=5.5)
    paper.write(axes, 1.65, low + high * 0.3, words, at="left", size=8, room=5.5)


def _title(group: Sequence[Layer]) -> str:
    if len(group) > 1:
        return marks.amount(len(group), "layer")
    (layer,) = group
    return {"own": "the container's own, writable", "init": "the daemon's, for this container"}.get(
        layer.kind
    ) or command(layer)


def _draw_file(axes: Axes, file: Seen, middle: float) -> None:
    gone = file.entry.whiteout
    marks.mark(axes, MIDDLE, middle, file.layer)
    room = 5.1 if file.hides else RIGHT - MIDDLE - 1.1
    paper.write(axes, MIDDLE + 1.05, middle, file.path, mono=True, at="left", room=room)
    if gone:
        marks.strike_words(axes)
    if not file.hides:
        return
    paper.write(axes, MIDDLE + 6.3, middle, "deletes" if gone else "covers", at="left")
    hidden = sorted(file.hides, reverse=True)
    for index, number in enumerate(hidden[:2]):
        x = MIDDLE + 7.4 + index * 0.98
        marks.mark(axes, x, middle, number)
        marks.strike_mark(axes, x, middle)
    if more := len(hidden[2:]):
        paper.write(axes, MIDDLE + 9.35, middle, f"+{more}", at="left", size=8)


def _sentence(stack: Stack, counts: _Counts) -> str:
    """How many files are seen, from which layers, and how many are hidden."""
    total = sum(counts.seen.values())
    own = stack.own.number if stack.own else 0
    named = {n: f"its own layer, {marks.letter(n)}" if n == own else f"layer {marks.letter(n)}" for n in counts.seen}
    said = [f"{count} from {named[number]}" for number, count in counts.seen.most_common(5)]
    if others := len(counts.seen) - len(said):
        count = total - sum(count for _, count in counts.seen.most_common(5))
        said.append(f"{count} from {marks.amount(others, 'other layer')}")
    layers = marks.amount(len(stack.layers), "layer")
    shown = f"{stack.name} shows {marks.amount(total, 'file')} of {layers}" + (": " if said else "")
    hidden = []
    if counts.covering:
        hidden.append(f"{marks.amount(counts.covering, 'file')} {'covers' if counts.covering == 1 else 'cover'} others")
    if counts.deleted:
        hidden.append(f"{marks.amount(counts.deleted, 'path')} {'is' if counts.deleted == 1 else 'are'} deleted")
    end = f" {paper.series(hidden, '')}." if hidden else ""
    return f"{shown}{paper.series(said, '') if said else ''}.{end}"
