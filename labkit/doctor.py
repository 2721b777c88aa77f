"""Look at everything that a learner needs before the first chapter, and say what to do where something is missing.

Nothing is changed by looking: a helper container or an image that was made for it goes again.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from labkit import errors, images, leftovers, parts, remedies, sandbox
from labkit.daemon import Daemon, connect
from labkit.helper import container_name
from labkit.hosts import open_host

State = Literal["ok", "note", "bad", "unknown"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: what; the names and their order are the same on every computer.
        state: ``bad`` keeps a learner from starting, ``note`` does not; ``unknown`` could not be looked at.
        fact: what was found, as a sentence.
        value: the same for a program: a text, a number, a list or a dict.
        remedy: what to do, where something is to be done.
    """

    name: str
    state: State
    fact: str
    value: Any = None
    remedy: str = ""


def examine() -> list[Finding]:
    """Look at everything, in order; nothing is raised."""
    here = [_python(), _jupyterlab()]
    try:
        daemon = connect(quiet=True)
    except errors.LabError as error:
        failed, *others = (Finding(name, "unknown", "No daemon to ask.") for name in _QUESTIONS)
        return [*here, replace(failed, state="bad", fact=error.problem, remedy=error.remedy), *others]
    return [*here, *(_ask(name, daemon) for name in _QUESTIONS)]


def ready(findings: list[Finding]) -> bool:
    """Whether a learner can start."""
    return all(finding.state in ("ok", "note") for finding in findings)


def as_object(findings: list[Finding]) -> dict[str, Any]:
    """The same as one object for a program: ``ready``, and each finding under its name."""
    return {"ready": ready(findings), "findings": {finding.name: asdict(finding) for finding in findings}}


def _ask(name: str, daemon: Daemon) -> Finding:
    """Ask one question; an error is an answer too."""
    try:
        state, fact, value, *remedy = _QUESTIONS[name](daemon)
        return Finding(name, state, fact, value, *remedy)
    except errors.LabError as error:
        return Finding(name, "bad", error.problem, None, error.remedy)
    except Exception as error:  # whatever it is, the other questions are asked too
        return Finding(name, "bad", f"The question failed: {error!r}", None, remedies.hung())


# --- this computer ----------------------------------------------------------------------------


def _python() -> Finding:
    return Finding("python", "ok", f"Python {platform.python_version()}.", platform.python_version())


def _jupyterlab() -> Finding:
    try:
        found = version("jupyterlab")
    except PackageNotFoundError:
        return Finding("jupyterlab", "bad", "JupyterLab is not installed here.", None, JUPYTERLAB)
    return Finding("jupyterlab", "ok", f"JupyterLab {found}.", found)


JUPYTERLAB = "`make lab` in the course's folder installs it; or `pip install jupyterlab`."
DOCKER = (
    "On Debian or Ubuntu: `sudo apt install docker-cli` (older releases: docker.io). "
    "Docker Desktop brings it; `brew install docker` elsewhere."
)


# --- the daemon: each question answers with state, fact, value and perhaps a remedy -------------


def _passed_over(daemon: Daemon) -> tuple[Any, ...]:
    if not daemon.passed_over:
        return "ok", "No other address was tried before.", []
    return "note", " ".join(daemon.passed_over), list(daemon.passed_over)


def _place(daemon: Daemon) -> tuple[Any, ...]:
    words = {
        "here": "The daemon runs on this computer.",
        "desktop": "The daemon runs in a virtual machine of this computer.",
        "elsewhere": "The daemon runs on another computer.",
    }
    return "ok", words[daemon.place], daemon.place


def _command(daemon: Daemon) -> tuple[Any, ...]:
    path = shutil.which("docker")
    if not path:
        return "bad", "There is no docker command, and the chapters use it.", None, DOCKER
    said = _run(path, "--version").stdout.strip()
    known = said.removeprefix("Docker version ").partition(",")[0]
    answer = _run(path, "info", "--format", "{{.ID}}")
    if answer.stdout.strip() != daemon.info["ID"]:
        reason = answer.stderr.strip() or "it reaches another one"
        return "bad", f"{path} does not reach this daemon: {reason}.", known, "`docker context ls` shows where it goes."
    return "ok", f"{said}, at {path}, reaches the same daemon.", known


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)


def _busybox(daemon: Daemon) -> tuple[Any, ...]:
    if images.BUSYBOX in [tag for tag, *_ in images.listing(daemon)]:
        return "ok", f"The daemon has {images.BUSYBOX}.", "image"
    part = parts.find(daemon.architecture)
    return "ok", f"{images.BUSYBOX} is not made yet; its part is here: {part!r}.", "part"


def _leftovers(daemon: Daemon) -> tuple[Any, ...]:
    count = Counter(thing.kind for thing in leftovers.things(daemon, whose=sandbox.owner()))
    value = {kind: count[kind] for kind in ("container", "network", "volume", "image")}
    if not count:
        return "ok", "Nothing on the daemon has the course's label.", value
    words = ", ".join(f"{number} {kind}{'s'[: number > 1]}" for kind, number in value.items() if number)
    fact = f"Made by the course and still there: {words}."
    if count.keys() == {"image"}:
        return "ok", fact, value
    return "note", fact, value, "`labkit clean` removes that, when you are done."


def _host(daemon: Daemon) -> tuple[Any, ...]:
    before = {thing.id for thing in leftovers.things(daemon)}
    try:
        host = open_host(daemon)
        try:
            kernel = host.text("/proc/sys/kernel/osrelease").strip()
        finally:
            host.close()
    finally:
        made = [thing for thing in leftovers.things(daemon) if thing.id not in before]
        leftovers.remove(daemon, [thing for thing in made if thing.name in (container_name(), images.BUSYBOX)])
    kind = type(host).__name__
    if kernel != daemon.info["KernelVersion"]:
        fact = f"{kind} looks at a computer with kernel {kernel}, the daemon's has {daemon.info['KernelVersion']}."
        return "bad", fact, kind, "Remove LABKIT_HOST, or set LABKIT_HOST=helper."
    way = "through a helper container" if kind == "HelperHost" else "directly, as root"
    return "ok", f"The daemon's host (kernel {kernel}) can be read: {way} ({kind}).", kind


_QUESTIONS: dict[str, Callable[[Daemon], tuple[Any, ...]]] = {
    "daemon": lambda daemon: ("ok", daemon.report().splitlines()[0], daemon.endpoint.url),
    "passed_over": _passed_over,
    "engine": lambda daemon: ("ok", f"Docker Engine {daemon.engine}.", daemon.engine),
    "api": lambda daemon: ("ok", f"The client speaks API {daemon.api} with it.", daemon.api),
    "store": lambda daemon: ("ok", f"Images are in the {daemon.store} store.", daemon.store),
    "cgroup": lambda daemon: ("ok", f"The kernel has cgroup v{daemon.cgroup}.", daemon.cgroup),
    "architecture": lambda daemon: ("ok", f"Its processor is {daemon.architecture}.", daemon.architecture),
    "place": _place,
    "root": lambda daemon: ("ok", f"Its data is in {daemon.root}, on its own host.", daemon.root),
    "docker": _command,
    "busybox": _busybox,
    "leftovers": _leftovers,
    "host": _host,
}
