"""What a program passes by mistake is told before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.sandbox import XNAT
from support.uploads import Uploader
from xnat_core.client import XNATClient
from xnat_core.errors import XNATCtlError
from xnat_upload.service import UploadService, collect_dicom_files, upload_with_retry

TO = ("P1", "S1", "E1")
Asks = Callable[[UploadService, Path], object]

WRONG: dict[str, Asks] = {
    # A variable that is not set must not mean the current directory.
    "no text": lambda up, _: up.upload_dicom(*TO, ""),
    "bytes": lambda up, at: up.upload_dicom(*TO, bytes(at)),  # type: ignore[arg-type]
    "a list for a path": lambda up, at: up.upload_dicom(*TO, [at]),  # type: ignore[arg-type]
    "no path in a list": lambda up, _: up.upload_dicom(*TO, files=[None]),  # type: ignore[list-item]
    "a number for a list": lambda up, _: up.upload_dicom(*TO, files=3),  # type: ignore[arg-type]
    "a word for False": lambda up, at: up.upload_dicom(*TO, at, overwrite="none"),  # type: ignore[arg-type]
    "a word for quarantine": lambda up, at: up.upload_dicom(*TO, at, quarantine="no"),  # type: ignore[arg-type]
    "a word for a number": lambda up, at: up.upload_dicom(*TO, at, batch_size="5"),  # type: ignore[arg-type]
    "no batch": lambda up, at: up.upload_dicom(*TO, at, batch_size=None),  # type: ignore[arg-type]
    "no callback": lambda up, at: up.upload_dicom(*TO, at, progress_callback=True),  # type: ignore[arg-type]
    "a timeout below nothing": lambda up, at: up.upload_dicom_parallel(at, *TO, timeout=-1),
    "a password alone": lambda up, at: up.upload_dicom_parallel(at, *TO, password="x"),
    "a user alone": lambda up, at: up.upload_dicom_parallel(at, *TO, username="x"),
    "a word for the archive": lambda up, at: up.upload_dicom_parallel(
        at,
        *TO,
        direct_archive="no",  # type: ignore[arg-type]
    ),
    "a word for the archive, one by one": lambda up, at: up.upload_dicom_gradual(
        at,
        *TO,
        direct_archive="no",  # type: ignore[arg-type]
    ),
    "no list of files": lambda up, _: up.upload_dicom_gradual_files(
        files=None,  # type: ignore[arg-type]
        project="P1",
        subject="S1",
        session="E1",
    ),
    "a file that would be overwritten": lambda up, _: up.upload_resource(
        "E0",
        "NOTES",
        __file__,
        project="P1",
        overwrite="none",  # type: ignore[arg-type]
    ),
    "no callback of a resource": lambda up, _: up.upload_resource(
        "E0",
        "NOTES",
        __file__,
        project="P1",
        progress_callback=True,  # type: ignore[arg-type]
    ),
}


@pytest.mark.parametrize("ask", WRONG.values(), ids=WRONG)
def test_what_cannot_be_meant_is_not_sent(
    xnat: XNAT, upload: Uploader, ask: Asks, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload.series()
    xnat.has_session("P1", "S0", "E0")
    monkeypatch.chdir(upload.folder)
    with XNATClient(xnat.url, *xnat.admin) as client, pytest.raises(XNATCtlError):
        ask(UploadService(client), upload.folder)
    changes = [r for r in xnat.requests() if r.method != "GET" and "JSESSION" not in r.path]
    assert not changes


def test_one_path_is_not_taken_for_a_list(xnat: XNAT, upload: Uploader) -> None:
    (file,) = upload.series(instances=1)
    with XNATClient(xnat.url, *xnat.admin) as client:
        summary = UploadService(client).upload_dicom(*TO, files=Path(file))  # type: ignore[arg-type]
    assert summary.success, summary.errors


def test_the_helpers_tell_what_they_cannot_take() -> None:
    with pytest.raises(XNATCtlError):
        collect_dicom_files("")
    with pytest.raises(XNATCtlError):
        upload_with_retry(lambda: pytest.fail("called"), max_retries=-1)
