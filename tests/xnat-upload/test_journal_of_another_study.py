"""What an upload of another study has begun under the same labels is not this upload's."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.uploads import Uploader
from xnat_sandbox.samples import write_series

WORDS = ("-P", "P1", "-S", "S1", "-E", "E1")


@pytest.fixture
def others(upload: Uploader, tmp_path: Path) -> Path:
    """A first study waits in the prearchive, for its archiving failed; the folder of a second."""
    upload.xnat.settings.version = "1.8.2"
    upload.series(study_uid="1.2.77.1")
    upload.xnat.fails("POST", "/data/services/archive", 403)
    assert upload(upload.folder, *WORDS).status != 0
    assert len(upload.staged()) == 1
    folder = tmp_path / "second"
    write_series(folder, instances=3, study_uid="1.2.77.2")
    return folder


@pytest.mark.parametrize("how", [(), ("--overwrite", "none")])
def test_its_row_is_left_alone(upload: Uploader, others: Path, how: tuple[str, ...]) -> None:
    ran = upload(others, *WORDS, *how)
    assert (ran.status, ran.record["outcome"], ran.record["files"]) == (0, "done", 3), ran.err
    there = {data for files in upload.archived().values() for data in files.values()}
    assert there == {path.read_bytes() for path in others.rglob("*.dcm")}
    assert len(upload.staged()) == 1
