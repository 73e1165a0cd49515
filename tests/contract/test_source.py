"""What the source must never do, whoever writes it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.workspace import PACKAGES, Package

# Calls that run or load whatever a text or a file says.
FORBIDDEN = {
    "eval",
    "exec",
    "os.system",
    "os.popen",
    "pickle.load",
    "pickle.loads",
    "marshal.loads",
    "shelve.open",
    "yaml.load",
    "yaml.load_all",
    "yaml.unsafe_load",
    "yaml.full_load",
    "tempfile.mktemp",
}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_nothing_runs_or_loads_what_a_text_says(package: Package) -> None:
    found = [
        f"{path.name}:{call.lineno}: {name_of(call.func)}"
        for path, call in calls(package)
        if name_of(call.func) in FORBIDDEN
    ]
    assert found == []


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_no_command_goes_through_a_shell(package: Package) -> None:
    found = [
        f"{path.name}:{call.lineno}"
        for path, call in calls(package)
        for word in call.keywords
        if word.arg == "shell"
    ]
    assert found == []


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_no_query_numbers_its_values(package: Package) -> None:
    """Python 3.14 refuses `?1` with a sequence; 3.12 warns."""
    found = [
        f"{path.name}:{text.lineno}"
        for path in package.source.rglob("*.py")
        for text in ast.walk(ast.parse(path.read_text()))
        if isinstance(text, ast.Constant) and re.search(r"(?<![\w(?])\?\d", str(text.value))
    ]
    assert found == []


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_no_disk_that_does_not_tell_is_taken_for_empty(package: Package) -> None:
    """`Path.exists` does so from Python 3.14 on; `xnat_core.presence` does not."""
    if package.name == "xnat-sandbox":
        pytest.skip("its folder is its own, and it stands alone")
    found = [
        f"{path.name}:{call.lineno}"
        for path, call in calls(package)
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("exists", "lexists")
    ]
    assert found == []


def calls(package: Package) -> Iterator[tuple[Path, ast.Call]]:
    """Every call in a package."""
    for path in package.source.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                yield path, node


def name_of(function: ast.expr) -> str:
    """`a.b` of `a.b(...)`; empty for anything that is no plain name."""
    if isinstance(function, ast.Name):
        return function.id
    if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        return f"{function.value.id}.{function.attr}"
    return ""
