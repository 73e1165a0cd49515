"""Memory does not grow with what is downloaded. `tools/bench/download.py` tries it larger."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sysconfig
import time
from pathlib import Path

import pytest

from support.downloads import Downloader
from xnat_core.files import new_md5
from xnat_sandbox.model import Owner

PROGRAM = str(Path(sysconfig.get_path("scripts")) / "xnat-download")
LIMIT = 150 << 20


def furnish(download: Downloader, files: int, size: int) -> None:
    """A scan of many equal files, linked rather than written, so that it takes no time."""
    data = os.urandom(size)
    digest = new_md5()
    digest.update(data)
    session = download.xnat.has_session("P1", "S1", "MR1", {"1": {"seed": data}})
    store = download.xnat.store
    found = store.resources.find(Owner.of(store.items.scans(session.id)[0]), "DICOM")
    assert found is not None
    seed = store.resources.path(found, "seed")
    sql = "INSERT INTO file VALUES (?,?,?,?,?,?,?)"
    with store.database.transaction():
        for number in range(files - 1):
            name = f"{number:07}.dcm"
            os.link(seed, seed.with_name(name))
            row = (found.number, name, size, digest.hexdigest(), "", "", "")
            store.database.execute(sql, row)


def peak_of(download: Downloader, *words: str) -> tuple[dict[str, object], int]:
    """The record of a run in a process of its own, and the most memory (bytes) that it had."""
    process = subprocess.Popen(
        [PROGRAM, "--out", str(download.out), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(download.record("MR1")) + "\n")
    process.stdin.close()
    peak = 0
    while process.poll() is None:
        peak = max(peak, high_water_mark(process.pid))
        time.sleep(0.02)
    assert process.returncode == 0
    return json.loads(process.stdout.read()), peak


def high_water_mark(pid: int) -> int:
    """The most memory (bytes) that a process has had so far.

    What the system tells of a process that has ended counts its parent before it, a large one.
    """
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


@pytest.mark.parametrize(
    ("files", "size", "words"),
    [(20_000, 100, []), (60, 5_000_000, ["--workers", "4"]), (60, 5_000_000, ["--zip"])],
)
def test_memory_is_bounded(download: Downloader, files: int, size: int, words: list[str]) -> None:
    furnish(download, files, size)
    record, peak = peak_of(download, *words)
    assert record["files"] == files
    assert 0 < peak < LIMIT
