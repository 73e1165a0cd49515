"""Another half of a series is told from the same one by its headers, or by nobody."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread

from support.uploads import Uploader
from xnat_sandbox.samples import write_series

HERE = ("-P", "P1", "-S", "S1", "-E", "E1")


def test_headers_that_cannot_be_asked_for_are_not_those_of_the_same_files(
    upload: Uploader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("xnat_core.http.retries.FIRST_PAUSE", 0)
    files = upload.series(instances=3)
    others = write_series(tmp_path / "others", instances=6)[3:]
    scans = {"1": {f"IM{n}": path.read_bytes() for n, path in enumerate(others)}}
    session = upload.xnat.has_session("P1", "S1", "E1", scans=scans)
    items = upload.xnat.store.items
    (scan,) = items.scans(session.id)
    uid = dcmread(files[0]).SeriesInstanceUID
    items.update_scan(scan.number, fields={"UID": uid}, user="admin")
    upload.xnat.fails("GET", "/data/services/dicomdump", 503, times=4)
    assert (upload(upload.folder, *HERE).status, upload.imports()) == (4, [])
    ran = upload(upload.folder, *HERE)
    assert (ran.status, ran.record["files"], upload.count()) == (0, 3, 6), ran.err
