"""A toolbox of pretended tools, and what xnatctl would become."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from xnatctl import find
from xnatctl.aliases import TOOLS
from xnatctl.dispatch import main

Executed = Callable[..., str]


class BecameAnother(Exception):
    """Stands for the process that `execv` replaces."""


@pytest.fixture
def toolbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder that xnatctl sees; every tool of the toolbox is in it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in TOOLS:
        add_tool(folder, name, "exit 0")
    monkeypatch.setattr(find, "directories", lambda: [str(folder)])
    return folder


@pytest.fixture
def executed(toolbox: Path, monkeypatch: pytest.MonkeyPatch) -> Executed:
    """Run xnatctl and tell the command line that it would execute."""
    commands: list[list[str]] = []

    def become(path: str, words: list[str]) -> None:
        assert words[0] == path
        commands.append([Path(path).name, *words[1:]])
        raise BecameAnother

    monkeypatch.setattr("os.execv", become)

    def run(*words: str) -> str:
        with pytest.raises(BecameAnother):
            main(words)
        return " ".join(commands[-1])

    return run


def add_tool(folder: Path, name: str, script: str) -> Path:
    """Put an executable into `folder`."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path
