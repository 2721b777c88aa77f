"""What can be told of an answer before it is graded, without running it: from its text, and from what was run."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable

from labkit.course.saved import Cell, shell, source
from labkit.course.seed import BIRDS

# --- Its text ------------------------------------------------------------------------------------------------


def _parse(text: str) -> ast.Module | None:
    """The statements of a cell; None where it is not plain Python."""
    with warnings.catch_warnings(action="ignore"):
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def is_empty(text: str) -> bool:
    """True if there is no answer yet: nothing but comments, None, and functions without a body."""
    tree = _parse(text)
    return all(map(_says_nothing, tree.body)) if tree else not text.strip()


def _says_nothing(statement: ast.stmt) -> bool:
    match statement:
        case ast.FunctionDef(body=body):
            return all(map(_says_nothing, body))
        case ast.Pass() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Assign(value=value) | ast.AnnAssign(value=value) | ast.Return(value=value):
            return value is None or (isinstance(value, ast.Constant) and value.value in (None, ...))
    return False


_DRAWN = re.compile(rf"\b(?:{'|'.join(BIRDS)})-[0-9a-f]{{4}}\b")


def is_fixed(text: str, *, value: bool) -> bool:
    """True if an answer can be right only in the world it was written in.

    It holds a word that was drawn for one learner, such as ``heron-3f07``; or it is a value, and the cell
    makes it without looking at anything.

    Args:
        text: the cell.
        value: whether the answer is a value.
    """
    tree = _parse(text)
    if tree is None:
        return bool(_DRAWN.search(text))
    nodes = list(ast.walk(tree))
    if any(isinstance(node, ast.Constant) and _DRAWN.search(str(node.value)) for node in nodes):
        return True
    names = [node for node in nodes if isinstance(node, ast.Name)]
    made = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    looked_at = {node.id for node in names if isinstance(node.ctx, ast.Load)} - made
    return value and bool(made) and not looked_at and not any(isinstance(n, ast.Import | ast.ImportFrom) for n in nodes)


# --- What this kernel ran ------------------------------------------------------------------------------------


def cells_run() -> list[str]:
    """The texts of the cells that this kernel ran, by their count; empty where nobody counts."""
    return list(getattr(getattr(shell(), "history_manager", None), "input_hist_raw", []))


def _plain(texts: Iterable[str]) -> list[str]:
    return [" ".join(text.split()) for text in texts]


def was_run(cells: Iterable[Cell], ran: list[str]) -> bool:
    """True if the kernel ran these cells as they are saved; white space does not count."""
    return set(_plain(map(source, cells))) <= {"", *_plain(ran)}


def ran_since(cells: Iterable[Cell], ran: list[str]) -> bool:
    """True if cells ran after the notebook was saved whose text is not in the file: somebody still writes.

    A saved cell has the count of its last run; the newest count that the kernel confirms is when it was saved.
    """
    pairs = [(cell.get("execution_count"), text) for cell in cells for text in _plain([source(cell)])]
    texts = [text for _, text in pairs]
    done = _plain(ran)[:-1]  # the last one is running now
    last = max((n for n, text in enumerate(done) if n and (n, text) in pairs), default=0)
    return any("submit" not in text for text in done[last + 1 :] if text not in texts)
