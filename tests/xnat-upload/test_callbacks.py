"""A callback of an upload that raises: its own error comes back, and nothing is sent again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from support.sandbox import XNAT
from support.uploads import Uploader
from xnat_core.client import XNATClient
from xnat_core.errors import NetworkError, OperationError, TimeoutError
from xnat_core.models import OperationPhase, UploadProgress, UploadSummary
from xnat_upload.service import UploadService

ERRORS = [
    OSError(28, "No space left on device"),
    ConnectionResetError(),
    TimeoutError("https://other.example.org", 3),
    NetworkError("https://other.example.org"),
    OperationError("", "cancelled by the user"),
    KeyboardInterrupt(),
    StopIteration(),
]


@pytest.fixture
def service(xnat: XNAT) -> Iterator[UploadService]:
    with XNATClient(xnat.url, *xnat.admin) as client:
        yield UploadService(client)


def test_it_is_called_by_one_thread_at_a_time(service: UploadService, upload: Uploader) -> None:
    upload.series(instances=12)
    turn = threading.Lock()

    def one_by_one(report: UploadProgress) -> None:
        assert turn.acquire(blocking=False)
        time.sleep(0.005)
        turn.release()

    summary = service.upload_dicom_gradual(
        upload.folder, "P1", "S1", "E1", workers=6, progress_callback=one_by_one
    )
    assert summary.success, summary.errors


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("gradual", [False, True])
def test_what_it_raises_while_files_are_sent_comes_back(
    xnat: XNAT, service: UploadService, upload: Uploader, error: BaseException, gradual: bool
) -> None:
    upload.series(instances=3)
    calls: list[UploadProgress] = []

    def stop(report: UploadProgress) -> None:
        if report.phase is OperationPhase.UPLOADING:
            calls.append(report)
            raise error

    ways: dict[bool, Callable[[], UploadSummary]] = {
        False: lambda: service.upload_dicom(
            "P1", "S1", "E1", upload.folder, progress_callback=stop
        ),
        True: lambda: service.upload_dicom_gradual(
            upload.folder, "P1", "S1", "E1", progress_callback=stop
        ),
    }
    with pytest.raises(type(error)) as caught:
        ways[gradual]()
    assert caught.value is error
    assert len(calls) == 1
    summary = service.upload_dicom("P1", "S1", "E1", upload.folder)
    assert summary.success, summary.errors
