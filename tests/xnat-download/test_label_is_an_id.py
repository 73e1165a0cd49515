"""Labels that are the accession IDs of others: who has an ID is meant by it."""

from __future__ import annotations

import pytest

from support.downloads import Downloader
from xnat_sandbox.model import Experiment


@pytest.fixture
def meant(download: Downloader) -> Experiment:
    """A session whose ID another has for a label, and so has its subject."""
    has = download.xnat.has_session
    has("P1", "XNAT_S00002", "XNAT_E00002", {"1": {"a.dcm": b"other"}})
    return has("P1", "S2", "MR1", {"1": {"a.dcm": b"meant"}})


@pytest.mark.parametrize(
    "record",
    [
        {"kind": "session", "id": "XNAT_E00002", "project": "P1"},
        {"kind": "scan", "id": "1", "session_id": "XNAT_E00002", "project": "P1"},
        {"kind": "subject", "id": "XNAT_S00002", "project": "P1"},
        {"kind": "subject", "id": "XNAT_S00002", "label": "S2", "project": "P1"},
    ],
)
def test_a_record_with_an_id_is_not_taken_for_what_has_that_for_a_label(
    download: Downloader, meant: Experiment, record: dict[str, str]
) -> None:
    assert (meant.id, meant.subject_id) == ("XNAT_E00002", "XNAT_S00002")
    ran = download.records(record)
    assert ran.status == 0, ran.err
    assert download.files() == {"MR1/scans/1/resources/DICOM/files/a.dcm": b"meant"}


def test_a_project_has_the_sessions_of_both(download: Downloader, meant: Experiment) -> None:
    ran = download.records({"kind": "project", "id": "P1"})
    assert ran.status == 0, ran.err
    assert sorted(download.files().values()) == [b"meant", b"other"]
