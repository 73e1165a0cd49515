"""What is in the archive already: conflicts and merging."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.archiving import EXISTS, MATCHING, archive, files, session, stage
from support.imports import members, message, post, statuses
from support.sandbox import XNAT
from xnat_sandbox import samples

pytestmark = pytest.mark.usefixtures("builds_nothing")


def test_the_same_files_again_are_a_conflict(xnat: XNAT, series: dict[str, bytes]) -> None:
    archive(xnat, stage(xnat, series))
    response = archive(xnat, stage(xnat, series))
    expected = f"FAILED: Unable to archive SUB001_MR1: Operation Failed: {MATCHING}"
    assert (response.status_code, message(response)) == (500, expected)
    assert statuses(xnat) == ["CONFLICT"]


def test_more_files_of_a_scan_are_merged_without_being_told(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    (first, *rest) = series.items()
    archive(xnat, stage(xnat, dict([first])))
    assert archive(xnat, stage(xnat, dict(rest))).status_code == 200
    assert files(xnat) == series
    assert xnat.store.items.scans(session(xnat).id)[0].fields["frames"] == 3


@pytest.mark.parametrize("overwrite", ["append", "delete"])
def test_append_is_as_good_as_delete_for_a_single_session(
    xnat: XNAT, series: dict[str, bytes], overwrite: str
) -> None:
    archive(xnat, stage(xnat, series))
    changed = {name: data[:-1] + b"!" for name, data in series.items()}
    assert archive(xnat, stage(xnat, changed), overwrite=overwrite).status_code == 200
    assert files(xnat) == changed


def test_a_project_of_code_five_replaces_files(xnat: XNAT, series: dict[str, bytes]) -> None:
    xnat.has_project("P5", code=5)
    for _ in range(2):
        assert archive(xnat, stage(xnat, series, "P5"), AA="false").status_code == 200


def test_another_series_of_the_same_number_gets_another_id(
    xnat: XNAT, series: dict[str, bytes], tmp_path: Path
) -> None:
    other = members(samples.write_series(tmp_path / "o", series_uid="1.2.3"))
    archive(xnat, stage(xnat, series))
    assert archive(xnat, stage(xnat, other)).status_code == 200
    assert [scan.id for scan in xnat.store.items.scans(session(xnat).id)] == ["1", "1-MR1"]
    assert files(xnat, "1") == series
    assert files(xnat, "1-MR1") == other


def test_a_session_made_before_the_upload_is_filled(xnat: XNAT, series: dict[str, bytes]) -> None:
    xnat.has_session("P1", "SUB001", "SUB001_MR1", note="kept")
    assert archive(xnat, stage(xnat, series)).status_code == 200
    assert session(xnat).fields["note"] == "kept"
    assert files(xnat) == series


def test_the_subject_of_a_session_cannot_change(xnat: XNAT, series: dict[str, bytes]) -> None:
    xnat.has_session("P1", "SOMEBODY", "SUB001_MR1")
    response = archive(xnat, stage(xnat, series), overwrite="delete")
    assert (response.status_code, statuses(xnat)) == (500, ["ERROR"])
    assert "session subject" in message(response)


def test_another_modality_is_not_merged_unless_the_site_allows_it(
    xnat: XNAT, series: dict[str, bytes]
) -> None:
    xnat.has_session("P1", "SUB001", "SUB001_MR1", xsi_type="xnat:petSessionData")
    uri = stage(xnat, series)
    assert "session modality" in message(archive(xnat, uri, overwrite="delete"))
    xnat.store.preferences.set("preventCrossModalityMerge", False)
    assert archive(xnat, uri).status_code == 200


def test_another_study_is_a_conflict_that_can_be_overridden(
    xnat: XNAT, series: dict[str, bytes], tmp_path: Path
) -> None:
    other = members(samples.write_series(tmp_path / "o", study_uid="1.2.3", series=2))
    archive(xnat, stage(xnat, series))
    uri = stage(xnat, other)
    assert "session UID" in message(archive(xnat, uri))
    assert archive(xnat, uri, overwrite="delete").status_code == 200


def test_validation_lists_conflicts_without_archiving(xnat: XNAT, series: dict[str, bytes]) -> None:
    archive(xnat, stage(xnat, series))
    uri = stage(xnat, series)
    for overwrite in ("", "delete"):
        data = {"src": uri, "overwrite": overwrite}
        answer = post(xnat, "/data/services/validate-archive?format=json", data=data)
        assert answer.json()["ResultSet"]["Result"] == [
            {"code": "1", "type": "CONFLICT", "message": EXISTS},
            {"code": "18", "type": "CONFLICT", "message": MATCHING},
        ]
    assert statuses(xnat) == ["READY"]
    two = post(xnat, "/data/services/validate-archive", data={"src": [uri, uri]})
    assert two.status_code == 400
