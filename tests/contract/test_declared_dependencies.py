"""What a package imports it declares, and what it declares it imports."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import distributions

import pytest

from support.workspace import PACKAGES, Package

OURS = {package.name: package for package in PACKAGES}
# Type checkers bring these; at run time they are never imported.
FOR_TYPE_CHECKERS = {"_typeshed", "typing_extensions"}
EACH = pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)


def normal(name: str) -> str:
    """One spelling for the name of a distribution."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(package: Package) -> set[str]:
    """The distributions that a package says it needs, those of its extras included."""
    extras = package.project.get("optional-dependencies", {}).values()
    lists = [package.project.get("dependencies", []), *extras]
    names = (re.match(r"[\w.-]+", requirement) for names in lists for requirement in names)
    return {normal(name[0]) for name in names if name}


def imported(package: Package) -> Iterator[tuple[str, str]]:
    """Where each import statement stands, and the top-level name it imports."""
    for path in sorted(package.source.rglob("*.py")):
        for line, name in tops(ast.parse(path.read_bytes())):
            yield f"{path.relative_to(package.folder)}:{line}", name


def tops(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and top-level name of each import in a tree."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        names = [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            names = [] if node.level else [node.module or ""]
        for name in names:
            yield node.lineno, name.partition(".")[0]


@cache
def owners() -> dict[str, set[str]]:
    """The distributions that bring an import name."""
    found: dict[str, set[str]] = {}
    for distribution in distributions():
        for path in distribution.files or ():
            top = path.parts[0].partition(".")[0]
            found.setdefault(top, set()).add(normal(distribution.metadata["Name"]))
    return found | {package.import_name: {package.name} for package in PACKAGES}


@EACH
def test_every_import_is_declared(package: Package) -> None:
    known = owners()
    allowed = declared(package) | {package.name}
    free = sys.stdlib_module_names | FOR_TYPE_CHECKERS
    undeclared = [
        f"{place} imports {name}"
        for place, name in imported(package)
        if name not in free and not known.get(name, set()) & allowed
    ]
    assert undeclared == []


@EACH
def test_what_type_checkers_bring_is_not_imported_at_run_time(package: Package) -> None:
    for path in sorted(package.source.rglob("*.py")):
        for node in ast.parse(path.read_bytes()).body:
            names = {name for _, name in tops(node)} if not isinstance(node, ast.If) else set()
            assert not names & FOR_TYPE_CHECKERS, path


@EACH
def test_every_declared_dependency_is_imported(package: Package) -> None:
    known = owners()
    used = {name for _, top in imported(package) for name in known.get(top, set())}
    # A tool may be needed to be executed, not imported.
    tools = {name for name, ours in OURS.items() if ours.executables}
    assert declared(package) - used - tools == set()
