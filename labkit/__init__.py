"""labkit drives a real Docker daemon, looks underneath it, and judges exercises by what it finds.

The names below are all that a notebook needs; each is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labkit.version import __version__

_HOMES = {
    "connect": "labkit.daemon",
    "open_host": "labkit.hosts",
    "run": "labkit.sandbox",
    "workbench": "labkit.bench",
    "wait_until": "labkit.sandbox",
    "clean": "labkit.sandbox",
    "things": "labkit.sandbox",
    "ensure": "labkit.images",
    "sh": "labkit.terminal",
    "wiretap": "labkit.tap.wiretap",
    "begin": "labkit.course.desk",
    "check": "labkit.course.desk",
    "hint": "labkit.course.desk",
    "solution": "labkit.course.desk",
    "progress": "labkit.course.desk",
    "tidy": "labkit.course.desk",
    "submit": "labkit.course.submit",
}

__all__ = [*_HOMES, "__version__"]

if TYPE_CHECKING:
    from labkit.bench import workbench
    from labkit.course.desk import begin, check, hint, progress, solution, tidy
    from labkit.course.submit import submit
    from labkit.daemon import connect
    from labkit.hosts import open_host
    from labkit.images import ensure
    from labkit.sandbox import clean, run, things, wait_until
    from labkit.tap.wiretap import wiretap
    from labkit.terminal import sh


def __getattr__(name: str) -> Any:
    import importlib

    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'labkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})
