"""Where the tools are: beside `xnatctl`, then on `$PATH`."""

from __future__ import annotations

# pathlib takes longer to import than all of xnatctl.
# ruff: noqa: PTH100, PTH113, PTH118, PTH120, PTH208
import os
import sys


def directories() -> list[str]:
    """The folders to look in, in this order, each once.

    Both the link that was called and the file behind it count: pipx links `xnatctl` alone into
    `~/.local/bin`, and the tools it brings stay in its own environment.
    """
    called = os.path.abspath(sys.argv[0])
    beside = [os.path.dirname(called), os.path.dirname(os.path.realpath(called))]
    # An empty part of $PATH means the current folder: nothing there is ours to run.
    path = [part for part in os.environ.get("PATH", os.defpath).split(os.pathsep) if part]
    return list(dict.fromkeys([*beside, os.path.dirname(sys.executable), *path]))


def find(tool: str) -> str | None:
    """The path of an executable by its name."""
    for directory in directories():
        path = os.path.join(directory, tool)
        if _executable(path):
            return path
    return None


def installed() -> dict[str, str]:
    """Every `xnat-…` executable by its name, those of this site included."""
    found: dict[str, str] = {}
    for directory in directories():
        try:
            names = sorted(os.listdir(directory))
        except OSError:
            continue
        for name in names:
            path = os.path.join(directory, name)
            if name.startswith("xnat-") and name not in found and _executable(path):
                found[name] = path
    return dict(sorted(found.items()))


def _executable(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)
