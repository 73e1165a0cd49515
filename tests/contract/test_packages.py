"""What every package has, and what the root says about all of them."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from typing import Any

import pytest

from support.workspace import PACKAGES, ROOT, SCRIPTS, Package, pyproject

NAMES = [package.name for package in PACKAGES]
EACH = pytest.mark.parametrize("package", PACKAGES, ids=NAMES)


def version(package: Package) -> str:
    """The version that the import package states."""
    found = re.search(r'^__version__ = "(.+)"$', (package.source / "__init__.py").read_text(), re.M)
    assert found, f"{package.name} states no version"
    return found[1]


def test_all_packages_have_the_version_of_the_workspace() -> None:
    wanted = pyproject(ROOT)["project"]["version"]
    assert {package.name: version(package) for package in PACKAGES} == dict.fromkeys(NAMES, wanted)


@EACH
def test_a_package_is_typed_and_named_like_its_executable(package: Package) -> None:
    assert (package.source / "py.typed").exists()
    assert package.project["name"] == package.name
    assert [executable.name for executable in package.executables] in ([], [package.name])
    assert package.project["license"] == "Apache-2.0"
    assert package.project["requires-python"] == ">=3.10"


def test_the_umbrella_puts_on_the_path_what_it_brings() -> None:
    by_name = {package.name: package for package in PACKAGES}
    umbrella = by_name["xnatctl"].project
    brought = [re.split(r"[^\w.-]", needed, maxsplit=1)[0] for needed in umbrella["dependencies"]]
    scripts = {
        name: target
        for package in (by_name[name] for name in brought)
        for name, target in package.project.get("scripts", {}).items()
    }
    assert len(scripts) > 10
    assert umbrella["scripts"] == {"xnatctl": "xnatctl.dispatch:main", **scripts}


@EACH
def test_a_tool_begins_where_a_signal_leaves_no_traceback(package: Package) -> None:
    """Through `xnat_core.start`, which imports the rest."""
    if not package.executables or package.name in ("xnatctl", "xnat-sandbox"):
        return
    main = f"{package.import_name}.__main__"
    assert package.project["scripts"][package.name] == f"{main}:main"
    text = (package.source / "__main__.py").read_text()
    assert f'return start("{package.import_name}.cli")' in text


@EACH
def test_a_package_has_a_short_readme_that_says_how_to_install_it(package: Package) -> None:
    lines = (package.folder / "README.md").read_text().splitlines()
    assert lines[0] == f"# {package.name}"
    assert f"    pip install {package.name}" in lines
    assert len(lines) <= 20


@EACH
def test_sister_packages_are_needed_in_the_same_version(package: Package) -> None:
    for requirement in package.project.get("dependencies", []):
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        if name in NAMES:
            assert requirement == f"{name}~={version(package)}"


def test_the_root_knows_every_package() -> None:
    root = pyproject(ROOT)
    imports = sorted(package.import_name for package in PACKAGES)
    assert sorted(root["project"]["dependencies"]) == NAMES
    assert sorted(root["tool"]["uv"]["sources"]) == NAMES
    assert root["tool"]["importlinter"]["root_packages"] == imports
    assert sorted(layered(root["tool"]["importlinter"]["contracts"])) == imports
    sources = [f"packages/{name}/src" for name in NAMES]
    assert root["tool"]["mypy"]["mypy_path"] == ["tests", "tools", "tools/bench", *sources]


def layered(contracts: list[dict[str, Any]]) -> list[str]:
    """All packages that stand in a layer."""
    layers = [layer for contract in contracts for layer in contract.get("layers", [])]
    return [name.strip() for layer in layers for name in layer.split("|")]


def test_the_lock_file_is_current() -> None:
    checked = subprocess.run(
        [SCRIPTS / "uv", "lock", "--check", "--quiet"], cwd=ROOT, capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stderr


def test_tests_of_a_package_are_named_like_it() -> None:
    shared = {"cluster", "contract", "docs", "faults", "peers", "pipes", "support", "__pycache__"}
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}
    assert folders - shared <= set(NAMES)


def test_the_change_log_names_the_tool_first() -> None:
    lines = (ROOT / "docs/CHANGELOG.md").read_text().splitlines()
    entries = [line for line in lines if line.startswith("- ")]
    first = Counter(line[2:].partition(":")[0] for line in entries)
    assert set(first) <= {*NAMES, "workspace"}
