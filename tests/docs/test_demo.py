"""The demo runs from a clone and tells a true story."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(900)
def test_the_demo_shows_its_commands_and_compares_every_byte(tmp_path: Path) -> None:
    answer = subprocess.run(
        [ROOT / "tools" / "demo"],
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
        # A place of its own: in /tmp another demo may be under way.
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "$ xnat-ls sessions | xnat-download --out ./data" in answer.stdout
    assert "108 files, byte for byte" in answer.stdout
    assert "Traceback" not in answer.stdout + answer.stderr
    assert not list(tmp_path.glob("tmp.*/sandbox"))
