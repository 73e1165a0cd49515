"""`xnatctl tools`: what is installed."""

from __future__ import annotations

import subprocess

from xnatctl.aliases import TOOLS
from xnatctl.find import installed


def inventory() -> str:
    """One line per tool: name, version, path.

    A tool of this site is not asked for its version: nobody promised that it has `--version`.
    """
    paths = installed()
    asked = {name: _asked(path) for name, path in paths.items() if name in TOOLS}
    versions = {name: _version(process) for name, process in asked.items()}
    width = max((len(name) for name in paths), default=0) + 2
    return "".join(
        f"{name:<{width}}{versions.get(name, '-'):<10}{path}\n" for name, path in paths.items()
    )


def _asked(path: str) -> subprocess.Popen[str] | None:
    """A tool on its way to tell its version; None for one that cannot be started, as when the
    Python that it was installed for is gone."""
    try:
        return subprocess.Popen(
            [path, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    except OSError:
        return None


def _version(process: subprocess.Popen[str] | None) -> str:
    words = process.communicate()[0].split() if process else ()
    return words[1] if len(words) == 2 else "?"
