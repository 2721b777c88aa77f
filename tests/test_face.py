"""The public names of labkit: few, documented, and loaded when they are first used."""

from __future__ import annotations

import inspect
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import labkit

ROOT = Path(__file__).parents[1]
FUNCTIONS = [name for name in labkit.__all__ if not name.startswith("_")]
each_function = pytest.mark.parametrize("name", FUNCTIONS)


def python(code: str) -> str:
    """What a fresh Python prints."""
    words = [sys.executable, "-c", code]
    return subprocess.run(words, cwd=ROOT, capture_output=True, check=True, text=True).stdout.strip()


def test_there_are_few_names() -> None:
    """labkit has at most 25 public names, each of them once."""
    assert len(labkit.__all__) == len(set(labkit.__all__)) <= 25


@each_function
def test_each_name_explains_itself(name: str) -> None:
    """Every public name is a function with a docstring whose first line is a sentence."""
    function = getattr(labkit, name)
    assert inspect.isfunction(function)
    assert (inspect.getdoc(function) or "").splitlines()[0].endswith(".")


@each_function
def test_every_argument_is_described(name: str) -> None:
    """Where a docstring has a list of arguments, it names every one."""
    function = getattr(labkit, name)
    text = inspect.getdoc(function) or ""
    missing = [word for word in inspect.signature(function).parameters if f"{word}:" not in text]
    assert missing == [] or "Args:" not in text


def test_dir_lists_the_names() -> None:
    """dir() lists the public names before any of them was used, and no helper of the module itself."""
    listed = python("import labkit; print(*(name for name in dir(labkit) if not name.startswith('_')))").split()
    assert listed == sorted(FUNCTIONS)


@pytest.mark.parametrize("statement", ["import labkit", "import labkit; dir(labkit)", "import labkit; labkit.sh"])
def test_importing_is_light(statement: str) -> None:
    """Importing labkit loads neither docker nor matplotlib nor widgets nor IPython."""
    heavy = "{'docker', 'matplotlib', 'ipywidgets', 'IPython', 'numpy'}"
    assert python(f"import sys; {statement}; print(sorted({heavy} & set(sys.modules)))") == "[]"


@pytest.mark.parametrize("name", ["nosuch", "Daemon", "__path_to_nowhere__", "_registry"])
def test_an_unknown_name_is_an_attribute_error(name: str) -> None:
    """A name that labkit does not have raises AttributeError, so that hasattr() works."""
    assert not hasattr(labkit, name)
    with pytest.raises(AttributeError, match=f"module 'labkit' has no attribute '{name}'"):
        getattr(labkit, name)


@each_function
def test_names_can_be_imported(name: str) -> None:
    """`from labkit import name` gives what the module behind it has, each time the same."""
    namespace: dict[str, object] = {}
    exec(f"from labkit import {name} as one; from labkit import {name} as other", namespace)
    assert namespace["one"] is namespace["other"] is getattr(labkit, name)


def test_no_module_hides_a_name() -> None:
    """No module of the package has a public name's name: importing it would take the name's place."""
    modules = {path.stem for path in (ROOT / "labkit").iterdir()}
    assert modules & set(FUNCTIONS) == set()


def test_the_version_is_the_packages() -> None:
    """The version in the package is the one in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == labkit.__version__
