"""The workspace as its own tests see it: packages, executables, verbs. Nothing is named here, so a
new tool gets every check of `tests/contract` by existing.
"""

from __future__ import annotations

import sysconfig
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import tomli

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(sysconfig.get_path("scripts"))


@dataclass(frozen=True)
class Executable:
    """An executable, and the module of its command line, to which `__main__` leads."""

    name: str
    module: str

    @property
    def path(self) -> str:
        """Where it is installed."""
        return str(SCRIPTS / self.name)

    @cached_property
    def commands(self) -> dict[str, Any]:
        """Its verbs; none for a tool without verbs and for one that is not written yet."""
        try:
            commands = getattr(import_module(self.module), "COMMANDS", {})
        except ModuleNotFoundError as error:
            if error.name and self.module.startswith(error.name):
                return {}
            raise
        # What runs without a verb is the tool itself, and checked as such.
        return {verb: command for verb, command in commands.items() if verb}


@dataclass(frozen=True)
class Package:
    """One distribution."""

    folder: Path

    @property
    def name(self) -> str:
        """The name of the distribution."""
        return self.folder.name

    @property
    def import_name(self) -> str:
        """The name of the import package."""
        return self.name.replace("-", "_")

    @property
    def source(self) -> Path:
        """The folder of the import package."""
        return self.folder / "src" / self.import_name

    @cached_property
    def project(self) -> dict[str, Any]:
        """The table `project` of its pyproject.toml."""
        project: dict[str, Any] = pyproject(self.folder)["project"]
        return project

    @property
    def executables(self) -> list[Executable]:
        """What it installs to be called; not what xnatctl installs once more, for pipx."""
        return [
            Executable(name, target.partition(":")[0].replace(".__main__", ".cli"))
            for name, target in self.project.get("scripts", {}).items()
            if not (self.name == "xnatctl" and name.startswith("xnat-"))
        ]


def pyproject(folder: Path) -> dict[str, Any]:
    """The parsed pyproject.toml of a folder."""
    return tomli.loads((folder / "pyproject.toml").read_text())


PACKAGES = [Package(path.parent) for path in sorted(ROOT.glob("packages/*/pyproject.toml"))]
EXECUTABLES = [executable for package in PACKAGES for executable in package.executables]
VERBS = [(executable, verb) for executable in EXECUTABLES for verb in executable.commands]
