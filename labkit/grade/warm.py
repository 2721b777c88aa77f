"""What the nursery imports, once, before it forks: every kernel finds it there."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Sequence

WARM = (  # noqa: SIM905 - words read better than forty quotes
    "labkit.grade.outstream ipykernel.kernelapp ipykernel.ipkernel ipykernel.zmqshell ipykernel.debugger "
    "IPython.core.completer IPython.core.completerlib IPython.core.debugger IPython.core.logger IPython.core.oinspect "
    "IPython.extensions.storemagic tornado.platform.asyncio psutil pexpect "
    "stack_data executing asttokens.util pure_eval.utils pygments.formatters.terminal256 pygments.styles"
).split()
"""What every kernel wants to start, and to show a traceback."""

PICTURES = ["matplotlib.pyplot", "matplotlib_inline.backend_inline"]

BEHIND = {
    "matplotlib": PICTURES,
    "labkit": PICTURES
    + (  # noqa: SIM905
        "docker requests labkit.hosts labkit.helper labkit.images labkit.terminal labkit.draw labkit.course.desk "
        "labkit.tap.wiretap labkit.second labkit.inside.life labkit.inside.namespaces labkit.inside.permissions "
        "labkit.inside.route labkit.bench labkit.inside.archive labkit.inside.copyup labkit.inside.layers "
        "labkit.inside.union labkit.inside.census labkit.inside.endings labkit.inside.signals"
    ).split(),
}
"""What is imported only when a name of these packages is used."""


def warm(packages: Sequence[str]) -> None:
    """Import what every kernel wants, these packages, and what is behind them; what is missing is left to the cells."""
    behind = [name for package in packages for name in BEHIND.get(package, ())]
    for name in (*WARM, *packages, *behind):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
