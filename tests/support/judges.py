"""Programs of others that tests compare with."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

# Not those of a Python environment: pynetdicom brings programs of the same names as DCMTK's.
_FOLDERS = [*os.environ.get("PATH", "").split(os.pathsep), "/usr/sbin"]
_PATH = os.pathsep.join(
    folder for folder in _FOLDERS if not (Path(folder).parent / "pyvenv.cfg").exists()
)


def judge(program: str) -> str:
    """The path of a program; without it the test is skipped, and fails where it must not be.

    Continuous integration sets XNATCTL_JUDGES=required: there nothing may be skipped unnoticed.
    """
    found = shutil.which(program, path=_PATH)
    if found is None:
        missing = f"{program} is not installed (tools/setup --system)"
        if os.environ.get("XNATCTL_JUDGES") == "required":
            pytest.fail(missing)
        pytest.skip(missing)
    return found
