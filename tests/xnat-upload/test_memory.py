"""Memory does not grow with the number of files, nor with their size."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from support.memory import PEAK
from support.uploads import Uploader
from xnat_sandbox.samples import instance_of

HERE = ("-P", "P1", "-S", "S1", "-E", "E1")
MB = 1 << 20
PROGRAM = (
    PEAK
    + """
import sys
from xnat_upload.cli import main
status = main(sys.argv[1:])
print(peak() // 1024, file=sys.stderr)
sys.exit(status)
"""
)


def peak(*words: object) -> int:
    """The largest size in MB of a process that runs `xnat-upload dicom` with these words."""
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, "dicom", *map(str, words)], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    return int(run.stderr.splitlines()[-1])


def many(folder: Path, count: int) -> Path:
    """Tiny instances, 500 in a series."""
    for series in range(count // 500):
        below = folder / f"scan{series:04}"
        below.mkdir(parents=True)
        sample = instance_of(series=series + 1, rows=1)
        raw = io.BytesIO()
        sample.save_as(raw, enforce_file_format=True)
        uid = str(sample.SOPInstanceUID).encode()
        for number in range(500):
            data = raw.getvalue().replace(uid, uid[:-6] + b"%06d" % number)
            (below / f"im{number:06}.dcm").write_bytes(data)
    return folder


def test_ten_times_the_files_take_no_more_memory(upload: Uploader, tmp_path: Path) -> None:
    few = peak(many(tmp_path / "few", 2_500), *HERE, "--dry-run")
    lots = peak(many(tmp_path / "many", 25_000), *HERE, "--dry-run")
    assert lots < 70
    assert lots - few < 20


@pytest.mark.parametrize("mode", ["tar", "zip", "gradual"])
def test_files_larger_than_the_memory_go_through_it(upload: Uploader, mode: str) -> None:
    for number in (1, 2):
        (path,) = upload.series(series=number, instances=1)
        with path.open("r+b") as file:
            file.truncate(130 * MB)
    assert peak(upload.folder, *HERE, "--mode", mode) < 110
    assert upload.count() == 2
