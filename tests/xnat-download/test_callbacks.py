"""A callback of a download that raises: its own error comes back, and the client is as before."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import NetworkError, OperationError
from xnat_core.models import DownloadProgress
from xnat_download.service import DownloadService

ERRORS = [
    OSError(28, "No space left on device"),
    ConnectionResetError(),
    NetworkError("https://other.example.org"),
    OperationError("", "cancelled by the user"),
    KeyboardInterrupt(),
    StopIteration(),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_what_it_raises_comes_back(xnat: XNAT, tmp_path: Path, error: BaseException) -> None:
    xnat.has_session("P1", "S1", "MR1", {str(n): {"a.dcm": b"a" * 5000} for n in range(6)})
    calls: list[DownloadProgress] = []

    def stop(report: DownloadProgress) -> None:
        calls.append(report)
        raise error

    with XNATClient(xnat.url, *xnat.admin) as client:
        service = DownloadService(client)
        with pytest.raises(type(error)) as caught:
            service.download_session("MR1", tmp_path, "P1", progress_callback=stop)
        assert caught.value is error
        assert len(calls) == 1
        assert service.download_session("MR1", tmp_path, "P1", verify=True).verified
