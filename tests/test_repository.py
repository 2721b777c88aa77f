"""The rules of the repository that a machine can hold: versions, layout, cleanliness, who imports whom."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]

# --- Versions ---------------------------------------------------------------------------------------------

CONDA_NAMES = {"docker-py": "docker", "matplotlib-base": "matplotlib"}  # conda-forge's name → Python's name


@cache
def asked() -> dict[str, list[Requirement]]:
    """Return what pyproject.toml asks for: "run" for every user, "dev" for contributors."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {
        "run": [Requirement(line) for line in project["dependencies"]],
        "dev": [Requirement(line) for line in project["optional-dependencies"]["dev"]],
    }


@cache
def locked() -> list[Requirement]:
    """Return the pins of requirements.lock; a name stands there twice where Python versions differ."""
    lines = (ROOT / "requirements.lock").read_text("utf-8").splitlines()
    return [Requirement(line.removesuffix("\\")) for line in lines if re.match(r"\w", line)]


def test_conda_and_pip_ask_for_the_same_versions() -> None:
    """environment.yml and pyproject.toml name the same packages with the same versions."""
    lines = re.findall(r"^  - ([\w.-]+)([=<>]\S+)", (ROOT / "environment.yml").read_text("utf-8"), re.MULTILINE)
    conda = {CONDA_NAMES.get(name, name): version for name, version in lines}
    python = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["requires-python"]
    everywhere = [wanted for wanted in asked()["run"] if not wanted.marker]  # an environment file knows no "only on"
    assert conda == {r.name: str(r.specifier) for r in everywhere} | {"python": python}


@pytest.mark.parametrize("wanted", asked()["run"] + asked()["dev"], ids=lambda r: r.name)
def test_the_lock_has_what_pyproject_asks(wanted: Requirement) -> None:
    """Every package that pyproject.toml asks for is in the lock, in a version it accepts."""
    pins = [pin for pin in locked() if canonicalize_name(pin.name) == canonicalize_name(wanted.name)]
    versions = [next(iter(pin.specifier)).version for pin in pins]
    assert versions
    assert all(version in wanted.specifier for version in versions)


def test_the_lock_is_exact_and_names_no_place() -> None:
    """The lock pins each package with == and hashes, and names neither an index nor a folder."""
    text = (ROOT / "requirements.lock").read_text("utf-8")
    assert all([s.operator for s in pin.specifier] == ["=="] for pin in locked())
    assert len(re.findall(r"^\w.*\\\n    --hash=sha256:", text, re.MULTILINE)) == len(locked())
    assert not re.search(r"^-|://", text, re.MULTILINE)


# --- Layout and cleanliness -------------------------------------------------------------------------------

TOP = """
    README.md CHANGELOG.md CONTRIBUTING.md LICENSE LICENSE-PROSE
    pyproject.toml requirements.lock environment.yml Makefile
    notebooks labkit tests binder .ci .devcontainer .dockerignore .github
    .gitignore .gitattributes .editorconfig .pre-commit-config.yaml
"""

# A folder of somebody's machine at the start of a path. "/home/learner" and "/home/jovyan" are the homes that
# examples and images use. Temporary folders count where a program made up their names.
BEFORE = r"""(?:^|[\s"'`=:,;(\[<>]|\\[nrt]|file://)"""
MACHINE_PATH = re.compile(
    BEFORE + r"(?:/(?:(?:root|work)/|Users/\w|home/(?!learner\b|jovyan\b)\w|tmp/(?:tmp|pytest-of-))|[A-Z]:\\+Users)",
    re.MULTILINE,
)
REGISTRY = re.compile(r"\b(?:pypi|pythonhosted|debian|ubuntu|npmjs|anaconda|conda)\.(?:org|com|net|io)\b")


@cache
def project_files() -> list[str]:
    """Return the files that git would keep: tracked ones and new ones that are not ignored."""
    # safe.directory: CI's checkout may belong to another user than the one who runs the tests.
    command = "git -c safe.directory=* ls-files -z --cached --others --exclude-standard"
    out = subprocess.run(command.split(), cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [name for name in out.split("\0") if name and (ROOT / name).is_file()]


def found(pattern: re.Pattern[str]) -> list[str]:
    """Return "file:line: match" for each match in the project's text files."""
    hits = []
    for name in project_files():
        data = (ROOT / name).read_bytes()
        text = "" if b"\0" in data else data.decode("utf-8")
        hits += [f"{name}:{text.count(chr(10), 0, m.start()) + 1}: {m[0]!r}" for m in pattern.finditer(text)]
    return hits


def test_the_top_level_is_as_planned() -> None:
    """The top level holds what the architecture names and nothing else."""
    top = {name.split("/")[0] for name in project_files()}
    assert set(TOP.split()) - top == set(), "missing"
    assert top - set(TOP.split()) == set(), "nobody decided on these: write them into TOP, or move them"


def test_no_path_of_a_machine() -> None:
    """No file names a folder of the machine it was written on."""
    assert found(MACHINE_PATH) == []


def test_no_registry_host() -> None:
    """No file names the host of a package registry: mirrors and offline rooms must work too."""
    assert found(REGISTRY) == []


@pytest.mark.parametrize("folder", ["root", "home/ada", "work", "Users/ada", "tmp/tmpab12"])
@pytest.mark.parametrize("before", ["", "see ", '"', "=", "file://", "x\\n"])
def test_paths_of_machines_are_recognised(folder: str, before: str) -> None:
    """The pattern finds a machine's folder wherever a path can start."""
    assert MACHINE_PATH.search(f"{before}/{folder}/x")


@pytest.mark.parametrize(
    "path", ["/host/root/x", "/".join(("overlay2", "ab12", "work", "x")), "/root:/bin/sh", "/home/learner/x"]
)
def test_other_paths_are_left_alone(path: str) -> None:
    """Paths below the helper's view of the host, overlay's work folders and example homes are no leak."""
    assert not MACHINE_PATH.search(path)


@pytest.mark.parametrize("parts", [("files", "pythonhosted", "org"), ("deb", "debian", "org"), ("npmjs", "com")])
def test_registry_hosts_are_recognised(parts: tuple[str, ...]) -> None:
    """The pattern finds a registry's host with or without a subdomain."""
    assert REGISTRY.search(f"from https://{'.'.join(parts)}/simple")


# --- labkit: who imports whom, and how long things are ----------------------------------------------------

# From the ground up. A module may import its own storey and those below it, never one above.
STOREYS = [
    {"errors", "remedies", "version"},
    {"parts", "oci", "busybox", "scripts", "endpoint", "relay"},
    {"machine"},
    {"daemon"},
    {
        "stream",
        "host",
        "hosts",
        "local",
        "helper",
        "folders",
        "answers",
        "images",
        "sandbox",
        "bench",
        "leftovers",
        "kit",
        "programs",
        "terminal",
    },
    {"inside"},
    {"engine", "forward", "second"},
    {"tap"},
    {"draw"},
    {"course"},
    {"grade"},
    {"__init__"},
    {"cli", "doctor"},
    {"__main__"},
]
SPEAKS_DOCKER = {"daemon", "stream", "sandbox", "leftovers", "images", "programs", "course"}
MODULES = sorted((ROOT / "labkit").rglob("*.py"))
each_module = pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))


