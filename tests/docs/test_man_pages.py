"""Man pages say what `--help` says, in what man takes without complaint."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from support.judges import judge
from support.workspace import PACKAGES, ROOT

TOOLS = sorted(executable.name for package in PACKAGES for executable in package.executables)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All man pages."""
    folder = tmp_path_factory.mktemp("man")
    subprocess.run([sys.executable, ROOT / "tools/gen_man.py", folder], check=True)
    return folder


def test_every_tool_has_one(pages: Path) -> None:
    assert sorted(page.stem for page in pages.glob("*.1")) == TOOLS


@pytest.mark.parametrize("tool", TOOLS)
def test_groff_has_no_complaints_and_loses_nothing(pages: Path, tool: str) -> None:
    command = [judge("groff"), "-ww", "-man", "-Tutf8", "-rLL=200n", "-P-c", "-P-bou", f"{tool}.1"]
    ran = subprocess.run(command, cwd=pages, capture_output=True, text=True, check=True)
    assert ran.stderr == ""
    told = subprocess.run([tool, "--help"], capture_output=True, text=True, check=True).stdout
    words = {word for word in told.split() if word.startswith("--")}
    assert words and words <= set(ran.stdout.split())
