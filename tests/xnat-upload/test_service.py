"""Uploads as a library."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from requests import Response

from support.sandbox import XNAT
from support.uploads import Uploader
from xnat_core.client import XNATClient
from xnat_core.errors import NetworkError, ResourceNotFoundError
from xnat_core.models import OperationPhase, UploadProgress, UploadSummary
from xnat_upload.service import (
    UploadService,
    archive_destination_params,
    collect_dicom_files,
    is_retryable_status,
    split_into_batches,
    split_into_n_batches,
    upload_with_retry,
)


@pytest.fixture
def service(xnat: XNAT) -> Iterator[UploadService]:
    with XNATClient(xnat.url, *xnat.admin) as client:
        yield UploadService(client)


def test_a_folder_is_uploaded_and_summed_up(service: UploadService, upload: Uploader) -> None:
    upload.series(instances=5)
    told: list[UploadProgress] = []
    summary = service.upload_dicom("P1", "S1", "E1", upload.folder, progress_callback=told.append)
    assert summary.success, summary.errors
    assert (summary.total, summary.succeeded, summary.failed) == (5, 5, 0)
    assert summary.session_id.startswith("XNAT_E")
    assert upload.count() == 5
    assert [told[0].phase, told[-1].phase] == [OperationPhase.PREPARING, OperationPhase.COMPLETE]
    assert told[-1].bytes_sent > 0


def test_progress_does_not_exceed_what_is_to_be_sent(
    service: UploadService, upload: Uploader
) -> None:
    # The frame of the archive, which travels too, is larger than these files.
    upload.series(instances=5)
    told: list[UploadProgress] = []
    service.upload_dicom("P1", "S1", "E1", upload.folder, progress_callback=told.append)
    assert max(report.bytes_sent for report in told) == told[-1].total_bytes
    assert told[-1].percent == told[-1].bytes_percent == 100.0


def test_a_list_of_files_is_uploaded(service: UploadService, upload: Uploader) -> None:
    files = upload.series(instances=5)
    summary = service.upload_dicom(
        project="P1", subject="S1", session="E1", files=files[:2], workers=2, show_progress=True
    )
    assert (summary.success, upload.count()) == (True, 2)


def test_batches_have_the_size_that_was_asked_for(service: UploadService, upload: Uploader) -> None:
    upload.series(instances=6)
    summary = service.upload_dicom("P1", "S1", "E1", upload.folder, batch_size=2, parallel=False)
    assert len(upload.imports()) == 3
    assert batches(summary) == (3, 3, 0)


def test_what_the_server_did_not_keep_is_counted_as_failed_and_the_rest_is_not(
    service: UploadService, upload: Uploader
) -> None:
    rejected = upload.series(instances=5)[1].read_bytes()
    upload.xnat.settings.anonymize = lambda path: path.read_bytes() != rejected
    summary = service.upload_dicom("P1", "S1", "E1", upload.folder, parallel=False)
    assert (summary.total, summary.succeeded, summary.failed) == (5, 4, 1)
    assert not summary.success
    assert summary.errors[0].startswith("upload: E1: the server does not list 1 of 5 files")
    assert summary.session_id.startswith("XNAT_E")


def test_batches_that_fail_are_counted(service: UploadService, upload: Uploader) -> None:
    upload.series(instances=4)
    upload.xnat.fails("POST", "/data/services/import", status=400, times=2)
    summary = service.upload_dicom("P1", "S1", "E1", upload.folder, batch_size=2, parallel=False)
    assert (summary.success, upload.count()) == (True, 4)
    assert batches(summary) == (3, 2, 1)


def test_without_overwrite_a_session_that_exists_is_not_touched(
    service: UploadService, upload: Uploader
) -> None:
    upload.xnat.has_session("P1", "S1", "E1", scans={"9": {"a.dcm": b"other"}})
    upload.series()
    summary = service.upload_dicom("P1", "S1", "E1", upload.folder)
    assert not summary.success
    assert "already exists" in summary.errors[0]
    assert service.upload_dicom("P1", "S1", "E1", upload.folder, overwrite=True).success


@pytest.mark.parametrize("overwrite", [None, True, "no", "None"])
def test_only_the_three_ways_to_overwrite_are_taken(
    service: UploadService, upload: Uploader, overwrite: Any
) -> None:
    upload.series()
    with pytest.raises(ValueError, match="overwrite must be none, append, delete, not"):
        service.upload_dicom_parallel(upload.folder, "P1", "S1", "E1", overwrite=overwrite)
    assert not upload.imports()


@pytest.mark.parametrize("overwrite", [None, "none", "delete"])
def test_a_word_is_not_taken_for_a_yes_to_overwrite(
    service: UploadService, upload: Uploader, overwrite: Any
) -> None:
    upload.series()
    with pytest.raises(TypeError, match="overwrite must be True or False, not"):
        service.upload_dicom("P1", "S1", "E1", upload.folder, overwrite=overwrite)
    assert not upload.imports()


def test_a_session_can_be_quarantined(service: UploadService, upload: Uploader) -> None:
    upload.series()
    assert service.upload_dicom("P1", "S1", "E1", upload.folder, quarantine=True).success
    session = upload.xnat.store.items.experiment_in("P1", "E1")
    assert session is not None and session.status == "quarantine"


@pytest.mark.parametrize("format", ["tar", "zip"])
def test_parallel_batches(service: UploadService, upload: Uploader, format: str) -> None:
    upload.series(instances=6)
    summary = service.upload_dicom_parallel(
        upload.folder, "P1", "S1", "E1", upload_workers=3, archive_format=format
    )
    assert (summary.success, upload.count()) == (True, 6), summary.errors


def test_parallel_batches_into_the_prearchive_as_another_user(
    service: UploadService, upload: Uploader
) -> None:
    login, password = upload.xnat.has_user("bob", P1="member")
    upload.series()
    summary = service.upload_dicom_parallel(
        upload.folder, "P1", "S1", "E1", username=login, password=password, direct_archive=False
    )
    assert summary.success, summary.errors
    assert [row.status for row in upload.staged()] == ["READY"]


def test_formats_and_handlers_that_do_not_exist(service: UploadService, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="archive_format"):
        service.upload_dicom_parallel(tmp_path, "P1", "S1", "E1", archive_format="rar")
    with pytest.raises(ValueError, match="import_handler"):
        service.upload_dicom_parallel(tmp_path, "P1", "S1", "E1", import_handler="XAR")


def test_gradual_uploads_of_folders_and_lists(service: UploadService, upload: Uploader) -> None:
    files = upload.series(instances=4)
    assert service.upload_dicom_gradual(upload.folder, "P1", "S1", "E1").success
    summary = service.upload_dicom_gradual_files(
        files=files[:2], project="P1", subject="S1", session="E2"
    )
    assert (summary.total, upload.count(), upload.count(label="E2")) == (2, 4, 2)


def test_gradual_uploads_refuse_what_is_no_source(
    service: UploadService, upload: Uploader, tmp_path: Path
) -> None:
    (first, *_) = upload.series()
    target: Any = {"project": "P1", "subject": "S1", "session": "E1"}
    with pytest.raises(FileNotFoundError):
        service.upload_dicom_gradual(tmp_path / "none", "P1", "S1", "E1")
    with pytest.raises(ValueError, match="neither"):
        service.upload_dicom_gradual(first, "P1", "S1", "E1")
    with pytest.raises(FileNotFoundError):
        service.upload_dicom_gradual_files(files=[tmp_path / "none"], **target)
    with pytest.raises(ValueError, match="not a file"):
        service.upload_dicom_gradual_files(files=[tmp_path], **target)
    with pytest.raises(ValueError, match="twice"):
        service.upload_dicom_gradual_files(files=[first, first], **target)


def test_no_dicom_is_a_summary_with_one_error(service: UploadService, upload: Uploader) -> None:
    upload.folder.mkdir()
    summary = service.upload_dicom_gradual(upload.folder, "P1", "S1", "E1")
    assert (summary.success, len(summary.errors)) == (False, 1)


def test_a_project_that_does_not_exist_is_raised(service: UploadService, upload: Uploader) -> None:
    upload.series()
    with pytest.raises(ResourceNotFoundError):
        service.upload_dicom("NOPE", "S1", "E1", upload.folder)


def test_a_callback_is_not_told_that_an_upload_succeeded_that_raises(
    service: UploadService, upload: Uploader
) -> None:
    upload.series()
    told: list[UploadProgress] = []
    with pytest.raises(ResourceNotFoundError):
        service.upload_dicom("NOPE", "S1", "E1", upload.folder, progress_callback=told.append)
    assert (told[-1].phase, told[-1].success) == (OperationPhase.ERROR, False)


def test_what_a_callback_raises_ends_the_upload(service: UploadService, upload: Uploader) -> None:
    upload.series()
    told: list[UploadProgress] = []

    def cancel(progress: UploadProgress) -> None:
        told.append(progress)
        if progress.phase is OperationPhase.UPLOADING:
            raise ArithmeticError("enough")

    with pytest.raises(ArithmeticError, match=r"^enough$"):
        service.upload_dicom("P1", "S1", "E1", upload.folder, progress_callback=cancel)
    assert (told[-1].phase, told[-1].success) == (OperationPhase.ERROR, False)


def test_a_folder_beside_a_list_of_files_is_not_left_out_in_silence(
    service: UploadService, upload: Uploader
) -> None:
    (file, *_) = upload.series()
    with pytest.raises(TypeError, match=r"^exactly one of source_path and files is needed$"):
        service.upload_dicom("P1", "S1", "E1", upload.folder, files=[file])


def test_one_path_is_not_taken_for_a_list_of_letters(
    service: UploadService, upload: Uploader
) -> None:
    one, two = upload.series(instances=2)
    assert service.upload_dicom("P1", "S1", "E1", files=str(one)).total_files == 1
    summary = service.upload_dicom_gradual_files(
        files=str(two), project="P1", subject="S1", session="E2"
    )
    assert summary.total_files == 1


def test_files_that_could_not_be_uploaded_are_in_the_errors(
    service: UploadService, upload: Uploader
) -> None:
    upload.series()
    (upload.folder / "broken.dcm").write_text("no")
    summary = service.upload_dicom("P1", "S1", "E1", upload.folder)
    assert (summary.success, upload.count()) == (False, 3)
    assert "broken.dcm" in summary.errors[0]


def test_a_resource_is_uploaded(service: UploadService, upload: Uploader, tmp_path: Path) -> None:
    session = upload.xnat.has_session("P1", "S1", "E1")
    (tmp_path / "notes.txt").write_text("hello")
    summary = service.upload_resource("E1", "NOTES", tmp_path / "notes.txt", project="P1")
    assert (summary.success, summary.total_files) == (True, 1)
    assert upload.xnat.files(session, "NOTES") == {"notes.txt": b"hello"}


def batches(summary: UploadSummary) -> tuple[int, int, int]:
    return summary.batches_total, summary.batches_succeeded, summary.batches_failed


# --- functions ----------------------------------------------------------------------------------


def test_dicom_files_are_collected_once_each(upload: Uploader) -> None:
    files = upload.series()
    bare = files[0].rename(files[0].with_suffix(""))
    (upload.folder / "notes.txt").write_text("no")
    (upload.folder / "link.dcm").symlink_to(files[1])
    assert len(collect_dicom_files(upload.folder)) == 3
    assert bare not in collect_dicom_files(upload.folder, include_extensionless=False)
    with pytest.raises(ValueError, match="not a directory"):
        collect_dicom_files(bare)


def test_destinations() -> None:
    assert archive_destination_params("P1", True) == {"Direct-Archive": "true"}
    assert archive_destination_params("P1", False) == {"dest": "/prearchive/projects/P1"}


def test_splitting() -> None:
    assert split_into_batches([1, 2, 3, 4, 5], 2) == [[1, 2], [3, 4], [5]]
    assert split_into_batches([1, 2], 0) == [[1, 2]]
    assert split_into_n_batches([1, 2, 3, 4, 5], 2) == [[1, 3, 5], [2, 4]]
    assert split_into_n_batches([1], 4) == [[1]]
    assert split_into_n_batches([], 4) == []


@pytest.mark.parametrize("status", [400, 429, 500, 502, 503, 504])
def test_statuses_worth_another_attempt(status: int) -> None:
    assert is_retryable_status(status)


@pytest.mark.parametrize("status", [200, 301, 401, 403, 404, 409])
def test_statuses_that_are_final(status: int) -> None:
    assert not is_retryable_status(status)


def answers(*statuses: int) -> Iterator[Response]:
    for status in statuses:
        response = Response()
        response.status_code = status
        yield response


def test_an_upload_is_repeated_until_it_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    script = answers(503, 400, 200)
    assert upload_with_retry(lambda: next(script)).status_code == 200
    assert pauses == [2, 4]


def test_the_last_answer_or_exception_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    script = answers(*[503] * 9)
    assert upload_with_retry(lambda: next(script), max_retries=2).status_code == 503

    def fail() -> Response:
        raise NetworkError("http://x", os.strerror(104))

    with pytest.raises(NetworkError):
        upload_with_retry(fail, max_retries=1)


def test_answers_that_are_final_are_given_back_at_once() -> None:
    script = answers(404)
    assert upload_with_retry(lambda: next(script)).status_code == 404
