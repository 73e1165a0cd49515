"""Downloads from a program."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import InvalidIdentifierError, ResourceNotFoundError
from xnat_core.models import DownloadProgress, OperationPhase
from xnat_download.service import DownloadService

SCANS = {"1": {"a.dcm": b"a" * 1000, "b.dcm": b"b"}, "2": {"c.dcm": b"c"}}


@pytest.fixture
def service(xnat: XNAT) -> Iterator[DownloadService]:
    """A service of a server with one session."""
    xnat.has_session("P1", "S1", "MR1", SCANS, resources={"NOTES": {"n.txt": b"n"}})
    with XNATClient(xnat.url, *xnat.admin) as client:
        yield DownloadService(client)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """An empty folder."""
    return tmp_path / "out"


def files(folder: Path) -> set[str]:
    """The files below a folder."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {p.relative_to(folder).as_posix() for p in found if p.name != "manifest.ndjson"}


def test_a_session_with_its_resources(service: DownloadService, out: Path) -> None:
    summary = service.download_session("MR1", out / "out", project="P1")
    assert (summary.success, summary.total_files, summary.verified) == (True, 4, True)
    assert summary.output_path == out / "out/MR1"
    assert summary.session_id == "XNAT_E00001"
    assert len(files(out / "out")) == 4


def test_the_keywords_of_the_examples(service: DownloadService, out: Path) -> None:
    summary = service.download_session(
        project="P1", session="MR1", dest=out / "out", workers=2, show_progress=True
    )
    assert summary.success


def test_repeating_is_resuming(service: DownloadService, out: Path) -> None:
    service.download_session("XNAT_E00001", out)
    again = service.download_session("XNAT_E00001", out, resume=True, verify=True)
    assert (again.success, again.total_size_mb, again.verified) == (True, 0, True)


def test_progress_is_told_up_to_the_end(service: DownloadService, out: Path) -> None:
    told: list[DownloadProgress] = []
    service.download_session(
        "XNAT_E00001", out, include_resources=False, progress_callback=told.append
    )
    assert told[-1].phase is OperationPhase.COMPLETE
    assert told[-2].bytes_received == told[-2].total_bytes == 1002


def test_the_frame_of_a_kept_archive_makes_no_more_than_all(
    service: DownloadService, out: Path
) -> None:
    told: list[DownloadProgress] = []
    service.download_scans("XNAT_E00001", ["ALL"], out, progress_callback=told.append)
    assert max(max(one.percent, one.bytes_percent) for one in told) == 100.0


def test_a_pattern_chooses_files(service: DownloadService, out: Path) -> None:
    service.download_session("XNAT_E00001", out, pattern="a*")
    assert files(out) == {"MR1/scans/1/resources/DICOM/files/a.dcm"}


def test_a_resource_is_a_zip_or_its_files(service: DownloadService, out: Path) -> None:
    service.download_resource("XNAT_E00001", "NOTES", out)
    service.download_resource("XNAT_E00001", "DICOM", out, scan_id="1", zip_filename="d.zip")
    assert files(out) == {"NOTES.zip", "d.zip"}
    service.download_resource("XNAT_E00001", "NOTES", out, extract=True)
    assert "MR1/resources/NOTES/files/n.txt" in files(out)


def test_scans_are_a_zip_or_files_or_both(service: DownloadService, out: Path) -> None:
    service.download_scans("XNAT_E00001", ["ALL"], out / "a")
    assert files(out / "a") == {"scans.zip"}
    service.download_scans("XNAT_E00001", ["1"], out / "b", extract=True)
    assert len(files(out / "b")) == 2
    service.download_scans("XNAT_E00001", ["1"], out / "c", extract=True, cleanup=False)
    assert len(files(out / "c")) == 3


def test_no_scans_are_not_all_of_them(service: DownloadService, out: Path) -> None:
    with pytest.raises(InvalidIdentifierError, match="no valid scan IDs"):
        service.download_scans("XNAT_E00001", [], out)
    assert not out.exists()


def test_one_scan(service: DownloadService, out: Path) -> None:
    summary = service.download_scan("MR1", "2", out, project="P1")
    assert (summary.success, files(out)) == (
        True,
        {"MR1/scans/2/resources/DICOM/files/c.dcm"},
    )


def test_what_is_not_there_is_raised(service: DownloadService, out: Path) -> None:
    with pytest.raises(ResourceNotFoundError):
        service.download_session("NOPE", out, project="P1")
    with pytest.raises(ResourceNotFoundError):
        service.download_resource("XNAT_E00001", "NOPE", out)


def test_what_a_callback_raises_leaves_nothing_open(service: DownloadService, out: Path) -> None:
    def cancel(progress: DownloadProgress) -> None:
        raise ArithmeticError("enough")

    with pytest.raises(ArithmeticError, match=r"^enough$"):
        service.download_session("XNAT_E00001", out, workers=1, progress_callback=cancel)
    # A file that is still open is locked, and would stay.
    assert service.download_session("XNAT_E00001", out).success
    assert not list(out.rglob("*.part"))


def test_a_folder_must_be_a_text_or_a_path(service: DownloadService, out: Path) -> None:
    with pytest.raises(TypeError):
        service.download_session("XNAT_E00001", os.fsencode(out))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^exactly one of output_dir and dest is needed$"):
        service.download_session("XNAT_E00001")


def test_a_file_that_fails_is_an_error_of_the_summary(
    service: DownloadService, xnat: XNAT, out: Path
) -> None:
    xnat.store.database.execute("UPDATE file SET digest=? WHERE path='a.dcm'", ("0" * 32,))
    summary = service.download_session("XNAT_E00001", out)
    assert (summary.success, summary.failed, summary.succeeded) == (False, 1, 3)
    assert any("MD5" in error for error in summary.errors)