def room(module: str) -> str:
    """Return the room of a dotted name: "labkit.inside.mounts" → "inside"."""
    return [*module.split("."), "__init__"][1]


def room_of(path: Path) -> str:
    """Return the room a file of labkit stands in."""
    return path.relative_to(ROOT / "labkit").parts[0].removesuffix(".py")


def storey(name: str) -> int:
    """Return how high a room stands; a room without a place in STOREYS fails the test that asks."""
    places = [height for height, rooms in enumerate(STOREYS) if name in rooms]
    assert places, f"labkit.{name} has no storey: decide who may import it and add it to STOREYS"
    return places[0]


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (module, name) for each import in a file, also inside functions; name is "" for a plain import."""
    package = ("labkit", *path.relative_to(ROOT / "labkit").parts[:-1])
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((module, alias.name) for alias in node.names)


def labkit_imports(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (dotted name of a labkit module, name taken from it) for each import of labkit in a file."""
    rooms = {room_of(module) for module in MODULES}
    for module, name in imports(path):
        if module == "labkit" and name in rooms:  # `from labkit import errors` is an import of labkit.errors
            yield f"labkit.{name}", ""
        elif module.split(".")[0] == "labkit":
            yield module, name


def test_labkit_is_there() -> None:
    """The tests below have a package to look at."""
    assert ROOT / "labkit" / "__init__.py" in MODULES


@each_module
def test_imports_point_down(path: Path) -> None:
    """A module of labkit imports from its own storey or below, also inside its functions."""
    here = storey(room_of(path))
    assert [module for module, _ in labkit_imports(path) if storey(room(module)) > here] == []


@each_module
def test_only_some_rooms_speak_docker(path: Path) -> None:
    """Only the rooms that talk to the daemon import docker-py: readers get a Host, pictures get values."""
    speaks = any(module.split(".")[0] == "docker" for module, _ in imports(path))
    assert not speaks or room_of(path) in SPEAKS_DOCKER


@each_module
def test_pictures_know_only_values(path: Path) -> None:
    """A picture imports nothing of labkit but value types of the readers: draw never reads the system."""
    if room_of(path) != "draw":
        return
    others = [(m, n) for m, n in labkit_imports(path) if room(m) != "draw"]
    assert [(m, n) for m, n in others if room(m) != "inside" or not n[:1].isupper()] == []


@each_module
def test_modules_explain_themselves_and_stay_short(path: Path) -> None:
    """Every module opens with a docstring and has at most 250 lines."""
    text = path.read_text("utf-8")
    assert ast.get_docstring(ast.parse(text))
    length = len(text.splitlines())
    assert length <= 250


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> int:
    """Return the length of a function's body without docstring, comments and empty lines."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    source = lines[body[0].lineno - 1 : body[-1].end_lineno] if body else []
    return sum(1 for line in source if line.strip() and not line.lstrip().startswith("#"))


@each_module
def test_functions_stay_short(path: Path) -> None:
    """No function's body is longer than 30 lines of code."""
    text = path.read_text("utf-8")
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = {f.name: code_lines(f, text.splitlines()) for f in functions}
    assert {name: length for name, length in long.items() if length > 30} == {}


def test_importing_labkit_is_light() -> None:
    """`import labkit` loads neither docker-py nor matplotlib nor ipywidgets: each waits for its first use."""
    code = "import sys, labkit; print(*{'docker', 'matplotlib', 'ipywidgets'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, text=True)
    assert out.stdout.split() == []


# --- Tests ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("test_*.py")), ids=lambda p: p.name)
def test_every_test_states_its_truth(path: Path) -> None:
    """Every test has a docstring of one line: the sentence it proves."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    tests = [n for n in nodes if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")]
    assert [t.name for t in tests if len((ast.get_docstring(t) or "\n").splitlines()) != 1] == []
