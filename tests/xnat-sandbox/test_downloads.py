"""Archives of many files: selections, layouts, formats."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator

import pytest

from support.sandbox import XNAT

SESSION = "/data/experiments/XNAT_E00001"


@pytest.fixture(autouse=True)
def one_session(xnat: XNAT) -> None:
    """A session with two scans, one of them with an awkward type, and a resource."""
    session = xnat.has_session("P1", "S1", "MR1", resources={"NOTES": {"n.txt": b"note"}})
    xnat.has_scan(session, "1", {"1/b.dcm": b"B", "a.dcm": b"A"}, type="T1w")
    xnat.has_scan(session, "2", {"c.dcm": b"C"}, type="T2 (fast)")
    xnat.has_scan(session, "3", {"d.dcm": b"D"}, type="")


def members(xnat: XNAT, path: str) -> list[str]:
    """The entry names of a zip, which is checked as a whole."""
    answer = xnat.call("GET", f"{SESSION}{path}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip")
    assert "Content-Length" not in answer.headers
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        return archive.namelist()


def test_scans_carry_their_type_and_so_does_every_component_like_their_id(xnat: XNAT) -> None:
    assert members(xnat, "/scans/ALL/files?format=zip") == [
        "MR1/scans/1-T1w/resources/DICOM/files/1-T1w/b.dcm",
        "MR1/scans/1-T1w/resources/DICOM/files/a.dcm",
        "MR1/scans/2-T2__fast_/resources/DICOM/files/c.dcm",
        "MR1/scans/3/resources/DICOM/files/d.dcm",
    ]


def test_a_component_like_the_id_of_another_selected_scan_carries_its_type(xnat: XNAT) -> None:
    session = xnat.store.items.experiment("XNAT_E00001")
    assert session is not None
    xnat.has_scan(session, "3", {"1/e.dcm": b"e"})
    where = "MR1/scans/3/resources/DICOM/files"
    assert f"{where}/1-T1w/e.dcm" in members(xnat, "/scans/ALL/files?format=zip")
    assert f"{where}/1/e.dcm" in members(xnat, "/scans/3/files?format=zip")


@pytest.mark.parametrize(
    ("chosen", "files"),
    [
        ("1,2", ["b.dcm", "a.dcm", "c.dcm"]),
        ("T1w", ["b.dcm", "a.dcm"]),
        ("2,NOPE", ["c.dcm"]),
        ("NULL", ["d.dcm"]),
        ("*", ["b.dcm", "a.dcm", "c.dcm", "d.dcm"]),
    ],
)
def test_scans_are_chosen_by_id_or_type(xnat: XNAT, chosen: str, files: list[str]) -> None:
    names = members(xnat, f"/scans/{chosen}/files?format=zip")
    assert [name.rpartition("/")[2] for name in names] == files


def test_nothing_chosen_is_not_found(xnat: XNAT) -> None:
    assert xnat.call("GET", f"{SESSION}/scans/9/files?format=zip").status_code == 404


@pytest.mark.parametrize(
    ("structure", "scan", "resource"),
    [
        ("default", "MR1/scans/2/resources/DICOM/files/c.dcm", "MR1/resources/NOTES/files/n.txt"),
        ("simplified", "MR1/scans/2/DICOM/c.dcm", "MR1/NOTES/n.txt"),
        ("improved", "scans/2_T2__fast_/DICOM/c.dcm", "resources/NOTES/n.txt"),
        ("legacy", "MR1/SCANS/2/DICOM/c.dcm", "MR1/RESOURCES/NOTES/n.txt"),
    ],
)
def test_layouts(xnat: XNAT, structure: str, scan: str, resource: str) -> None:
    names = members(xnat, f"/files?format=zip&all=true&structure={structure}")
    assert {scan, resource} <= set(names)


def test_project_and_subject_may_lead_the_path(xnat: XNAT) -> None:
    query = "format=zip&projectIncludedInPath=true&subjectIncludedInPath=true"
    assert members(xnat, f"/resources/NOTES/files?{query}") == [
        "P1/S1/MR1/resources/NOTES/files/n.txt"
    ]


def test_zips_are_stored_unless_told(xnat: XNAT) -> None:
    for query, method in (("", zipfile.ZIP_STORED), ("&compression=8", zipfile.ZIP_DEFLATED)):
        answer = xnat.call("GET", f"{SESSION}/scans/ALL/files?format=zip{query}")
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            assert {info.compress_type for info in archive.infolist()} == {method}
            assert archive.testzip() is None


@pytest.mark.parametrize(("format", "mode"), [("tar", "r:"), ("tar.gz", "r:gz")])
def test_tars(xnat: XNAT, format: str, mode: str) -> None:
    answer = xnat.call("GET", f"{SESSION}/scans/2/files?format={format}&structure=improved")
    with tarfile.open(fileobj=io.BytesIO(answer.content), mode=mode) as archive:  # type: ignore[call-overload]
        content = archive.extractfile("scans/2/DICOM/c.dcm")
        assert content and content.read() == b"C"
    expected = f'attachment; filename="MR1.{format}"'
    assert answer.headers["Content-Disposition"] == expected


def test_several_experiments_in_one_zip(xnat: XNAT) -> None:
    other = xnat.has_session("P1", "S1", "MR2", scans={"1": {"x.dcm": b"X"}})
    path = f"/data/experiments/XNAT_E00001,{other.id}/scans/1/files?format=zip"
    answer = xnat.call("GET", path)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert {name.split("/")[0] for name in archive.namelist()} == {"MR1", "MR2"}


def test_a_prepared_download(xnat: XNAT) -> None:
    order = {
        "projectIds": ["P1"],
        "sessions": ["P1:S1:MR1:XNAT_E00001"],
        "scan_types": ["T1w"],
        "scan_formats": ["DICOM"],
        "resources": ["NOTES"],
    }
    answer = xnat.call("POST", "/xapi/archive/downloadwithsize", json=order).json()
    assert answer["size"] == 6
    zipped = xnat.call("GET", f"/xapi/archive/download/{answer['id']}/zip")
    with zipfile.ZipFile(io.BytesIO(zipped.content)) as archive:
        assert archive.namelist() == [
            "MR1/NOTES/n.txt",
            "MR1/scans/1/DICOM/1/b.dcm",
            "MR1/scans/1/DICOM/a.dcm",
        ]
    bob = xnat.has_user("bob")
    path = f"/xapi/archive/download/{answer['id']}/zip"
    assert xnat.call("GET", path, user=bob).status_code == 404


def test_a_file_that_shrinks_truncates_the_zip_under_a_good_status(
    xnat: XNAT, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(members: object, method: int) -> Iterator[bytes]:
        del members  # or the logged failure would keep a query open
        yield b"PK"
        raise OSError("the disk went away")

    monkeypatch.setattr("xnat_sandbox.files.zip_stream", failing)
    answer = xnat.call("GET", f"{SESSION}/scans/ALL/files?format=zip")
    assert (answer.status_code, answer.content) == (200, b"PK")


def test_the_export_of_a_session_brings_its_document(xnat: XNAT) -> None:
    answer = xnat.call("GET", f"{SESSION}/XAR")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist()[0] == "MR1/MR1.xml"
        assert archive.read("MR1/scans/2/DICOM/c.dcm") == b"C"
