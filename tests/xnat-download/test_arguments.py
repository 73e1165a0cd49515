"""What a program passes by mistake is told before anything is fetched or written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.errors import XNATCtlError
from xnat_download.service import DownloadService

Asks = Callable[[DownloadService, Path], object]

WRONG: dict[str, Asks] = {
    # A variable that is not set must not mean the current directory.
    "no text": lambda down, _: down.download_session("MR1", "", "P1"),
    "a number": lambda down, _: down.download_session("MR1", 3, "P1"),  # type: ignore[arg-type]
    "no workers": lambda down, to: down.download_session("MR1", to, "P1", workers=0),
    "a word": lambda down, to: down.download_session("MR1", to, "P1", workers="many"),  # type: ignore[arg-type]
    "patterns": lambda down, to: down.download_session("MR1", to, "P1", pattern=["*"]),  # type: ignore[arg-type]
    "no pattern": lambda down, to: down.download_session("MR1", to, "P1", pattern=""),
    "a word for False": lambda down, to: down.download_session("MR1", to, "P1", verify="no"),  # type: ignore[arg-type]
    "no callback": lambda down, to: down.download_session("MR1", to, "P1", progress_callback=1),  # type: ignore[arg-type]
    "a name that is none": lambda down, to: down.download_resource(
        "MR1",
        "NOTES",
        to,
        project="P1",
        zip_filename=3,  # type: ignore[arg-type]
    ),
    "labels": lambda down, to: down.download_scan("MR1", "1", to, "P1", resource=["DICOM"]),  # type: ignore[arg-type]
    "no label": lambda down, to: down.download_scan("MR1", "1", to, "P1", resource=""),
    "no scans": lambda down, to: down.download_scans("MR1", None, to, "P1"),  # type: ignore[arg-type]
    "numbers": lambda down, to: down.download_scans("MR1", range(1, 3), to, "P1"),  # type: ignore[arg-type]
    "bytes": lambda down, to: down.download_scans("MR1", b"12", to, "P1"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("ask", WRONG.values(), ids=WRONG)
def test_what_cannot_be_meant_is_not_fetched(
    xnat: XNAT, tmp_path: Path, ask: Asks, monkeypatch: pytest.MonkeyPatch
) -> None:
    xnat.has_session("P1", "S1", "MR1", {"1": {"a.dcm": b"a"}}, resources={"NOTES": {"a": b"a"}})
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    with XNATClient(xnat.url, *xnat.admin) as client, pytest.raises(XNATCtlError):
        ask(DownloadService(client), tmp_path / "out")
    assert not list(here.iterdir())
    assert not (tmp_path / "out").exists()


def test_an_archive_may_be_named_by_a_path(xnat: XNAT, tmp_path: Path) -> None:
    xnat.has_session("P1", "S1", "MR1", {"1": {"a.dcm": b"a"}})
    with XNATClient(xnat.url, *xnat.admin) as client:
        summary = DownloadService(client).download_scans(
            "MR1", "1", tmp_path, "P1", zip_filename=Path("one.zip")
        )
    assert summary.success, summary.errors
    assert (tmp_path / "one.zip").is_file()
