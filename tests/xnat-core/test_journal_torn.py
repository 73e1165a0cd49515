"""A line of the journal that the disk took by halves costs only itself."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from xnat_core.journal import Accepted, Journal

FIRST, HALF, LAST = (
    Accepted(f"{n}.dcm", f"/in/{n}.dcm", 10, 123, "d" * 32, "/xapi/direct-archive/P1/1.2/MR1")
    for n in range(3)
)


class FullDisk:
    """Takes half of what is written, and the other half not."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._writes = 0

    def write(self, data: memoryview) -> int:
        self._writes += 1
        if self._writes > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return int(self._file.write(data[: len(data) // 2]))

    def fileno(self) -> int:
        return int(self._file.fileno())


def test_what_comes_after_a_disk_that_was_full_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Journal("https://xnat.example.org", "P1", "MR1", folder=tmp_path) as journal:
        journal.add([FIRST])
        with monkeypatch.context() as full:
            full.setattr(journal, "_file", FullDisk(journal._file))
            journal.add([HALF])
        journal.add([LAST])
        assert list(journal.accepted()) == [FIRST, LAST]
