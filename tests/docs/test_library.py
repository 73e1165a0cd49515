"""The examples of the library page run, one after the other, as one script."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.conftest import DOCS
from support.sandbox import XNAT
from xnat_sandbox.samples import write_series


def test_the_examples_run_as_they_stand(
    xnat: XNAT, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"XNAT_URL": xnat.url, "XNAT_USER": "admin", "XNAT_PASS": "admin"}.items():
        monkeypatch.setenv(name, value)
    xnat.has_session("NEURO", "S0", "S0_MR1", scans={"1": {"a.dcm": b"a"}}, date="2024-04-30")
    write_series(tmp_path / "incoming" / "S1", study_uid="1.2.3")
    examples = re.findall(r"^```python\n(.*?)^```$", (DOCS / "library.md").read_text(), re.M | re.S)
    script = tmp_path / "examples.py"
    script.write_text("\n".join(examples))
    answer = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.splitlines() == [
        "admin",
        "200",
        "['NEURO']",
        xnat.url,
        "NEURO S0_MR1 2024-04-30 ['1']",
        "True 3 []",
        "True 3 True",
        "session NEURO/NO_SUCH_SESSION",
    ]
