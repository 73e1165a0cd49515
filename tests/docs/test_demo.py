"""The demo runs from a clone and tells a true story."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.timeout(900)
def test_the_demo_shows_its_commands_and_compares_every_byte() -> None:
    before = set(Path("/tmp").iterdir())
    answer = subprocess.run(
        [ROOT / "tools" / "demo"],
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
        env={**os.environ, "TMPDIR": "/tmp"},
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "$ xnat-ls sessions | xnat-download --out ./data" in answer.stdout
    assert "108 files, byte for byte" in answer.stdout
    assert "Traceback" not in answer.stdout + answer.stderr
    left = {path for path in set(Path("/tmp").iterdir()) - before if path.name.startswith("tmp.")}
    assert not any((path / "sandbox").exists() for path in left)
